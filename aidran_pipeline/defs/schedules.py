"""Fixed hours, in UTC. What does not belong here: what follows from a run or from data (sensors.py).

Those that ask sources or publish are off until an operator turns them on (UI, Automation): whoever opens the UI to
look at a demo must not find it fetching from the network.
"""

from datetime import UTC, date, datetime, timedelta

from dagster import DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, schedule

from aidran_pipeline.defs.housekeeping import expire_job, purge_job, reconcile_job
from aidran_pipeline.defs.jobs import edition_job, ingest_job
from aidran_pipeline.defs.partitions import RANGE_END, RANGE_START, TOPIC_SLUGS, key_of
from aidran_pipeline.defs.sensors import EDITION_TAG


def _tick(context: ScheduleEvaluationContext) -> datetime:
    return context.scheduled_execution_time.astimezone(UTC)


@schedule(
    job=ingest_job,
    cron_schedule="*/30 * * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description="Every half hour: the sources that are due. Each source's own next check holds; most ticks ask a few.",
)
def ingest_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Today's ingest; what it finds of other days is reported there."""
    today = _tick(context).date().isoformat()
    return RunRequest(run_key=f"ingest:{_tick(context):%Y-%m-%dT%H:%M}", partition_key=today)


@schedule(
    job=edition_job,
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description="05:30: the edition of the day before. Feeds had five hours to show it; what comes later is late.",
)
def edition_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Signals and pages of yesterday, every topic; stories and site follow by sensor."""
    return edition_request(_tick(context).date() - timedelta(days=1))


def edition_request(day: date) -> RunRequest:
    """One run over all topics of a day."""
    return RunRequest(
        run_key=f"edition:{day}",
        tags={
            EDITION_TAG: day.isoformat(),
            RANGE_START: key_of(day, TOPIC_SLUGS[0]),
            RANGE_END: key_of(day, TOPIC_SLUGS[-1]),
        },
    )


@schedule(
    job=purge_job,
    cron_schedule="15 4 * * 0",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Sundays: log lines of old runs go, materialisations stay.",
)
def purge_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Housekeeping of Dagster's own tables."""
    return RunRequest(run_key=f"purge:{_tick(context):%Y-%m-%d}")


@schedule(
    job=expire_job,
    cron_schedule="45 3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Daily: fetched bodies older than AIDRAN_BODY_DAYS that no published story rests on go, hashes stay.",
)
def expire_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Retention of bodies."""
    return RunRequest(run_key=f"expire:{_tick(context):%Y-%m-%d}")


@schedule(
    job=reconcile_job,
    cron_schedule="10 */3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description="Every three hours: what was deleted at its source is erased here. Turn it on with ingest.",
)
def reconcile_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """What sources told since, and the cited posts that are due."""
    return RunRequest(run_key=f"reconcile:{_tick(context):%Y-%m-%dT%H}")


SCHEDULES = [ingest_schedule, edition_schedule, purge_schedule, expire_schedule, reconcile_schedule]
