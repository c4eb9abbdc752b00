"""A newsroom of four topics in which every kind of signal has something to say, built voice by voice.

For tests of all kinds at once. What does not belong here: checks (postgres/test_signal_kinds.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zlib import crc32

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.text.sentiment import sentiment_version
from aidran_pipeline_tests.world import World, at

DAY = date(2026, 6, 20)
DAYS = 16
MORNING = at(DAY + timedelta(days=1), 5, 30)
TOPICS = ("ai-law", "ai-finance", "ai-military", "ai-energy")
SOURCES = (("ledger", "rss"), ("gazette", "rss"), ("bsky", "bluesky_search"), ("sub", "reddit"))
TABLE = "test-table"


@dataclass(frozen=True)
class Said:
    """One record to be. story: which storyline it tells; group: which near-identical text it is."""

    source: str
    name: str
    day: date
    minute: int
    topic: str
    entities: tuple[str, ...] = ()
    story: str | None = None
    group: str | None = None
    author: str | None = None
    seen: datetime | None = None


def usual_days(seed: int = 7) -> Iterator[Said]:
    """Sixteen days before DAY and DAY itself, without any change: every source speaks of every topic."""
    rng = random.Random(seed)
    for back in range(DAYS, -1, -1):
        day = DAY - timedelta(days=back)
        for source, _ in SOURCES:
            for topic in TOPICS:
                much = topic == "ai-energy" and source in ("bsky", "gazette")
                for i in range(rng.randint(12, 15) if much else rng.randint(4, 6)):
                    named = tuple(n for n in ("OpenAI", "Google", "Meta") if rng.random() < 0.4)
                    yield Said(source, f"{source}-{topic}-{back}-{i}", day, rng.randint(0, 1300), topic, named,
                               story=f"{source}-{topic}-{back // 4}", author=f"{source}-{i}")  # fmt: skip
    for back in range(DAYS, 0, -1):  # a storyline now and then that crosses from Reddit to the news
        if back % 5 == 0:
            day, story = DAY - timedelta(days=back), f"old-{back}"
            yield Said("sub", f"{story}-1", day, 400, "ai-finance", story=story)
            yield Said("ledger", f"{story}-2", day, 500, "ai-finance", story=story)


def changes() -> Iterator[Said]:
    """What happens on DAY: one thing for each kind."""
    for i in range(10):
        yield Said("bsky" if i % 2 else "ledger", f"surge-{i}", DAY, 600 + i, "ai-law", ("Nvidia",))
    yield Said("sub", "leak-0", DAY - timedelta(days=1), 1200, "ai-finance", story="leak")
    for i in range(12):
        yield Said(("bsky", "ledger", "gazette")[i % 3], f"leak-{i + 1}", DAY, 300 + i, "ai-finance", story="leak")
    for i in range(20):
        yield Said("bsky", f"push-{i}", DAY, 700 + i, "ai-military", group="push", author=f"fresh-{i}")
    for i in range(25):
        yield Said("bsky", f"apart-b{i}", DAY, 800 + i, "ai-energy", ("Microsoft",))
        yield Said("gazette", f"apart-n{i}", DAY, 800 + i, "ai-energy", ("Anthropic",))


class Scene:
    """Writes what was said, measures, and tells what came of it without keys or run ids."""

    def __init__(self, conn: Connection) -> None:
        self.conn, self.world = conn, World(conn)
        self.storylines: dict[str, int] = {}
        self.groups: dict[str, int] = {}

    @classmethod
    def of(cls, conn: Connection, built: Scene) -> Scene:
        """A scene that stands already, in a copy of its database."""
        made = cls(conn)
        made.world.sources, made.world.fetches = dict(built.world.sources), dict(built.world.fetches)
        made.storylines, made.groups = dict(built.storylines), dict(built.groups)
        return made

    def build(self, said: list[Said]) -> Scene:
        """Topics, sources and every record, in the order given."""
        self.world.topics(*TOPICS)
        for name, kind in SOURCES:
            self.world.source(name, kind)
            self.world.reach(name, DAY - timedelta(days=DAYS), DAY)
        self.say(said)
        return self

    def say(self, said: list[Said]) -> None:
        """Further records, analysed."""
        with self.conn.transaction():
            for one in said:
                self._say(one)

    def _say(self, one: Said) -> None:
        moment = at(one.day, 0) + timedelta(minutes=one.minute)
        text = f"The same words by many, {one.group}." if one.group else f"{one.name} says something of its own."
        record = self.world.record(one.source, one.name, text, moment, author=one.author, seen=one.seen)
        self.world.assign(record, one.topic)
        self.conn.execute(
            """UPDATE record_analysis SET entities_version = %s WHERE record_version_id =
                   (SELECT max(id) FROM record_versions WHERE record_id = %s)""",
            (TABLE, record),
        )
        # A tone of its own for each text, the same wherever it stands among the others.
        self.conn.execute(
            """INSERT INTO record_sentiments (record_version_id, engine_version, day, balance, sentiment_confidence,
                   stance_balance, stance,
                   stance_confidence, engine, input_hash, run_id)
               SELECT max(id), %s, %s, %s, 0.5, 0, %s, 0.5, 'test', 'test', 'analyze' FROM record_versions WHERE record_id = %s""",
            (
                sentiment_version(), one.day, crc32(text.encode()) % 500 - 250,
                ("supportive", "critical", "neutral")[crc32(text.encode()) % 3], record,
            ),
        )  # fmt: skip
        for entity in one.entities:
            self.conn.execute(
                """INSERT INTO record_entities SELECT %s, %s, 'organisation', max(id), %s, 1, %s, 'analyze'
                   FROM record_versions WHERE record_id = %s""",
                (record, entity, one.day, TABLE, record),
            )
        if one.story:
            self._tell(one, record)
        if one.group:
            self._copy(one, record)

    def _tell(self, one: Said, record: int) -> None:
        if one.story not in self.storylines:
            self.storylines[str(one.story)] = self.world.one(
                """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, engine_version, input_hash, run_id)
                   VALUES (%s, 'event', 'A storyline of the test world', '[]', %s, %s, 'test', 'test', 'analyze')
                   RETURNING id""",
                one.topic, one.day, one.day,
            )  # fmt: skip
        self.conn.execute(
            "INSERT INTO storyline_records (storyline_id, record_id, day, weight) VALUES (%s, %s, %s, 0.5)",
            (self.storylines[str(one.story)], record, one.day),
        )

    def _copy(self, one: Said, record: int) -> None:
        if one.group not in self.groups:
            self.groups[str(one.group)] = self.world.one(
                """INSERT INTO duplicate_groups (representative, first_day, size, engine_version, run_id)
                   VALUES (%s, %s, 2, 'test', 'analyze') RETURNING id""",
                record, one.day,
            )  # fmt: skip
        self.conn.execute("INSERT INTO duplicate_members VALUES (%s, %s, 1)", (record, self.groups[str(one.group)]))

    def measure(self, now: datetime = MORNING) -> dict[tuple[str, str], dict[str, Any]]:
        """By kind and topic what was found on DAY: outcome, series, figures, evidence."""
        run = Run("r1", now)
        compute_signals(self.conn, [(DAY, topic) for topic in TOPICS], run=run, publication=load_publication())
        rows = self.conn.execute(
            """SELECT b.kind, b.topic, b.outcome, b.series, b.history_days, b.tests, b.kinds, s.observed, s.expected,
                      s.score, s.p_value, s.p_uncorrected, s.severity, s.subject, s.records, s.authors, s.families,
                      (SELECT array_agg(r.native_id || '=' || e.weight ORDER BY r.native_id) FROM signal_evidence e
                       JOIN records r ON r.id = e.record_id WHERE e.signal_id = s.id) AS evidence
               FROM baselines b LEFT JOIN signals s ON s.baseline_id = b.id WHERE b.day = %s""",
            (DAY,),
        ).fetchall()
        return {(row.pop("kind"), row.pop("topic")): row for row in rows}
