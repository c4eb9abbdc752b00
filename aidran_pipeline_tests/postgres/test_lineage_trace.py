"""trace: the whole chain of each kind of citation, down to a hash that is computed, and what it says when it breaks."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.lineage import Trace, show_trace, trace
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.faults.clean_story import DAY, TEXTS
from aidran_pipeline_tests.ingest_server import serving
from aidran_pipeline_tests.lineage_scene import Scene
from aidran_pipeline_tests.lineage_story import (
    NOW,
    PAGE,
    PAGE_WORDS,
    TOPIC,
    ingest_all,
    publish_story,
    settings_for,
)


def marker_for(scene: Scene, number: int) -> str:
    """The citation of the current version that names the record of a text."""
    return str(
        scene.one(
            "SELECT number FROM citations WHERE record_id = %(record)s AND article_version_id = %(version)s",
            record=scene.story.records[number][0], version=scene.story.version,
        )
    )  # fmt: skip


def words(chain: Trace, width: int = 100) -> str:
    return "\n".join(line.plain for line in show_trace(chain, width))


def stages(chain: Trace) -> list[tuple[str, str, str]]:
    return [(run["asset"], run["partition"], run["run_id"]) for run in chain.runs]


@pytest.mark.parametrize(
    ("number", "platform", "source", "asset"),
    [(1, "news", "harbour", "news_articles"), (5, "bluesky", "sky", "bluesky_posts"), (6, "reddit", "clinic", "reddit_posts")],
    ids=["news", "bluesky", "reddit"],
)  # fmt: skip
def test_a_record_citation_from_sentence_to_source(
    scene: Scene, number: int, platform: str, source: str, asset: str
) -> None:
    marker = marker_for(scene, number)
    chain = trace(scene.conn, scene.story.slug, marker)
    story, record, fetch = chain.story, chain.cited, chain.fetches[0]
    assert (story["slug"], story["version"], story["versions"]) == (scene.story.slug, 2, 2)
    assert (chain.citation["marker"], chain.citation["unit"]) == (marker, "code points")
    assert (record["platform"], record["version"], record["versions"]) == (platform, 1, 1)
    assert record["text"].startswith(TEXTS[number][2])
    assert record["text_sha256"] == hashlib.sha256(record["text"].encode()).hexdigest()
    for use in chain.uses:
        quote, claim = use["quote"], use["claim"]
        assert record["text"][quote["start"] : quote["end"]] == quote["text"] == claim["quote"]
        assert f"“{quote['text']}”" in use["sentence"]["text"]
        assert quote["stands"]
        assert (use["support"]["verdict"], use["support"]["judge"]) == ("supported", "verbatim")
        assert (claim["engine"], claim["engine_version"], claim["run_id"]) == (
            "extractive",
            "claims-test",
            "run-claims",
        )
    stored = zlib.decompress(scene.one("SELECT body FROM payloads WHERE sha256 = %(k)s", k=fetch["body"]["key"]))
    assert fetch["body"]["sha256"] == hashlib.sha256(stored).hexdigest()
    assert (fetch["body"]["byte_length"], fetch["body"]["holds"], fetch["found_again"]) == (len(stored), True, True)
    place = chain.uses[0]["quote"]["bytes"]
    assert chain.uses[0]["quote"]["text"] in stored[place["start"] : place["end"]].decode().replace("\\'", "'")
    assert (fetch["http_status"], fetch["run_id"], fetch["locator"]) == (200, "run-ingest", record["native_id"])
    assert chain.source is not None
    assert (chain.source["id"], chain.source["platform"]) == (source, platform)
    assert stages(chain) == [
        (asset, str(DAY), "run-ingest"),
        ("analyzed_records", str(DAY), "run-analyze"),
        ("claims", str(DAY), "run-claims"),
        ("topic_signals", f"{DAY}|{TOPIC}", "run-signal"),
        ("articles", f"{DAY}|{TOPIC}", "run-write"),
    ]
    json.dumps(chain.as_dict(), default=str)


def test_a_web_citation_from_sentence_to_bytes(scene: Scene) -> None:
    chain = trace(scene.conn, scene.story.slug, "w1")
    page, fetch, use = chain.cited, chain.fetches[0], chain.uses[0]
    assert (page["site"], page["title"], page["version"]) == ("Port Authority", "Cooling water at the port", 1)
    assert page["extractor"].startswith("trafilatura ")
    assert (use["quote"]["text"], use["claim"], use["quote"]["stands"]) == (PAGE_WORDS, None, True)
    assert fetch["body"]["sha256"] == hashlib.sha256(PAGE.encode()).hexdigest()
    assert fetch["purpose"] == "page"
    assert chain.source is None
    assert stages(chain)[-2:] == [
        ("web_pages", f"{DAY}|{TOPIC}", "run-pages"),
        ("articles", f"{DAY}|{TOPIC}", "run-write"),
    ]
    start, end = (use["quote"]["bytes"][name] for name in ("start", "end"))
    assert PAGE.encode()[start:end].decode() == PAGE_WORDS
    assert "page" in chain.as_dict()
    assert "record" not in chain.as_dict()


def test_the_page_for_a_person_holds_the_whole_chain_and_no_hash_is_cut(scene: Scene) -> None:
    for marker in (marker_for(scene, 1), marker_for(scene, 5), "w1"):
        chain = trace(scene.conn, scene.story.slug, marker)
        for width in (60, 100):
            said = words(chain, width)
            body = chain.fetches[0]["body"]["sha256"]
            assert body in said
            assert chain.cited["text_sha256"] in said
            flowing = " ".join(said.split())
            assert f"»{chain.uses[0]['quote']['text']}«" in flowing
            assert "hashed now, it has this SHA-256" in flowing
            for run in chain.runs:
                assert run["run_id"] in said
                assert run["partition"] in said


def test_markers_as_people_type_them(scene: Scene) -> None:
    for typed in ("1", "[1]", " 1 ", "01"):
        assert trace(scene.conn, scene.story.slug, typed).citation["marker"] == "1"
    for typed in ("w1", "W1", "[w1]"):
        assert trace(scene.conn, scene.story.slug, typed).citation["marker"] == "w1"


@pytest.mark.parametrize("typed", ["0", "99", "w2", "x", "", "1.5", "-1", "1; DROP TABLE claims"])
def test_an_unknown_citation_names_those_that_exist(scene: Scene, typed: str) -> None:
    with pytest.raises(LookupError, match=r"records 1 to 7; web page w1"):
        trace(scene.conn, scene.story.slug, typed)


def test_an_unknown_story_names_the_nearest(scene: Scene, conn: Connection) -> None:
    for typed in (scene.story.slug[:-3], "port-of-aldmoor-opened", scene.story.slug.replace("opened", "opend")):
        with pytest.raises(LookupError, match=f"nearest: {scene.story.slug}"):
            trace(scene.conn, typed, "1")
    with pytest.raises(LookupError, match="nothing is published yet"):
        trace(conn, scene.story.slug, "1")


def test_an_altered_body_is_told_with_both_hashes(scene: Scene) -> None:
    key = scene.payload_of(1)
    altered = scene.body(key).replace(b"40-megawatt", b"41-megawatt")
    scene.put_body(key, altered)
    chain = trace(scene.conn, scene.story.slug, marker_for(scene, 1))
    fetch = chain.fetches[0]
    assert fetch["body"]["sha256"] == hashlib.sha256(altered).hexdigest() != fetch["body"]["key"] == key
    assert (fetch["body"]["holds"], fetch["found_again"]) == (False, False)
    said = " ".join(words(chain).split())
    assert "hashed now, it is not the body fetched" in said
    assert "does NOT give" in said
    assert key in said


def test_an_altered_text_and_a_body_that_went_are_told(scene: Scene) -> None:
    scene.conn.execute("ALTER TABLE record_versions DROP CONSTRAINT version_text_hash")
    scene.sql("UPDATE record_versions SET text = replace(text, '40-megawatt', '41-megawatt')")
    scene.sql("UPDATE payloads SET body = NULL, expired_at = '2026-06-20'")
    chain = trace(scene.conn, scene.story.slug, marker_for(scene, 1))
    assert not all(use["quote"]["stands"] for use in chain.uses)
    assert (chain.fetches[0]["body"]["kept"], chain.fetches[0]["found_again"]) == (False, None)
    said = " ".join(words(chain).split())
    assert "NO: the text there is another" in said
    assert "expired on 2026-06-20" in said


def test_a_chain_without_a_link_says_so(scene: Scene) -> None:
    fetch = scene.one("SELECT first_fetch_id FROM records WHERE id = %(id)s", id=scene.story.records[1][0])
    scene.sql("DELETE FROM fetches WHERE id = %(id)s", id=fetch)
    with pytest.raises(LookupError, match="chain is broken"):
        trace(scene.conn, scene.story.slug, marker_for(scene, 1))


def test_an_edited_record_and_a_body_seen_again(conn: Connection, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving() as server:
        story = publish_story(conn, server, home)
        status, _headers, body = server.routes["/harbour.xml"]  # type: ignore[misc]
        for hours, old, new in ((26, b"</channel>", b"<!-- later --></channel>"), (52, b"harbour.", b"harbour basin.")):
            body = body.replace(old, new)
            server.routes["/harbour.xml"] = (status, {}, body)  # type: ignore[assignment]
            ingest_all(conn, settings_for(home), now=NOW + timedelta(hours=hours), run=f"run-later-{hours}")
    number = conn.execute(
        "SELECT number FROM citations WHERE record_id = %s AND article_version_id = %s",
        (story.records[1][0], story.version),
    ).fetchone()
    assert number is not None
    chain = trace(conn, story.slug, str(number["number"]))
    assert (chain.cited["version"], chain.cited["versions"]) == (1, 2)
    assert [fetch["run_id"] for fetch in chain.fetches] == ["run-ingest", "run-later-26"]
    assert all(fetch["body"]["holds"] for fetch in chain.fetches)
    assert "version 1 of 2" in words(chain)
    assert "1 more, the last fetch" in words(chain)


def test_source_text_cannot_write_to_the_terminal(scene: Scene) -> None:
    from aidran_pipeline.commands.console import clean

    scene.sql("UPDATE records SET author_name = %(name)s", name="\x1b[2Jnobody\x07")
    chain = trace(scene.conn, scene.story.slug, "1")
    assert "\x1b" not in clean(words(chain))


def test_the_assets_named_are_those_of_dagster() -> None:
    from aidran_pipeline.definitions import defs
    from aidran_pipeline.lineage.trace import ASSETS

    known: set[Any] = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert {*ASSETS.values(), "analyzed_records", "claims", "topic_signals", "web_pages", "articles"} <= known
