"""Why a story was written: the signals it was written for with their evidence, and what its day was worth.

The figures are those kept with the version; the evidence rows are the signal's present ones, as within its day a signal
is measured again. What does not belong here: measuring (signal/), scoring (write/), layout (templates/why.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aidran_pipeline.publish.read import Head
from aidran_pipeline.publish.story_rows import record_name
from aidran_pipeline.publish.words import signal
from aidran_pipeline.store.db import Connection

SHOWN = 40  # evidence records of a signal on its page; the command line has all

MEASURED = """
SELECT kind, outcome, history_days, tests, engine_version, sealed_at, backfilled, coverage FROM baselines
WHERE day = %s AND topic = %s ORDER BY kind
"""
EVIDENCE = """
SELECT s.kind, e.weight, r.id, r.erased_at, r.day, r.platform, r.publisher, r.author_name, r.community, r.url,
       r.published_at,
       row_number() OVER strongest AS place, count(*) OVER (PARTITION BY s.kind) AS of
FROM signals s JOIN signal_evidence e ON e.signal_id = s.id JOIN records r ON r.id = e.record_id
WHERE s.day = %s AND s.topic = %s
WINDOW strongest AS (PARTITION BY s.kind ORDER BY e.weight DESC, r.published_at, r.platform, r.native_id)
ORDER BY s.kind, place
"""
CITED = "SELECT record_id, number FROM citations WHERE article_version_id = %s AND kind = 'record'"

# What a term of the score says, in the order in which a page lists them.
TERMS = {
    "change": "what was measured: the signals above, by how unlikely they are without a change",
    "breadth": "outlets of different owners, people and platforms that spoke that day",
    "novelty": "the share of it that belongs to storylines of that day or the day before",
    "saturation": "what stories of the last seven days told of it already",
}


@dataclass(frozen=True)
class Evidence:
    """A record that a signal rests on. marker: its citation in the story, None when the story does not cite it.

    Of one that was erased only platform and day are told.
    """

    name: str
    platform: str
    url: str
    published_at: Any
    day: Any
    weight: float
    marker: str | None


@dataclass(frozen=True)
class Reason:
    """A signal: its kind, its figures as a sentence, the strongest evidence rows and how many there are."""

    kind: str
    words: str
    evidence: list[Evidence]
    of: int


@dataclass(frozen=True)
class Reasons:
    """The page's content. terms: (name, value, what it says); measured: every kind measured of the day."""

    signals: list[Reason]
    warnings: list[Reason]
    score: float | None = None
    worth: str | None = None
    terms: list[tuple[str, float, str]] = field(default_factory=list)
    measured: list[dict[str, Any]] = field(default_factory=list)


def read_reasons(conn: Connection, head: Head) -> Reasons:
    """Signals, evidence and score of a version. Three queries."""
    part = (head.day, head.topic)
    markers = {r["record_id"]: str(r["number"]) for r in conn.execute(CITED, (head.version_id,))}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in conn.execute(EVIDENCE, part).fetchall():
        rows.setdefault(row["kind"], []).append(row)
    kept = head.inputs.get("reason") or {}
    news = head.inputs.get("newsworthiness") or {}

    def reasons(name: str) -> list[Reason]:
        return [_reason(head, each, rows.get(each["kind"], []), markers) for each in kept.get(name) or []]

    return Reasons(
        signals=reasons("signals"),
        warnings=reasons("warnings"),
        score=news.get("score"),
        worth=news.get("worth"),
        terms=[(name, float(news[name]), says) for name, says in TERMS.items() if name in news],
        measured=conn.execute(MEASURED, part).fetchall(),
    )


def _reason(head: Head, kept: dict[str, Any], rows: list[dict[str, Any]], markers: dict[int, str]) -> Reason:
    shown = [_evidence(row, markers) for row in rows[:SHOWN]]
    return Reason(kept["kind"], signal({**kept, "day": head.day}), shown, len(rows))


def _evidence(row: dict[str, Any], markers: dict[int, str]) -> Evidence:
    if row["erased_at"] is not None:
        return Evidence("withdrawn", row["platform"], "", None, row["day"], float(row["weight"]), None)
    return Evidence(
        record_name(row), row["platform"], row["url"], row["published_at"], row["day"], float(row["weight"]),
        markers.get(row["id"]),
    )  # fmt: skip
