"""Raw records in a database, as ingest leaves them, with few words: sources, what they reached, posts and articles.

For tests of analysis, signals and writing on a real server. What does not belong here: checks, and published stories
(newsroom.py has those).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection

PLATFORMS = {"rss": "news", "reddit": "reddit", "bluesky_search": "bluesky"}


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """A moment of a day, UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def dump(conn: Connection, tables: Sequence[str]) -> dict[str, list[str]]:
    """Every row of the tables as text: what a run must leave alone, run ids and keys included."""
    return {
        t: [next(iter(r.values())) for r in conn.execute(f"SELECT x::text FROM {t} x ORDER BY 1").fetchall()]
        for t in tables
    }


@dataclass
class World:
    """Writes through a connection. `sources` and `fetches` remember what was made: id → (kind, publisher), fetch id."""

    conn: Connection
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    fetches: dict[str, int] = field(default_factory=dict)

    def one(self, sql: str, *values: Any) -> Any:
        """First column of the first row."""
        row = self.conn.execute(sql, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def topics(self, *slugs: str) -> None:
        """Configured beats."""
        for position, slug in enumerate(slugs):
            self.conn.execute(
                """INSERT INTO topics (slug, label, description, config_hash, position)
                   VALUES (%s, %s, 'A beat of the test world.', 'test', %s) ON CONFLICT DO NOTHING""",
                (slug, slug.replace("-", " ").title(), position),
            )

    def source(self, name: str, kind: str = "rss", publisher: str | None = None) -> str:
        """A configured source; its records are written under its first fetch."""
        publisher = publisher or {"reddit": "Reddit", "bluesky_search": "Bluesky"}.get(kind, name.title())
        self.conn.execute(
            """INSERT INTO sources (id, kind, platform, config, config_hash, publisher, status)
               VALUES (%s, %s, %s, %s, 'test', %s, 'ok')""",
            (name, kind, PLATFORMS[kind], Jsonb({}), publisher),
        )
        self.sources[name] = (kind, publisher)
        self.fetches[name] = self.fetch(name)
        return name

    def fetch(self, source: str, since: datetime | None = None, until: datetime | None = None, **columns: Any) -> int:
        """A fetch that reached from `since` to `until`."""
        values = {
            "source_id": source, "purpose": "source", "url": f"https://{source}.example/feed", "outcome": "not_modified",
            "requested_at": until or datetime(2020, 1, 1, tzinfo=UTC), "reach_since": since, "reach_until": until,
            "run_id": "ingest", **columns,
        }  # fmt: skip
        return int(
            self.one(
                f"INSERT INTO fetches ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
                *values.values(),
            )
        )

    def reach(self, source: str, first: date, last: date) -> None:
        """The source showed every item of the days first to last, as was known when the last began."""
        self.fetch(source, at(first, 0), at(last + timedelta(days=1), 0), requested_at=at(last, 0))

    def record(
        self, source: str, native: str, text: str, when: datetime, *, title: str | None = None, author: str | None = None,
        seen: datetime | None = None, community: str | None = None, family: str | None = None, lang: str | None = None,
        **version: Any,
    ) -> int:  # fmt: skip
        """One record with one version. text: the body; the stored text is title, blank line, body."""
        kind, publisher = self.sources[source]
        name = native if kind != "rss" else f"{source}|{native}"
        url = f"https://{source}.example/{native}"
        record = self.one(
            """INSERT INTO records (platform, native_id, source_id, url, canonical_url, author_name, author_key, publisher,
                   publisher_family, community, published_at, day, first_seen_at, first_fetch_id, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'ingest') RETURNING id""",
            PLATFORMS[kind], name, source, url, url, author, author or f"{publisher.lower()}|{native}", publisher,
            family or publisher.lower(), community, when, when.astimezone(UTC).date(), seen or when,
            self.fetches[source],
        )  # fmt: skip
        self.version(record, text, title=title, seen=seen or when, lang=lang, **version)
        return int(record)

    def version(
        self, record: int, text: str, *, title: str | None = None, seen: datetime | None = None, lang: str | None = None,
        title_truncated: bool = False, body_truncated: bool = False,
    ) -> int:  # fmt: skip
        """A (further) version of a record."""
        whole = f"{title}\n\n{text}" if title else text
        return int(
            self.one(
                """INSERT INTO record_versions (record_id, number, title, text, text_sha256, title_truncated, body_truncated,
                       declared_lang, first_seen_at, first_fetch_id, run_id)
                   SELECT %s, 1 + count(*), %s, %s, %s, %s, %s, %s, %s, %s, 'ingest' FROM record_versions WHERE record_id = %s
                   RETURNING id""",
                record, title, whole, hashlib.sha256(whole.encode()).hexdigest(), title_truncated, body_truncated, lang,
                seen or datetime(2026, 5, 1, tzinfo=UTC),
                self.one("SELECT first_fetch_id FROM records WHERE id = %s", record), record,
            )
        )  # fmt: skip

    def assign(self, record: int, topic: str | None, score: float = 0.8, *, rank: int = 1) -> None:
        """What analysis would say of the record's newest version; topic None: of no topic."""
        version, day = self.one("SELECT max(id) FROM record_versions WHERE record_id = %s", record), None
        day = self.one("SELECT day FROM records WHERE id = %s", record)
        self.conn.execute(
            """INSERT INTO record_analysis (record_version_id, day, lang, lang_confidence, ai_score, about_ai, engine,
                   engine_version, input_hash, run_id)
               VALUES (%s, %s, 'en', 1, 0.9, %s, 'test', 'test', 'test', 'analyze') ON CONFLICT DO NOTHING""",
            (version, day, topic is not None),
        )
        if topic is not None:
            self.conn.execute(
                "INSERT INTO record_topics VALUES (%s, %s, %s, %s, %s, %s, 'test', 'analyze')",
                (record, topic, version, day, rank, score),
            )

    def voices(
        self, source: str, day: date, topic: str | None, count: int, *, seen: datetime | None = None, tag: str = "",
        authors: int | None = None, family: str | None = None,
    ) -> list[int]:  # fmt: skip
        """`count` analysed records of one day, each a text of its own; `authors`: how many wrote them (one each)."""
        kind, publisher = self.sources[source]
        rows = self.conn.execute(
            _VOICES,
            {
                "platform": PLATFORMS[kind], "prefix": f"{source}|" if kind == "rss" else "", "source": source, "day": day,
                "topic": topic, "tag": tag, "count": count, "authors": authors or count, "publisher": publisher,
                "family": family or publisher.lower(), "first": at(day, 8), "seen": seen, "fetch": self.fetches[source],
                "name": f"{day}-{topic}-{tag}",
            },
        ).fetchall()  # fmt: skip
        return [row["id"] for row in rows]

    def copies(self, records: Sequence[int]) -> None:
        """Mark records as copies of the first."""
        group = self.one(
            """INSERT INTO duplicate_groups (representative, first_day, size, engine_version, run_id)
               SELECT id, day, %s, 'test', 'analyze' FROM records WHERE id = %s RETURNING id""",
            len(records), records[0],
        )  # fmt: skip
        for record in records:
            self.conn.execute("INSERT INTO duplicate_members VALUES (%s, %s, 1)", (record, group))


_VOICES = """
WITH made AS (
    INSERT INTO records (platform, native_id, source_id, url, canonical_url, author_key, publisher, publisher_family,
                         published_at, day, first_seen_at, first_fetch_id, run_id)
    SELECT %(platform)s, %(prefix)s || %(name)s || i, %(source)s, 'https://' || %(source)s || '.example/' || %(name)s || i,
           'https://' || %(source)s || '.example/' || %(name)s || i, %(source)s || '-author-' || i %% %(authors)s,
           %(publisher)s, %(family)s, %(first)s + make_interval(mins => i), %(day)s,
           COALESCE(%(seen)s, %(first)s + make_interval(mins => i)), %(fetch)s, 'ingest'
    FROM generate_series(0, %(count)s - 1) i ORDER BY i
    RETURNING id, native_id, first_seen_at
), said AS (
    INSERT INTO record_versions (record_id, number, text, text_sha256, first_seen_at, first_fetch_id, run_id)
    SELECT id, 1, t, encode(sha256(convert_to(t, 'UTF8')), 'hex'), first_seen_at, %(fetch)s, 'ingest'
    FROM made, LATERAL (SELECT 'Post ' || native_id || ' says something of its own.' AS t) words
    RETURNING id, record_id
), judged AS (
    INSERT INTO record_analysis (record_version_id, day, lang, lang_confidence, ai_score, about_ai, engine, engine_version,
                                 input_hash, run_id)
    SELECT id, %(day)s, 'en', 1, 0.9, %(topic)s::text IS NOT NULL, 'test', 'test', 'test', 'analyze' FROM said
), assigned AS (
    INSERT INTO record_topics
    SELECT record_id, %(topic)s, id, %(day)s, 1, 0.8, 'test', 'analyze' FROM said WHERE %(topic)s::text IS NOT NULL
)
SELECT id FROM made ORDER BY id
"""
