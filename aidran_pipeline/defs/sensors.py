"""What makes runs start by itself: thin shells around decisions made elsewhere.

What does not belong here: counting and deciding (volume.py), fixed hours (schedules.py), the conditions of analysis
(they stand with the assets).
"""

from datetime import UTC, date, datetime, time

from dagster import (
    AssetKey,
    AutomationConditionSensorDefinition,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    ResourceParam,
    RunRequest,
    RunsFilter,
    RunStatusSensorContext,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_status_sensor,
    sensor,
)
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from aidran_pipeline.defs.assets.publish import NO_STORY, known_to_site, stories_decided
from aidran_pipeline.defs.jobs import articles_job, edition_job, signals_job, site_job
from aidran_pipeline.defs.partitions import TOPIC_SLUGS, key_of, parts_of
from aidran_pipeline.defs.presence import STARTED_BY, bury_dead_runs
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.volume import decide, observe
from aidran_pipeline.store.db import Connection

EDITION_TAG = "aidran/edition"
REASON_TAG = "aidran/reason"


@sensor(
    job=signals_job,
    minimum_interval_seconds=300,
    default_status=DefaultSensorStatus.RUNNING,
    description="New volume: asks for the signals of a topic whose day grew beyond the same hours of earlier days.",
)
def new_volume(context: SensorEvaluationContext, newsroom: ResourceParam[Newsroom]) -> SensorResult | SkipReason:
    """The cursor is the highest analysed record id that was counted.

    Late records, those of a day that is over, are passed over, and so is a day's last hour: computing a day then seals
    its signals, and that is the edition's part.
    """
    from aidran_pipeline.signal.compute import SEAL_AFTER

    cursor, now = int(context.cursor or 0), newsroom.clock()
    with newsroom.connection() as conn:
        observed, watermark = observe(conn, cursor=cursor, now=now)
    if watermark == cursor:
        return SkipReason(f"no record analysed since record {cursor}")
    if now >= datetime.combine(now.date(), time(), UTC) + SEAL_AFTER:
        return SensorResult(cursor=str(watermark), skip_reason=SkipReason(f"{now.date()} is left to its edition"))
    requests = [
        RunRequest(
            run_key=one.run_key,
            partition_key=key_of(one.day, one.topic),
            tags={REASON_TAG: f"new volume: {one.reason}"},
        )
        for one in decide(observed, watermark)
        if one.topic in TOPIC_SLUGS
    ]
    if not requests:
        ordinary = SkipReason(f"{len(observed)} topics have new records, none beyond its ordinary volume")
        return SensorResult(cursor=str(watermark), skip_reason=ordinary)
    return SensorResult(run_requests=requests, cursor=str(watermark))


_SEVERE = """
    SELECT 1 FROM signals s WHERE s.day = %(day)s AND s.topic = %(topic)s AND s.severity = 'severe'
    AND (SELECT count(*) FROM article_versions v JOIN articles a ON a.id = v.article_id
         WHERE a.day = s.day AND a.topic = s.topic) < %(most)s LIMIT 1"""


def deserves_story(conn: Connection, day: date, topic: str, *, most: int) -> bool:
    """Within a day: only a severe signal, and at most `most` versions of the day's story."""
    return conn.execute(_SEVERE, {"day": day, "topic": topic, "most": most}).fetchone() is not None


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    monitored_jobs=[edition_job, signals_job],
    request_jobs=[articles_job],
    default_status=DefaultSensorStatus.RUNNING,
    description="After an edition's signals: every topic's story. After signals within the day: severe ones only.",
)
def stories_after_signals(
    context: RunStatusSensorContext, newsroom: ResourceParam[Newsroom]
) -> list[RunRequest] | None:
    """One run a story, so that one failing topic leaves the others.

    None, not a reason to skip, for runs that ask for nothing: Dagster goes on to the next run within the same tick.
    """
    run = context.dagster_run
    edition, partition = run.tags.get(EDITION_TAG), run.tags.get("dagster/partition")
    if STARTED_BY in run.tags:  # the command line goes on by itself
        return None
    if edition:
        day = date.fromisoformat(edition)
        return [_story(key_of(day, topic), run.run_id, {EDITION_TAG: edition}) for topic in TOPIC_SLUGS]
    if not partition or REASON_TAG not in run.tags:  # signals computed by hand
        return None
    day, topic = parts_of(partition)
    with newsroom.connection() as conn:
        deserved = deserves_story(conn, day, topic, most=newsroom.publication.max_versions_per_day)
    return [_story(partition, run.run_id, {REASON_TAG: "severe signal"})] if deserved else None


def _story(key: str, cause: str, tags: dict[str, str]) -> RunRequest:
    return RunRequest(run_key=f"{key}:{cause}", job_name=articles_job.name, partition_key=key, tags=tags)


_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

_UNFINISHED_BACKFILLS = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]


def stories_being_written(instance: DagsterInstance) -> int:
    """Runs and backfills that may still write stories: those of the job, those started by hand in the UI."""
    articles = AssetKey("articles")
    runs = instance.get_runs(RunsFilter(statuses=_UNFINISHED))
    backfills = instance.get_backfills(BulkActionsFilter(statuses=_UNFINISHED_BACKFILLS))
    return sum(run.job_name == articles_job.name or articles in (run.asset_selection or ()) for run in runs) + sum(
        articles in (backfill.asset_selection or ()) for backfill in backfills
    )


@sensor(
    job=site_job,
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Builds the site when stories were decided that it does not know, once none is being written.",
)
def site_after_stories(context: SensorEvaluationContext, newsroom: ResourceParam[Newsroom]) -> RunRequest | SkipReason:
    """Ends the chain of an edition: one build for all its stories, whether they were written, withheld or failed.

    Needs no cursor: each build notes up to which decision it knows, whoever started it.
    """
    with newsroom.connection() as conn:
        decided = stories_decided(conn)
    if decided in (NO_STORY, known_to_site(context.instance)):
        return SkipReason("the site knows every decision")
    if waiting := stories_being_written(context.instance):
        return SkipReason(f"{waiting} runs may still write stories")
    return RunRequest(run_key=f"site:{decided}")


@sensor(
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process was killed, so that they hold no place and no pool slot for ever.",
)
def dead_runs(context: SensorEvaluationContext, newsroom: ResourceParam[Newsroom]) -> SkipReason:
    """Starts nothing."""
    with newsroom.connection() as conn:
        buried = bury_dead_runs(context.instance, conn)
    return SkipReason(
        f"marked as failed: {', '.join(run.run_id for run in buried)}" if buried else "every run is alive"
    )


analysis_automation = AutomationConditionSensorDefinition(
    "analysis_automation",
    target=["analyzed_records", "claims"],
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Analyses a day whose ingest brought something new.",
)

SENSORS = [new_volume, stories_after_signals, site_after_stories, dead_runs, analysis_automation]
