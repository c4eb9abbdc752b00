"""`aidran sources`: how each source fares. What does not belong here: judging a source's health (ingest)."""

from __future__ import annotations

from datetime import UTC, datetime

from aidran_pipeline.commands.console import ago, emit_json, say, table
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
