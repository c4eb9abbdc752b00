"""What makes runs start by itself: thin shells around decisions made elsewhere.

What does not belong here: counting and deciding (volume.py), fixed hours (schedules.py), the conditions of analysis
(they stand with the assets).
"""

from collections.abc import Iterator
from datetime import date

from dagster import (
    AutomationConditionSensorDefinition,
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

from aidran_pipeline.defs.jobs import articles_job, edition_job, signals_job, site_job
from aidran_pipeline.defs.partitions import TOPIC_SLUGS, key_of, parts_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.volume import decide, observe
from aidran_pipeline.store.db import Connection

EDITION_TAG = "aidran/edition"
REASON_TAG = "aidran/reason"
STARTED_BY = "aidran/started_by"  # runs of the command line carry it: it goes on by itself
LOOKBACK_DAYS = 1  # a post of 23:50 arrives after midnight


@sensor(
    job=signals_job,
    minimum_interval_seconds=300,
    default_status=DefaultSensorStatus.RUNNING,
    description="New volume: asks for the signals of a topic whose day grew beyond the same hours of earlier days.",
)
def new_volume(context: SensorEvaluationContext, newsroom: ResourceParam[Newsroom]) -> SensorResult | SkipReason:
    """The cursor is the highest analysed record id that was counted."""
    cursor = int(context.cursor or 0)
    with newsroom.connection() as conn:
        observed, watermark = observe(conn, cursor=cursor, now=newsroom.clock(), lookback_days=LOOKBACK_DAYS)
    requests = [
        RunRequest(
            run_key=one.run_key,
            partition_key=key_of(one.day, one.topic),
            tags={REASON_TAG: f"new volume: {one.reason}"},
        )
        for one in decide(observed, watermark)
        if one.topic in TOPIC_SLUGS
    ]
    if watermark == cursor:
        return SkipReason(f"no record analysed since record {cursor}")
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
) -> Iterator[RunRequest | SkipReason]:
    """One run a story, so that one failing topic leaves the others."""
    run = context.dagster_run
    edition = run.tags.get(EDITION_TAG)
    if STARTED_BY in run.tags:
        yield SkipReason(f"{run.tags[STARTED_BY]} goes on by itself")
        return
    if edition:
        for topic in TOPIC_SLUGS:
            key = key_of(date.fromisoformat(edition), topic)
            yield _story(key, run.run_id, {EDITION_TAG: edition})
        return
    partition = run.tags.get("dagster/partition")
    if not partition or REASON_TAG not in run.tags:
        yield SkipReason("signals computed by hand: no story is asked for")
        return
    day, topic = parts_of(partition)
    with newsroom.connection() as conn:
        if deserves_story(conn, day, topic, most=newsroom.publication.max_versions_per_day):
            yield _story(partition, run.run_id, {REASON_TAG: "severe signal"})
        else:
            yield SkipReason(f"{partition}: no severe signal, or its versions of the day are used up")


def _story(key: str, cause: str, tags: dict[str, str]) -> RunRequest:
    return RunRequest(run_key=f"{key}:{cause}", job_name=articles_job.name, partition_key=key, tags=tags)


_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]


def _site_when_last(context: RunStatusSensorContext) -> RunRequest | SkipReason:
    """Build the site once no story is waiting or being written: an edition costs one build, not one a topic."""
    if STARTED_BY in context.dagster_run.tags:
        return SkipReason(f"{context.dagster_run.tags[STARTED_BY]} builds the site itself")
    waiting = context.instance.get_runs_count(RunsFilter(job_name=articles_job.name, statuses=_UNFINISHED))
    if waiting:
        return SkipReason(f"{waiting} stories are still being written")
    return RunRequest(run_key=f"site:{context.dagster_run.run_id}", job_name=site_job.name)


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    monitored_jobs=[articles_job],
    request_jobs=[site_job],
    default_status=DefaultSensorStatus.RUNNING,
    description="After the last story of a batch: the site.",
)
def site_after_stories(context: RunStatusSensorContext) -> RunRequest | SkipReason:
    """Ends the chain of an edition."""
    return _site_when_last(context)


@run_status_sensor(
    run_status=DagsterRunStatus.FAILURE,
    monitored_jobs=[articles_job],
    request_jobs=[site_job],
    default_status=DefaultSensorStatus.RUNNING,
    description="A batch whose last story failed still gets its site.",
)
def site_after_failed_story(context: RunStatusSensorContext) -> RunRequest | SkipReason:
    """The other stories do not wait for the one that failed."""
    return _site_when_last(context)


analysis_automation = AutomationConditionSensorDefinition(
    "analysis_automation",
    target=["analyzed_records", "claims"],
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Analyses a day whose ingest brought something new.",
)

SENSORS = [new_volume, stories_after_signals, site_after_stories, site_after_failed_story, analysis_automation]
