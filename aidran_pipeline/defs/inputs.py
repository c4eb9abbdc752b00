"""What a story was made from, as one hash: an edition that finds it unchanged does not write the story again.

What does not belong here: the stages' own idempotence (`input_hash` of their rows), which holds without Dagster. This
only saves the run: a hash that differs without need costs a second and changes no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dagster import DagsterInstance

from aidran_pipeline.defs.events import DATA_VERSION, INPUT_TAG, latest_tags
from aidran_pipeline.defs.partitions import key_of
from aidran_pipeline.store.provenance import content_hash

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
        )
        for slug, key in zip(slugs, keys, strict=True)
    }


def stale_topics(instance: DagsterInstance, day: date, wanted: dict[str, str]) -> list[str]:
    """The topics whose newest story or decision of `day` was made from something else, or was never made."""
    keys = {key_of(day, slug): slug for slug in wanted}
    known = latest_tags(instance, "articles", list(keys), INPUT_TAG)
    return [slug for key, slug in keys.items() if known.get(key) != wanted[slug]]


def _versions(instance: DagsterInstance, asset: str, partitions: list[str]) -> list[str | None]:
    found = latest_tags(instance, asset, partitions, DATA_VERSION)
    return [found.get(partition) for partition in partitions]
