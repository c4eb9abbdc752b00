"""The check on a platform's sources: what an operator has to do about them, and how each fares as a table.

What does not belong here: the check of one run's attempts (assets/ingest.py), verdicts (ingest/check.py).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dagster import AssetCheckResult, AssetCheckSeverity, AssetKey

from aidran_pipeline.defs.events import figures
from aidran_pipeline.store.db import Connection

SOURCES_ARE_WELL = "sources_are_well"
DESCRIPTION = (
    "Warns while a source is dead, gone, blocked or has moved for good, or a stream has lost something within 30 days: "
    "what only a change of the sources file, of credentials or of the schedule helps against. Passing failures pass."
)
# Dagster shows 50 rows of a table: those that need a look come first.
ORDER = ("gone", "blocked", "failing", "unconfigured", "quiet", "new", "ok")


def sources_are_well(conn: Connection, asset: str, platform: str, now: datetime) -> AssetCheckResult:
    """The result for one platform's asset, as of now."""
    from aidran_pipeline.ingest.check import WINDOW, judge
    from aidran_pipeline.store.source_activity import source_activity
    from aidran_pipeline.store.source_health import source_health

    rows = [row for row in source_health(conn, now) if row["platform"] == platform and row["enabled"]]
    verdicts = {row["id"]: judge(row, now) for row in source_activity(conn, now, window=WINDOW)}
    todo = [
        {"source": row["id"], "verdict": verdicts[row["id"]].word, "why": verdicts[row["id"]].reason}
        for row in rows
        if verdicts[row["id"]].word in ("dead", "blocked", "moved")
    ]
    gaps = [{"source": row["id"], **gap} for row in rows for gap in row["gaps"]]
    rows.sort(key=lambda row: ORDER.index(row["status"]))
    found = {
        "sources": len(rows),
        "states": dict(Counter(row["status"] for row in rows)),
        "to_do": todo,
        "gaps": gaps,
        "health": [_shown(row) for row in rows] or None,
    }
    return AssetCheckResult(
        asset_key=AssetKey(asset),
        check_name=SOURCES_ARE_WELL,
        passed=not todo and not gaps,
        severity=AssetCheckSeverity.WARN,
        metadata=figures(found),
        description=f"{len(todo)} of {len(rows)} sources need a hand, {len(gaps)} gaps; `aidran sources` tells more.",
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": row["id"],
        "state": row["status"],
        "failures": row["consecutive_failures"],
        "error": row["last_error_class"],
        "last_attempt": _moment(row["last_attempt_at"]),
        "last_success": _moment(row["last_success_at"]),
        "last_new_item": _moment(row["last_new_at"]),
        "next_check": _moment(row["next_check_at"]),
        "check_every": row["check_why"],
        "share": row["share"],
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
