"""Runs whose process is killed: found out, marked as failed, and their pool slots given back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from aidran_pipeline.defs.presence import GRACE, STARTED_BY, alive, bury_dead_runs
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.ingest_server import drip
from aidran_pipeline_tests.office import feed, office

LATER = timedelta(hours=1)


def _started(instance: DagsterInstance) -> list[str]:
    return [run.run_id for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED]))]


def _run(instance: DagsterInstance, run_id: str, **tags: str) -> None:
    run = DagsterRun(job_name="ingest_job", run_id=run_id, status=DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    instance.report_engine_event("began", run)


def test_a_run_is_dead_when_it_lost_its_lock_and_was_silent_for_a_while(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    one, two = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    _run(instance, one)
    _run(instance, two)
    assert bury_dead_runs(instance, conn) == []  # both spoke just now
    with alive(newsroom, one):
        buried = bury_dead_runs(instance, conn, now=datetime.now(UTC) + GRACE + timedelta(seconds=5))
        assert [run.run_id for run in buried] == [two]
        assert _started(instance) == [one]
        assert bury_dead_runs(instance, conn, now=datetime.now(UTC) + LATER) == []
    assert [run.run_id for run in bury_dead_runs(instance, conn, now=datetime.now(UTC) + LATER)] == [one]
    assert instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.FAILURE])) == 2


def test_runs_of_the_command_line_are_given_up_sooner(conn: Connection, instance: DagsterInstance) -> None:
    _run(instance, "11111111-1111-1111-1111-111111111111", **{STARTED_BY: "aidran run"})
    _run(instance, "22222222-2222-2222-2222-222222222222")
    buried = bury_dead_runs(instance, conn, now=datetime.now(UTC) + timedelta(seconds=10))
    assert [run.tags.get(STARTED_BY) for run in buried] == ["aidran run"]


@pytest.mark.slow
def test_an_edition_that_was_killed_does_not_keep_the_next_one_waiting(
    conn: Connection, database_url: str, own_instance: DagsterInstance, tmp_path: Path
) -> None:
    storage = own_instance.event_log_storage
    storage.set_concurrency_slots("sources", 1)

    def taken() -> int:
        return storage.get_concurrency_info("sources").active_slot_count

    with office(tmp_path / "office", database_url) as newsroom:
        day = str(newsroom.days[-1])
        newsroom.server.routes["/feed0"] = drip(120)
        process = newsroom.start("run", "--day", day)
        try:
            _wait(lambda: taken() == 1 and bool(newsroom.server.asked("/feed0")), process)
            assert bury_dead_runs(own_instance, conn, now=datetime.now(UTC) + LATER) == []  # it works, however long
        finally:
            process.kill()
            process.wait(10)
        (killed,) = _started(own_instance)
        assert taken() == 1
        time.sleep(6)
        newsroom.server.routes["/feed0"] = feed(0, newsroom.days)
        ran = newsroom.aidran("run", "--day", day, "--json", timeout=200)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert (taken(), _started(own_instance)) == (0, [])
        failed = own_instance.get_run_by_id(killed)
        assert failed is not None and failed.status is DagsterRunStatus.FAILURE


def _wait(met: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    ends = time.monotonic() + seconds
    while not met():
        assert process.poll() is None and time.monotonic() < ends
        time.sleep(0.2)
