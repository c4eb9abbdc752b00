"""why: the decision with its reasons and what would change it; without a decision, the stage that is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Evidence, load_publication
from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.ingest import sync_sources
from aidran_pipeline.lineage import Why, show_why, why
from aidran_pipeline.lineage.needs import needs_of
from aidran_pipeline.signal import replay
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline_tests.faults.clean_story import DAY
from aidran_pipeline_tests.ingest_server import Server, serving
from aidran_pipeline_tests.lineage_scene import Scene
from aidran_pipeline_tests.lineage_story import NOW, TOPIC, ingest_all, serve_sources, settings_for


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def words(answer: Why) -> str:
    return "\n".join(line.plain for line in show_why(answer))


def decide(conn: Connection, topic: str, reasons: list[dict[str, object]], *, hour: int = 20) -> None:
    """A withheld decision of the day."""
    conn.execute(
        """INSERT INTO editorial_decisions (day, topic, decision, reasons, numbers, decided_at, engine, engine_version,
               input_hash, run_id)
           VALUES (%s, %s, 'withheld', %s, %s, %s, 'extractive', 'extractive-test', %s, %s)""",
        (DAY, topic, Jsonb(reasons), Jsonb({"records_read": 11, "claims": 7, "records_cited": 3}),
         NOW.replace(hour=hour), f"input-{topic}-{hour}", f"run-write-{hour}"),
    )  # fmt: skip


def baseline(conn: Connection, topic: str, counts: list[int | None], outcome: str) -> list[dict[str, object]]:
    """Voices of the trailing days and of the day, as the signal stage stores them."""
    first = DAY - timedelta(days=len(counts) - 1)
    series = [
        {"day": str(first + timedelta(days=at)), "count": n, "total": 100, "share": 0.08, "coverage": 1.0}
        for at, n in enumerate(counts)
    ]
    coverage = {"sources": 9, "reached": 4, "unknown": ["wire-a", "wire-b"], "healthy": outcome != "unknown"}
    conn.execute(
        """INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, coverage, engine_version,
               input_hash, run_id)
           VALUES (%s, %s, 'volume_spike', %s, %s, 24, %s, %s, 'volume-test', 'test', 'run-signal')""",
        (topic, DAY, Jsonb(series), len(counts) - 1, outcome, Jsonb(coverage)),
    )
    return series


def test_a_published_decision_with_its_story_and_what_came_before(scene: Scene) -> None:
    answer = why(scene.conn, DAY, TOPIC)
    decision = answer.decision
    assert decision is not None
    assert (decision["decision"], decision["slug"], decision["version"]) == ("published", scene.story.slug, 2)
    assert (answer.reasons, answer.needs, answer.missing) == ([], [], None)
    assert [(each["decision"], each["version"]) for each in answer.earlier] == [("published", 1)]
    assert answer.baselines[0]["outcome"] == "warming_up"
    said = words(answer)
    for part in (
        "AI in Healthcare, 2026-05-20: published",
        scene.story.slug,
        "run-write",
        "EARLIER",
        "9 of 30 that day",
    ):
        assert part in said, part
    json.dumps(answer.as_dict(), default=str)


def test_a_withheld_decision_groups_its_reasons_and_says_what_it_needs(conn: Connection) -> None:
    sync_topics(conn, load_topics(), now=NOW)
    decide(
        conn, "ai-law", [{"gate": "evidence", "rule": "no signal", "detail": "nothing new", "sentence": -1}], hour=14
    )
    decide(
        conn, "ai-law",
        [
            {"gate": "evidence", "rule": "not enough evidence", "detail": "3 records cited, 5 needed", "sentence": -1},
            {"gate": "facts", "rule": "not in the quotes it rests on", "detail": "'41' in: …", "sentence": 6},
            {"gate": "evidence", "rule": "not enough evidence", "detail": "1 families or platforms cited, 2 needed",
             "sentence": -1},
            {"gate": "facts", "rule": "not in the quotes it rests on", "detail": "'42' in: …", "sentence": 7},
        ],
    )  # fmt: skip
    answer = why(conn, DAY, "ai-law")
    assert [(gate["gate"], len(gate["rules"])) for gate in answer.reasons] == [("evidence", 2), ("facts", 2)]
    assert answer.reasons[1]["rules"][0]["sentence"] == 7  # counted from 1, as in the story
    assert answer.needs == [
        "needs 5 records, cited 3",
        "needs a draft that holds gate facts: not in the quotes it rests on",
        "needs 2 families or platforms, cited 1",
    ]
    assert [each["reasons"][0]["gate"] for each in answer.earlier] == ["evidence"]
    said = words(answer)
    for part in (
        "withheld",
        "GATE evidence  2 failures",
        "needs 5 records, cited 3",
        "records read 11",
        "run-write-14",
    ):
        assert part in said, part


def test_no_signal_says_how_many_voices_would_have_been_one(conn: Connection) -> None:
    sync_topics(conn, load_topics(), now=NOW)
    counts: list[int | None] = [7, 9, 8, 6, 10, 8, 7, 9, 8, 7, None, 8, 9, 10]
    series = baseline(conn, "ai-law", counts, "quiet")
    decide(conn, "ai-law", [{"gate": "evidence", "rule": "no signal", "detail": "nothing new", "sentence": -1}])
    (need,) = why(conn, DAY, "ai-law").needs
    enough = int(need.split("; ")[1].split(" ")[0])
    assert need.startswith("needs a measured change: 10 voices counted, ")
    strict = load_publication().model_copy(update={"evidence": Evidence(records=40)})
    assert "; 40 would have been a volume_spike" in why(conn, DAY, "ai-law", strict).needs[0]
    for voices, grade in ((enough, True), (enough - 1, False)):
        changed = [*series[:-1], {**series[-1], "count": voices, "total": 100 + voices - 10}]
        assert (replay(changed, "volume_spike", 24).severity is not None) is grade


@pytest.mark.parametrize(
    ("rule", "outcome", "counts", "said"),
    [
        ("sources unknown", "unknown", [8, None], "4 of 9 did; unknown: wire-a, wire-b; `aidran sources` says why"),
        ("no signal", "thin", [2] * 14 + [9], "rests on enough voices"),
        ("no signal", "unknown", [8, None], "against the topic's own history"),
        ("three sections", "signal", [8, 20], "needs more or clearer material: 1 storylines"),
    ],
)
def test_other_needs(conn: Connection, rule: str, outcome: str, counts: list[int | None], said: str) -> None:
    sync_topics(conn, load_topics(), now=NOW)
    baseline(conn, "ai-law", counts, outcome)
    decide(conn, "ai-law", [{"gate": "evidence", "rule": rule, "detail": "1 storylines", "sentence": -1}])
    (need,) = why(conn, DAY, "ai-law").needs
    assert said in need
    assert "BASELINE" in words(why(conn, DAY, "ai-law"))


def test_needs_without_a_baseline_name_the_command() -> None:
    reason = {"gate": "evidence", "rule": "signals not computed", "detail": "no baseline row"}
    assert needs_of([reason], [], DAY, "ai-law") == [
        "needs the day's signals: `aidran run --day 2026-05-20 --topic ai-law`"
    ]
    assert needs_of([{**reason, "rule": "no signal"}], [], DAY, "ai-law") == [
        "needs a measured change against the topic's own history"
    ]
    assert needs_of(None, [], DAY, "ai-law") == []


def test_without_a_decision_the_first_stage_that_is_missing_and_its_remedy(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(LookupError, match="no run has been made"):
        why(conn, DAY, TOPIC)
    sync_topics(conn, load_topics(), now=NOW)

    def missing(day: date = DAY) -> tuple[str, str]:
        answer = why(conn, day, TOPIC)
        assert answer.decision is None
        assert answer.missing is not None
        assert answer.missing["says"] in " ".join(words(answer).split())
        return answer.missing["stage"], answer.missing["remedy"]

    run, story = f"aidran run --day {DAY}", f"aidran run --day {DAY} --topic {TOPIC}"
    assert missing() == ("ingest", run)
    (tmp_path / "sources.yaml").write_text(serve_sources(server))
    sync_sources(conn, load_sources(tmp_path / "sources.yaml"), now=NOW)
    ingest_all(conn, settings_for(tmp_path))
    assert missing() == ("analyze", run)
    assert missing(date(2026, 3, 1))[0] == "ingest"
    conn.execute(
        """INSERT INTO record_analysis SELECT v.id, r.day, 'en', 1, 0.9, true, 'e', 'v', 'h', 'run'
           FROM record_versions v JOIN records r ON r.id = v.record_id"""
    )
    assert missing() == ("signal", story)
    baseline(conn, TOPIC, [3, 4], "warming_up")
    assert missing() == ("write", story)


def test_an_unknown_topic_names_the_nearest(conn: Connection) -> None:
    sync_topics(conn, load_topics(), now=NOW)
    with pytest.raises(LookupError, match="nearest: ai-geopolitics"):
        why(conn, DAY, "geopolitics")
    with pytest.raises(LookupError, match="known: "):
        why(conn, DAY, "xyz")
