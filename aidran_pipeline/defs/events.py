"""From stage results to Dagster's events: materialisations, data versions, metadata.

What does not belong here: what a stage found out (its `StageResult`), and which partitions to run (edition.py).

A run over several partitions yields one `AssetMaterialization` per partition, because Dagster gives all partitions of a
`MaterializeResult` one data version. Such an asset is declared with an output that is not required, and nothing else in
the same run may depend on it: Dagster skips what depends on an output that was not made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterEventType,
    DagsterInstance,
    DataVersion,
    MaterializeResult,
    MetadataValue,
    TableRecord,
)

from aidran_pipeline import __version__
from aidran_pipeline.store.provenance import StageResult, content_hash

OWNERS = ["team:newsroom"]
INPUT_TAG = "aidran/input"
DATA_VERSION = "dagster/data_version"
NOTHING_YET = content_hash("nothing yet")
TABLE_ROWS = 50
TEXT_LENGTH = 600


def figures(data: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Metadata of an event from a stage's figures. Untrusted text stays text; NaN and infinity become text too.

    A list of dicts becomes a table (its first 50 rows), a dict or other list JSON.
    """
    return {key: _value(value) for key, value in data.items() if value is not None}


def _value(value: Any) -> MetadataValue:
    if isinstance(value, MetadataValue):
        return value
    if isinstance(value, bool):
        return MetadataValue.bool(value)
    if isinstance(value, int):
        return MetadataValue.int(value)
    if isinstance(value, float):
        return MetadataValue.float(value) if math.isfinite(value) else MetadataValue.text(str(value))
    if isinstance(value, (list, tuple)) and value and all(isinstance(row, Mapping) for row in value):
        return _table(value)
    if isinstance(value, (Mapping, list, tuple)):
        return MetadataValue.json(_plain(value))
    return MetadataValue.text(str(value)[:TEXT_LENGTH])


def _table(rows: Sequence[Mapping[str, Any]]) -> MetadataValue:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    records = [TableRecord({name: _cell(row.get(name)) for name in columns}) for row in rows[:TABLE_ROWS]]
    return MetadataValue.table(records)


def _cell(value: Any) -> str | int | float | bool:
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return "" if value is None else str(value)[:TEXT_LENGTH]


def _plain(value: Any) -> Any:
    """JSON that every page can show: finite numbers, text keys, dates as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (bool, int)) else str(value)[:TEXT_LENGTH]


def link(url: str) -> MetadataValue:
    """A link in the UI. Dagster puts it into `href` as it is, so anything but http(s) is shown as text."""
    if url.lower().startswith(("http://", "https://")):
        return MetadataValue.url(url)
    return MetadataValue.text(url)


def event_of(
    asset: str, partition: str, result: StageResult, *, inputs: str | None = None, more: Mapping[str, Any] | None = None
) -> AssetMaterialization:
    """The materialisation of one partition among several, with its own data version."""
    return AssetMaterialization(
        asset_key=asset,
        partition=partition,
        metadata=figures({**result.metadata, "changed": result.changed, **(more or {})}),
        tags={
            DATA_VERSION: result.data_version,
            "dagster/data_version_is_user_provided": "true",
            "dagster/code_version": __version__,
            **_dimension_tags(partition),
            **_input_tags(inputs),
        },
    )


def result_of(
    asset: str, result: StageResult, *, inputs: str | None = None, more: Mapping[str, Any] | None = None
) -> MaterializeResult[Any]:
    """The materialisation of the one partition of a run."""
    return MaterializeResult(
        asset_key=asset,
        metadata=figures({**result.metadata, "changed": result.changed, **(more or {})}),
        data_version=DataVersion(result.data_version),
        tags=_input_tags(inputs),
    )


def events_of(
    asset: str, results: Mapping[str, StageResult], partitions: Sequence[str]
) -> Iterator[AssetMaterialization | MaterializeResult[Any]]:
    """One event per partition of the run, in order; a partition that the stage did not name is empty, not missing."""
    empty = StageResult(data_version=content_hash("empty"))
    if len(partitions) == 1:
        yield result_of(asset, results.get(partitions[0], empty))
        return
    for partition in sorted(partitions):
        yield event_of(asset, partition, results.get(partition, empty))


def latest_tags(instance: DagsterInstance, asset: str, partitions: Sequence[str], tag: str) -> dict[str, str]:
    """One tag of each partition's newest materialisation; partitions without one are absent."""
    if not partitions:
        return {}
    found = instance.event_log_storage.get_latest_tags_by_partition(
        AssetKey(asset), DagsterEventType.ASSET_MATERIALIZATION, [tag], asset_partitions=list(partitions)
    )
    return {partition: tags[tag] for partition, tags in found.items() if tag in tags}


def _input_tags(inputs: str | None) -> dict[str, str]:
    return {INPUT_TAG: inputs} if inputs else {}


def _dimension_tags(partition: str) -> dict[str, str]:
    day, bar, topic = partition.partition("|")
    return {"dagster/partition/day": day, "dagster/partition/topic": topic} if bar else {}
