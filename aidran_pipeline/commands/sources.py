"""`aidran sources`: how each source fares, and which to correct or remove. Judging is ingest's (health, check)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aidran_pipeline.commands.console import EXIT_FAILED, CommandError, ago, emit_json, say, table
from aidran_pipeline.config.settings import Settings

COLUMNS = (
    "id", "kind", "platform", "publisher", "enabled", "status", "last_attempt_at", "last_success_at", "last_new_at",
    "next_check_at", "consecutive_failures", "last_error_class", "last_error",
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


def show_sources(*, as_json: bool) -> None:
    """Every configured source, by platform and id."""
    from aidran_pipeline.defs.resources import Newsroom

    newsroom = Newsroom(settings=Settings())
    with newsroom.connection() as conn:
        newsroom.sync(conn)
        rows = conn.execute(
            f"SELECT {', '.join(COLUMNS)} FROM sources WHERE removed_at IS NULL ORDER BY platform, id"
        ).fetchall()
    if as_json:
        emit_json(rows)
        return
    now = datetime.now(UTC)
    table(
        ["source", "platform", "status", "attempt", "success", "new item", "next check", "failures", "error"],
        [
            [
                row["id"],
                row["platform"],
                row["status"] if row["enabled"] else "disabled",
                ago(row["last_attempt_at"], now),
                ago(row["last_success_at"], now),
                ago(row["last_new_at"], now),
                "due"
                if row["next_check_at"] is None or row["next_check_at"] <= now
                else ago(row["next_check_at"], now),
                row["consecutive_failures"] or "",
                ": ".join(filter(None, (row["last_error_class"], row["last_error"])))[:160],
            ]
            for row in rows
        ],
    )
    counted = {status: sum(row["status"] == status for row in rows) for status in MEANING}
    say()
    for status, number in counted.items():
        if number:
            say(f"{number:>4} {status}: {MEANING[status]}")


def check_sources(*, as_json: bool, stored: bool) -> int:
    """Ask the sources that are due, unless only what is stored shall be judged; then name dead, stale and thin ones.

    Exit code: 1 when a source is dead or blocked, else 0.
    """
    from aidran_pipeline.defs.resources import Newsroom

    settings = Settings()
    asked = {} if stored else _ask_due(settings, datetime.now(UTC), quiet=as_json)
    now = datetime.now(UTC)
    newsroom = Newsroom(settings=settings)
    with newsroom.connection() as conn:
        newsroom.sync(conn)
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
