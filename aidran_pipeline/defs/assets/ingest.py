"""Ingest: one asset per platform and day. What does not belong here: how a source is read (aidran_pipeline/ingest).

A fetch brings several days. The run materialises its own day and reports every further day that changed.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    BackfillPolicy,
    ResourceParam,
    asset,
)

from aidran_pipeline import __version__
from aidran_pipeline.defs.events import (
    DATA_VERSION,
    NOTHING_YET,
    OWNERS,
    event_of,
    figures,
    latest_tags,
    rates,
    result_of,
)
from aidran_pipeline.defs.partitions import DAYS, is_partition
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.source_checks import DESCRIPTION, SOURCES_ARE_WELL, sources_are_well
from aidran_pipeline.store.provenance import StageResult

PLATFORM_ASSETS = {"bluesky": "bluesky_posts", "reddit": "reddit_posts", "news": "news_articles"}
FIGURES = ("attempted", "succeeded", "not_modified", "unchanged", "not_due", "failed", "unconfigured")
FAILED_SHARE = 0.5  # of the sources asked: above it the check warns


def _platform_asset(platform: str, name: str, description: str) -> AssetsDefinition:
    @asset(
        name=name,
        partitions_def=DAYS,
        group_name="ingest",
        kinds={"python", "postgres"},
        owners=OWNERS,
        description=description,
        code_version=__version__,
        # One run a day: a run's day is its own, and one day that fails leaves the others.
        backfill_policy=BackfillPolicy.multi_run(max_partitions_per_run=1),
        pool="sources",
        check_specs=[
            AssetCheckSpec("sources_answer", asset=name, description="At most half of the asked sources fail."),
            AssetCheckSpec(SOURCES_ARE_WELL, asset=name, description=DESCRIPTION),
        ],
    )
    def platform_asset(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
        from aidran_pipeline.ingest import ingest_platform

        run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
        day = date.fromisoformat(context.partition_key)
        with newsroom.connection() as conn:
            newsroom.sync(conn)
            found = ingest_platform(conn, platform, day, run=run, settings=newsroom.settings)
            well = sources_are_well(conn, name, platform, run.now)
        counts = {name: int(getattr(found, name)) for name in FIGURES}
        latest = run.now.date() + timedelta(days=1)
        for other in sorted(found.days):
            if other != day and is_partition(other, min(latest, _last_partition())):
                more = {"found_in_run_of": day.isoformat()}
                yield event_of(context, name, other.isoformat(), found.days[other], more=more)
        own = found.days.get(day) or _unchanged(context, name)
        reported = {
            **counts,
            **rates(counts, share_failed=("failed", "attempted")),
            "days_changed": len(found.days),
            "failures": [{"source": source, "error": error} for source, error in sorted(found.errors.items())],
        }
        yield result_of(name, own, more=reported)
        yield _sources_answer(name, counts)
        yield well

    return platform_asset


def _last_partition() -> date:
    last = DAYS.get_last_partition_key()
    return date.fromisoformat(last) if last else date.max


def _unchanged(context: AssetExecutionContext, name: str) -> StageResult:
    """The day as it was: same data version as before, so that nothing downstream is asked for."""
    known = latest_tags(context.instance, name, [context.partition_key], DATA_VERSION)
    return StageResult(data_version=known.get(context.partition_key, NOTHING_YET))


def _sources_answer(name: str, counts: dict[str, int]) -> AssetCheckResult:
    asked, failed = counts["attempted"], counts["failed"]
    return AssetCheckResult(
        asset_key=AssetKey(name),
        check_name="sources_answer",
        passed=failed <= asked * FAILED_SHARE,
        severity=AssetCheckSeverity.WARN,
        metadata=figures(dict(counts)),
        description=f"{failed} of {asked} sources failed; `aidran sources` names them.",
    )


bluesky_posts = _platform_asset(
    "bluesky", "bluesky_posts", "Posts on Bluesky of one UTC day: searches for the terms of the configured topics."
)
reddit_posts = _platform_asset(
    "reddit", "reddit_posts", "Submissions on Reddit of one UTC day, from the configured subreddits."
)
news_articles = _platform_asset(
    "news", "news_articles", "Items of the configured news feeds, of one UTC day of publication."
)
INGEST_ASSETS = [bluesky_posts, reddit_posts, news_articles]
