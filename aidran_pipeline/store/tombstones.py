"""Tables erasure_key, tombstones and former_slugs: what was erased, known again by a keyed hash.

Nothing is blanked here.

A keyed hash is HMAC-SHA-256 under a key that only this database has: a list of ids of the outside does not tell which
of them were erased here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection

PREFIX = "erased:"


@dataclass(frozen=True)
class Keyed:
    """Keyed hashes under this database's key."""

    secret: bytes

    @classmethod
    def of(cls, conn: Connection) -> Keyed:
        """Read the key. Raises LookupError in a database that lost it: nothing may be erased, or ingested, without."""
        row = conn.execute("SELECT secret FROM erasure_key").fetchone()
        if row is None:
            raise LookupError("table erasure_key is empty: restore it from a backup before anything is read or erased")
        return cls(bytes(row["secret"]))

    def hash(self, kind: str, *parts: str) -> str:
        """Hex digest of what kind of thing it is and its parts."""
        said = "\x00".join((kind, *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, said, hashlib.sha256).hexdigest()

    def record(self, platform: str, native_id: str) -> str:
        """Of a record; of one that is erased already, the hash its id holds."""
        return native_id[len(PREFIX) :] if native_id.startswith(PREFIX) else self.hash("record", platform, native_id)

    def author(self, platform: str, author_key: str) -> str:
        """Of an author; of one that is keyed already, the hash its key holds."""
        return author_key[len(PREFIX) :] if author_key.startswith(PREFIX) else self.hash("author", platform, author_key)


def erased_among(conn: Connection, platform: str, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (native id, author key) are erased: as records, or as posts of an author who was."""
    listed = list(dict.fromkeys(pairs))
    if not listed or conn.execute("SELECT FROM tombstones WHERE platform = %s LIMIT 1", (platform,)).fetchone() is None:
        return set()
    keyed = Keyed.of(conn)
    records = {keyed.record(platform, native_id): native_id for native_id, _ in listed}
    authors = {keyed.author(platform, author): author for _, author in listed}
    rows = conn.execute(
        """SELECT kind, keyed_hash FROM tombstones WHERE platform = %s AND lifted_at IS NULL
           AND ((kind = 'record' AND keyed_hash = ANY(%s)) OR (kind = 'author' AND keyed_hash = ANY(%s)))""",
        (platform, list(records), list(authors)),
    ).fetchall()
    gone_records = {records[row["keyed_hash"]] for row in rows if row["kind"] == "record"}
    gone_authors = {authors[row["keyed_hash"]] for row in rows if row["kind"] == "author"}
    return {(record, author) for record, author in listed if record in gone_records or author in gone_authors}


def add_tombstone(
    conn: Connection, *, kind: str, platform: str, keyed_hash: str, cause: str, reason: str, record_id: int | None,
    now: datetime, run_id: str, figures: dict[str, Any],
) -> bool:  # fmt: skip
    """Put a tombstone up; of an author whose tombstone was lifted, again. Returns whether a row changed."""
    return (
        conn.execute(
            """INSERT INTO tombstones AS t (kind, platform, keyed_hash, cause, reason, record_id, erased_at, figures,
                   run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (kind, platform, keyed_hash) DO UPDATE SET lifted_at = NULL, erased_at = EXCLUDED.erased_at,
                   cause = EXCLUDED.cause, reason = EXCLUDED.reason, run_id = EXCLUDED.run_id
               WHERE t.lifted_at IS NOT NULL""",
            (kind, platform, keyed_hash, cause, reason, record_id, now, Jsonb(figures), run_id),
        ).rowcount
        > 0
    )


def tombstone_of(conn: Connection, record_id: int) -> dict[str, Any] | None:
    """The tombstone of a record: when it was erased, why and by what."""
    return conn.execute(
        """SELECT id, platform, cause, reason, erased_at, keyed_hash, figures, run_id FROM tombstones
           WHERE record_id = %s""",
        (record_id,),
    ).fetchone()


def renamed_story(conn: Connection, slug: str) -> str | None:
    """The present slug of a story that was called so before its words were erased; None when there is none."""
    if conn.execute("SELECT FROM former_slugs LIMIT 1").fetchone() is None:
        return None
    row = conn.execute(
        "SELECT a.slug FROM former_slugs f JOIN articles a ON a.id = f.article_id WHERE f.keyed_hash = %s",
        (Keyed.of(conn).hash("slug", slug),),
    ).fetchone()
    return str(row["slug"]) if row else None
