"""Keeping tables small and clean: Dagster's log lines, bodies that no story rests on, what was withdrawn at its source.

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
from aidran_pipeline.store.db import advisory_lock

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


class ReconcileConfig(Config):
    """ask: whether cited posts are looked for at their sources, or only what sources said by themselves is heeded."""

    ask: bool = True


@op(description="Erase what was deleted at its source, as sources told and by looking for cited posts; build the site.")
def erase_what_is_withdrawn(
    context: OpExecutionContext, config: ReconcileConfig, newsroom: ResourceParam[Newsroom]
) -> None:
    """Its figures go into the run's log. A source that does not answer fails nothing."""
    from aidran_pipeline.erase import reconcile
    from aidran_pipeline.publish import build_site

    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    with newsroom.connection() as conn, newsroom.models(run) as models:
        done = reconcile(
            conn, run=run, settings=newsroom.settings, publication=newsroom.publication, models=models, ask=config.ask
        )
        if done.erasure.records and newsroom.settings.site_dir.is_dir():
            with advisory_lock(conn, "site"):
                build_site(conn, newsroom.settings.site_dir, newsroom.publication, run=run)
    said = {name: value for name, value in done.as_dict().items() if name != "erasure"}
    context.log.info(f"{len(done.erasure.records)} records erased, {len(done.erasure.stories)} stories changed; {said}")


@job(description="Erase what was deleted at its source, and show it nowhere.")
def reconcile_job() -> None:
    """One op."""
    erase_what_is_withdrawn()


@op(description="Let go of fetched bodies that no published story rests on; their hashes stay.")
def expire_old_bodies(context: OpExecutionContext, newsroom: ResourceParam[Newsroom]) -> None:
    """Older than AIDRAN_BODY_DAYS; 0 there keeps them all."""
    from aidran_pipeline.store.payloads import expire_payloads

    days = newsroom.settings.body_days
    if days == 0:
        context.log.info("AIDRAN_BODY_DAYS is 0: bodies are kept")
        return
    now = moment_from(context.run.tags, newsroom.clock)
    with newsroom.connection() as conn:
        gone = expire_payloads(conn, now - timedelta(days=days), now)
    context.log.info(f"{gone} bodies older than {days} days expired; those that stories rest on stay")


@job(description="Housekeeping of fetched bodies.")
def expire_job() -> None:
    """One op."""
    expire_old_bodies()


@job(description="Housekeeping of Dagster's own tables.")
def purge_job() -> None:
    """One op."""
    purge_old_logs()
