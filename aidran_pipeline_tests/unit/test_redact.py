"""Bodies cut for erasure: what is left parses into exactly the other records; what cannot be cut so goes whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.redact import redacted, without_cards
from aidran_pipeline_tests.ingest_server import item, rss

SOURCE: dict[str, Any] = {"id": "s", "publisher": "P", "config": {"subreddit": "x"}}
WHERE = {"url": "https://feed.test/a.xml", "content_type": "application/xml", "source": SOURCE}
DID = "did:plc:abcdefghijklmnopqrstuv"


def names(kind: str, body: bytes) -> dict[str, Any]:
    return {record.locator: record for record in parse_body(kind, body, **WHERE)}


def cut(kind: str, body: bytes, *gone: str) -> bytes:
    """The copy, held to the rule of every copy: the other records are as they were."""
    before, copy = names(kind, body), redacted(kind, body, gone, **WHERE)
    if copy:
        assert names(kind, copy) == {name: record for name, record in before.items() if name not in gone}
    return copy


def feed(*items: str) -> bytes:
    return rss(*items, title="P", link="https://feed.test/")


def news(guid: str, words: str) -> str:
    return item(guid, f"{words} in the title", f"<p>{words} in the text</p>", date="Wed, 20 May 2026 09:00:00 GMT",
                link=f"https://feed.test/{guid}")  # fmt: skip


def test_an_item_leaves_its_feed_with_every_word() -> None:
    copy = cut("rss", feed(news("a", "Keep the first"), news("b", "Zebra crossing"), news("c", "Keep the last")), "s|b")
    assert b"Zebra" not in copy
    assert b"feed.test/b" not in copy
    assert list(names("rss", copy)) == ["s|a", "s|c"]


def test_the_only_item_of_a_feed_takes_the_body_with_it() -> None:
    assert cut("rss", feed(news("b", "Zebra crossing")), "s|b") == b""


def test_items_that_share_a_guid_cannot_be_told_apart_without_renaming_one() -> None:
    first = item("g", "Zebra one", "x", date="Wed, 20 May 2026 09:00:00 GMT", link="https://feed.test/1")
    other = item("g", "Other two", "y", date="Wed, 20 May 2026 09:00:00 GMT", link="https://feed.test/2")
    body = feed(first, other)
    gone = next(name for name, record in names("rss", body).items() if record.title == "Zebra one")
    assert redacted("rss", body, [gone], **WHERE) == b""


def test_an_atom_entry_with_a_prefix_and_cdata_is_cut() -> None:
    body = (
        b'<?xml version="1.0"?><a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>P</a:title>'
        b"<a:entry><a:id>one</a:id><a:title>Zebra</a:title><a:content><![CDATA[Zebra words]]></a:content></a:entry>"
        b"<a:entry><a:id>two</a:id><a:title>Stays here</a:title></a:entry></a:feed>"
    )
    copy = cut("rss", body, "s|one")
    assert b"Zebra" not in copy and b"Stays here" in copy


def test_a_body_that_is_no_feed_any_more_goes_whole() -> None:
    assert redacted("rss", b"<html><body>Zebra", ["s|b"], **WHERE) == b""
    assert redacted("reddit", b'{"Zebra": 1}', ["t3_b"], **WHERE) == b""


def thing(kind: str, name: str, words: str, **more: Any) -> dict[str, Any]:
    data = {"name": name, "author": f"user_{words.lower()}", "subreddit": "x", "created_utc": 1779000000.0, "score": 3,
            "permalink": f"/r/x/comments/{name[3:]}/"} | more  # fmt: skip
    data |= {"title": f"{words} title", "selftext": f"{words} text", "is_self": True} if kind == "t3" else {
        "body": f"{words} comment", "link_id": "t3_a", "parent_id": "t3_a"}  # fmt: skip
    return {"kind": kind, "data": data | more}


def listed(*children: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": None, "children": list(children)}}


def test_a_post_leaves_its_listing() -> None:
    copy = cut("reddit", json.dumps(listed(thing("t3", "t3_a", "Kept"), thing("t3", "t3_b", "Zebra"))).encode(), "t3_b")
    assert b"ebra" not in copy
    assert list(names("reddit", copy)) == ["t3_a"]


def test_a_comment_leaves_its_thread_and_the_answers_to_it_stay() -> None:
    answer = thing("t1", "t1_c", "Answer", parent_id="t1_b")
    thread = [listed(thing("t3", "t3_a", "Kept")), listed(thing("t1", "t1_b", "Zebra", replies=listed(answer)))]
    body = json.dumps(thread).encode()
    assert set(names("reddit", body)) == {"t3_a", "t1_b", "t1_c"}
    copy = cut("reddit", body, "t1_b")
    assert b"ebra" not in copy
    assert set(names("reddit", copy)) == {"t3_a", "t1_c"}


def post(key: str, words: str, **more: Any) -> dict[str, Any]:
    stamp = "2026-05-20T09:00:00.000Z"
    return {
        "uri": f"at://{DID}/app.bsky.feed.post/{key}",
        "cid": "bafyreifmoalth6n2byajjbvavazwh4u7ueczow2zz47z45zdzsuum7f3ve",
        "author": {"did": DID, "handle": f"{key}.sample.test", "labels": []},
        "record": {"$type": "app.bsky.feed.post", "text": words, "createdAt": stamp, "langs": ["en"]} | more,
        "indexedAt": stamp, "labels": [],
    }  # fmt: skip


def test_a_post_leaves_a_search_and_the_post_that_quotes_it() -> None:
    quoted = {
        "$type": "app.bsky.embed.record#view",
        "record": {
            "$type": "app.bsky.embed.record#viewRecord", "uri": f"at://{DID}/app.bsky.feed.post/b",
            "cid": "bafyreifmoalth6n2byajjbvavazwh4u7ueczow2zz47z45zdzsuum7f3ve",
            "author": {"did": DID, "handle": "b.sample.test"}, "indexedAt": "2026-05-20T09:00:00.000Z",
            "value": {"$type": "app.bsky.feed.post", "text": "Zebra said", "createdAt": "2026-05-20T09:00:00.000Z"},
        },
    }  # fmt: skip
    quoting = post("a", "Look at this") | {"embed": quoted}
    body = json.dumps({"posts": [quoting, post("b", "Zebra said")]}).encode()
    assert len(names("bluesky_search", body)) == 2
    copy = cut("bluesky_search", body, f"at://{DID}/app.bsky.feed.post/b")
    assert b"Zebra" not in copy
    assert list(names("bluesky_search", copy)) == [f"at://{DID}/app.bsky.feed.post/a"]


def event(key: str, words: str, **record: Any) -> bytes:
    commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": key, "record": {
        "$type": "app.bsky.feed.post", "text": words, "createdAt": "2026-05-20T09:00:00.000Z", **record}}  # fmt: skip
    return json.dumps({"did": DID, "time_us": 1779267600000000, "kind": "commit", "commit": commit}).encode()


def test_an_event_leaves_a_drained_stream() -> None:
    body = (
        b"\n".join([b'{"aidran_jetstream": {"events": 2}}', event("a", "Kept words"), event("b", "Zebra words")])
        + b"\n"
    )
    copy = cut("bluesky_jetstream", body, f"at://{DID}/app.bsky.feed.post/b")
    assert b"Zebra" not in copy and b"Kept words" in copy


def card(address: str) -> dict[str, Any]:
    return {
        "$type": "app.bsky.embed.external",
        "external": {"uri": address, "title": "Zebra title", "description": "Zebra"},
    }


@pytest.mark.parametrize("kind", ["bluesky_search", "bluesky_jetstream"])
def test_a_preview_of_an_erased_article_leaves_the_post_that_shows_it(kind: str) -> None:
    gone, stays = "https://feed.test/b", "https://feed.test/c"
    if kind == "bluesky_search":
        posts = [post("a", f"See {gone}", embed=card(gone)), post("c", f"See {stays}", embed=card(stays))]
        body = json.dumps({"posts": posts}).encode()
    else:
        lines = [event("a", f"See {gone}", embed=card(gone)), event("c", f"See {stays}", embed=card(stays))]
        body = b"\n".join([b'{"aidran_jetstream": {"events": 2}}', *lines]) + b"\n"
    copy = without_cards(kind, body, [gone], **WHERE)
    assert copy.count(b"Zebra") == body.count(b"Zebra") // 2
    assert names(kind, copy) == names(kind, body)
