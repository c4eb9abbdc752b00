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
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection

DAY = date(2026, 5, 20)
GATES = ("quotes", "synthesis", "facts", "support", "origin", "evidence", "language", "repeats", "counts")
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

    def one(self, sql: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self.conn.execute(sql, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def insert(self, table: str, returning: str = "id", **values: Any) -> Any:
        """One row; dicts and lists go in as JSON. Returns the id, or what `returning` names."""
        wrapped = [Jsonb(value) if isinstance(value, (dict, list)) else value for value in values.values()]
        places = ", ".join(["%s"] * len(values))
        return self.one(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING {returning}", *wrapped)

    def topic(self, slug: str, label: str, description: str, position: int) -> None:
        """A configured beat."""
        self.insert(
            "topics", "slug", slug=slug, label=label, description=description, config_hash="test", position=position
        )

    def fetch(self, url: str, body: bytes, when: datetime, source: str | None, media: str) -> int:
        """An answered request with its stored body."""
        digest = hashlib.sha256(body).hexdigest()
        if not self.conn.execute("SELECT 1 FROM payloads WHERE sha256 = %s", (digest,)).fetchone():
            self.insert(
                "payloads", "sha256", sha256=digest, body=zlib.compress(body), byte_length=len(body), media_type=media,
                stored_at=when,
            )  # fmt: skip
        return self.insert(
            "fetches", source_id=source, purpose="source" if source else "page", url=url, requested_at=when,
            duration_ms=120, http_status=200, outcome="ok", content_type=media, payload_sha256=digest,
            byte_length=len(body), records_seen=1, records_new=1, run_id=f"run-ingest-{when:%Y-%m-%d}",
        )  # fmt: skip

    def add(self, item: Item, topic: str) -> None:
        """A record (or web page) with its source, fetch, version, analysis and topic."""
        when = datetime.combine(item.day, time(7), UTC) + timedelta(minutes=7 * len(self.items))
        digest = hashlib.sha256(item.text.encode()).hexdigest()
        if item.platform == "web":
            self._add_page(item, topic, when, digest)
            return
        source = self._source(item)
        url = item.url or f"https://{source}.example/{item.key}"
        fetch = self.fetch(f"https://{source}.example/feed", item.text.encode(), when, source, "application/rss+xml")
        publisher = {"news": item.by, "bluesky": "Bluesky", "reddit": "Reddit"}[item.platform]
        author = {"news": None, "bluesky": item.by, "reddit": "reader_42"}[item.platform]
        ingest, analyze = f"run-ingest-{item.day}", f"run-analyze-{item.day}"
        record = self.insert(
            "records", platform=item.platform, native_id=f"{source}|{item.key}", source_id=source, url=url,
            canonical_url=url, author_name=author, author_key=f"{item.platform}:{item.by}", publisher=publisher,
            publisher_family=publisher, community=item.by if item.platform == "reddit" else None, published_at=when,
            day=item.day, first_seen_at=when, first_fetch_id=fetch, run_id=ingest,
        )  # fmt: skip
        version = self.insert(
            "record_versions", record_id=record, number=1, title=item.title or None, text=item.text, text_sha256=digest,
            first_seen_at=when, first_fetch_id=fetch, run_id=ingest,
        )  # fmt: skip
        self.insert(
            "record_observations", "fetch_id", record_version_id=version, fetch_id=fetch, locator=f"{source}|{item.key}"
        )
        self.insert(
            "record_analysis", "day", record_version_id=version, day=item.day, lang="en", lang_confidence=1,
            ai_score=0.9, about_ai=True, engine="test", engine_version="1", input_hash="test", run_id=analyze,
        )  # fmt: skip
        self.insert(
            "record_topics", "day", record_id=record, topic=topic, record_version_id=version, day=item.day, rank=1,
            score=0.9, engine_version="test", run_id=analyze,
        )  # fmt: skip
        self.items[item.key] = {"item": item, "record": record, "version": version}

    def _source(self, item: Item) -> str:
        """The configured source of an item, made on first use."""
        slug = re.sub(r"[^a-z0-9]+", "-", item.by.lower()).strip("-")
        id = {"news": f"wire-{slug}", "bluesky": "bsky-ai", "reddit": "reddit-ai"}[item.platform]
        if not self.conn.execute("SELECT 1 FROM sources WHERE id = %s", (id,)).fetchone():
            publisher = item.by if item.platform == "news" else None
            self.insert(
                "sources", id=id, kind={"news": "rss", "bluesky": "bluesky_search", "reddit": "reddit"}[item.platform],
                platform=item.platform, config={}, config_hash="test", publisher=publisher, publisher_family=publisher,
                status="ok",
            )  # fmt: skip
        return id

    def _add_page(self, item: Item, topic: str, when: datetime, digest: str) -> None:
        url = item.url or f"https://{item.key}.example/report"
        html = f"<html><title>{item.title}</title><p>{item.body}</p></html>".encode()
        fetch = self.fetch(url, html, when, None, "text/html")
        page = self.insert("web_pages", canonical_url=url, host=re.sub(r"^https?://([^/]+).*", r"\1", url))
        version = self.insert(
            "web_page_versions", web_page_id=page, number=1, title=item.title, site_name=item.by or None,
            published_at=when, text=item.text, text_sha256=digest, fetch_id=fetch, extractor="trafilatura 2",
            run_id=f"run-write-{item.day}",
        )  # fmt: skip
        rank = 1 + len(self.items)
        self.insert("topic_web_pages", "rank", day=item.day, topic=topic, web_page_id=page, rank=rank, links=2)
        self.items[item.key] = {"item": item, "page_version": version}

    def claim(self, key: str, quote: str) -> int:
        """The claim for a quote, made on first use."""
        known, text = self.items[key], self.items[key]["item"].text
        start = text.index(quote)
        place = {"record_version_id": known["version"], "start_at": start, "end_at": start + len(quote)}
        row = self.conn.execute(
            "SELECT id FROM claims WHERE (record_version_id, start_at, end_at) = (%s, %s, %s)", tuple(place.values())
        ).fetchone()
        if row:
            return row["id"]
        return self.insert(
            "claims", **place, quote=quote, statement=quote, kind="statement", checkworthiness=0.8, engine="extractive",
            engine_version="claims-1", input_hash="test", run_id=f"run-analyze-{known['item'].day}",
        )  # fmt: skip

    def storyline(self, topic: str, label: str, day: date) -> int:
        """An event of one topic."""
        return self.insert(
            "storylines", topic=topic, kind="event", label=label, terms=[], first_day=day, last_day=day,
            engine_version="test", input_hash="test", run_id=f"run-analyze-{day}",
        )  # fmt: skip

    def baseline(self, topic: str, day: date, counts: Sequence[int | None], *, spike: str | None = None) -> int | None:
        """The trailing days (None: coverage unknown) and, when named, a spike on the last; returns its signal id."""
        first = day - timedelta(days=len(counts) - 1)
        series = [
            {
                "day": str(first + timedelta(days=i)),
                "count": n or 0,
                "total": 240 + 3 * i,
                "share": 0.07,
                "coverage": float(n is not None),
            }
            for i, n in enumerate(counts)
        ]
        common = {
            "topic": topic,
            "day": day,
            "kind": "volume_spike",
            "engine_version": "volume-1",
            "input_hash": "test",
        }
        common["run_id"] = f"run-signal-{day}"
        baseline = self.insert(
            "baselines", **common, series=series, history_days=len(counts) - 1, tests=3,
            outcome="signal" if spike else "quiet" if len(counts) > 7 else "warming_up",
            coverage={"sources": 6, "reached": 6, "unknown": [], "healthy": True},
        )  # fmt: skip
        signal, last = None, counts[-1] or 0
        if spike is not None:
            signal = self.insert(
                "signals", **common, baseline_id=baseline, observed=last, expected=17.3, score=4.1, p_value=0.00021,
                p_uncorrected=0.00007, severity=spike, records=last, authors=last, families=4,
            )  # fmt: skip
        self.conn.execute(
            "UPDATE baselines SET sealed_at = %s WHERE id = %s", (datetime.combine(day, time(21), UTC), baseline)
        )
        return signal

    def signal_as_kept(self, signal: int) -> dict[str, Any]:
        """A signal as a version keeps it: what it was written for stays as it stood then."""
        keys = ("kind", "severity", "observed", "expected", "score", "p_value", "p_uncorrected")
        row = self.conn.execute(f"SELECT {', '.join(keys)} FROM signals WHERE id = %s", (signal,)).fetchone()
        assert row is not None
        return {"id": signal, **row}

    def publish(
        self, topic: str, day: date, says: Sequence[Say], *, signals: Sequence[int] = (), storyline: int | None = None,
        hour: int = 21, warming_up: bool = False,
    ) -> str:  # fmt: skip
        """A published version with sentences, citations, support and decision. Returns the slug."""
        article, slug = self._article(topic, day, says)
        keys = list(dict.fromkeys(key for say in says for key, _ in say.quotes))
        kinds = {key: "web" if "page_version" in self.items[key] else "record" for key in keys}
        numbers = {key: 1 + [k for k in keys if kinds[k] == kinds[key]].index(key) for key in keys}
        when = datetime.combine(day, time(hour, 30), UTC)
        number = 1 + self.one("SELECT count(*) FROM article_versions WHERE article_id = %s", article)
        common = {
            "engine": "extractive", "engine_version": "extractive-1", "input_hash": f"in-{article}-{number}",
            "run_id": f"run-write-{day}",
        }  # fmt: skip
        inputs = {
            "signals": list(signals), "storylines": [storyline] if storyline else [], "earlier_versions": [],
            "window": [str(day - timedelta(days=2)), str(day)], "gates": [{"gate": g, "passed": True} for g in GATES],
            "reason": {"signals": [self.signal_as_kept(i) for i in signals]},
        }  # fmt: skip
        version = self.insert(
            "article_versions", **common, article_id=article, number=number, gates_passed=True, published_at=when,
            records_read=41, records_cited=sum(k == "record" for k in kinds.values()),
            pages_cited=sum(k == "web" for k in kinds.values()), warming_up=warming_up, inputs=inputs, judge="verbatim",
            judge_version="verbatim-1", content_hash=f"out-{article}-{number}",
        )  # fmt: skip
        cites = self._citations(version, says, kinds, numbers)
        ids = [
            self._sentence(version, ordinal, say, kinds, numbers, cites, storyline)
            for ordinal, say in enumerate(says, 1)
        ]
        for at, say in zip(ids, says, strict=True):
            for ground in [*(ids[position - 1] for position in say.rests), *map(self._headline, say.earlier)]:
                self.conn.execute("INSERT INTO sentence_rests_on VALUES (%s, %s, %s)", (at, ground, version))
        self.insert(
            "editorial_decisions", **common, day=day, topic=topic, decision="published", reasons=[],
            numbers={"records_read": 41}, article_version_id=version, decided_at=when,
        )  # fmt: skip
        return slug

    def _article(self, topic: str, day: date, says: Sequence[Say]) -> tuple[int, str]:
        row = self.conn.execute("SELECT id, slug FROM articles WHERE day = %s AND topic = %s", (day, topic)).fetchone()
        if row:
            return row["id"], row["slug"]
        headline = next(say.text for say in says if say.part == "headline")
        slug = "-".join([str(day), topic, *re.findall(r"[a-z0-9]+", headline.lower())[:8]])
        return self.insert("articles", day=day, topic=topic, slug=slug), slug

    def _citations(
        self, version: int, says: Sequence[Say], kinds: dict[str, str], numbers: dict[str, int]
    ) -> dict[str, int]:
        cites = {}
        for key, number in numbers.items():
            known, record = self.items[key], kinds[key] == "record"
            cites[key] = self.insert(
                "citations", article_version_id=version, kind=kinds[key], number=number, record_id=known.get("record"),
                record_version_id=known["version"] if record else None, web_page_version_id=known.get("page_version"),
                weight=min(1.0, sum(key in dict(say.quotes) for say in says) / 2),
            )  # fmt: skip
        return cites

    def _sentence(
        self, version: int, ordinal: int, say: Say, kinds: dict[str, str], numbers: dict[str, int],
        cites: dict[str, int], storyline: int | None,
    ) -> int:  # fmt: skip
        sentence = self.insert(
            "article_sentences", article_version_id=version, ordinal=ordinal, part=say.part, section=say.section,
            paragraph=say.paragraph, kind="cited" if say.quotes else "synthesis",
            storyline_id=storyline if say.quotes else None,
            text=TOKEN.sub(lambda m: f"[[{'w' if kinds[m[1]] == 'web' else ''}{numbers[m[1]]}]]", say.text),
        )  # fmt: skip
        for key, quote in say.quotes:
            start = self.items[key]["item"].text.index(quote)
            self.insert(
                "sentence_citations", sentence_id=sentence, citation_id=cites[key], article_version_id=version,
                claim_id=self.claim(key, quote) if kinds[key] == "record" else None, quote=quote, start_at=start,
                end_at=start + len(quote), support="supported", score=1, judge="verbatim", judge_version="verbatim-1",
            )  # fmt: skip
        return sentence

    def _headline(self, slug: str) -> int:
        """The headline sentence of the current version of a story."""
        return self.one(
            """SELECT s.id FROM article_sentences s
               JOIN current_article_versions v ON v.id = s.article_version_id
               JOIN articles a ON a.id = v.article_id WHERE a.slug = %s AND s.part = 'headline'""",
            slug,
        )

    def withhold(self, topic: str, day: date, gate: str, rule: str, detail: str, read: int = 3) -> None:
        """A decision not to publish."""
        self.insert(
            "editorial_decisions", day=day, topic=topic, decision="withheld",
            reasons=[{"gate": gate, "rule": rule, "detail": detail, "sentence": -1}],
            numbers={"records_read": read, "claims": 1}, decided_at=datetime.combine(day, time(21, 35), UTC),
            engine="extractive", engine_version="extractive-1", input_hash=f"withheld-{topic}-{day}",
            run_id=f"run-write-{day}",
        )  # fmt: skip


@dataclass(frozen=True)
class Built:
    """What `build_newsroom` wrote: the lead story (two versions), the story two days before it, the story beside it."""

    newsroom: Newsroom
    lead: str
    earlier: str
    beside: str


def build_newsroom(conn: Connection) -> Built:
    """Three topics, three days, four published versions of three stories, two withheld. All in one transaction."""
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
        signal = room.baseline(
            "ai-geopolitics", DAY, [14, 17, 15, 17, 14, None, 16, 18, 15, 22, 19, 20, 18, 41], spike="strong"
        )
        room.baseline("ai-healthcare", DAY, [4, 6, 5, 9])
        room.baseline("ai-law", DAY, [9, 8, 11, 7, 10, 9, 12, 9, 8, 10])
        earlier = room.publish("ai-geopolitics", before, texts.EARLIER, storyline=concrete, warming_up=True)
        room.withhold("ai-law", before, "evidence", "not enough evidence", "3 records cited, 5 needed")
        assert signal is not None
        lead_says = texts.lead(earlier)
        room.publish(
            "ai-geopolitics", DAY, texts.first_version(lead_says), signals=[signal], storyline=concrete, hour=14
        )
        lead = room.publish("ai-geopolitics", DAY, lead_says, signals=[signal], storyline=concrete)
        beside = room.publish("ai-healthcare", DAY, texts.BESIDE, storyline=scans, warming_up=True)
        room.withhold(
            "ai-law",
            DAY,
            "evidence",
            "no signal",
            "nothing new: no measured change against 9 days of this topic's own history",
            9,
        )
    return Built(room, lead, earlier, beside)
