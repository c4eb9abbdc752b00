"""verify: a clean newsroom passes whole; every altered character of a stored body or version is found and named.

The attacker has the database and the disk: triggers are off, constraints dropped, hashes recomputed where that helps.
Rows of the story and built pages: test_lineage_tampered.py.
"""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.ingest import sync_sources
from aidran_pipeline.lineage import verify
from aidran_pipeline.publish import build_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.ingest_server import serving
from aidran_pipeline_tests.lineage_scene import Scene, altered_text, kinds, named
from aidran_pipeline_tests.lineage_story import NOW, ingest_all, publish_story, serve_sources, settings_for

# --- the clean twin ---------------------------------------------------------------------------------------------------


def test_a_clean_newsroom_holds_whole_and_the_report_is_the_same_each_time(scene: Scene) -> None:
    report = scene.verify()
    assert report.as_dict()["mismatches"] == []
    assert report.ok
    assert report.notes == []
    assert (report.stories, report.versions) == ([scene.story.slug], 2)
    bodies, texts = (scene.one(f"SELECT count(*) FROM {table}") for table in ("payloads", "record_versions"))
    assert report.checked["body"] == bodies == 7  # four feeds, a listing, a search, a page
    assert report.checked["text"] == texts + scene.one("SELECT count(*) FROM web_page_versions")
    assert (report.checked["record"], report.checked["page"]) == (len(scene.story.records), 1)
    assert report.checked["quote"] == scene.one("SELECT count(*) FROM sentence_citations")
    assert report.checked["claim"] == scene.one("SELECT count(*) FROM claims")
    assert report.checked["site"] == sum(path.is_file() for path in scene.site.rglob("*")) - 1
    assert report.checked["gate"] == 9
    assert scene.verify().as_dict() == report.as_dict()


def test_a_named_story_is_checked_without_the_rest_of_the_archive_and_the_site(scene: Scene) -> None:
    report = scene.verify(scene.story.slug)
    assert report.ok
    pages = [path for path in (scene.site / "stories" / scene.story.slug).rglob("*") if path.is_file()]
    assert report.checked["site"] == len(pages)
    (scene.site / "feed.xml").write_bytes(b"altered")
    key = scene.payload_of(7)
    scene.put_body(key, scene.body(key) + b" ")
    assert kinds(scene.verify(scene.story.slug)) == {"body"}
    assert kinds(scene.verify()) == {"body", "site"}


def test_an_unknown_story_is_an_error_that_names_the_nearest(scene: Scene) -> None:
    with pytest.raises(LookupError) as error:
        scene.verify("2026-05-20-ai-helthcare-the-port")
    assert scene.story.slug in str(error.value)


def test_nothing_published_and_no_site_say_so_and_are_no_mismatch(
    conn: Connection, scene: Scene, tmp_path: Path
) -> None:
    report = verify(conn, publication=scene.story.publication, site_dir=tmp_path / "nowhere")
    assert report.ok
    assert [note.split(":")[0] for note in report.notes] == [
        "nothing is published yet; `aidran run` makes an edition", "site not built",
    ]  # fmt: skip
    shutil.rmtree(scene.site)
    report = scene.verify()
    assert report.ok
    assert report.notes[0].startswith("site not built")
    assert report.checked["site"] == 0


def test_an_edit_at_the_source_and_a_renamed_outlet_break_nothing(conn: Connection, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving() as server:
        story = publish_story(conn, server, home)
        again = serve_sources(server).replace("Harbour Ledger", "The Harbour Ledger")
        (home / "sources.yaml").write_text(again)
        sync_sources(conn, load_sources(home / "sources.yaml"))
        kind, _headers, body = server.routes["/nordlicht.xml"]  # type: ignore[misc]
        server.routes["/nordlicht.xml"] = (kind, {}, body.replace(b"this week", b"on Tuesday"))  # type: ignore[arg-type]
        ingest_all(conn, settings_for(home), now=NOW + timedelta(hours=26), run="run-later")
    build_site(conn, home / "site", story.publication, run=Run("run-later", NOW + timedelta(hours=26)))
    record = story.records[3][0]
    versions = conn.execute("SELECT count(*) AS n FROM record_versions WHERE record_id = %s", (record,)).fetchone()
    assert versions == {"n": 2}
    report = verify(conn, publication=story.publication, site_dir=home / "site")
    assert report.as_dict()["mismatches"] == []


# --- stored bodies ----------------------------------------------------------------------------------------------------


def test_one_character_of_a_stored_body(scene: Scene) -> None:
    key = scene.payload_of(3)
    body = scene.body(key)
    scene.put_body(key, body.replace(b"data hall this week", b"data hull this week"))
    report = scene.verify()
    assert named(report, "body", payload=key)
    (broken,) = [each for each in report.mismatches if each.kind == "body"]
    assert hashlib.sha256(body).hexdigest() in broken.expected
    assert hashlib.sha256(scene.body(key)).hexdigest() in broken.found
    assert any(scene.story.slug in name for name in broken.where["cited_by"])
    assert named(report, "record", record_id=scene.story.records[3][0], column="text")
    assert kinds(report) == {"body", "record"}


def test_one_character_of_a_search_and_of_a_listing(scene: Scene) -> None:
    for number, old, new in ((5, b"fishers", b"fishars"), (6, b"by a third", b"by a thirt")):
        key = scene.payload_of(number)
        scene.put_body(key, scene.body(key).replace(old, new))
        report = scene.verify()
        assert named(report, "body", payload=key)
        assert named(report, "record", record_id=scene.story.records[number][0], column="text")


def test_one_byte_of_a_compressed_body(scene: Scene) -> None:
    key = scene.payload_of(1)
    stored = bytes(scene.one("SELECT body FROM payloads WHERE sha256 = %(key)s", key=key))
    for at in (0, len(stored) // 2, len(stored) - 1):
        broken = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
        scene.sql("UPDATE payloads SET body = %(body)s WHERE sha256 = %(key)s", body=broken, key=key)
        report = scene.verify()
        assert named(report, "body", payload=key), at
        assert named(report, "record", record_id=scene.story.records[1][0]), at


def test_a_body_that_no_longer_parses(scene: Scene) -> None:
    key = scene.payload_of(7)
    scene.put_body(key, b"<html>" + scene.body(key))
    report = scene.verify()
    assert named(report, "body", payload=key)
    (lost,) = [each for each in report.mismatches if each.kind == "record" and "column" not in each.where][:1]
    assert "not_a_feed" in lost.message


def test_a_body_that_expired_although_it_is_cited(scene: Scene) -> None:
    key = scene.payload_of(6)
    scene.sql("UPDATE payloads SET body = NULL, expired_at = '2026-06-20' WHERE sha256 = %(key)s", key=key)
    report = scene.verify()
    (gone,) = [each for each in report.mismatches if each.kind == "body"]
    assert gone.where["payload"] == key
    assert gone.found.startswith("expired on 2026-06-20")
    assert named(report, "record", record_id=scene.story.records[6][0])


def test_a_body_or_a_fetch_that_is_gone(scene: Scene) -> None:
    key = scene.payload_of(6)
    scene.sql("DELETE FROM payloads WHERE sha256 = %(key)s", key=key)
    assert named(scene.verify(), "body", payload=key)
    fetch = scene.one("SELECT first_fetch_id FROM records WHERE id = %(id)s", id=scene.story.records[7][0])
    scene.sql("DELETE FROM fetches WHERE id = %(id)s", id=fetch)
    assert named(scene.verify(), "body", fetch=fetch)


def test_a_body_that_no_story_cites_is_found_when_everything_is_verified(scene: Scene) -> None:
    scene.sql(
        """INSERT INTO payloads (sha256, encoding, body, byte_length, stored_at)
           VALUES (%(key)s, 'identity', 'some words', 10, now())""",
        key=hashlib.sha256(b"same words").hexdigest(),
    )
    assert named(scene.verify(), "body", payload=hashlib.sha256(b"same words").hexdigest())
    assert scene.verify(scene.story.slug).ok


def test_one_character_of_the_body_of_a_cited_page(scene: Scene) -> None:
    key = scene.one("SELECT payload_sha256 FROM fetches WHERE purpose = 'page' AND url LIKE '%%/authority'")
    scene.put_body(key, scene.body(key).replace(b"three points", b"three paints"))
    report = scene.verify()
    assert named(report, "body", payload=key)
    assert named(report, "page", column="text")


# --- record and page versions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_hash", [False, True], ids=["text only", "text and hash"])
def test_one_character_of_a_record_version_outside_every_quote(scene: Scene, with_hash: bool) -> None:
    record, version = scene.story.records[3]
    altered_text(scene, version, "hall this week", "hall this weak", with_hash=with_hash)
    report = scene.verify()
    (broken,) = [each for each in report.mismatches if each.kind == "record"]
    assert (broken.where["record_id"], broken.where["column"]) == (record, "text")
    assert "hall this week" in broken.expected
    assert "hall this weak" in broken.found
    assert named(report, "text", record_id=record) is not with_hash


def test_one_character_of_a_record_version_inside_a_quote(scene: Scene) -> None:
    record, version = scene.story.records[6]
    altered_text(scene, version, "two imaging", "ten imaging", with_hash=True)
    report = scene.verify()
    assert {"record", "quote", "claim", "gate"} <= kinds(report)
    assert named(report, "record", record_id=record, column="text")
    assert named(report, "quote", slug=scene.story.slug, record_id=record)


def test_the_text_of_a_record_that_no_story_cites(scene: Scene) -> None:
    record, version = (
        scene.one(f"SELECT {column} FROM record_versions WHERE text LIKE '%%tide tables%%'")
        for column in ("record_id", "id")
    )
    altered_text(scene, version, "tide", "tidy", with_hash=False)
    assert named(scene.verify(), "text", record_id=record)


@pytest.mark.parametrize(
    ("number", "change", "column"),
    [
        (1, "publisher = 'Harbour Lodger'", "publisher"),
        (2, "publisher = 'Circuit Weakly'", "publisher"),
        (4, "author_name = 'voice9.sample.test'", "author_name"),
        (5, "author_key = 'did:plc:another'", "author_key"),
        (6, "community = 'hospitaltechs'", "community"),
        (7, "url = replace(url, '/article/', '/articles/')", "url"),
        (7, "published_at = published_at + interval '1 second'", "published_at"),
        (3, "published_raw = 'Wed, 20 May 2026 09:03:01 GMT'", "published_raw"),
    ],
)
def test_one_character_of_what_is_printed_about_a_record(scene: Scene, number: int, change: str, column: str) -> None:
    record = scene.story.records[number][0]
    assert scene.sql(f"UPDATE records SET {change} WHERE id = %(id)s", id=record) == 1
    assert named(scene.verify(scene.story.slug), "record", record_id=record, column=column)


def test_the_title_the_identity_and_the_source_of_a_record(scene: Scene) -> None:
    record, version = scene.story.records[1]
    scene.sql("UPDATE record_versions SET title = replace(title, '40', '41') WHERE id = %(id)s", id=version)
    assert named(scene.verify(), "record", record_id=record, column="title")
    scene.sql("UPDATE records SET source_id = 'meridian' WHERE id = %(id)s", id=record)
    other = scene.story.records[2][0]
    scene.sql("UPDATE records SET native_id = native_id || 'x' WHERE id = %(id)s", id=other)
    report = scene.verify()
    assert any("another source" in each.message for each in report.mismatches)
    assert any("another native id" in each.message and each.where["record_id"] == other for each in report.mismatches)


def test_one_character_of_a_page_version(scene: Scene) -> None:
    scene.sql(
        """UPDATE web_page_versions SET text = replace(text, 'two degrees', 'ten degrees'),
               text_sha256 = encode(sha256(convert_to(replace(text, 'two degrees', 'ten degrees'), 'UTF8')), 'hex')"""
    )
    report = scene.verify()
    assert named(report, "page", column="text")
    assert named(report, "quote", citation="w1")
    for change in ("title = title || 's'", "site_name = 'Fort Authority'", "published_at = '2026-05-18'"):
        scene.sql(f"UPDATE web_page_versions SET {change}")
        assert named(scene.verify(), "page", column=change.split(" ")[0])
