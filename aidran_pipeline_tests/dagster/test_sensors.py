"""Ticks of the new-volume sensor on a real database and instance."""

from __future__ import annotations

from datetime import date, timedelta

from dagster import DagsterInstance, SensorResult, SkipReason, build_sensor_context

from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.sensors import REASON_TAG, deserves_story, new_volume
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.newsroom import Item
from aidran_pipeline_tests.newsroom import Newsroom as Rows

DAY = date(2026, 5, 20)


def _rows(conn: Connection) -> Rows:
    rows = Rows(conn)
    for position, slug in enumerate(("ai-law", "ai-science")):
        rows.topic(slug, slug, "A beat of this test, described.", position)
    return rows


def _post(rows: Rows, topic: str, day: date, number: int, prefix: str = "p") -> None:
    key = f"{prefix}-{topic}-{day:%m%d}-{number}"
    rows.items.clear()  # each post at seven in the morning, whatever was added before
    rows.add(Item(key, "bluesky", f"author{number}", day, f"Post {key} about a court and a model."), topic)


def _tick(instance: DagsterInstance, newsroom: Newsroom, cursor: str | None) -> SensorResult | SkipReason:
    context = build_sensor_context(instance_ref=instance.get_ref(), cursor=cursor, resources={"newsroom": newsroom})
    result = new_volume(context)
    assert isinstance(result, SensorResult | SkipReason)
    return result


def test_exactly_the_topic_that_grew_is_asked_for_and_nothing_on_a_second_tick(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    for back in range(1, 8):
        for topic in ("ai-law", "ai-science"):
            for number in range(4):
                _post(rows, topic, DAY - timedelta(days=back), number)
    first = _tick(instance, newsroom, None)
    assert isinstance(first, SensorResult)
    assert first.run_requests == []
    for number in range(20):
        _post(rows, "ai-law", DAY, number)
    for number in range(4):
        _post(rows, "ai-science", DAY, number)

    second = _tick(instance, newsroom, first.cursor)
    assert isinstance(second, SensorResult) and second.run_requests
    (request,) = second.run_requests
    assert request.partition_key == "2026-05-20|ai-law"
    assert request.run_key == f"2026-05-20|ai-law:{second.cursor}"
    assert "20 records so far" in request.tags[REASON_TAG]

    assert isinstance(_tick(instance, newsroom, second.cursor), SkipReason)


def test_the_cursor_waits_for_a_record_that_is_not_analysed_yet(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    for number in range(10):
        _post(rows, "ai-law", DAY, number)
    waiting = conn.execute("SELECT id, (SELECT max(id) FROM record_versions v WHERE v.record_id = r.id) AS v "
                           "FROM records r ORDER BY id LIMIT 1 OFFSET 4").fetchone()  # fmt: skip
    assert waiting is not None
    conn.execute("DELETE FROM record_topics WHERE record_id = %s", (waiting["id"],))
    conn.execute("DELETE FROM record_analysis WHERE record_version_id = %s", (waiting["v"],))
    result = _tick(instance, newsroom, None)
    assert isinstance(result, SensorResult)
    assert int(result.cursor or 0) == waiting["id"] - 1
    assert result.run_requests == []  # four records are no story yet


def test_within_the_day_only_a_severe_signal_gets_a_story(conn: Connection) -> None:
    rows = _rows(conn)
    rows.baseline("ai-law", DAY, [3, 4, 3, 40], spike="severe")
    rows.baseline("ai-science", DAY, [3, 4, 3, 12], spike="strong")
    assert deserves_story(conn, DAY, "ai-law", most=3)
    assert not deserves_story(conn, DAY, "ai-science", most=3)
    assert not deserves_story(conn, DAY, "ai-law", most=0)
