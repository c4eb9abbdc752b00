"""Published versions that hold words of what is erased: sentences blanked, slugs renamed. Telling again is write's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.erase.words import BLANK, Erased, runs_of
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.tombstones import Keyed
from aidran_pipeline.write import content_hash_of, make_slug

# Versions that cite it, and those that rest on their sentences, such as a later day's story so far.
VERSIONS = """
WITH RECURSIVE touched AS (
    SELECT DISTINCT c.article_version_id AS id FROM citations c
    WHERE c.record_id = %(record)s OR c.web_page_version_id = ANY(%(pages)s)
    UNION
    SELECT r.article_version_id FROM touched t JOIN article_sentences s ON s.article_version_id = t.id
    JOIN sentence_rests_on r ON r.on_sentence_id = s.id
)
SELECT v.id, v.article_id, v.number, v.status, v.engine, a.day, a.topic, a.slug,
       v.number = (SELECT max(number) FROM article_versions n WHERE n.article_id = v.article_id) AS newest
FROM touched t JOIN article_versions v ON v.id = t.id JOIN articles a ON a.id = v.article_id
ORDER BY a.day, a.slug, v.number
"""
SENTENCES = """
SELECT id, article_version_id, part, text, facts FROM article_sentences WHERE article_version_id = ANY(%s)
ORDER BY article_version_id, ordinal
"""
USES = """
SELECT u.id, u.sentence_id, u.quote, c.record_id, c.web_page_version_id, c.record_version_id
FROM sentence_citations u JOIN citations c ON c.id = u.citation_id WHERE u.article_version_id = ANY(%s)
"""
RESTS = "SELECT sentence_id, on_sentence_id FROM sentence_rests_on WHERE article_version_id = ANY(%s)"
# What the sources that stay say in the same place: their words are theirs, whoever else said them.
LEFT_QUOTES = """
SELECT u.sentence_id, u.quote FROM sentence_citations u JOIN citations c ON c.id = u.citation_id
WHERE u.sentence_id = ANY(%(sentences)s) AND c.record_id IS DISTINCT FROM %(record)s
  AND (c.web_page_version_id IS NULL OR c.web_page_version_id <> ALL(%(pages)s))
"""


@dataclass
class Touched:
    """What was blanked. versions: rows of VERSIONS that changed or cite it; removed: texts that are no more."""

    versions: list[dict[str, Any]] = field(default_factory=list)
    sentences: int = 0
    uses: int = 0
    removed: set[str] = field(default_factory=set)

    def current(self) -> list[dict[str, Any]]:
        """The published versions in force that lost something, by day."""
        return [row for row in self.versions if row["newest"] and row["status"] == "published"]


def touched_versions(conn: Connection, record_id: int, pages: Sequence[int]) -> list[dict[str, Any]]:
    """Every version that cites the record or one of the page versions, or rests on a sentence of such a version."""
    return conn.execute(VERSIONS, {"record": record_id, "pages": list(pages)}).fetchall()


def blank_sentences(
    conn: Connection, record_id: int, pages: Sequence[int], erased: Erased, versions: list[dict[str, Any]],
    *, now: datetime,
) -> Touched:  # fmt: skip
    """Blank every sentence that quotes what is erased or repeats its words, and drop its quotes with their verdicts.

    A sentence that cites is blanked with all its uses: what it said of other sources is said no more. One that rests on
    others goes when it holds words of the erased that the sources which stay under it do not say as well; where a model
    wrote, when it rests on a blanked one at all.
    """
    ids = [row["id"] for row in versions]
    asked = {"record": record_id, "pages": list(pages)}
    sentences = conn.execute(SENTENCES, (ids,)).fetchall()
    by_id = {row["id"]: row for row in sentences}
    engine = {row["id"]: row["engine"] for row in versions}
    rests: dict[int, list[int]] = defaultdict(list)
    for row in conn.execute(RESTS, (ids,)).fetchall():
        rests[row["sentence_id"]].append(row["on_sentence_id"])
    grounds = {ground for found in rests.values() for ground in found} | by_id.keys()
    quotes: dict[int, list[str]] = defaultdict(list)
    for row in conn.execute(LEFT_QUOTES, {**asked, "sentences": list(grounds)}).fetchall():
        quotes[row["sentence_id"]].append(row["quote"])
    uses = [
        row for row in conn.execute(USES, (ids,)).fetchall()
        if row["record_id"] == record_id or row["web_page_version_id"] in pages
    ]  # fmt: skip
    gone = {row["sentence_id"] for row in uses}
    for row in sentences:
        below = rests[row["id"]]
        allowed = {run for place in (row["id"], *below) for quote in quotes[place] for run in runs_of(quote)}
        if (engine[row["article_version_id"]] == "model" and gone & set(below)) or (
            row["text"] != BLANK and erased.in_text(row["text"], allowed)
        ):
            gone.add(row["id"])
    touched = Touched(uses=len(uses), removed={row["quote"] for row in uses})
    conn.execute("DELETE FROM sentence_citations WHERE sentence_id = ANY(%s)", (list(gone),))
    changed = _write(conn, [by_id[each] for each in gone], sentences, erased, touched)
    conn.execute("DELETE FROM sentence_verdicts WHERE sentence_id = ANY(%s)", (list(gone),))
    for row in versions:
        if row["id"] in changed:
            conn.execute(
                "UPDATE article_versions SET redacted_at = COALESCE(redacted_at, %s), content_hash = %s WHERE id = %s",
                (now, content_hash_of(conn, row["id"]) if row["status"] == "published" else "withdrawn", row["id"]),
            )
            touched.versions.append(row)
    touched.sentences = len(gone)
    return touched


def _write(
    conn: Connection, gone: list[dict[str, Any]], every: list[dict[str, Any]], erased: Erased, touched: Touched
) -> set[int]:
    """Write the blanks; returns the versions that changed. Facts of other sentences may name an earlier headline."""
    ids = {row["id"] for row in gone}
    for row in gone:
        touched.removed.add(row["text"])
        conn.execute("UPDATE article_sentences SET text = %s, facts = '[]' WHERE id = %s", (BLANK, row["id"]))
    changed = {row["article_version_id"] for row in gone}
    for row in every:
        facts, altered = erased.out_of(row["facts"])
        if altered and row["id"] not in ids:
            conn.execute("UPDATE article_sentences SET facts = %s WHERE id = %s", (Jsonb(facts), row["id"]))
            changed.add(row["article_version_id"])
    return changed


def rename_slugs(
    conn: Connection, articles: Iterable[int], erased: Erased, keyed: Keyed, *, now: datetime
) -> list[str]:
    """Give articles whose slug holds erased words a new one, from the headline in force or of day and topic alone.

    Returns the old slugs. The old one is kept as a keyed hash: who asks for it is told where the story went.
    """
    renamed = []
    for article_id in sorted(set(articles)):
        row = conn.execute(
            """SELECT a.id, a.day, a.topic, a.slug, (SELECT s.text FROM current_article_versions v
                   JOIN article_sentences s ON s.article_version_id = v.id AND s.part = 'headline'
                   WHERE v.article_id = a.id ORDER BY s.ordinal LIMIT 1) AS headline
               FROM articles a WHERE a.id = %s""",
            (article_id,),
        ).fetchone()
        assert row is not None
        words = row["slug"].removeprefix(f"{row['day']}-{row['topic']}").strip("-")
        headline = row["headline"] or ""
        if not words or not erased.in_text(words.replace("-", " "), runs_of(headline)):
            continue
        slug = make_slug(row["day"], row["topic"], headline)
        conn.execute("UPDATE articles SET slug = %s, renamed_at = %s WHERE id = %s", (slug, now, article_id))
        conn.execute(
            "INSERT INTO former_slugs (keyed_hash, article_id, renamed_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (keyed.hash("slug", row["slug"]), article_id, now),
        )
        renamed.append(str(row["slug"]))
    return renamed
