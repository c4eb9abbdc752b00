"""Keeping Dagster's own tables small. What does not belong here: retention of fetched bodies (ingest).

Dagster has no retention of runs and event logs. Deleting a run through its API deletes its materialisations too, and
with them data versions, partition states and the provenance of old editions. So only the chatter of old runs goes.
"""

from datetime import UTC, datetime, timedelta
from typing import cast

import sqlalchemy
from dagster import Config, DagsterInstance, OpExecutionContext, ResourceParam, job, op
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from aidran_pipeline.defs.resources import Newsroom, moment_from

# Run states are kept because the UI builds a run's page and its duration from them, plans because a partition that was
# planned and not materialised is one that failed.
KEPT_EVENTS = (
    "ASSET_MATERIALIZATION_PLANNED",
    "ASSET_MATERIALIZATION",
    "ASSET_OBSERVATION",
    "ASSET_CHECK_EVALUATION",
    "ASSET_FAILED_TO_MATERIALIZE",
    "STEP_FAILURE",
    "RUN_SUCCESS",
    "RUN_FAILURE",
    "RUN_CANCELED",
    "PIPELINE_SUCCESS",
    "PIPELINE_FAILURE",
    "PIPELINE_CANCELED",
)


class PurgeConfig(Config):
    """keep_days: log lines younger than this stay."""

    keep_days: int = 30


def purge(instance: DagsterInstance, before: datetime) -> int:
    """Delete event log rows older than `before` that no page or decision needs; how many went."""
    storage = cast(SqlEventLogStorage, instance.event_log_storage)
    events = SqlEventLogStorageTable
    old = sqlalchemy.and_(
        # Dagster stores naive UTC here.
        events.c.timestamp < before.astimezone(UTC).replace(tzinfo=None),
        sqlalchemy.or_(events.c.dagster_event_type.is_(None), events.c.dagster_event_type.not_in(KEPT_EVENTS)),
    )
    with storage.index_connection() as conn:
        return int(conn.execute(events.delete().where(old)).rowcount)


@op(description="Delete log lines of runs that ended long ago; materialisations, checks and failures stay.")
def purge_old_logs(context: OpExecutionContext, config: PurgeConfig, newsroom: ResourceParam[Newsroom]) -> None:
    """Counts what went into the run's log."""
    now = moment_from(context.run.tags, newsroom.clock)
    gone = purge(context.instance, now - timedelta(days=config.keep_days))
    context.log.info(f"{gone} log lines older than {config.keep_days} days deleted")


@job(description="Housekeeping of Dagster's own tables.")
def purge_job() -> None:
    """One op."""
    purge_old_logs()
