"""Reddit and Bluesky bodies into records."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def reddit(*posts: dict[str, Any]) -> list[ParsedRecord]:
    body = json.dumps(
        {"kind": "Listing", "data": {"after": None, "children": [{"kind": "t3", "data": p} for p in posts]}}
    )
    return parse_body(
        "reddit", body.encode(), url="https://oauth.reddit.com/r/x/new.json", content_type=None, source={"id": "r"}
    )


def post(**changes: Any) -> dict[str, Any]:
    plain = {
        "name": "t3_abc",
        "title": "A title",
        "selftext": "Body **text** [here](https://a.test/)",
        "author": "Some_One",
        "subreddit": "LocalLLaMA",
        "permalink": "/r/LocalLLaMA/comments/abc/a_title/",
        "created_utc": 1783072800.0,
        "score": 12,
        "num_comments": 3,
        "is_self": True,
        "over_18": False,
    }
    return plain | changes


def test_a_reddit_post_becomes_a_record() -> None:
    (record,) = reddit(post())
    assert (record.native_id, record.author_name, record.author_key) == ("t3_abc", "Some_One", "some_one")
    assert (record.title, record.body, record.community) == ("A title", "Body text here", "LocalLLaMA")
    assert record.url == "https://www.reddit.com/r/LocalLLaMA/comments/abc/a_title/"
    assert record.published_at == datetime(2026, 7, 3, 10, tzinfo=UTC)
    assert record.metrics == {"score": 12, "comments": 3}
    assert [(link.kind, link.url) for link in record.links] == [("body", "https://a.test/")]


def test_a_link_post_carries_its_card() -> None:
    (record,) = reddit(post(is_self=False, selftext="", url="https://news.test/story?id=1"))
    assert [(link.kind, link.url) for link in record.links] == [("card", "https://news.test/story?id=1")]


@pytest.mark.parametrize(
    "changes",
    [
        {"selftext": "[removed]"},
        {"selftext": "[deleted]"},
        {"title": "[ Removed by Reddit ]"},
        {"author": "[deleted]"},
        {"removed_by_category": "moderator"},
        {"over_18": True},
        {"quarantine": True},
        {"name": "t1_abc"},
        {"title": ""},
        {"title": None},
        {"name": "t3_../x"},
    ],
)
def test_withheld_posts_stay_away(changes: dict[str, Any]) -> None:
    assert reddit(post(**changes), post(name="t3_kept"))[0].native_id == "t3_kept"
    assert len(reddit(post(**changes), post(name="t3_kept"))) == 1


@pytest.mark.parametrize(
    "body", [b"<html>log in</html>", b'{"message": "Forbidden"}', b'{"data": {"children": 7}}', b"[1", b"[]"]
)
def test_what_is_no_listing_is_named(body: bytes) -> None:
    for kind in ("reddit", "bluesky_search"):
        with pytest.raises(NotParsable):
            parse_body(kind, body, url="https://x.test/", content_type=None, source={"id": "r"})


def test_odd_values_of_a_listing_break_nothing() -> None:
    (record,) = reddit(post(created_utc="soon", score="many", num_comments=2**40, selftext=None, author=7))
    assert (record.published_at, record.metrics, record.body, record.author_name) == (None, {}, None, None)


def test_recorded_reddit_listing() -> None:
    path = SHARED / "reddit_api" / "TestSubredditListings.test_new.json.gz"
    if not path.exists():
        pytest.skip(f"recorded listings are not at {path}")
    exchanges = json.loads(gzip.decompress(path.read_bytes()))
    listed = [e["body"] for e in exchanges if isinstance(e.get("body"), dict) and e["body"].get("kind") == "Listing"]
    body = json.dumps(listed[0]).encode()
    found = parse_body("reddit", body, url="https://oauth.reddit.com/", content_type=None, source={"id": "r"})
    assert len(found) >= 80
    assert all(record.native_id.startswith("t3_") and record.community == "AskReddit" for record in found)


def test_recorded_reddit_atom_gives_the_same_identity() -> None:
    path = SHARED / "reddit_rss" / "localllama_new_2026-07-11.atom"
    if not path.exists():
        pytest.skip(f"the recorded feed is not at {path}")
    source = {"id": "r", "config": {"subreddit": "LocalLLaMA"}}
    found = parse_body(
        "reddit",
        path.read_bytes(),
        url="https://www.reddit.com/r/LocalLLaMA/new/.rss",
        content_type=None,
        source=source,
    )
    assert found
    assert all(record.native_id.startswith("t3_") and record.community == "LocalLLaMA" for record in found)
    assert not any("submitted by" in record.text or "/u/" in (record.author_name or "") for record in found)


def view(text: str = "Chips are 30 % cooler 🧊 https://a.test/x", **changes: Any) -> dict[str, Any]:
    did = "did:plc:abcdefghijklmnopqrstuvwx"
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-07-03T10:00:00.000Z", "langs": ["en"]}
    plain = {
        "uri": f"at://{did}/app.bsky.feed.post/3abc",
        "cid": "bafyreifmoalth6n2byajjbvavazwh4u7ueczow2zz47z45zdzsuum7f3ve",
        "author": {"did": did, "handle": "Reader.Test", "displayName": "A\nReader", "labels": []},
        "record": record,
        "likeCount": 5,
        "repostCount": 1,
        "replyCount": 0,
        "quoteCount": 2,
        "indexedAt": "2026-07-03T10:00:05.000Z",
        "labels": [],
    }
    for key, value in changes.items():
        (record if key in ("facets", "embed", "langs", "createdAt") else plain)[key] = value
    return plain


def bluesky(*views: Any) -> list[ParsedRecord]:
    body = json.dumps({"posts": list(views)}).encode()
    return parse_body("bluesky_search", body, url="https://bsky.social/xrpc/x", content_type=None, source={"id": "b"})


def test_a_bluesky_post_becomes_a_record() -> None:
    (record,) = bluesky(view())
    assert record.native_id == "at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3abc"
    assert record.url == "https://bsky.app/profile/reader.test/post/3abc"
    assert (record.author_name, record.author_key) == ("A Reader", "did:plc:abcdefghijklmnopqrstuvwx")
    assert (record.title, record.body, record.declared_lang) == (
        None,
        "Chips are 30 % cooler 🧊 https://a.test/x",
        "en",
    )
    assert record.published_at == datetime(2026, 7, 3, 10, tzinfo=UTC)
    assert record.metrics == {"likes": 5, "reposts": 1, "replies": 0, "quotes": 2}
    assert [(link.kind, link.url) for link in record.links] == [("body", "https://a.test/x")]


def test_a_server_that_allows_long_posts_is_read_whole() -> None:
    (record,) = bluesky(view("A long comment. " * 400))
    assert len(record.text) > 6000


def test_the_earlier_of_both_dates_counts() -> None:
    (claimed_later,) = bluesky(view(createdAt="2099-01-01T00:00:00Z"))
    assert claimed_later.published_at == datetime(2026, 7, 3, 10, 0, 5, tzinfo=UTC)


def test_links_come_from_facets_and_cards() -> None:
    facet = {
        "index": {"byteStart": 0, "byteEnd": 5},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.test/long/path"}],
    }
    bad = {
        "index": {"byteStart": 0, "byteEnd": 5},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "javascript:alert(1)"}],
    }
    embed = {
        "$type": "app.bsky.embed.external",
        "external": {"uri": "https://card.test/", "title": "t", "description": "d"},
    }
    (record,) = bluesky(view("See a.test/long…", facets=[facet, bad], embed=embed))
    assert [(link.kind, link.url) for link in record.links] == [
        ("body", "https://a.test/long/path"),
        ("card", "https://card.test/"),
    ]


@pytest.mark.parametrize("label", ["!no-unauthenticated", "!hide", "porn"])
def test_posts_that_must_not_be_shown_stay_away(label: str) -> None:
    mark = {
        "src": "did:plc:abcdefghijklmnopqrstuvwx",
        "uri": "did:plc:abcdefghijklmnopqrstuvwx",
        "val": label,
        "cts": "2024-01-01T00:00:00Z",
    }
    author = view()["author"] | {"labels": [mark]}
    assert bluesky(view(author=author)) == []
    assert len(bluesky(view(author=author | {"labels": [mark | {"neg": True}]}))) == 1


def test_a_broken_post_does_not_take_the_page_with_it() -> None:
    broken = [
        None,
        7,
        {},
        view(uri="at://x/y"),
        view(uri="https://evil.test/"),
        view(record={"$type": "app.bsky.feed.like"}),
        view("  "),
    ]
    assert len(bluesky(*broken, view())) == 1


@pytest.mark.parametrize("name", ["0e3ec", "b1263", "bb16d"])
def test_recorded_bluesky_searches(name: str) -> None:
    path = SHARED / "bluesky" / "atrrr_json" / f"app.bsky.feed.searchPosts_{name}.json"
    if not path.exists():
        pytest.skip(f"recorded searches are not at {path}")
    body = path.read_bytes()
    recorded = json.loads(body)
    if not isinstance(recorded, dict) or "posts" not in recorded:
        with pytest.raises(NotParsable):
            parse_body("bluesky_search", body, url="https://x.test/", content_type=None, source={"id": "b"})
        return
    found = parse_body("bluesky_search", body, url="https://x.test/", content_type=None, source={"id": "b"})
    worded = {p["uri"] for p in recorded["posts"] if p["record"]["text"].strip()}
    private = {
        p["uri"]
        for p in recorded["posts"]
        if any(mark["val"] == "!no-unauthenticated" for mark in p["author"]["labels"])
    }
    assert {record.native_id for record in found} == worded - private
