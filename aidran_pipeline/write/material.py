"""What an article can be made of: the records of one topic's evidence window with their claims, storylines and pages.

Read from the tables of earlier stages, in one go, in a fixed order. What does not belong here: any choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import content_hash
from aidran_pipeline.store.signal_kinds import WARNINGS
from aidran_pipeline.text.terms import Matcher
from aidran_pipeline.write.draft import Source, as_read

SIGNAL_KEYS = ("id", "kind", "severity", "observed", "expected", "score", "p_value", "p_uncorrected", "subject")
REASON_KEYS = ("history_days", "coverage", "outcome", "backfilled")
# What a record counts for a topic that owns its storyline but is not among its own topics.
BORROWED_SCORE = 0.4
LATELY_DAYS = 7

CLAIMS = """
SELECT c.id AS claim_id, c.start_at, c.end_at, c.quote, c.kind, c.speaker, c.stance, c.checkworthiness,
       c.statement, c.engine, c.engine_version,
       v.id AS version_id, v.text, v.title, v.title_truncated, v.body_truncated,
       r.id AS record_id, r.platform, r.native_id, r.publisher, r.publisher_family, r.author_key, r.author_name,
       r.community, r.published_at, r.day, COALESCE(t.score, %(borrowed)s) AS topic_score, sr.storyline_id,
       sr.weight AS centrality, COALESCE(g.size, 1) AS copies,
       (SELECT COALESCE(m.score, 0) + COALESCE(m.likes, 0) + COALESCE(m.reposts, 0)
               + COALESCE(m.comments, m.replies, 0)
          FROM record_metrics m WHERE m.record_id = r.id ORDER BY m.observed_at DESC LIMIT 1) AS engagement
FROM storylines s
JOIN storyline_members(%(day)s) sr ON sr.storyline_id = s.id AND sr.day BETWEEN %(first)s AND %(day)s
JOIN records r ON r.id = sr.record_id
JOIN newest_record_versions v ON v.record_id = r.id
JOIN claims c ON c.record_version_id = v.id AND c.superseded_at IS NULL
LEFT JOIN record_topics t ON t.record_id = r.id AND t.topic = s.topic
LEFT JOIN duplicate_members dm ON dm.record_id = r.id
LEFT JOIN duplicate_groups g ON g.id = dm.group_id
WHERE s.topic = %(topic)s AND r.day BETWEEN %(first)s AND %(day)s
  AND (g.id IS NULL OR g.representative = r.id)
  AND NOT EXISTS (SELECT 1 FROM citations ci JOIN current_article_versions av ON av.id = ci.article_version_id
                  JOIN articles a ON a.id = av.article_id
                  WHERE ci.record_id = r.id AND (a.day < %(day)s OR a.topic <> %(topic)s))
ORDER BY r.published_at, r.platform, r.native_id, c.start_at, c.end_at
"""

PAGES = """
SELECT DISTINCT ON (w.id, r.id) w.id AS page_id, w.canonical_url, w.host, v.id AS version_id, v.title, v.site_name,
    v.text,
       v.published_at, tp.links, tp.rank, r.id AS record_id, sr.storyline_id, l.kind AS link_kind, r.publisher
FROM topic_web_pages tp
JOIN web_pages w ON w.id = tp.web_page_id
JOIN LATERAL (SELECT * FROM web_page_versions x WHERE x.web_page_id = w.id ORDER BY x.number DESC LIMIT 1) v ON true
JOIN record_links l ON l.canonical_url = w.canonical_url
JOIN newest_record_versions nv ON nv.id = l.record_version_id
JOIN records r ON r.id = nv.record_id AND r.day BETWEEN %(first)s AND %(day)s
JOIN storyline_members(%(day)s) sr ON sr.record_id = r.id
JOIN storylines s ON s.id = sr.storyline_id AND s.topic = %(topic)s
WHERE tp.day = %(day)s AND tp.topic = %(topic)s
  AND NOT EXISTS (SELECT 1 FROM citations ci JOIN current_article_versions av ON av.id = ci.article_version_id
                  JOIN articles a ON a.id = av.article_id JOIN web_page_versions x ON x.id = ci.web_page_version_id
                  WHERE x.web_page_id = w.id AND (a.day < %(day)s OR a.topic <> %(topic)s))
ORDER BY w.id, r.id, l.position
"""

# As they stood that evening: what merged or split since was another storyline then.
STORYLINES = """
SELECT s.id, s.kind, COALESCE(d.since, s.first_day) AS first_day, d.state
FROM storylines s
LEFT JOIN LATERAL (SELECT since, state FROM storyline_days d WHERE d.storyline_id = s.id AND d.day <= %(day)s
                   ORDER BY d.day DESC LIMIT 1) d ON true
WHERE s.topic = %(topic)s
  AND s.id IN (SELECT m.storyline_id FROM storyline_members(%(day)s) m WHERE m.day BETWEEN %(first)s AND %(day)s)
ORDER BY s.id
"""

EARLIER = """
WITH heirs AS MATERIALIZED (SELECT * FROM storyline_heirs(%(day)s) h WHERE h.heir <> h.storyline_id)
SELECT a.day, a.slug, av.id AS version_id, h.id AS headline_id, h.text AS headline, av.records_cited,
       (SELECT COALESCE(array_agg(DISTINCT COALESCE(heirs.heir, s.storyline_id))
                          FILTER (WHERE s.storyline_id IS NOT NULL), '{}')
          FROM article_sentences s LEFT JOIN heirs ON heirs.storyline_id = s.storyline_id
          WHERE s.article_version_id = av.id) AS storylines
FROM articles a JOIN current_article_versions av ON av.article_id = a.id
JOIN article_sentences h ON h.article_version_id = av.id AND h.part = 'headline'
WHERE a.topic = %(topic)s AND a.day < %(day)s AND a.day >= %(day)s - 30
ORDER BY a.day DESC
"""

# What the latest earlier story told in short: its titles, its story so far, and what opens each section.
TOLD = """
SELECT s.id, s.article_version_id AS version_id, a.day, s.part, s.text
FROM article_sentences s
JOIN (SELECT av.id, a.day FROM articles a JOIN current_article_versions av ON av.article_id = a.id
      WHERE a.topic = %(topic)s AND a.day < %(day)s AND a.day >= %(day)s - 30 ORDER BY a.day DESC LIMIT 1) a
  ON a.id = s.article_version_id
WHERE s.part IN ('headline', 'dek', 'story_so_far')
   OR (s.part = 'body' AND s.ordinal IN (SELECT min(o.ordinal) FROM article_sentences o
       WHERE o.article_version_id = s.article_version_id AND o.part = 'body' GROUP BY o.section))
ORDER BY s.ordinal
"""

# A record is read when it has the topic, or stands in a storyline that the topic owns.
RECORDS_READ = """
SELECT r.id FROM records r WHERE r.day BETWEEN %(first)s AND %(day)s
  AND (EXISTS (SELECT 1 FROM record_topics t WHERE t.record_id = r.id AND t.topic = %(topic)s)
       OR EXISTS (SELECT 1 FROM storyline_members(%(day)s) sr JOIN storylines s ON s.id = sr.storyline_id
                  WHERE sr.record_id = r.id AND s.topic = %(topic)s))
ORDER BY r.id
"""

SIGNALS = """
SELECT s.id, s.kind, s.severity, s.observed, s.expected, s.score, s.p_value, s.p_uncorrected, s.records, s.subject,
       (SELECT jsonb_object_agg(e.record_id::text, e.weight) FROM signal_evidence e
           WHERE e.signal_id = s.id) AS evidence
FROM signals s WHERE s.topic = %(topic)s AND s.day = %(day)s ORDER BY s.p_uncorrected, s.kind
"""

BASELINE = """
SELECT kind, history_days, coverage, outcome, backfilled, sealed_at FROM baselines
WHERE topic = %(topic)s AND day = %(day)s AND kind = 'volume_spike'
"""


@dataclass(frozen=True)
class Claim:
    """A claim with the record version it stands in."""

    id: int
    source: Source
    start: int
    end: int
    quote: str
    kind: str
    speaker: str | None
    stance: str | None
    checkworthiness: float
    native_id: str
    centrality: float
    engagement: int
    copies: int
    statement: str = ""
    engine: str = "extractive"
    engine_version: str = ""


@dataclass(frozen=True)
class Page:
    """A fetched page that records of a storyline link to."""

    source: Source
    host: str
    url: str
    links: int
    rank: int
    own_records: frozenset[int]
    storylines: tuple[int, ...]

    def heads(self, quote: str) -> bool:
        """Whether a quote begins with the page's title: a heading with what follows it, no sentence of the text."""
        title = self.source.title
        return bool(title) and quote.startswith((title or "")[:30])


@dataclass(frozen=True)
class Storyline:
    """A storyline of this topic with records in the window, as it stood that day.

    Its label grows with later days: not used. first_day: since when it develops, an heir since the older of the two.
    told_on: the day of the topic's latest earlier story that told it, or one that merged into it.
    """

    id: int
    kind: str
    first_day: date
    state: str | None = None
    told_on: date | None = None


@dataclass(frozen=True)
class Earlier:
    """An earlier published story of the topic."""

    day: date
    slug: str
    version_id: int
    headline_id: int
    headline: str
    records_cited: int
    storylines: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Told:
    """A sentence of the topic's latest earlier story, as read."""

    id: int
    version_id: int
    day: date
    part: str
    text: str


@dataclass(frozen=True)
class Material:
    """All that an article of one (day, topic) may use."""

    day: date
    topic: str
    label: str
    window: tuple[date, date]
    claims: tuple[Claim, ...]
    pages: tuple[Page, ...]
    storylines: dict[int, Storyline]
    earlier: tuple[Earlier, ...]
    told: tuple[Told, ...]
    signals: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...]
    baseline: dict[str, Any] | None
    read: tuple[int, ...]
    terms: Matcher = field(default_factory=lambda: Matcher(()))
    signal_weight: dict[int, float] = field(default_factory=dict)

    @property
    def records_read(self) -> int:
        """How many records were read for the article."""
        return len(self.read)

    def told_lately(self) -> list[Earlier]:
        """The topic's stories of the last days: what they told is worth less today."""
        return [e for e in self.earlier if (self.day - e.day).days <= LATELY_DAYS]

    def reason(self) -> dict[str, Any]:
        """What the article was written for, kept with its version: the signals and the history they rest on."""
        return {
            "baseline": {k: v for k, v in (self.baseline or {}).items() if k in REASON_KEYS},
            "signals": [{k: s[k] for k in SIGNAL_KEYS} for s in self.signals],
            "warnings": [{k: s[k] for k in SIGNAL_KEYS} for s in self.warnings],
        }

    def input_hash(self) -> str:
        """Hash of everything that decides the article; earlier stories count by id only through what they used up."""
        return content_hash(
            self.day,
            self.topic,
            self.label,
            self.window,
            [
                (c.id, c.quote, c.kind, c.speaker, c.stance, c.source.version_id, c.source.storyline_id)
                for c in self.claims
            ],
            [(p.source.version_id, p.links, p.rank) for p in self.pages],
            [(s.id, s.kind, s.first_day, s.told_on) for s in self.storylines.values()],
            [(s["id"], s["kind"], s["severity"], s["p_uncorrected"]) for s in (*self.signals, *self.warnings)],
            [(e.day, sorted(e.storylines)) for e in self.told_lately()],
            {k: v for k, v in (self.baseline or {}).items() if k != "sealed_at"},
            self.read,
        )


def load_material(conn: Connection, day: date, topic: str, publication: Publication) -> Material:
    """Read the material of one (day, topic). Raises LookupError for an unknown topic."""
    first = day - timedelta(days=publication.window_days - 1)
    ask: dict[str, Any] = {"day": day, "topic": topic, "first": first, "borrowed": BORROWED_SCORE}
    label = conn.execute("SELECT label, terms FROM topics WHERE slug = %s", (topic,)).fetchone()
    if label is None:
        raise LookupError(f"{topic}: no such topic; see the topics file for its slugs")
    claims = tuple(_claim(row) for row in conn.execute(CLAIMS, ask))
    measured = conn.execute(SIGNALS, ask).fetchall()
    signals = tuple(row for row in measured if row["kind"] not in WARNINGS)
    earlier = tuple(Earlier(**row | {"storylines": frozenset(row["storylines"])}) for row in conn.execute(EARLIER, ask))
    told_on = {storyline: story.day for story in reversed(earlier) for storyline in story.storylines}
    weights: dict[int, float] = {}
    for signal in signals:
        for record, weight in (signal["evidence"] or {}).items():
            weights[int(record)] = max(weights.get(int(record), 0.0), float(weight))
    return Material(
        day=day,
        topic=topic,
        label=label["label"],
        window=(first, day),
        claims=claims,
        pages=_pages(conn.execute(PAGES, ask).fetchall()),
        storylines={
            row["id"]: Storyline(**row, told_on=told_on.get(row["id"])) for row in conn.execute(STORYLINES, ask)
        },
        earlier=earlier,
        told=tuple(Told(**row | {"text": as_read(row["text"])}) for row in conn.execute(TOLD, ask)),
        signals=signals,
        warnings=tuple(row for row in measured if row["kind"] in WARNINGS),
        baseline=conn.execute(BASELINE, ask).fetchone(),
        read=tuple(row["id"] for row in conn.execute(RECORDS_READ, ask)),
        terms=Matcher.of(label["terms"].get("include", {})),
        signal_weight=weights,
    )


def _claim(row: dict[str, Any]) -> Claim:
    source = Source(
        kind="record", version_id=row["version_id"], record_id=row["record_id"], text=row["text"], title=row["title"],
        platform=row["platform"], publisher=row["publisher"], family=row["publisher_family"],
        author_key=row["author_key"], author_name=row["author_name"], community=row["community"],
        published=row["published_at"], day=row["day"], title_truncated=row["title_truncated"],
        body_truncated=row["body_truncated"],
        topic_score=float(row["topic_score"]), storyline_id=row["storyline_id"],
    )  # fmt: skip
    return Claim(
        id=row["claim_id"], source=source, start=row["start_at"], end=row["end_at"], quote=row["quote"],
        kind=row["kind"], speaker=row["speaker"], stance=row["stance"], checkworthiness=float(row["checkworthiness"]),
        native_id=row["native_id"], centrality=float(row["centrality"]), engagement=int(row["engagement"] or 0),
        copies=int(row["copies"]), statement=row["statement"], engine=row["engine"],
        engine_version=row["engine_version"],
    )  # fmt: skip


def _pages(rows: list[dict[str, Any]]) -> tuple[Page, ...]:
    grouped: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["page_id"], []).append(row)
    pages = []
    for found in grouped.values():
        first = found[0]
        own = frozenset(row["record_id"] for row in found if row["link_kind"] == "self")
        name = first["site_name"] or first["host"]
        source = Source(
            kind="web", version_id=first["version_id"], record_id=None, text=first["text"], title=first["title"],
            platform=None, publisher=name, family=name.lower(), author_key=first["host"], author_name=None,
            community=None, published=first["published_at"],
            day=first["published_at"].date() if first["published_at"] else None,
        )  # fmt: skip
        storylines = tuple(sorted({row["storyline_id"] for row in found}))
        pages.append(
            Page(source, first["host"], first["canonical_url"], first["links"], first["rank"], own, storylines)
        )
    return tuple(sorted(pages, key=lambda page: page.rank))
