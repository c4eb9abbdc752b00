"""feedparser's own cases: every expectation that concerns a stored field holds, and a case can fail."""

from __future__ import annotations

from pathlib import Path

from aidran_pipeline.ingest.rss import parse_feed
from benchmarks.feedcases import Tally, judge, run

CASE = b"""<!--
Description: made up
Expect:      not bozo and entries[0]['title'] == 'Right' and entries[0]['link'] == 'http://a.test/x' and entries[0]['rights'] == 'c'
-->
<rss version="2.0"><channel><item><title>%s</title><link>http://a.test/x</link></item></channel></rss>"""


def test_a_case_is_judged_expectation_by_expectation() -> None:
    good, bad = Tally(), Tally()
    judge("a.xml", CASE % b"Right", good)
    judge("a.xml", CASE % b"Wrong", bad)
    assert (good.held, good.missed, good.share) == (2, [], 1.0)
    assert (bad.held, len(bad.missed), bad.share) == (1, 1, 0.5)
    assert "title is 'Wrong', expected 'Right'" in bad.missed[0]
    assert good.left["of an item, not stored: rights"] == 1


def test_recorded_cases(shared_data: Path) -> None:
    tally = run(shared_data / "data" / "feeds" / "feedparser_tests.tar.gz")
    assert tally.missed == []
    assert tally.held >= 850, "the expectations on stored fields were read"
    assert sum(tally.left.values()) + tally.held > 3500


def atom(entry: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry>{entry}</entry></feed>'.encode()


def test_an_identity_does_not_depend_on_where_the_feed_was_fetched() -> None:
    body = atom("<id>post-7</id><title>Seven</title><link href='/seven'/>")
    items = [
        parse_feed(body, url=f"https://{host}/feed", content_type=None, source={"id": "s"})[0]
        for host in ("a.test", "b.test")
    ]
    assert [item.native_id for item in items] == ["s|post-7", "s|post-7"]
    assert [item.url for item in items] == ["https://a.test/seven", "https://b.test/seven"]


def test_an_enclosure_is_not_the_item_s_page() -> None:
    body = (
        b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>t</title>'
        b'<link rel="alternate">http://a.test/page</link><link rel="enclosure">http://a.test/sound</link></entry></feed>'
    )
    assert parse_feed(body, url="http://a.test/f", content_type=None, source={"id": "s"})[0].url == "http://a.test/page"


def test_links_in_a_text_are_completed_with_its_own_base() -> None:
    body = atom(
        "<id>1</id><title>t</title><content type='html' xml:base='https://deep.test/dir/'>"
        "&lt;p&gt;Words and a &lt;a href='page'&gt;link&lt;/a&gt;.&lt;/p&gt;</content>"
    )
    item = parse_feed(body, url="https://a.test/feed", content_type=None, source={"id": "s"})[0]
    assert [link.url for link in item.links] == ["https://deep.test/dir/page"]


def test_the_first_date_that_can_be_believed_counts() -> None:
    dates = "<published>0001-01-01T00:00:00Z</published><updated>2026-05-01T10:00:00Z</updated>"
    item = parse_feed(
        atom(f"<id>1</id><title>t</title>{dates}"), url="https://a.test/", content_type=None, source={"id": "s"}
    )[0]
    assert (str(item.published_at), item.published_raw) == ("2026-05-01 10:00:00+00:00", "2026-05-01T10:00:00Z")


def test_an_unclosed_object_swallows_nothing() -> None:
    body = atom("<id>1</id><title>t</title><content type='html'>&lt;object data='x'&gt;All of it stays.</content>")
    item = parse_feed(body, url="https://a.test/", content_type=None, source={"id": "s"})[0]
    assert item.body == "All of it stays."
