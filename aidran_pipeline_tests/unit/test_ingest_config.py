"""The sources file, publisher families, windows of searches and the health of sources."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.sources import load_sources, publisher_family, publisher_of_host
from aidran_pipeline.ingest.health import PACES, Activity, after_failure, after_success, interval, is_due, spoken
from aidran_pipeline.ingest.reading import search_window

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_packaged_list_is_good() -> None:
    sources = load_sources()
    kinds = [source.kind for source in sources]
    assert kinds.count("rss") >= 40
    assert kinds.count("reddit") >= 12
    assert kinds.count("bluesky_search") >= 8
    assert all(source.publisher for source in sources if source.kind == "rss")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "sources: [{id: a, kind: rss, url: 'https://a.test/', colour: red}]",
            ["source a", "colour", "remove the key"],
        ),
        ("sources: [{id: A!, kind: rss, url: 'https://a.test/'}]", ["A!", "id", "lower-case"]),
        ("sources: [{id: a, kind: rss, url: 'ftp://a.test/'}]", ["source a", "url", "http"]),
        ("sources: [{id: a, kind: rss, url: 'https://u:p@a.test/'}]", ["url", "password", "environment"]),
        ("sources: [{id: a, kind: rss}]", ["source a", "url", "add the key"]),
        ("sources: [{id: a, kind: atom, url: 'https://a.test/'}]", ["source a", "kind", "rss"]),
        ("sources: [{id: a, url: 'https://a.test/'}]", ["kind", "add kind"]),
        ("sources: [{id: a, kind: reddit, subreddit: 'r/x y'}]", ["subreddit"]),
        (
            "sources: [{id: a, kind: rss, url: 'https://a.test/'}, {id: a, kind: rss, url: 'https://b.test/'}]",
            ["source a", "twice", "rename"],
        ),
        ("sources: []", ["sources", "list"]),
        ("sources: [x]", ["entry 1"]),
        ("feeds: []", ["sources"]),
        ("a: [", ["YAML"]),
        ("sources: [{id: a, kind: rss, url: 'https://a.test/'}]\nmore: 1", ["more", "unknown key"]),
    ],
)
def test_a_bad_file_is_refused_with_its_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_sources(path)
    for word in ["mine.yaml", *words]:
        assert word in str(caught.value)


def test_a_missing_file_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AIDRAN_SOURCES"):
        load_sources(tmp_path / "none.yaml")


def test_a_stream_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sources: [{id: s, kind: bluesky_jetstream, url: 'wss://jetstream.test/subscribe'}]")
    assert load_sources(path)[0].platform == "bluesky"


@pytest.mark.parametrize(
    ("publisher", "host", "family"),
    [
        ("WIRED", "", "conde-nast"),
        ("Wired AI", "", "conde-nast"),
        ("The Verge AI", "", "vox-media"),
        ("Ars Technica", "", "conde-nast"),
        ("PCMag.com", "", "ziff-davis"),
        ("Some name", "edition.cnn.com", "warner-bros-discovery"),
        ("Nobody's Letter", "", "nobody-s-letter"),
        ("AI News", "", "ai-news"),
        ("Google News search: Business Insider", "", "axel-springer"),
    ],
)
def test_families(publisher: str, host: str, family: str) -> None:
    assert publisher_family(publisher, host) == family


def test_outlets_without_latin_letters_stay_apart() -> None:
    assert publisher_family("日本経済") != publisher_family("読売")
    assert publisher_of_host("www.bbc.co.uk") == "BBC News"


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 7, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("covered", "day", "window"),
    [
        ([], date(2026, 7, 5), (NOW - 28 * DAY, NOW)),
        ([], date(2026, 7, 1), (at(2) - 28 * DAY, at(2))),
        ([(at(1), at(5, 11))], date(2026, 7, 5), (at(3, 11), NOW)),
        ([(at(1), at(3))], date(2026, 7, 3), (at(1), at(4))),
        ([(at(1), at(5))], date(2026, 7, 2), None),
        ([(at(3), at(5))], date(2026, 7, 1), (at(1), at(2))),
        ([(at(1), at(2, 6)), (at(4), at(5))], date(2026, 7, 2), (at(2), at(3))),
        ([], date(2026, 7, 6), None),
    ],
)
def test_windows_of_a_search(covered: list[Any], day: date, window: Any) -> None:
    assert search_window(covered, day, NOW, reach_back=28 * DAY, overlap=2 * DAY) == window


def source(**changes: Any) -> dict[str, Any]:
    plain = {
        "id": "a",
        "kind": "rss",
        "status": "ok",
        "next_check_at": None,
        "consecutive_failures": 0,
        "last_new_at": None,
        "last_success_at": None,
    }
    return plain | changes


def test_waits_grow_with_failures_up_to_a_day_and_are_never_shorter_than_asked() -> None:
    waits = [
        after_failure(source(consecutive_failures=n), NOW, error_class="http_5xx", error=None, retry_after=None)[
            "next_check_at"
        ]
        - NOW
        for n in range(12)
    ]
    assert timedelta(minutes=26) < waits[0] < timedelta(minutes=34)
    assert all(later > 1.5 * earlier for earlier, later in pairwise(waits[:5]))
    assert max(waits) <= 1.1 * DAY
    asked = after_failure(source(), NOW, error_class="rate_limited", error="HTTP 429", retry_after=7200)
    assert asked["next_check_at"] >= NOW + timedelta(hours=2)


def test_states_of_health_are_told_apart() -> None:
    def failed(error_class: str, before: int) -> str:
        health = after_failure(
            source(consecutive_failures=before), NOW, error_class=error_class, error="x", retry_after=None
        )
        return str(health["status"])

    assert [failed("http_5xx", 5), failed("forbidden", 0), failed("forbidden", 2), failed("gone", 0)] == [
        "failing",
        "failing",
        "blocked",
        "gone",
    ]
    long_ago = NOW - 20 * DAY
    assert after_success(source(last_new_at=long_ago), NOW, new=0)["status"] == "quiet"
    assert after_success(source(last_new_at=long_ago), NOW, new=3)["status"] == "ok"
    assert not is_due(source(status="gone"), NOW)
    assert not is_due(source(next_check_at=NOW + DAY), NOW)
    assert is_due(source(next_check_at=NOW), NOW)


@pytest.mark.parametrize(
    ("kind", "items", "days", "minutes", "why"),
    [
        ("rss", 0, 2, 30, "every 30 min until it has been watched for 3 days"),
        ("rss", 0, 14, 90, "0 new items in 14.0 days: the longest wait, 90 min"),
        ("rss", 1, 14, 90, "1 new item in 14.0 days, one every 14 days; at most 90 min"),
        ("rss", 14 * 24, 14, 60, "336 new items in 14.0 days, one every 60 min"),
        ("rss", 4 * 24, 4, 60, "96 new items in 4.0 days, one every 60 min"),
        ("rss", 5000, 14, 15, "5000 new items in 14.0 days, one every 4 min; not below 15 min"),
        ("bluesky_search", 14 * 48, 14, 30, "672 new items in 14.0 days, one every 30 min"),
        ("bluesky_jetstream", 90_000, 14, 10, "every 10 min, as all of its kind"),
    ],
)
def test_an_interval_is_as_long_as_one_new_item_takes_within_bounds(
    kind: str, items: int, days: int, minutes: int, why: str
) -> None:
    assert interval(kind, Activity(items, NOW - days * DAY), NOW) == (timedelta(minutes=minutes), why)


def test_the_next_check_follows_the_interval_and_says_so() -> None:
    for items in (0, 40, 336, 5000):
        activity = Activity(items, NOW - 14 * DAY)
        wait, why = interval("rss", activity, NOW)
        health = after_success(source(), NOW, new=0, activity=activity)
        assert 0.9 * wait <= health["next_check_at"] - NOW <= 1.1 * wait
        assert (health["check_seconds"], health["check_why"]) == (wait.total_seconds(), why)
        assert after_success(source(), NOW, new=0, activity=activity) == health
    assert interval("rss", None, NOW)[0] == PACES["rss"].usual


def test_no_interval_makes_a_running_day_unknown() -> None:
    """The longest wait with its jitter, up to the next tick of the schedule, is within what a day's coverage forgives."""
    from aidran_pipeline.signal.inputs import DAY_COVERED, SLACK

    tick, midday = timedelta(minutes=30), timedelta(hours=12)
    for kind, pace in PACES.items():
        assert pace.shortest <= pace.usual <= pace.longest, kind
        stale = -(-1.1 * pace.longest // tick) * tick
        assert midday - stale >= DAY_COVERED * (midday - SLACK), kind


def test_why_the_next_check_waits_is_told() -> None:
    def why(before: int, **more: Any) -> tuple[int, str]:
        plain: dict[str, Any] = {"error_class": "http_5xx", "error": None, "retry_after": None}
        health = after_failure(source(consecutive_failures=before), NOW, **(plain | more))
        return health["check_seconds"], health["check_why"]

    assert why(0) == (1800, "1 failure in a row: 30 min")
    assert why(2) == (7200, "3 failures in a row: 2 h")
    assert why(0, retry_after=7200) == (7200, "the server asked for 2 h (Retry-After)")
    assert why(0, error_class="gone")[1] == "410: retired by its owner, not asked again"
    assert why(0, error_class="gone", retires=False) == (1800, "1 failure in a row: 30 min")
    assert after_success(source(), NOW, new=1, historical=True)["check_why"].endswith("the rest is due at once")
    assert [spoken(timedelta(seconds=n)) for n in (20, 90, 7199, 7200, 86_400 * 3)] == [
        "20 s", "2 min", "120 min", "2 h", "3 days",
    ]  # fmt: skip
