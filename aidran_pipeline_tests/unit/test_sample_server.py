"""The sample's server, asked through the client and read by the parsers that live sources are read with."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest import extract_page, parse_body
from aidran_pipeline.ingest.guard import Deadline, GuardedBackend, RefusedAddress, UnknownHost
from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.parsed import ParsedRecord
from aidran_pipeline.ingest.robots import Robots
from aidran_pipeline.sample.bodies import LINK
from aidran_pipeline.sample.days import Item, Sample, moment_of
from aidran_pipeline.sample.newsroom import sample_settings
from aidran_pipeline.sample.server import REDDIT_TOKEN, SampleServer, serving

LAST = moment_of(date(2026, 5, 20))


@pytest.fixture
def server() -> Iterator[SampleServer]:
    with serving() as running:
        running.now = LAST
        yield running


@pytest.fixture
def client(server: SampleServer) -> Iterator[HttpClient]:
    with HttpClient(dial=server.dial(), pace=refuse_to_wait) as made:
        yield made


def refuse_to_wait(host: str) -> float:
    raise AssertionError(f"{host} was paced")


def get(client: HttpClient, url: str, **headers: str) -> FetchResult:
    return client.get(url, now=LAST, headers=headers)


def parsed(server: SampleServer, source_id: str, answer: FetchResult) -> list[ParsedRecord]:
    assert answer.outcome == "ok", answer
    source = next(source for source in server.sample.sources if source.id == source_id)
    row = {"id": source.id, "config": source.address(), "publisher": source.publisher}
    return parse_body(source.kind, answer.body, url=answer.url, content_type=answer.content_type, source=row)


def said(sample: Sample, item: Item) -> str:
    """The text that a parser should find in a report or thread: links are shown by their words."""
    words = item.at(LAST)
    shown = LINK.sub(lambda link: link.group(2) or sample.pages[link.group(1)].title, words.body)
    return "\n\n".join(part for part in (words.title, shown) if part)


def test_each_feed_holds_what_its_file_says(server: SampleServer, client: HttpClient) -> None:
    feeds = [source for source in server.sample.sources if source.kind == "rss"]
    seen = 0
    for source in feeds:
        records = parsed(server, source.id, get(client, source.url))
        outlet = source.url.split("/")[2].removesuffix(".example")
        items = [item for item in server.sample.of("news") if item.who == outlet]
        assert [record.text for record in records] == [said(server.sample, item) for item in reversed(items)]
        assert [record.published_at for record in records] == [item.published for item in reversed(items)]
        assert [record.url for record in records] == [server.sample.item_url(item) for item in reversed(items)]
        assert [record.author_name for record in records] == [item.byline for item in reversed(items)]
        assert len({record.native_id for record in records}) == len(records)
        seen += len(records)
    assert seen == len(server.sample.of("news"))


def test_listings_hold_every_visible_thread_page_by_page(server: SampleServer, client: HttpClient) -> None:
    seen = 0
    for source in (source for source in server.sample.sources if source.kind == "reddit"):
        records: list[ParsedRecord] = []
        after: str | None = ""
        while after is not None:
            url = f"http://reddit.example/r/{source.subreddit}/new.json?limit=5" + (f"&after={after}" if after else "")
            answer = get(client, url, Authorization=f"Bearer {REDDIT_TOKEN}")
            records += parsed(server, source.id, answer)
            after = json.loads(answer.body)["data"]["after"]
        items = [i for i in server.sample.of("reddit") if i.where == source.subreddit and i.visible(LAST)]
        assert [record.text for record in records] == [said(server.sample, item) for item in reversed(items)]
        assert {record.community for record in records} == {source.subreddit}
        scored = [item.figures["score"] for item in reversed(items) if "score" in item.figures]
        assert [r.metrics["score"] for r, i in zip(records, reversed(items), strict=True) if "score" in i.figures] == [
            score if LAST - item.published >= timedelta(hours=26) else score * 4 // 5
            for score, item in zip(scored, [i for i in reversed(items) if "score" in i.figures], strict=True)
        ]
        seen += len(records)
    assert seen == sum(item.removed is None for item in server.sample.of("reddit"))


def test_a_search_obeys_its_period_and_its_cursor(server: SampleServer, client: HttpClient) -> None:
    signed = client.request(
        "POST", "http://bluesky.example/xrpc/com.atproto.server.createSession", now=LAST, data={"identifier": "x"}
    )
    token = json.loads(signed.body)["accessJwt"]
    base = "http://bluesky.example/xrpc/app.bsky.feed.searchPosts?q=AI&limit=7"
    period = "&since=2026-05-18T00:00:00.000Z&until=2026-05-19T00:00:00.000Z"
    records: list[ParsedRecord] = []
    cursor: str | None = ""
    while cursor is not None:
        url = base + period + (f"&cursor={cursor}" if cursor else "")
        answer = get(client, url, Authorization=f"Bearer {token}")
        records += parsed(server, "sample-bluesky-ai", answer)
        cursor = json.loads(answer.body).get("cursor")
    assert len(records) > 20
    assert {record.published_at.date() for record in records if record.published_at} == {date(2026, 5, 18)}
    assert all("ai" in (record.body or "").lower() for record in records)
    linked = {link.url for record in records for link in record.links}
    assert server.sample.page_url("gulf-contracts") in linked


@pytest.mark.parametrize(
    "path", ["reddit.example/r/medtech/new.json", "bluesky.example/xrpc/app.bsky.feed.searchPosts"]
)
def test_without_a_token_nothing_is_told(path: str, client: HttpClient) -> None:
    answer = get(client, f"http://{path}?q=AI&since=2026-05-18T00:00:00Z&until=2026-05-19T00:00:00Z")
    assert (answer.http_status, answer.error_class) == (401, "forbidden")


def test_a_feed_that_did_not_change_says_so(server: SampleServer, client: HttpClient) -> None:
    url = "http://harbour-ledger.example/feed.xml"
    first = get(client, url)
    assert first.etag
    again = get(client, url, **{"If-None-Match": first.etag})
    assert (again.outcome, again.body) == ("not_modified", b"")
    server.now = LAST - timedelta(days=3)
    assert get(client, url, **{"If-None-Match": first.etag}).outcome == "ok"


def test_the_world_is_that_of_its_moment(server: SampleServer, client: HttpClient) -> None:
    """Nothing of tomorrow, an edit from its moment on, a removed thread no more."""
    url, source = "http://ward-round.example/feed.xml", "sample-ward-round"
    server.now = moment_of(date(2026, 5, 12))
    before = parsed(server, source, get(client, url))
    assert max(record.published_at for record in before if record.published_at) < server.now
    server.now = moment_of(date(2026, 5, 13))
    after = parsed(server, source, get(client, url))
    old, new = ({r.native_id: r.text for r in records} for records in (before, after))
    changed = [name for name in old if old[name] != new[name]]
    assert len(changed) == 1
    assert "eleven letters" in old[changed[0]] and "twelve letters" in new[changed[0]]

    def threads() -> set[str]:
        listing = "http://reddit.example/r/agentbuilders/new.json?limit=100"
        answer = get(client, listing, Authorization=f"Bearer {REDDIT_TOKEN}")
        return {record.title or "" for record in parsed(server, "sample-reddit-agentbuilders", answer)}

    server.now = moment_of(date(2026, 5, 16))
    shown = threads()
    server.now = moment_of(date(2026, 5, 17))
    assert shown - threads() == {"18,000 open MCP servers, four in ten writable"}


def test_linked_pages_are_articles_that_can_be_extracted(server: SampleServer, client: HttpClient) -> None:
    for page in server.sample.pages.values():
        answer = get(client, server.sample.page_url(page.slug))
        found = extract_page(answer.body, url=answer.url, content_type=answer.content_type)
        assert found.title == page.title
        assert (found.site_name, found.published_at) == (server.sample.outlets[page.outlet], page.published)
        for paragraph in page.paragraphs:
            assert paragraph.removeprefix("## ") in found.text, page.slug
        assert not any(word in found.text for word in ("Subscribe", "All rights reserved", "More from"))
    missing = get(client, "http://harbour-ledger.example/2026/05/20/never-written")
    assert missing.error_class == "http_4xx"
    server.now = datetime(2026, 5, 20, 5, 49, tzinfo=UTC)
    assert get(client, server.sample.page_url("building-sites")).http_status == 404


def test_robots_are_asked_and_obeyed(server: SampleServer, client: HttpClient) -> None:
    robots = Robots(client, LAST)
    assert robots.refusal(server.sample.page_url("ihbm")) is None
    refused = robots.refusal("http://evening-dispatch.example/2026/05/18/anything")
    assert refused is not None and refused[0] == "robots"
    assert ("GET", "circuit-weekly.example/robots.txt") in server.asked


# --- the way there ----------------------------------------------------------------------------------------------------


def test_only_the_named_hosts_are_dialled(server: SampleServer) -> None:
    """The map lets nothing else through: not loopback itself, not a host below, not a name that does not resolve."""
    with HttpClient(dial=server.dial()) as client:
        assert get(client, f"http://127.0.0.1:{server.port}/robots.txt").error_class == "refused_address"
        assert get(client, f"http://localhost:{server.port}/robots.txt").error_class == "refused_address"
        assert get(client, "http://www.harbour-ledger.example/feed.xml").error_class == "dns"
        assert get(client, "http://HARBOUR-LEDGER.example:81/robots.txt").outcome == "ok"
    with HttpClient() as client:
        assert get(client, "http://harbour-ledger.example/feed.xml").error_class == "dns"


def test_a_redirect_from_the_sample_meets_the_guard() -> None:
    backend = GuardedBackend([], Deadline(), {"harbour-ledger.example": ("127.0.0.1", 9)})
    assert backend.ours("harbour-ledger.example", 80) and not backend.allows("harbour-ledger.example", 80)
    with pytest.raises(RefusedAddress):
        backend.connect_tcp("127.0.0.1", 9)
    with pytest.raises((RefusedAddress, UnknownHost)):
        backend.connect_tcp("localhost", 9)


def test_live_settings_dial_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dial", "DIAL", "AIDRAN_DIAL", "_dial"):
        monkeypatch.setenv(name, '{"harbour-ledger.example": ["127.0.0.1", 80]}')
    assert Settings().dial == {}
    assert Settings().search_reach_back == timedelta(days=28)


def test_the_sample_takes_no_key_from_the_environment(server: SampleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: dict[str, Any] = {
        "BLUESKY_HANDLE": "me.social",
        "BLUESKY_APP_PASSWORD": "mine",
        "REDDIT_CLIENT_ID": "mine",
        "REDDIT_CLIENT_SECRET": "mine",
        "AIDRAN_ENGINE": "model",
        "AIDRAN_SOURCES": "/nowhere.yaml",
        "AIDRAN_TOPICS": "/nowhere.yaml",
        "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
        "AIDRAN_HOME": "/tmp/somewhere",
    }
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    made = sample_settings(Settings(), server)
    assert (str(made.home), made.engine, made.allow_hosts, made.topics_file) == (
        "/tmp/somewhere",
        "extractive",
        (),
        None,
    )
    assert made.bluesky_handle == "reader.example" and made.reddit_client_id == "reader.example"
    assert made.sources_file is not None and made.sources_file.name == "sources.yaml"
    assert made.dial == dict.fromkeys(server.sample.hosts(), ("127.0.0.1", server.port))


def test_the_server_is_on_loopback_only_and_gone_after_the_block() -> None:
    with serving() as server:
        port = server.port
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            pass
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            return
    raise AssertionError("the server still answers")


def test_a_client_that_hangs_up_leaves_no_traceback_on_the_terminal(
    server: SampleServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The demo's own client drops kept connections; the terminal belongs to whoever plays the demo."""
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as conn:
            conn.sendall(b"GET /feed.xml HTTP/1.1\r\nHost: sample-meridian-post.example\r\n\r\n")
            assert conn.recv(64).startswith(b"HTTP/")
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
    time.sleep(0.3)
    assert "Traceback" not in capfd.readouterr().err
