"""What is kept of a stream's events, and what records it makes; the recorded corpus, whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.ingest import parse_body
from aidran_pipeline.ingest.jetstream import Sieve, about, micros_of, moment_of, parse_stream, withdrawals
from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.text.terms import Matcher, stems_of
from aidran_pipeline_tests.jetstream_server import DID, account, event
from benchmarks.texts import sample_texts

URI = f"at://{DID}/app.bsky.feed.post/"


def drained(*events: bytes, **options: Any) -> Sieve:
    sieve = Sieve(**{"wants": lambda text: "AI" in text, **options})
    for raw in events:
        sieve.take(raw)
    return sieve


def parsed(sieve: Sieve) -> list[Any]:
    return parse_body("bluesky_jetstream", sieve.body(), url="ws://x.test/", content_type=None, source={"id": "s"})


def test_only_posts_on_topic_are_kept_byte_for_byte() -> None:
    wanted = event(10, "create", "a", "AI is here")
    sieve = drained(wanted, event(11, "create", "b", "Dinner"), b'{"kind":"commit","time_us":12,"did":"x"}', b"broken")
    assert list(sieve.kept.values()) == [wanted]
    assert (sieve.events, sieve.broken, sieve.first_us, sieve.last_us) == (4, 1, 10, 12)
    assert sieve.body().splitlines()[1] == wanted
    (record,) = parsed(sieve)
    assert (record.native_id, record.text, record.author_key) == (URI + "a", "AI is here", DID)
    assert record.url == f"https://bsky.app/profile/{DID}/post/a"
    assert record.declared_lang == "en"


def test_the_last_wording_of_a_drain_stands_and_what_came_and_went_leaves_no_trace() -> None:
    sieve = drained(
        event(10, "create", "a", "AI one"),
        event(11, "create", "gone", "AI soon gone"),
        event(12, "update", "a", "Edited, off topic now"),
        event(13, "delete", "gone"),
    )
    assert [record.text for record in parsed(sieve)] == ["Edited, off topic now"]
    assert b"gone" not in sieve.body()
    assert withdrawals(sieve.body()) == []
    assert sieve.kept_bytes == sum(map(len, sieve.kept.values()))


def test_edits_deletions_and_accounts_of_what_is_stored_are_kept_others_not() -> None:
    known = {"posts": {URI + "a", URI + "b"}, "authors": {DID}}
    other = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"
    sieve = drained(
        event(10, "create", "a", "AI again, a replay"),
        event(11, "update", "a", "Edited"),
        event(12, "delete", "b"),
        event(13, "delete", "never-seen"),
        account(14, "takendown"),
        account(15, "deleted", did=other),
        **known,
    )
    assert [record.text for record in parsed(sieve)] == ["Edited"]
    assert withdrawals(sieve.body()) == [
        ("post", URI + "b", "deleted", moment_of(12)),
        ("account", DID, "takendown", moment_of(14)),
    ]
    back = drained(account(14, "takendown"), account(16, None), **known)
    assert withdrawals(back.body()) == [("account", DID, "active", moment_of(16))]
    odd = drained(account(14, "eaten by a bear"), **known)
    assert withdrawals(odd.body())[0][2] == "other"


def test_events_up_to_the_cursor_are_replays() -> None:
    sieve = drained(event(10, "create", "a", "AI"), event(11, "create", "b", "AI too"), after=10)
    assert (sieve.replayed, [record.native_id for record in parsed(sieve)]) == (1, [URI + "b"])


def test_the_earlier_date_counts_and_marks_of_the_author_are_obeyed() -> None:
    late = micros_of(datetime(2026, 7, 5, 12, tzinfo=UTC))
    early = micros_of(datetime(2026, 7, 5, 10, tzinfo=UTC))
    hidden = {"labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no-unauthenticated"}]}}
    found = parsed(
        drained(
            event(early, "create", "b", "AI"),
            event(late, "create", "a", "AI"),
            event(late, "create", "h", "AI", **hidden),
        )
    )
    assert [(record.native_id[-1], record.published_at.hour) for record in found] == [("b", 10), ("a", 11)]


def test_links_of_facets_and_cards() -> None:
    facet = {"features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.test/full"}], "index": {}}
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://card.test/", "title": "AI in a card"}}
    bad = {"features": [{"uri": "javascript:alert(1)"}, 7], "index": {}}
    (record,) = parsed(drained(event(1, "create", "a", "See a.test/fu…", facets=[facet, bad, 3], embed=card)))
    assert [(link.kind, link.url) for link in record.links] == [
        ("body", "https://a.test/full"),
        ("card", "https://card.test/"),
    ]


def test_on_topic_is_what_analysis_calls_so() -> None:
    wants = about(load_topics().relevance)
    assert wants("OpenAI released a new language model")
    assert wants("Their chatbots hallucinate")
    assert not wants("The model walked down the runway")
    assert not wants("Dinner was lovely")
    assert not wants("")


def test_the_quick_look_before_stemming_loses_nothing() -> None:
    relevance = load_topics().relevance
    wants, strong, weak = about(relevance), Matcher.of(relevance.strong), Matcher.of(relevance.weak)
    terms = [*relevance.strong, *relevance.weak]
    texts = [*terms, *sample_texts(), *(f"{a.upper()}, {b}s" for a, b in zip(terms, reversed(terms), strict=True))]
    different = [t for t in texts if wants(t) != (strong.total(stems_of(t)) + weak.total(stems_of(t)) >= 1.0)]
    assert different == []
    assert 100 < sum(map(wants, texts)) < len(texts)


@given(st.binary(max_size=300))
def test_any_bytes_are_counted_and_never_raise(noise: bytes) -> None:
    sieve = drained(noise, b'"app.bsky.feed.post"' + noise, b'{"time_us":5,"kind":"account",' + noise)
    assert sieve.events == 3
    try:
        parse_stream(noise, url="", content_type=None, source={})
    except NotParsable as refused:
        assert refused.error_class in ("malformed", "not_a_feed")


def test_the_recorded_corpus_gives_exactly_its_posts_updates_and_deletes(shared_data: Path) -> None:
    lines = (shared_data / "data" / "bluesky" / "jetstream_corpus" / "expected_v1.jsonl").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    posts = [e for e in events if e["kind"] == "commit" and e["commit"]["collection"] == "app.bsky.feed.post"]
    deleted = {
        f"at://{e['did']}/app.bsky.feed.post/{e['commit']['rkey']}"
        for e in posts
        if e["commit"]["operation"] == "delete"
    }
    accounts = [e["did"] for e in events if e["kind"] == "account"]
    assert (len(events), len(posts), len(deleted), len(accounts)) == (152, 18, 1, 1)
    sieve = drained(*lines, wants=lambda _text: True, posts=deleted, authors=set(accounts))
    assert (sieve.events, sieve.broken) == (152, 0)
    found = {record.native_id: record.text for record in parsed(sieve)}
    with_words = {
        f"at://{e['did']}/app.bsky.feed.post/{e['commit']['rkey']}": e["commit"]["record"]["text"].strip()
        for e in posts
        if e["commit"]["operation"] == "create" and e["commit"]["record"]["text"].strip()
    }
    assert found.keys() == with_words.keys() and len(found) >= 15
    assert all(" ".join(found[uri].split()) == " ".join(text.split()) for uri, text in with_words.items())
    gone = withdrawals(sieve.body())
    assert {target for kind, target, *_ in gone if kind == "post"} == deleted
    assert [(target, status) for kind, target, status, _ in gone if kind == "account"] == [(accounts[0], "active")]


def test_recorded_golden_lines(shared_data: Path) -> None:
    lines = (shared_data / "data" / "bluesky" / "jetstream_golden" / "golden_v1.jsonl").read_bytes().splitlines()
    sieve = drained(*lines, wants=lambda _text: True)
    assert (sieve.events, sieve.broken, len(parsed(sieve))) == (10, 0, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"x": 1}\n', b'{"aidran_jetstream": {}}\nnot json'])
def test_another_body_is_named(body: bytes) -> None:
    with pytest.raises(NotParsable):
        parse_stream(body, url="", content_type=None, source={})
