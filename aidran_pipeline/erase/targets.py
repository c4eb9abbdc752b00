"""What a person means by RECORD or AUTHOR: from an address, an id or a name to the rows behind it. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aidran_pipeline.ingest.urls import canonical_url
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.tombstones import Keyed

BSKY = re.compile(r"https?://bsky\.app/profile/([^/]+)/post/([^/?#]+)")
REDDIT = re.compile(r"https?://(?:[\w-]+\.)?reddit\.com/r/[^/]+/comments/([a-z0-9]+)(?:/[^/]*/([a-z0-9]+))?", re.I)
REDD_IT = re.compile(r"https?://redd\.it/([a-z0-9]+)", re.I)
COLUMNS = "id, platform, native_id, author_key, author_name, publisher, url, day, erased_at"
MOST_SHOWN = 8


@dataclass(frozen=True)
class Target:
    """kind: record or author. records: rows that are meant, erased ones left out; author: (platform, author key)."""

    kind: str
    records: tuple[dict[str, Any], ...]
    author: tuple[str, str] | None = None

    @property
    def said(self) -> str:
        """In words, for the question before it is done."""
        if self.kind == "record":
            row = self.records[0]
            return f"record {row['id']}: {row['platform']}, {row['author_name'] or row['publisher']}, {row['day']}"
        assert self.author is not None
        return f"author {self.author[1]} on {self.author[0]}: {len(self.records)} records, and what comes later"


def find_target(conn: Connection, typed: str) -> Target:
    """The record, or the author with all records, that was typed.

    A record: its number as `aidran trace` shows it, its native id (at://…, t3_…, source|GUID), or its address. An
    author: the DID, handle or name as shown, with @ or u/ or without. Raises LookupError when nothing fits, when
    several authors do, or when it is erased already (the message says since when).
    """
    typed = typed.strip()
    rows = _records(conn, typed)
    if rows:
        alive = [row for row in rows if row["erased_at"] is None]
        if not alive:
            raise LookupError(f"record {rows[0]['id']} was erased on {rows[0]['erased_at']:%Y-%m-%d} already")
        return Target("record", tuple(alive))
    authors = _authors(conn, typed)
    if len(authors) == 1:
        platform, key = authors[0]
        found = conn.execute(
            f"SELECT {COLUMNS} FROM records WHERE platform = %s AND author_key = %s AND erased_at IS NULL ORDER BY id",
            (platform, key),
        ).fetchall()
        return Target("author", tuple(found), (platform, key))
    if authors:
        shown = ", ".join(f"{platform}:{key}" for platform, key in authors[:MOST_SHOWN])
        raise LookupError(f"{typed[:80]!r} may be several authors: name one of {shown}")
    _raise_unknown(conn, typed)
    raise AssertionError("unreachable")


def _records(conn: Connection, typed: str) -> list[dict[str, Any]]:
    if re.fullmatch(r"\d{1,18}", typed):
        return conn.execute(f"SELECT {COLUMNS} FROM records WHERE id = %s", (int(typed),)).fetchall()
    names, addresses = [typed], []
    if typed.lower().startswith(("http://", "https://")):
        addresses = [typed, canonical_url(typed), typed.rstrip("/"), typed.rstrip("/") + "/"]
        names += _reddit_names(typed)
        if match := BSKY.match(typed):
            return _bluesky(conn, *match.groups())
    return conn.execute(
        f"""SELECT {COLUMNS} FROM records WHERE native_id = ANY(%(names)s)
            OR url = ANY(%(urls)s) OR canonical_url = ANY(%(urls)s) ORDER BY id""",
        {"names": names, "urls": addresses},
    ).fetchall()


def _reddit_names(typed: str) -> list[str]:
    if match := REDDIT.match(typed):
        return [f"t1_{match[2].lower()}"] if match[2] else [f"t3_{match[1].lower()}"]
    return [f"t3_{match[1].lower()}"] if (match := REDD_IT.match(typed)) else []


def _bluesky(conn: Connection, profile: str, key: str) -> list[dict[str, Any]]:
    """By DID, or by the handle that stood in the address when the post was read."""
    return conn.execute(
        f"""SELECT {COLUMNS} FROM records WHERE platform = 'bluesky' AND (native_id = %(uri)s OR url = %(url)s)
            ORDER BY id""",
        {
            "uri": f"at://{profile}/app.bsky.feed.post/{key}",
            "url": f"https://bsky.app/profile/{profile.lower()}/post/{key}",
        },
    ).fetchall()


def _authors(conn: Connection, typed: str) -> Sequence[tuple[str, str]]:
    """(platform, author key) of whoever is called so; the key itself before a name."""
    platform, _, rest = typed.partition(":")
    exact = [(platform, rest)] if platform in ("bluesky", "reddit", "news") and rest else []
    exact += [(each, typed) for each in ("bluesky", "reddit", "news")]
    bare = re.sub(r"^(?:@|/?u/)", "", typed)
    for column, values in (("author_key", None), ("author_name", bare)):
        if values is None:
            pairs = [*exact, ("reddit", bare.lower())]
            rows = conn.execute(
                """SELECT DISTINCT platform, author_key FROM records
                   WHERE (platform, author_key) IN (SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY 1, 2""",
                ([pair[0] for pair in pairs], [pair[1] for pair in pairs]),
            ).fetchall()
        else:
            rows = conn.execute(
                f"""SELECT DISTINCT platform, author_key FROM records
                    WHERE (lower({column}) = lower(%(name)s) OR url LIKE %(profile)s) AND erased_at IS NULL
                    ORDER BY 1, 2""",
                {"name": values, "profile": f"https://bsky.app/profile/{values.lower()}/post/%"},
            ).fetchall()
        if rows:
            return [(row["platform"], row["author_key"]) for row in rows]
    return []


def _raise_unknown(conn: Connection, typed: str) -> None:
    """Say whether it is unknown, or known by its tombstone alone."""
    keyed = Keyed.of(conn)
    hashes = [keyed.record(platform, typed) for platform in ("bluesky", "reddit", "news")]
    hashes += [keyed.author(platform, typed) for platform in ("bluesky", "reddit", "news")]
    row = conn.execute("SELECT kind, erased_at FROM tombstones WHERE keyed_hash = ANY(%s)", (hashes,)).fetchone()
    if row is not None:
        raise LookupError(f"this {row['kind']} was erased on {row['erased_at']:%Y-%m-%d} already")
    raise LookupError(
        f"no record and no author {typed[:80]!r}\nname a record by its address, its native id or its number in "
        "`aidran trace`, an author by DID, handle or name"
    )
