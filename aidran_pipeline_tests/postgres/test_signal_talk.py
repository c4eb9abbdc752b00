"""`novelty` and `narrative_shift` on a real database: what is new, what moves, past days, replay, sources and copies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.signal.replaying import replay_days
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
MORNING = at(DAY + timedelta(days=1), 5, 30)
HISTORY = 24
PUBLICATION = load_publication()
KINDS = ("novelty", "narrative_shift")


class Talk:
    """A topic whose days are alike: ten matters of one voice each, one that two began, one long story."""

    def __init__(self, world: World) -> None:
        self.world, self.tag = world, itertools.count()
        self.long = self.storyline(DAY - timedelta(days=HISTORY))
        with world.conn.transaction():
            for back in range(HISTORY, 0, -1):
                self.usual_day(DAY - timedelta(days=back))

    def storyline(self, first: date, topic: str = "ai-law") -> int:
        return int(
            self.world.one(
                """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, engine_version, input_hash, run_id)
                   VALUES (%s, 'event', 'x', '[]', %s, %s, 'test', 'test', 'analyze') RETURNING id""",
                topic, first, first,
            )
        )  # fmt: skip

    def join(self, storyline: int, records: Sequence[int], day: date) -> None:
        for record in records:
            self.world.conn.execute("INSERT INTO storyline_records VALUES (%s, %s, %s, 1)", (storyline, record, day))

    def say(self, day: date, storyline: int, count: int, source: str = "ledger", **options: Any) -> list[int]:
        options.setdefault("tag", f"t{next(self.tag)}-")
        if source == "bsky":
            options.setdefault("authors", count)
        records = self.world.voices(source, day, "ai-law", count, **options)
        self.join(storyline, records, day)
        return records

    def usual_day(self, day: date, singles: int = 10) -> None:
        for _ in range(singles):
            self.say(day, self.storyline(day), 1, "bsky")
        pair = self.storyline(day)
        self.say(day, pair, 1, "ledger")
        self.say(day, pair, 1, "bsky")
        self.say(day, self.long, 2, "gazette")

    def compute(self, day: date = DAY) -> dict[str, Any]:
        compute_signals(self.world.conn, [(day, "ai-law")], run=Run("r1", MORNING), publication=PUBLICATION)
        rows = self.world.conn.execute(
            """SELECT b.kind, b.outcome, b.series, s.observed, s.expected, s.severity, s.p_uncorrected, s.subject, s.id
               FROM baselines b LEFT JOIN signals s ON s.baseline_id = b.id WHERE b.day = %s AND b.kind = ANY(%s)""",
            (day, list(KINDS)),
        ).fetchall()
        return {row["kind"]: row for row in rows}

    def evidence(self, signal: int) -> dict[int, float]:
        rows = self.world.conn.execute("SELECT record_id, weight FROM signal_evidence WHERE signal_id = %s", (signal,))
        return {row["record_id"]: row["weight"] for row in rows}


@pytest.fixture
def talk(conn: Any) -> Iterator[Talk]:
    world = World(conn)
    world.topics("ai-law", "ai-finance")
    for name, kind in (("ledger", "rss"), ("gazette", "rss"), ("bsky", "bluesky_search")):
        world.source(name, kind)
        world.reach(name, DAY - timedelta(days=28), DAY)
    yield Talk(world)


def broken_news(talk: Talk) -> list[int]:
    """Twelve voices of three outlets and nine people on something that began today."""
    new = talk.storyline(DAY)
    found = [*talk.say(DAY, new, 9, "bsky"), *talk.say(DAY, new, 2, "ledger"), *talk.say(DAY, new, 1, "gazette")]
    talk.usual_day(DAY, singles=3)
    return found


def test_a_usual_day_is_quiet(talk: Talk) -> None:
    talk.usual_day(DAY)
    found = talk.compute()
    assert {kind: row["outcome"] for kind, row in found.items()} == dict.fromkeys(KINDS, "quiet")


def test_many_voices_on_something_new_are_novel_and_its_records_the_evidence(talk: Talk) -> None:
    new = broken_news(talk)
    row = talk.compute()["novelty"]
    assert row["outcome"] == "signal" and row["observed"] == 14 and row["subject"] is None
    assert 1 < row["expected"] < 5 and row["p_uncorrected"] < 0.01
    assert set(new) <= set(talk.evidence(row["id"])) and len(talk.evidence(row["id"])) == 14


def test_what_moves_the_distribution_is_the_evidence_and_weighs_what_it_adds(talk: Talk) -> None:
    new = broken_news(talk)
    row = talk.compute()["narrative_shift"]
    weights = talk.evidence(row["id"])
    assert row["outcome"] == "signal" and row["observed"] > row["expected"] > 0
    assert {weights[record] for record in new} == {1.0} and set(new) == set(weights)


def test_more_of_an_old_story_shifts_the_narrative_and_is_not_new(talk: Talk) -> None:
    more = [*talk.say(DAY, talk.long, 9, "bsky"), *talk.say(DAY, talk.long, 3, "ledger")]
    talk.usual_day(DAY, singles=3)
    found = talk.compute()
    assert found["novelty"]["outcome"] == "quiet" and found["narrative_shift"]["outcome"] == "signal"
    assert set(more) <= set(talk.evidence(found["narrative_shift"]["id"]))


def test_one_outlet_s_many_reports_are_no_novelty(talk: Talk) -> None:
    talk.say(DAY, talk.storyline(DAY), 12, "ledger")
    talk.usual_day(DAY, singles=3)
    assert talk.compute()["novelty"]["outcome"] == "quiet"


def test_days_without_a_known_week_are_no_history(talk: Talk) -> None:
    talk.usual_day(DAY)
    series = talk.compute()["novelty"]["series"]
    assert [day["count"] is None for day in series] == [True] * 5 + [False] * (HISTORY - 4)
    early = talk.compute(DAY - timedelta(days=HISTORY - 8))
    assert {row["outcome"] for row in early.values()} == {"warming_up"}


def test_a_later_merge_leaves_a_past_day_as_it_was(talk: Talk) -> None:
    """Today's news later goes into an older storyline; of today it was new."""
    broken_news(talk)
    talk.compute()
    before = dump(talk.world.conn, ("baselines", "signals", "signal_evidence"))
    new = talk.world.one("SELECT storyline_id FROM storyline_records WHERE day = %s GROUP BY 1 ORDER BY count(*) DESC LIMIT 1", DAY)  # fmt: skip
    talk.world.conn.execute(
        """WITH moved AS (UPDATE storyline_records SET storyline_id = %s WHERE storyline_id = %s RETURNING record_id)
           INSERT INTO storyline_moves (record_id, day, from_storyline, to_storyline, reason, run_id)
           SELECT record_id, %s, %s, %s, 'merged', 'r' FROM moved""",
        (talk.long, new, DAY + timedelta(days=1), new, talk.long),
    )
    assert replay_days(talk.world.conn, DAY, DAY, records=True).differences == []
    assert dump(talk.world.conn, ("baselines", "signals", "signal_evidence")) == before


def test_replay_finds_an_altered_membership(talk: Talk) -> None:
    broken_news(talk)
    talk.compute()
    assert replay_days(talk.world.conn, DAY, DAY, records=True).differences == []
    talk.world.conn.execute("UPDATE storyline_records SET storyline_id = %s WHERE day = %s", (talk.long, DAY))
    found = {
        difference.where.split(" ")[0]
        for difference in replay_days(talk.world.conn, DAY, DAY, records=True).differences
    }
    assert found >= set(KINDS)


def test_copies_late_records_and_a_new_source_change_nothing(talk: Talk) -> None:
    new = broken_news(talk)
    with talk.world.conn.transaction(force_rollback=True):
        plain = {kind: (row["observed"], row["p_uncorrected"]) for kind, row in talk.compute().items()}
    talk.world.source("newcomer", "rss")
    talk.world.reach("newcomer", DAY, DAY)
    talk.say(DAY, talk.storyline(DAY), 20, "newcomer")
    late = talk.storyline(DAY)
    talk.say(DAY, late, 5, "bsky", seen=MORNING + timedelta(hours=3))
    copies = talk.world.voices("ledger", DAY, "ai-law", 6, tag="copy-")
    talk.world.copies([new[0], *copies])
    found = {kind: (row["observed"], row["p_uncorrected"]) for kind, row in talk.compute().items()}
    assert found == plain


def test_stances_count_where_they_are_known(talk: Talk) -> None:
    for back in range(HISTORY + 1):
        day = DAY - timedelta(days=back)
        if back == 0:
            talk.usual_day(DAY)
        talk.world.conn.execute(
            """INSERT INTO record_sentiments (record_version_id, engine_version, day, balance, stance_balance, sentiment_confidence, stance,
                   stance_confidence, engine, input_hash, run_id)
               SELECT v.id, 'test', r.day, 0, 0, 1,
                      CASE WHEN %(today)s OR row_number() OVER (ORDER BY r.id) = 1 THEN 'critical' ELSE 'supportive' END,
                      1, 'test', 'test', 'r'
               FROM records r JOIN record_versions v ON v.record_id = r.id WHERE r.day = %(day)s""",
            {"day": day, "today": back == 0},
        )
    row = talk.compute()["narrative_shift"]
    day = row["series"][-1]
    assert [pair[0] for pair in day["stances"]] == [14, 0] and row["outcome"] == "signal"
    assert len(talk.evidence(row["id"])) == 14
    talk.world.conn.execute(
        """INSERT INTO record_sentiments SELECT record_version_id, 'tost', day, balance, sentiment, sentiment_confidence,
               stance_balance, 'neutral', stance_confidence, engine, input_hash, run_id FROM record_sentiments"""
    )
    assert replay_days(talk.world.conn, DAY, DAY, records=True).differences == [], "a later method changes no past day"
    assert row["series"][-2]["stances"][0][0] == 1
