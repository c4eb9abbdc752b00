"""`aidran replay-signals` and `signals`: the past computed again equals what is stored, and whoever touched it is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.signal import KINDS, compute_signals, latest_day, list_signals, replay_days
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
MORNING = at(DAY + timedelta(days=1), 5, 30)
TABLES = ("baselines", "signals", "signal_evidence")


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    """Twenty steady days of two sources and a spike on the last, measured and sealed."""
    made = World(conn)
    made.topics("ai-law", "ai-finance")
    for name, kind in (("ledger", "rss"), ("bsky", "bluesky_search")):
        made.source(name, kind)
        made.reach(name, DAY - timedelta(days=20), DAY)
    with conn.transaction():
        for back in range(21):
            for source in made.sources:
                made.voices(source, DAY - timedelta(days=back), "ai-law", 16 if back == 0 else 3 + back % 2)
                made.voices(source, DAY - timedelta(days=back), None, 10)
    for day in (DAY - timedelta(days=1), DAY):
        measure(made, day)
    yield made


def measure(world: World, day: date = DAY) -> None:
    run = Run("r1", at(day + timedelta(days=1), 5, 30))
    compute_signals(world.conn, [(day, t) for t in ("ai-law", "ai-finance")], run=run, publication=load_publication())


def test_the_past_is_what_is_stored(world: World) -> None:
    before = dump(world.conn, TABLES)
    told = replay_days(world.conn, DAY - timedelta(days=1), DAY, records=True)
    assert told.differences == [] and told.notes == []
    assert (told.baselines, told.signals, told.recounted) == (4 * len(KINDS), 1, 4 * len(KINDS))
    assert dump(world.conn, TABLES) == before, "it reads only"


def test_late_records_and_copies_of_them_leave_the_past_alone(world: World) -> None:
    late = world.voices("bsky", DAY, "ai-law", 9, tag="late", seen=MORNING + timedelta(hours=1))
    world.copies(late)
    world.voices("ledger", DAY - timedelta(days=5), "ai-finance", 40, tag="late", seen=MORNING + timedelta(days=1))
    assert replay_days(world.conn, DAY, DAY, records=True).differences == []


def test_a_source_that_joined_since_leaves_the_past_alone(world: World) -> None:
    """Fetches made after the sealing do not count; the source's absence that day is a lower coverage, not other counts."""
    world.source("gazette")
    world.fetch("gazette", at(DAY - timedelta(days=20), 0), at(DAY, 23), requested_at=MORNING + timedelta(hours=2))
    world.voices("gazette", DAY, "ai-law", 12, seen=MORNING + timedelta(hours=2))
    found = replay_days(world.conn, DAY, DAY, records=True).differences
    assert {one.what for one in found} <= {"coverage"}
    assert all(one.computed["sources"] == one.stored["sources"] + 1 for one in found)


TAMPERED = {
    "expected": "UPDATE signals SET expected = expected + 0.000001",
    "p_value": "UPDATE signals SET p_value = p_value / 2",
    "severity": "UPDATE signals SET severity = 'notable'",
    "outcome": "UPDATE baselines SET outcome = 'quiet' WHERE outcome = 'signal'",
    "history_days": "UPDATE baselines SET history_days = 3",
    "evidence": "DELETE FROM signal_evidence WHERE record_id % 2 = 0",
    "observed": """UPDATE baselines SET series = jsonb_set(series, '{20,count}', '31') WHERE day = '2026-06-20'""",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_each_altered_figure_is_named(world: World, what: str) -> None:
    for table in TABLES:
        world.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER sealed_stays")
    world.conn.execute(TAMPERED[what])
    found = replay_days(world.conn, DAY, DAY).differences
    assert what in {one.what for one in found}
    assert any(one.where == "volume_spike of ai-law, 2026-06-20" for one in found)


def test_a_record_that_vanished_shows_in_the_series(world: World) -> None:
    world.conn.execute(
        "DELETE FROM record_topics WHERE record_id = (SELECT max(id) FROM records WHERE day = %s - 3)", (DAY,)
    )
    world.conn.execute(
        "UPDATE record_topics SET topic = 'ai-finance' WHERE record_id = (SELECT min(record_id) FROM record_topics WHERE day = %s - 3)",
        (DAY,),
    )
    assert replay_days(world.conn, DAY, DAY).differences == [], "the stored series still gives the signal"
    found = replay_days(world.conn, DAY, DAY, records=True).differences
    assert any(one.what.startswith("series of 2026-06-17") for one in found)


def test_an_edit_since_is_named_as_the_reason(world: World) -> None:
    """What was said that day is scored anew under its new wording: the replay says so, and it is no failure."""
    record = world.one("SELECT min(record_id) FROM record_topics WHERE day = %s AND topic = 'ai-law'", DAY)
    world.version(record, "Other words altogether.", seen=MORNING + timedelta(hours=2))
    world.conn.execute("DELETE FROM record_topics WHERE record_id = %s", (record,))
    world.assign(record, "ai-finance")
    told = replay_days(world.conn, DAY, DAY, records=True)
    assert told.differences and told.unexplained == []
    assert all("was edited and scored anew" in str(one.why) for one in told.differences)
    assert replay_days(world.conn, DAY, DAY).differences == [], "the stored series still give the signals"


def test_rows_of_a_method_that_is_gone_are_a_note(world: World) -> None:
    world.conn.execute("ALTER TABLE baselines DISABLE TRIGGER sealed_stays")
    world.conn.execute(
        "UPDATE baselines SET engine_version = 'volume-nb-1' WHERE topic = 'ai-law' AND day = %s", (DAY,)
    )
    told = replay_days(world.conn, DAY, DAY)
    assert told.differences == [] and "volume-nb-1, which this release cannot replay" in told.notes[0]


def test_signals_are_listed_first_with_their_evidence(world: World) -> None:
    assert latest_day(world.conn) == DAY
    rows = [row for row in list_signals(world.conn, DAY) if row["kind"] == "volume_spike"]
    assert [row["topic"] for row in rows] == ["ai-law", "ai-finance"]
    assert [row["kind"] for row in list_signals(world.conn, DAY, "ai-law")] == [kind.name for kind in KINDS]
    assert rows[0]["outcome"] == "signal" and len(rows[0]["evidence"]) == rows[0]["voices"] == 32
    assert rows[1]["evidence"] == [] and rows[1]["outcome"] == "warming_up" and rows[1]["p_value"] is None
    quiet = list_signals(world.conn, DAY - timedelta(days=1), "ai-law")[0]
    assert quiet["outcome"] == "quiet" and quiet["evidence"] == [] and quiet["severity"] is None
    assert quiet["observed"] == quiet["voices"] == 8 and 6 < quiet["expected"] < 8 and quiet["p_value"] > 0.05
    assert {row["topic"] for row in list_signals(world.conn, DAY, "ai-finance")} == {"ai-finance"}
    assert list_signals(world.conn, DAY - timedelta(days=9)) == []


def test_the_commands_say_it_on_a_terminal(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager
    from types import SimpleNamespace

    from aidran_pipeline.commands import signals

    @contextmanager
    def connection() -> Iterator[Connection]:
        yield world.conn

    topics = SimpleNamespace(slugs=lambda: ("ai-law", "ai-finance"))
    monkeypatch.setattr(signals, "_newsroom", lambda: SimpleNamespace(connection=connection, topics=topics))
    signals.show_signals(None, None, as_json=False)
    shown = capsys.readouterr().out
    assert (
        f"2026-06-20: 1 signals in {2 * len(KINDS)} measures" in shown
        and "32 voices of 32 authors in 2 publisher families" in shown
    )
    assert signals.replay_signals("2026-06-19", None, records=True, as_json=False) == 0
    n = 4 * len(KINDS)
    said = f"{n} baselines and 1 signals computed again, {n} counted from records, 0 differences"
    assert said in capsys.readouterr().out
    world.conn.execute("ALTER TABLE signals DISABLE TRIGGER sealed_stays")
    world.conn.execute(TAMPERED["p_value"])
    assert signals.replay_signals(None, None, records=False, as_json=True) == 1
    assert '"what": "p_value"' in capsys.readouterr().out
    with pytest.raises(signals.CommandError, match="lies after"):
        signals.replay_signals("2026-06-21", "2026-06-20", records=False, as_json=False)
    with pytest.raises(signals.CommandError, match="nothing was measured of"):
        signals.show_signals("2026-02-01", None, as_json=False)
