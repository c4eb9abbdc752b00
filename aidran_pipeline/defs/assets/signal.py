"""Signals by day and topic, a whole day in one run. What does not belong here: the measures (signal/)."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, BackfillPolicy, ResourceParam, asset

from aidran_pipeline import __version__
from aidran_pipeline.defs.events import OWNERS, events_of
from aidran_pipeline.defs.partitions import DAY_TOPIC, key_of, parts_of, same_day
from aidran_pipeline.defs.resources import Newsroom


@asset(
    partitions_def=DAY_TOPIC,
    deps=[same_day("analyzed_records")],
    group_name="signal",
    kinds={"python", "postgres"},
    owners=OWNERS,
    code_version=__version__,
    output_required=False,
    backfill_policy=BackfillPolicy.single_run(),
    description="Measured change of a topic's day against its stored baseline, with evidence rows and source coverage.",
)
def topic_signals(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> Iterator[Any]:
    """Signals and baselines of the run's days and topics."""
    from aidran_pipeline.signal import compute_signals

    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    keys = [str(key) for key in context.partition_keys]
    with newsroom.connection() as conn:
        newsroom.sync(conn)
        found = compute_signals(conn, [parts_of(key) for key in keys], run=run, publication=newsroom.publication)
    yield from events_of("topic_signals", {key_of(*part): result for part, result in found.items()}, keys)
