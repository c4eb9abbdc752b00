"""Tone and stance in the database: read once a version, kept apart by version; and the change of tone they make."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from aidran_pipeline.analyze import analyze_days
from aidran_pipeline.analyze import sentiment as reading
from aidran_pipeline.analyze.checkworthy import stance_of
from aidran_pipeline.analyze.claims import settled
from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.signal.replaying import replay_days
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.text.sentiment import sentiment_version
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
MORNING = at(DAY + timedelta(days=1), 5, 30)
RUN = Run("r1", MORNING)
GRIM = "AI slop is a scam: the chatbot lies, it is dangerous, useless and a disaster for artists, and I hate it."
GLAD = "I love this AI model: amazing, brilliant work, so useful and fast. Congratulations to the whole team, great!"
PLAIN = "The ministry publishes its list of AI models on Tuesday."


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    """All topics, a feed and a search, reached for twenty days."""
    made = World(conn)
    made.topics(*(topic.slug for topic in load_topics().topics))
    for name, kind in (("ledger", "rss"), ("bsky", "bluesky_search")):
        made.source(name, kind)
        made.reach(name, DAY - timedelta(days=19), DAY)
    yield made


def rows(conn: Connection) -> dict[str, dict[str, Any]]:
    found = conn.execute(
        """SELECT r.native_id, s.* FROM record_sentiments s JOIN record_versions v ON v.id = s.record_version_id
           JOIN records r ON r.id = v.record_id ORDER BY r.native_id, s.engine_version"""
    ).fetchall()
    return {row["native_id"]: row for row in found}


# --- reading -------------------------------------------------------------------------------------------------------------


def test_records_about_ai_are_read_once_with_what_they_are_told_by(world: World) -> None:
    for name, text in (("grim", GRIM), ("glad", GLAD), ("plain", PLAIN)):
        world.record("bsky", name, text, at(DAY), author=name)
    world.record(
        "bsky", "bread", "The bakery opens on Monday and sells bread to everybody in town.", at(DAY), author="b"
    )
    world.record(
        "bsky", "german", "Künstliche Intelligenz ist eine schreckliche Gefahr, sagt der Minister heute im Bundestag, und warnt vor KI.",
        at(DAY), author="g", lang="de",
    )  # fmt: skip
    first = analyze_days(world.conn, [DAY], run=RUN)[DAY]
    found = rows(world.conn)
    assert set(found) == {"grim", "glad", "plain"}
    assert found["grim"]["balance"] < -300 and found["grim"]["sentiment"] == "negative"
    assert found["glad"]["balance"] > 300 and found["glad"]["sentiment"] == "positive"
    assert abs(found["plain"]["balance"]) < 300
    assert all(row["engine_version"] == sentiment_version() and row["run_id"] == "r1" for row in found.values())
    assert first.metadata["tone_read"] == 3 and "hand-labelled" in first.metadata["tone_measured"]
    before = dump(world.conn, ["record_sentiments"])
    again = analyze_days(world.conn, [DAY], run=Run("r2", MORNING))[DAY]
    assert dump(world.conn, ["record_sentiments"]) == before
    assert not again.changed and again.data_version == first.data_version


def test_another_version_reads_again_and_leaves_the_old_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record = world.record("bsky", "grim", GRIM, at(DAY - timedelta(days=9)), author="a")
    analyze_days(world.conn, [DAY - timedelta(days=9)], run=RUN)
    monkeypatch.setattr(reading, "sentiment_version", lambda: "sentiment-next")
    # The trailing days of the day asked for are read with it: a new version is no change of tone.
    assert reading.read_sentiments(world.conn, [DAY], Run("r2", MORNING)) == {DAY - timedelta(days=9)}
    versions = world.conn.execute("SELECT engine_version, run_id FROM record_sentiments ORDER BY run_id").fetchall()
    assert [tuple(v.values()) for v in versions] == [(sentiment_version(), "r1"), ("sentiment-next", "r2")]
    world.version(record, GLAD, seen=at(DAY))
    analyze_days(world.conn, [DAY - timedelta(days=9)], run=Run("r3", MORNING))
    values = world.conn.execute("SELECT balance > 0 AS glad FROM record_sentiments ORDER BY run_id").fetchall()
    assert [row["glad"] for row in values] == [False, False, True]


@pytest.mark.parametrize(
    ("column", "value"), [("balance", 1001), ("sentiment", "angry"), ("stance", "unclear"), ("stance_confidence", 1.5)]
)
def test_what_cannot_be_is_refused(world: World, column: str, value: object) -> None:
    world.record("bsky", "grim", GRIM, at(DAY), author="a")
    analyze_days(world.conn, [DAY], run=RUN)
    with pytest.raises(psycopg.errors.CheckViolation):
        world.conn.execute(f"UPDATE record_sentiments SET {column} = %s", (value,))


# --- a change of tone ----------------------------------------------------------------------------------------------------


def tones(world: World, records: Sequence[int], values: Sequence[int], version: str | None = None) -> None:
    """What reading would say of these records."""
    for record, value in zip(records, values, strict=True):
        world.conn.execute(
            """INSERT INTO record_sentiments SELECT v.id, %s, r.day, %s, NULL, 0.5, 0, NULL, 0.5, 'test', 'test', 'analyze'
               FROM record_versions v JOIN records r ON r.id = v.record_id WHERE r.id = %s""",
            (version or sentiment_version(), max(-1000, min(1000, value)), record),
        )


def usual(world: World, *, days: int = 18, shift: int = 0, last: bool = True) -> list[int]:
    """Twelve authors a day on each platform, news at +100, posts at -100; the last day's tone moved by `shift`."""
    rng, today = random.Random(4), []
    with world.conn.transaction():
        for back in range(days, -1 if last else 0, -1):
            move = rng.gauss(0, 30) + (0 if back else shift)
            for source, centre in (("ledger", 100), ("bsky", -100)):
                made = world.voices(source, DAY - timedelta(days=back), "ai-law", 12)
                tones(world, made, [round(rng.gauss(centre + move, 250)) for _ in made])
                today += [] if back else made
    return today


def compute(world: World, run: str = "s1") -> tuple[dict[str, Any], dict[str, Any] | None]:
    compute_signals(world.conn, [(DAY, "ai-law")], run=Run(run, MORNING), publication=load_publication())
    asked = "SELECT * FROM {} WHERE topic = 'ai-law' AND day = %s AND kind = 'sentiment_shift'"
    row = world.conn.execute(asked.format("baselines"), (DAY,)).fetchone()
    assert row is not None
    return row, world.conn.execute(asked.format("signals"), (DAY,)).fetchone()


def test_a_day_in_another_tone_is_a_signal_and_replays(world: World) -> None:
    today = usual(world, shift=-600)
    merry = today[:2]
    world.conn.execute(
        """UPDATE record_sentiments SET balance = 1000 WHERE record_version_id IN
           (SELECT id FROM record_versions WHERE record_id = ANY(%s))""",
        (merry,),
    )
    row, signal = compute(world)
    assert row["outcome"] == "signal" and signal is not None and signal["severity"] in ("strong", "severe")
    assert signal["observed"] < signal["expected"] < 0.1
    evidence = world.conn.execute(
        "SELECT record_id FROM signal_evidence WHERE signal_id = %s", (signal["id"],)
    ).fetchall()
    chosen = {e["record_id"] for e in evidence}
    expected = {
        r["id"]
        for r in world.conn.execute(
            """SELECT v.record_id AS id FROM record_sentiments s JOIN record_versions v ON v.id = s.record_version_id
               WHERE v.record_id = ANY(%s) AND s.balance < %s""",
            (today, round(1000 * signal["expected"])),
        )
    }
    assert chosen == expected and len(chosen) > 10 and not chosen & set(merry)
    again = replay_days(world.conn, DAY, DAY, records=True)
    assert [d for d in again.differences if "sentiment_shift" in d.where] == [] and again.recounted > 0


def test_a_usual_day_is_quiet(world: World) -> None:
    usual(world)
    row, signal = compute(world)
    assert row["outcome"] == "quiet" and signal is None


def test_one_author_who_posts_all_day_and_copies_of_a_text_do_not_change_the_tone(world: World) -> None:
    today = usual(world)
    before, _ = compute(world)
    world.conn.execute("DELETE FROM baselines WHERE kind = 'sentiment_shift' AND sealed_at IS NULL")
    with world.conn.transaction():
        loud = world.voices("bsky", DAY, "ai-law", 40, tag="loud", authors=1)
        tones(world, loud, [-1000] * 40)
        copy = world.voices("ledger", DAY, "ai-law", 30, tag="copy")
        tones(world, copy, [-1000] * 30)
        world.copies([today[0], *copy])
    row = measured(world)
    cells, had = row[-1]["platforms"], before["series"][-1]["platforms"]
    # The loud author is author 0 of the twelve or one more of them: never forty.
    assert cells["bluesky"][0] - had["bluesky"][0] in (0, 1) and cells["news"] == had["news"]


def measured(world: World) -> list[dict[str, Any]]:
    """The series as the rows of now give it."""
    from aidran_pipeline.signal.inputs import load_day
    from aidran_pipeline.signal.sentiment import SentimentShift

    kind = SentimentShift()
    with world.conn.transaction():
        inputs = load_day(world.conn, DAY, now=MORNING)
        return kind.series(inputs, kind.load(world.conn, inputs), "ai-law")


def test_late_records_and_those_of_other_languages_have_no_say(world: World) -> None:
    usual(world)
    before = measured(world)
    late = world.voices("bsky", DAY, "ai-law", 30, tag="late", seen=MORNING + timedelta(hours=1))
    tones(world, late, [-1000] * 30)
    foreign = world.voices("bsky", DAY, "ai-law", 5, tag="foreign")
    world.conn.execute(
        """UPDATE record_analysis SET lang = 'de' WHERE record_version_id IN
           (SELECT id FROM record_versions WHERE record_id = ANY(%s))""",
        (foreign,),
    )
    assert measured(world) == before


def test_an_edit_seen_since_changes_no_tone_of_then(world: World) -> None:
    today = usual(world)
    before = measured(world)
    edited = world.version(today[0], "Something else, and worse.", seen=MORNING + timedelta(hours=2))
    world.conn.execute("UPDATE record_topics SET record_version_id = %s WHERE record_id = %s", (edited, today[0]))
    world.conn.execute(
        """INSERT INTO record_analysis SELECT %s, day, lang, 1, 0.9, true, 'test', 'test', 'test', 'later'
           FROM record_analysis LIMIT 1""",
        (edited,),
    )
    world.conn.execute(
        "INSERT INTO record_sentiments SELECT %s, %s, %s, -1000, NULL, 1, 0, NULL, 1, 'test', 'test', 'later'",
        (edited, sentiment_version(), DAY),
    )
    assert measured(world) == before


def test_days_read_by_another_version_are_unknown(world: World) -> None:
    usual(world)
    world.conn.execute(
        "UPDATE record_sentiments SET engine_version = 'older' WHERE day < %s", (DAY - timedelta(days=5),)
    )
    series = measured(world)
    assert series[-1]["platforms"]["news"][0] == 12
    world.conn.execute(
        """DELETE FROM record_sentiments WHERE record_version_id = (
               SELECT max(v.id) FROM record_versions v JOIN records r ON r.id = v.record_id
               WHERE r.day = %s AND r.platform = 'news')""",
        (DAY,),
    )
    assert measured(world)[-1]["platforms"]["news"][0] == 11  # an unread author is not one of tone 0
    assert [d["count"] for d in series[:-6]] == [None] * (len(series) - 6) and all(d["count"] for d in series[-6:])
    row, signal = compute(world)
    assert row["outcome"] == "warming_up" and signal is None
    assert row["history_days"] == 5


# --- claims --------------------------------------------------------------------------------------------------------------


def test_a_claim_keeps_no_stance_that_its_tone_denies(conn: Connection) -> None:
    grim = "The company said its best engineers were laid off after the data breach, the lawsuit and the outage."
    glad = "This model is amazing and so useful: I love it, great work, congratulations to the whole team."
    told = settled(
        conn,
        [
            {"quote": grim, "stance": stance_of(grim)}, {"quote": glad, "stance": stance_of(glad)},
            {"quote": glad, "stance": "critical"}, {"quote": grim, "stance": "critical"}, {"quote": glad, "stance": None},
        ],
    )  # fmt: skip
    assert stance_of(grim) == "supportive"
    assert [claim["stance"] for claim in told] == [None, "supportive", None, "critical", None]
