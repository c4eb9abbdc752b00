"""A feed whose markup would cost a parser minutes or gigabytes is refused beforehand, and quickly; a real one passes."""

from __future__ import annotations

import time

import pytest

from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.ingest.rss import parse_feed
from aidran_pipeline.ingest.shape import DEEPEST, MOST_TAGS, check_shape

HEAD, TAIL = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>', "</channel></rss>"


def feed(inner: str) -> bytes:
    return (HEAD + inner + TAIL).encode()


def parse(body: bytes) -> int:
    return len(parse_feed(body, url="https://a.test/feed", content_type="text/xml", source={"id": "s"}))


@pytest.mark.parametrize(
    ("body", "error_class", "said"),
    [
        (feed("<a>" * 250_000), "malformed", "nested more than 200 deep"),
        (feed("<a b='>' c=\"/\">" * 1000), "malformed", "nested"),
        (feed("<a>" * 1000).decode().encode("utf-16"), "malformed", "nested"),
        (feed("<item><title>x</title><description>" + "word " * 2_000_000), "too_large", "bytes"),
        (feed("<item/>" * 20_000), "too_large", "20000 items"),
        (feed("<atom:entry />" * 20_000), "too_large", "20000 items"),
        (feed("<item>" + "<a/>" * MOST_TAGS + "</item>"), "too_large", "tags"),
        (feed("<item><title>x</title><description>" + "&lt;b&gt;" * MOST_TAGS + "</description></item>"), "too_large", "tags"),
        (feed("<item><description>" + "&#x3c;b>" * MOST_TAGS + "</description></item>"), "too_large", "tags"),
    ],
    ids=["nested", "nested attributes", "nested utf-16", "bytes", "items", "entries", "tags", "escaped", "references"],
)  # fmt: skip
def test_hostile_shapes_are_refused_within_a_second(body: bytes, error_class: str, said: str) -> None:
    started = time.process_time()
    with pytest.raises(NotParsable, match=said) as failure:
        parse(body)
    assert failure.value.error_class == error_class
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "inner",
    [
        "<item><title>x</title><description>" + "one<br>two<p>three<img src='a'>" * 2000 + "</description></item>",
        "<item><title>x</title><description><![CDATA[" + "<div>" * 5000 + "]]></description></item>",
        "<item><title>x</title><!--" + "<a>" * 5000 + "--></item>",
        ("<item><title>x</title><b><i><u></item>") * 3000,
        "<item><title>x</title>" + "<a>" * (DEEPEST - 10) + "</a>" * (DEEPEST - 10) + "</item>",
    ],
    ids=["open html", "cdata", "comment", "never closed", "deep enough"],
)
def test_clumsy_feeds_pass(inner: str) -> None:
    check_shape(feed(inner))


def test_a_feed_of_some_thousand_items_is_read() -> None:
    items = "".join(f"<item><guid>{n}</guid><title>Item {n}</title></item>" for n in range(1500))
    assert parse(feed(items)) == 1500
