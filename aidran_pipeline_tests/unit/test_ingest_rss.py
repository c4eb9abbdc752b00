"""Feeds into records: what is kept, what is refused, what is cut."""

from __future__ import annotations

import re
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord
from aidran_pipeline.ingest.plain import clean_text, cut_body, html_to_text, markdown_to_text, one_line
from aidran_pipeline.ingest.urls import bare_links, canonical_url, http_url
from aidran_pipeline_tests.ingest_server import item, rss

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SOURCE = {"id": "daily", "publisher": "The Daily Test", "config": {"url": "https://daily.test/feed"}}


def parse(body: bytes, content_type: str = "application/rss+xml") -> list[ParsedRecord]:
    return parse_body("rss", body, url="https://daily.test/feed", content_type=content_type, source=SOURCE)


def one(fragment: str) -> ParsedRecord:
    (found,) = parse(rss(fragment))
    return found


def test_an_item_becomes_a_record() -> None:
    record = one(
        item("a1", "AI &amp; chips", "<p>First &amp; only.</p><p>See <a href='/more?utm_source=x'>more</a>.</p>")
    )
    assert (record.native_id, record.title, record.body) == ("daily|a1", "AI & chips", "First & only.\n\nSee more.")
    assert record.text == "AI & chips\n\nFirst & only.\n\nSee more."
    assert record.published_at == datetime(2026, 7, 3, 10, tzinfo=UTC)
    assert [(link.kind, link.url) for link in record.links] == [
        ("self", "https://daily.test/a1"),
        ("body", "https://daily.test/more?utm_source=x"),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><title>Log in</title><form></form>", "not_a_feed"),
        (b"<html><body>x</body></html>", "not_a_feed"),
        (b"{}", "not_a_feed"),
        (b"just words", "not_a_feed"),
        (b"<a><b/></a>", "not_a_feed"),
        (b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "x">]><rss version="2.0"><channel/></rss>', "malformed"),
        ('<?xml version="1.0"?><!DOCTYPE r SYSTEM "file:///etc/passwd"><rss/>'.encode("utf-16"), "malformed"),
    ],
)
def test_what_is_no_feed_is_named_and_never_zero_items(body: bytes, kind: str) -> None:
    with pytest.raises(NotParsable) as caught:
        parse(body)
    assert caught.value.error_class == kind


def test_a_doctype_that_is_only_talked_about_is_fine() -> None:
    assert (
        one(
            "<item><title>On <![CDATA[<!DOCTYPE html>]]> today</title><guid isPermaLink='false'>1</guid></item>"
        ).native_id
        == "daily|1"
    )


def test_an_empty_feed_is_a_feed() -> None:
    assert parse(rss()) == []


@pytest.mark.parametrize("date", ["1700000000", "Mon, 01 Jan 0001 00:00:00 GMT", "yesterday", ""])
def test_absurd_dates_are_left_to_the_fetch_and_kept_raw(date: str) -> None:
    record = one(item("a", "A title here", date=date))
    assert record.published_at is None
    assert (record.published_raw or "") == date


def test_identity_is_guid_then_link_then_content() -> None:
    by_link = one("<item><title>T one</title><link>https://daily.test/x</link></item>")
    by_text = one("<item><title>Only a title</title></item>")
    assert by_link.native_id == "daily|https://daily.test/x"
    assert re.fullmatch(r"daily\|sha256:[0-9a-f]{64}", by_text.native_id)
    assert parse(rss("<item><title>Only a title</title></item>"))[0].native_id == by_text.native_id


def test_a_guid_used_for_two_pages_names_two_records() -> None:
    same = parse(
        rss(
            item("g", "New wording", link="https://daily.test/p"), item("g", "Old wording", link="https://daily.test/p")
        )
    )
    two = parse(
        rss(item("g", "One story", link="https://daily.test/p"), item("g", "Another", link="https://daily.test/q"))
    )
    assert [(record.native_id, record.title) for record in same] == [("daily|g", "New wording")]
    assert len({record.native_id for record in two}) == 2
    turned = parse(
        rss(item("g", "Another", link="https://daily.test/q"), item("g", "One story", link="https://daily.test/p"))
    )
    assert {record.native_id: record.title for record in two} == {record.native_id: record.title for record in turned}


def test_markup_in_titles_and_bodies_never_survives() -> None:
    record = one(
        "<item><guid isPermaLink='false'>1</guid><title>&lt;script&gt;alert(1)&lt;/script&gt;Chips &lt;b&gt;rise&lt;/b&gt; as List&lt;T&gt; falls</title>"
        "<link>javascript:alert(1)</link><description>&lt;style&gt;p{}&lt;/style&gt;&lt;p onclick='x'&gt;Body&lt;br&gt;line"
        "&lt;/p&gt;&lt;a href='javascript:x'&gt;j&lt;/a&gt;&lt;a href='//other.test/y'&gt;y&lt;/a&gt;</description></item>"
    )
    assert record.title == "Chips rise as List<T> falls"
    assert record.body == "Body\nline\n\njy"
    assert record.url == "https://daily.test/"
    assert [link.url for link in record.links] == ["https://other.test/y"]


@pytest.mark.parametrize(
    ("body", "kept", "cut"),
    [
        ("A whole sentence.", "A whole sentence.", False),
        ("It goes on and… [+123 chars]", "It goes on and…", True),
        ("It goes […]", "It goes […]", True),
        ("It goes on...", "It goes on...", True),
        ("It goes on. Read more", "It goes on.", True),
        ("It goes on. Continue reading →", "It goes on.", True),
        ("w" * 200, "w" * 200, True),
        ("w" * 199 + ".", "w" * 199 + ".", False),
        ("Facts. The post Facts appeared first on Blog.", "Facts.", False),
    ],
)
def test_cuts_of_the_source_are_seen(body: str, kept: str, cut: bool) -> None:
    assert cut_body(body) == (kept, cut)


def test_a_cut_title_is_marked_and_a_body_that_repeats_it_dropped() -> None:
    record = one(item("a", "Claude Code and China: The mechanism is...", "Claude Code and China: the mechanism is"))
    assert (record.title_truncated, record.body, record.body_truncated) == (True, None, False)


def test_text_is_clean_unicode() -> None:
    assert clean_text("e\u0301 a\x00b\ud800c\u202ed \r\n\r\n\r\n x\ufeff") == "é abcd\n\nx"
    assert one_line("  Two\n lines <br> here ") == "Two lines here"
    assert html_to_text("a<p>b</p><ul><li>c</li><li>d</li></ul>")[0] == "a\n\nb\n\nc\n\nd"


def test_reddit_markdown_becomes_plain_text() -> None:
    text, links = markdown_to_text(
        "# Head\n\n**Bold** and *it* [site](https://a.test/x_y) &amp; `code`\n\n&gt; quoted\n\n* one\n* two\n\nsnake_case 2*3*4"
    )
    assert text == "Head\n\nBold and it site & code\n\nquoted\n\none\ntwo\n\nsnake_case 2*3*4"
    assert links == ["https://a.test/x_y"]


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://a.test/x", "https://a.test/x"),
        ("HTTP://A.test:80/x", "http://a.test/x"),
        ("/p", "https://daily.test/p"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://u:p@a.test/", None),
        ("https://", None),
        ("https://a.test:99999/", None),
        ("java\nscript:alert(1)", None),
        (" https://a.test/a b ", "https://a.test/a%20b"),
        ("https://münchen.test/ä", "https://xn--mnchen-3ya.test/%C3%A4"),
        ("https://a.test/" + "x" * 3000, None),
    ],
)
def test_only_web_addresses_are_links(link: str, kept: str | None) -> None:
    assert http_url(link, "https://daily.test/feed") == kept


def test_tracking_does_not_make_another_page() -> None:
    assert canonical_url("https://a.test/x?utm_source=rss&id=7&fbclid=1#top") == "https://a.test/x?id=7"
    assert canonical_url("https://a.test") == "https://a.test/"
    assert canonical_url("https://a.test/x?b=%20y&a=1") == "https://a.test/x?b=%20y&a=1"
    assert bare_links("see https://a.test/x_(y). and (https://b.test/z), ok") == [
        "https://a.test/x_(y)",
        "https://b.test/z",
    ]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_markup_gives_storable_text(markup: str) -> None:
    text, links = html_to_text(markup)
    assert "\x00" not in text
    text.encode("utf-8")
    assert text == clean_text(text)
    assert all(link.startswith(("http://", "https://")) for link in links)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_records_or_a_named_failure(noise: bytes) -> None:
    for kind in ("rss", "reddit"):
        for body in (noise, rss(item("a", "Title", "Body"))[:200] + noise):
            try:
                parse_body(kind, body, url="https://daily.test/feed", content_type=None, source=SOURCE)
            except NotParsable:
                continue


def test_recorded_feeds_of_small_sites() -> None:
    archive = SHARED / "feeds" / "fastfeedparser_smallweb_feeds.tar.gz"
    if not archive.exists():
        pytest.skip(f"recorded feeds are not at {archive}")
    read, items = 0, 0
    with tarfile.open(archive) as feeds:
        for member in feeds.getmembers()[:30]:
            stream = feeds.extractfile(member) if member.isfile() and member.size < 150_000 else None
            if stream is None:
                continue
            body = stream.read()
            try:
                found = parse(body)
            except NotParsable:
                continue
            assert found == parse(body)
            assert len({record.native_id for record in found}) == len(found)
            assert all(record.text and "\x00" not in record.text for record in found)
            read, items = read + 1, items + len(found)
    assert read >= 10
    assert items >= 100


@pytest.mark.parametrize("name", ["iso-8859-1.xml", "windows-1252.xml", "koi8r.xml", "utf8.xml"])
def test_recorded_encodings(name: str) -> None:
    path = SHARED / "feeds" / "miniflux_encoding" / name
    if not path.exists():
        pytest.skip(f"recorded encodings are not at {path}")
    try:
        found = parse(path.read_bytes(), "text/xml")
    except NotParsable as refused:
        assert refused.error_class in ("malformed", "not_a_feed")  # some of the recorded files carry a document type
        return
    assert all("\ufffd" not in record.text for record in found)
