"""The check on articles: every published version still holds every gate. What does not belong here: the gates (write/).

A withheld story is a valid result and passes. Checks of the set-based assets stand with them, in assets/: they are part
of the same step, see events.py.
"""

from datetime import date
from typing import Any

from dagster import AssetCheckExecutionContext, AssetCheckResult, AssetCheckSeverity, ResourceParam, asset_check

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.defs.assets.write import articles
from aidran_pipeline.defs.events import figures
from aidran_pipeline.defs.partitions import parts_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection

_PUBLISHED = """
    SELECT a.slug, a.day, a.topic, v.id FROM current_article_versions v JOIN articles a ON a.id = v.article_id
    WHERE %(parts)s::text[] IS NULL OR a.day::text || '|' || a.topic = ANY(%(parts)s)
    ORDER BY a.day, a.topic"""


def broken_gates(conn: Connection, publication: Publication, keys: list[str] | None) -> list[dict[str, Any]]:
    """Gate failures of the published versions of these partitions (None: of all), one dict per failure."""
    from aidran_pipeline.write import check_article

    found: list[dict[str, Any]] = []
    for row in conn.execute(_PUBLISHED, {"parts": keys}).fetchall():
        for failure in check_article(conn, row["id"], publication):
            found.append(
                {"story": row["slug"], "gate": failure.gate, "rule": failure.rule, "detail": str(failure.detail)}
            )
    return found


def published_count(conn: Connection, keys: list[str] | None) -> int:
    """How many of these partitions have a published version."""
    return len(conn.execute(_PUBLISHED, {"parts": keys}).fetchall())


@asset_check(
    asset=articles,
    name="articles_hold_their_gates",
    description="Runs every gate over the rows of the published version. Fails only if a published story breaks one.",
)
def articles_hold_their_gates(
    context: AssetCheckExecutionContext, newsroom: ResourceParam[Newsroom]
) -> AssetCheckResult:
    """The partitions of the run, or every published story when the check is started by itself."""
    keys = partitions_of_run(context.run.tags)
    with newsroom.connection() as conn:
        failures = broken_gates(conn, newsroom.publication, keys)
        published = published_count(conn, keys)
    said = f"{published} published" if published else "withheld: nothing published to check"
    return AssetCheckResult(
        passed=not failures,
        severity=AssetCheckSeverity.ERROR,
        metadata=figures({"published": published, "failures": len(failures), "broken": failures or None}),
        description=f"{len(failures)} broken gates; {said}.",
    )


def partitions_of_run(tags: dict[str, str] | Any) -> list[str] | None:
    """The one partition of an articles run; None when the run names none. A check has no partition of its own."""
    key = tags.get("dagster/partition")
    if not key:
        return None
    day, topic = parts_of(key)
    return [f"{date.isoformat(day)}|{topic}"]
