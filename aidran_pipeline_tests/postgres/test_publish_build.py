"""The site written to a folder: only what changed, nothing stale, nothing half, nothing outside."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.publish import SiteError, build_site, render_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.newsroom import Built, Item, Say

RUN = Run("run-site", datetime(2026, 5, 20, 22, tzinfo=UTC))
VOID = {"meta", "link", "br", "img", "hr", "input"}
PUBLICATION = load_publication()


def site_of(conn: Connection, publication: Publication = PUBLICATION) -> dict[str, bytes]:
    return dict(render_site(conn, publication))


def page(site: dict[str, bytes], path: str) -> str:
    return site[path + "index.html"].decode()


def test_build_writes_only_what_changed_and_removes_what_is_stale(
    conn: Connection, built: Built, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    first = build_site(conn, out, PUBLICATION, run=RUN)
    assert first.changed == first.pages and first.removed == 0
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file() and p.name != ".aidran-site"}
    second = build_site(conn, out, PUBLICATION, run=RUN)
    assert (second.changed, second.removed, second.data_version) == (0, 0, first.data_version)
    assert stamps == {p: p.stat().st_mtime_ns for p in stamps}
    conn.execute("UPDATE topics SET label = 'AI and Law' WHERE slug = 'ai-law'")
    assert build_site(conn, out, PUBLICATION, run=RUN).changed > 0
    (out / "CNAME").write_text("news.example")
    _forget(conn, built.beside)
    third = build_site(conn, out, PUBLICATION, run=RUN)
    assert third.removed > 0 and not (out / "stories" / built.beside).exists()
    assert (out / "CNAME").exists()
    on_disk = {
        str(p.relative_to(out)): p.read_bytes()
        for p in out.rglob("*")
        if p.is_file() and p.name not in (".aidran-site", "CNAME")
    }
    assert on_disk == site_of(conn)


def _forget(conn: Connection, slug: str) -> None:
    row = conn.execute(
        "SELECT v.id, a.id AS article FROM articles a JOIN article_versions v ON v.article_id = a.id WHERE slug = %s",
        (slug,),
    ).fetchone()
    assert row is not None
    conn.execute("SET aidran.erasing = 'on'")
    for table in ("sentence_rests_on", "sentence_citations", "citations", "article_sentences", "editorial_decisions"):
        conn.execute(f"DELETE FROM {table} WHERE article_version_id = %s", (row["id"],))
    conn.execute("DELETE FROM article_versions WHERE id = %s", (row["id"],))
    conn.execute("DELETE FROM articles WHERE id = %s", (row["article"],))
    conn.execute("RESET aidran.erasing")


def test_a_build_that_dies_leaves_whole_pages_and_is_finished_by_the_next(
    conn: Connection, built: Built, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    build_site(conn, out, PUBLICATION, run=RUN)
    before = {p: p.read_bytes() for p in out.rglob("*.html")}
    room, day = built.newsroom, date(2026, 5, 21)
    room.add(Item("more", "news", "More Wire", day, "More words came in today."), "ai-law")
    slug = room.publish(
        "ai-law",
        day,
        [
            Say("headline", 0, "More words", rests=(4,)),
            Say("short_title", 0, "More", rests=(4,)),
            Say("dek", 0, "More.", rests=(4,)),
            Say("body", 1, "“More words came in” [[more]].", (("more", "More words came in"),)),
        ],
    )

    def die(_message: str) -> None:
        raise KeyboardInterrupt

    target = out / "topics" / "ai-law" / "index.html"
    target.unlink()
    target.mkdir()  # the rename onto it fails: the build dies after the story, before topics and home
    with pytest.raises(OSError):
        build_site(conn, out, PUBLICATION, run=RUN)
    assert (out / "stories" / slug / "index.html").exists()
    assert (out / "index.html").read_bytes() == before[out / "index.html"]
    target.rmdir()
    build_site(conn, out, PUBLICATION, run=RUN)
    assert not list(out.rglob("*.aidran-part"))
    assert slug in (out / "index.html").read_text()
    _forget(conn, slug)
    assert build_site(conn, out, PUBLICATION, run=RUN).removed > 0 and not (out / "stories" / slug).exists()


def test_a_folder_with_other_things_is_refused(conn: Connection, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SiteError, match="empty folder"):
        build_site(conn, tmp_path, PUBLICATION, run=RUN)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_manifest_cannot_lead_outside(conn: Connection, tmp_path: Path) -> None:
    out, victim = tmp_path / "site", tmp_path / "victim.txt"
    build_site(conn, out, PUBLICATION, run=RUN)
    victim.write_text("mine")
    with (out / ".aidran-site").open("a") as manifest:
        manifest.write("../victim.txt\n")
    with pytest.raises(SiteError, match="below its root"):
        build_site(conn, out, PUBLICATION, run=RUN)
    assert victim.exists()


def test_rendering_changes_no_row_and_sees_one_moment(conn: Connection, built: Built, database_url: str) -> None:
    from aidran_pipeline.store.db import connect

    pages = render_site(conn, PUBLICATION)
    next(pages)
    next(pages)
    next(pages)
    with connect(database_url) as other:
        other.execute("UPDATE topics SET label = 'Changed meanwhile' WHERE slug = 'ai-law'")
    rest = dict(pages)
    assert "Changed meanwhile" not in page(rest, "")
    assert "Changed meanwhile" in page(site_of(conn), "")


def test_site_moves_with_its_address(conn: Connection, built: Built) -> None:
    moved = Publication.model_validate(PUBLICATION.model_dump() | {"base_url": "https://news.example/ai/"})
    site = site_of(conn, moved)
    assert 'href="/ai/style.css"' in site["404.html"].decode()
    assert f"https://news.example/ai/stories/{built.lead}/" in site["feed.xml"].decode()
    here, there = site_of(conn), site
    strip = [
        re.sub(rb"https?://(127\.0\.0\.1:8000|news\.example/ai)/", b"", s[f"stories/{built.lead}/index.html"])
        for s in (here, there)
    ]
    assert hashlib.sha256(strip[0]).digest() == hashlib.sha256(strip[1]).digest()
