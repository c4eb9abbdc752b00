"""The packaged sources and publishers: real outlets with their owners, and the verdicts on what they bring."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from aidran_pipeline.config.sources import RssSource, load_sources, publisher_family
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.ingest.check import VERDICTS, judge

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
FEEDS = [source for source in load_sources() if isinstance(source, RssSource)]
# Sections that a feed's title carries and an outlet's name does not; these outlets are called so.
NAMED_SO = {"AI News", "Google Research", "Microsoft Research", "Berkeley AI Research", "Import AI", "Apollo Research",
            "UK Department for Science, Innovation and Technology", "Center for Democracy and Technology"}  # fmt: skip


def family(feed: RssSource) -> str:
    return feed.publisher_family or publisher_family(feed.publisher or "", urlsplit(feed.url).hostname or "")


def test_the_list_is_as_wide_as_it_says() -> None:
    kinds = Counter(source.kind for source in load_sources())
    assert kinds["rss"] >= 60 and kinds["reddit"] == 20 and kinds["bluesky_search"] >= 10
    assert len({family(feed) for feed in FEEDS}) >= 60
    hosts = [urlsplit(feed.url).hostname or "" for feed in FEEDS]
    for ending in (
        ".de",
        ".fr",
        ".uol.com.br",
        ".ie",
        ".eu",
        ".gov",
        ".gov.uk",
        ".kr",
        ".org",
        ".co.nz",
        ".com.au",
        ".ca",
    ):
        assert any(host.endswith(ending) for host in hosts), ending
    assert {"yonhap", "kyodo", "us-government", "european-union", "uk-government", "openai"} <= set(map(family, FEEDS))


def test_no_address_is_read_twice_and_no_aggregator_is_read() -> None:
    addresses = Counter(feed.url.removeprefix("http://").removeprefix("https://").rstrip("/") for feed in FEEDS)
    assert [address for address, number in addresses.items() if number > 1] == []
    assert not [feed.id for feed in FEEDS if "news.google" in feed.url or "reddit.com" in feed.url]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.id)
def test_a_publisher_is_the_outlet_and_the_table_knows_its_family(feed: RssSource) -> None:
    assert feed.publisher is not None
    last = feed.publisher.split()[-1].casefold()
    assert feed.publisher in NAMED_SO or last not in {"ai", "rss", "feed", "research", "technology", "latest"}
    host = (urlsplit(feed.url).hostname or "").removeprefix("www.")
    if feed.publisher_family:
        assert publisher_family(feed.publisher, host) == feed.publisher_family, "publishers.yaml says otherwise"


def test_topics_of_sources_exist() -> None:
    assert {slug for source in load_sources() for slug in source.topics} <= set(load_topics().slugs())


def row(**changes: Any) -> dict[str, Any]:
    """A source that fares well, as store.source_activity counts it."""
    plain = {
        "kind": "rss",
        "enabled": True,
        "status": "ok",
        "last_attempt_at": NOW,
        "last_success_at": NOW,
        "consecutive_failures": 0,
        "last_error_class": None,
        "last_error": None,
        "items": 40,
        "newest_at": NOW - timedelta(hours=3),
        "characters": 300,
        "config": {"url": "http://a.test/feed"},
        "answers": 40,
        "answers_since": NOW - timedelta(days=20),
        "final_url": "http://a.test/feed",
        "moved_to": None,
        "learned_at": None,
    }
    return plain | changes


FAILING = {"status": "failing", "last_error_class": "dns", "last_error": "no such name"}


@pytest.mark.parametrize(
    ("changes", "word", "said"),
    [
        ({}, "ok", "40 items"),
        ({"enabled": False}, "unasked", "disabled"),
        ({"status": "unconfigured", "last_error": "set X"}, "unasked", "set X"),
        ({"last_attempt_at": None, "last_success_at": None, "newest_at": None}, "unasked", "never asked"),
        ({"status": "gone", "last_error_class": "gone"}, "dead", "gone"),
        ({"status": "blocked", "last_error_class": "forbidden", "consecutive_failures": 3}, "blocked", "forbidden"),
        ({**FAILING, "consecutive_failures": 5, "last_success_at": None}, "dead", "no answer ever"),
        ({**FAILING, "consecutive_failures": 9, "last_success_at": NOW - timedelta(days=6)}, "dead", "6 days ago"),
        ({**FAILING, "consecutive_failures": 9, "last_success_at": NOW - timedelta(hours=5)}, "ok", "40 items"),
        ({**FAILING, "consecutive_failures": 1, "last_success_at": None, "newest_at": None}, "unasked", "too early"),
        ({"newest_at": None, "items": 0, "characters": None}, "thin", "without one item"),
        ({"newest_at": NOW - timedelta(days=61), "items": 0}, "stale", "61 days ago"),
        ({"newest_at": NOW - timedelta(days=59), "items": 0}, "thin", "0 items"),
        ({"items": 1}, "thin", "1 item in"),
        ({"moved_to": "https://c.test/feed", "learned_at": NOW}, "moved", "asked at https://c.test/feed since"),
        ({"final_url": "https://b.test/feed"}, "moved", "since 2026-06-15 came from https://b.test/feed"),
        ({"final_url": "https://b.test/feed", "answers": 9}, "ok", "40 items"),
        ({"final_url": "https://b.test/feed", "answers_since": NOW - timedelta(days=6)}, "ok", "40 items"),
        ({"final_url": None}, "ok", "40 items"),
        ({"characters": 60}, "thin", "under 61 characters"),
        ({"characters": 60, "kind": "bluesky_search"}, "ok", "60 characters"),
    ],
)
def test_verdicts(changes: dict[str, Any], word: str, said: str) -> None:
    verdict = judge(row(**changes), NOW)
    assert verdict.word == word and said in verdict.reason
    assert word in VERDICTS
