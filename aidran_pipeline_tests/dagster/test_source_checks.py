"""The check on sources: warns of what an operator must do, lets passing failures pass, tells how each fares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import AssetCheckSeverity, TableMetadataValue

from aidran_pipeline.defs.source_checks import sources_are_well
from aidran_pipeline.store.db import Connection

NOW = datetime(2026, 5, 20, 15, 0, tzinfo=UTC)


def add(conn: Connection, key: str, status: str, failures: int = 0, *, success: int | None = 0, **more: Any) -> None:
    """A source whose last success was so many days ago."""
    columns = {
        "id": key, "kind": "rss", "platform": "news", "config": '{"url": "https://a.test/"}', "config_hash": "x",
        "status": status, "consecutive_failures": failures, "last_attempt_at": NOW,
        "last_error_class": "http_5xx" if failures else None,
        "last_success_at": None if success is None else NOW - timedelta(days=success), **more,
    }  # fmt: skip
    names = ", ".join(columns)
    conn.execute(f"INSERT INTO sources ({names}) VALUES ({', '.join(f'%({n})s' for n in columns)})", columns)


def check(conn: Connection, platform: str = "news") -> tuple[bool, dict[str, Any]]:
    result = sources_are_well(conn, "news_articles", platform, NOW)
    assert result.severity == AssetCheckSeverity.WARN
    return result.passed, dict(result.metadata)


def records(value: Any) -> list[dict[str, Any]]:
    assert isinstance(value, TableMetadataValue)
    return [dict(record.data) for record in value.records]


def test_passing_failures_pass_and_stand_first_in_the_table(conn: Connection) -> None:
    add(conn, "well", "ok")
    add(conn, "shaky", "failing", 2, check_why="2 failures in a row: 60 min")
    add(conn, "still", "quiet")
    add(conn, "needy", "unconfigured")
    passed, told = check(conn)
    assert passed and told["to_do"].text == "none" and told["gaps"].text == "none"
    rows = records(told["health"])
    assert [row["source"] for row in rows] == ["shaky", "needy", "still", "well"]
    assert rows[0] | {"failures": 2, "error": "http_5xx", "check_every": "2 failures in a row: 60 min"} == rows[0]
    assert rows[0]["last_attempt"] == "2026-05-20 15:00 UTC"


@pytest.mark.parametrize(
    ("status", "failures", "success", "verdict"),
    [("gone", 1, 1, "dead"), ("blocked", 4, 1, "blocked"), ("failing", 9, 4, "dead")],
)
def test_what_needs_a_hand_warns_until_it_is_dealt_with(
    conn: Connection, status: str, failures: int, success: int, verdict: str
) -> None:
    add(conn, "bad", status, failures, success=success)
    passed, told = check(conn)
    assert not passed
    assert [(row["source"], row["verdict"]) for row in records(told["to_do"])] == [("bad", verdict)]
    assert check(conn, "reddit")[0], "of another platform"
    conn.execute("UPDATE sources SET enabled = false")
    assert check(conn)[0]


def test_a_gap_warns_for_a_month(conn: Connection) -> None:
    add(conn, "stream", "ok")
    conn.execute(
        """INSERT INTO fetches (source_id, purpose, url, requested_at, outcome, run_id)
           VALUES ('stream', 'source', 'wss://a.test/', %s, 'not_modified', 'r')""",
        (NOW,),
    )
    conn.execute(
        """INSERT INTO source_gaps (source_id, fetch_id, since, until, reason)
           SELECT 'stream', id, %s, %s, 'clamped' FROM fetches""",
        (NOW - timedelta(days=2), NOW - timedelta(days=1)),
    )
    passed, told = check(conn)
    assert not passed and records(told["gaps"])[0]["reason"] == "clamped"
    assert sources_are_well(conn, "news_articles", "news", NOW + timedelta(days=30)).passed
