"""Analysis and claims, by day, every topic at once. What does not belong here: how texts are judged (analyze/).

The two assets share one step, so that a run over many days can log each day's own data version (see events.py) and
claims still see the analysis of the same run.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    AutomationCondition,
    BackfillPolicy,
    ResourceParam,
    multi_asset,
)

from aidran_pipeline import __version__
from aidran_pipeline.defs.assets.ingest import PLATFORM_ASSETS
from aidran_pipeline.defs.events import OWNERS, events_of, figures, rates
from aidran_pipeline.defs.partitions import DAYS
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.provenance import StageResult

ANALYZED, CLAIMS = AssetKey("analyzed_records"), AssetKey("claims")
CLAIM_DAYS = timedelta(days=14)  # older days have left every evidence window that publication.yaml allows

# Not eager(): that asks again after an identical rewrite, and for the latest day alone. A missing platform (no
# credentials) must not hold the others back, so missing dependencies do not count.
_INPUT_CHANGED = (
    AutomationCondition.any_deps_match(
        AutomationCondition.data_version_changed() | AutomationCondition.newly_requested()
    ).since_last_handled()
    & AutomationCondition.all_deps_blocking_checks_passed()
    & ~AutomationCondition.in_progress()
    & ~AutomationCondition.any_deps_in_progress()
)


@multi_asset(
    name="analysis",
    specs=[
        AssetSpec(
            ANALYZED,
            deps=list(PLATFORM_ASSETS.values()),
            partitions_def=DAYS,
            group_name="analyze",
            kinds={"python", "postgres"},
            owners=OWNERS,
            code_version=__version__,
            skippable=True,
            automation_condition=_INPUT_CHANGED.with_label("a platform changed this day"),
            description="Language, near-duplicates, embedding, topics and storylines of every record of a day.",
        ),
        AssetSpec(
            CLAIMS,
            deps=[ANALYZED],
            partitions_def=DAYS,
            group_name="analyze",
            kinds={"python", "postgres"},
            owners=OWNERS,
            code_version=__version__,
            skippable=True,
            automation_condition=(_INPUT_CHANGED & AutomationCondition.in_latest_time_window(CLAIM_DAYS)).with_label(
                "the analysis of a recent day changed"
            ),
            description="Check-worthy claims with verbatim quotes, from the records that represent each topic.",
        ),
    ],
    check_specs=[
        AssetCheckSpec("every_record_is_analyzed", asset=ANALYZED, description="No record of the day was left out."),
        AssetCheckSpec("quotes_are_verbatim", asset=CLAIMS, description="Each quote is the text at its offsets."),
    ],
    can_subset=True,
    backfill_policy=BackfillPolicy.single_run(),
)
def analysis(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
    """analyzed_records and claims of the run's days."""
    from aidran_pipeline.analyze import analyze_days, extract_claims

    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    days = [date.fromisoformat(key) for key in context.partition_keys]
    with newsroom.connection() as conn:
        newsroom.sync(conn)
        if ANALYZED in context.selected_asset_keys:
            analyzed = analyze_days(conn, days, run=run, topics=newsroom.topics)
            yield from events_of(context, "analyzed_records", _by_key(analyzed), more=_analyzed_shares)
        if CLAIMS in context.selected_asset_keys:
            with newsroom.models(run) as models:
                claims = extract_claims(conn, days, run=run, models=models)
                asked = models.figures.as_dict() if models else {}
            yield from events_of(context, "claims", _by_key(claims), more=partial(_claim_shares, asked))
        for check in sorted(context.selected_asset_check_keys):
            query = _CHECKS[check.name]
            row = conn.execute(query, {"days": days}).fetchone() or {}
            yield AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=row.get("bad", 0) == 0,
                severity=AssetCheckSeverity.WARN,
                metadata=figures(dict(row)),
            )


def _analyzed_shares(_key: str, result: StageResult) -> dict[str, Any]:
    return rates(
        result.metadata,
        share_about_ai=("about_ai", "records"),
        share_with_topic=("with_topic", "records"),
        share_not_english=("not_english", "records"),
    )


def _claim_shares(asked: Mapping[str, Any], _key: str, result: StageResult) -> dict[str, Any]:
    """asked: what the run's questions to the reader came to, over all its days."""
    return {**rates(result.metadata, claims_per_record=("claims", "records")), **asked}


def _by_key(results: Mapping[date, StageResult]) -> dict[str, StageResult]:
    return {day.isoformat(): result for day, result in results.items()}


_CHECKS = {
    "every_record_is_analyzed": """
        SELECT count(*) AS records, count(*) FILTER (WHERE NOT EXISTS (
                   SELECT 1 FROM record_versions v JOIN record_analysis a ON a.record_version_id = v.id
                   WHERE v.record_id = r.id)) AS bad
        FROM records r WHERE r.day = ANY(%(days)s)""",
    "quotes_are_verbatim": """
        SELECT count(*) AS claims,
               count(*) FILTER (WHERE substring(v.text FROM c.start_at + 1 FOR c.end_at - c.start_at) <> c.quote) AS bad
        FROM claims c JOIN record_versions v ON v.id = c.record_version_id JOIN records r ON r.id = v.record_id
        WHERE r.day = ANY(%(days)s)""",
}
