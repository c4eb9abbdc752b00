"""Whole readings against a real server and a real database: what is stored, what is left alone, what fails alone."""

from __future__ import annotations

import base64
import email.utils
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.ingest import IngestResult, ingest_platform, parse_body, sync_sources
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.ingest.pacing import HostBusy, HostPacer
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.ingest_server import Server, cut_short, drip, item, reset, rss, serving

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
DAY = date(2026, 7, 5)
CREDENTIALS = {
    "BLUESKY_HANDLE": "reader.test",
    "BLUESKY_APP_PASSWORD": "x",
    "REDDIT_CLIENT_ID": "id",
    "REDDIT_CLIENT_SECRET": "s",
}
FAST = Limits(connect=2.0, total=1.0, wire=2_000_000, body=4_000_000)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def configure(conn: Connection, tmp_path: Path, *entries: str) -> dict[str, int]:
    path = tmp_path / "sources.yaml"
    path.write_text("sources:\n" + "".join(f"  - {entry}\n" for entry in entries))
    return sync_sources(conn, load_sources(path))


def ingest(
    conn: Connection, platform: str, *, now: datetime = NOW, day: date = DAY, run: str = "r1", **env: str
) -> IngestResult:
    settings = Settings(
        **{
            "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
            "BLUESKY_HANDLE": None,
            "BLUESKY_APP_PASSWORD": None,
            "REDDIT_CLIENT_ID": None,
            "REDDIT_CLIENT_SECRET": None,
            **env,
        }
    )  # type: ignore[arg-type]
    return ingest_platform(conn, platform, day, run=Run(run, now), settings=settings, limits=FAST)


def rows(conn: Connection, query: str) -> list[Any]:
    return [tuple(row.values()) for row in conn.execute(query).fetchall()]


def snapshot(conn: Connection) -> dict[str, list[Any]]:
    """Every table that a repeated run must leave alone, whole."""
    tables = ("records", "record_versions", "record_observations", "record_metrics", "record_links", "payloads")
    return {table: rows(conn, f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables}


def counts(result: IngestResult) -> dict[str, int]:
    names = ("attempted", "succeeded", "not_modified", "unchanged", "not_due", "failed", "unconfigured")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def rss_entry(server: Server, name: str = "feed", **extra: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in extra.items())
    return f'{{id: {name}, kind: rss, url: "{server.url("/" + name)}"{more}}}'


def test_a_feed_is_stored_with_its_whole_chain(conn: Connection, server: Server, tmp_path: Path) -> None:
    body = rss(
        item("a", "First of all", "Some <b>text</b>."), item("b", "Second", date="Sat, 04 Jul 2026 23:59:59 GMT")
    )
    server.routes["/feed"] = (200, {"Content-Type": "application/rss+xml", "ETag": '"v1"', "Last-Modified": "x"}, body)
    configure(conn, tmp_path, rss_entry(server, publisher="Wired"))
    result = ingest(conn, "news")
    assert counts(result) == {"attempted": 1, "succeeded": 1}
    assert sorted(result.days) == [date(2026, 7, 3), date(2026, 7, 4), DAY]
    assert [result.days[day].changed for day in sorted(result.days)] == [True, True, False]
    assert rows(
        conn, "SELECT native_id, day::text, publisher, publisher_family, author_key, run_id FROM records ORDER BY id"
    ) == [
        ("feed|a", "2026-07-03", "Wired", "conde-nast", "conde-nast", "r1"),
        ("feed|b", "2026-07-04", "Wired", "conde-nast", "conde-nast", "r1"),
    ]
    (fetch,) = conn.execute("SELECT * FROM fetches").fetchall()
    assert (fetch["outcome"], fetch["http_status"], fetch["records_seen"], fetch["records_new"]) == ("ok", 200, 2, 2)
    assert (fetch["reach_since"], fetch["reach_until"]) == (datetime(2026, 7, 3, 10, tzinfo=UTC), NOW)
    stored = load_payload(conn, fetch["payload_sha256"])
    assert stored == body
    (source,) = conn.execute("SELECT * FROM sources").fetchall()
    assert (source["status"], source["etag"], source["last_modified"]) == ("ok", '"v1"', "x")
    again = {
        r.locator: r.text
        for r in parse_body(
            "rss", stored or b"", url=fetch["final_url"], content_type=fetch["content_type"], source=source
        )
    }
    for row in conn.execute(
        "SELECT locator, text FROM record_observations JOIN record_versions v ON v.id = record_version_id"
    ):
        assert again[row["locator"]] == row["text"]


def test_a_source_is_left_alone_until_its_next_check_then_asked_conditionally(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    def conditional(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if handler.headers.get("If-None-Match") == 'W/"1"':
            return 304, {"ETag": 'W/"1"'}, b""
        return 200, {"ETag": 'W/"1"'}, rss(item("a", "First of all"))

    server.routes["/feed"] = conditional
    configure(conn, tmp_path, rss_entry(server))
    ingest(conn, "news")
    before = snapshot(conn)
    assert counts(ingest(conn, "news", run="r2")) == {"not_due": 1}
    assert len(server.requests) == 1
    later = ingest(conn, "news", now=NOW + timedelta(hours=1), run="r3")
    assert counts(later) == {"attempted": 1, "not_modified": 1}
    assert not later.all_failed
    assert snapshot(conn) == before
    assert rows(conn, "SELECT outcome, reach_since IS NOT NULL, reach_until::text FROM fetches ORDER BY id")[1] == (
        "not_modified",
        True,
        "2026-07-05 13:00:00+00",
    )


def test_the_same_body_again_is_unchanged(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes["/feed"] = (200, {}, rss(item("a", "First of all")))
    configure(conn, tmp_path, rss_entry(server))
    first = ingest(conn, "news")
    before = snapshot(conn)
    second = ingest(conn, "news", now=NOW + timedelta(hours=1), run="r2")
    assert counts(second) == {"attempted": 1, "unchanged": 1}
    assert snapshot(conn) == before
    assert second.days[DAY].data_version == first.days[DAY].data_version


def test_an_edit_is_a_new_version_in_its_own_day(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes["/feed"] = (200, {}, rss(item("a", "Wrong headline"), item("b", "Stays as it is")))
    configure(conn, tmp_path, rss_entry(server))
    first = ingest(conn, "news")
    edited = item("a", "Right headline", date="Sun, 05 Jul 2026 09:00:00 GMT")
    server.routes["/feed"] = (200, {}, rss(edited, item("b", "Stays as it is")))
    second = ingest(conn, "news", now=NOW + timedelta(hours=1), run="r2")
    assert (second.records, second.versions) == (0, 1)
    assert rows(
        conn,
        "SELECT number, text, v.run_id, r.day::text FROM record_versions v JOIN records r ON r.id = record_id ORDER BY v.id",
    ) == [
        (1, "Wrong headline", "r1", "2026-07-03"),
        (1, "Stays as it is", "r1", "2026-07-03"),
        (2, "Right headline", "r2", "2026-07-03"),
    ]
    third = date(2026, 7, 3)
    assert second.days[third].data_version != first.days[third].data_version
    assert rows(conn, "SELECT count(*) FROM record_observations") == [(4,)]


def test_a_text_turned_back_makes_no_third_version(conn: Connection, server: Server, tmp_path: Path) -> None:
    configure(conn, tmp_path, rss_entry(server))
    for hour, title in enumerate(["One", "Two", "One again?", "Two"]):
        server.routes["/feed"] = (200, {}, rss(item("a", title), title=f"Feed {hour}"))
        ingest(conn, "news", now=NOW + timedelta(hours=hour))
    assert rows(conn, "SELECT number, text FROM record_versions ORDER BY number") == [
        (1, "One"),
        (2, "Two"),
        (3, "One again?"),
    ]


def test_future_and_absurd_dates_take_the_moment_of_the_fetch(conn: Connection, server: Server, tmp_path: Path) -> None:
    dates = ["Fri, 01 Jan 2099 00:00:00 GMT", "1700000000", "Mon, 01 Jan 0001 00:00:00 GMT"]
    server.routes["/feed"] = (200, {}, rss(*(item(str(n), f"Item {n}", date=text) for n, text in enumerate(dates))))
    configure(conn, tmp_path, rss_entry(server))
    ingest(conn, "news")
    assert rows(conn, "SELECT published_at, published_raw FROM records ORDER BY native_id") == [
        (NOW, text) for text in dates
    ]


def test_one_bad_source_never_stops_the_others(conn: Connection, server: Server, tmp_path: Path) -> None:
    bad = {
        "b500": (500, {}, b"x"),
        "breset": reset,
        "bcut": cut_short,
        "bdrip": drip(4),
        "bhtml": (200, {}, b"<html>login</html>"),
        "bgone": (410, {}, b""),
        "bempty": (200, {}, b""),
        "bloop": (302, {"Location": "/bloop"}, b""),
        "blimit": (429, {"Retry-After": "7200"}, b""),
        "bdtd": (200, {}, b'<!DOCTYPE rss><rss version="2.0"/>'),
    }
    server.routes |= {f"/{name}": answer for name, answer in bad.items()}  # type: ignore[misc]
    server.routes["/good"] = (200, {}, rss(item("a", "Good news")))
    configure(conn, tmp_path, *(rss_entry(server, name) for name in [*bad, "good"]))
    result = ingest(conn, "news")
    assert counts(result) == {"attempted": 11, "succeeded": 1, "failed": 10}
    assert set(result.errors) == set(bad)
    assert dict(rows(conn, "SELECT source_id, error_class FROM fetches WHERE outcome = 'failed'")) == {
        "b500": "http_5xx",
        "breset": "connect",
        "bcut": "malformed",
        "bdrip": "timeout",
        "bhtml": "not_a_feed",
        "bgone": "gone",
        "bempty": "empty",
        "bloop": "redirect",
        "blimit": "rate_limited",
        "bdtd": "malformed",
    }
    (limited,) = conn.execute("SELECT next_check_at FROM sources WHERE id = 'blimit'").fetchall()
    assert limited["next_check_at"] >= NOW + timedelta(hours=2)
    assert rows(conn, "SELECT status FROM sources WHERE id = 'bgone'") == [("gone",)]
    assert rows(conn, "SELECT source_id FROM fetches ORDER BY id") == [(name,) for name in sorted([*bad, "good"])]
    assert "gone" not in set(ingest(conn, "news", now=NOW + timedelta(days=9)).errors.values())
    assert len(server.asked("/bgone")) == 1


def test_retry_after_as_a_date(conn: Connection, server: Server, tmp_path: Path) -> None:
    until = NOW + timedelta(hours=5)
    server.routes["/feed"] = (503, {"Retry-After": email.utils.format_datetime(until, usegmt=True)}, b"")
    configure(conn, tmp_path, rss_entry(server))
    assert ingest(conn, "news").all_failed
    (row,) = conn.execute("SELECT * FROM sources").fetchall()
    assert row["next_check_at"] >= until
    assert (row["status"], row["last_error_class"], row["consecutive_failures"]) == ("failing", "http_5xx", 1)


def test_a_crash_before_the_commit_leaves_nothing_half_done(conn: Connection, server: Server, tmp_path: Path) -> None:
    server.routes["/feed"] = (200, {"ETag": '"1"'}, rss(item("a", "First of all")))
    configure(conn, tmp_path, rss_entry(server))
    conn.execute("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$")
    conn.execute("CREATE TRIGGER die BEFORE INSERT ON record_links FOR EACH ROW EXECUTE FUNCTION die()")
    with pytest.raises(Exception, match="killed"):
        ingest(conn, "news")
    assert all(not found for found in snapshot(conn).values())
    assert rows(conn, "SELECT etag, last_success_at, next_check_at FROM sources") == [(None, None, None)]
    conn.execute("DROP TRIGGER die ON record_links")
    assert ingest(conn, "news").records == 1


def test_an_unchanged_file_of_sources_changes_no_row_and_a_removed_one_is_not_read(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    first, second = rss_entry(server, "one"), rss_entry(server, "two")
    server.routes |= {"/one": (200, {}, rss(item("a", "One of them"))), "/two": (200, {}, rss(item("a", "The other")))}
    assert configure(conn, tmp_path, first, second)["added"] == 2
    before = rows(conn, "SELECT s::text FROM sources s ORDER BY 1")
    assert configure(conn, tmp_path, first, second) == {"added": 0, "changed": 0, "removed": 0, "unchanged": 2}
    assert rows(conn, "SELECT s::text FROM sources s ORDER BY 1") == before
    assert configure(conn, tmp_path, first)["removed"] == 1
    assert counts(ingest(conn, "news")) == {"attempted": 1, "succeeded": 1}
    assert configure(conn, tmp_path, first, second)["changed"] == 1
    assert counts(ingest(conn, "news")) == {"attempted": 1, "succeeded": 1, "not_due": 1}


def test_missing_credentials_say_how_to_get_them(conn: Connection, tmp_path: Path) -> None:
    configure(
        conn,
        tmp_path,
        "{id: b, kind: bluesky_search, query: AI}",
        "{id: j, kind: bluesky_jetstream, url: 'wss://x.test/'}",
    )
    result = ingest(conn, "bluesky")
    assert counts(result) == {"unconfigured": 2}
    found = dict(rows(conn, "SELECT id, last_error FROM sources WHERE status = 'unconfigured'"))
    assert "BLUESKY_APP_PASSWORD" in found["b"]
    assert "not built yet" in found["j"]
    assert rows(conn, "SELECT count(*) FROM fetches") == [(0,)]


def listing(server: Server, posts: list[dict[str, Any]], *, size: int = 2) -> None:
    """Reddit's token and a listing of posts, newest first, in pages."""

    def page(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if handler.headers.get("Authorization") != "Bearer s3same":
            return 401, {}, b"{}"
        after = parse_qs(urlsplit(handler.path).query).get("after", [""])[0]
        start = next((n + 1 for n, post in enumerate(posts) if post["name"] == after), 0)
        shown = posts[start : start + size]
        more = shown[-1]["name"] if start + size < len(posts) else None
        data = {"after": more, "children": [{"kind": "t3", "data": post} for post in shown]}
        return 200, {"Content-Type": "application/json"}, json.dumps({"kind": "Listing", "data": data}).encode()

    server.routes["/api/v1/access_token"] = (
        200,
        {},
        json.dumps({"access_token": "s3same", "expires_in": 86400}).encode(),
    )
    server.routes["/r/test/new.json"] = page


def reddit_post(number: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "name": f"t3_{number:04d}",
        "title": f"Post number {number}",
        "selftext": "",
        "author": f"User{number}",
        "subreddit": "test",
        "permalink": f"/r/test/comments/{number:04d}/",
        "created_utc": NOW.timestamp() - 3600 * (100 - number),
        "score": 1,
        "num_comments": 0,
        "is_self": True,
    }
    return plain | changes


def test_reddit_is_paged_to_what_is_known_with_one_sign_in(conn: Connection, server: Server, tmp_path: Path) -> None:
    posts = [reddit_post(number) for number in (5, 4, 3, 2, 1)]
    listing(server, posts)
    configure(conn, tmp_path, f'{{id: rt, kind: reddit, subreddit: test, host: "{server.base}"}}')
    first = ingest(conn, "reddit", **CREDENTIALS)
    assert (first.records, len(server.asked("/r/test/new.json"))) == (5, 3)
    posts.insert(0, reddit_post(6))
    posts[1]["score"] = 50
    second = ingest(conn, "reddit", now=NOW + timedelta(hours=1), run="r2", **CREDENTIALS)
    assert (second.records, len(server.asked("/r/test/new.json"))) == (1, 4)
    assert len(server.asked("/api/v1/access_token")) == 1
    assert rows(
        conn,
        "SELECT native_id, score FROM record_metrics JOIN records r ON r.id = record_id WHERE native_id = 't3_0005' ORDER BY observed_at",
    ) == [
        ("t3_0005", 1),
        ("t3_0005", 50),
    ]
    assert rows(conn, "SELECT purpose, method, payload_sha256 FROM fetches WHERE purpose = 'session'") == [
        ("session", "POST", None)
    ]
    assert "s3same" not in json.dumps(rows(conn, "SELECT f::text FROM fetches f"))


def test_a_listing_that_broke_off_is_read_whole_the_next_time(conn: Connection, server: Server, tmp_path: Path) -> None:
    listing(server, [reddit_post(number) for number in (6, 5, 4, 3, 2, 1)])
    whole, asked = server.routes["/r/test/new.json"], []

    def breaks(handler: BaseHTTPRequestHandler) -> Any:
        asked.append(handler.path)
        return (500, {}, b"x") if len(asked) == 2 else whole(handler)  # type: ignore[operator]

    server.routes["/r/test/new.json"] = breaks
    configure(conn, tmp_path, f'{{id: rt, kind: reddit, subreddit: test, host: "{server.base}"}}')
    first = ingest(conn, "reddit", **CREDENTIALS)
    assert (first.failed, first.records) == (1, 2)
    assert rows(conn, "SELECT count(*) FROM fetches WHERE reach_since IS NOT NULL") == [(0,)]
    assert ingest(conn, "reddit", now=NOW + timedelta(hours=2), **CREDENTIALS).records == 4


def test_a_refused_sign_in_fails_every_source_of_the_host_by_name(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    server.routes["/api/v1/access_token"] = (401, {}, b"{}")
    server.routes["/xrpc/com.atproto.server.createSession"] = (
        401,
        {"Content-Type": "application/json"},
        b'{"error": "AuthenticationRequired"}',
    )
    configure(
        conn,
        tmp_path,
        f'{{id: rt, kind: reddit, subreddit: test, host: "{server.base}"}}',
        f'{{id: b1, kind: bluesky_search, query: AI, host: "{server.base}"}}',
        f'{{id: b2, kind: bluesky_search, query: LLM, host: "{server.base}"}}',
    )
    assert ingest(conn, "reddit", **CREDENTIALS).all_failed
    assert ingest(conn, "bluesky", **CREDENTIALS).all_failed
    assert dict(rows(conn, "SELECT id, last_error_class FROM sources")) == {
        "rt": "forbidden",
        "b1": "forbidden",
        "b2": "forbidden",
    }
    assert len(server.asked("/xrpc/com.atproto.server.createSession")) == 1


def bluesky(server: Server, moments: list[datetime], *, size: int = 2) -> None:
    """A Bluesky server: a session, and a search that obeys since, until and cursor."""

    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    expires = datetime.now(UTC) + timedelta(hours=2)
    jwt = f"{part({'alg': 'none'})}.{part({'exp': int(expires.timestamp()), 'sub': 'did:plc:x'})}.x"
    session = {
        "accessJwt": jwt,
        "refreshJwt": jwt,
        "handle": "reader.test",
        "did": "did:plc:abcdefghijklmnopqrstuvwx",
        "active": True,
    }

    def search(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if handler.headers.get("Authorization") != f"Bearer {jwt}":
            return 401, {}, b"{}"
        ask = {key: value[0] for key, value in parse_qs(urlsplit(handler.path).query).items()}
        since, until = (datetime.fromisoformat(ask[name]) for name in ("since", "until"))
        hits = [moment for moment in sorted(moments, reverse=True) if since <= moment < until]
        start = int(ask.get("cursor", 0))
        found = {"posts": [_view(moment) for moment in hits[start : start + size]]}
        if start + size < len(hits):
            found["cursor"] = str(start + size)  # type: ignore[assignment]
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    server.routes["/xrpc/com.atproto.server.createSession"] = (
        200,
        {"Content-Type": "application/json"},
        json.dumps(session).encode(),
    )
    server.routes["/xrpc/app.bsky.feed.searchPosts"] = search


def _view(moment: datetime) -> dict[str, Any]:
    did = "did:plc:abcdefghijklmnopqrstuvwx"
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    record = {"$type": "app.bsky.feed.post", "text": f"AI at {stamp}", "createdAt": stamp, "langs": ["en"]}
    return {
        "uri": f"at://{did}/app.bsky.feed.post/3k{int(moment.timestamp())}",
        "cid": "bafyreifmoalth6n2byajjbvavazwh4u7ueczow2zz47z45zdzsuum7f3ve",
        "author": {"did": did, "handle": "reader.test", "labels": []},
        "record": record,
        "indexedAt": stamp,
        "labels": [],
    }


def test_a_search_reaches_back_once_then_overlaps_and_covers_past_days(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    bluesky(server, [NOW - timedelta(days=days, hours=1) for days in (0, 1, 2, 3, 10, 27, 40)])
    configure(conn, tmp_path, f'{{id: b, kind: bluesky_search, query: AI, host: "{server.base}"}}')
    third, fifth = date(2026, 7, 3), DAY
    first = ingest(conn, "bluesky", day=third, **CREDENTIALS)
    assert first.records == 4  # 2 and 3 days old, 10, 27: up to the end of 3 July, 28 days back
    assert counts(ingest(conn, "bluesky", day=third, **CREDENTIALS)) == {"not_due": 1}
    assert counts(ingest(conn, "bluesky", day=date(2026, 6, 20), **CREDENTIALS)) == {"not_due": 1}
    second = ingest(conn, "bluesky", day=fifth, run="r2", **CREDENTIALS)
    assert (second.records, second.versions) == (2, 2)
    assert counts(ingest(conn, "bluesky", day=fifth, **CREDENTIALS)) == {"not_due": 1}
    assert len(server.asked("/xrpc/com.atproto.server.createSession")) == 1
    assert rows(
        conn,
        "SELECT min(reach_since)::text AS since, max(reach_until)::text AS until FROM fetches WHERE purpose = 'source'",
    ) == [
        ("2026-06-06 00:00:00+00", "2026-07-05 12:00:00+00"),
    ]
    assert rows(conn, "SELECT min(reach_since)::text FROM fetches WHERE run_id = 'r2'") == [("2026-07-02 00:00:00+00",)]


def test_two_searches_that_find_one_post_make_one_record_and_two_observations(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    bluesky(server, [NOW - timedelta(hours=1)])
    configure(
        conn,
        tmp_path,
        *(f'{{id: {name}, kind: bluesky_search, query: AI, host: "{server.base}"}}' for name in ("b1", "b2")),
    )
    assert ingest(conn, "bluesky", **CREDENTIALS).records == 1
    assert rows(
        conn, "SELECT count(*) AS records, (SELECT count(*) FROM record_observations) AS seen FROM records"
    ) == [(1, 2)]
    assert rows(conn, "SELECT source_id FROM records") == [("b1",)]


def test_pacing_is_shared_and_a_held_host_is_not_waited_for(conn: Connection) -> None:
    one, two = HostPacer(conn), HostPacer(conn)
    try:
        assert one.wait_for("a.test") < 0.05
        assert 0.8 < two.wait_for("a.test") <= 1.0
        assert two.wait_for("b.test") < 0.05
        one.hold("b.test", 3600)
        with pytest.raises(HostBusy):
            two.wait_for("b.test")
    finally:
        one.close()
        two.close()
