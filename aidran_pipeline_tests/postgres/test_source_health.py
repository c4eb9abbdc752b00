"""How sources fare: counted live and as of a moment, the same; the public page shows no address and stays as it is."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aidran_pipeline.cli import app
from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.publish import render_site
from aidran_pipeline.publish.sources import STATES
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.source_health import SETTLED, source_health, source_health_at
from aidran_pipeline_tests.conftest import REPOSITORY, _create_database, _drop_database
from aidran_pipeline_tests.ingest_server import Server, item, rss, serving
from aidran_pipeline_tests.newsroom import Newsroom
from aidran_pipeline_tests.readings import NOW, configure, ingest, rss_entry

HOUR = timedelta(hours=1)
SAME = (
    "last_attempt_at", "last_success_at", "last_new_at", "next_check_at", "consecutive_failures", "volume", "share", "gaps",
)  # fmt: skip


def stamp(moment: datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.fixture(scope="module")
def prepared(
    server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Three days of eight sources: well, busy, quiet, failing, blocked, gone, unconfigured, and one that recovered."""
    url = _create_database(server_url, "health", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    old = item("a", "Old news", date=stamp(NOW - 30 * 24 * HOUR))
    names = ["well", "busy", "quiet", "failing", "blocked", "gone", "recovered"]
    with connect(url) as conn, serving() as server:
        entries = [rss_entry(server, name, publisher=f"The {name} paper") for name in names]
        search = "{id: search, kind: bluesky_search, query: secret words}"
        folder = tmp_path_factory.mktemp("health")
        configure(conn, folder, *entries, search)
        for hour in [*range(0, 72, 6), 75]:
            now = NOW + hour * HOUR
            fresh = [item(f"{n}", f"News {n}", date=stamp(NOW + (n - 1) * HOUR)) for n in range(0, hour + 1, 2)]
            server.routes |= {
                "/well": (200, {}, rss(item("a", "First", date=stamp(NOW - HOUR)))),
                "/busy": (200, {}, rss(*fresh)),
                "/quiet": (200, {}, rss(old)),
                "/failing": (503, {}, b"") if hour > 40 else (200, {}, rss(old)),
                "/blocked": (403, {}, b""),
                "/gone": (410, {}, b"") if hour > 20 else (200, {}, rss(old)),
                "/recovered": (500, {}, b"") if 10 < hour < 40 else (200, {}, rss(*fresh[:1])),
            }
            if hour == 75:
                conn.execute("UPDATE sources SET last_new_at = last_new_at - interval '20 days' WHERE id = 'quiet'")
                conn.execute(
                    "UPDATE fetches SET requested_at = requested_at - interval '20 days' "
                    "WHERE records_new > 0 AND source_id = 'quiet'"
                )
            ingest(conn, "news", now=now, day=now.date(), run=f"r{hour}")
            ingest(conn, "bluesky", now=now, day=now.date(), run=f"b{hour}")
    yield url, folder / "sources.yaml"
    _drop_database(server_url, url)


@pytest.fixture
def read(server_url: str, prepared: tuple[str, Path]) -> Iterator[Connection]:
    """A copy of those rows."""
    url = _create_database(server_url, "health_copy", f"TEMPLATE {prepared[0].rsplit('/', 1)[1]}")
    with connect(url) as conn:
        yield conn
    _drop_database(server_url, url)


LATER = NOW + 75 * HOUR


def test_what_stands_at_a_moment_is_what_the_rows_said_then(read: Connection) -> None:
    live = {row["id"]: row for row in source_health(read, LATER)}
    then = {row["id"]: row for row in source_health_at(read, LATER)}
    assert live.keys() == then.keys() and len(then) == 8
    for key, row in then.items():
        assert {name: row[name] for name in SAME} == {name: live[key][name] for name in SAME}, key
        assert row["state"] == live[key]["status"]
        assert row["error_class"] == (None if row["state"] == "unconfigured" else live[key]["last_error_class"])
    assert {key: row["state"] for key, row in then.items()} == {
        "well": "ok", "busy": "ok", "quiet": "quiet", "failing": "failing", "blocked": "blocked", "gone": "gone",
        "recovered": "ok", "search": "unconfigured",
    }  # fmt: skip
    assert sum(row["share"] for row in then.values()) == pytest.approx(1, abs=0.001)
    assert then["busy"]["share"] > 0.8 and then["busy"]["volume"] == 38


def test_an_earlier_moment_is_not_changed_by_what_came_after(read: Connection) -> None:
    early = NOW + 30 * HOUR
    before = source_health_at(read, early)
    states = {row["id"]: row["state"] for row in before}
    assert (states["failing"], states["recovered"], states["gone"]) == ("ok", "failing", "gone")
    now = LATER + 5 * HOUR
    ingest(read, "news", now=now, day=now.date(), run="more")
    read.execute("UPDATE sources SET removed_at = %s, status = 'failing' WHERE id = 'well'", (now,))
    read.execute("UPDATE sources SET publisher = 'Renamed', enabled = false")
    assert source_health_at(read, early) == before
    assert "well" not in {row["id"] for row in source_health_at(read, now)}


def test_a_run_that_may_still_write_is_left_out_unless_it_is_the_moments_own(read: Connection) -> None:
    started = LATER + 2 * HOUR
    before = source_health_at(read, started + SETTLED / 2)
    ingest(read, "news", now=started, day=started.date(), run="writing")
    assert source_health_at(read, started + SETTLED / 2) == before
    busy = next(row for row in source_health_at(read, started) if row["id"] == "busy")
    assert busy["last_attempt_at"] == started
    busy = next(row for row in source_health_at(read, started + SETTLED) if row["id"] == "busy")
    assert busy["last_attempt_at"] == started


def test_a_gap_is_shown_for_a_month(read: Connection) -> None:
    read.execute(
        """INSERT INTO source_gaps (source_id, fetch_id, since, until, reason)
           SELECT 'busy', max(id), %s, %s, 'clamped' FROM fetches WHERE source_id = 'busy'""",
        (NOW, NOW + HOUR),
    )
    gap = [{"since": NOW, "until": NOW + HOUR, "reason": "clamped"}]
    assert {row["id"]: row["gaps"] for row in source_health_at(read, LATER) if row["gaps"]} == {"busy": gap}
    assert {row["id"]: row["gaps"] for row in source_health(read, LATER) if row["gaps"]} == {"busy": gap}
    assert source_health(read, NOW + 31 * 24 * HOUR + HOUR)[0]["gaps"] == []
    assert not any(row["gaps"] for row in source_health_at(read, NOW + 10 * HOUR))


def pages(conn: Connection) -> dict[str, bytes]:
    return {path: data for path, data in render_site(conn, load_publication()) if path.startswith("sources/")}


def withhold(conn: Connection, at: datetime) -> None:
    """A decision, so that there is an edition."""
    if conn.execute("SELECT FROM topics").fetchone() is None:
        Newsroom(conn).topic("ai-privacy", "AI & Privacy", "d", 1)
    conn.execute(
        """INSERT INTO editorial_decisions (day, topic, decision, reasons, numbers, made_by, engine, engine_version,
               input_hash, run_id, decided_at)
           VALUES (%s, 'ai-privacy', 'withheld', '[{"gate": "evidence", "rule": "no signal", "detail": "none"}]', '{}',
                   'pipeline', 'extractive', '1', 'x', 'r', %s)""",
        (at.date(), at),
    )


def test_the_page_shows_every_state_and_no_address(read: Connection) -> None:
    assert "No edition has been made yet" in pages(read)["sources/index.html"].decode()
    withhold(read, LATER)
    built = pages(read)
    html = built["sources/index.html"].decode()
    found = json.loads(built["sources/index.json"])
    assert {row["state"] for row in found["sources"]} == {word for word, _ in STATES.values()}
    for word, meaning in STATES.values():
        assert f"{word}</strong>: {meaning}" in html
    assert (
        "8 sources as of" in html
        and "The busy paper" in html
        and ">search</th>" in html
        and 'id="source-blocked"' in html
    )
    shown = html.partition("<main")[2].partition("</main>")[0] + built["sources/index.json"].decode()
    for hidden in ("127.0.0.1", "http://", "secret words", "BLUESKY_APP_PASSWORD", "HTTP 403"):
        assert hidden not in shown, hidden
    row = next(row for row in found["sources"] if row["id"] == "failing")
    assert (row["consecutive_failures"], row["error_class"]) == (live_failures(read), "http_5xx")


def live_failures(conn: Connection) -> int:
    row = conn.execute("SELECT consecutive_failures FROM sources WHERE id = 'failing'").fetchone()
    assert row is not None and row["consecutive_failures"] > 3
    return int(row["consecutive_failures"])


def test_the_page_changes_with_an_edition_only(read: Connection) -> None:
    withhold(read, LATER)
    before = pages(read)
    now = LATER + 8 * HOUR
    ingest(read, "news", now=now, day=now.date(), run="after")
    assert pages(read) == before
    withhold(read, now)
    assert pages(read) != before


def test_hostile_names_are_printed_as_text(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes["/feed"] = (200, {}, rss(item("a", "One")))
    configure(conn, tmp_path, rss_entry(server, publisher='"<script>alert(1)</script> \\u202e News"'))
    ingest(conn, "news")
    withhold(conn, NOW)
    html = pages(conn)["sources/index.html"].decode()
    assert "alert(1)" in html and "<script" not in html and "\u202e" not in html


def test_states_are_kept_as_they_change(read: Connection) -> None:
    found: dict[str, list[Any]] = {}
    for row in read.execute("SELECT source_id, state FROM source_states ORDER BY id"):
        found.setdefault(row["source_id"], []).append(row["state"])
    assert found == {
        "well": ["ok"], "busy": ["ok"], "quiet": ["ok", "quiet"], "failing": ["ok", "failing"],
        "blocked": ["failing", "blocked"], "gone": ["ok", "gone"], "recovered": ["ok", "failing", "ok"],
        "search": ["unconfigured"],
    }  # fmt: skip


# --- the command ------------------------------------------------------------------------------------------------------


def environment(conn: Connection, sources: Path, tmp_path: Path) -> dict[str, str]:
    info = conn.info
    url = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
    return {
        "AIDRAN_DATABASE_URL": url,
        "AIDRAN_HOME": str(tmp_path / "home"),
        "AIDRAN_SOURCES": str(sources),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


@pytest.fixture
def command(
    read: Connection, prepared: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Runs `aidran sources` over a copy of the rows; its output."""
    for name, value in environment(read, prepared[1], tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(*options: str) -> str:
        result = CliRunner().invoke(app, ["sources", *options])
        assert result.exit_code == 0, result.output
        return result.output

    yield run


def moved(conn: Connection, learned: bool = True) -> None:
    conn.execute(
        """INSERT INTO source_moves (source_id, from_url, to_url, answers, first_seen_at, last_seen_at, learned_at)
           VALUES ('well', 'http://127.0.0.1/well', 'https://new.test/feed', 12, %s, %s, %s)""",
        (NOW, NOW, NOW + 7 * 24 * HOUR if learned else None),
    )


def test_looking_changes_no_row(
    command: Any, read: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another list of sources is shown as a run would find it, and marks nobody as removed: that is for a run to do."""
    other = tmp_path / "other.yaml"
    other.write_text("sources:\n- {id: another, kind: rss, url: https://another.test/feed, publisher: Another}\n")
    monkeypatch.setenv("AIDRAN_SOURCES", str(other))
    before = read.execute("SELECT * FROM sources ORDER BY id").fetchall()
    shown = [row["id"] for row in json.loads(command("--json"))]
    assert shown == ["another"]
    assert read.execute("SELECT * FROM sources ORDER BY id").fetchall() == before


def test_json_tells_all_of_a_source(command: Any, read: Connection) -> None:
    moved(read, learned=False)
    found = {row["id"]: row for row in json.loads(command("--json"))}
    assert [row["status"] for row in found.values()].count("ok") == 3
    busy = found["busy"]
    assert busy["check"]["why"] == "37 new items in 3.1 days, one every 2 h; at most 90 min"
    assert (busy["check"]["seconds"], busy["check"]["longest"]) == (5400, 5400)
    assert busy["address"]["asked"] == busy["address"]["configured"] and busy["address"]["watched"] is None
    assert found["well"]["address"]["watched"]["to"] == "https://new.test/feed"
    assert found["failing"]["check"]["why"] == "6 failures in a row: 16 h"
    assert found["blocked"]["last_error_class"] == "forbidden"
    for row in found.values():
        assert {"last_attempt_at", "last_success_at", "last_new_at", "next_check_at", "gaps", "share"} <= row.keys()


def test_a_move_and_a_gap_are_told_with_their_remedy(command: Any, read: Connection) -> None:
    moved(read)
    now = datetime.now(UTC)
    read.execute(
        """INSERT INTO source_gaps (source_id, fetch_id, since, until, reason)
           SELECT 'busy', max(id), %s, %s, 'too_old' FROM fetches WHERE source_id = 'busy'""",
        (now - 2 * HOUR, now - HOUR),
    )
    output = command()
    assert "well has moved: asked at https://new.test/feed since 2026-07-12" in output
    assert "Write that address into the sources file, in place of http://127.0.0.1" in output
    assert "busy has a gap: " in output and "the stream had lost the place asked for" in output
    assert "blocked\n  forbidden: HTTP 403 Forbidden" in output


def test_the_table_is_readable_in_a_terminal_of_100_columns(
    read: Connection, prepared: tuple[str, Path], tmp_path: Path
) -> None:
    read.execute("UPDATE sources SET status = 'ok', last_attempt_at = now(), next_check_at = now() + interval '25 min'")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    shown = bytearray()
    with subprocess.Popen(
        [sys.executable, "-m", "aidran_pipeline.cli", "sources"], stdout=theirs, stderr=theirs,
        env={**os.environ, **environment(read, prepared[1], tmp_path), "TERM": "xterm"}, cwd=REPOSITORY,
    ) as process:  # fmt: skip
        os.close(theirs)
        with suppress(OSError):  # the end of a terminal that nobody writes to any more
            while chunk := os.read(ours, 65536):
                shown += chunk
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in shown.decode().splitlines()]
    head = next(number for number, line in enumerate(lines) if line.startswith("source"))
    rows = lines[head + 1 : lines.index("", head)]
    assert lines[head].split() == ["source", "state", "asked", "answered", "new", "next", "fails", "share"]
    assert max(map(len, lines[head : head + 9])) <= 100
    assert len(rows) == 8, "one line a source: nothing is folded"
