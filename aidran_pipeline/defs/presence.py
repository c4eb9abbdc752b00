"""Which runs are alive. Each holds an advisory lock in the database while it works; the lock dies with its process.

Dagster's own monitoring asks the launcher, and the default launcher cannot tell: a run whose process was killed stays
"started" for ever, and with it its place among the runs at once and its pool slots. What does not belong here: runs
that never start or never stop, which Dagster's monitoring ends (dagster.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, InitResourceContext, ResourceDefinition, RunsFilter

from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection, advisory_lock

# A living run is without its lock between its start and its first step; steps in processes of their own, between steps.
GRACE = timedelta(seconds=60)
GRACE_IN_PROCESS = timedelta(seconds=5)
STARTED_BY = "aidran/started_by"  # runs of the command line carry it: they work in its own process


def newsroom_resource(newsroom: Newsroom) -> ResourceDefinition:
    """The newsroom as Dagster's resource: with it a run says that it is alive. Sensors and schedules just get it."""

    def held(context: InitResourceContext) -> Iterator[Newsroom]:
        if context.run is None:
            yield newsroom
        else:
            with alive(newsroom, context.run.run_id):
                yield newsroom

    return ResourceDefinition(contextmanager(held), description="Settings, publication, database and clock.")


@contextmanager
def alive(newsroom: Newsroom, run_id: str) -> Iterator[None]:
    """Hold the run's lock, on a connection that does nothing else."""
    with newsroom.connection() as conn, advisory_lock(conn, _lock_of(run_id)):
        yield


def bury_dead_runs(instance: DagsterInstance, conn: Connection, *, now: datetime | None = None) -> list[DagsterRun]:
    """Mark as failed the runs whose process died, and give their pool slots back; the runs that were."""
    moment = now or datetime.now(UTC)  # of the machine: event times are, whatever moment a run stands for
    dead = [
        run
        for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
        if moment - _last_heard_of(instance, run) > (GRACE_IN_PROCESS if STARTED_BY in run.tags else GRACE)
        and not _holds_lock(conn, run.run_id)
    ]
    for run in dead:
        instance.report_run_failed(run, "The process of this run died: it no longer holds its lock in the database.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return dead


def _lock_of(run_id: str) -> str:
    return f"run {run_id}"


def _holds_lock(conn: Connection, run_id: str) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0)) AS free", (_lock_of(run_id),)).fetchone()
    free = bool(row and row["free"])
    if free:
        conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (_lock_of(run_id),))
    return not free


def _last_heard_of(instance: DagsterInstance, run: DagsterRun) -> datetime:
    """When the run's newest event was written."""
    newest = instance.event_log_storage.get_logs_for_run(run.run_id, limit=1, ascending=False)
    return datetime.fromtimestamp(newest[0].timestamp, UTC) if newest else datetime.min.replace(tzinfo=UTC)
