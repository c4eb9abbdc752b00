"""Signals by day and topic, a whole day in one run. What does not belong here: the measures (signal/)."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, BackfillPolicy, ResourceParam, asset

from aidran_pipeline import __version__
from aidran_pipeline.defs.events import OWNERS, events_of, topic_link
from aidran_pipeline.defs.partitions import DAY_TOPIC, key_of, parts_of, same_day
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import StageResult

SHOWN_DAYS = 14


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
        series = _series(conn, keys)

    def more(key: str, _result: StageResult) -> dict[str, Any]:
        return {"series": series.get(key), "chart": topic_link(newsroom.publication, parts_of(key)[1])}

    yield from events_of(context, "topic_signals", {key_of(*part): result for part, result in found.items()}, more=more)


def _series(conn: Connection, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What each partition's volume was compared with, the last days first to last, for people."""
    rows = conn.execute(
        """SELECT day::text || '|' || topic AS key, series FROM baselines
           WHERE kind = 'volume_spike' AND day::text || '|' || topic = ANY(%s)""",
        (keys,),
    ).fetchall()
    return {row["key"]: row["series"][-SHOWN_DAYS:] for row in rows}
