"""How a source fares, and when it may be asked again. Pure: the outcome of a reading in, health columns out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

INTERVALS = {
    "rss": timedelta(minutes=30),
    "reddit": timedelta(minutes=30),
    "bluesky_search": timedelta(minutes=15),
    "bluesky_jetstream": timedelta(minutes=10),
}
LONGEST_WAIT = timedelta(hours=24)
QUIET_AFTER = timedelta(days=14)
BLOCKED_AFTER = 3


def is_due(source: Mapping[str, Any], now: datetime) -> bool:
    """Whether a source may be asked: its next check has come, and it has not answered 410 Gone."""
    if source["status"] == "gone":
        return False
    return source["next_check_at"] is None or source["next_check_at"] <= now


def after_success(source: Mapping[str, Any], now: datetime, *, new: int, historical: bool = False) -> dict[str, Any]:
    """Health after a reading that succeeded. historical: it ended before now, so the source is due at once."""
    last_new = now if new else source["last_new_at"]
    since = last_new or source["last_success_at"]
    quiet = not new and since is not None and now - since > QUIET_AFTER
    wait = timedelta(0) if historical else _jittered(source, INTERVALS[source["kind"]], 0)
    return {
        "last_attempt_at": now,
        "last_success_at": now,
        "last_new_at": last_new,
        "next_check_at": now + wait,
        "consecutive_failures": 0,
        "status": "quiet" if quiet else "ok",
        "last_error_class": None,
        "last_error": None,
    }


def after_failure(
    source: Mapping[str, Any], now: datetime, *, error_class: str, error: str | None, retry_after: float | None
) -> dict[str, Any]:
    """Health after a failed reading: the wait doubles with each failure in a row, and is never shorter than asked."""
    failures = int(source["consecutive_failures"]) + 1
    wait = min(INTERVALS[source["kind"]] * 2 ** min(failures - 1, 10), LONGEST_WAIT)
    wait = max(_jittered(source, wait, failures), timedelta(seconds=retry_after or 0))
    status = "failing"
    if error_class == "gone":
        status = "gone"
    elif error_class in ("forbidden", "rate_limited") and failures >= BLOCKED_AFTER:
        status = "blocked"
    return {
        "last_attempt_at": now,
        "next_check_at": now + wait,
        "consecutive_failures": failures,
        "status": status,
        "last_error_class": error_class,
        "last_error": (error or error_class)[:500],
    }


def _jittered(source: Mapping[str, Any], wait: timedelta, failures: int) -> timedelta:
    """A wait moved by up to a tenth, by a hash of the source: sources spread out, and a run can be repeated."""
    mark = hashlib.sha256(f"{source['id']} {failures}".encode()).digest()[0]
    return wait * (0.9 + 0.2 * mark / 255)
