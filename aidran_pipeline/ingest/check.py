"""Which configured sources are worth keeping: dead, stale and thin ones. Pure: stored figures in, a word out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

WINDOW = timedelta(days=30)
DEAD_FAILURES = 5  # in a row: waits double from half an hour, so these span most of a day
DEAD_AFTER = timedelta(days=3)  # without one good answer
STALE_AFTER = timedelta(days=60)
THIN_CHARACTERS = 100  # a title and hardly a sentence: nothing that could be quoted
THIN_ITEMS = 2  # in the window
MOVED_ANSWERS = 10  # in a row from another address than the one configured, over MOVED_AFTER: a move is learned slowly
MOVED_AFTER = timedelta(days=7)

VERDICTS = {
    "dead": "does not answer, or is gone: correct its address or remove it",
    "blocked": "refuses us: check credentials, or remove it",
    "stale": "answers, and its newest item is old: remove it, or look for where it moved",
    "thin": "brings few items, or titles without text: little of it can be cited",
    "moved": "has long answered from another address: write that one into the sources file",
    "unasked": "nothing is known yet: never asked, disabled, or a credential is missing",
    "ok": "brings items with text",
}


@dataclass(frozen=True)
class Verdict:
    """A key of VERDICTS, and the figure or error that it rests on."""

    word: str
    reason: str


def judge(source: Mapping[str, Any], now: datetime) -> Verdict:
    """The verdict on one row of store.source_activity. The first that applies, worst first."""
    unasked = _unasked(source)
    if unasked:
        return Verdict("unasked", unasked)
    return _unanswered(source, now) or _old_or_little(source, now)


def _unasked(source: Mapping[str, Any]) -> str | None:
    if not source["enabled"]:
        return "disabled"
    if source["status"] == "unconfigured":
        return str(source["last_error"] or "a credential is missing")
    return "never asked" if source["last_attempt_at"] is None else None


def _unanswered(source: Mapping[str, Any], now: datetime) -> Verdict | None:
    """Gone at once; blocked as its health says; dead after failures that last, so that a bad hour kills nothing."""
    error = ": ".join(filter(None, (source["last_error_class"], source["last_error"])))
    if source["status"] == "gone":
        return Verdict("dead", error or "gone")
    if source["status"] == "blocked":
        return Verdict("blocked", error)
    failures, success = int(source["consecutive_failures"]), source["last_success_at"]
    if not failures:
        return None
    lasting = success is None or now - success > DEAD_AFTER
    if failures >= DEAD_FAILURES and lasting:
        when = "no answer ever" if success is None else f"last answer {_ago(success, now)}"
        return Verdict("dead", f"{failures} failures in a row, {when}; {error}")
    return Verdict("unasked", f"failing, too early to tell; {error}") if success is None else None


def _old_or_little(source: Mapping[str, Any], now: datetime) -> Verdict:
    newest, items, characters = source["newest_at"], int(source["items"] or 0), source["characters"]
    if newest is None:
        return Verdict("thin", "answers without one item")
    if now - newest > STALE_AFTER:
        return Verdict("stale", f"newest item {_ago(newest, now)}")
    if characters is not None and characters < THIN_CHARACTERS and source["kind"] == "rss":
        return Verdict("thin", f"half of its texts are under {characters + 1} characters")
    if items < THIN_ITEMS:
        return Verdict("thin", f"{items} {'item' if items == 1 else 'items'} in {WINDOW.days} days")
    if source["moved_to"]:
        return Verdict("moved", f"asked at {source['moved_to']} since {source['learned_at']:%Y-%m-%d}")
    moved = moved_to(source, now)
    if moved is not None:
        return Verdict("moved", f"every answer since {source['answers_since']:%Y-%m-%d} came from {moved}")
    return Verdict("ok", f"{items} items in {WINDOW.days} days, {characters} characters in the middle")


def moved_to(source: Mapping[str, Any], now: datetime) -> str | None:
    """The address from which a feed has long answered in place of its own; a few days of redirects are no move."""
    final, since = source["final_url"], source["answers_since"]
    if source["kind"] != "rss" or not final or final == source["config"].get("url") or since is None:
        return None
    return str(final) if source["answers"] >= MOVED_ANSWERS and now - since >= MOVED_AFTER else None


def _ago(moment: datetime, now: datetime) -> str:
    return f"{max(0, (now - moment).days)} days ago"
