"""Every recorded answer of Reddit, one by one, over loopback through the real client into the database."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from aidran_pipeline.ingest import IngestResult
from aidran_pipeline.ingest.reddit_reader import MORE_CALLS
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.ingest_server import Answer, Server
from aidran_pipeline_tests.readings import CREDENTIALS, NOW, configure, ingest, rows
from aidran_pipeline_tests.recorded import DATA, Exchange, exchanges, files

TOKEN = json.dumps({"access_token": "s3same", "expires_in": 86400}).encode()
MARKS = {"[deleted]", "[removed]"}
OK, EMPTY = ("ok", None), ("failed", "empty")
NO_FEED, BROKEN = ("failed", "not_a_feed"), ("failed", "malformed")
REFUSED, CLIENT, SERVER_ERROR = ("failed", "forbidden"), ("failed", "http_4xx"), ("failed", "http_5xx")
# What becomes of each answer when it comes in the place of a listing.
EXPECTED = {
    "accepted": NO_FEED,
    "bad_gateway": SERVER_ERROR,
    "bad_json": BROKEN,
    "bad_request": CLIENT,
    "cloudflare_connection_timed_out": SERVER_ERROR,
    "cloudflare_unknown_error": SERVER_ERROR,
    "conflict": CLIENT,
    "created": NO_FEED,
    "forbidden": REFUSED,
    "gateway_timeout": SERVER_ERROR,
    "get": BROKEN,  # the recording is cut off
    "internal_server_error": SERVER_ERROR,
    "no_content": EMPTY,
    "not_found": CLIENT,
    "okay_with_0_byte_content": EMPTY,
    "patch": NO_FEED,
    "post": NO_FEED,
    "post__with_files": NO_FEED,
    "raw_json": OK,  # a thread
    "redirect": OK,
    "redirect_301": OK,
    "service_unavailable": SERVER_ERROR,
    "too__many_requests__with_retry_headers": ("failed", "rate_limited"),
    "too_large": CLIENT,
    "unavailable_for_legal_reasons": REFUSED,
    "unexpected_status_code": EMPTY,
    "unsupported_media_type": CLIENT,
    "uri_too_long": CLIENT,
    "with_insufficient_scope": REFUSED,
    "with_invalid_access_token": REFUSED,
    "with_invalid_access_token__retry": REFUSED,
}


def serve(server: Server, path: str, answers: list[Exchange]) -> None:
    """One after the other, the last one from then on; whatever asks for a further page gets an empty one."""
    waiting = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> Answer:
        if "after=" in handler.path:
            return 200, {}, b'{"kind": "Listing", "data": {"after": null, "children": []}}'
        each = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        moved = {"Location": server.url("/r/elsewhere/new.json")} if each.status in (301, 302) else {}
        return each.status, {**each.headers, **moved}, each.body

    server.routes[path] = answer


def subreddit(conn: Connection, server: Server, tmp_path: Path, more: str) -> None:
    server.routes["/api/v1/access_token"] = (200, {}, TOKEN)
    configure(conn, tmp_path, f'{{id: rt, kind: reddit, subreddit: test, host: "{server.base}", {more}}}')


@pytest.mark.parametrize("file", files("reddit_http_errors", "*.json"))
def test_recorded_error(conn: Connection, server: Server, tmp_path: Path, file: Path) -> None:
    name = file.stem.partition("__")[2]
    subreddit(conn, server, tmp_path, "top_threads: 0")
    serve(server, "/r/test/new.json", exchanges(file))
    post = {"name": "t3_moved", "title": "Where it moved", "author": "a", "created_utc": NOW.timestamp() - 60}
    found = {"kind": "Listing", "data": {"after": None, "children": [{"kind": "t3", "data": post}]}}
    server.routes["/r/elsewhere/new.json"] = (200, {}, json.dumps(found).encode())
    result = ingest(conn, "reddit", **CREDENTIALS)
    outcome, error_class = EXPECTED[name]
    (fetch,) = conn.execute("SELECT * FROM fetches WHERE purpose = 'source'").fetchall()
    (source,) = conn.execute("SELECT * FROM sources").fetchall()
    assert (fetch["outcome"], fetch["error_class"]) == (outcome, error_class)
    assert (result.failed, result.records > 0) == (int(outcome == "failed"), outcome == "ok")
    assert fetch["next_check_at"] == source["next_check_at"] > NOW
    asked = len(server.asked("/r/test/new.json"))
    assert asked == 1  # one run asks once, whatever comes
    ingest(conn, "reddit", now=source["next_check_at"] - timedelta(seconds=1), **CREDENTIALS)
    assert len(server.asked("/r/test/new.json")) == asked
    if outcome == "failed":
        assert (source["status"], source["consecutive_failures"]) in [("failing", 1), ("blocked", 1)]
        assert fetch["error"] and source["last_error_class"] == error_class
        assert rows(conn, "SELECT count(*) FROM records") == [(0,)]
        ingest(conn, "reddit", now=source["next_check_at"], run="r2", **CREDENTIALS)
        assert len(server.asked("/r/test/new.json")) > asked
    if name == "with_invalid_access_token__retry":
        assert len(server.asked("/api/v1/access_token")) == 2  # a refused token is not used again
        assert rows(conn, "SELECT outcome FROM fetches WHERE run_id = 'r2' AND purpose = 'source'") == [("ok",)]
        assert rows(conn, "SELECT count(*) > 10 FROM records") == [(True,)]


def things(children: list[Any]) -> Iterator[dict[str, Any]]:
    """Posts and comments of a listing and of the answers in it, as the recording has them."""
    for child in children:
        if child["kind"] in ("t1", "t3"):
            yield child["data"]
        replies = child["data"].get("replies")
        if isinstance(replies, dict):
            yield from things(replies["data"]["children"])


def contents(body: Any) -> list[dict[str, Any]]:
    parts = body if isinstance(body, list) else [body]
    return [thing for part in parts for thing in things(part["data"]["children"])]


def gone(thing: dict[str, Any]) -> bool:
    texts = {thing.get(name) for name in ("author", "title", "selftext", "body")}
    return bool(texts & MARKS) or bool(thing.get("removed_by_category"))


def said(thing: dict[str, Any]) -> bool:
    words = thing.get("title") or thing.get("body") or ""
    return bool(words.strip("> \n")) and not thing.get("over_18")


def before(body: Any) -> bytes:
    """What the same place may have shown before anything was withdrawn."""
    earlier = copy.deepcopy(body)
    for thing in contents(earlier):
        thing["removed_by_category"] = None
        for name in ("author", "title", "selftext", "body"):
            if thing.get(name) in MARKS:
                thing[name] = "As it was once"
    return json.dumps(earlier).encode()


def read(conn: Connection, moment: datetime, run: str) -> IngestResult:
    return ingest(conn, "reddit", now=moment, day=moment.date(), run=run, **CREDENTIALS)


@pytest.mark.parametrize("file", files("reddit_api", "*.gz"))
def test_recorded_listing(conn: Connection, server: Server, tmp_path: Path, file: Path) -> None:
    recorded = exchanges(file)
    subreddit(conn, server, tmp_path, "top_threads: 1, thread_comments: 1000")
    bodies = [json.loads(each.body) for each in recorded if each.status == 200]
    if not bodies or "TestSubreddits" in file.name:
        serve(server, "/r/test/new.json", recorded)
        assert read(conn, NOW, "r1").failed == 1
        kind = "not_a_feed" if bodies else "http_4xx"
        assert rows(conn, "SELECT error_class FROM fetches WHERE purpose = 'source'") == [(kind,)]
        return
    listings = [body for body in bodies if isinstance(body, dict)]
    threads = [body for body in bodies if isinstance(body, list)]
    head = threads[0][0]["data"]["children"][0]["data"] if threads else None
    moment = datetime.fromtimestamp(head["created_utc"] + 60, UTC) if head else NOW
    step, runs = timedelta(hours=3), 0
    for earlier in (True, False):
        if head:
            serve_thread(server, head | {"num_comments": 50 + runs}, recorded, earlier=earlier)
            read(conn, moment + runs * step, f"r{runs}")
            runs += 1
            continue
        for body in listings:
            whole = Exchange("GET", "", 200, {}, before(body) if earlier else json.dumps(body).encode())
            serve(server, "/r/test/new.json", [whole])
            read(conn, moment + runs * step, f"r{runs}")
            runs += 1
    assert rows(conn, "SELECT DISTINCT outcome FROM fetches WHERE purpose = 'source' AND outcome = 'failed'") == []
    if head:
        threads = [json.loads(part.body) for path, part in places(head, recorded).items() if server.asked(path)]
        assert len(threads) == min(len(recorded) - bool(listings), 1 + MORE_CALLS)
    everything = [thing for body in (threads or listings) for thing in contents(body) if said(thing) or gone(thing)]
    stored = {name for (name,) in rows(conn, "SELECT native_id FROM records")}
    expected = {thing["name"] for thing in everything if not thing.get("over_18")}
    assert stored == expected and stored
    marked = {thing["name"] for thing in everything if gone(thing) and not thing.get("over_18")}
    assert {name for (name,) in rows(conn, "SELECT target FROM source_withdrawals")} == marked
    assert rows(conn, "SELECT count(*) FROM record_versions WHERE text ~ '^\\[?(deleted|removed)\\]' "
                      "OR text ~ '\\[(deleted|removed)\\]$'") == [(0,)]  # fmt: skip
    comments = {thing["name"] for thing in everything if thing["name"].startswith("t1_")} & expected
    parents = dict(rows(conn, "SELECT native_id, target FROM record_relations JOIN records r ON r.id = record_id "
                              "WHERE kind = 'reply'"))  # fmt: skip
    assert parents == {thing["name"]: thing["parent_id"] for thing in everything if thing["name"] in comments}
    again = rows(conn, "SELECT count(*) FROM record_versions")
    assert read(conn, moment + runs * step, "again").versions == 0
    assert rows(conn, "SELECT count(*) FROM record_versions") == again


def serve_thread(server: Server, head: dict[str, Any], recorded: list[Exchange], *, earlier: bool) -> None:
    """A listing of the thread's post, its comments, and each further part at the place of its comment."""
    listed = {"kind": "Listing", "data": {"after": None, "children": [{"kind": "t3", "data": head}]}}
    server.routes["/r/test/new.json"] = (200, {}, before(listed) if earlier else json.dumps(listed).encode())
    server.routes["/api/morechildren.json"] = (200, {}, b'{"json": {"errors": [], "data": {"things": []}}}')
    for path, part in places(head, recorded).items():
        server.routes[path] = (200, part.headers, before(json.loads(part.body)) if earlier else part.body)


def places(head: dict[str, Any], recorded: list[Exchange]) -> dict[str, Exchange]:
    """The parts of a thread by the path at which they are asked for."""
    parts = [each for each in recorded if each.body[:1] == b"["]
    tails = ["", *(f"/_/{urlsplit(part.uri).path.rstrip('/').rsplit('/', 1)[-1]}" for part in parts[1:])]
    return {f"/r/test/comments/{head['name'][3:]}{tail}.json": part for tail, part in zip(tails, parts, strict=True)}


@pytest.mark.parametrize("file", files("reddit_rss", "*.atom"))
def test_recorded_atom(conn: Connection, server: Server, tmp_path: Path, file: Path) -> None:
    subreddit(conn, server, tmp_path, "top_threads: 3")
    server.routes["/r/test/new/.rss"] = (200, {"Content-Type": "application/atom+xml"}, file.read_bytes())
    assert ingest(conn, "reddit", now=NOW + timedelta(days=30)).failed == 0
    ids = [part.split(b"</id>")[0].decode() for part in file.read_bytes().split(b"<id>")]
    names = {part for part in ids if part.startswith("t3_")}
    assert {name for (name,) in rows(conn, "SELECT native_id FROM records")} == names and names


def test_each_recording_has_its_expectation(shared_data: Path) -> None:
    found = {file.stem.partition("__")[2] for file in (DATA / "reddit_http_errors").glob("*.json")}
    assert found == EXPECTED.keys()
