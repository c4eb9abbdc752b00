"""Teasers completed from the article's own page: what is asked, what is stored, and that it can be read again."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest import IngestResult, full_text, ingest_platform
from aidran_pipeline.ingest.full_text import fits
from aidran_pipeline.lineage.findings import Report, silent
from aidran_pipeline.lineage.originals import check_originals
from aidran_pipeline.lineage.trace import _fetches
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.tombstones import Keyed, add_tombstone
from aidran_pipeline_tests.ingest_server import Server, item, rss
from aidran_pipeline_tests.readings import DAY, FAST, NOW, configure, rows, snapshot

TEASER = "The chatbot of the ministry answered citizens wrongly about their pensions for weeks…"
WORDS = (
    "The chatbot of the ministry answered citizens wrongly about their pensions for weeks, an audit found. "
    "Officials had switched off the review of its answers in March to save time, and nobody switched it on again."
)
MORE = "The ministry says that every wrong answer will be corrected by letter before the end of the month."
HOUR = timedelta(hours=1)


class Dialled(Settings):
    """Settings that lead one public name to the test's server: its robots.txt counts, as that of any public host."""

    def dial_to(self, port: int) -> Dialled:
        object.__setattr__(self, "_port", port)
        return self

    @property
    def dial(self) -> Mapping[str, tuple[str, int]]:
        return {name: ("127.0.0.1", object.__getattribute__(self, "_port")) for name in ("daily.test", "other.test")}


def page(title: str, *paragraphs: str) -> tuple[int, dict[str, str], bytes]:
    body = "".join(f"<p>{each}</p>" for each in paragraphs)
    markup = f"<html><head><title>{title} | The Daily Test</title></head><body><article><h1>{title}</h1>{body}</article></body></html>"
    return 200, {"Content-Type": "text/html; charset=utf-8"}, markup.encode()


def read(conn: Connection, server: Server, *, hours: int = 0, run: str = "r1") -> IngestResult:
    settings = Dialled(AIDRAN_ALLOW_HOSTS="127.0.0.1").dial_to(server.port)  # type: ignore[call-arg, arg-type]
    return ingest_platform(conn, "news", DAY, run=Run(run, NOW + hours * HOUR), settings=settings, limits=FAST)


def feed(conn: Connection, server: Server, tmp_path: Path, mode: str | None, *items: str) -> None:
    server.routes["/feed"] = (200, {"Content-Type": "application/rss+xml"}, rss(*items))
    more = f", full_text: {mode}" if mode else ""
    configure(conn, tmp_path, f'{{id: feed, kind: rss, url: "{server.url("/feed")}", publisher: The Daily Test{more}}}')


def texts(conn: Connection) -> list[tuple[str, int, str]]:
    return rows(conn, "SELECT split_part(native_id, '|', 2), number, text FROM records r "
                      "JOIN newest_record_versions v ON v.record_id = r.id ORDER BY 1")  # fmt: skip


def pages_asked(server: Server) -> list[str]:
    return [path for _method, path, _headers in server.requests if path not in ("/feed", "/robots.txt")]


def recent(guid: str, title: str, body: str, link: str = "") -> str:
    link = link or f"http://daily.test/{guid}"  # the test's server speaks no TLS
    return item(guid, title, body, date="Sun, 05 Jul 2026 10:00:00 GMT", link=link)


def test_a_teaser_is_completed_by_a_version_that_rests_on_the_page(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    result = read(conn, server)
    assert (result.records, result.failed, result.days[DAY].changed) == (1, 0, True)
    expected = f"A ministry's chatbot erred\n\n{WORDS}\n\n{MORE}"
    assert texts(conn) == [("a", 2, expected)]
    assert rows(conn, """SELECT v.number, f.purpose, f.url, f.source_id, p.completes IS NOT NULL, v.body_truncated
                         FROM record_versions v JOIN fetches f ON f.id = v.first_fetch_id
                         LEFT JOIN record_page_texts p ON p.record_version_id = v.id ORDER BY 1""") == [
        (1, "source", server.url("/feed"), "feed", False, True),
        (2, "page", "http://daily.test/a", None, True, False),
    ]  # fmt: skip
    assert rows(conn, "SELECT v.number, l.kind, l.url FROM record_links l JOIN record_versions v "
                      "ON v.id = l.record_version_id ORDER BY 1") == [
        (1, "self", "http://daily.test/a"), (2, "self", "http://daily.test/a"),
    ]  # fmt: skip
    before, asked = snapshot(conn), len(server.requests)
    again = read(conn, server, hours=2, run="r2")
    assert (again.versions, snapshot(conn)) == (0, before)
    assert pages_asked(server) == ["/a"] and len(server.requests) == asked + 1


def cited(conn: Connection, number: int) -> dict[tuple[str, int], list[str]]:
    (version,) = rows(conn, f"SELECT id FROM record_versions WHERE number = {number}")[0]
    return {("record", version): ["a test"]}


def verified(conn: Connection, number: int) -> Report:
    report = Report()
    check_originals(conn, cited(conn, number), report, silent)
    return report


def test_verify_and_trace_read_the_completed_text_again(conn: Connection, server: Server, tmp_path: Path) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    read(conn, server)
    report = verified(conn, 2)
    assert (report.mismatches, report.notes) == ([], [])
    assert (report.checked["record"], report.checked["body"]) == (2, 2)  # the teaser it completes too
    row = conn.execute("""SELECT v.id AS record_version_id, v.first_fetch_id, r.id AS record_id, r.native_id, r.platform,
                                 v.title, v.text AS source_text, v.title_truncated, v.body_truncated, v.declared_lang
                          FROM record_versions v JOIN records r ON r.id = v.record_id WHERE v.number = 2""").fetchone()
    fetches, body = _fetches(conn, row or {})
    assert [(fetch["purpose"], fetch.get("found_again")) for fetch in fetches] == [("page", True), ("source", None)]
    assert body is not None and b"review of its answers" in (body.data or b"")


@pytest.mark.parametrize("purpose", ["page", "source"])
def test_verify_sees_other_bytes_under_either_body(
    conn: Connection, server: Server, tmp_path: Path, purpose: str
) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    read(conn, server)
    (key,) = rows(conn, f"SELECT payload_sha256 FROM fetches WHERE purpose = '{purpose}'")[0]
    (body,) = rows(conn, f"SELECT body FROM payloads WHERE sha256 = '{key}'")[0]
    other = zlib.decompress(body).replace(b"wrongly", b"rightly")
    conn.execute("SET session_replication_role = replica")
    conn.execute("UPDATE payloads SET body = %s WHERE sha256 = %s", (zlib.compress(other), key))
    found = {mismatch.kind for mismatch in verified(conn, 2).mismatches}
    assert found == {"body", "record"}


def test_a_version_with_anothers_words_does_not_pass(conn: Connection, server: Server, tmp_path: Path) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    read(conn, server)
    conn.execute("SET session_replication_role = replica")
    conn.execute("""UPDATE record_versions SET text = replace(text, 'March', 'April'), text_sha256 =
                    encode(sha256(convert_to(replace(text, 'March', 'April'), 'UTF8')), 'hex') WHERE number = 2""")
    (mismatch,) = verified(conn, 2).mismatches
    assert (mismatch.kind, mismatch.where["column"]) == ("record", "text")
    assert "March" in mismatch.expected and "April" in mismatch.found


LONG = f"{WORDS} {MORE} " * 4


def test_what_is_asked_follows_the_setting(conn: Connection, server: Server, tmp_path: Path) -> None:
    items = (recent("a", "A ministry's chatbot erred", TEASER), recent("b", "A chatbot, in full", LONG))
    for name in ("a", "b"):
        server.routes[f"/{name}"] = page("A chatbot", LONG, WORDS, MORE, "And even more than the feed had to say. " * 9)
    feed(conn, server, tmp_path, None, *items)
    read(conn, server)
    assert pages_asked(server) == []
    feed(conn, server, tmp_path, "never", *items)
    read(conn, server, hours=2)
    assert pages_asked(server) == []
    feed(conn, server, tmp_path, "auto", *items)
    read(conn, server, hours=4)
    assert pages_asked(server) == ["/a"]
    feed(conn, server, tmp_path, "always", *items)
    read(conn, server, hours=6)
    assert pages_asked(server) == ["/a", "/b"]


def test_off_topic_old_and_pathless_items_are_left_alone(conn: Connection, server: Server, tmp_path: Path) -> None:
    old = item("old", "A chatbot erred", TEASER, date="Mon, 01 Jun 2026 10:00:00 GMT")
    off = recent("off", "Dinner was lovely", "A short note on the soup that was served…")
    conversation = recent("talk", "A chatbot erred", TEASER, link="https://www.reddit.com/r/x/comments/1/")
    feed(conn, server, tmp_path, "always", old, off, conversation)
    read(conn, server)
    assert pages_asked(server) == []
    assert len(texts(conn)) == 3


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        (page("Sign in", "Please sign in to your account to continue reading this article. " * 8), None),
        ((404, {}, b"gone"), "http_4xx"),
        ((200, {"Content-Type": "application/pdf"}, b"%PDF"), "not_html"),
        ((302, {"Location": "http://10.0.0.7/a"}, b""), "refused_address"),
    ],
)
def test_a_page_that_does_not_hold_the_article_changes_nothing(
    conn: Connection, server: Server, tmp_path: Path, answer: Any, error_class: str | None
) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = answer
    assert read(conn, server).failed == 0
    assert [number for _name, number, _text in texts(conn)] == [1]
    assert rows(conn, "SELECT error_class FROM fetches WHERE purpose = 'page'") == [(error_class,)]
    read(conn, server, hours=2, run="r2")
    assert pages_asked(server) == ["/a"]


def test_robots_are_obeyed(conn: Connection, server: Server, tmp_path: Path) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    read(conn, server)
    assert pages_asked(server) == []
    assert rows(conn, "SELECT error_class FROM fetches WHERE purpose = 'page'") == [("robots",)]


@pytest.mark.parametrize(
    ("of_host", "of_run", "first"), [(2, 10, ["/b", "/c", "/d", "/e"]), (5, 3, ["/c", "/d", "/e"])]
)
def test_one_run_asks_few_pages_of_a_host_and_the_next_goes_on(
    conn: Connection,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of_host: int,
    of_run: int,
    first: Any,
) -> None:
    monkeypatch.setattr(full_text, "PAGES_PER_HOST", of_host)
    monkeypatch.setattr(full_text, "PAGES_PER_RUN", of_run)
    names = ["a", "b", "c", "d", "e"]
    hosts = dict.fromkeys(names, "daily.test") | {"d": "other.test", "e": "other.test"}
    items = [recent(name, f"Chatbot {name} erred", TEASER, link=f"http://{hosts[name]}/{name}") for name in names]
    for name in names:
        server.routes[f"/{name}"] = page(f"Chatbot {name} erred", WORDS, MORE)
    feed(conn, server, tmp_path, "auto", *items)
    read(conn, server)
    assert sorted(pages_asked(server)) == first  # the newest rows first
    read(conn, server, hours=2, run="r2")
    assert sorted(pages_asked(server)) == ["/a", "/b", "/c", "/d", "/e"]
    assert [number for _name, number, _text in texts(conn)] == [2] * 5


def test_an_edited_teaser_is_a_version_and_the_page_stays_what_it_was(
    conn: Connection, server: Server, tmp_path: Path
) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    read(conn, server)
    feed(conn, server, tmp_path, "auto", recent("a", "Audit: a ministry's chatbot erred", TEASER))
    read(conn, server, hours=2, run="r2")
    numbers = rows(conn, "SELECT number, title, text LIKE '%before the end%' FROM record_versions ORDER BY 1")
    assert numbers == [
        (1, "A ministry's chatbot erred", False),
        (2, "A ministry's chatbot erred", True),
        (3, "Audit: a ministry's chatbot erred", False),
        (4, "Audit: a ministry's chatbot erred", True),
    ]
    assert pages_asked(server) == ["/a"]
    assert verified(conn, 4).mismatches == []


def test_a_page_of_an_erased_article_is_not_asked_for(conn: Connection, server: Server, tmp_path: Path) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)
    keyed = Keyed.of(conn).hash("page", "http://daily.test/a")
    add_tombstone(conn, kind="page", platform="news", keyed_hash=keyed, cause="request", reason="asked", record_id=None,
                  now=NOW, run_id="r0", figures={})  # fmt: skip
    read(conn, server)
    assert pages_asked(server) == []
    assert [number for _name, number, _text in texts(conn)] == [1]


def test_a_run_killed_after_the_page_was_read_is_made_good_without_asking_again(
    conn: Connection, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(conn, server, tmp_path, "auto", recent("a", "A ministry's chatbot erred", TEASER))
    server.routes["/a"] = page("A ministry's chatbot erred", WORDS, MORE)

    def killed(*_arguments: Any, **_named: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(full_text, "save_page_text", killed)
        with pytest.raises(KeyboardInterrupt):
            read(conn, server)
    result = read(conn, server, run="r2")
    assert (result.attempted, pages_asked(server)) == (0, ["/a"])
    assert [number for _name, number, _text in texts(conn)] == [2]
    assert result.days[DAY].changed and verified(conn, 2).mismatches == []


def test_a_page_fits_when_it_goes_on_in_the_teasers_words() -> None:
    teaser, body = "Regulators fined the chatbot maker twice", WORDS + MORE + MORE
    assert not fits(teaser, body, "A fine")
    assert fits(TEASER, body, "")
    assert not fits(TEASER, TEASER + " and little more", "")
    assert fits("", body, "The ministry's chatbot answered wrongly")
    assert not fits("", body, "")
