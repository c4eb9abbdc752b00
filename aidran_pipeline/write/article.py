"""One (day, topic): read the material, compose, hold the draft to every gate, publish a version or withhold it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection, advisory_lock
from aidran_pipeline.store.provenance import Run, content_hash
from aidran_pipeline.write.draft import Draft, as_read
from aidran_pipeline.write.engines import (
    Written,
    give_up_after_streak,
    input_digest,
    note_unread,
    worth_another_try,
    write_draft,
)
from aidran_pipeline.write.gates import Context, GateFailure, run_gates
from aidran_pipeline.write.gates.base import OtherStory
from aidran_pipeline.write.gates.evidence import reason_to_write
from aidran_pipeline.write.judge import judge_of
from aidran_pipeline.write.material import Material, load_material
from aidran_pipeline.write.newsworthiness import Newsworthiness, newsworthiness_of
from aidran_pipeline.write.persist import draft_as_json, draft_hash, load_draft, store_decision, store_version

OTHERS = """
WITH heirs AS MATERIALIZED (SELECT * FROM storyline_heirs(%(day)s) h WHERE h.heir <> h.storyline_id)
SELECT a.slug, a.topic, a.day, h.text AS headline,
       (SELECT COALESCE(array_agg(DISTINCT COALESCE(heirs.heir, s.storyline_id))
                          FILTER (WHERE s.storyline_id IS NOT NULL), '{}')
          FROM article_sentences s LEFT JOIN heirs ON heirs.storyline_id = s.storyline_id
          WHERE s.article_version_id = av.id) AS storylines,
       (SELECT COALESCE(array_agg(c.record_id) FILTER (WHERE c.record_id IS NOT NULL), '{}')
          FROM citations c WHERE c.article_version_id = av.id) AS records
FROM articles a JOIN current_article_versions av ON av.article_id = a.id
JOIN article_sentences h ON h.article_version_id = av.id AND h.part = 'headline'
WHERE (a.topic = %(topic)s AND a.day < %(day)s AND a.day >= %(day)s - 14)
   OR (a.topic <> %(topic)s AND a.day = %(day)s AND (%(before)s::bigint IS NULL OR av.id < %(before)s))
ORDER BY a.slug
"""

# Since when the storylines of a day's topic develop, from what was there when a version of it was published.
SINCE = """
SELECT m.storyline_id, min(m.day) AS since
FROM article_versions v JOIN articles a ON a.id = v.article_id
JOIN storylines s ON s.id = (v.inputs ->> 'lead_storyline')::bigint
JOIN storyline_members(a.day) m ON m.storyline_id = s.id
JOIN records r ON r.id = m.record_id AND r.first_seen_at <= v.published_at
WHERE v.id = %s GROUP BY 1
"""


@dataclass(frozen=True)
class ArticleResult:
    """What was decided. decision: published or withheld; changed: whether a row was written."""

    day: date
    topic: str
    decision: str
    changed: bool
    data_version: str
    slug: str | None = None
    headline: str | None = None
    version: int | None = None
    article_version_id: int | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def gates(self) -> list[str]:
        """Names of the gates that withheld it, without repetition."""
        return list(dict.fromkeys(reason["gate"] for reason in self.reasons))


def write_article(
    conn: Connection, day: date, topic: str, *, run: Run, publication: Publication, models: Models | None = None
) -> ArticleResult:
    """Write, check and store one article. The same input decided before changes no row and asks no model.

    models: the configured models, None for the extractive engine. Where a model cannot be asked or breaks its contract
    the extractive engine writes; one that could not be asked is asked again when the same article is written again.

    Raises LookupError for an unknown topic. A story that cannot be told is a result (withheld), not an error.
    """
    with advisory_lock(conn, f"article {day} {topic}"), conn.transaction():
        material = load_material(conn, day, topic, publication)
        digest = input_digest(material, publication, models)
        known = _known(conn, day, topic, digest)
        if known is not None and not worth_another_try(known.numbers, models):
            return known
        context = make_context(conn, day, topic, publication, material=material)
        early = reason_to_write(publication, context.baseline, context.signals)
        written, news = Written(None, [f.as_dict() for f in early]), None
        if not early:
            news = newsworthiness_of(material, publication)
            if news.worth == "nothing":
                written = Written(None, [news.as_reason(publication)])
            else:
                if models is not None:
                    give_up_after_streak(conn, day, models)
                written = write_draft(material, publication, context, models, news.worth)
                note_unread(conn, written.draft, models)
        if known is not None and worth_another_try(written.numbers, models):
            return known
        return _decide(conn, material, written, news, run=run, digest=digest, publication=publication)


def _decide(
    conn: Connection,
    material: Material,
    written: Written,
    news: Newsworthiness | None,
    *,
    run: Run,
    digest: str,
    publication: Publication,
) -> ArticleResult:
    day, topic, draft, reasons = material.day, material.topic, written.draft, written.reasons
    numbers = decision_numbers(material, draft) | written.numbers
    if news is not None:
        numbers["newsworthiness"] = news.as_dict()
    common: dict[str, Any] = {
        "newsworthiness": news.score if news else None,
        "worth": news.worth if news else None,
        "engine": written.engine,
        "engine_version": written.engine_version,
        "input_hash": digest,
        "run_id": run.id,
    }
    if draft is None or reasons:
        standing = latest_result(conn, day, topic)
        if standing is not None:
            numbers["version_that_stands"] = standing.version
        store_decision(conn, day=day, topic=topic, decision="withheld", reasons=reasons, numbers=numbers,
                       draft=draft_as_json(draft) if draft else None, article_version_id=None, decided_at=run.now,
                       **common)  # fmt: skip
        return ArticleResult(
            day, topic, "withheld", True, content_hash("withheld", reasons), reasons=reasons, numbers=numbers
        )
    versions = conn.execute(
        """SELECT count(*) AS n FROM article_versions av JOIN articles a ON a.id = av.article_id
           WHERE a.day = %s AND a.topic = %s""",
        (day, topic),
    ).fetchone()
    if versions and versions["n"] >= publication.max_versions_per_day:
        current = latest_result(conn, day, topic)
        if current is not None:
            return current
    if news is not None:
        draft.inputs["newsworthiness"] = news.as_dict()
    draft.inputs["gates"] = [{"gate": name, "passed": True} for name in gate_names()]
    version_id, slug, number, new = store_version(
        conn, draft, run=run, engine_version=written.engine_version, judge=judge_of(draft.engine), input_hash=digest
    )
    store_decision(conn, day=day, topic=topic, decision="published", reasons=[], numbers=numbers, draft=None,
                   article_version_id=version_id, decided_at=run.now, **common)  # fmt: skip
    return ArticleResult(day, topic, "published", new, draft_hash(draft), slug=slug, headline=draft.one("headline"),
                         version=number, article_version_id=version_id, numbers=numbers)  # fmt: skip


def gate_names() -> list[str]:
    """Names of the gates in their order."""
    from aidran_pipeline.write.gates import GATES

    return [name for name, _ in GATES]


def decision_numbers(material: Material, draft: Draft | None) -> dict[str, Any]:
    """The figures behind a decision."""
    records = {c.source.record_id: c.source for c in material.claims}.values()
    numbers: dict[str, Any] = {
        "records_read": material.records_read,
        "claims": len(material.claims),
        "records_with_claims": len(records),
        "storylines": len({s.storyline_id for s in records}),
        "pages": len(material.pages),
        "signals": [{"kind": s["kind"], "severity": s["severity"], "score": s["score"]} for s in material.signals],
        "history_days": (material.baseline or {}).get("history_days"),
    }
    if draft is not None:
        cited = draft.sources("record")
        numbers |= {
            "form": draft.form,
            "records_cited": len(cited),
            "authors_cited": len({s.author_key for s in cited}),
            "families_cited": len({s.family for s in cited}),
            "pages_cited": len(draft.sources("web")),
            "sentences": len(draft.sentences),
        }
    return numbers


def _known(conn: Connection, day: date, topic: str, digest: str) -> ArticleResult | None:
    """The decision in force, when it was made from this very input."""
    row = conn.execute("SELECT * FROM current_decisions WHERE day = %s AND topic = %s", (day, topic)).fetchone()
    if row is None or row["input_hash"] != digest:
        return None
    if row["decision"] == "published":
        return latest_result(conn, day, topic)
    reasons = row["reasons"]
    return ArticleResult(
        day, topic, "withheld", False, content_hash("withheld", reasons), reasons=reasons, numbers=row["numbers"]
    )


def latest_result(conn: Connection, day: date, topic: str) -> ArticleResult | None:
    """The published version of a (day, topic) as a result, None when there is none."""
    row = conn.execute(
        """SELECT a.slug, av.id, av.number, av.content_hash, h.text AS headline, d.numbers
           FROM articles a JOIN current_article_versions av ON av.article_id = a.id
           JOIN article_sentences h ON h.article_version_id = av.id AND h.part = 'headline'
           LEFT JOIN LATERAL (SELECT numbers FROM editorial_decisions e WHERE e.article_version_id = av.id
               ORDER BY e.id DESC LIMIT 1) d ON true
           WHERE a.day = %s AND a.topic = %s""",
        (day, topic),
    ).fetchone()
    if row is None:
        return None
    return ArticleResult(day, topic, "published", False, row["content_hash"], slug=row["slug"],
                         headline=row["headline"], version=row["number"],
                         article_version_id=row["id"], numbers=row["numbers"] or {})  # fmt: skip


def make_context(
    conn: Connection, day: date, topic: str, publication: Publication, *, material: Material | None = None,
    version_id: int | None = None,
) -> Context:  # fmt: skip
    """What the gates compare with; for a stored version, the world as it was when that version was published."""
    if material is None:
        material = load_material(conn, day, topic, publication)
    read, baseline = material.records_read, material.baseline
    signals = tuple(material.reason()["signals"])
    since = {s.id: s.first_day for s in material.storylines.values()}
    if version_id is not None:
        read, baseline, signals = _as_published(conn, version_id)
        since = {row["storyline_id"]: row["since"] for row in conn.execute(SINCE, (version_id,))}
    others = tuple(
        OtherStory(
            row["slug"],
            row["topic"],
            str(row["day"]),
            row["headline"],
            frozenset(row["storylines"]),
            frozenset(row["records"]),
        )
        for row in conn.execute(OTHERS, {"topic": topic, "day": day, "before": version_id})
    )
    headlines = conn.execute(
        """SELECT s.id, s.text, a.day FROM article_sentences s JOIN article_versions v ON v.id = s.article_version_id
           JOIN articles a ON a.id = v.article_id WHERE s.part = 'headline' AND a.topic = %s AND a.day < %s""",
        (topic, day),
    ).fetchall()
    owners = conn.execute("SELECT id, topic FROM storylines").fetchall()
    return Context(
        publication=publication,
        topic_label=material.label,
        records_read=read,
        signals=tuple(f"{s['kind']}:{s['severity']}" for s in signals),
        signal_rows=signals,
        baseline=baseline,
        others=others,
        earlier_headlines={row["id"]: (row["text"], row["day"]) for row in headlines},
        storyline_topics={row["id"]: row["topic"] for row in owners},
        storyline_since=since,
        earlier_sentences=_earlier_sentences(conn, material, version_id),
    )


def _earlier_sentences(conn: Connection, material: Material, version_id: int | None) -> dict[int, tuple[str, date]]:
    """What a draft may rest on of earlier stories; for a stored version, what it does rest on."""
    if version_id is None:
        return {told.id: (told.text, told.day) for told in material.told}
    rows = conn.execute(
        """SELECT DISTINCT s.id, s.text, a.day FROM sentence_rests_on r
           JOIN article_sentences s ON s.id = r.on_sentence_id AND s.article_version_id <> r.article_version_id
           JOIN article_versions v ON v.id = s.article_version_id JOIN articles a ON a.id = v.article_id
           WHERE r.article_version_id = %s AND a.topic = %s AND a.day < %s""",
        (version_id, material.topic, material.day),
    )
    return {row["id"]: (as_read(row["text"]), row["day"]) for row in rows}


def _as_published(conn: Connection, version_id: int) -> tuple[int, dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """What a version was written from: the records it read that exist, its baseline, its signals.

    Kept with the version, as within the day a signal is measured again and records are analysed anew.
    """
    row = conn.execute(
        """SELECT v.inputs, (SELECT count(*) FROM records r WHERE r.id IN
               (SELECT jsonb_array_elements_text(v.inputs -> 'read')::bigint)) AS read
           FROM article_versions v WHERE v.id = %s""",
        (version_id,),
    ).fetchone()
    if row is None:
        raise LookupError(f"no article version {version_id}")
    reason = row["inputs"].get("reason") or {}
    return int(row["read"]), reason.get("baseline"), tuple(reason.get("signals") or ())


def check_article(conn: Connection, article_version_id: int, publication: Publication) -> list[GateFailure]:
    """Every gate over the stored rows of a version. Raises LookupError when there is no such version."""
    draft = load_draft(conn, article_version_id)
    context = make_context(conn, draft.day, draft.topic, publication, version_id=article_version_id)
    return run_gates(draft, context)


def content_hash_of(conn: Connection, article_version_id: int) -> str:
    """The content hash of a version, computed again from its rows."""
    return draft_hash(load_draft(conn, article_version_id))
