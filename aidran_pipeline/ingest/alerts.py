"""Alerts: which sources changed between well and failing, blocked or gone since the operator was last told.

One alert when a source goes down and one when it is back, however often it is asked in between. What does not belong
here: how a source fares (health.py), when this is looked at (defs/alerts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aidran_pipeline.store.db import Connection

FAILURES_IN_A_ROW = 3  # fewer are a hiccup: waits double, so three mean about two hours for a feed
DEADLINE = 10.0  # seconds for the whole call of the webhook
DOWN = ("failing", "blocked", "gone")

_SOURCES = """
SELECT s.id, s.platform, COALESCE(s.publisher, s.id) AS name, s.status, s.consecutive_failures, s.last_error_class,
       s.last_error, s.last_success_at, s.next_check_at, COALESCE(a.state, 'well') AS told
FROM sources s LEFT JOIN source_alerts a ON a.source_id = s.id
WHERE s.enabled AND s.removed_at IS NULL ORDER BY s.id COLLATE "C"
"""


class AlertFailed(Exception):
    """The webhook did not take the alert. The message never holds its address, which may carry a secret."""


@dataclass(frozen=True)
class Change:
    """A source whose state differs from what was told. was, now: well, failing, blocked or gone."""

    source: str
    name: str
    platform: str
    was: str
    now: str
    error_class: str | None
    error: str | None
    failures: int
    last_success_at: datetime | None
    next_check_at: datetime | None

    def line(self) -> str:
        """One line for a person."""
        if self.now == "well":
            return f"{self.source} ({self.name}) answers again; it was {self.was}"
        since = f"last success {self.last_success_at:%Y-%m-%d %H:%M} UTC" if self.last_success_at else "never answered"
        reason = ": ".join(filter(None, (self.error_class, self.error)))[:200]
        return f"{self.source} ({self.name}) is {self.now}, {self.failures} failures in a row, {since}; {reason}"

    def as_dict(self) -> dict[str, Any]:
        """For the webhook's JSON."""
        return {
            "source": self.source, "name": self.name, "platform": self.platform, "was": self.was, "now": self.now,
            "error_class": self.error_class, "error": self.error, "consecutive_failures": self.failures,
            "last_success_at": self.last_success_at and self.last_success_at.isoformat(),
            "next_check_at": self.next_check_at and self.next_check_at.isoformat(),
        }  # fmt: skip


def changes(conn: Connection) -> list[Change]:
    """What is to be told, by source id; empty while every source is as was last told."""
    found = []
    for row in conn.execute(_SOURCES):
        now = _state(row)
        if now != row["told"]:
            found.append(Change(
                row["id"], row["name"], row["platform"], row["told"], now, row["last_error_class"], row["last_error"],
                row["consecutive_failures"], row["last_success_at"], row["next_check_at"],
            ))  # fmt: skip
    return found


def _state(row: dict[str, Any]) -> str:
    """Well, or down for good enough. A source that has begun to fail stays what was told until it is sure."""
    if row["status"] == "failing" and row["consecutive_failures"] < FAILURES_IN_A_ROW:
        return str(row["told"])
    return str(row["status"]) if row["status"] in DOWN else "well"


def tell(url: str, told: Sequence[Change], *, now: datetime) -> None:
    """Post all changes as one JSON document: `text` (what chat webhooks show), `at`, `changes`.

    Raises AlertFailed when no 2xx comes within the deadline; redirects are not followed. The operator chose the
    address, so that it may be a private one.
    """
    import httpx

    body = {
        "text": "AIDRAN sources\n" + "\n".join(change.line() for change in told),
        "at": now.isoformat(),
        "changes": [change.as_dict() for change in told],
    }
    try:
        answer = httpx.post(url, json=body, timeout=DEADLINE, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AlertFailed(f"the webhook was not reached: {type(error).__name__}; told again at the next tick") from None
    if not answer.is_success:
        raise AlertFailed(f"the webhook answered {answer.status_code}; told again at the next tick")


def tell_changes(conn: Connection, url: str, *, now: datetime) -> list[Change]:
    """Tell what changed and note it. Told first: after a crash between the two it is told again, never lost.

    Raises AlertFailed; nothing is noted then.
    """
    found = changes(conn)
    if found:
        tell(url, found, now=now)
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO source_alerts (source_id, state, told_at) VALUES (%s, %s, %s)
                   ON CONFLICT (source_id) DO UPDATE SET state = EXCLUDED.state, told_at = EXCLUDED.told_at""",
                [(change.source, change.now, now) for change in found],
            )
    return found
