"""Drains of a real WebSocket stream into the database: cursor, gaps, withdrawals, replays, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aidran_pipeline.ingest import parse_body
from aidran_pipeline.ingest.jetstream import micros_of
from aidran_pipeline.ingest.jetstream_drain import Bounds
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload
from aidran_pipeline_tests.ingest_server import serving
from aidran_pipeline_tests.jetstream_server import DID, Stream, account, event, streaming
from aidran_pipeline_tests.readings import NOW, configure, counts, ingest, rows, snapshot

AT = micros_of(NOW)
MINUTE = 60_000_000
URI = f"at://{DID}/app.bsky.feed.post/"


@pytest.fixture
def stream(conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """A configured stream with three posts of the last minutes, two of them on topic."""
    quick = Bounds(total=5.0, idle=0.3)
    monkeypatch.setattr("aidran_pipeline.ingest.jetstream_drain.BOUNDS", quick)
    with streaming() as running:
        running.events = [
            event(AT - 9 * MINUTE, "create", "a", "OpenAI released a model"),
            event(AT - 8 * MINUTE, "create", "b", "Dinner was lovely"),
            event(AT - 7 * MINUTE, "create", "c", "Chatbots and Anthropic"),
        ]
        configure(conn, tmp_path, f'{{id: stream, kind: bluesky_jetstream, url: "{running.url}"}}')
        yield running


def position(conn: Connection) -> int:
    return int(rows(conn, "SELECT cursor_us FROM stream_positions")[0][0])


def test_a_drain_stores_what_is_on_topic_and_its_cursor(conn: Connection, stream: Stream) -> None:
    assert counts(ingest(conn, "bluesky")) == {"attempted": 1, "succeeded": 1}
    assert stream.asked == [{"wantedCollections": ["app.bsky.feed.post"], "cursor": [str(AT - 60 * MINUTE)]}]
    assert rows(conn, "SELECT native_id, author_key, publisher FROM records ORDER BY 1") == [
        (URI + "a", DID, "Bluesky"),
        (URI + "c", DID, "Bluesky"),
    ]
    assert position(conn) == AT - 7 * MINUTE
    (fetch,) = conn.execute("SELECT * FROM fetches").fetchall()
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
    assert rows(conn, "SELECT outcome, error_class FROM fetches ORDER BY id") == [("ok", None), ("failed", "connect")]
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
    conn: Connection, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidran_pipeline.ingest.jetstream_drain.BOUNDS", Bounds(total=10.0, idle=0.5))
    monkeypatch.setattr("aidran_pipeline.ingest.platform._on_topic", lambda _settings: lambda _text: True)
    lines = (shared_data / "data" / "bluesky" / "jetstream_corpus" / "expected_v1.jsonl").read_bytes().splitlines()
    now = datetime(2026, 7, 4, 14, 39, tzinfo=UTC)
    deletion = next(line for line in lines if b'"operation":"delete"' in line and b'"app.bsky.feed.post"' in line)
    gone = json.loads(deletion)
    earlier = event(gone["time_us"] - MINUTE, "create", gone["commit"]["rkey"], "Soon deleted", did=gone["did"])
    with streaming([earlier]) as running:
        configure(conn, tmp_path, f'{{id: stream, kind: bluesky_jetstream, url: "{running.url}"}}')
        ingest(conn, "bluesky", now=now - timedelta(seconds=45))
        running.events += lines
        ingest(conn, "bluesky", now=now + timedelta(hours=1), run="r2")
        words = [json.loads(line)["commit"]["record"]["text"] for line in lines
                 if b'"operation":"create"' in line and b'"collection":"app.bsky.feed.post"' in line]  # fmt: skip
        stored = rows(conn, "SELECT text FROM record_versions ORDER BY id")
        assert len(stored) == 1 + sum(bool(text.strip()) for text in words)
        assert rows(conn, "SELECT kind, status FROM source_withdrawals") == [("post", "deleted")]
        before = snapshot(conn)
        conn.execute("UPDATE stream_positions SET cursor_us = %s", (gone["time_us"] - 2 * MINUTE,))
        assert ingest(conn, "bluesky", now=now + timedelta(hours=2), run="r3").failed == 0
        after = snapshot(conn)
        assert {**after, "payloads": 0} == {**before, "payloads": 0}
        assert rows(conn, "SELECT count(*) FROM source_withdrawals") == [(1,)]
