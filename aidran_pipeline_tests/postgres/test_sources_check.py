"""`aidran sources check` on a real server and database: what is due is asked, once; each verdict has its reason."""

from __future__ import annotations

import email.utils
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aidran_pipeline.cli import app
from aidran_pipeline.ingest.check import WINDOW, judge
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.source_activity import source_activity
from aidran_pipeline_tests.ingest_server import Server, item, rss
from aidran_pipeline_tests.readings import NOW, configure, ingest, rss_entry

LONG = "A sentence that is long enough to be quoted from, about chips and those who build them in one country. " * 3


@pytest.fixture
def check(database_url: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `aidran sources check` on five feeds of the loopback server; returns exit code and document."""
    names = ("good", "old", "short", "gone", "down")
    entries = "".join(f"  - {{id: {name}, kind: rss, url: '{server.url('/' + name)}'}}\n" for name in names)
    (tmp_path / "sources.yaml").write_text("sources:\n" + entries)
    environment = {
        "AIDRAN_DATABASE_URL": database_url,
        "AIDRAN_HOME": str(tmp_path / "home"),
        "AIDRAN_SOURCES": str(tmp_path / "sources.yaml"),
        "AIDRAN_ALLOW_HOSTS": f"127.0.0.1:{server.port}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "AIDRAN_SET_DAGSTER_URL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def run(*options: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(app, ["sources", "check", "--json", *options])
        assert result.output.startswith("{"), result.output
        return result.exit_code, json.loads(result.output)

    return run


def test_due_sources_are_asked_once_and_judged(check: Any, server: Server, conn: Connection) -> None:
    now = datetime.now(UTC)
    recent, long_ago = (email.utils.format_datetime(now - timedelta(days=days)) for days in (1, 100))
    server.routes |= {
        "/good": (200, {}, rss(item("a", "First", LONG, date=recent), item("b", "Second", LONG, date=recent))),
        "/old": (200, {}, rss(item("a", "First", LONG, date=long_ago))),
        "/short": (200, {}, rss(item("a", "Only this", date=recent), item("b", "Only that", date=recent))),
        "/gone": (410, {}, b""),
        "/down": (503, {}, b""),
    }
    code, stored = check("--stored")
    assert code == 0 and server.requests == []
    assert {row["verdict"] for row in stored["sources"]} == {"unasked"}

    code, found = check()
    assert code == 1
    verdicts = {row["id"]: row["verdict"] for row in found["sources"]}
    assert verdicts == {"good": "ok", "old": "stale", "short": "thin", "gone": "dead", "down": "unasked"}
    assert found["asked"]["attempted"] == 5
    assert len(server.requests) == 5
    assert conn.execute("SELECT count(*) AS n FROM records").fetchone() == {"n": 5}

    code, again = check()
    assert (code, again["asked"]["attempted"], len(server.requests)) == (1, 0, 5)
    assert again["sources"] == found["sources"]

    conn.execute("UPDATE sources SET consecutive_failures = 6 WHERE id = 'down'")
    reasons = {row["id"]: row["reason"] for row in check("--stored")[1]["sources"]}
    assert reasons["down"].startswith("6 failures in a row, no answer ever; http_5xx")
    assert reasons["short"] == "half of its texts are under 10 characters"


def test_a_feed_that_has_long_answered_from_elsewhere_has_moved(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    server.routes |= {
        "/feed": (302, {"Location": "/new"}, b""),
        "/new": (200, {}, rss(item("a", "First", LONG), item("b", "Second", LONG))),
    }
    configure(conn, tmp_path, rss_entry(server))
    for day in range(12):
        ingest(conn, "news", now=NOW + timedelta(days=day), run=f"r{day}")
        (row,) = source_activity(conn, NOW + timedelta(days=day), window=WINDOW)
        expected = "moved" if day >= 9 else "ok"
        assert judge(row, NOW + timedelta(days=day)).word == expected, day
    assert len(server.asked("/feed")) == 12, "a passing redirect is never learned: the configured address is asked"
    server.routes["/feed"] = (200, {}, rss(item("c", "Back again", LONG)))
    ingest(conn, "news", now=NOW + timedelta(days=13), run="back")
    (row,) = source_activity(conn, NOW + timedelta(days=13), window=WINDOW)
    assert judge(row, NOW + timedelta(days=13)).word == "ok"
