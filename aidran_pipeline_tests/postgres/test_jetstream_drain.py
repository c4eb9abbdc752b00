"""Drains of a real WebSocket stream into the database: cursor, gaps, withdrawals, replays, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.ingest import parse_body
from aidran_pipeline.ingest.jetstream import micros_of
from aidran_pipeline.ingest.jetstream_drain import Bounds
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload
from aidran_pipeline_tests.ingest_server import Server, serving
from aidran_pipeline_tests.jetstream_server import DID, Index, Stream, account, event, profile, streaming
from aidran_pipeline_tests.readings import NOW, configure, counts, ingest, rows, snapshot
from aidran_pipeline_tests.relay_frames import relay_posts

AT = micros_of(NOW)
MINUTE = 60_000_000
URI = f"at://{DID}/app.bsky.feed.post/"


@pytest.fixture
def index(server: Server) -> Index:
    return Index(server)


def source(url: str, labels: str, name: str = "stream") -> str:
    return f'{{id: {name}, kind: bluesky_jetstream, url: "{url}", labels: "{labels}"}}'


@pytest.fixture
def stream(conn: Connection, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """A configured stream with three posts of the last minutes, two of them on topic."""
    quick = Bounds(total=5.0, idle=0.3)
    monkeypatch.setattr("aidran_pipeline.ingest.jetstream_drain.BOUNDS", quick)
    with streaming() as running:
        running.events = [
            event(AT - 9 * MINUTE, "create", "a", "OpenAI released a model"),
            event(AT - 8 * MINUTE, "create", "b", "Dinner was lovely"),
            event(AT - 7 * MINUTE, "create", "c", "Chatbots and Anthropic"),
        ]
        configure(conn, tmp_path, source(running.url, index.base))
        yield running


def position(conn: Connection) -> int:
    return int(rows(conn, "SELECT cursor_us FROM stream_positions")[0][0])


def test_a_drain_stores_what_is_on_topic_and_its_cursor(conn: Connection, stream: Stream) -> None:
    assert counts(ingest(conn, "bluesky")) == {"attempted": 1, "succeeded": 1}
    wanted = ["app.bsky.feed.post", "app.bsky.actor.profile"]
    assert stream.asked == [{"wantedCollections": wanted, "cursor": [str(AT - 60 * MINUTE)]}]
    assert rows(conn, "SELECT native_id, author_key, publisher FROM records ORDER BY 1") == [
        (URI + "a", DID, "Bluesky"),
        (URI + "c", DID, "Bluesky"),
    ]
    assert position(conn) == AT - 7 * MINUTE
    (fetch,) = conn.execute("SELECT * FROM fetches WHERE purpose = 'source'").fetchall()
    assert (fetch["outcome"], fetch["http_status"], fetch["records_seen"], fetch["records_new"]) == ("ok", 101, 2, 2)
    assert fetch["reach_until"] == NOW
    body = load_payload(conn, fetch["payload_sha256"]) or b""
    assert body.splitlines()[1:] == [stream.events[0], stream.events[2]]
    assert b"lovely" not in body
    source = conn.execute("SELECT * FROM sources").fetchone()
    assert source is not None
    again = parse_body(source["kind"], body, url=fetch["final_url"], content_type=fetch["content_type"], source=source)
    assert [record.locator for record in again] == [
        row[0] for row in rows(conn, "SELECT locator FROM record_observations")
    ]


def test_a_second_run_continues_and_a_replay_changes_nothing(conn: Connection, stream: Stream) -> None:
    ingest(conn, "bluesky")
    assert counts(ingest(conn, "bluesky", run="r2")) == {"not_due": 1}
    stream.events.append(event(AT + MINUTE, "create", "d", "A chatbot again"))
    second = ingest(conn, "bluesky", now=NOW + timedelta(hours=1), run="r3")
    assert (second.records, stream.asked[-1]["cursor"]) == (1, [str(AT - 7 * MINUTE)])
    before = snapshot(conn)
    conn.execute("UPDATE stream_positions SET cursor_us = %s", (AT - 30 * MINUTE,))
    replay = ingest(conn, "bluesky", now=NOW + timedelta(hours=2), run="r4")
    assert (replay.records, replay.versions, replay.failed) == (0, 0, 0)
    after = snapshot(conn)
    assert {name: after[name] for name in before if name != "payloads"} == {
        name: before[name] for name in before if name != "payloads"
    }
    assert position(conn) == AT + MINUTE


def test_edits_are_versions_and_deletions_are_noted_once(conn: Connection, stream: Stream) -> None:
    ingest(conn, "bluesky")
    stream.events += [
        event(AT + MINUTE, "update", "a", "OpenAI released two models"),
        event(AT + 2 * MINUTE, "delete", "c"),
        event(AT + 2 * MINUTE, "delete", "b"),
        account(AT + 3 * MINUTE, "takendown"),
        account(AT + 4 * MINUTE, "deleted", did="did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"),
    ]
    for hour in (1, 2):
        ingest(conn, "bluesky", now=NOW + timedelta(hours=hour), run=f"r{hour + 1}")
        conn.execute("UPDATE stream_positions SET cursor_us = %s", (AT - 6 * MINUTE,))
    assert rows(conn, "SELECT number, text FROM record_versions WHERE text LIKE 'OpenAI%' ORDER BY 1") == [
        (1, "OpenAI released a model"),
        (2, "OpenAI released two models"),
    ]
    assert rows(conn, "SELECT platform, kind, target, status FROM source_withdrawals ORDER BY happened_at") == [
        ("bluesky", "post", URI + "c", "deleted"),
        ("bluesky", "account", DID, "takendown"),
    ]


def test_a_clamped_cursor_is_a_gap(conn: Connection, stream: Stream) -> None:
    ingest(conn, "bluesky")
    stream.events.append(event(AT + 300 * MINUTE, "create", "d", "A chatbot much later"))
    stream.keeps_from = AT + 200 * MINUTE
    ingest(conn, "bluesky", now=NOW + timedelta(hours=6), run="r2")
    found = rows(conn, "SELECT since, until, reason FROM source_gaps")
    assert found == [(NOW - timedelta(minutes=7), NOW + timedelta(minutes=300), "clamped")]
    assert rows(conn, "SELECT reach_since FROM fetches ORDER BY id DESC LIMIT 1") == [(NOW + timedelta(minutes=300),)]


def test_a_refused_cursor_is_a_gap_and_the_stream_is_read_on(conn: Connection, stream: Stream) -> None:
    ingest(conn, "bluesky")
    later = NOW + timedelta(hours=50)
    stream.events.append(event(micros_of(later) - 5 * MINUTE, "create", "d", "A chatbot much later"))
    stream.keeps_from, stream.too_old = micros_of(later) - 36 * 60 * MINUTE, True
    result = ingest(conn, "bluesky", now=later, run="r2")
    assert (result.records, result.failed) == (1, 0)
    assert rows(conn, "SELECT since, until, reason FROM source_gaps") == [
        (NOW - timedelta(minutes=7), later - timedelta(minutes=5), "too_old")
    ]


def test_a_stream_that_breaks_off_keeps_what_came_and_fails(conn: Connection, stream: Stream) -> None:
    stream.cut_after = 2
    result = ingest(conn, "bluesky")
    assert (result.records, result.failed) == (1, 1)
    assert rows(conn, "SELECT outcome, error_class FROM fetches WHERE purpose = 'source' ORDER BY id") == [
        ("ok", None),
        ("failed", "connect"),
    ]
    assert position(conn) == AT - 8 * MINUTE
    stream.cut_after = None
    assert ingest(conn, "bluesky", now=NOW + timedelta(hours=2), run="r2").records == 1


def test_a_drain_that_reaches_its_bound_goes_on_at_once(
    conn: Connection, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidran_pipeline.ingest.jetstream_drain.BOUNDS", Bounds(total=5.0, idle=0.3, kept=100))
    assert ingest(conn, "bluesky").records == 1
    assert rows(conn, "SELECT next_check_at FROM sources") == [(NOW,)]
    assert position(conn) == AT - 9 * MINUTE
    monkeypatch.undo()
    assert ingest(conn, "bluesky", run="r2").records == 1


def test_no_stream_there_is_a_failure_with_its_class(conn: Connection, stream: Stream, tmp_path: Path) -> None:
    with serving() as plain, streaming() as closed, streaming() as moved:
        moved.redirect = plain.url("/secret")
        plain.routes["/login"] = (200, {}, b"<html>sign in</html>")
        urls = {
            "login": f"ws://127.0.0.1:{plain.port}/login",
            "missing": f"ws://127.0.0.1:{plain.port}/nothing",
            "nobody": "ws://127.0.0.1:1/",
            "inner": f"ws://localhost:{closed.port}/subscribe",
            "moved": moved.url,
        }
        configure(
            conn, tmp_path, *(f'{{id: {name}, kind: bluesky_jetstream, url: "{url}"}}' for name, url in urls.items())
        )
        ingest(conn, "bluesky")
        assert dict(rows(conn, "SELECT source_id, error_class FROM fetches WHERE outcome = 'failed'")) == {
            "login": "malformed",
            "missing": "http_4xx",
            "nobody": "connect",
            "inner": "refused_address",
            "moved": "redirect",
        }
        assert closed.asked == []
        assert plain.asked("/secret") == []


def test_the_recorded_corpus_is_stored_exactly_and_replayed_without_change(
    conn: Connection, index: Index, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidran_pipeline.ingest.jetstream_drain.BOUNDS", Bounds(total=10.0, idle=0.5))
    monkeypatch.setattr("aidran_pipeline.ingest.platform._on_topic", lambda _settings: lambda _text: True)
    lines = (shared_data / "data" / "bluesky" / "jetstream_corpus" / "expected_v1.jsonl").read_bytes().splitlines()
    now = datetime(2026, 7, 4, 14, 39, tzinfo=UTC)
    deletion = next(line for line in lines if b'"operation":"delete"' in line and b'"app.bsky.feed.post"' in line)
    gone = json.loads(deletion)
    earlier = event(gone["time_us"] - MINUTE, "create", gone["commit"]["rkey"], "Soon deleted", did=gone["did"])
    with streaming([earlier]) as running:
        configure(conn, tmp_path, source(running.url, index.base))
        ingest(conn, "bluesky", now=now - timedelta(seconds=45))
        running.events += lines
        ingest(conn, "bluesky", now=now + timedelta(hours=1), run="r2")
        relay = relay_posts(shared_data / "data" / "bluesky" / "jetstream_corpus")
        created = {uri: records[-1] or {} for (operation, uri), records in relay.items() if operation == "create"}
        deleted = {uri for operation, uri in relay if operation == "delete"}
        assert ({operation for operation, _uri in relay}, len(created)) == ({"create", "delete"}, 17)
        spoken = {uri: " ".join(record["text"].split()) for uri, record in created.items() if record["text"].strip()}
        stored = dict(
            rows(conn, "SELECT r.native_id, v.text FROM records r JOIN record_versions v ON v.record_id = r.id")
        )
        (soon_deleted,) = stored.keys() - spoken.keys()
        assert {uri: " ".join(text.split()) for uri, text in stored.items() if uri != soon_deleted} == spoken
        assert {soon_deleted} == deleted
        assert rows(conn, "SELECT kind, target, status FROM source_withdrawals") == [("post", soon_deleted, "deleted")]
        before = snapshot(conn)
        conn.execute("UPDATE stream_positions SET cursor_us = %s", (gone["time_us"] - 2 * MINUTE,))
        assert ingest(conn, "bluesky", now=now + timedelta(hours=2), run="r3").failed == 0
        after = snapshot(conn)
        assert {**after, "payloads": 0} == {**before, "payloads": 0}
        assert rows(conn, "SELECT count(*) FROM source_withdrawals") == [(1,)]
        heading = json.loads(stream_body(conn, "r3").splitlines()[0])["aidran_jetstream"]
        assert heading["events"] == 1 + len(lines)  # all of it came again


def stream_body(conn: Connection, run: str) -> bytes:
    (key,) = rows(conn, f"SELECT payload_sha256 FROM fetches WHERE run_id = '{run}' AND purpose = 'source'")[0]
    return load_payload(conn, key) or b""


def statuses(conn: Connection) -> list[tuple[str, str]]:
    return rows(
        conn, "SELECT target, status FROM source_withdrawals WHERE kind = 'account' ORDER BY happened_at, target"
    )


def test_marks_of_author_and_post_in_the_index_are_obeyed(conn: Connection, stream: Stream, index: Index) -> None:
    private, taken, hidden = (f"did:plc:{letter * 24}" for letter in "pth")
    for minute, (did, name) in enumerate([(private, "p"), (taken, "t"), (hidden, "h"), (DID, "ok")]):
        stream.events.append(event(AT - (6 - minute) * MINUTE, "create", name, "A chatbot speaks", did=did))
    index.labels = {private: ["!no-unauthenticated"], f"at://{hidden}/app.bsky.feed.post/h": ["!hide"], DID: ["bot"]}
    index.absent = {f"at://{taken}/app.bsky.feed.post/t"}
    result = ingest(conn, "bluesky")
    assert (result.records, result.failed) == (3, 0)
    assert {name for (name,) in rows(conn, "SELECT native_id FROM records")} == {URI + "a", URI + "c", URI + "ok"}
    (key,) = rows(conn, "SELECT payload_sha256 FROM fetches WHERE purpose = 'source'")[0]
    body = load_payload(conn, key) or b""
    assert not any(did.encode() in body for did in (private, taken, hidden))
    assert rows(conn, "SELECT purpose, outcome, payload_sha256 IS NULL FROM fetches ORDER BY id") == [
        ("labels", "ok", True),
        ("source", "ok", False),
    ]
    assert index.asked == [6]


def test_posts_are_looked_up_in_few_requests(conn: Connection, stream: Stream, index: Index) -> None:
    stream.events = [event(AT - 9 * MINUTE + n, "create", f"k{n}", f"Chatbot number {n}") for n in range(60)]
    assert ingest(conn, "bluesky").records == 60
    assert sum(index.asked) == 60 and len(index.asked) == 3 and max(index.asked) <= 25


def test_an_address_that_the_index_calls_bad_costs_its_own_post_alone(
    conn: Connection, stream: Stream, index: Index
) -> None:
    stream.events = [event(AT - 9 * MINUTE + n, "create", f"k{n}", f"Chatbot number {n}") for n in range(20)]
    index.bad = {URI + "k7"}
    result = ingest(conn, "bluesky")
    assert (result.records, result.failed) == (19, 0)
    assert rows(conn, "SELECT count(*) FROM records WHERE native_id LIKE '%/k7'") == [(0,)]
    index.all_bad = True
    stream.events.append(event(AT + MINUTE, "create", "late", "A chatbot later"))
    later = ingest(conn, "bluesky", now=NOW + timedelta(hours=1), run="r2")
    assert (later.records, later.failed) == (0, 1)  # one post, called bad by itself: nothing is known of it
    stream.events += [event(AT + 70 * MINUTE + n, "create", f"m{n}", f"Chatbot number {n}") for n in range(20)]
    before = position(conn)
    assert ingest(conn, "bluesky", now=NOW + timedelta(hours=4), run="r3").failed == 1
    assert (position(conn), index.asked[-1] <= 20) == (before, True)


def test_a_name_too_long_to_ask_about_is_left_out(conn: Connection, stream: Stream, index: Index) -> None:
    long = "did:web:" + "a" * 1500
    stream.events.append(event(AT - 5 * MINUTE, "create", "l", "A chatbot speaks", did=long))
    result = ingest(conn, "bluesky")
    assert (result.records, result.failed, index.asked) == (2, 0, [2])


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        ((503, {"Retry-After": "7200"}, b""), "http_5xx"),
        ((200, {}, b"<html>"), "malformed"),
        ((429, {}, b""), "rate_limited"),
    ],
)
def test_nothing_is_stored_while_nobody_can_say_who_wants_to_be_shown(
    conn: Connection, stream: Stream, index: Index, server: Server, answer: Any, error_class: str
) -> None:
    server.routes["/xrpc/app.bsky.feed.getPosts"] = answer
    result = ingest(conn, "bluesky")
    assert (result.records, result.failed) == (0, 1)
    assert rows(conn, "SELECT outcome, error_class FROM fetches") == [("failed", error_class)]
    assert rows(conn, "SELECT count(*) FROM stream_positions") == [(0,)]
    server.routes["/xrpc/app.bsky.feed.getPosts"] = index.answer
    later = ingest(conn, "bluesky", now=NOW + timedelta(minutes=50), run="r2")
    if answer[1]:
        assert later.attempted == 0  # what the index asked for is obeyed
        return
    assert (later.records, later.failed) == (2, 0)


def test_a_post_too_young_for_the_index_is_asked_for_again(conn: Connection, stream: Stream, index: Index) -> None:
    young = [
        event(AT - 1 * MINUTE, "create", "y", "A chatbot of now"),
        event(AT - MINUTE // 2, "create", "z", "A chatbot too"),
    ]
    stream.events += young
    index.absent = {URI + "y"}
    assert ingest(conn, "bluesky").records == 3
    assert position(conn) == AT - 1 * MINUTE - 1
    index.absent = set()
    assert ingest(conn, "bluesky", now=NOW + timedelta(hours=1), run="r2").records == 1
    assert rows(conn, "SELECT count(*) FROM records") == [(4,)]


def test_an_author_who_asks_not_to_be_shown_any_more_is_noted_and_read_no_further(
    conn: Connection, stream: Stream, index: Index
) -> None:
    ingest(conn, "bluesky")
    other = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"
    stream.events.append(profile(AT + MINUTE))
    ingest(conn, "bluesky", now=NOW + timedelta(minutes=30), run="r1b")
    assert statuses(conn) == []  # an ordinary edit says nothing
    stream.events += [
        profile(AT + 2 * MINUTE, "!no-unauthenticated"),
        profile(AT + 2 * MINUTE, "!no-unauthenticated", did=other),  # nobody we know
        event(AT + 3 * MINUTE, "create", "d", "A chatbot after all"),
    ]
    index.labels = {DID: ["!no-unauthenticated"]}
    ingest(conn, "bluesky", now=NOW + timedelta(hours=1), run="r2")
    assert statuses(conn) == [(DID, "private")]
    stream.events.append(event(AT + 70 * MINUTE, "create", "e", "A chatbot later"))
    asked = len(index.asked)
    assert ingest(conn, "bluesky", now=NOW + timedelta(hours=2), run="r3").records == 0
    assert len(index.asked) == asked  # a known wish needs no look-up
    stream.events += [profile(AT + 130 * MINUTE), event(AT + 131 * MINUTE, "create", "f", "A chatbot in public")]
    index.labels = {}
    ingest(conn, "bluesky", now=NOW + timedelta(hours=3), run="r4")
    assert statuses(conn) == [(DID, "private"), (DID, "active")]
    stream.events.append(event(AT + 190 * MINUTE, "create", "g", "A chatbot again"))
    assert ingest(conn, "bluesky", now=NOW + timedelta(hours=4), run="r5").records == 1


@pytest.mark.parametrize("status", ["takendown", "suspended", "deleted", "deactivated"])
def test_each_end_of_an_account_and_its_return_are_noted(conn: Connection, stream: Stream, status: str) -> None:
    ingest(conn, "bluesky")
    stream.events.append(account(AT + MINUTE, status))
    ingest(conn, "bluesky", now=NOW + timedelta(hours=1), run="r2")
    stream.events.append(account(AT + 70 * MINUTE, None))
    ingest(conn, "bluesky", now=NOW + timedelta(hours=2), run="r3")
    assert statuses(conn) == [(DID, status), (DID, "active")]
