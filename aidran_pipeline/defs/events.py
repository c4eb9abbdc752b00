"""From stage results to Dagster's events: materialisations, data versions, metadata.

What does not belong here: what a stage found out (its `StageResult`), and which partitions to run (edition.py).

A run over several partitions yields one `AssetMaterialization` per partition, because Dagster gives all partitions of a
`MaterializeResult` one data version. Such an asset is declared with an output that is not required, and nothing else in
the same run may depend on it: Dagster skips what depends on an output that was not made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetExecutionContext,
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
from aidran_pipeline.config.publication import Publication
from aidran_pipeline.store.provenance import StageResult, content_hash

OWNERS = ["team:newsroom"]
INPUT_TAG = "aidran/input"
DATA_VERSION = "dagster/data_version"
NOTHING_YET = content_hash("nothing yet")
TABLE_ROWS = 50
TEXT_LENGTH = 600
More = Callable[[str, StageResult], Mapping[str, Any]]


def figures(data: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Metadata of an event from a stage's figures. Untrusted text stays text; NaN and infinity become text too.

    A list of dicts becomes a table (its first 50 rows), so do counts by name, largest first; an empty list says none;
    any other dict or list becomes JSON.
    """
    return {key: _value(value) for key, value in data.items() if value is not None}


def rates(data: Mapping[str, Any], **pairs: tuple[str, str]) -> dict[str, float]:
    """Shares by name: `rates(data, share_about_ai=("about_ai", "records"))`; none where a count is missing."""
    found: dict[str, float] = {}
    for name, (part, whole) in pairs.items():
        if data.get(whole) and data.get(part) is not None:
            found[name] = round(float(data[part]) / float(data[whole]), 4)
    return found


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
    if isinstance(value, Mapping) and value and all(type(number) in (int, float) for number in value.values()):
        ranked = sorted(value.items(), key=lambda item: (-item[1], str(item[0])))
        return _table([{"name": name, "count": number} for name, number in ranked])
    if isinstance(value, (list, tuple)) and not value:
        return MetadataValue.text("none")
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


def topic_link(publication: Publication, topic: str) -> MetadataValue:
    """The topic's page on the site, with its chart of volume and signals."""
    return link(f"{str(publication.base_url).rstrip('/')}/topics/{topic}/")


def event_of(
    context: AssetExecutionContext,
    asset: str,
    partition: str,
    result: StageResult,
    *,
    inputs: str | None = None,
    more: Mapping[str, Any] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> AssetMaterialization:
    """The materialisation of one partition among several, with its own data version.

    provenance: what `provenance_tags` gave, when many partitions share it.
    """
    return AssetMaterialization(
        asset_key=asset,
        partition=partition,
        metadata=figures({**result.metadata, "changed": result.changed, **(more or {})}),
        tags={
            DATA_VERSION: result.data_version,
            "dagster/data_version_is_user_provided": "true",
            "dagster/code_version": __version__,
            **(provenance_tags(context, asset) if provenance is None else provenance),
            **_dimension_tags(partition),
            **_input_tags(inputs),
        },
    )


def provenance_tags(context: AssetExecutionContext, asset: str) -> dict[str, str]:
    """What Dagster notes on a materialisation it makes itself: how far each upstream asset had come.

    Without it the UI calls every partition of a ranged run "unsynced", whatever happened upstream.
    """
    upstream = sorted(context.assets_def.asset_deps[AssetKey(asset)])
    known = {record.asset_entry.asset_key: record for record in context.instance.get_asset_records(upstream)}
    tags: dict[str, str] = {}
    for key in upstream:
        newest = known[key].asset_entry.last_materialization_record if key in known else None
        version = (newest.event_log_entry.tags or {}).get(DATA_VERSION) if newest else None
        tags[f"dagster/input_data_version/{key.to_user_string()}"] = version or "INITIAL"
        tags[f"dagster/input_event_pointer/{key.to_user_string()}"] = str(newest.storage_id) if newest else "NULL"
    return tags


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
    context: AssetExecutionContext,
    asset: str,
    results: Mapping[str, StageResult],
    *,
    more: More | None = None,
) -> Iterator[AssetMaterialization | MaterializeResult[Any]]:
    """One event per partition of the run, in order; a partition that the stage did not name is empty, not missing.

    more: further metadata of a partition, such as shares of its counts and links to its pages.
    """
    partitions = sorted(str(key) for key in context.partition_keys)
    results = {**dict.fromkeys(partitions, StageResult(data_version=content_hash("empty"))), **results}
    further = {key: more(key, results[key]) if more else {} for key in partitions}
    if len(partitions) == 1:
        yield result_of(asset, results[partitions[0]], more=further[partitions[0]])
        return
    provenance = provenance_tags(context, asset)
    for key in partitions:
        yield event_of(context, asset, key, results[key], more=further[key], provenance=provenance)


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
