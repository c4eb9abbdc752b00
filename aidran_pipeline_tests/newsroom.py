"""A small, coherent newsroom in a database: two beats with stories over three days, one withheld, all keys in place.

Everything is of our own wording. For tests that need published stories without running the stages before them; what
does not belong here: checks. `Newsroom` may also be driven step by step, for hostile texts or further days.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection

DAY = date(2026, 5, 20)
TOKEN = re.compile(r"\[\[([a-z][a-z0-9-]*)\]\]")


@dataclass(frozen=True)
class Item:
    """A source text by its key: platform news, bluesky, reddit or web. title is news' and Reddit's headline."""

    key: str
    platform: str
    by: str
    day: date
    body: str
    title: str = ""
    url: str = ""

    @property
    def text(self) -> str:
        """Title, blank line, body, as stored."""
        return "\n\n".join(part for part in (self.title, self.body) if part)


@dataclass(frozen=True)
class Say:
    """A sentence. text names its sources as [[key]]; quotes are (key, verbatim words); rests: positions (1 is the first
    sentence) of this article; earlier: slugs whose headline it rests on."""

    part: str
    section: int
    text: str
    quotes: tuple[tuple[str, str], ...] = ()
    rests: tuple[int, ...] = ()
    earlier: tuple[str, ...] = ()
    paragraph: int = 1


@dataclass
class Newsroom:
    """Writes rows through a connection. ids are taken from the database; runs are named run-STAGE-DAY."""

    conn: Connection
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    fetched: int = 0

    def one(self, sql: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self.conn.execute(sql, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def topic(self, slug: str, label: str, description: str, position: int) -> None:
        """A configured beat."""
        self.conn.execute(
            "INSERT INTO topics (slug, label, description, config_hash, position) VALUES (%s, %s, %s, 'test', %s)",
            (slug, label, description, position),
        )

    def source(self, id: str, kind: str, platform: str, publisher: str | None = None) -> None:
        """A healthy configured source."""
        self.conn.execute(
            """INSERT INTO sources (id, kind, platform, config, config_hash, publisher, publisher_family, status)
               VALUES (%s, %s, %s, '{}', 'test', %s, %s, 'ok')""",
            (id, kind, platform, publisher, publisher),
        )

    def fetch(self, url: str, body: bytes, when: datetime, source: str | None, media: str) -> int:
        """An answered request with its stored body."""
        digest = hashlib.sha256(body).hexdigest()
        self.conn.execute(
            """INSERT INTO payloads (sha256, body, byte_length, media_type, stored_at) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT DO NOTHING""",
            (digest, zlib.compress(body), len(body), media, when),
        )
        return self.one(
            """INSERT INTO fetches (source_id, purpose, url, requested_at, duration_ms, http_status, outcome, content_type,
                   payload_sha256, byte_length, records_seen, records_new, run_id)
               VALUES (%s, %s, %s, %s, 120, 200, 'ok', %s, %s, %s, 1, 1, %s) RETURNING id""",
            source, "source" if source else "page", url, when, media, digest, len(body), f"run-ingest-{when:%Y-%m-%d}",
        )  # fmt: skip

    def add(self, item: Item, topic: str) -> None:
        """A record (or web page) with its fetch, version, analysis and topic."""
        when = datetime(item.day.year, item.day.month, item.day.day, 7, 0, tzinfo=UTC) + timedelta(minutes=7 * len(self.items))
        digest = hashlib.sha256(item.text.encode()).hexdigest()
        if item.platform == "web":
            self._add_page(item, topic, when, digest)
            return
        source = {"news": "wire-" + re.sub(r"\W+", "-", item.by.lower()).strip("-"), "bluesky": "bsky-ai", "reddit": "reddit-ai"}[item.platform]
        kind = {"news": "rss", "bluesky": "bluesky_search", "reddit": "reddit"}[item.platform]
        if not self.conn.execute("SELECT 1 FROM sources WHERE id = %s", (source,)).fetchone():
            self.source(source, kind, item.platform, item.by if item.platform == "news" else None)
        url = item.url or f"https://{source}.example/{item.key}"
        fetch = self.fetch(f"https://{source}.example/feed", item.text.encode(), when, source, "application/rss+xml")
        publisher = {"news": item.by, "bluesky": "Bluesky", "reddit": "Reddit"}[item.platform]
        record = self.one(
            """INSERT INTO records (platform, native_id, source_id, url, canonical_url, author_name, author_key, publisher,
                   publisher_family, community, published_at, day, first_seen_at, first_fetch_id, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
            item.platform, f"{source}|{item.key}", source, url, url, item.by if item.platform == "bluesky" else "reader_42" if item.platform == "reddit" else None,
            f"{item.platform}:{item.by}", publisher, publisher, item.by if item.platform == "reddit" else None, when, item.day, when, fetch,
            f"run-ingest-{item.day}",
        )  # fmt: skip
        version = self.one(
            """INSERT INTO record_versions (record_id, number, title, text, text_sha256, first_seen_at, first_fetch_id, run_id)
               VALUES (%s, 1, %s, %s, %s, %s, %s, %s) RETURNING id""",
            record, item.title or None, item.text, digest, when, fetch, f"run-ingest-{item.day}",
        )  # fmt: skip
        self.conn.execute("INSERT INTO record_observations VALUES (%s, %s, %s)", (version, fetch, f"{source}|{item.key}"))
        self.conn.execute(
            "INSERT INTO record_analysis VALUES (%s, %s, 'en', 1, 0.9, true, 'test', '1', 'test', %s)",
            (version, item.day, f"run-analyze-{item.day}"),
        )
        self.conn.execute(
            "INSERT INTO record_topics VALUES (%s, %s, %s, %s, 1, 0.9, 'test', %s)",
            (record, topic, version, item.day, f"run-analyze-{item.day}"),
        )
        self.items[item.key] = {"item": item, "record": record, "version": version}

    def _add_page(self, item: Item, topic: str, when: datetime, digest: str) -> None:
        url = item.url or f"https://{item.key}.example/report"
        html = f"<html><title>{item.title}</title><p>{item.body}</p></html>".encode()
        fetch = self.fetch(url, html, when, None, "text/html")
        host = re.sub(r"^https?://([^/]+).*", r"\1", url)
        page = self.one("INSERT INTO web_pages (canonical_url, host) VALUES (%s, %s) RETURNING id", url, host)
        version = self.one(
            """INSERT INTO web_page_versions (web_page_id, number, title, site_name, published_at, text, text_sha256, fetch_id,
                   extractor, run_id) VALUES (%s, 1, %s, %s, %s, %s, %s, %s, 'trafilatura 2', %s) RETURNING id""",
            page, item.title, item.by or None, when, item.text, digest, fetch, f"run-write-{item.day}",
        )  # fmt: skip
        self.conn.execute("INSERT INTO topic_web_pages VALUES (%s, %s, %s, %s, 2)", (item.day, topic, page, 1 + len(self.items)))
        self.items[item.key] = {"item": item, "page_version": version}

    def claim(self, key: str, quote: str) -> int:
        """The claim for a quote, made on first use."""
        known, text = self.items[key], self.items[key]["item"].text
        start = text.index(quote)
        values = (known["version"], start, start + len(quote))
        row = self.conn.execute(
            "SELECT id FROM claims WHERE (record_version_id, start_at, end_at) = (%s, %s, %s)", values
        ).fetchone()
        return row["id"] if row else self.one(
            """INSERT INTO claims (record_version_id, start_at, end_at, quote, statement, kind, stance, checkworthiness, engine,
                   engine_version, input_hash, run_id)
               VALUES (%s, %s, %s, %s, %s, 'statement', NULL, 0.8, 'extractive', 'claims-1', 'test', %s) RETURNING id""",
            *values, quote, quote, f"run-analyze-{known['item'].day}",
        )  # fmt: skip

    def storyline(self, topic: str, label: str, day: date) -> int:
        """An event of one topic."""
        return self.one(
            """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, engine_version, input_hash, run_id)
               VALUES (%s, 'event', %s, '[]', %s, %s, 'test', 'test', %s) RETURNING id""",
            topic, label, day, day, f"run-analyze-{day}",
        )  # fmt: skip

    def baseline(self, topic: str, day: date, counts: Sequence[int | None], *, spike: str | None = None) -> int | None:
        """A baseline over the trailing days (None: coverage unknown) and, when named, a spike on its last day. Signal id."""
        series = [
            {"day": str(day - timedelta(days=len(counts) - 1 - i)), "count": n or 0, "total": 240 + 3 * i, "coverage": 0.0 if n is None else 1.0}
            for i, n in enumerate(counts)
        ]
        baseline = self.one(
            """INSERT INTO baselines (topic, day, kind, series, history_days, sealed_at, coverage, engine_version, input_hash, run_id)
               VALUES (%s, %s, 'volume_spike', %s, %s, %s, %s, 'volume-1', 'test', %s) RETURNING id""",
            topic, day, Jsonb(series), len(counts) - 1, datetime(day.year, day.month, day.day, 21, tzinfo=UTC),
            Jsonb({"sources": 6, "reached": 6, "unknown": [], "healthy": True}), f"run-signal-{day}",
        )  # fmt: skip
        if spike is None:
            return None
        last = counts[-1] or 0
        return self.one(
            """INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected, severity,
                   records, authors, families, engine_version, input_hash, run_id)
               VALUES (%s, %s, %s, 'volume_spike', %s, 17.3, 4.1, 0.00021, 0.00007, %s, %s, %s, 4, 'volume-1', 'test', %s) RETURNING id""",
            baseline, topic, day, last, spike, last, last, f"run-signal-{day}",
        )  # fmt: skip

    def publish(self, topic: str, day: date, says: Sequence[Say], *, signals: Sequence[int] = (), storyline: int | None = None,
                hour: int = 21, warming_up: bool = False) -> str:  # fmt: skip
        """A published version with sentences, citations, support and decision. Returns the slug."""
        headline = next(say.text for say in says if say.part == "headline")
        words = re.findall(r"[a-z0-9]+", headline.lower())[:8]
        slug = "-".join([str(day), topic, *words])
        row = self.conn.execute("SELECT id, slug FROM articles WHERE day = %s AND topic = %s", (day, topic)).fetchone()
        if row is None:
            article = self.one("INSERT INTO articles (day, topic, slug) VALUES (%s, %s, %s) RETURNING id", day, topic, slug)
        else:
            article, slug = row["id"], row["slug"]
        keys = list(dict.fromkeys(key for say in says for key, _ in say.quotes))
        kinds = {key: "web" if "page_version" in self.items[key] else "record" for key in keys}
        numbers = {key: 1 + [k for k in keys if kinds[k] == kinds[key]].index(key) for key in keys}
        when = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
        number = 1 + self.one("SELECT count(*) FROM article_versions WHERE article_id = %s", article)
        gates = ["quotes", "synthesis", "facts", "support", "origin", "evidence", "language", "repeats", "counts"]
        inputs = {
            "signals": list(signals), "storylines": [storyline] if storyline else [], "earlier_versions": [],
            "window": [str(day - timedelta(days=2)), str(day)], "gates": [{"gate": g, "passed": True} for g in gates],
        }  # fmt: skip
        version = self.one(
            """INSERT INTO article_versions (article_id, number, gates_passed, published_at, records_read, records_cited, pages_cited,
                   warming_up, inputs, engine, engine_version, judge, judge_version, input_hash, content_hash, run_id)
               VALUES (%s, %s, true, %s, 41, %s, %s, %s, %s, 'extractive', 'extractive-1', 'verbatim', 'verbatim-1', %s, %s, %s)
               RETURNING id""",
            article, number, when, sum(k == "record" for k in kinds.values()), sum(k == "web" for k in kinds.values()), warming_up,
            Jsonb(inputs), f"in-{article}-{number}", f"out-{article}-{number}", f"run-write-{day}",
        )  # fmt: skip
        self._sentences(version, says, kinds, numbers, storyline)
        self.conn.execute(
            """INSERT INTO editorial_decisions (day, topic, decision, reasons, numbers, article_version_id, decided_at, engine,
                   engine_version, input_hash, run_id)
               VALUES (%s, %s, 'published', '[]', '{"records_read": 41}', %s, %s, 'extractive', 'extractive-1', %s, %s)""",
            (day, topic, version, when, f"in-{article}-{number}", f"run-write-{day}"),
        )
        return slug

    def _sentences(self, version: int, says: Sequence[Say], kinds: dict[str, str], numbers: dict[str, int], storyline: int | None) -> None:
        cites = {}
        for key, number in numbers.items():
            known, record = self.items[key], kinds[key] == "record"
            uses = sum(key in dict(say.quotes) for say in says)
            cites[key] = self.one(
                """INSERT INTO citations (article_version_id, kind, number, record_id, record_version_id, web_page_version_id, weight)
                   VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
                version, kinds[key], number, known.get("record"), known["version"] if record else None, known.get("page_version"),
                min(1.0, uses / 2),
            )  # fmt: skip
        ids = []
        for ordinal, say in enumerate(says, start=1):
            text = TOKEN.sub(lambda m: f"[[{'w' if kinds[m[1]] == 'web' else ''}{numbers[m[1]]}]]", say.text)
            ids.append(self.one(
                """INSERT INTO article_sentences (article_version_id, ordinal, part, section, paragraph, kind, text, storyline_id)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
                version, ordinal, say.part, say.section, say.paragraph, "cited" if say.quotes else "synthesis", text,
                storyline if say.quotes else None,
            ))  # fmt: skip
            for key, quote in say.quotes:
                start = self.items[key]["item"].text.index(quote)
                self.conn.execute(
                    """INSERT INTO sentence_citations (sentence_id, citation_id, article_version_id, claim_id, quote, start_at, end_at,
                           support, score, judge, judge_version)
                       VALUES (%s, %s, %s, %s, %s, %s, %s, 'supported', 1, 'verbatim', 'verbatim-1')""",
                    (ids[-1], cites[key], version, self.claim(key, quote) if kinds[key] == "record" else None, quote, start,
                     start + len(quote)),
                )  # fmt: skip
        for at, say in zip(ids, says, strict=True):
            grounds = [ids[position - 1] for position in say.rests]
            grounds += [
                self.one(
                    """SELECT s.id FROM article_sentences s JOIN current_article_versions v ON v.id = s.article_version_id
                       JOIN articles a ON a.id = v.article_id WHERE a.slug = %s AND s.part = 'headline'""",
                    slug,
                )
                for slug in say.earlier
            ]
            for ground in grounds:
                self.conn.execute("INSERT INTO sentence_rests_on VALUES (%s, %s, %s)", (at, ground, version))

    def withhold(self, topic: str, day: date, gate: str, rule: str, detail: str, read: int = 3) -> None:
        """A decision not to publish."""
        self.conn.execute(
            """INSERT INTO editorial_decisions (day, topic, decision, reasons, numbers, decided_at, engine, engine_version, input_hash,
                   run_id) VALUES (%s, %s, 'withheld', %s, %s, %s, 'extractive', 'extractive-1', %s, %s)""",
            (day, topic, Jsonb([{"gate": gate, "rule": rule, "detail": detail, "sentence": -1}]), Jsonb({"records_read": read, "claims": 1}),
             datetime(day.year, day.month, day.day, 21, 35, tzinfo=UTC), f"withheld-{topic}-{day}", f"run-write-{day}"),
        )  # fmt: skip


@dataclass(frozen=True)
class Built:
    """What `build_newsroom` wrote: the lead story (two versions), the story two days before it, the story beside it."""

    newsroom: Newsroom
    lead: str
    earlier: str
    beside: str


def build_newsroom(conn: Connection) -> Built:
    """Three topics, three days, four published versions of three stories, two withheld topics. All in one transaction."""
    from aidran_pipeline_tests import newsroom_texts as texts

    with conn.transaction():
        room = Newsroom(conn)
        for position, (slug, label, description) in enumerate(texts.TOPICS):
            room.topic(slug, label, description, position)
        for topic, items in texts.ITEMS.items():
            for item in items:
                room.add(item, topic)
        before = DAY - timedelta(days=2)
        concrete = room.storyline("ai-geopolitics", "Data centres in the Gulf", before)
        scans = room.storyline("ai-healthcare", "Second reader for scans", DAY)
        room.baseline("ai-geopolitics", before, [15, 17, 14, None, 16, 18, 15, 22])
        signal = room.baseline("ai-geopolitics", DAY, [14, 17, 15, 17, 14, None, 16, 18, 15, 22, 19, 20, 18, 41], spike="strong")
        room.baseline("ai-healthcare", DAY, [4, 6, 5, 9])
        room.baseline("ai-law", DAY, [9, 8, 11, 7, 10, 9, 12, 9, 8, 10])
        earlier = room.publish("ai-geopolitics", before, texts.EARLIER, storyline=concrete, warming_up=True)
        room.withhold("ai-law", before, "evidence", "not enough evidence", "3 records cited, 5 needed")
        assert signal is not None
        lead_says = texts.lead(earlier)
        room.publish("ai-geopolitics", DAY, texts.first_version(lead_says), signals=[signal], storyline=concrete, hour=14)
        lead = room.publish("ai-geopolitics", DAY, lead_says, signals=[signal], storyline=concrete)
        beside = room.publish("ai-healthcare", DAY, texts.BESIDE, storyline=scans, warming_up=True)
        room.withhold("ai-law", DAY, "evidence", "no signal", "nothing new: no measured change against 9 days of this topic's own history", 9)
    return Built(room, lead, earlier, beside)
