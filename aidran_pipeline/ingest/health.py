"""How a source fares, and when it may be asked again. Pure: the outcome of a reading in, health columns out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Pace:
    """How often a kind of source is asked: usual until it has been watched, then between shortest and longest."""

    usual: timedelta
    shortest: timedelta
    longest: timedelta


def _pace(usual: int, shortest: int, longest: int) -> Pace:
    return Pace(timedelta(minutes=usual), timedelta(minutes=shortest), timedelta(minutes=longest))


# The longest waits keep a running day known: its signals want nine tenths of it, but for its last 90 minutes, and the
# schedule looks every 30. A stream's interval is fixed: what it costs does not depend on how often it is drained.
PACES = {
    "rss": _pace(30, 15, 90),
    "reddit": _pace(30, 15, 90),
    "bluesky_search": _pace(15, 10, 60),
    "bluesky_jetstream": _pace(10, 10, 10),
}
WATCHED = timedelta(days=3)  # from the first answer on; before, nobody knows how much a source brings
TRAILING = timedelta(days=14)
LONGEST_WAIT = timedelta(hours=24)
QUIET_AFTER = timedelta(days=14)
BLOCKED_AFTER = 3


@dataclass(frozen=True)
class Activity:
    """What a source published while it was watched: items since a moment, at most TRAILING ago."""

    items: int
    since: datetime


def interval(kind: str, activity: Activity | None, now: datetime) -> tuple[timedelta, str]:
    """How long to leave a source alone after an answer, and why: about as long as it takes for one new item."""
    pace = PACES[kind]
    if pace.shortest == pace.longest:
        return pace.usual, f"every {spoken(pace.usual)}, as all of its kind"
    if activity is None or now - activity.since < WATCHED:
        return pace.usual, f"every {spoken(pace.usual)} until it has been watched for {WATCHED.days} days"
    span = now - activity.since
    seen = f"{activity.items} new {'item' if activity.items == 1 else 'items'} in {span / timedelta(days=1):.1f} days"
    if not activity.items:
        return pace.longest, f"{seen}: the longest wait, {spoken(pace.longest)}"
    each = span / activity.items
    wait = min(max(each, pace.shortest), pace.longest)
    bound = ""
    if wait != each:
        bound = f"; {'not below' if wait > each else 'at most'} {spoken(wait)}"
    return wait, f"{seen}, one every {spoken(each)}{bound}"


def spoken(span: timedelta) -> str:
    """A length of time in one unit: 45 min, 4 h, 2 days."""
    minutes = span / timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes:.0f} min" if minutes >= 1 else f"{span.total_seconds():.0f} s"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"


def is_due(source: Mapping[str, Any], now: datetime) -> bool:
    """Whether a source may be asked: its next check has come, and it has not answered 410 Gone."""
    if source["status"] == "gone":
        return False
    return source["next_check_at"] is None or source["next_check_at"] <= now


def after_success(
    source: Mapping[str, Any], now: datetime, *, new: int, historical: bool = False, activity: Activity | None = None
) -> dict[str, Any]:
    """Health after a reading that succeeded. historical: it ended before now, so the source is due at once.

    activity: what it published lately, which decides the next check; None: not known.
    """
    last_new = now if new else source["last_new_at"]
    since = last_new or source["last_success_at"]
    quiet = not new and since is not None and now - since > QUIET_AFTER
    wait, why = interval(str(source["kind"]), activity, now)
    if historical:
        wait, why = timedelta(0), "read up to a moment before now: the rest is due at once"
    return {
        "last_attempt_at": now,
        "last_success_at": now,
        "last_new_at": last_new,
        "next_check_at": now + _jittered(source, wait, 0),
        "check_seconds": int(wait.total_seconds()),
        "check_why": why,
        "consecutive_failures": 0,
        "status": "quiet" if quiet else "ok",
        "last_error_class": None,
        "last_error": None,
    }


def after_failure(
    source: Mapping[str, Any],
    now: datetime,
    *,
    error_class: str,
    error: str | None,
    retry_after: float | None,
    retires: bool = True,
) -> dict[str, Any]:
    """Health after a failed reading: the wait doubles with each failure in a row, and is never shorter than asked.

    retires: whether 410 Gone was said of the configured address itself, and not of one it once led to.
    """
    failures = int(source["consecutive_failures"]) + 1
    wait = min(PACES[source["kind"]].usual * 2 ** min(failures - 1, 10), LONGEST_WAIT)
    why = f"{failures} {'failure' if failures == 1 else 'failures'} in a row: {spoken(wait)}"
    jittered, asked = _jittered(source, wait, failures), timedelta(seconds=retry_after or 0)
    if asked > jittered:
        wait, why = asked, f"the server asked for {spoken(asked)} (Retry-After)"
    status = "failing"
    if error_class == "gone" and retires:
        status, why = "gone", "410: retired by its owner, not asked again"
    elif error_class in ("forbidden", "rate_limited") and failures >= BLOCKED_AFTER:
        status = "blocked"
    return {
        "last_attempt_at": now,
        "next_check_at": now + max(jittered, asked),
        "check_seconds": int(wait.total_seconds()),
        "check_why": why,
        "consecutive_failures": failures,
        "status": status,
        "last_error_class": error_class,
        "last_error": (error or error_class)[:500],
    }


def _jittered(source: Mapping[str, Any], wait: timedelta, failures: int) -> timedelta:
    """A wait moved by up to a tenth, by a hash of the source: sources spread out, and a run can be repeated."""
    mark = hashlib.sha256(f"{source['id']} {failures}".encode()).digest()[0]
    return wait * (0.9 + 0.2 * mark / 255)
