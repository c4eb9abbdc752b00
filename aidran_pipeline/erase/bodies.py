"""Stored bodies that held a record: copies without it in their place. How a body is cut is ingest's (redact)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aidran_pipeline.erase.words import Erased
from aidran_pipeline.ingest.redact import NOTHING, redacted, without_cards
from aidran_pipeline.lineage.bodies import load_configurations
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload, redact_payload

# Every fetch that showed a version of the record; and answers of the same sources that were no good, in which it may
# stand all the same.
SHOWED = """
SELECT DISTINCT f.id, f.purpose, f.source_id, f.url, f.final_url, f.content_type, f.payload_sha256, o.locator
FROM record_versions v
LEFT JOIN record_observations o ON o.record_version_id = v.id
JOIN fetches f ON f.id IN (o.fetch_id, v.first_fetch_id)
WHERE v.record_id = %(record)s AND f.payload_sha256 IS NOT NULL
UNION
SELECT f.id, f.purpose, f.source_id, f.url, f.final_url, f.content_type, f.payload_sha256, NULL
FROM fetches f JOIN payloads p ON p.sha256 = f.payload_sha256 AND p.body IS NOT NULL
WHERE f.outcome = 'failed' AND f.source_id IN (
    SELECT g.source_id FROM record_versions v LEFT JOIN record_observations o ON o.record_version_id = v.id
    JOIN fetches g ON g.id IN (o.fetch_id, v.first_fetch_id) WHERE v.record_id = %(record)s)
ORDER BY 1
"""
PAGES = """
SELECT f.id, f.payload_sha256 FROM fetches f
WHERE f.payload_sha256 IS NOT NULL AND (
    f.id IN (SELECT v.fetch_id FROM web_page_versions v WHERE v.web_page_id = ANY(%(pages)s))
    OR (f.purpose = 'page' AND f.url = ANY(%(urls)s)))
"""

# Posts that show a preview of the article, with every body that showed them.
CARDS = """
SELECT DISTINCT f.id, f.source_id, f.url, f.final_url, f.content_type, f.payload_sha256, l.url AS address
FROM record_links l JOIN record_observations o ON o.record_version_id = l.record_version_id
JOIN fetches f ON f.id = o.fetch_id
WHERE l.kind = 'card' AND l.canonical_url = %(canonical)s AND f.payload_sha256 IS NOT NULL AND f.source_id IS NOT NULL
ORDER BY f.id
"""


def redact_bodies(conn: Connection, record: dict[str, Any], erased: Erased, *, now: datetime) -> int:
    """Replace each body that held the record; returns how many. Bodies that expired hold nothing."""
    done = 0
    by_body: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in conn.execute(SHOWED, {"record": record["id"]}).fetchall():
        by_body[row["payload_sha256"]].append(row)
    for sha256, fetches in by_body.items():
        body = _kept(conn, sha256)
        if body is None:
            continue
        copy = _copy(conn, body, fetches, record, erased)
        if copy != body:
            redact_payload(conn, sha256, copy, now=now)
            done += 1
    return done + (_cut_cards(conn, record, now) if record["platform"] == "news" else 0)


def _cut_cards(conn: Connection, record: dict[str, Any], now: datetime) -> int:
    """Take the article's title and teaser out of the previews in other people's posts."""
    rows = conn.execute(CARDS, {"canonical": record["canonical_url"]}).fetchall()
    addresses: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        addresses[row["payload_sha256"]].add(row["address"])
    done = 0
    for fetch in {row["payload_sha256"]: row for row in rows}.values():
        sha256 = fetch["payload_sha256"]
        body = _kept(conn, sha256)
        source = next(iter(load_configurations(conn, [fetch["source_id"]]).get(fetch["source_id"], [])), None)
        if not body or source is None:
            continue
        copy = without_cards(
            str(source["kind"]), body, addresses[sha256] | {record["url"], record["canonical_url"]},
            url=fetch["final_url"] or fetch["url"], content_type=fetch["content_type"], source=source,
        )  # fmt: skip
        if copy != body:
            redact_payload(conn, sha256, copy, now=now)
            done += 1
    return done


def empty_page_bodies(conn: Connection, pages: Sequence[int], urls: Sequence[str], *, now: datetime) -> int:
    """The bodies of an article's own page go whole."""
    keys = {row["payload_sha256"] for row in conn.execute(PAGES, {"pages": list(pages), "urls": list(urls)})}
    present = [key for key in sorted(keys) if _kept(conn, key)]
    for key in present:
        redact_payload(conn, key, NOTHING, now=now)
    return len(present)


def _kept(conn: Connection, sha256: str) -> bytes | None:
    """The stored bytes; empty when they are there and cannot be read, so that they are replaced."""
    try:
        return load_payload(conn, sha256)
    except ValueError:
        return b""


def _copy(
    conn: Connection, body: bytes, fetches: Sequence[dict[str, Any]], record: dict[str, Any], erased: Erased
) -> bytes:
    """What may stay of a body under every fetch that read it so."""
    if not body:
        return b""
    names = {row["locator"] or record["native_id"] for row in fetches} | {record["native_id"]}
    fetch = fetches[0]
    if fetch["purpose"] == "page" or fetch["source_id"] is None:
        return NOTHING
    if all(row["locator"] is None for row in fetches) and not erased.in_text(body.decode("utf-8", "replace")):
        return body
    configurations = load_configurations(conn, [fetch["source_id"]]).get(fetch["source_id"], [])
    for source in configurations:
        copy = redacted(
            str(source["kind"]), body, names, url=fetch["final_url"] or fetch["url"],
            content_type=fetch["content_type"], source=source,
        )  # fmt: skip
        if copy:
            return copy
    return NOTHING
