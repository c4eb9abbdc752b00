"""Ticks of the sensors on a real database and instance: what is asked for, once, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    Definitions,
    RunRequest,
    SensorResult,
    SkipReason,
    build_run_status_sensor_context,
    build_sensor_context,
)
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from aidran_pipeline.defs.assets.publish import KNOWN, stories_decided
from aidran_pipeline.defs.edition import QUIET
from aidran_pipeline.defs.partitions import TOPIC_SLUGS, key_of
from aidran_pipeline.defs.presence import STARTED_BY
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.sensors import (
    EDITION_TAG,
    REASON_TAG,
    deserves_story,
    new_volume,
    site_after_stories,
    stories_after_signals,
)
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


def _history(rows: Rows, a_day: int) -> None:
    for back in range(1, 8):
        for topic in ("ai-law", "ai-science"):
            for number in range(a_day):
                _post(rows, topic, DAY - timedelta(days=back), number)


def _asked(result: SensorResult | SkipReason) -> list[str | None]:
    assert isinstance(result, SensorResult)
    return [request.partition_key for request in result.run_requests or []]


# --- new volume -------------------------------------------------------------------------------------------------------


def test_exactly_the_topic_that_grew_is_asked_for_and_nothing_on_a_second_tick(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    _history(rows, 4)
    first = _tick(instance, newsroom, None)
    assert _asked(first) == []
    assert isinstance(first, SensorResult)
    for number in range(20):
        _post(rows, "ai-law", DAY, number)
    for number in range(4):
        _post(rows, "ai-science", DAY, number)

    second = _tick(instance, newsroom, first.cursor)
    assert _asked(second) == ["2026-05-20|ai-law"]
    assert isinstance(second, SensorResult) and second.run_requests
    (request,) = second.run_requests
    assert request.run_key == f"2026-05-20|ai-law:{second.cursor}"
    assert "20 records so far, 20 of them new" in request.tags[REASON_TAG]

    third = _tick(instance, newsroom, second.cursor)
    assert isinstance(third, SkipReason)
    assert f"since record {second.cursor}" in str(third.skip_message)


def test_further_growth_is_a_further_request_under_another_key(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    _history(rows, 4)
    for number in range(20):
        _post(rows, "ai-law", DAY, number)
    first = _tick(instance, newsroom, None)
    assert isinstance(first, SensorResult) and first.run_requests
    _post(rows, "ai-law", DAY, 20)
    second = _tick(instance, newsroom, first.cursor)
    assert isinstance(second, SensorResult) and second.run_requests
    assert _asked(first) == _asked(second) == ["2026-05-20|ai-law"]
    assert first.run_requests[0].run_key != second.run_requests[0].run_key
    assert "21 records so far, 1 of them new" in second.run_requests[0].tags[REASON_TAG]


def test_a_lost_cursor_asks_under_the_same_key_which_dagster_knows(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    for number in range(9):
        _post(rows, "ai-law", DAY, number)
    first, again = _tick(instance, newsroom, None), _tick(instance, newsroom, None)
    assert isinstance(first, SensorResult) and isinstance(again, SensorResult)
    assert first.run_requests and again.run_requests
    assert first.run_requests[0].run_key == again.run_requests[0].run_key


def test_late_records_move_the_cursor_and_ask_for_nothing(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    _history(rows, 4)
    for number in range(20):
        _post(rows, "ai-law", DAY, number)
    before = _tick(instance, newsroom, None)
    assert isinstance(before, SensorResult)
    for number in range(30):  # yesterday grows by 30 after the fact
        _post(rows, "ai-science", DAY - timedelta(days=1), number, prefix="late")
    late = _tick(instance, newsroom, before.cursor)
    assert _asked(late) == []
    assert isinstance(late, SensorResult)
    assert int(late.cursor or 0) == int(before.cursor or 0) + 30
    assert isinstance(_tick(instance, newsroom, late.cursor), SkipReason)


def test_a_late_record_that_waits_for_analysis_holds_nothing_up(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    _post(rows, "ai-law", DAY - timedelta(days=1), 1, prefix="late")
    conn.execute("DELETE FROM record_topics")
    conn.execute("DELETE FROM record_analysis")
    for number in range(9):
        _post(rows, "ai-law", DAY, number)
    assert _asked(_tick(instance, newsroom, None)) == ["2026-05-20|ai-law"]


def test_the_last_hour_of_a_day_is_left_to_its_edition(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    rows = _rows(conn)
    for number in range(9):
        _post(rows, "ai-law", DAY, number)
    night = replace(newsroom, clock=lambda: datetime(2026, 5, 20, 23, 5, tzinfo=UTC))
    closed = _tick(instance, night, None)
    assert _asked(closed) == []
    assert isinstance(closed, SensorResult)
    assert int(closed.cursor or 0) > 0


def test_what_the_sensor_asks_for_is_computed_and_stays_open(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom, definitions: Definitions
) -> None:
    rows = _rows(conn)
    for number in range(9):
        _post(rows, "ai-law", DAY, number)
    (key,) = _asked(_tick(instance, newsroom, None))
    result = definitions.resolve_job_def("signals_job").execute_in_process(
        instance=instance, partition_key=key, run_config=QUIET
    )
    assert result.success
    stored = conn.execute("SELECT topic, sealed_at FROM baselines WHERE day = %s", (DAY,)).fetchall()
    assert {(row["topic"], row["sealed_at"]) for row in stored} == {("ai-law", None)}, "every kind of it"


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
    assert _asked(result) == []  # four records are no story yet


# --- stories after signals --------------------------------------------------------------------------------------------


def test_within_the_day_only_a_severe_signal_gets_a_story(conn: Connection) -> None:
    rows = _rows(conn)
    rows.baseline("ai-law", DAY, [3, 4, 3, 40], spike="severe")
    rows.baseline("ai-science", DAY, [3, 4, 3, 12], spike="strong")
    assert deserves_story(conn, DAY, "ai-law", most=3)
    assert not deserves_story(conn, DAY, "ai-science", most=3)
    assert not deserves_story(conn, DAY, "ai-law", most=0)


def _after(
    instance: DagsterInstance, newsroom: Newsroom, definitions: Definitions, job: str, **tags: str
) -> list[RunRequest] | None:
    """What the sensor asks for after a run of `job` with these tags succeeded."""
    run = DagsterRun(job_name=job, run_id=f"run-of-{job}", tags=tags, status=DagsterRunStatus.SUCCESS)
    result = definitions.resolve_job_def("purge_job").execute_in_process(instance=instance, run_config=QUIET)
    event = next(event for event in result.all_events if event.is_job_success)
    context = build_run_status_sensor_context(
        sensor_name="stories_after_signals", dagster_event=event, dagster_instance=instance, dagster_run=run,
        resources={"newsroom": newsroom},
    )  # fmt: skip
    found = stories_after_signals(context)
    assert found is None or isinstance(found, list)
    return found


def test_an_edition_is_followed_by_a_run_for_each_topic(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom, definitions: Definitions
) -> None:
    found = _after(instance, newsroom, definitions, "edition_job", **{EDITION_TAG: "2026-05-19"})
    assert found is not None
    assert [request.partition_key for request in found] == [f"2026-05-19|{slug}" for slug in TOPIC_SLUGS]
    assert len({request.run_key for request in found}) == len(TOPIC_SLUGS)
    assert {request.tags[EDITION_TAG] for request in found} == {"2026-05-19"}


def test_the_command_line_and_signals_by_hand_are_followed_by_nothing(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom, definitions: Definitions
) -> None:
    rows = _rows(conn)
    rows.baseline("ai-law", DAY, [3, 4, 3, 40], spike="severe")
    partition = {"dagster/partition": key_of(DAY, "ai-law")}
    by_hand = _after(instance, newsroom, definitions, "signals_job", **partition)
    by_command = _after(
        instance, newsroom, definitions, "signals_job", **partition, **{STARTED_BY: "aidran run", EDITION_TAG: str(DAY)}
    )
    by_sensor = _after(instance, newsroom, definitions, "signals_job", **partition, **{REASON_TAG: "new volume: …"})
    assert (by_hand, by_command) == (None, None)
    assert by_sensor is not None
    assert [request.partition_key for request in by_sensor] == [key_of(DAY, "ai-law")]


# --- the site ---------------------------------------------------------------------------------------------------------


def _site_tick(instance: DagsterInstance, newsroom: Newsroom) -> RunRequest | SkipReason:
    context = build_sensor_context(instance_ref=instance.get_ref(), resources={"newsroom": newsroom})
    result = site_after_stories(context)
    assert isinstance(result, RunRequest | SkipReason)
    return result


def _built(instance: DagsterInstance, conn: Connection) -> None:
    instance.report_runless_asset_event(AssetMaterialization("site", metadata={KNOWN: stories_decided(conn)}))


def test_the_site_is_built_once_for_what_was_decided(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    assert isinstance(_site_tick(instance, newsroom), SkipReason)  # nothing was ever decided
    rows = _rows(conn)
    rows.withhold("ai-law", DAY, "evidence", "records", "3 of 5 records")
    first = _site_tick(instance, newsroom)
    assert isinstance(first, RunRequest)
    again = _site_tick(instance, newsroom)  # the build has not begun: the same key, which Dagster knows
    assert isinstance(again, RunRequest) and again.run_key == first.run_key
    _built(instance, conn)
    assert isinstance(_site_tick(instance, newsroom), SkipReason)
    rows.withhold("ai-science", DAY, "evidence", "records", "3 of 5 records")
    later = _site_tick(instance, newsroom)
    assert isinstance(later, RunRequest) and later.run_key != first.run_key


@pytest.mark.parametrize("status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTED])
def test_the_site_waits_for_stories_that_are_being_written(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom, status: DagsterRunStatus
) -> None:
    _rows(conn).withhold("ai-law", DAY, "evidence", "records", "3 of 5 records")
    by_job = DagsterRun(job_name="articles_job", run_id="11111111-1111-1111-1111-111111111111", status=status)
    by_hand = DagsterRun(
        job_name="__ASSET_JOB", run_id="22222222-2222-2222-2222-222222222222", status=status,
        asset_selection=frozenset({AssetKey("articles")}),
    )  # fmt: skip
    other = DagsterRun(job_name="ingest_job", run_id="33333333-3333-3333-3333-333333333333", status=status)
    for run in (by_job, by_hand, other):
        instance.add_run(run)
    waiting = _site_tick(instance, newsroom)
    assert isinstance(waiting, SkipReason)
    assert str(waiting.skip_message).startswith("2 runs")
    for run in (by_job, by_hand):
        instance.delete_run(run.run_id)
    assert isinstance(_site_tick(instance, newsroom), RunRequest)


def test_the_site_waits_for_a_backfill_of_stories(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    _rows(conn).withhold("ai-law", DAY, "evidence", "records", "3 of 5 records")
    backfill = PartitionBackfill(
        backfill_id="three-days", status=BulkActionStatus.REQUESTED, from_failure=False, tags={},
        backfill_timestamp=0.0, asset_selection=[AssetKey("articles")],
    )  # fmt: skip
    instance.add_backfill(backfill)
    assert isinstance(_site_tick(instance, newsroom), SkipReason)
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert isinstance(_site_tick(instance, newsroom), RunRequest)
