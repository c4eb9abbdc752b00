"""Tables records, record_versions, record_observations, record_metrics and record_links, written set by set.

Rows go by COPY into a temporary table and from there by INSERT … SELECT: 100,000 records take seconds. What does not
belong here: parsing, fetching, and what a record means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from aidran_pipeline.store.db import Connection

METRICS = ("score", "comments", "likes", "reposts", "replies", "quotes")
COLUMNS = (
    "ordinal", "fetch_id", "observed", "native_id", "locator", "url", "canonical_url", "author_name", "author_key",
    "publisher", "publisher_family", "community", "published_at", "published_raw", "title", "text", "text_sha256",
    "title_truncated", "body_truncated", "declared_lang", *METRICS,
)  # fmt: skip


@dataclass(frozen=True)
class RecordRow:
    """One record of one body, ready to store. observed: the body is new, so an observation is due.

    metrics: by column name. links: (kind, url, canonical_url) in order. relations: (kind, native id).
    """

    fetch_id: int
    observed: bool
    native_id: str
    locator: str
    url: str
    canonical_url: str
    author_name: str | None
    author_key: str
    publisher: str
    publisher_family: str
    community: str | None
    published_at: datetime
    published_raw: str | None
    title: str | None
    text: str
    text_sha256: str
    title_truncated: bool
    body_truncated: bool
    declared_lang: str | None
    metrics: dict[str, int] = field(default_factory=dict)
    links: tuple[tuple[str, str, str], ...] = ()
    relations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Stored:
    """What storing changed: new records by fetch id, counts, and the days with a new record or version."""

    new_by_fetch: dict[int, int]
    records: int
    versions: int
    days: frozenset[date]


def store_records(
    conn: Connection, rows: Iterable[RecordRow], *, platform: str, source_id: str, run_id: str, now: datetime
) -> Stored:
    """Upsert the records of one source inside the caller's transaction. The same rows again change nothing.

    Identity is (platform, native id): day and publication moment stay as first seen. A changed text is the record's
    next version; one it had before adds none. Of one record in several bodies the first row makes the record, each
    body its observation. Metrics get a row when a figure differs from the newest one.
    """
    listed = list(rows)
    if not listed:
        return Stored({}, 0, 0, frozenset())
    _stage(conn, listed)
    given = {"platform": platform, "source": source_id, "run": run_id, "now": now}
    fresh = conn.execute(_RECORDS, given).fetchall()
    conn.execute(
        "UPDATE incoming i SET record_id = r.id FROM records r WHERE r.platform = %s AND r.native_id = i.native_id",
        (platform,),
    )
    versions = conn.execute(_VERSIONS, given).fetchall()
    conn.execute(_LINKS, {"versions": [row["id"] for row in versions]})
    _relate(conn, listed, platform, [row["id"] for row in fresh])
    conn.execute(_OBSERVATIONS)
    conn.execute(_METRICS_SQL, given)
    touched = conn.execute(
        "SELECT DISTINCT day FROM records WHERE id = ANY(%s)", ([row["record_id"] for row in versions],)
    ).fetchall()
    counts: dict[int, int] = {}
    for row in fresh:
        counts[row["first_fetch_id"]] = counts.get(row["first_fetch_id"], 0) + 1
    return Stored(counts, len(fresh), len(versions), frozenset(row["day"] for row in touched))


def _stage(conn: Connection, rows: list[RecordRow]) -> None:
    conn.execute(_TABLES)
    conn.execute("TRUNCATE incoming, incoming_links")
    with conn.cursor() as cursor, cursor.copy(f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for ordinal, row in enumerate(rows):
            copy.write_row((ordinal, *(_cell(row, name) for name in COLUMNS[1:])))
    with conn.cursor() as cursor, cursor.copy("COPY incoming_links FROM STDIN") as copy:
        for ordinal, row in enumerate(rows):
            for position, (kind, url, canonical) in enumerate(row.links):
                copy.write_row((ordinal, position, kind, url, canonical))
    conn.execute("ANALYZE incoming")


def _relate(conn: Connection, rows: list[RecordRow], platform: str, fresh: list[int]) -> None:
    """What new records refer to: as they were first seen, like their day."""
    wanted = [(row.native_id, kind, target) for row in rows for kind, target in row.relations]
    if wanted and fresh:
        columns = [list(column) for column in zip(*wanted, strict=True)]
        conn.execute(
            """INSERT INTO record_relations (record_id, kind, target)
               SELECT r.id, w.kind, w.target
               FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (native_id, kind, target)
               JOIN records r ON r.platform = %s AND r.native_id = w.native_id
               WHERE r.id = ANY(%s) ON CONFLICT DO NOTHING""",
            (*columns, platform, fresh),
        )


def _cell(row: RecordRow, name: str) -> Any:
    return row.metrics.get(name) if name in METRICS else getattr(row, name)


_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    ordinal integer PRIMARY KEY, record_id bigint, fetch_id bigint, observed boolean, native_id text, locator text,
    url text, canonical_url text, author_name text, author_key text, publisher text, publisher_family text,
    community text, published_at timestamptz, published_raw text, title text, text text, text_sha256 text,
    title_truncated boolean, body_truncated boolean, declared_lang text, score integer, comments integer,
    likes integer, reposts integer, replies integer, quotes integer);
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_links (
    ordinal integer, position integer, kind text, url text, canonical_url text);
"""

# Rows that are there already are left out before the insert: ON CONFLICT alone would burn an id for each.
_RECORDS = """
INSERT INTO records (platform, native_id, source_id, url, canonical_url, author_name, author_key, publisher,
                     publisher_family, community, published_at, published_raw, day, first_seen_at, first_fetch_id,
                         run_id)
SELECT %(platform)s, native_id, %(source)s, url, canonical_url, author_name, author_key, publisher, publisher_family,
       community, published_at, published_raw, (published_at AT TIME ZONE 'UTC')::date, %(now)s, fetch_id, %(run)s
FROM (SELECT DISTINCT ON (native_id) * FROM incoming ORDER BY native_id, ordinal) first
WHERE NOT EXISTS (SELECT FROM records r WHERE r.platform = %(platform)s AND r.native_id = first.native_id)
ORDER BY ordinal
ON CONFLICT (platform, native_id) DO NOTHING
RETURNING id, first_fetch_id
"""

_VERSIONS = """
INSERT INTO record_versions (record_id, number, title, text, text_sha256, title_truncated, body_truncated,
                             declared_lang, first_seen_at, first_fetch_id, run_id)
SELECT record_id,
       COALESCE((SELECT max(number) FROM record_versions v WHERE v.record_id = fresh.record_id), 0)
           + row_number() OVER (PARTITION BY record_id ORDER BY ordinal),
       title, text, text_sha256, title_truncated, body_truncated, declared_lang, %(now)s, fetch_id, %(run)s
FROM (SELECT DISTINCT ON (record_id, text_sha256) * FROM incoming
      ORDER BY record_id, text_sha256, ordinal) fresh
WHERE NOT EXISTS (SELECT FROM record_versions v
                  WHERE v.record_id = fresh.record_id AND v.text_sha256 = fresh.text_sha256)
ORDER BY ordinal
RETURNING id, record_id
"""

_LINKS = """
INSERT INTO record_links (record_version_id, position, kind, url, canonical_url)
SELECT v.id, l.position, l.kind, l.url, l.canonical_url
FROM record_versions v
JOIN LATERAL (SELECT min(ordinal) AS ordinal FROM incoming i
              WHERE i.record_id = v.record_id AND i.text_sha256 = v.text_sha256) i ON true
JOIN incoming_links l ON l.ordinal = i.ordinal
WHERE v.id = ANY(%(versions)s)
"""

_OBSERVATIONS = """
INSERT INTO record_observations (record_version_id, fetch_id, locator)
SELECT DISTINCT ON (v.id, i.fetch_id) v.id, i.fetch_id, i.locator
FROM incoming i
JOIN record_versions v ON v.record_id = i.record_id AND v.text_sha256 = i.text_sha256
WHERE i.observed
ORDER BY v.id, i.fetch_id, i.ordinal
ON CONFLICT DO NOTHING
"""

_METRICS_SQL = """
INSERT INTO record_metrics (record_id, fetch_id, observed_at, score, comments, likes, reposts, replies, quotes)
SELECT i.record_id, i.fetch_id, %(now)s, i.score, i.comments, i.likes, i.reposts, i.replies, i.quotes
FROM (SELECT DISTINCT ON (record_id) * FROM incoming
      WHERE num_nonnulls(score, comments, likes, reposts, replies, quotes) > 0 ORDER BY record_id, ordinal) i
LEFT JOIN LATERAL (SELECT * FROM record_metrics m WHERE m.record_id = i.record_id
                   ORDER BY observed_at DESC LIMIT 1) m ON true
WHERE m.record_id IS NULL OR (i.score, i.comments, i.likes, i.reposts, i.replies, i.quotes)
      IS DISTINCT FROM (m.score, m.comments, m.likes, m.reposts, m.replies, m.quotes)
ORDER BY i.ordinal
ON CONFLICT DO NOTHING
"""


def day_versions(conn: Connection, platform: str, days: Iterable[date]) -> dict[date, dict[str, Any]]:
    """Per day: data_version (hash over native ids and text hashes), records and versions of the platform."""
    rows = conn.execute(
        """SELECT r.day, count(DISTINCT r.id) AS records, count(*) AS versions, count(DISTINCT r.author_key) AS authors,
                  encode(sha256(convert_to(string_agg(r.native_id || ' ' || v.number || ' ' || v.text_sha256, E'\n'
                         ORDER BY r.native_id COLLATE "C", v.number), 'UTF8')), 'hex') AS data_version
           FROM records r JOIN record_versions v ON v.record_id = r.id
           WHERE r.platform = %s AND r.day = ANY(%s) GROUP BY r.day""",
        (platform, sorted(set(days))),
    ).fetchall()
    return {row["day"]: row for row in rows}
