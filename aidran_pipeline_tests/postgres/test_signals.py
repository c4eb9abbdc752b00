"""`volume_spike` on a real database: what counts, what is unknown, what is sealed, and that it can be replayed."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.signal import KINDS, compute_signals, replay
from aidran_pipeline.signal.kinds import correction_of
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Run, StageResult
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
MORNING = at(DAY + timedelta(days=1), 5, 30)
TOPICS = ("ai-law", "ai-finance", "ai-military")
PUBLICATION = load_publication()
TABLES = ("baselines", "signals", "signal_evidence")


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    """Three topics, two feeds and a search, all reached for fifteen days; the last day holds nothing yet."""
    made = World(conn)
    made.topics(*TOPICS)
    for name, kind in (("ledger", "rss"), ("gazette", "rss"), ("bsky", "bluesky_search")):
        made.source(name, kind)
        made.reach(name, DAY - timedelta(days=14), DAY)
    yield made


def steady(
    world: World, *, days: int = 14, law: int = 4, other: int = 10, sources: tuple[str, ...] = ("ledger", "bsky")
) -> None:
    """The same voices on each of the days before DAY."""
    with world.conn.transaction():
        for back in range(1, days + 1):
            for source in sources:
                world.voices(source, DAY - timedelta(days=back), "ai-law", law)
                world.voices(source, DAY - timedelta(days=back), None, other)


def today(
    world: World, *, law: int, other: int = 10, sources: tuple[str, ...] = ("ledger", "bsky"), **options: Any
) -> None:
    with world.conn.transaction():
        for source in sources:
            world.voices(source, DAY, "ai-law", law, **options)
            world.voices(source, DAY, None, other)


def compute(
    world: World, *, day: date = DAY, now: datetime = MORNING, run: str = "r1", topics: tuple[str, ...] = ("ai-law",),
    publication: Publication = PUBLICATION,
) -> dict[str, StageResult]:  # fmt: skip
    found = compute_signals(world.conn, [(day, topic) for topic in topics], run=Run(run, now), publication=publication)
    return {topic: result for (_, topic), result in found.items()}


def baseline(world: World, topic: str = "ai-law", day: date = DAY, kind: str = "volume_spike") -> dict[str, Any]:
    row = world.conn.execute(
        "SELECT * FROM baselines WHERE topic = %s AND day = %s AND kind = %s", (topic, day, kind)
    ).fetchone()
    assert row is not None
    return row


def signal(world: World, topic: str = "ai-law", day: date = DAY, kind: str = "volume_spike") -> dict[str, Any] | None:
    return world.conn.execute(
        "SELECT * FROM signals WHERE topic = %s AND day = %s AND kind = %s", (topic, day, kind)
    ).fetchone()


# --- what a spike is -----------------------------------------------------------------------------------------------------


def test_a_rise_in_the_topics_share_is_a_signal_with_its_evidence(world: World) -> None:
    steady(world)
    today(world, law=16)
    result = compute(world)["ai-law"]
    row, found = baseline(world), signal(world)
    assert found is not None and row["outcome"] == "signal" and row["sealed_at"] == MORNING
    assert found["severity"] in ("strong", "severe")
    assert found["observed"] == 32
    # 8 of 28 voices a day before, 52 voices today: about 15 were to be expected.
    assert 12 < found["expected"] < 18 and found["score"] > 3
    tested = correction_of("volume_spike", len(TOPICS))
    assert (row["tests"], row["kinds"]) == (tested.number, tested.kinds) == (12, 4)
    assert found["p_value"] == pytest.approx(found["p_uncorrected"] * row["tests"]) and found["p_value"] < 0.05
    assert (found["records"], found["authors"], found["families"]) == (32, 32, 2)
    weights = [r["weight"] for r in world.conn.execute("SELECT weight FROM signal_evidence")]
    assert len(weights) == 32 and all(w == pytest.approx(0.8) for w in weights)
    assert result.changed and result.metadata["signals"].startswith("volume_spike")


def test_a_usual_day_is_quiet(world: World) -> None:
    steady(world)
    today(world, law=5)
    compute(world)
    assert baseline(world)["outcome"] == "quiet" and signal(world) is None


def test_more_of_everything_is_no_signal(world: World) -> None:
    steady(world)
    today(world, law=16, other=40)
    compute(world)
    assert baseline(world)["outcome"] == "quiet"


def test_the_stored_rows_give_the_signal_again_bit_for_bit(world: World) -> None:
    steady(world)
    today(world, law=13)
    compute(world)
    row, found = baseline(world), signal(world)
    assert found is not None
    again = asdict(replay(row["series"], "volume_spike", row["tests"]))
    assert again == {name: found[name] for name in again}
    evidence = world.one("SELECT count(DISTINCT record_id) FROM signal_evidence WHERE signal_id = %s", found["id"])
    assert evidence == found["observed"] == row["series"][-1]["count"]


def test_the_answer_does_not_depend_on_which_partitions_were_asked_for(world: World) -> None:
    steady(world)
    today(world, law=13)
    alone = compute(world, now=at(DAY, 20))["ai-law"]
    together = compute(world, now=at(DAY, 20), topics=TOPICS, run="r2")["ai-law"]
    assert baseline(world)["outcome"] == "signal"
    assert alone.data_version == together.data_version and not together.changed


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_arrival_does_not_matter(world: World, seed: int) -> None:
    versions = []
    for order in (None, random.Random(seed)):
        with world.conn.transaction(force_rollback=True):
            todo = [(s, DAY - timedelta(days=b), t, n) for b in range(9) for s in ("ledger", "bsky", "gazette")
                    for t, n in (("ai-law", 2 + 7 * (b == 0)), (None, 6))]  # fmt: skip
            if order:
                order.shuffle(todo)
            for source, day, topic, count in todo:
                world.voices(source, day, topic, count)
            first = [r["id"] for r in world.conn.execute(
                "SELECT id FROM records WHERE day = %s AND native_id LIKE '%%ai-law-0' ORDER BY published_at, platform, native_id",
                (DAY,))]  # fmt: skip
            world.copies(first)
            versions.append(compute(world, now=at(DAY, 20))["ai-law"].data_version)
            assert baseline(world)["outcome"] == "signal"
    assert versions[0] == versions[1]


# --- what is no spike ----------------------------------------------------------------------------------------------------


def test_a_feed_of_today_is_no_news(world: World) -> None:
    steady(world)
    world.source("newcomer")
    world.reach("newcomer", DAY, DAY)
    today(world, law=4)
    world.voices("newcomer", DAY, "ai-law", 60)
    compute(world)
    assert baseline(world)["outcome"] == "quiet"
    assert baseline(world)["series"][-1]["count"] == 8, "what the new feed brought is not compared"


@pytest.mark.parametrize("age", [7, 9, 12])
def test_a_feed_that_joined_some_days_ago_is_no_news_either(world: World, age: int) -> None:
    """Half of the trailing days lack it; they are compared with what their own sources usually say."""
    steady(world)
    world.source("joined")
    world.reach("joined", DAY - timedelta(days=age), DAY)
    with world.conn.transaction():
        for back in range(age + 1):
            world.voices("joined", DAY - timedelta(days=back), "ai-law", 30)
    today(world, law=4)
    compute(world)
    row = baseline(world)
    assert row["series"][-1]["count"] == 38, "it is compared by now"
    assert row["outcome"] == "quiet"
    found = replay(row["series"], "volume_spike", row["tests"])
    assert found.expected == pytest.approx(38, rel=0.1), "what is expected moves with the sources that are there"


def test_a_dead_source_makes_unknown_and_not_quiet(world: World) -> None:
    steady(world, sources=("ledger", "gazette", "bsky"))
    world.conn.execute("DELETE FROM fetches WHERE source_id <> 'ledger' AND reach_since IS NOT NULL")
    for name in ("gazette", "bsky"):
        world.reach(name, DAY - timedelta(days=14), DAY - timedelta(days=1))
    today(world, law=1, sources=("ledger",))
    compute(world)
    row = baseline(world)
    assert row["outcome"] == "unknown" and not row["coverage"]["healthy"]
    assert row["coverage"]["unknown"] == ["bsky", "gazette"]
    assert signal(world) is None


def test_too_few_sources_make_unknown_even_when_they_carry_the_topic(world: World) -> None:
    steady(world)
    for i in range(4):
        world.source(f"silent{i}")
        world.reach(f"silent{i}", DAY - timedelta(days=14), DAY - timedelta(days=1))
    today(world, law=4)
    compute(world)
    coverage = baseline(world)["coverage"]
    assert coverage["volume"] == 1 and (coverage["reached"], coverage["sources"]) == (3, 7)
    assert baseline(world)["outcome"] == "unknown"


def test_the_earliest_copy_decides_the_topic_whichever_arrived_first(world: World) -> None:
    steady(world)
    today(world, law=4)
    second = world.record("bsky", "second", "The same words at noon and at eight.", at(DAY, 12))
    world.assign(second, "ai-finance")
    first = world.record("ledger", "first", "The same words at noon and at eight.", at(DAY, 8))
    world.assign(first, "ai-law")
    world.copies([first, second])
    compute(world, topics=TOPICS)
    assert baseline(world)["series"][-1]["count"] == 9
    assert baseline(world, "ai-finance")["series"][-1]["count"] in (0, None)


def test_the_source_that_carries_a_topic_makes_that_topic_unknown_when_it_is_down(world: World) -> None:
    """Nine sources of ten were reached, but this beat lives in the tenth."""
    steady(world, law=0)
    for i in range(7):
        world.source(f"feed{i}")
        world.reach(f"feed{i}", DAY - timedelta(days=14), DAY)
    world.source("lawfeed")
    world.reach("lawfeed", DAY - timedelta(days=14), DAY - timedelta(days=1))
    with world.conn.transaction():
        for back in range(1, 15):
            world.voices("lawfeed", DAY - timedelta(days=back), "ai-law", 6)
            world.voices("ledger", DAY - timedelta(days=back), "ai-finance", 3)
    today(world, law=0)
    compute(world, topics=TOPICS)
    law, finance = baseline(world), baseline(world, "ai-finance")
    assert law["outcome"] == "unknown" and law["coverage"]["unknown"] == ["lawfeed"]
    assert law["coverage"]["volume"] == 0
    assert finance["outcome"] == "quiet", "other beats are not touched by it"


def test_a_dead_source_alone_makes_no_spike_elsewhere(world: World) -> None:
    """The source that dilutes the topic is gone: its share of what is left rises, but so it does in the days before."""
    steady(world, law=6, other=6)
    with world.conn.transaction():
        for back in range(1, 15):
            world.voices("gazette", DAY - timedelta(days=back), None, 60)
    world.conn.execute("DELETE FROM fetches WHERE source_id = 'gazette' AND reach_since IS NOT NULL")
    world.reach("gazette", DAY - timedelta(days=14), DAY - timedelta(days=1))
    today(world, law=6, other=6)
    compute(world)
    assert baseline(world)["outcome"] == "quiet"


def test_fifty_copies_are_one_voice(world: World) -> None:
    steady(world)
    today(world, law=4)
    world.copies(world.voices("bsky", DAY, "ai-law", 50, tag="copy"))
    compute(world)
    row = baseline(world)
    assert row["series"][-1]["count"] == 9 and row["outcome"] == "quiet"


def test_copies_share_the_weight_of_one_and_do_not_add_authors(world: World) -> None:
    steady(world)
    today(world, law=14)
    copies = world.voices("gazette", DAY, "ai-law", 10, tag="copy")
    world.copies(copies)
    compute(world)
    found = signal(world)
    assert found is not None and found["records"] == 29 and found["authors"] == 29 and found["families"] == 3
    share = world.one("SELECT sum(weight) FROM signal_evidence WHERE record_id = ANY(%s)", copies)
    assert share == pytest.approx(0.8)


def test_a_spike_of_one_author_is_too_thin(world: World) -> None:
    steady(world)
    today(world, law=20, authors=1, sources=("bsky",))
    compute(world)
    assert baseline(world)["outcome"] == "thin" and signal(world) is None


def test_records_that_wait_for_analysis_make_the_day_unknown(world: World) -> None:
    steady(world)
    today(world, law=4)
    for i in range(10):
        world.record("bsky", f"raw{i}", f"Post number {i} that nothing has read yet.", at(DAY, 10))
    compute(world, now=at(DAY, 20))
    assert baseline(world)["outcome"] == "unknown" and baseline(world)["coverage"]["analysed"] < 0.9


# --- history -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "outcome"), [(6, "warming_up"), (7, "signal")])
def test_a_topic_warms_up_for_seven_days(world: World, days: int, outcome: str) -> None:
    steady(world, days=days)
    today(world, law=20)
    compute(world)
    row = baseline(world)
    assert (row["history_days"], row["outcome"]) == (days, outcome)


def test_days_before_a_beat_was_read_are_no_history(world: World) -> None:
    steady(world)
    today(world, law=4)
    world.voices("bsky", DAY, "ai-military", 20)
    compute(world, topics=TOPICS)
    assert baseline(world, "ai-military")["outcome"] == "warming_up"
    assert baseline(world, "ai-military")["history_days"] == 0


def test_a_day_nobody_reached_is_a_gap_in_the_series_not_a_zero(world: World) -> None:
    steady(world)
    gap = DAY - timedelta(days=3)
    world.conn.execute("DELETE FROM fetches WHERE reach_since IS NOT NULL")
    for name in world.sources:
        world.reach(name, DAY - timedelta(days=14), gap - timedelta(days=1))
        world.reach(name, gap + timedelta(days=1), DAY)
    today(world, law=4)
    compute(world)
    row = baseline(world)
    held = {d["day"]: d["count"] for d in row["series"]}
    assert held[gap.isoformat()] is None and row["history_days"] == 13
    assert row["outcome"] == "quiet"


# --- sealing -------------------------------------------------------------------------------------------------------------


def test_what_is_first_seen_after_sealing_never_enters_the_signal_but_enters_later_baselines(world: World) -> None:
    steady(world)
    today(world, law=14)
    first = compute(world)["ai-law"]
    before = dump(world.conn, TABLES)
    late = world.voices("bsky", DAY, "ai-law", 40, tag="late", seen=MORNING + timedelta(hours=2))
    again = compute(world, now=MORNING + timedelta(days=2), run="r2")["ai-law"]
    assert dump(world.conn, TABLES) == before and again.data_version == first.data_version and not again.changed
    assert not world.one("SELECT count(*) FROM signal_evidence WHERE record_id = ANY(%s)", late)
    after = DAY + timedelta(days=1)
    for name in world.sources:
        world.reach(name, DAY, after)
    world.voices("bsky", after, "ai-law", 4)
    world.voices("bsky", after, None, 10)
    compute(world, day=after, now=at(after + timedelta(days=1), 5, 30))
    held = {d["day"]: d["count"] for d in baseline(world, day=after)["series"]}
    assert held[DAY.isoformat()] == 28 + 40


def test_what_is_first_seen_after_the_run_began_is_not_there_yet(world: World) -> None:
    steady(world)
    today(world, law=14)
    world.voices("bsky", DAY, "ai-law", 40, tag="late", seen=MORNING + timedelta(minutes=1))
    compute(world)
    assert baseline(world)["series"][-1]["count"] == 28
    assert world.one(
        "SELECT bool_and(r.first_seen_at <= b.sealed_at) FROM signal_evidence e JOIN records r ON r.id = e.record_id "
        "JOIN signals s ON s.id = e.signal_id JOIN baselines b ON b.id = s.baseline_id"
    )


def test_a_running_day_grows_until_it_is_sealed(world: World) -> None:
    steady(world)
    today(world, law=4, seen=at(DAY, 9))
    assert compute(world, now=at(DAY, 15))["ai-law"].changed
    assert baseline(world)["sealed_at"] is None and baseline(world)["outcome"] == "quiet"
    before = dump(world.conn, TABLES)
    assert not compute(world, now=at(DAY, 16), run="r2")["ai-law"].changed
    assert dump(world.conn, TABLES) == before, "unchanged rows keep their first run id"
    world.voices("bsky", DAY, "ai-law", 30, tag="more", seen=at(DAY, 17))
    assert compute(world, now=at(DAY, 18), run="r3")["ai-law"].changed
    assert baseline(world)["outcome"] == "signal" and baseline(world)["run_id"] == "r3"
    compute(world, run="r4")
    assert baseline(world)["sealed_at"] == MORNING and not baseline(world)["backfilled"]


def test_a_day_computed_long_after_it_is_marked_backfilled(world: World) -> None:
    steady(world)
    today(world, law=16)
    compute(world, now=MORNING + timedelta(days=9))
    found = signal(world)
    assert baseline(world)["backfilled"] and found is not None and found["backfilled"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE baselines SET series = '[]'",
        "UPDATE baselines SET sealed_at = NULL",
        "DELETE FROM signals",
        "UPDATE signals SET observed = observed + 1",
        "DELETE FROM signal_evidence",
        "UPDATE signal_evidence SET weight = 0",
        "INSERT INTO signal_evidence SELECT s.id, r.id, 1 FROM signals s, records r WHERE r.day < s.day LIMIT 1",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_sealed(world: World, statement: str) -> None:
    steady(world)
    today(world, law=16)
    compute(world)
    with pytest.raises(psycopg.errors.CheckViolation, match="sealed"):
        world.conn.execute(statement)


def test_a_signal_belongs_to_the_baseline_of_its_own_topic_and_day(world: World) -> None:
    steady(world)
    today(world, law=16)
    compute(world, now=at(DAY, 20), topics=TOPICS)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        world.conn.execute("UPDATE signals SET topic = 'ai-finance'")


def test_two_runs_at_once_leave_one_row(world: World, database_url: str) -> None:
    steady(world)
    today(world, law=16)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with connect(database_url) as conn:
                compute_signals(conn, [(DAY, t) for t in TOPICS], run=Run(name, MORNING), publication=PUBLICATION)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (
        world.one("SELECT count(*) FROM baselines") == 3 * len(KINDS) and world.one("SELECT count(*) FROM signals") == 1
    )


def test_metadata_and_series_are_plain_json(world: World) -> None:
    steady(world, days=2)
    today(world, law=2)
    result = compute(world, now=at(DAY, 20))["ai-law"]
    assert json.loads(json.dumps(result.metadata)) == result.metadata
    assert json.loads(json.dumps(baseline(world)["series"], allow_nan=False)) == baseline(world)["series"]
