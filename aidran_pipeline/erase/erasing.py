"""Erasing records: one transaction each, so that a killed erasure goes on where it was. The only opener of the door.

In its transaction: what cites the record is found, everything is blanked, bodies are redacted, stories that lost a
source are told again or withdrawn, slugs with its words are renamed, decisions on the same input stay decided, and the
tombstone is put up. Vacuuming and the site come after the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.erase.bodies import empty_page_bodies, redact_bodies
from aidran_pipeline.erase.elsewhere import forget_replies, sweep_dagster, sweep_json
from aidran_pipeline.erase.rows import blank_author, blank_pages, blank_record, own_pages, texts_of
from aidran_pipeline.erase.stories import Touched, blank_sentences, rename_slugs, touched_versions
from aidran_pipeline.erase.words import Erased
from aidran_pipeline.ingest.pages import reassign_pages
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection, advisory_lock
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.tombstones import Keyed, add_tombstone
from aidran_pipeline.write import retell
from aidran_pipeline.write.engines import input_digest
from aidran_pipeline.write.material import load_material

LOCK = "erase"
RECORD = """
SELECT id, platform, native_id, author_key, author_name, url, canonical_url, day, erased_at FROM records WHERE id = %s
FOR UPDATE
"""
# The decisions whose input held the record: those of its topics, and of its storyline's, while it was in the window.
DECISIONS = """
SELECT d.id, d.day, d.topic, d.input_hash, d.article_version_id FROM current_decisions d
WHERE d.day BETWEEN %(first)s AND %(last)s AND d.topic IN (
    SELECT topic FROM record_topics WHERE record_id = %(record)s
    UNION SELECT s.topic FROM storyline_records sr JOIN storylines s ON s.id = sr.storyline_id
    WHERE sr.record_id = %(record)s)
ORDER BY d.day, d.topic
"""
LINKED = """
SELECT FROM record_links l JOIN record_versions v ON v.id = l.record_version_id WHERE v.record_id = %s LIMIT 1
"""
VACUUMED = (
    "records", "record_versions", "record_links", "record_embeddings", "claims", "claim_readings", "payloads",
    "article_versions", "article_sentences", "sentence_citations", "articles", "editorial_decisions", "storylines",
    "model_completions", "model_calls", "web_pages", "web_page_versions", "source_withdrawals", "fetches", "baselines",
)  # fmt: skip


@dataclass
class Erasure:
    """What was done. stories: {"slug", "was", "status"} of each story that lost a source; figures: rows blanked."""

    records: list[int] = field(default_factory=list)
    stories: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def add(self, figures: dict[str, int]) -> None:
        """Count."""
        for name, number in figures.items():
            self.figures[name] = self.figures.get(name, 0) + number

    def merge(self, other: Erasure) -> None:
        """Add what another erasure did."""
        self.records += other.records
        self.stories += other.stories
        self.add(other.figures)

    def as_dict(self) -> dict[str, Any]:
        """For JSON and metadata."""
        return asdict(self)


def erase_records(
    conn: Connection, record_ids: Iterable[int], *, cause: str, reason: str, run: Run, publication: Publication,
    models: Models | None = None, author: tuple[str, str] | None = None,
) -> Erasure:  # fmt: skip
    """Erase records, each in one transaction; one that is erased already is left alone.

    cause: source or request; reason: kept with the tombstone. models: those that editions are written with, so that an
    edition run again finds its input decided; none is asked. author: (platform, author key) when all of an author goes:
    a tombstone of the author comes first, so that nothing of theirs is stored meanwhile or later.
    Raises LookupError for an unknown id, psycopg errors for the database; what was erased before stays erased.
    """
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise RuntimeError("erasing commits record by record: not inside a transaction")
    done = Erasure()
    keyed = Keyed.of(conn)
    wanted = list(record_ids)
    with ExitStack() as held:
        held.enter_context(advisory_lock(conn, LOCK))
        for platform in _platforms(conn, wanted):  # an ingest under way looked for tombstones before this one stood
            held.enter_context(advisory_lock(conn, f"ingest {platform}"))
        if author is not None:
            add_tombstone(
                conn, kind="author", platform=author[0], keyed_hash=keyed.author(*author), cause=cause, reason=reason,
                record_id=None, now=run.now, run_id=run.id, figures={},
            )  # fmt: skip
        for number, record_id in enumerate(wanted, start=1):
            with conn.transaction():
                _erase(conn, record_id, keyed, done, cause=cause, reason=reason, run=run, publication=publication,
                       models=models)  # fmt: skip
            if number % 20 == 0:
                run.progress(f"{number} records erased")
        if author is not None:
            with conn.transaction():
                blank_author(conn, *author, keyed)
        if done.records:
            _vacuum(conn)
    return done


def _platforms(conn: Connection, record_ids: Sequence[int]) -> list[str]:
    rows = conn.execute("SELECT DISTINCT platform FROM records WHERE id = ANY(%s) ORDER BY 1", (record_ids,)).fetchall()
    return [row["platform"] for row in rows]


def _erase(
    conn: Connection, record_id: int, keyed: Keyed, done: Erasure, *, cause: str, reason: str, run: Run,
    publication: Publication, models: Models | None,
) -> None:  # fmt: skip
    record = conn.execute(RECORD, (record_id,)).fetchone()
    if record is None:
        raise LookupError(f"no record {record_id}")
    if record["erased_at"] is not None:
        return
    conn.execute("SET LOCAL aidran.erasing = 'on'")
    pages = own_pages(conn, record)
    page_versions = [page["version_id"] for page in pages if page["version_id"] is not None]
    erased = texts_of(conn, record, pages)
    statements = _statements(conn, record_id)
    quotable = bool(statements.runs) or bool(page_versions)
    versions = touched_versions(conn, record_id, page_versions)
    linked = bool(pages) or bool(conn.execute(LINKED, (record_id,)).fetchone())
    # Without a claim and without a link it was in nobody's input.
    decided = _decided(conn, record, publication, models) if quotable or linked else []
    figures = {"bodies": redact_bodies(conn, record, erased, now=run.now)}
    figures["bodies"] += empty_page_bodies(
        conn, [page["id"] for page in pages], [page["canonical_url"] for page in pages], now=run.now
    )
    touched = blank_sentences(conn, record_id, page_versions, erased, versions, now=run.now)
    if quotable:  # what gave no claim was never in a story, a draft or an answer but the reader's
        figures["replies"] = forget_replies(conn, record["day"], erased, [v["id"] for v in versions], statements)
        figures["decisions"] = sweep_json(conn, record_id, record["day"], erased, touched.removed)
    figures |= {"sentences": touched.sentences, "quotes": touched.uses}
    figures["pages"] = blank_pages(conn, pages, keyed, now=run.now)
    for page in {page["canonical_url"] for page in pages}:
        add_tombstone(conn, kind="page", platform=record["platform"], keyed_hash=keyed.hash("page", page), cause=cause,
                      reason=reason, record_id=None, now=run.now, run_id=run.id, figures={})  # fmt: skip
    figures |= blank_record(conn, record, keyed, erased, now=run.now)
    if linked:
        reassign_pages(conn, [(row["day"], row["topic"]) for row, _ in decided], publication)
    stories = _tell_again(conn, touched, run, publication, models)
    slugs = rename_slugs(conn, [row["article_id"] for row in touched.versions], erased, keyed, now=run.now)
    touched.removed |= set(slugs)
    _stay_decided(conn, decided, publication, models)
    figures["dagster"] = sweep_dagster(conn, touched.removed, erased)
    add_tombstone(conn, kind="record", platform=record["platform"],
                  keyed_hash=keyed.record(record["platform"], record["native_id"]), cause=cause, reason=reason,
                  record_id=record_id, now=run.now, run_id=run.id, figures=figures)  # fmt: skip
    done.records.append(record_id)
    done.stories += _named(conn, stories)
    done.add(figures)


def _statements(conn: Connection, record_id: int) -> Erased:
    """What was made of its claims: a reader's own words for them, and who is said to speak."""
    rows = conn.execute(
        """SELECT c.statement FROM claims c JOIN record_versions v ON v.id = c.record_version_id
           WHERE v.record_id = %s""",
        (record_id,),
    ).fetchall()
    return Erased([row["statement"] for row in rows], [])


Decided = tuple[dict[str, Any], bool]


def _decided(
    conn: Connection, record: dict[str, Any], publication: Publication, models: Models | None
) -> list[Decided]:
    """The decisions whose input held the record, and whether each was made from the input as it is now."""
    last = record["day"] + timedelta(days=publication.window_days - 1)
    rows = conn.execute(DECISIONS, {"record": record["id"], "first": record["day"], "last": last}).fetchall()
    return [(row, row["input_hash"] == _digest(conn, row["day"], row["topic"], publication, models)) for row in rows]


def _digest(conn: Connection, day: date, topic: str, publication: Publication, models: Models | None) -> str:
    return input_digest(load_material(conn, day, topic, publication), publication, models)


def _stay_decided(
    conn: Connection, decided: Sequence[Decided], publication: Publication, models: Models | None
) -> None:
    """A decision that the record had no part in is not made anew because it is gone: its input gets its new hash."""
    for row, current in decided:
        if not current:
            continue
        digest = _digest(conn, row["day"], row["topic"], publication, models)
        conn.execute("UPDATE editorial_decisions SET input_hash = %s WHERE id = %s", (digest, row["id"]))
        conn.execute(
            "UPDATE article_versions SET input_hash = %s WHERE id = %s AND input_hash = %s",
            (digest, row["article_version_id"], row["input_hash"]),
        )


def _tell_again(
    conn: Connection, touched: Touched, run: Run, publication: Publication, models: Models | None
) -> dict[int, tuple[str, str]]:
    """Article id → (slug before, status after) of each story in force that lost something, the oldest day first."""
    told: dict[int, tuple[str, str]] = {}
    for row in touched.current():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"article {row['day']} {row['topic']}",))
        _version, status = retell(conn, row["id"], run=run, publication=publication, models=models)
        told[row["article_id"]] = (row["slug"], status)
    return told


def _named(conn: Connection, stories: dict[int, tuple[str, str]]) -> list[dict[str, Any]]:
    rows = conn.execute("SELECT id, slug FROM articles WHERE id = ANY(%s) ORDER BY id", (list(stories),)).fetchall()
    return [
        {"slug": row["slug"], "renamed": stories[row["id"]][0] != row["slug"], "status": stories[row["id"]][1]}
        for row in rows
    ]


def _vacuum(conn: Connection) -> None:
    """Let the server reuse what held the old rows; a table that somebody else works on is left to autovacuum."""
    conn.execute("SET lock_timeout = '5s'")
    try:
        for table in VACUUMED:
            try:
                conn.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
            except psycopg.errors.LockNotAvailable:
                continue
    finally:
        conn.execute("RESET lock_timeout")
