"""Table payloads: fetched bodies by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime

from aidran_pipeline.store.db import Connection

LARGEST = 256 * 1024 * 1024


def save_payload(
    conn: Connection, body: bytes, *, media_type: str | None, now: datetime, kept: bytes | None = None
) -> str:
    """Store a body once and return its hash (hex). An expired body that comes again is kept again.

    kept: what of it may be stored, when it holds something that was erased; the hash is that of the body all the same.
    A redacted copy that is there already stays.
    """
    sha256 = hashlib.sha256(body).hexdigest()
    known = conn.execute("SELECT body IS NOT NULL AS kept FROM payloads WHERE sha256 = %s", (sha256,)).fetchone()
    if known is not None and known["kept"]:
        return sha256
    stored = body if kept is None else kept
    conn.execute(
        """INSERT INTO payloads (sha256, encoding, body, byte_length, media_type, stored_at, redacted_at,
               redacted_sha256)
           VALUES (%(sha256)s, 'zlib', %(body)s, %(length)s, %(type)s, %(now)s, %(redacted)s, %(copy)s)
           ON CONFLICT (sha256) DO UPDATE SET
               body = EXCLUDED.body, encoding = EXCLUDED.encoding, stored_at = EXCLUDED.stored_at, expired_at = NULL,
               redacted_at = EXCLUDED.redacted_at, redacted_sha256 = EXCLUDED.redacted_sha256
               WHERE payloads.body IS NULL AND payloads.redacted_at IS NULL""",
        {
            "sha256": sha256, "body": zlib.compress(stored, 6), "length": len(body), "now": now,
            "type": (media_type or "")[:200] or None, "redacted": None if kept is None else now,
            "copy": None if kept is None else hashlib.sha256(kept).hexdigest(),
        },
    )  # fmt: skip
    return sha256


def redact_payload(conn: Connection, sha256: str, copy: bytes, *, now: datetime) -> None:
    """Put a copy without what was erased in a body's place. Only while `aidran.erasing` is on in this transaction."""
    conn.execute(
        """UPDATE payloads SET body = %s, encoding = 'zlib', redacted_at = %s, redacted_sha256 = %s, expired_at = NULL
           WHERE sha256 = %s""",
        (zlib.compress(copy, 6), now, hashlib.sha256(copy).hexdigest(), sha256),
    )


def expire_payloads(conn: Connection, before: datetime, now: datetime) -> int:
    """Let go of bodies stored before a moment on which no published story rests; their rows and hashes stay.

    A story rests on the first fetch of each record version and page version that any of its versions cites, and of the
    record itself; a completed text also on the feed's own version. Returns how many went.
    """
    return conn.execute(_EXPIRE, {"before": before, "now": now}).rowcount


_EXPIRE = """
WITH versions AS (SELECT DISTINCT record_version_id AS id FROM citations WHERE record_version_id IS NOT NULL),
needed AS (
    SELECT first_fetch_id AS fetch FROM record_versions WHERE record_id IN (
        SELECT record_id FROM record_versions v JOIN versions c ON c.id = v.id)
    UNION SELECT r.first_fetch_id FROM records r JOIN record_versions v ON v.record_id = r.id
        JOIN versions c ON c.id = v.id
    UNION SELECT w.fetch_id FROM web_page_versions w WHERE w.id IN (SELECT web_page_version_id FROM citations)
)
UPDATE payloads p SET body = NULL, expired_at = %(now)s
WHERE p.body IS NOT NULL AND p.stored_at < %(before)s
  AND NOT EXISTS (SELECT FROM fetches f JOIN needed n ON n.fetch = f.id WHERE f.payload_sha256 = p.sha256)
"""


def load_payload(conn: Connection, sha256: str) -> bytes | None:
    """The uncompressed body, or None when it is unknown or has expired.

    Raises ValueError naming the hash when the stored bytes cannot be read. The hash is not checked here: verify does.
    Of a redacted body the copy is given.
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
