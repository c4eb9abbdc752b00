"""Trace: one citation of a story's current version, back to the bytes it rests on.

Reads the view citation_lineage and what stands around it. What does not belong here: judging (verify), layout (show).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aidran_pipeline.lineage.bodies import (
    VERSION_COLUMNS,
    Body,
    load_completed,
    load_configurations,
    load_fetches,
    page_differences,
    place_in_body,
    read_again,
    read_body,
)
from aidran_pipeline.lineage.stories import current_version
from aidran_pipeline.lineage.tombstone import lost_citation
from aidran_pipeline.store.db import Connection

# One row per use. The view has the chain; claims, records and pages add what it leaves out.
CHAIN = """
SELECT l.*, s.kind AS sentence_kind, s.paragraph, cl.statement, cl.kind AS claim_kind, cl.speaker, cl.stance,
       cl.start_at AS claim_start, cl.end_at AS claim_end, cl.quote AS claim_quote, cl.checkworthiness,
       cl.superseded_at AS claim_superseded_at, r.source_id AS record_source_id, r.first_seen_at, r.canonical_url,
       r.published_raw, rv.first_seen_at AS version_seen_at, rv.title_truncated, rv.body_truncated, rv.declared_lang,
       wv.site_name, wv.published_at AS page_published_at, w.host,
       (SELECT count(*) FROM record_versions x WHERE x.record_id = l.record_id) AS record_versions,
       (SELECT count(*) FROM web_page_versions x WHERE x.web_page_id = l.web_page_id) AS page_versions,
       COALESCE(rv.first_fetch_id, wv.fetch_id) AS first_fetch_id
FROM citation_lineage l
JOIN article_sentences s ON s.id = l.sentence_id
LEFT JOIN claims cl ON cl.id = l.claim_id
LEFT JOIN records r ON r.id = l.record_id
LEFT JOIN record_versions rv ON rv.id = l.record_version_id
LEFT JOIN web_page_versions wv ON wv.id = l.web_page_version_id
LEFT JOIN web_pages w ON w.id = l.web_page_id
WHERE l.article_version_id = %(version)s AND l.marker = %(marker)s
ORDER BY l.ordinal, l.start_at
"""
MARKERS = """
SELECT kind, number FROM citations WHERE article_version_id = %s ORDER BY kind, number
"""
RELATIONS = """
SELECT x.kind, x.target, o.url FROM record_relations x JOIN records r ON r.id = x.record_id
LEFT JOIN records o ON o.platform = r.platform AND o.native_id = x.target
WHERE x.record_id = %s ORDER BY x.kind
"""
OBSERVATIONS = "SELECT fetch_id, locator FROM record_observations WHERE record_version_id = %s ORDER BY fetch_id"
ANALYSIS = """
SELECT a.day, a.engine, a.engine_version, a.run_id, a.lang, a.ai_score, t.topic, t.rank, t.score,
       sl.id AS storyline_id, sl.label AS storyline, sl.engine_version AS storyline_engine, sl.run_id AS storyline_run
FROM record_analysis a
LEFT JOIN record_topics t ON t.record_id = %(record)s AND t.topic = %(topic)s
LEFT JOIN storyline_records sr ON sr.record_id = %(record)s
LEFT JOIN storylines sl ON sl.id = sr.storyline_id
WHERE a.record_version_id = %(version)s
"""
SIGNALS = """
SELECT s.id, s.kind, s.severity, s.observed, s.expected, s.score, s.p_value, s.engine_version, s.run_id, s.day, s.topic,
       e.weight
FROM signals s LEFT JOIN signal_evidence e ON e.signal_id = s.id AND e.record_id = %(record)s
WHERE s.id = ANY(%(ids)s) ORDER BY s.id
"""
BASELINES = "SELECT kind, engine_version, run_id FROM baselines WHERE topic = %s AND day = %s ORDER BY kind"
PAGE_PARTITION = """
SELECT day, topic FROM topic_web_pages WHERE web_page_id = %(page)s AND day <= %(day)s
ORDER BY day, topic <> %(topic)s, topic LIMIT 1
"""
# The assets that read each platform, as the Dagster UI names them.
ASSETS = {"bluesky": "bluesky_posts", "reddit": "reddit_posts", "news": "news_articles"}
UNIT = "code points"


@dataclass(frozen=True)
class Trace:
    """The whole chain of one citation, as plain values: see `as_dict` for its shape.

    tombstone: what is left of a source that was erased; uses, fetches and runs are empty then.
    """

    story: dict[str, Any]
    citation: dict[str, Any]
    uses: list[dict[str, Any]]
    cited: dict[str, Any]
    fetches: list[dict[str, Any]]
    source: dict[str, Any] | None
    runs: list[dict[str, Any]]
    tombstone: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """story, citation, uses (sentence, support, quote, claim), record or page, fetches, source, runs."""
        if self.tombstone is not None:
            return {"story": self.story, "citation": self.citation, "tombstone": self.tombstone}
        return {
            "story": self.story,
            "citation": self.citation,
            "uses": self.uses,
            "record" if self.citation["kind"] == "record" else "page": self.cited,
            "fetches": self.fetches,
            "source": self.source,
            "runs": self.runs,
        }


def trace(conn: Connection, slug: str, marker: str) -> Trace:
    """The lineage of citation `marker` (3 for a record, w2 for a web page) of a story's newest version.

    Raises LookupError for an unknown slug (naming the nearest) or number (naming those that exist).
    """
    head = current_version(conn, slug)
    wanted = _marker(conn, head, marker)
    lost = lost_citation(conn, head["version_id"], wanted)
    if lost is not None:
        named = {"marker": wanted, "kind": lost["kind"], "number": lost["number"], "weight": 0.0, "uses": 0}
        return Trace(_story(head), {**named, "unit": UNIT}, [], {}, [], None, [], lost)
    rows = conn.execute(CHAIN, {"version": head["version_id"], "marker": wanted}).fetchall()
    if not rows:
        raise LookupError(
            f"{slug} [{wanted}]: its chain is broken, a link of it is missing\n`aidran verify {slug}` names it"
        )
    first = rows[0]
    fetches, body = _fetches(conn, first)
    return Trace(
        story=_story(head),
        citation={
            "marker": wanted, "kind": first["kind"], "number": first["citation_number"],
            "weight": round(float(first["weight"]), 4), "uses": len(rows), "unit": UNIT,
        },
        uses=[_use(row, body) for row in rows],
        cited=_record(conn, first) if first["kind"] == "record" else _page(first),
        fetches=fetches,
        source=_source(conn, first),
        runs=_runs(conn, head, first),
    )  # fmt: skip


def _marker(conn: Connection, head: Mapping[str, Any], typed: str) -> str:
    """The marker meant by what was typed: 3, [3], w2, W2. Raises LookupError naming those that exist."""
    match = re.fullmatch(r"\[?\s*(w?)0*(\d{1,6})\s*\]?", typed.strip().lower())
    known = conn.execute(MARKERS, (head["version_id"],)).fetchall()
    markers = [f"{'w' if row['kind'] == 'web' else ''}{row['number']}" for row in known]
    if match and (marker := match.group(1) + match.group(2)) in markers:
        return marker
    records = sum(row["kind"] == "record" for row in known)
    there = [_span("", records, "records"), _span("w", len(known) - records, "web pages")]
    said = "; ".join(part for part in there if part) or "it cites nothing"
    raise LookupError(f"{head['slug']} has no citation {typed[:20]!r}\nit has {said}")


def _span(letter: str, count: int, name: str) -> str:
    if count == 0:
        return ""
    return f"{name} {letter}1 to {letter}{count}" if count > 1 else f"{name[:-1]} {letter}1"


def _story(head: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "slug": head["slug"], "day": head["day"], "topic": head["topic"], "label": head["label"],
        "version": head["number"], "versions": head["versions"], "published_at": head["published_at"],
        "engine": head["engine"], "engine_version": head["engine_version"], "content_hash": head["content_hash"],
        "run_id": head["run_id"],
    }  # fmt: skip


def _use(row: Mapping[str, Any], body: Body | None) -> dict[str, Any]:
    """One use: the sentence, the verdict, the quote with where it stands, the claim."""
    start, end, text = row["start_at"], row["end_at"], row["source_text"]
    place = place_in_body(body.data, row["quote"]) if body and body.data is not None else None
    claim = None
    if row["claim_id"] is not None:
        claim = {
            "id": row["claim_id"], "kind": row["claim_kind"], "speaker": row["speaker"], "stance": row["stance"],
            "statement": row["statement"], "quote": row["claim_quote"], "start": row["claim_start"],
            "end": row["claim_end"], "unit": UNIT, "checkworthiness": round(float(row["checkworthiness"]), 4),
            "engine": row["claim_engine"], "engine_version": row["claim_engine_version"],
            "superseded_at": row["claim_superseded_at"], "run_id": row["claim_run_id"],
        }  # fmt: skip
    return {
        "sentence": {
            "ordinal": row["ordinal"], "part": row["part"], "section": row["section"], "paragraph": row["paragraph"],
            "kind": row["sentence_kind"], "text": row["sentence"],
        },
        "support": {
            "verdict": row["support"], "score": round(float(row["score"]), 4), "judge": row["judge"],
            "judge_version": row["judge_version"],
        },
        "quote": {
            "text": row["quote"], "start": start, "end": end, "unit": UNIT, "stands": text[start:end] == row["quote"],
            "before": text[max(0, start - 240) : start], "after": text[end : end + 240],
            "more_before": start > 240, "more_after": len(text) > end + 240,
            "bytes": {"start": place[0], "end": place[1], "written": place[2]} if place else None,
        },
        "claim": claim,
    }  # fmt: skip


def _record(conn: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """The record, with what it answers or passes on (relations: kind, target, and its address where it is stored)."""
    return {
        "id": row["record_id"], "platform": row["platform"], "native_id": row["native_id"], "title": row["title"],
        "author": row["author_name"], "publisher": row["publisher"], "community": row["community"], "url": row["url"],
        "published_at": row["record_published_at"], "published_raw": row["published_raw"], "day": row["record_day"],
        "first_seen_at": row["first_seen_at"], "version": row["record_version"], "versions": row["record_versions"],
        "version_seen_at": row["version_seen_at"], "title_truncated": row["title_truncated"],
        "body_truncated": row["body_truncated"], "text_sha256": row["text_sha256"], "text": row["source_text"],
        "run_id": row["record_run_id"],
        "relations": [dict(each) for each in conn.execute(RELATIONS, (row["record_id"],)).fetchall()],
    }  # fmt: skip


def _page(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["web_page_id"], "url": row["url"], "site": row["site_name"] or row["host"], "title": row["title"],
        "published_at": row["page_published_at"], "version": row["web_page_version"], "versions": row["page_versions"],
        "extractor": row["extractor"], "text_sha256": row["text_sha256"], "text": row["source_text"],
        "run_id": row["page_run_id"],
    }  # fmt: skip


def _fetches(conn: Connection, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Body | None]:
    """Every fetch that showed the cited version, the first first, each body hashed now; and the first one's body."""
    locators: dict[int, str | None] = {row["first_fetch_id"]: row["native_id"]}
    teaser = None
    if row["record_version_id"] is not None:
        observed = conn.execute(OBSERVATIONS, (row["record_version_id"],)).fetchall()
        locators |= {each["fetch_id"]: each["locator"] for each in observed}
        teaser = load_completed(conn, [row["record_version_id"]]).get(row["record_version_id"])
        if teaser is not None:  # the feed brought the article, its page the text
            locators[teaser["fetch_id"]] = row["native_id"]
    fetches = load_fetches(conn, list(locators))
    configurations = load_configurations(conn, [f["source_id"] for f in fetches.values() if f["source_id"]])
    told: list[dict[str, Any]] = []
    first_body: Body | None = None
    for fetch_id in sorted(fetches, key=lambda each: (each != row["first_fetch_id"], each)):
        fetch = fetches[fetch_id]
        body = read_body(conn, fetch["payload_sha256"])
        told.append(_fetch(fetch, body, locators[fetch_id]))
        if fetch_id == row["first_fetch_id"]:
            first_body = body
            told[-1]["found_again"] = _found_again(row, fetch, body, configurations, teaser)
    return told, first_body


def _fetch(fetch: Mapping[str, Any], body: Body, locator: str | None) -> dict[str, Any]:
    names = ("id", "purpose", "method", "url", "final_url", "requested_at", "duration_ms", "http_status", "outcome",
             "content_type", "etag", "last_modified", "source_id", "run_id")  # fmt: skip
    return {
        **{name: fetch[name] for name in names},
        "locator": locator,
        "body": {
            "sha256": body.computed or body.sha256 or None,
            "key": fetch["payload_sha256"],
            "byte_length": len(body.data) if body.data is not None else body.byte_length,
            "kept": body.data is not None,
            "holds": body.holds,
            "redacted": body.copy is not None,
            "problem": body.problem,
        },
    }


def _found_again(
    row: Mapping[str, Any],
    fetch: dict[str, Any],
    body: Body,
    configurations: Mapping[str, Sequence[Mapping[str, Any]]],
    teaser: Mapping[str, Any] | None,
) -> bool | None:
    """Whether parsing the body again gives the cited text; None for pages and where the body is gone."""
    if row["record_id"] is None or body.data is None:
        return None
    stored = {
        "platform": row["platform"], "title": row["title"], "text": row["source_text"],
        "title_truncated": row["title_truncated"], "body_truncated": row["body_truncated"],
        "declared_lang": row["declared_lang"],
    }  # fmt: skip
    if teaser is not None:
        try:
            return page_differences(fetch, body, teaser, stored) == []
        except Exception:  # extraction runs third-party parsers on what may be altered markup
            return False
    reading = read_again(fetch, body, configurations.get(fetch["source_id"] or "", []))
    return reading.differences(row["native_id"], stored, VERSION_COLUMNS) == []


def _source(conn: Connection, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The source as configured now, and how many configurations it had."""
    if row["source_id"] is None:
        return None
    found = load_configurations(conn, [row["source_id"]]).get(row["source_id"], [])
    source = conn.execute(
        """SELECT id, kind, platform, publisher, publisher_family, config, config_hash, removed_at
           FROM sources WHERE id = %s""",
        (row["source_id"],),
    ).fetchone()
    return None if source is None else {**source, "configurations": len(found)}


def _runs(conn: Connection, head: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each stage's asset, partition, Dagster run and engine, in the order of the chain."""
    own = _key(head["day"], head["topic"])
    found: list[dict[str, Any]] = []
    if row["record_id"] is not None:
        day = str(row["record_day"])
        asset = ASSETS.get(row["platform"], row["platform"])
        found.append(_run("ingest", asset, day, row["record_run_id"], row["source_kind"], None))
        found += _analysis_runs(conn, head, row, day)
        found.append(
            _run("analyze", "claims", day, row["claim_run_id"], row["claim_engine"], row["claim_engine_version"])
        )
    found += _signal_runs(conn, head, row, own)
    if row["web_page_id"] is not None:
        asked = {"page": row["web_page_id"], "day": head["day"], "topic": head["topic"]}
        wanted = conn.execute(PAGE_PARTITION, asked).fetchone() or {"day": head["day"], "topic": head["topic"]}
        extractor, _, version = str(row["extractor"]).partition(" ")
        partition = _key(wanted["day"], wanted["topic"])
        found.append(_run("write", "web_pages", partition, row["page_run_id"], extractor, version or None))
    found.append(_run("write", "articles", own, head["run_id"], head["engine"], head["engine_version"]))
    return found


def _analysis_runs(conn: Connection, head: Mapping[str, Any], row: Mapping[str, Any], day: str) -> list[dict[str, Any]]:
    asked = {"record": row["record_id"], "version": row["record_version_id"], "topic": head["topic"]}
    analysis = conn.execute(ANALYSIS, asked).fetchone()
    if analysis is None:
        return []
    said = f"{analysis['lang']}, about AI {float(analysis['ai_score']):.2f}"
    if analysis["topic"]:
        said += f"; {analysis['topic']} {float(analysis['score']):.2f}, rank {analysis['rank']}"
    found = [
        {**_run("analyze", "analyzed_records", day, analysis["run_id"], analysis["engine"], analysis["engine_version"]),
         "detail": said}
    ]  # fmt: skip
    if analysis["storyline_id"] is not None:
        found.append(
            {**_run("analyze", "analyzed_records", day, analysis["storyline_run"], "storylines",
                    analysis["storyline_engine"]),
             "detail": f"storyline {analysis['storyline_id']}: {analysis['storyline']}"}
        )  # fmt: skip
    return found


def _signal_runs(conn: Connection, head: Mapping[str, Any], row: Mapping[str, Any], own: str) -> list[dict[str, Any]]:
    """The signals the story was written from, or the baseline that said there was too little history for any."""
    inputs = head["inputs"] if isinstance(head["inputs"], dict) else {}
    ids = [each for each in inputs.get("signals", []) if isinstance(each, int)]
    found = []
    for signal in conn.execute(SIGNALS, {"ids": ids, "record": row["record_id"]}).fetchall():
        said = f"{signal['severity']}: {signal['observed']:g} observed, {signal['expected']:.1f} expected"
        if row["record_id"] is not None:
            weight = signal["weight"]
            said += f"; this record's weight {float(weight):.2f}" if weight is not None else "; not on this record"
        partition = _key(signal["day"], signal["topic"])
        found.append(
            {**_run("signal", "topic_signals", partition, signal["run_id"], signal["kind"], signal["engine_version"]),
             "detail": said}
        )  # fmt: skip
    if not found:
        for baseline in conn.execute(BASELINES, (head["topic"], head["day"])).fetchall():
            run = _run("signal", "topic_signals", own, baseline["run_id"], baseline["kind"], baseline["engine_version"])
            found.append({**run, "detail": "warming up: no signal needed" if head["warming_up"] else "no signal"})
    return found


def _run(
    stage: str, asset: str, partition: str, run_id: str | None, engine: str | None, version: str | None
) -> dict[str, Any]:
    return {
        "stage": stage, "asset": asset, "partition": partition, "run_id": run_id, "engine": engine,
        "engine_version": version, "detail": None,
    }  # fmt: skip


def _key(day: date, topic: str) -> str:
    """The partition key of a topic's day, as Dagster writes it."""
    return f"{day.isoformat()}|{topic}"
