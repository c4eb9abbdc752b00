"""Table payloads: fetched bodies by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime

from aidran_pipeline.store.db import Connection

LARGEST = 256 * 1024 * 1024


def save_payload(conn: Connection, body: bytes, *, media_type: str | None, now: datetime) -> str:
    """Store a body once and return its hash (hex). An expired body that comes again is kept again."""
    sha256 = hashlib.sha256(body).hexdigest()
    known = conn.execute("SELECT body IS NOT NULL AS kept FROM payloads WHERE sha256 = %s", (sha256,)).fetchone()
    if known is not None and known["kept"]:
        return sha256
    conn.execute(
        """INSERT INTO payloads (sha256, encoding, body, byte_length, media_type, stored_at)
           VALUES (%s, 'zlib', %s, %s, %s, %s)
           ON CONFLICT (sha256) DO UPDATE SET
               body = EXCLUDED.body, encoding = EXCLUDED.encoding, stored_at = EXCLUDED.stored_at, expired_at = NULL
               WHERE payloads.body IS NULL""",
        (sha256, zlib.compress(body, 6), len(body), (media_type or "")[:200] or None, now),
    )
    return sha256


def load_payload(conn: Connection, sha256: str) -> bytes | None:
    """The uncompressed body, or None when it is unknown or has expired.

    Raises ValueError naming the hash when the stored bytes cannot be read. The hash is not checked here: verify does.
    """
    row = conn.execute("SELECT encoding, body FROM payloads WHERE sha256 = %s", (sha256,)).fetchone()
    if row is None or row["body"] is None:
        return None
    stored = bytes(row["body"])
    if row["encoding"] == "identity":
        return stored
    try:
        return zlib.decompressobj().decompress(stored, LARGEST)
    except zlib.error as error:
        raise ValueError(f"payload {sha256} cannot be decompressed: {error}") from error
