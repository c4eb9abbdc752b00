"""Signals by day and topic, a whole day in one run. What does not belong here: the measures (signal/)."""

import base64
from collections.abc import Iterator
from datetime import date
from typing import Any

from dagster import AssetExecutionContext, BackfillPolicy, MetadataValue, ResourceParam, asset

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
        drawn = _volumes(conn, keys)

    def more(key: str, _result: StageResult) -> dict[str, Any]:
        page = topic_link(newsroom.publication, parts_of(key)[1])
        return drawn.get(key, {}) | {"topic_page": page}

    yield from events_of(context, "topic_signals", {key_of(*part): result for part, result in found.items()}, more=more)


def _volumes(conn: Connection, keys: list[str]) -> dict[str, dict[str, Any]]:
    """What each partition's volume was compared with: its last days as a table, and the chart where a voice was heard.

    The chart shows volume, baseline and the spikes up to the partition's day.
    """
    from aidran_pipeline.publish import chart_svg

    rows = conn.execute(
        """SELECT b.day::text || '|' || b.topic AS key, b.series, t.label, now.expected,
               (SELECT COALESCE(jsonb_object_agg(s.day, s.severity), '{}') FROM signals s
                 WHERE s.topic = b.topic AND s.kind = b.kind AND s.day BETWEEN b.day - 28 AND b.day) AS spikes
           FROM baselines b JOIN topics t ON t.slug = b.topic
           LEFT JOIN signals now ON now.baseline_id = b.id
           WHERE b.kind = 'volume_spike' AND b.day::text || '|' || b.topic = ANY(%s)""",
        (keys,),
    ).fetchall()
    drawn: dict[str, dict[str, Any]] = {}
    for row in rows:
        spikes = {date.fromisoformat(day): severity for day, severity in row["spikes"].items()}
        svg = chart_svg(row["series"], spikes, row["label"], row["expected"])
        chart = None
        if svg is not None and any(day["count"] for day in row["series"]):
            data = base64.b64encode(svg.encode()).decode()
            chart = MetadataValue.md(f"![Volume of {row['label']}](data:image/svg+xml;base64,{data})")
        drawn[row["key"]] = {"chart": chart, "series": row["series"][-SHOWN_DAYS:]}
    return drawn
