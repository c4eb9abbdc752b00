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
        """SELECT kind, keyed_hash FROM tombstones WHERE platform = %s
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
    """Put a tombstone up, unless there is one. Returns whether it is new."""
    return (
        conn.execute(
            """INSERT INTO tombstones AS t (kind, platform, keyed_hash, cause, reason, record_id, erased_at, figures,
                   run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (kind, platform, keyed_hash) DO NOTHING""",
            (kind, platform, keyed_hash, cause, reason, record_id, now, Jsonb(figures), run_id),
        ).rowcount
        > 0
    )


def erased_pages(conn: Connection, urls: Iterable[str]) -> set[str]:
    """Which of these addresses were pages of articles that are erased: not to be fetched again."""
    listed = list(dict.fromkeys(urls))
    if not listed or conn.execute("SELECT FROM tombstones WHERE kind = 'page' LIMIT 1").fetchone() is None:
        return set()
    keyed = Keyed.of(conn)
    hashes = {keyed.hash("page", url): url for url in listed}
    rows = conn.execute(
        "SELECT keyed_hash FROM tombstones WHERE kind = 'page' AND keyed_hash = ANY(%s)", (list(hashes),)
    )
    return {hashes[row["keyed_hash"]] for row in rows}


def unfinished_authors(conn: Connection) -> dict[int, tuple[str, str]]:
    """Records of authors who have a tombstone, left by an interrupted erasure: id → (platform, author key)."""
    rows = conn.execute("SELECT platform, keyed_hash FROM tombstones WHERE kind = 'author'").fetchall()
    if not rows:
        return {}
    keyed, gone = Keyed.of(conn), {(row["platform"], row["keyed_hash"]) for row in rows}
    platforms = sorted({platform for platform, _ in gone})
    authors = conn.execute(
        "SELECT DISTINCT platform, author_key FROM records WHERE erased_at IS NULL AND platform = ANY(%s)", (platforms,)
    ).fetchall()
    left = [
        (row["platform"], row["author_key"]) for row in authors
        if (row["platform"], keyed.author(row["platform"], row["author_key"])) in gone
    ]  # fmt: skip
    found = conn.execute(
        """SELECT r.id, r.platform, r.author_key FROM records r
           JOIN unnest(%s::text[], %s::text[]) AS a (platform, author_key) USING (platform, author_key)
           WHERE r.erased_at IS NULL ORDER BY r.id""",
        ([platform for platform, _ in left], [author for _, author in left]),
    ).fetchall()
    return {row["id"]: (row["platform"], row["author_key"]) for row in found}


def renamed_story(conn: Connection, slug: str) -> str | None:
    """The present slug of a story that was called so before its words were erased; None when there is none."""
    if conn.execute("SELECT FROM former_slugs LIMIT 1").fetchone() is None:
        return None
    row = conn.execute(
        "SELECT a.slug FROM former_slugs f JOIN articles a ON a.id = f.article_id WHERE f.keyed_hash = %s",
        (Keyed.of(conn).hash("slug", slug),),
    ).fetchone()
    return str(row["slug"]) if row else None
