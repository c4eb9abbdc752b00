"""A week of scheduled ingest under a moved clock, over a server that fails at random: politeness, alerts, nothing lost."""

from __future__ import annotations

import email.utils
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest

from aidran_pipeline.ingest import pacing
from aidran_pipeline.ingest.alerts import tell_changes
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.ingest_server import Answer, Server, cut_short, item, reset, rss
from aidran_pipeline_tests.readings import configure, ingest, rows, rss_entry
from aidran_pipeline_tests.webhook import Webhook, listening

START = datetime(2026, 6, 29, tzinfo=UTC)
TICK = timedelta(minutes=30)  # as ingest_schedule
TICKS = 7 * 48
SOURCES = [f"feed{number}" for number in range(4)]
DEAD, DIES, RISES = "feed3", START + timedelta(days=2), START + timedelta(days=4, hours=5)
SHOWN = 25  # items of a feed at one time; one is added an hour
FAULTS = ("503", "429 seconds", "429 date", "500", "reset", "cut", "html", "empty", "404")


@dataclass
class World:
    """The server's side: the moment served, what each request met, and a seeded chance of faults."""

    server: Server
    chance: random.Random
    now: datetime = START
    asked: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    not_before: dict[str, datetime] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def serve(self, name: str) -> None:
        """Put a feed on the server."""
        self.server.routes[f"/{name}"] = lambda handler: self._answer(name, handler)

    def items(self, name: str) -> list[str]:
        """Guids of every item published so far, one an hour, newest first."""
        hours = int((self.now - START) / timedelta(hours=1))
        return [f"{name}-{hour}" for hour in range(hours, -1, -1)]

    def _answer(self, name: str, handler: BaseHTTPRequestHandler) -> Answer | None:
        self.asked[name].append(self.now)
        if name == DEAD and DIES <= self.now < RISES:
            return 500, {}, b"down"
        if self.chance.random() < 0.2:
            fault = self.chance.choice(FAULTS)
            self.met[fault] += 1
            return self._fault(name, fault, handler)
        return self._feed(name, handler)

    def _fault(self, name: str, fault: str, handler: BaseHTTPRequestHandler) -> Answer | None:
        later = self.now + timedelta(hours=2)
        if fault in ("503", "429 seconds"):
            self.not_before[name] = later
            return int(fault[:3]), {"Retry-After": "7200"}, b""
        if fault == "429 date":
            self.not_before[name] = later
            return 429, {"Retry-After": email.utils.format_datetime(later, usegmt=True)}, b""
        if fault in ("reset", "cut"):
            (reset if fault == "reset" else cut_short)(handler)
            return None
        page = b"<!doctype html><title>Sign in</title><form><input name=password></form>" if fault == "html" else b""
        return (200 if fault in ("html", "empty") else int(fault)), {"Content-Type": "text/html"}, page

    def _feed(self, name: str, handler: BaseHTTPRequestHandler) -> Answer:
        listed = self.items(name)[:SHOWN]
        tag = f'"{listed[0]}"'
        if handler.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, b""
        entries = []
        for guid in listed:
            moment = START + timedelta(hours=int(guid.rsplit("-", 1)[1]))
            entries.append(item(guid, f"Item {guid}", date=email.utils.format_datetime(moment, usegmt=True)))
        return 200, {"Content-Type": "application/rss+xml", "ETag": tag}, rss(*entries)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


@pytest.mark.slow
def test_a_week_of_scheduled_runs_with_random_faults(
    conn: Connection, server: Server, webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "DEFAULT_SPACING", 0.0)  # real seconds between requests; the week's are virtual
    world = World(server, random.Random(20260629))
    for name in SOURCES:
        world.serve(name)
    configure(conn, tmp_path, *(rss_entry(server, name) for name in SOURCES))
    moments: dict[str, int] = defaultdict(int)
    for tick in range(TICKS):
        world.now = START + tick * TICK
        due = {row["id"]: row["next_check_at"] for row in conn.execute("SELECT id, next_check_at FROM sources")}
        before = {name: len(world.asked[name]) for name in SOURCES}
        early = {name for name in SOURCES if world.now < world.not_before.get(name, START)}
        ingest(conn, "news", now=world.now, day=world.now.date(), run=f"tick {tick}")
        tell_changes(conn, webhook.url, now=world.now)
        for name in SOURCES:
            times = len(world.asked[name]) - before[name]
            moments[name] += times
            assert times <= 1, f"{name} was asked {times} times at {world.now}"
            if times:
                assert due[name] is None or due[name] <= world.now, f"{name} was asked before its next check"
                assert name not in early, f"{name} was asked before the Retry-After it gave"
    assert all(world.met[fault] for fault in FAULTS), world.met

    # Nothing of a living source is lost: every item that was listed at some successful reading is stored, once.
    stored = [native.split("|")[1] for (native,) in rows(conn, "SELECT native_id FROM records")]
    assert len(stored) == len(set(stored))
    for name in SOURCES:
        last = max(fetched for fetched, in rows(
            conn, f"SELECT requested_at FROM fetches WHERE source_id = '{name}' AND outcome IN ('ok', 'not_modified')"
        ))  # fmt: skip
        hours = int((last - START) / timedelta(hours=1))
        missing = {f"{name}-{hour}" for hour in range(hours + 1)} - set(stored)
        if name == DEAD:  # it was down for longer than its feed reaches back: what it dropped meanwhile is not there
            gone = {int(guid.rsplit("-", 1)[1]) for guid in missing}
            assert gone and gone < set(range(40, int((RISES - START) / timedelta(hours=1)) + 24))
        else:
            assert not missing, f"{name} lost {sorted(missing)}"

    # The log of fetches is the server's log: no request without a row, no row without a request.
    fetched = dict(rows(conn, "SELECT source_id, count(*) FROM fetches WHERE purpose = 'source' GROUP BY 1"))
    assert fetched == dict(moments)
    failed = rows(conn, "SELECT DISTINCT error_class FROM fetches WHERE outcome = 'failed' ORDER BY 1")
    assert {name for (name,) in failed} >= {"http_5xx", "http_4xx", "rate_limited", "connect", "not_a_feed", "empty"}

    # One alert when the dead source went, one when it was back; the others' hiccups alternate, if they alert at all.
    told: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for message in webhook.told:
        for change in message["changes"]:
            told[change["source"]].append((change["was"], change["now"]))
    assert ("well", "failing") in told[DEAD] and told[DEAD][-1] == ("failing", "well")
    for name, changes in told.items():
        assert all(now == was for (_, now), (was, _) in pairwise(changes)), (name, changes)
    down = [change for change in told[DEAD] if change[1] != "well"]
    assert len(down) == len([change for change in told[DEAD] if change[1] == "well"]), told[DEAD]
