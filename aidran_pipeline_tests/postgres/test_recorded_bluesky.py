"""Every recorded answer of Bluesky, one by one, over loopback through the real client into the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.ingest import parse_body
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.ingest_server import Answer, Server
from aidran_pipeline_tests.postgres.test_ingest_social import bluesky
from aidran_pipeline_tests.readings import CREDENTIALS, NOW, configure, ingest, rows
from aidran_pipeline_tests.recorded import DATA, Exchange, exchanges, files

SEARCH = "/xrpc/app.bsky.feed.searchPosts"
PRIVATE = "!no-unauthenticated"
LATER = NOW + timedelta(days=30)
FILES = files("bluesky/atrrr_json", "*.json") + files("bluesky/bskyr_json", "*.json")


def answers(file: Path) -> Exchange:
    """A recording with its headers, or a body alone."""
    found = json.loads(file.read_bytes())
    return exchanges(file)[0] if "status" in found else Exchange("GET", "", 200, {}, file.read_bytes())


def views(found: Any) -> Iterator[dict[str, Any]]:
    """Every post of a search, a feed or a thread, however deep."""
    if isinstance(found, list):
        for each in found:
            yield from views(each)
    elif isinstance(found, dict):
        if {"uri", "author", "record", "indexedAt"} <= found.keys() and "/app.bsky.feed.post/" in found["uri"]:
            yield found
        for name in ("posts", "feed", "post", "reply", "parent", "root", "thread", "replies"):
            yield from views(found.get(name))


def public(posts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What may be stored of them: what says something and does not ask to be hidden."""
    kept = {}
    for post in posts:
        marks = {
            mark["val"] for mark in [*post["author"].get("labels", []), *post.get("labels", [])] if not mark.get("neg")
        }
        if post["record"]["text"].strip() and not marks & {PRIVATE, "!hide", "!takedown", "porn", "sexual"}:
            kept.setdefault(post["uri"], post)
    return kept


def search(conn: Connection, server: Server, tmp_path: Path, recorded: Exchange) -> Any:
    """One search answered by a recording, with an empty page behind its cursor."""
    bluesky(server, [])

    def answer(handler: BaseHTTPRequestHandler) -> Answer:
        if "cursor=" in handler.path:
            return 200, {}, b'{"posts": []}'
        return recorded.status, recorded.headers, recorded.body

    server.routes[SEARCH] = answer
    configure(conn, tmp_path, f'{{id: b, kind: bluesky_search, query: AI, host: "{server.base}"}}')
    return ingest(conn, "bluesky", now=LATER, day=LATER.date(), **CREDENTIALS)


@pytest.mark.parametrize("file", FILES)
def test_recorded_body(conn: Connection, server: Server, tmp_path: Path, file: Path) -> None:
    recorded = answers(file)
    body = json.loads(recorded.body)
    result = search(conn, server, tmp_path, recorded)
    (fetch,) = conn.execute("SELECT * FROM fetches WHERE purpose = 'source' ORDER BY id LIMIT 1").fetchall()
    expected = public(list(views(body)))
    assert expected
    if "posts" not in body:  # a thread or a feed, where a search was asked for
        assert (result.failed, fetch["outcome"], fetch["error_class"]) == (1, "failed", "not_a_feed")
        assert rows(conn, "SELECT count(*) FROM records") == [(0,)]
        wrapped = json.dumps({"posts": list(views(body))}).encode()
        found = parse_body("bluesky_search", wrapped, url="https://x.test/", content_type=None, source={"id": "b"})
        assert {record.native_id for record in found} == expected.keys()
        return
    assert (result.failed, fetch["outcome"], fetch["records_seen"]) == (0, "ok", len(expected))
    stored = {row["native_id"]: row for row in conn.execute(
        "SELECT r.*, v.text FROM records r JOIN record_versions v ON v.record_id = r.id")}  # fmt: skip
    assert stored.keys() == expected.keys()
    for uri, post in expected.items():
        record = post["record"]
        moments = [datetime.fromisoformat(text).astimezone(UTC) for text in (record["createdAt"], post["indexedAt"])]
        assert stored[uri]["published_at"] == min(moments)
        assert stored[uri]["author_key"] == post["author"]["did"]
        assert " ".join(stored[uri]["text"].split()) == " ".join(record["text"].split())
    cursors = len(server.asked(SEARCH))
    assert cursors == 1 + ("cursor" in body)
    again = ingest(conn, "bluesky", now=LATER + timedelta(days=1), day=LATER.date(), run="r2", **CREDENTIALS)
    assert (again.records, again.versions) == (0, 0)


@pytest.mark.parametrize("file", files("bluesky/marshalx_models", "*.json"))
def test_a_record_or_profile_where_a_search_was_asked_for_is_named(
    conn: Connection, server: Server, tmp_path: Path, file: Path
) -> None:
    result = search(conn, server, tmp_path, Exchange("GET", "", 200, {}, file.read_bytes()))
    assert result.failed == 1
    assert rows(conn, "SELECT outcome, error_class FROM fetches WHERE purpose = 'source'") == [("failed", "not_a_feed")]


def test_a_limit_that_is_used_up_is_not_tried(conn: Connection, server: Server, tmp_path: Path) -> None:
    bluesky(server, [LATER - timedelta(hours=hours) for hours in range(1, 8)])
    plain = server.routes[SEARCH]

    def limited(handler: BaseHTTPRequestHandler) -> Answer:
        status, headers, body = plain(handler)  # type: ignore[operator, misc]
        reset = str(int((LATER + timedelta(minutes=4)).timestamp()))
        return (
            status,
            {**headers, "RateLimit-Limit": "3000", "RateLimit-Remaining": "0", "RateLimit-Reset": reset},
            body,
        )

    server.routes[SEARCH] = limited
    configure(conn, tmp_path, f'{{id: b, kind: bluesky_search, query: AI, host: "{server.base}"}}')
    result = ingest(conn, "bluesky", now=LATER, day=LATER.date(), **CREDENTIALS)
    assert (result.records, result.failed, len(server.asked(SEARCH))) == (2, 1, 1)
    failed = rows(conn, "SELECT error_class, error LIKE '%240 s' FROM fetches WHERE outcome = 'failed'")
    assert failed == [("rate_limited", True)]
    server.routes[SEARCH] = plain
    later = LATER + timedelta(hours=2)
    assert ingest(conn, "bluesky", now=later, day=later.date(), run="r2", **CREDENTIALS).records == 5


def test_recordings_are_there_or_skipped(shared_data: Path) -> None:
    assert len(list((DATA / "bluesky").glob("*_json/*.json"))) == 7 == len(FILES)
