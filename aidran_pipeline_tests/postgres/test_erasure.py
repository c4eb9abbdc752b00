"""Erasure on a published story whose bytes were fetched: one door, nothing left to find, nothing that comes back."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.erase import Erasure, Target, erase_records, find_target
from aidran_pipeline.erase import erasing as erasing_module
from aidran_pipeline.erase.words import BLANK
from aidran_pipeline.lineage import show_report, show_trace, trace, verify
from aidran_pipeline.publish import build_site
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.conftest import _create_database, _drop_database
from aidran_pipeline_tests.erasure_scan import find_parts, parts_of, words
from aidran_pipeline_tests.faults.clean_story import DAY
from aidran_pipeline_tests.ingest_server import Server, item, rss, serving
from aidran_pipeline_tests.lineage_story import (
    DID,
    NOW,
    TOPIC,
    UNCITED,
    Story,
    _post,
    ingest_all,
    publish_story,
    settings_for,
)

LATER = NOW + timedelta(hours=5)
ERASE = Run("run-erase", LATER)


@dataclass
class Newsroom:
    """The published story in a database and a home of the test's own."""

    conn: Connection
    url: str
    home: Path
    server: Server
    story: Story

    @property
    def settings(self) -> Settings:
        return settings_for(self.home)

    def one(self, query: str, *values: Any) -> Any:
        row = self.conn.execute(query, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def record(self, number: int) -> int:
        return self.story.records[number][0]

    def text(self, record_id: int) -> str:
        return str(self.one("SELECT text FROM newest_record_versions WHERE record_id = %s", record_id))

    def own_parts(self, record_id: int) -> list[str]:
        """What only this record says, whole and by halves."""
        rows = self.conn.execute("SELECT text FROM record_versions WHERE record_id <> %s", (record_id,)).fetchall()
        others = " ".join(words(row["text"]) for row in rows)
        return [part for part in parts_of(self.text(record_id)) if part not in others]

    def erase(self, *records: int, author: tuple[str, str] | None = None) -> Erasure:
        return erase_records(
            self.conn, records, cause="request", reason="a test asks", run=ERASE, publication=self.story.publication,
            author=author,
        )  # fmt: skip

    def build(self) -> None:
        build_site(self.conn, self.settings.site_dir, self.story.publication, run=ERASE)

    def find(self, parts: list[str]) -> list[str]:
        return find_parts(parts, self.url, self.home, work=self.home.parent)

    def verify(self) -> Any:
        return verify(self.conn, publication=self.story.publication, site_dir=self.settings.site_dir)

    def slug(self) -> str:
        return str(self.one("SELECT slug FROM articles"))


@pytest.fixture(scope="module")
def published_here(
    server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Server, Story]]:
    """The story, published once, and its sources, which go on answering."""
    home = tmp_path_factory.mktemp("erasure") / "home"
    url = _create_database(server_url, "erasure", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with serving() as server:
        with connect(url) as conn:
            story = publish_story(conn, server, home)
        yield url, home, server, story
    _drop_database(server_url, url)


@pytest.fixture
def room(server_url: str, published_here: tuple[str, Path, Server, Story], tmp_path: Path) -> Iterator[Newsroom]:
    """A copy of all of it for one test."""
    template, home, server, story = published_here
    url = _create_database(server_url, "room", f"TEMPLATE {template.rsplit('/', 1)[1]}")
    shutil.copytree(home, tmp_path / "home")
    routes = dict(server.routes)
    with connect(url) as conn:
        yield Newsroom(conn, url, tmp_path / "home", server, story)
    server.routes.clear()
    server.routes.update(routes)
    _drop_database(server_url, url)


SHUT = {
    "a text": "UPDATE record_versions SET text = 'x', text_sha256 = encode(sha256('x'), 'hex')",
    "a title": "UPDATE record_versions SET title = 'x'",
    "a text blanked": "UPDATE record_versions SET text = '', title = NULL, erased_at = now()",
    "a version gone": "DELETE FROM record_versions WHERE id = (SELECT min(id) FROM record_versions)",
    "a page's text": "UPDATE web_page_versions SET text = '', title = NULL, erased_at = now()",
    "a page gone": "DELETE FROM web_page_versions",
    "another body": "UPDATE payloads SET body = 'x'",
    "a redacted body": "UPDATE payloads SET redacted_at = now(), redacted_sha256 = sha256",
    "a body's key": "UPDATE payloads SET sha256 = reverse(sha256)",
    "a slug": "UPDATE articles SET slug = 'another'",
}


@pytest.mark.parametrize("what", sorted(SHUT))
def test_without_the_door_nothing_changes(room: Newsroom, what: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="only erasure changes"):
        room.conn.execute(SHUT[what])
    with room.conn.transaction(force_rollback=True):
        room.conn.execute(
            "SET LOCAL session_replication_role = replica"
        )  # the statement is one that would do something
        try:
            assert room.conn.execute(SHUT[what]).rowcount
        except psycopg.errors.ForeignKeyViolation:
            pass


def test_the_door_is_shut_again_after_the_transaction(room: Newsroom) -> None:
    with room.conn.transaction():
        room.conn.execute("SET LOCAL aidran.erasing = 'on'")
        room.conn.execute("UPDATE articles SET slug = 'another'")
    with pytest.raises(psycopg.errors.CheckViolation):
        room.conn.execute("UPDATE articles SET slug = 'a-third'")


def test_a_body_may_expire_and_come_again(room: Newsroom) -> None:
    key, body = room.conn.execute("SELECT sha256, body FROM payloads ORDER BY sha256 LIMIT 1").fetchone().values()  # type: ignore[union-attr]
    room.conn.execute("UPDATE payloads SET body = NULL, expired_at = now() WHERE sha256 = %s", (key,))
    room.conn.execute("UPDATE payloads SET body = %s, expired_at = NULL WHERE sha256 = %s", (body, key))


@pytest.mark.parametrize("number", [1, 2, 5, 6], ids=["news lead", "news in a shared feed", "bluesky", "reddit"])
def test_a_cited_record_is_found_nowhere_any_more(room: Newsroom, number: int) -> None:
    record = room.record(number)
    parts = room.own_parts(record)
    old_slug = room.slug()
    found = {place.split(":")[0].split(" /")[0].split(",")[0].split(" ")[0] for place in room.find(parts)}
    assert {"database", "payload", "backup", "file"} <= found
    done = room.erase(record)
    room.build()
    assert room.find(parts) == []
    assert done.records == [record]
    assert done.stories == [{"slug": room.slug(), "renamed": number == 1, "status": "withdrawn"}]
    if number == 5:
        assert room.find([words(f"{DID}5"), words("voice5.sample.test")]) == []
    stored = room.conn.execute("SELECT * FROM records WHERE id = %s", (record,)).fetchone()
    assert stored is not None and stored["native_id"].startswith("erased:") and stored["author_name"] is None
    assert stored["author_key"].startswith("erased:") and stored["url"] == stored["canonical_url"] == ""
    report = room.verify()
    assert report.ok, report.mismatches[:3]
    assert report.redacted["text"] >= 1 and report.redacted["body"] >= 1
    assert "redacted" in "\n".join(line.plain for line in show_report(report))
    if number == 1:
        assert old_slug != room.slug() == f"{DAY}-{TOPIC}"


def test_an_uncited_record_leaves_story_and_feed_as_they_are(room: Newsroom) -> None:
    guid, title, _body = UNCITED[0]
    record = room.one("SELECT record_id FROM record_versions WHERE title = %s", title)
    parts = parts_of(room.text(record))
    site = {path: path.read_bytes() for path in room.settings.site_dir.rglob("*") if path.is_file()}
    done = room.erase(record)
    room.build()
    assert done.stories == []
    assert room.find(parts) == []
    assert room.verify().ok
    changed = {p.parent.name for p, data in site.items() if not p.is_file() or p.read_bytes() != data}
    assert changed <= {"2", "w1", "3", "1", "7", "5", "4", "6"}, (
        "only lineage pages, which say that a body is a copy now"
    )
    body = room.one(
        """SELECT p.body FROM payloads p JOIN fetches f ON f.payload_sha256 = p.sha256 WHERE f.source_id = 'circuit'"""
    )
    kept = zlib.decompress(body)
    assert guid.encode() not in kept and UNCITED[1][1].encode() in kept


def test_old_versions_show_blanks_and_the_page_says_the_story_was_withdrawn(room: Newsroom) -> None:
    slug, marker = room.slug(), room.one(
        "SELECT number FROM citations WHERE record_id = %s AND article_version_id = %s", room.record(5), room.story.version
    )  # fmt: skip
    room.erase(room.record(5))
    room.build()
    pages = room.settings.site_dir / "stories" / slug
    assert "This story was withdrawn" in (pages / "index.html").read_text()
    assert json.loads((pages / "index.json").read_text())["status"] == "withdrawn"
    old = (pages / "v" / "2" / "index.html").read_text()
    assert BLANK in old and "What quoted it is blanked" in old
    assert "source withdrawn" in (pages / "v" / "2" / "citations" / str(marker) / "index.html").read_text()
    assert not (pages / "citations" / str(marker)).exists() or marker == 1
    for listing in ("feed.xml", "feed.json", "sitemap.xml", "index.html"):
        assert slug not in (room.settings.site_dir / listing).read_text(), listing
    lost = json.loads((pages / "index.json").read_text())["withdrawn_sources"]
    assert [each["platform"] for each in lost] == ["bluesky"]
    assert "erased here on request" in (pages / "citations" / "1" / "index.html").read_text()


def test_trace_of_a_withdrawn_citation_tells_the_tombstone(room: Newsroom) -> None:
    room.erase(room.record(6))
    chain = trace(room.conn, room.slug(), "1")
    assert chain.tombstone is not None
    stone = room.conn.execute("SELECT * FROM tombstones").fetchone()
    assert stone is not None
    assert chain.as_dict()["tombstone"]["keyed_hash"] == stone["keyed_hash"]
    shown = "\n".join(line.plain for line in show_trace(chain))
    assert "source withdrawn" in shown and "a test asks" in shown and "a copy without it is kept" in shown
    assert stone["figures"]["quotes"] >= 1 and stone["record_id"] == room.record(6)


def test_who_knows_the_old_address_is_told_the_new_one(room: Newsroom) -> None:
    old = room.slug()
    room.erase(room.record(1))
    room.build()
    with pytest.raises(LookupError, match=room.slug()):
        trace(room.conn, old, "1")
    assert room.find([words(old)]) == []


def test_an_author_goes_with_every_record_and_nothing_of_theirs_is_stored_again(room: Newsroom) -> None:
    _serve_posts(
        room, [_post(5), _said(5, "second", "A second thing that this artificial intelligence skeptic wrote down")]
    )
    ingest_all(room.conn, room.settings, now=NOW + timedelta(hours=2), run="run-2")
    key = f"{DID}5"
    target = find_target(room.conn, "@voice5.sample.test")
    assert target == Target("author", target.records, ("bluesky", key)) and len(target.records) == 2
    parts = [part for row in target.records for part in parts_of(room.text(row["id"]))]
    room.erase(*[row["id"] for row in target.records], author=target.author)
    room.build()
    assert room.find([*parts, "voice5 sample test"]) == []
    with pytest.raises(LookupError, match="erased on"):
        find_target(room.conn, key)
    _serve_posts(room, [_said(5, "third", "A third thing on artificial intelligence, after the erasure"), _post(4)])
    ingest_all(room.conn, room.settings, now=LATER, run="run-3")
    assert room.find(parts_of("A third thing on artificial intelligence, after the erasure")) == []
    assert room.one("SELECT sum(records_refused) FROM fetches WHERE source_id = 'sky'") == 1
    room.build()
    assert room.verify().ok


def _said(number: int, key: str, words: str) -> dict[str, Any]:
    post = _post(number)
    return post | {
        "uri": f"at://{DID}{number}/app.bsky.feed.post/{key}",
        "record": post["record"] | {"text": words},
    }


def _serve_posts(room: Newsroom, posts: list[dict[str, Any]]) -> None:
    body = json.dumps({"posts": posts}).encode()
    room.server.routes["/xrpc/app.bsky.feed.searchPosts"] = (200, {"Content-Type": "application/json"}, body)


def test_kept_replies_of_models_and_reasons_with_its_words_go(room: Newsroom) -> None:
    quote = "Nobody asked the fishers before the intake pipe went in"
    for number, content in enumerate((json.dumps({"claims": [{"quote": quote}]}), '{"claims": []}')):
        call = room.one(
            """INSERT INTO model_calls (request_key, status, day, spent_on, role, prompt, model, server, started_at,
                   reserved_tokens, held_tokens, run_id, detail)
               VALUES (%s, 'answered', %s, %s, 'reader', 'read-1', 'm', 's', %s, 1, 1, 'r', %s) RETURNING id""",
            f"{number:064x}", DAY, DAY, NOW, f"not found: {quote}" if number == 0 else "kept",
        )  # fmt: skip
        room.conn.execute(
            "INSERT INTO model_completions VALUES (%s, %s, %s, 'stop', NULL)", (f"{number:064x}", call, content)
        )
    draft = {
        "sentences": [
            {"text": "A paraphrase without its words", "quotes": [{"record": room.record(5), "quote": quote}]}
        ]
    }
    room.conn.execute(
        """INSERT INTO editorial_decisions (day, topic, decision, reasons, numbers, draft, decided_at, engine,
               engine_version, input_hash, run_id) VALUES (%s, %s, 'withheld', %s, '{}', %s, %s, 'e', 'e', 'h', 'r')""",
        (
            DAY + timedelta(days=1),
            TOPIC,
            Jsonb([{"gate": "repeats", "detail": f"2026-05-20-x: {quote}"}]),
            Jsonb(draft),
            NOW,
        ),
    )
    room.erase(room.record(5))
    room.build()
    assert room.find(parts_of(quote)) == []
    assert [row["request_key"] for row in room.conn.execute("SELECT request_key FROM model_completions")] == [
        f"{1:064x}"
    ]
    assert room.conn.execute("SELECT detail FROM model_calls ORDER BY id").fetchall() == [
        {"detail": BLANK},
        {"detail": "kept"},
    ]
    stored = room.conn.execute("SELECT reasons, draft FROM editorial_decisions WHERE draft IS NOT NULL").fetchone()
    assert stored == {
        "reasons": [{"gate": "repeats", "detail": BLANK}],
        "draft": {"sentences": [{"text": BLANK, "quotes": []}]},
    }


def test_dagsters_metadata_loses_the_headline_and_keeps_the_rest(room: Newsroom) -> None:
    headline = "The Port of Aldmoor opened a 40-megawatt data hall on Tuesday"
    room.conn.execute("CREATE SCHEMA dagster CREATE TABLE event_logs (id int, event text)")
    kept = json.dumps({"headline": "Another story of the day", "slug": "2026-05-20-x"})
    for event in (
        json.dumps({"label": "headline", "text": headline, "page": f"http://x/stories/{room.slug()}/"}),
        kept,
    ):
        room.conn.execute("INSERT INTO dagster.event_logs VALUES (1, %s)", (event,))
    room.erase(room.record(1))
    events = [
        json.loads(row["event"]) for row in room.conn.execute("SELECT event FROM dagster.event_logs ORDER BY event")
    ]
    assert {"label": "headline", "text": BLANK, "page": BLANK} in events and json.loads(kept) in events


def test_the_same_feed_grown_does_not_bring_it_back(room: Newsroom) -> None:
    _guid, title, _body = UNCITED[0]
    record = room.one("SELECT record_id FROM record_versions WHERE title = %s", title)
    parts = parts_of(room.text(record))
    room.erase(record)
    room.build()
    again = [item(g, t, b, date="Wed, 20 May 2026 09:30:00 GMT", link=room.server.url(f"/{g}")) for g, t, b in UNCITED]
    fresh = item("u9", "A fresh report on artificial intelligence", "It says something new about it.",
                 date="Wed, 20 May 2026 20:30:00 GMT", link=room.server.url("/u9"))  # fmt: skip
    room.server.routes["/circuit.xml"] = (
        200,
        {"Content-Type": "application/rss+xml"},
        rss(*again, fresh, title="Circuit Weekly"),
    )
    before = room.one("SELECT count(*) FROM records")
    ingest_all(room.conn, room.settings, now=LATER, run="run-later")
    assert room.one("SELECT count(*) FROM records") == before + 1
    assert room.find(parts) == []
    fetch = room.conn.execute(
        "SELECT records_seen, records_refused, payload_sha256 FROM fetches WHERE source_id = 'circuit' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert fetch is not None
    assert (fetch["records_seen"], fetch["records_refused"]) == (2, 1)
    assert room.one("SELECT redacted_at IS NOT NULL FROM payloads WHERE sha256 = %s", fetch["payload_sha256"])
    assert room.verify().ok


def test_the_very_same_body_does_not_bring_it_back(room: Newsroom) -> None:
    record = room.record(6)
    parts = parts_of(room.text(record))
    room.erase(record)
    room.build()
    for later in (LATER, LATER + timedelta(hours=5)):
        room.conn.execute("UPDATE payloads SET body = NULL, expired_at = now() WHERE redacted_at IS NOT NULL")
        ingest_all(room.conn, room.settings, now=later, run="run-later")
    assert room.one("SELECT count(*) FROM fetches WHERE source_id = 'clinic'") >= 2
    assert room.find(parts) == []


def test_erasing_twice_changes_nothing_more(room: Newsroom) -> None:
    room.erase(room.record(5))
    before = room.conn.execute("SELECT * FROM tombstones").fetchall()
    done = room.erase(room.record(5))
    assert (done.records, done.stories) == ([], [])
    assert room.conn.execute("SELECT * FROM tombstones").fetchall() == before


def test_an_erasure_that_fails_half_way_leaves_whole_records_and_goes_on(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = erasing_module.blank_record, []

    def failing(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the power went")
        return real(*arguments, **named)

    monkeypatch.setattr(erasing_module, "blank_record", failing)
    with pytest.raises(RuntimeError, match="the power went"):
        room.erase(room.record(4), room.record(5))
    assert [row["record_id"] for row in room.conn.execute("SELECT record_id FROM tombstones")] == [room.record(4)]
    assert room.text(room.record(5)).startswith("Nobody asked")
    assert room.one("SELECT count(*) FROM claims c JOIN record_versions v ON v.id = c.record_version_id WHERE v.record_id = %s",
                    room.record(5)) > 0  # fmt: skip
    room.build()
    assert room.verify().ok
    monkeypatch.undo()
    assert room.erase(room.record(4), room.record(5)).records == [room.record(5)]


def test_a_restored_backup_still_refuses_what_was_erased(
    room: Newsroom, empty_database_url: str, tmp_path: Path
) -> None:
    from aidran_pipeline.store.backup import backup, restore
    from aidran_pipeline.store.tombstones import erased_among

    native_id, author = room.conn.execute(
        "SELECT native_id, author_key FROM records WHERE id = %s", (room.record(6),)
    ).fetchone().values()  # type: ignore[union-attr]  # fmt: skip
    room.erase(room.record(6))
    restore(empty_database_url, backup(room.url, tmp_path / "b.backup"), force=False)
    with connect(empty_database_url) as other:
        assert erased_among(other, "reddit", [(native_id, author), ("t3_other", author)]) == {(native_id, author)}
        assert erased_among(other, "bluesky", [(native_id, author)]) == set()


def test_an_ingest_under_way_is_waited_for(room: Newsroom) -> None:
    """It looked for tombstones before this one stood: what it is about to store would bring the record back."""
    record = room.record(6)
    with connect(room.url) as ingest:
        ingest.execute("SELECT pg_advisory_lock(hashtextextended('ingest reddit', 0))")
        room.conn.execute("SET statement_timeout = '700ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            room.erase(record)
        room.conn.execute("RESET statement_timeout")
        assert room.one("SELECT erased_at IS NULL FROM records WHERE id = %s", record)
    assert room.erase(record).records == [record]
