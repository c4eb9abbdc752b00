"""The inside of one article version: sentences, what they rest on, citations with their whole lineage.

What does not belong here: HTML (story.py, lineage_page.py), the site's index (read.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aidran_pipeline.publish.safe import host_of
from aidran_pipeline.store.db import Connection

CONTEXT = 200  # characters of a source that a public page shows on either side of a quote, at most

SENTENCES = """
SELECT id, ordinal, part, section, paragraph, kind, text FROM article_sentences
WHERE article_version_id = %s ORDER BY ordinal
"""
RESTS = """
SELECT r.sentence_id, s.ordinal, s.article_version_id = r.article_version_id AS own, a.slug, h.text AS headline, a.day
FROM sentence_rests_on r
JOIN article_sentences s ON s.id = r.on_sentence_id
JOIN article_versions v ON v.id = s.article_version_id
JOIN articles a ON a.id = v.article_id
JOIN article_sentences h ON h.article_version_id = v.id AND h.part = 'headline'
WHERE r.article_version_id = %s ORDER BY r.sentence_id, a.day DESC, a.slug, s.ordinal
"""
USES = """
SELECT l.sentence_id, l.ordinal, l.part, l.section, l.kind, l.citation_number, l.marker, l.weight, l.quote, l.start_at,
       l.end_at, l.support, l.score, l.judge, l.judge_version, l.claim_id, l.claim_run_id, l.claim_engine,
       l.claim_engine_version, l.platform, l.native_id, l.author_name, l.publisher, l.community, l.record_published_at,
       l.record_day,
       l.record_version, l.record_run_id, l.web_page_version, l.extractor, l.page_run_id, l.url, l.text_sha256, l.title,
       l.fetch_url, l.fetched_at, l.http_status, l.payload_sha256, l.fetch_run_id, l.byte_length, l.expired_at,
       l.source_id, l.source_kind, s.publisher AS source_publisher,
       cl.statement, cl.kind AS claim_kind, cl.speaker, cl.stance, wv.site_name, wv.published_at AS page_published_at,
       substring(l.source_text FROM greatest(l.start_at - %(context)s, 0) + 1
                 FOR least(l.start_at, %(context)s)) AS before,
       substring(l.source_text FROM l.end_at + 1 FOR %(context)s) AS after,
       l.start_at > %(context)s AS more_before, char_length(l.source_text) > l.end_at + %(context)s AS more_after,
       ra.run_id AS analysis_run_id, pl.redacted_at
FROM citation_lineage l
LEFT JOIN claims cl ON cl.id = l.claim_id
LEFT JOIN web_page_versions wv ON wv.id = l.web_page_version_id
LEFT JOIN sources s ON s.id = l.source_id
LEFT JOIN payloads pl ON pl.sha256 = l.payload_sha256
LEFT JOIN record_analysis ra ON ra.record_version_id = l.record_version_id
WHERE l.article_version_id = %(version)s
ORDER BY l.kind, l.citation_number, l.ordinal, l.start_at
"""
PLATFORM = {"bluesky": "Bluesky", "reddit": "Reddit", "news": "News"}


def record_name(row: dict[str, Any]) -> str:
    """Who speaks in a record, by its platform: the outlet, the author's handle, the subreddit."""
    if row["platform"] == "bluesky":
        return "@" + str(row["author_name"] or "unknown").lstrip("@")
    if row["platform"] == "reddit":
        return f"r/{row['community']}" if row["community"] else "Reddit"
    return str(row["publisher"])


@dataclass
class Line:
    """One sentence with what it rests on: ordinals of this version, and earlier stories as (slug, headline, day)."""

    id: int
    ordinal: int
    part: str
    section: int
    paragraph: int
    kind: str
    text: str
    rests_on: list[int] = field(default_factory=list)
    earlier: list[tuple[str, str, Any]] = field(default_factory=list)


@dataclass
class Cite:
    """One citation of a version with all its uses (rows of `citation_lineage` and the words around the quote)."""

    kind: str
    number: int
    uses: list[dict[str, Any]]

    @property
    def marker(self) -> str:
        """As printed and as in paths: 3, or w1."""
        return str(self.number) if self.kind == "record" else f"w{self.number}"

    @property
    def first(self) -> dict[str, Any]:
        """The first use: what concerns the source is the same in all."""
        return self.uses[0]

    @property
    def site(self) -> str:
        """Web pages: the site's name, else its host."""
        return str(self.first["site_name"] or host_of(self.first["url"]) or "source")

    @property
    def name(self) -> str:
        """Who is cited: outlet, author's handle, subreddit, or the page's site."""
        return self.site if self.kind == "web" else record_name(self.first)

    @property
    def platform(self) -> str:
        """For readers: Bluesky, Reddit, News or Web."""
        return PLATFORM.get(self.first["platform"] or "", "Web")

    @property
    def published(self) -> Any:
        """When the record or page was published, None when the page does not say."""
        return self.first["record_published_at"] if self.kind == "record" else self.first["page_published_at"]

    @property
    def support(self) -> str:
        """The weakest verdict over its uses."""
        verdicts = {use["support"] for use in self.uses}
        return next(v for v in ("not", "partly", "supported") if v in verdicts)

    @property
    def quotes(self) -> list[str]:
        """Distinct quotes in reading order."""
        return list(dict.fromkeys(use["quote"] for use in self.uses))


@dataclass
class Body:
    """All sentences and citations of one version."""

    lines: list[Line]
    cites: list[Cite]

    def part(self, part: str, section: int | None = None) -> list[Line]:
        """Lines of one part, of one section when given, in reading order."""
        return [line for line in self.lines if line.part == part and (section is None or line.section == section)]

    def cite(self, marker: str) -> Cite | None:
        """The citation behind a marker."""
        return next((c for c in self.cites if c.marker == marker), None)


def read_body(conn: Connection, version_id: int) -> Body:
    """Read one version. Three queries, whatever its size."""
    lines = [Line(**row) for row in conn.execute(SENTENCES, (version_id,)).fetchall()]
    by_id = {line.id: line for line in lines}
    for row in conn.execute(RESTS, (version_id,)).fetchall():
        line = by_id[row["sentence_id"]]
        if row["own"]:
            line.rests_on.append(row["ordinal"])
        elif (row["slug"], row["headline"], row["day"]) not in line.earlier:
            line.earlier.append((row["slug"], row["headline"], row["day"]))
    cites: dict[tuple[str, int], Cite] = {}
    for row in conn.execute(USES, {"version": version_id, "context": CONTEXT}).fetchall():
        key = (row["kind"], row["citation_number"])
        cites.setdefault(key, Cite(row["kind"], row["citation_number"], [])).uses.append(row)
    return Body(lines, list(cites.values()))
