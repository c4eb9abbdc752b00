"""What a story was made from, as one hash: an edition that finds it unchanged does not write the story again.

What does not belong here: the stages' own idempotence (`input_hash` of their rows), which holds without Dagster. This
only saves the run: a hash that differs without need costs a second and changes no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dagster import AssetKey, AssetRecordsFilter, DagsterEventType, DagsterInstance

from aidran_pipeline.defs.events import DATA_VERSION, INPUT_TAG, latest_tags
from aidran_pipeline.defs.partitions import key_of
from aidran_pipeline.store.provenance import content_hash

TAG_LENGTH = 40  # Dagster takes tags of at most 63 characters
EARLIER_DAYS = 30  # earlier stories of a topic that a new one is compared with and tells "so far" from


def story_inputs(
    instance: DagsterInstance, day: date, topics: Iterable[str], *, window_days: int, config: str
) -> dict[str, str]:
    """Topic → hash of the data versions that its story of `day` rests on, with the publication's configuration."""
    slugs = list(topics)
    window = [(day - timedelta(days=back)).isoformat() for back in range(window_days - 1, -1, -1)]
    keys = [key_of(day, slug) for slug in slugs]
    earlier = {
        slug: [key_of(day - timedelta(days=back), slug) for back in range(EARLIER_DAYS, 0, -1)] for slug in slugs
    }
    shared = [_versions(instance, asset, window) for asset in ("analyzed_records", "claims")]
    signals = latest_tags(instance, "topic_signals", keys, DATA_VERSION)
    pages = latest_tags(instance, "web_pages", keys, DATA_VERSION)
    stories = latest_tags(instance, "articles", [key for found in earlier.values() for key in found], DATA_VERSION)
    return {
        slug: content_hash(
            config, shared, signals.get(key), pages.get(key), [stories.get(past) for past in earlier[slug]]
        )[:TAG_LENGTH]
        for slug, key in zip(slugs, keys, strict=True)
    }


def stale_topics(instance: DagsterInstance, day: date, wanted: dict[str, str]) -> list[str]:
    """The topics whose newest story or decision of `day` was made from something else, or was never made."""
    keys = {key_of(day, slug): slug for slug in wanted}
    known = _latest_inputs(instance, "articles", set(keys))
    return [slug for key, slug in keys.items() if known.get(key) != wanted[slug]]


def _latest_inputs(instance: DagsterInstance, asset: str, partitions: set[str]) -> dict[str, str]:
    """The input tag of each partition's newest materialisation. Two queries: Dagster indexes only its own tags."""
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(
        AssetKey(asset), DagsterEventType.ASSET_MATERIALIZATION, partitions
    )
    if not newest:
        return {}
    wanted = AssetRecordsFilter(asset_key=AssetKey(asset), storage_ids=sorted(newest.values()))
    events = [
        record.asset_materialization for record in instance.fetch_materializations(wanted, limit=len(newest)).records
    ]
    return {
        event.partition: event.tags[INPUT_TAG]
        for event in events
        if event and event.partition and event.tags and INPUT_TAG in event.tags
    }


def _versions(instance: DagsterInstance, asset: str, partitions: list[str]) -> list[str | None]:
    found = latest_tags(instance, asset, partitions, DATA_VERSION)
    return [found.get(partition) for partition in partitions]
