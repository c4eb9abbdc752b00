"""Whole readings of feeds against a real server and a real database: what is stored, left alone, and fails alone."""

from __future__ import annotations

import email.utils
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from aidran_pipeline.ingest import parse_body
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload
from aidran_pipeline_tests.ingest_server import Server, cut_short, drip, item, reset, rss
from aidran_pipeline_tests.readings import (
    DAY,
    NOW,
    configure,
    counts,
    ingest,
    rows,
    rss_entry,
    snapshot,
)


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
    configure(conn, tmp_path, "{id: b, kind: bluesky_search, query: AI}")
    result = ingest(conn, "bluesky")
    assert counts(result) == {"unconfigured": 1}
    found = dict(rows(conn, "SELECT id, last_error FROM sources WHERE status = 'unconfigured'"))
    assert "BLUESKY_APP_PASSWORD" in found["b"]
    assert rows(conn, "SELECT count(*) FROM fetches") == [(0,)]
