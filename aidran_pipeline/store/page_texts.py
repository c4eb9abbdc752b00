"""Table record_page_texts: article versions whose text is that of the article's own page. No fetching here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aidran_pipeline.store.db import Connection

# Newest versions of recent articles that came from a feed whose source wants them completed, with the page that the
# feed names as the article's own.
TEASERS = """
SELECT r.id AS record_id, r.native_id, r.day, r.publisher, r.source_id, v.id AS version_id, v.title, v.text,
       v.title_truncated, v.body_truncated, v.declared_lang, l.canonical_url AS page
FROM records r
JOIN sources s ON s.id = r.source_id
JOIN newest_record_versions v ON v.record_id = r.id
JOIN record_links l ON l.record_version_id = v.id AND l.kind = 'self'
WHERE r.platform = 'news' AND r.published_at > %(since)s AND s.enabled AND s.removed_at IS NULL
  AND (s.config ->> 'full_text' = 'always' OR (s.config ->> 'full_text' = 'auto'
       AND (v.body_truncated OR char_length(v.text) - char_length(COALESCE(v.title, '')) < %(shorter)s)))
  AND NOT EXISTS (SELECT FROM record_page_texts p WHERE p.record_version_id = v.id)
ORDER BY r.published_at DESC, r.id DESC
"""


def teasers(conn: Connection, *, since: datetime, shorter: int) -> list[dict[str, Any]]:
    """Articles to complete, the newest first: source full_text auto (a cut or short text) or always, since a moment."""
    return conn.execute(TEASERS, {"since": since, "shorter": shorter}).fetchall()


def newest_pages(conn: Connection, urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The newest version of each page that has one, by canonical address."""
    rows = conn.execute(
        """SELECT DISTINCT ON (w.id) w.canonical_url, v.id AS page_version_id, v.title, v.text, v.fetch_id
           FROM web_pages w JOIN web_page_versions v ON v.web_page_id = w.id
           WHERE w.canonical_url = ANY(%s) AND v.text <> '' ORDER BY w.id, v.number DESC""",
        (list(dict.fromkeys(urls)),),
    ).fetchall()
    return {row["canonical_url"]: row for row in rows}


def save_page_text(
    conn: Connection,
    teaser: Mapping[str, Any],
    page: Mapping[str, Any],
    version: Mapping[str, Any],
    *,
    run_id: str,
    now: datetime,
) -> bool:
    """Add the completed text as the article's next version, with its links; returns whether it was added.

    teaser: a row of `teasers`. page: one of `newest_pages`. version: title, text, title_truncated, body_truncated,
    declared_lang. A text that the article had before adds nothing.
    """
    given = {
        **version,
        "sha256": hashlib.sha256(version["text"].encode("utf-8")).hexdigest(),
        "record": teaser["record_id"],
        "completes": teaser["version_id"],
        "locator": teaser["native_id"],
        "page": page["page_version_id"],
        "fetch": page["fetch_id"],
        "run": run_id,
        "now": now,
    }
    with conn.transaction():
        added = conn.execute(_VERSION, given).fetchone()
        if added is None:
            return False
        given["version"] = added["id"]
        conn.execute(_TEXT, given)
        conn.execute(_OBSERVATION, given)
        conn.execute(_LINKS, given)
    return True


_VERSION = """
INSERT INTO record_versions (record_id, number, title, text, text_sha256, title_truncated, body_truncated,
                             declared_lang, first_seen_at, first_fetch_id, run_id)
SELECT %(record)s, max(number) + 1, %(title)s, %(text)s, %(sha256)s, %(title_truncated)s, %(body_truncated)s,
       %(declared_lang)s, %(now)s, %(fetch)s, %(run)s
FROM record_versions WHERE record_id = %(record)s
ON CONFLICT (record_id, text_sha256) DO NOTHING
RETURNING id
"""
_TEXT = """
INSERT INTO record_page_texts (record_version_id, completes, web_page_version_id)
VALUES (%(version)s, %(completes)s, %(page)s)
"""
_OBSERVATION = """
INSERT INTO record_observations (record_version_id, fetch_id, locator) VALUES (%(version)s, %(fetch)s, %(locator)s)
"""
_LINKS = """
INSERT INTO record_links (record_version_id, position, kind, url, canonical_url)
SELECT %(version)s, position, kind, url, canonical_url FROM record_links WHERE record_version_id = %(completes)s
"""
