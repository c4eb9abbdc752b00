"""Permanent redirects of a feed: learned slowly, asked in place of the old address, given up when the new one fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.ingest.check import WINDOW, judge
from aidran_pipeline.ingest.http import HttpClient, _as_safe
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.source_activity import source_activity
from aidran_pipeline_tests.ingest_server import Server, cut_short, item, rss
from aidran_pipeline_tests.readings import NOW, configure, ingest, rows, rss_entry

LONG = "A sentence that is long enough to be quoted from, about chips and those who build them in one country. " * 3
FEED = (200, {"ETag": '"n"'}, rss(item("a", "First of all", LONG), item("b", "Second", LONG)))
DAY = timedelta(days=1)


def daily(conn: Connection, days: range) -> None:
    for day in days:
        ingest(conn, "news", now=NOW + day * DAY, run=f"r{day}")


def learned(conn: Connection) -> list[Any]:
    return rows(conn, "SELECT to_url FROM source_moves WHERE learned_at IS NOT NULL AND ended_at IS NULL")


@pytest.fixture
def moved(conn: Connection, server: Server, tmp_path: Path) -> Server:
    """A feed whose permanent redirect has just been learned, on the tenth day."""
    server.routes |= {"/feed": (301, {"Location": "/new"}, b""), "/new": FEED}
    configure(conn, tmp_path, rss_entry(server))
    daily(conn, range(10))
    assert learned(conn) == [(server.url("/new"),)]
    return server


def test_ten_answers_over_a_week_are_learned_and_the_new_address_is_asked(moved: Server, conn: Connection) -> None:
    (move,) = conn.execute("SELECT * FROM source_moves").fetchall()
    assert (move["from_url"], move["answers"], move["first_seen_at"]) == (moved.url("/feed"), 10, NOW)
    assert len(moved.asked("/feed")) == 10
    daily(conn, range(10, 13))
    assert (len(moved.asked("/feed")), len(moved.asked("/new"))) == (10, 13)
    assert moved.asked("/new")[-1]["if-none-match"] == '"n"'
    (source,) = conn.execute("SELECT config, status FROM sources").fetchall()
    assert (source["config"]["url"], source["status"]) == (moved.url("/feed"), "ok"), "the old one is kept"
    (row,) = source_activity(conn, NOW + 12 * DAY, window=WINDOW)
    verdict = judge(row, NOW + 12 * DAY)
    assert (verdict.word, verdict.reason) == ("moved", f"asked at {moved.url('/new')} since 2026-07-14")


@pytest.mark.parametrize("hours", [1, 17])
def test_many_answers_in_less_than_a_week_are_not_enough(
    conn: Connection, server: Server, tmp_path: Path, hours: int
) -> None:
    server.routes |= {"/feed": (308, {"Location": "/new"}, b""), "/new": FEED}
    configure(conn, tmp_path, rss_entry(server))
    for number in range(11 if hours == 1 else 10):
        ingest(conn, "news", now=NOW + number * timedelta(hours=hours), run=f"r{number}")
    assert learned(conn) == []
    assert rows(conn, "SELECT learned_at FROM source_moves") == [(None,)]


@pytest.mark.parametrize(
    "other",
    [(302, {"Location": "/new"}, b""), (301, {"Location": "/else"}, b""), FEED],
    ids=["passing redirect", "other target", "own address"],
)
def test_an_answer_that_says_otherwise_begins_the_count_anew(
    conn: Connection, server: Server, tmp_path: Path, other: Any
) -> None:
    lasting = (301, {"Location": "/new"}, b"")
    server.routes |= {"/feed": lasting, "/new": FEED, "/else": FEED}
    configure(conn, tmp_path, rss_entry(server))
    daily(conn, range(9))
    server.routes["/feed"] = other
    daily(conn, range(9, 10))
    server.routes["/feed"] = lasting
    daily(conn, range(10, 19))
    assert learned(conn) == []
    daily(conn, range(19, 20))
    assert learned(conn) == [(server.url("/new"),)]


def test_a_failure_in_between_neither_counts_nor_resets(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes |= {"/feed": (301, {"Location": "/new"}, b""), "/new": FEED}
    configure(conn, tmp_path, rss_entry(server))
    daily(conn, range(9))
    server.routes["/new"] = (500, {}, b"")
    daily(conn, range(9, 11))
    assert learned(conn) == []
    server.routes["/new"] = FEED
    daily(conn, range(11, 12))
    assert learned(conn) == [(server.url("/new"),)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}, b""), "http_4xx: HTTP 404"),
        ((410, {}, b""), "gone: HTTP 410"),
        ((200, {}, b"<html>for sale</html>"), "not_a_feed: the answer is an HTML page"),
        ((301, {"Location": "/feed"}, b""), "it leads back to"),
    ],
)
def test_an_answer_that_speaks_against_the_new_address_unlearns_it(
    moved: Server, conn: Connection, answer: Any, why: str
) -> None:
    moved.routes["/new"] = answer
    moved.routes["/feed"] = FEED
    daily(conn, range(10, 11))
    assert learned(conn) == []
    (ended,) = conn.execute("SELECT ended_at, ended_why FROM source_moves").fetchall()
    assert ended["ended_at"] == NOW + 10 * DAY and ended["ended_why"].startswith(why)
    assert rows(conn, "SELECT status FROM sources") != [("gone",)], "the configured address did not say so"
    daily(conn, range(11, 12))
    assert moved.asked("/feed")[-1].get("if-none-match") in (None, '"n"')
    assert rows(conn, "SELECT status, consecutive_failures FROM sources") == [("ok", 0)]
    assert rows(conn, "SELECT final_url FROM fetches ORDER BY id DESC LIMIT 1") == [(moved.url("/feed"),)]


@pytest.mark.parametrize("failure", [(503, {}, b""), cut_short], ids=["503", "cut"])
def test_a_passing_failure_unlearns_only_when_it_lasts(moved: Server, conn: Connection, failure: Any) -> None:
    moved.routes["/new"] = failure if failure is not cut_short else (200, {}, b"")
    daily(conn, range(10, 12))
    assert learned(conn) == [(moved.url("/new"),)]
    moved.routes["/new"] = FEED
    daily(conn, range(12, 13))
    moved.routes["/new"] = (503, {}, b"")
    daily(conn, range(13, 16))
    assert learned(conn) == []


def test_a_410_at_the_configured_address_still_retires(moved: Server, conn: Connection) -> None:
    moved.routes |= {"/new": (410, {}, b"")}
    daily(conn, range(10, 12))
    assert rows(conn, "SELECT status FROM sources") == [("gone",)]
    daily(conn, range(12, 14))
    assert len(moved.asked("/new")) == 12


def test_a_further_move_is_learned_from_the_new_address_on(moved: Server, conn: Connection) -> None:
    moved.routes |= {"/new": (301, {"Location": "/newer"}, b""), "/newer": FEED}
    daily(conn, range(10, 20))
    assert learned(conn) == [(moved.url("/newer"),)]
    assert rows(conn, "SELECT ended_why FROM source_moves WHERE ended_at IS NOT NULL") == [
        (f"it moved on to {moved.url('/newer')}",)
    ]
    daily(conn, range(20, 21))
    assert (len(moved.asked("/feed")), len(moved.asked("/new"))) == (10, 20)


def test_a_configured_address_that_changes_ends_the_move(moved: Server, conn: Connection, tmp_path: Path) -> None:
    moved.routes["/third"] = FEED
    configure(conn, tmp_path, f'{{id: feed, kind: rss, url: "{moved.url("/third")}"}}')
    daily(conn, range(10, 11))
    assert rows(conn, "SELECT ended_why FROM source_moves") == [("the configured address changed",)]
    assert len(moved.asked("/third")) == 1


def test_what_a_chain_says_for_good_ends_at_its_first_passing_redirect(server: Server) -> None:
    server.routes |= {
        "/a": (301, {"Location": "/b"}, b""), "/b": (308, {"Location": "/c"}, b""), "/c": (302, {"Location": "/d"}, b""),
        "/d": (301, {"Location": "/e"}, b""), "/e": FEED, "/f": (302, {"Location": "/a"}, b""),
    }  # fmt: skip
    with HttpClient(["127.0.0.1"]) as client:
        found = {path: client.get(server.url(path), now=NOW) for path in ("/a", "/e", "/f")}
    assert {path: each.outcome for path, each in found.items()} == dict.fromkeys(found, "ok")
    assert found["/a"].moved_to == server.url("/c") and found["/a"].final_url == server.url("/e")
    assert found["/e"].moved_to is None and found["/f"].moved_to is None


def test_plain_http_never_takes_the_place_of_https() -> None:
    assert _as_safe("http://a.test/", "https://a.test/") and _as_safe("http://a.test/", "http://b.test/")
    assert not _as_safe("https://a.test/", "http://a.test/")


def test_the_same_readings_give_the_same_rows(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes |= {"/feed": (301, {"Location": "/new"}, b""), "/new": FEED}
    configure(conn, tmp_path, rss_entry(server))
    daily(conn, range(3))
    before: list[Any] = rows(conn, "SELECT m::text FROM source_moves m")
    ingest(conn, "news", now=datetime(2026, 7, 7, 12, 5, tzinfo=NOW.tzinfo), run="not due")
    assert rows(conn, "SELECT m::text FROM source_moves m") == before
