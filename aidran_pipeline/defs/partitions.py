"""How assets are partitioned: by UTC day, and by day and topic. The key of a story is `2026-05-20|ai-geopolitics`.

What does not belong here: which partitions a run works on (edition.py, sensors.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from dagster import (
    AssetDep,
    DailyPartitionsDefinition,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    StaticPartitionsDefinition,
)

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.topics import load_topics

FIRST_DAY = date(2026, 1, 1)
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
DAYS = DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)
# Read when the code location loads: the partitions of a location are fixed while it runs.
TOPIC_SLUGS: tuple[str, ...] = tuple(load_topics(Settings().topics_file).slugs())
TOPICS = StaticPartitionsDefinition(list(TOPIC_SLUGS))
DAY_TOPIC = MultiPartitionsDefinition({"day": DAYS, "topic": TOPICS})


def key_of(day: date, topic: str) -> str:
    """The partition key of one topic's day; Dagster joins the dimensions in alphabetical order with a bar."""
    return f"{day.isoformat()}|{topic}"


def parts_of(key: str) -> tuple[date, str]:
    """Day and topic of a key made by `key_of`. Raises ValueError when it is not one."""
    day, bar, topic = key.partition("|")
    if not bar or not topic:
        raise ValueError(f"{key!r} is not a partition of day and topic, such as 2026-05-20|ai-geopolitics")
    return date.fromisoformat(day), topic


def is_partition(day: date, today: date) -> bool:
    """Whether Dagster knows this day: sources reach back further, and their clocks run ahead."""
    return FIRST_DAY <= day <= today


def day_ranges(days: Iterable[date], *, bridge: int = 0) -> list[tuple[date, date]]:
    """Cover `days` by inclusive ranges, ascending; gaps of up to `bridge` days are worked through instead of split."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if ranges and day - ranges[-1][1] <= timedelta(days=bridge + 1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def topic_ranges(topics: Iterable[str], order: Sequence[str] = TOPIC_SLUGS) -> list[tuple[str, str]]:
    """Cover `topics` by inclusive ranges in the order of the configuration, as rectangular runs need them."""
    chosen = set(topics)
    ranges: list[tuple[str, str]] = []
    previous: str | None = None
    for slug in order:
        if slug in chosen:
            if ranges and ranges[-1][1] == previous:
                ranges[-1] = (ranges[-1][0], slug)
            else:
                ranges.append((slug, slug))
        previous = slug
    return ranges


def same_day(asset: str) -> AssetDep:
    """A day × topic asset rests on the whole day of a day-partitioned one."""
    return AssetDep(asset, partition_mapping=MultiToSingleDimensionPartitionMapping("day"))
