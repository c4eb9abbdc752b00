"""Whole readings of Reddit and Bluesky against a real server and a real database: sign-ins, pages, reaching back, pacing."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aidran_pipeline.ingest.pacing import HostBusy, HostPacer
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.ingest_server import Server
from aidran_pipeline_tests.readings import (
    CREDENTIALS,
    DAY,
    NOW,
    configure,
    counts,
    ingest,
    rows,
)


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
