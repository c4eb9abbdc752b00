"""`aidran sources`: how each source fares, and which to correct or remove. Judging is ingest's (health, check)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aidran_pipeline.commands.console import EXIT_FAILED, CommandError, ago, emit_json, say, table
from aidran_pipeline.config.settings import Settings

if TYPE_CHECKING:
    from aidran_pipeline.defs.resources import Newsroom
    from aidran_pipeline.store.db import Connection

COLUMNS = (
    "id", "kind", "platform", "publisher", "enabled", "status", "last_attempt_at", "last_success_at", "last_new_at",
    "next_check_at", "consecutive_failures", "last_error_class", "last_error", "volume", "share", "gaps",
)  # fmt: skip
MEANING = {
    "new": "never asked yet",
    "ok": "answers with items",
    "quiet": "answers, nothing new for long",
    "failing": "passing errors, asked again later",
    "blocked": "refuses us for long (401, 403, 429)",
    "gone": "410: retired by its owner",
    "unconfigured": "a credential is missing",
}


@contextmanager
def _as_configured(newsroom: Newsroom) -> Iterator[Connection]:
    """The tables as a run with today's configuration would find them; looking at them changes no row."""
    with newsroom.connection() as conn, conn.transaction(force_rollback=True):
        newsroom.sync(conn)
        yield conn


def show_sources(*, as_json: bool) -> None:
    """Every configured source, by platform and id; then what to look at: errors, moves, gaps."""
    from aidran_pipeline.defs.resources import Newsroom
    from aidran_pipeline.store.source_health import VOLUME, source_health

    newsroom = Newsroom(settings=Settings())
    now = datetime.now(UTC)
    with _as_configured(newsroom) as conn:
        rows = source_health(conn, now)
    if as_json:
        emit_json([_document(row) for row in rows])
        return
    table(
        ["source", "state", "asked", "answered", "new", "next", "fails", "share"],
        [
            [
                row["id"],
                row["status"] if row["enabled"] else "disabled",
                _since(row["last_attempt_at"], now),
                _since(row["last_success_at"], now),
                _since(row["last_new_at"], now),
                _next(row, now),
                row["consecutive_failures"] or "",
                "" if row["share"] is None else f"{row['share']:.1%}",
            ]
            for row in rows
        ],
    )
    say()
    say(f"asked, answered, new (item): so long ago; fails: in a row; share: of all items of {VOLUME.days} days.")
    for status, meaning in MEANING.items():
        number = sum(row["status"] == status for row in rows)
        if number:
            say(f"{number:>4} {status}: {meaning}")
    _print_errors(rows)
    _print_moves(rows)
    _print_gaps(rows)


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A source for machines: its health, why its next check is when it is, and where it is asked."""
    from aidran_pipeline.ingest.health import PACES
    from aidran_pipeline.ingest.moves import LEARNED_AFTER, LEARNED_ANSWERS

    pace = PACES[row["kind"]]
    watched = row["moving_to"] and {
        "to": row["moving_to"],
        "since": row["moving_since"],
        "answers": row["moving_answers"],
        "learned_at_answers": LEARNED_ANSWERS,
        "learned_after_days": LEARNED_AFTER.days,
    }
    configured = row["config"].get("url")
    return {
        **{name: row[name] for name in COLUMNS},
        "check": {
            "seconds": row["check_seconds"],
            "why": row["check_why"],
            "usual": int(pace.usual.total_seconds()),
            "shortest": int(pace.shortest.total_seconds()),
            "longest": int(pace.longest.total_seconds()),
        },
        "address": {
            "configured": configured,
            "asked": row["moved_to"] or configured,
            "learned_at": row["learned_at"],
            "watched": watched,
        },
    }


def _since(moment: datetime | None, now: datetime) -> str:
    return ago(moment, now).removesuffix(" ago")


def _next(row: Mapping[str, Any], now: datetime) -> str:
    if not row["enabled"] or row["status"] in ("gone", "unconfigured"):
        return "–"
    due = row["next_check_at"] is None or row["next_check_at"] <= now
    return "due" if due else ago(row["next_check_at"], now)


def _print_errors(rows: Iterable[Mapping[str, Any]]) -> None:
    """What each source that does not answer said last; those that say the same in one line."""
    said: dict[str, list[str]] = {}
    for row in rows:
        if row["enabled"] and row["last_error_class"]:
            parts = dict.fromkeys((row["last_error_class"], row["last_error"]))  # the error may repeat its class
            said.setdefault(": ".join(filter(None, parts))[:240], []).append(row["id"])
    for error, names in said.items():
        say(f"\n{', '.join(names)}\n  {error}")


def _print_moves(rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        if row["moved_to"]:
            say(f"\n{row['id']} has moved: asked at {row['moved_to']} since {row['learned_at']:%Y-%m-%d}")
            say(f"  Write that address into the sources file, in place of {row['config'].get('url')}")


def _print_gaps(rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        for gap in row["gaps"]:
            say(f"\n{row['id']} has a gap: {gap['since']:%Y-%m-%d %H:%M} to {gap['until']:%Y-%m-%d %H:%M} UTC")
            say(f"  {GAP_REASONS[gap['reason']]}; what was said then is unknown, not quiet")


GAP_REASONS = {"clamped": "the stream began later than asked", "too_old": "the stream had lost the place asked for"}


def check_sources(*, as_json: bool, stored: bool) -> int:
    """Ask the sources that are due, unless only what is stored shall be judged; then name dead, stale and thin ones.

    Exit code: 1 when a source is dead or blocked, else 0.
    """
    from aidran_pipeline.defs.resources import Newsroom

    settings = Settings()
    asked = {} if stored else _ask_due(settings, datetime.now(UTC), quiet=as_json)
    now = datetime.now(UTC)
    newsroom = Newsroom(settings=settings)
    with _as_configured(newsroom) as conn:
        found = _judged(conn, now)
    if as_json:
        emit_json({"asked": asked, "sources": found})
    else:
        _print_verdicts(found, asked, now)
    return EXIT_FAILED if any(row["verdict"] in ("dead", "blocked") for row in found) else 0


def _ask_due(settings: Settings, now: datetime, *, quiet: bool) -> dict[str, int]:
    """One ordinary ingest run: what it brings is stored, and no source is asked before its next check."""
    from aidran_pipeline.commands.run import Progress, editor
    from aidran_pipeline.defs.edition import Outcome

    outcome = Outcome(now.date())
    with editor(settings, Progress(quiet=quiet)) as at_work:
        at_work.ingest(now.date(), outcome)
    if outcome.failures:
        raise CommandError(f"no source could be asked: {'; '.join(outcome.failures)}")
    return outcome.sources


def _judged(conn: Any, now: datetime) -> list[dict[str, Any]]:
    from aidran_pipeline.ingest.check import WINDOW, judge
    from aidran_pipeline.store.source_activity import source_activity

    shown = ("id", "kind", "platform", "publisher", "status", "items", "newest_at", "characters", "cut", "final_url")
    found = []
    for row in source_activity(conn, now, window=WINDOW):
        verdict = judge(row, now)
        found.append({**{name: row[name] for name in shown}, "verdict": verdict.word, "reason": verdict.reason})
    return found


def _print_verdicts(found: list[dict[str, Any]], asked: dict[str, int], now: datetime) -> None:
    from aidran_pipeline.ingest.check import VERDICTS

    order = list(VERDICTS)
    table(
        ["source", "verdict", "newest item", "items", "characters", "why"],
        [
            [
                row["id"],
                row["verdict"],
                ago(row["newest_at"], now),
                row["items"] or "",
                row["characters"] or "",
                row["reason"][:160],
            ]
            for row in sorted(found, key=lambda row: order.index(row["verdict"]))
        ],
    )
    say()
    if asked:
        say(f"asked {asked.get('attempted', 0)}, {asked.get('not_due', 0)} not due, {asked.get('failed', 0)} failed")
    for word, meaning in VERDICTS.items():
        number = sum(row["verdict"] == word for row in found)
        if number:
            say(f"{number:>4} {word}: {meaning}")
