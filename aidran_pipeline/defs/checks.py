"""The check on articles: every published version still holds every gate. What does not belong here: the gates (write/).

A withheld story is a valid result and passes. Checks of the set-based assets stand with them, in assets/: they are part
of the same step, see events.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    AssetRecordsFilter,
    DagsterInstance,
    Output,
    PartitionKeyRange,
    ResourceParam,
    multi_asset_check,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.defs.events import figures
from aidran_pipeline.defs.partitions import DAY_TOPIC, RANGE_END, RANGE_START, key_of, parts_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection

ARTICLES = AssetKey("articles")
GATES = AssetCheckSpec(
    "articles_hold_their_gates",
    asset=ARTICLES,
    partitions_def=DAY_TOPIC,
    description=(
        "Runs every gate over the rows of the published version; fails only if a published story breaks one. "
        "Executed by itself, it checks every published story."
    ),
)

_PUBLISHED = """
    SELECT a.slug, a.day::text || '|' || a.topic AS partition, v.id
    FROM current_article_versions v JOIN articles a ON a.id = v.article_id
    WHERE %(parts)s::text[] IS NULL OR a.day::text || '|' || a.topic = ANY(%(parts)s)
    ORDER BY a.day, a.topic"""


def broken_gates(conn: Connection, publication: Publication, keys: list[str] | None) -> dict[str, list[dict[str, Any]]]:
    """Partition of each published story among these partitions (None: of all) → the rules that it breaks."""
    from aidran_pipeline.write import check_article

    return {
        row["partition"]: [
            {"story": row["slug"], "gate": failure.gate, "rule": failure.rule, "detail": str(failure.detail)}
            for failure in check_article(conn, row["id"], publication)
        ]
        for row in conn.execute(_PUBLISHED, {"parts": keys}).fetchall()
    }


@multi_asset_check(name="gates", specs=[GATES])
def articles_hold_their_gates(context: AssetCheckExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
    """The partitions of the run, or every published story when the check is executed by itself.

    Evaluations are made here, one a partition: Dagster makes one a run, and none at all without a partition.
    """
    keys = partitions_of_run(context.run.tags)
    with newsroom.connection() as conn:
        found = broken_gates(conn, newsroom.publication, keys)
    yield Output(None, output_name=GATES.get_python_identifier())
    for key in found if keys is None else keys:
        yield _evaluation(found.get(key), key, target=_newest(context.instance, key))
    if keys is None:
        every = [failure for failures in found.values() for failure in failures]
        yield _evaluation(every, None, published=len(found))


def partitions_of_run(tags: Mapping[str, str]) -> list[str] | None:
    """The partition of an articles run, or those of its range; None when the run names none."""
    if key := tags.get("dagster/partition"):
        return [key_of(*parts_of(key))]
    if RANGE_START in tags:
        span = PartitionKeyRange(tags[RANGE_START], tags[RANGE_END])
        return [key_of(*parts_of(str(key))) for key in DAY_TOPIC.get_partition_keys_in_range(span)]
    return None


def _evaluation(
    failures: Sequence[Mapping[str, Any]] | None,
    partition: str | None,
    *,
    published: int = 1,
    target: AssetCheckEvaluationTargetMaterializationData | None = None,
) -> AssetCheckEvaluation:
    """failures: None when nothing is published there."""
    if failures is None:
        failures, published = [], 0
    said = f"{len(failures)} broken gates" if published else "withheld: nothing published to check"
    return AssetCheckEvaluation(
        asset_key=ARTICLES,
        check_name=GATES.name,
        passed=not failures,
        metadata=figures({"published": published, "failures": len(failures), "broken": list(failures) or None}),
        target_materialization_data=target,
        severity=AssetCheckSeverity.ERROR,
        description=said,
        blocking=False,
        partition=partition,
    )


def _newest(instance: DagsterInstance, key: str) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The materialisation that is checked, so that the UI knows whether a later one was not."""
    wanted = AssetRecordsFilter(asset_key=ARTICLES, asset_partitions=[key])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        return AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
    return None
