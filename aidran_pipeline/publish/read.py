"""What the site needs of the database, as plain objects. The only module here with SQL for the site's index.

What does not belong here: HTML, and the inside of one article version (story_rows.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.model_calls import Cost, cost_of

HEADS = """
SELECT a.id AS article_id, a.day, a.topic, a.slug, t.label, av.id AS version_id, av.number, av.published_at,
       av.records_read, av.records_cited, av.pages_cited, av.warming_up, av.inputs, av.engine, av.engine_version,
       av.judge, av.judge_version, av.content_hash, av.run_id, av.form,
       av.status, av.redacted_at, av.withdraws,
       string_agg(s.text, ' ' ORDER BY s.ordinal) FILTER (WHERE s.part = 'headline') AS headline,
       string_agg(s.text, ' ' ORDER BY s.ordinal) FILTER (WHERE s.part = 'short_title') AS short_title,
       string_agg(s.text, ' ' ORDER BY s.ordinal) FILTER (WHERE s.part = 'dek') AS dek,
       (SELECT COALESCE(array_agg(DISTINCT r.platform ORDER BY r.platform), '{}')
          FROM citations c JOIN records r ON r.id = c.record_id
         WHERE c.article_version_id = av.id AND r.erased_at IS NULL) AS platforms
FROM articles a
JOIN topics t ON t.slug = a.topic
JOIN article_versions av ON av.article_id = a.id
LEFT JOIN article_sentences s ON s.article_version_id = av.id AND s.part IN ('headline', 'short_title', 'dek')
GROUP BY a.id, t.label, t.position, av.id
ORDER BY a.day DESC, t.position, a.slug, av.number
"""
TOPICS = "SELECT slug, label, description, retired_at FROM topics ORDER BY position, slug"
DECISIONS = """
SELECT d.day, d.topic, t.label, d.decision, d.reasons, d.numbers, d.decided_at
FROM current_decisions d JOIN topics t ON t.slug = d.topic ORDER BY d.day DESC, t.position, d.topic
"""
HUMAN = """
SELECT DISTINCT av.article_id FROM editorial_decisions e JOIN article_versions av ON av.id = e.article_version_id
WHERE e.made_by <> 'pipeline' ORDER BY 1
"""
BASELINES = """
SELECT DISTINCT ON (topic) topic, day, series, history_days, coverage, backfilled
FROM baselines WHERE kind = 'volume_spike' ORDER BY topic, day DESC
"""
MEASURED = """
SELECT b.day, b.topic, b.kind, b.outcome, b.history_days FROM baselines b
JOIN (SELECT topic, max(day) AS day FROM current_decisions GROUP BY topic) d ON d.topic = b.topic AND d.day = b.day
ORDER BY b.topic, b.kind
"""
SIGNALS = """
SELECT id, topic, day, kind, subject, observed, expected, score, p_value, p_uncorrected, severity, records, authors,
       families, backfilled, engine_version, run_id FROM signals ORDER BY topic, day, kind
"""
# Hosts below .example belong to nobody (RFC 2606): only the bundled sample is read there.
SAMPLE = r"""
SELECT min(day) AS first, max(day) AS last FROM records WHERE source_id IN (
    SELECT id FROM sources WHERE COALESCE(config->>'url', config->>'host') ~ '^https?://[^/]*\.example(/|$)')
"""
# A storyline that merged is told on by its heir: stories of both belong together.
SHARED = """
WITH RECURSIVE chain AS (
    SELECT id AS storyline_id, merged_into AS heir FROM storylines WHERE merged_into IS NOT NULL
    UNION ALL
    SELECT c.storyline_id, s.merged_into FROM chain c JOIN storylines s ON s.id = c.heir WHERE s.merged_into IS NOT NULL
), heirs AS (
    SELECT storyline_id, heir FROM chain c JOIN storylines s ON s.id = c.heir AND s.merged_into IS NULL
), own AS (
    SELECT DISTINCT COALESCE(h.heir, s.storyline_id) AS id
    FROM article_sentences s LEFT JOIN heirs h ON h.storyline_id = s.storyline_id
    WHERE s.article_version_id = %(version)s AND s.storyline_id IS NOT NULL
), same AS (
    SELECT id FROM own UNION SELECT h.storyline_id FROM heirs h JOIN own ON own.id = h.heir
)
SELECT DISTINCT other.article_id
FROM citations c JOIN citations oc ON oc.record_id = c.record_id AND oc.article_version_id <> c.article_version_id
JOIN current_article_versions other ON other.id = oc.article_version_id
WHERE c.article_version_id = %(version)s AND other.article_id <> %(article)s
UNION
SELECT DISTINCT other.article_id
FROM same
JOIN article_sentences os ON os.storyline_id = same.id
JOIN current_article_versions other ON other.id = os.article_version_id
WHERE other.article_id <> %(article)s
ORDER BY 1
"""


@dataclass(frozen=True)
class Head:
    """One published version of a story: everything but its body. `inputs` as stored with the version.

    cost: of the model calls that it names; None when it names none.
    """

    article_id: int
    day: date
    topic: str
    slug: str
    label: str
    version_id: int
    number: int
    published_at: datetime
    records_read: int
    records_cited: int
    pages_cited: int
    warming_up: bool
    inputs: dict[str, Any]
    engine: str
    engine_version: str
    judge: str
    judge_version: str
    content_hash: str
    run_id: str
    headline: str | None
    short_title: str | None
    dek: str | None
    platforms: list[str]
    form: str = "story"
    status: str = "published"
    redacted_at: datetime | None = None
    withdraws: bool = False
    cost: Cost | None = None

    @property
    def newsworthiness(self) -> float:
        """The score that it was written for; 0 for versions of releases that took none."""
        return float((self.inputs.get("newsworthiness") or {}).get("score") or 0.0)

    @property
    def path(self) -> str:
        """The story's address below the site's root."""
        return f"stories/{self.slug}/"


@dataclass(frozen=True)
class Topic:
    """A beat as configured; a retired one keeps its page."""

    slug: str
    label: str
    description: str
    retired: bool

    @property
    def path(self) -> str:
        """The topic's address below the site's root."""
        return f"topics/{self.slug}/"


@dataclass(frozen=True)
class Decision:
    """The decision in force for one (day, topic)."""

    day: date
    topic: str
    label: str
    decision: str
    reasons: list[dict[str, Any]]
    numbers: dict[str, Any]
    decided_at: datetime


@dataclass(frozen=True)
class Edition:
    """One day's stories, the most newsworthy first and dispatches last, and the topics withheld that day."""

    day: date
    stories: list[Head]
    withheld: list[Decision]


@dataclass
class Index:
    """The whole site but the bodies: small enough to hold, read once in one snapshot."""

    publication: Publication
    topics: list[Topic]
    versions: list[Head]
    decisions: list[Decision]
    human_articles: set[int]
    baselines: dict[str, dict[str, Any]]
    signals: list[dict[str, Any]]
    measured: dict[tuple[date, str], list[dict[str, Any]]] = field(default_factory=dict)
    by_article: dict[int, list[Head]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grouped: defaultdict[int, list[Head]] = defaultdict(list)
        for head in self.versions:
            grouped[head.article_id].append(head)
        self.by_article = dict(grouped)

    @cached_property
    def stories(self) -> list[Head]:
        """The current version of each story that stands: newest day first, then topics in their configured order."""
        return [heads[-1] for heads in self.by_article.values() if heads[-1].status == "published"]

    @cached_property
    def signals_by_id(self) -> dict[int, dict[str, Any]]:
        """Signals by id, for the versions that name them as inputs."""
        return {row["id"]: row for row in self.signals}

    @cached_property
    def updated(self) -> datetime | None:
        """The latest moment at which anything on the site was decided."""
        return max([h.published_at for h in self.versions] + [d.decided_at for d in self.decisions], default=None)

    @cached_property
    def editions(self) -> list[Edition]:
        """Newest first."""
        days = sorted({h.day for h in self.stories} | {d.day for d in self.decisions}, reverse=True)
        stories: defaultdict[date, list[Head]] = defaultdict(list)
        for head in self.stories:
            stories[head.day].append(head)
        withheld: defaultdict[date, list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            if decision.decision == "withheld" and decision.topic not in {h.topic for h in stories[decision.day]}:
                withheld[decision.day].append(decision)
        # sorted() is stable: equal evidence keeps the configured order of topics
        return [
            Edition(
                day,
                sorted(
                    stories[day],
                    key=lambda h: (h.form != "story", -h.newsworthiness, -h.records_cited, -h.pages_cited),
                ),
                withheld[day],
            )
            for day in days
        ]

    def of_topic(self, topic: str) -> list[Head]:
        """Current stories of one topic, newest first."""
        return [head for head in self.stories if head.topic == topic]

    def url(self, path: str = "") -> str:
        """The public address of a path."""
        return str(self.publication.base_url).rstrip("/") + "/" + path


def read_index(conn: Connection, publication: Publication) -> Index:
    """Everything but the bodies. Call it in the snapshot in which the bodies are read."""
    return Index(
        publication=_with_notice(conn, publication),
        topics=[
            Topic(r["slug"], r["label"], r["description"], r["retired_at"] is not None)
            for r in conn.execute(TOPICS).fetchall()
        ],
        versions=[Head(**row, cost=_cost(conn, row)) for row in conn.execute(HEADS).fetchall()],
        decisions=[Decision(**row) for row in conn.execute(DECISIONS).fetchall()],
        human_articles={row["article_id"] for row in conn.execute(HUMAN).fetchall()},
        baselines={row["topic"]: row for row in conn.execute(BASELINES).fetchall()},
        signals=conn.execute(SIGNALS).fetchall(),
        measured=_measured(conn),
    )


def _measured(conn: Connection) -> dict[tuple[date, str], list[dict[str, Any]]]:
    """What was measured of each topic's latest decided day, by kind."""
    found: dict[tuple[date, str], list[dict[str, Any]]] = {}
    for row in conn.execute(MEASURED).fetchall():
        found.setdefault((row["day"], row["topic"]), []).append(row)
    return found


def _cost(conn: Connection, row: dict[str, Any]) -> Cost | None:
    """What a version's model calls cost; None when it names none."""
    return cost_of(conn, article_version_id=row["version_id"]) if row["inputs"].get("calls") else None


def _with_notice(conn: Connection, publication: Publication) -> Publication:
    """The publication, whose notice says on every page which days are invented while the database holds the sample.

    From the rows, not from the command that made them: `aidran site`, `verify` and `run` render the same pages.
    """
    row = conn.execute(SAMPLE).fetchone()
    if row is None or row["first"] is None:
        return publication
    first, last = row["first"], row["last"]
    days = f"{first.day} {first:%B} to {last.day} {last:%B} {last.year}"
    notice = f"Sample data: stories of {days} are made of invented posts and reports that come with this software."
    return publication.model_copy(update={"notice": " ".join(filter(None, (publication.notice, notice)))})


def read_related(conn: Connection, head: Head) -> set[int]:
    """Ids of the articles that cite a record of this version or tell one of its storylines."""
    rows = conn.execute(SHARED, {"version": head.version_id, "article": head.article_id}).fetchall()
    return {row["article_id"] for row in rows}
