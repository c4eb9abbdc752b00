"""A week of scheduled ingest of three platforms over recorded sources whose server has a clock of its own to move.

The log of that server carries the moment it served: it, and not what this project noted of itself, says when a source
was asked. Skipped where the recordings are not beside the checkout.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.ingest import pacing, sync_sources
from aidran_pipeline.ingest.alerts import tell_changes
from aidran_pipeline.ingest.health import PACES
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.readings import CREDENTIALS, ingest, rows
from aidran_pipeline_tests.replayed import Replay, replaying, small_world
from aidran_pipeline_tests.webhook import Webhook, listening

START = datetime(2026, 6, 8, tzinfo=UTC)
TICK = timedelta(minutes=30)  # as ingest_schedule
TICKS = 7 * 48
PUBLISHERS = ("Techmeme", "TechCrunch", "Mashable", "Slashdot", "Phoronix")
SUBREDDITS = ("singularity", "LocalLLaMA")
QUERIES = ("OpenAI", "GPU")
DEAD, DIES, RISES = "news-mashable", START + timedelta(days=2), START + timedelta(days=4, hours=5)
GONE, GOES = "news-phoronix", START + timedelta(days=5)
FAULTS = ("500", "503", "429", "html", "empty", "truncate", "reset", "loop")


@pytest.fixture
def replay(shared_data: Path, tmp_path: Path) -> Iterator[Replay]:
    program = shared_data / "replay" / "serve.py"
    if not program.is_file():
        pytest.skip("no replay server beside the checkout (../shared/replay)")
    world = small_world(
        shared_data / "data" / "world", tmp_path / "world", publishers=PUBLISHERS, subreddits=SUBREDDITS,
        since="2026-06-01",
    )  # fmt: skip
    with replaying(program, world, START.isoformat(), tmp_path) as running:
        yield running


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


def chosen(replay: Replay) -> dict[str, str]:
    """The server's own sources, fewer searches of them; the path that a fault of each stands at, by id."""
    lines = replay.sources.read_text().splitlines()
    kept = [
        line for line in lines if "bluesky_search" not in line or re.search(rf'query: "({"|".join(QUERIES)})"', line)
    ]
    # Linked pages are not this test's matter, and stand on the publishers' own hosts.
    replay.sources.write_text(
        "\n".join(line.replace("kind: rss,", "kind: rss, full_text: never,") for line in kept) + "\n"
    )
    paths = {}
    for source in load_sources(replay.sources):
        config = source.address()
        paths[source.id] = (
            urlsplit(config["url"]).path if source.kind == "rss"
            else f"/r/{config['subreddit']}/new.json" if source.kind == "reddit"
            else "/xrpc/app.bsky.feed.searchPosts"
        )  # fmt: skip
    return paths


def asked_for(paths: dict[str, str], path: str) -> str | None:
    """The source that a request was for; None for sign-ins."""
    parts = urlsplit(path)
    if parts.path.endswith("searchPosts"):
        return "bluesky-" + parse_qs(parts.query)["q"][0].lower()
    return next((name for name, each in paths.items() if each == parts.path), None)


def recorded(world: Path, publisher: str, until: datetime) -> set[str]:
    """Ids of a publisher's items of the week up to a moment, from the recording itself."""
    with gzip.open(world / "news.jsonl.gz", "rt", encoding="utf-8") as lines:
        items = [json.loads(line) for line in lines]
    return {
        item["id"] for item in items
        if item["source"] == publisher and START <= datetime.fromisoformat(item["published"]) <= until
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_week_on_the_servers_clock(
    conn: Connection, replay: Replay, webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "DEFAULT_SPACING", 0.0)  # real seconds between requests; the week's are virtual
    paths = chosen(replay)
    assert len(paths) == len(PUBLISHERS) + len(SUBREDDITS) + len(QUERIES)
    sync_sources(conn, load_sources(replay.sources), now=START)
    chance, met = random.Random(20260608), defaultdict[str, int](int)
    due: dict[datetime, dict[str, datetime | None]] = {}
    served: dict[str, list[datetime]] = defaultdict(list)
    for tick in range(TICKS):
        now = START + tick * TICK
        replay.tell("/__clock", as_of=now.isoformat())
        for name, path in paths.items():
            if name == DEAD:
                replay.tell("/__fault", path=path, kind="500", times=9 if DIES <= now < RISES else 0)
            elif name == GONE and now >= GOES:
                replay.tell("/__fault", path=path, kind="gone", times=9)
            elif chance.random() < 0.1:
                kind = chance.choice(FAULTS)
                met[kind] += 1
                replay.tell("/__fault", path=path, kind=kind, times=1)
        due[now] = dict(rows(conn, "SELECT id, next_check_at FROM sources"))
        for platform in ("news", "reddit", "bluesky"):
            ingest(conn, platform, now=now, day=now.date(), run=f"{platform} {tick}", **CREDENTIALS)
        tell_changes(conn, webhook.url, now=now)
    assert all(met[kind] for kind in FAULTS), met

    for entry in replay.log():
        name, moment = asked_for(paths, entry["path"]), datetime.fromisoformat(entry["as_of"])
        if name is not None:
            earliest = due[moment][name]
            assert earliest is None or earliest <= moment, f"{name} was asked at {moment}, not due before {earliest}"
            served[name].append(moment)

    # The server's log and the table of fetches tell of the same moments, and a feed is asked once at each.
    fetched: dict[str, set[datetime]] = defaultdict(set)
    for source, moment in rows(conn, "SELECT source_id, requested_at FROM fetches WHERE purpose = 'source'"):
        fetched[source].add(moment)
    assert {name: set(moments) for name, moments in served.items()} == fetched
    for name, path in paths.items():
        assert len(set(served[name])) == len(served[name]) or not path.startswith("/feeds/"), name

    check_pace(conn, served)
    check_alerts(conn, webhook, served)
    for publisher in PUBLISHERS:
        name = "news-" + publisher.lower()
        last = max(m for m, in rows(
            conn, f"SELECT requested_at FROM fetches WHERE source_id = '{name}' AND outcome <> 'failed'"
        ))  # fmt: skip
        stored = {native.split("|")[1] for native, in rows(
            conn, f"SELECT native_id FROM records WHERE source_id = '{name}' AND published_at >= '{START}'"
        )}  # fmt: skip
        wanted = recorded(tmp_path / "world", publisher, last)
        assert stored == wanted and wanted, f"{name} lost {sorted(wanted - stored)}"


def check_pace(conn: Connection, served: dict[str, list[datetime]]) -> None:
    """Once it was watched, a source is asked as often as it brings something, within its bounds."""
    seconds = dict(rows(conn, "SELECT id, check_seconds FROM sources WHERE status IN ('ok', 'quiet')"))
    longest = PACES["rss"].longest.total_seconds()
    assert seconds["news-slashdot"] == longest > seconds["news-techmeme"] >= PACES["rss"].shortest.total_seconds()
    early, late = (
        [m for m in served["news-slashdot"] if since <= m < since + timedelta(days=2)]
        for since in (START, START + timedelta(days=5))
    )
    assert len(late) < 0.75 * len(early), "few new items: asked less often than before it was watched"


def check_alerts(conn: Connection, webhook: Webhook, served: dict[str, list[datetime]]) -> None:
    """One alert when the dead source went and one when it was back; one for what is gone; the others' alternate."""
    told: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for message in webhook.told:
        for change in message["changes"]:
            told[change["source"]].append((change["was"], change["now"]))
    assert told[DEAD] == [("well", "failing"), ("failing", "well")]
    assert told[GONE][-1][1] == "gone" and len([now for _, now in told[GONE] if now == "gone"]) == 1
    assert len([m for m in served[GONE] if m >= GOES]) == 1, "what is gone is not asked again"
    for name, changes in told.items():
        assert all(now == was for (_, now), (was, _) in pairwise(changes)), (name, changes)
    states: dict[str, list[Any]] = defaultdict(list)
    for source, state in rows(conn, "SELECT source_id, state FROM source_states ORDER BY id"):
        states[source].append(state)
    assert states[DEAD] == ["ok", "failing", "ok"]
    assert all(before != after for each in states.values() for before, after in pairwise(each))
