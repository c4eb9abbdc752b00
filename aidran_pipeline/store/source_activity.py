"""What each source brought lately, counted from the rows stored. No fetching, no judging here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aidran_pipeline.store.db import Connection

LATEST = 50  # records whose texts are measured


def source_activity(conn: Connection, now: datetime, *, window: timedelta) -> list[dict[str, Any]]:
    """Every configured source with its health and what it brought, by platform and id.

    items: records published within the window before now. newest_at: publication of the newest record. characters:
    median length of the latest texts, in code points, of at most LATEST records; cut: the share of them that the source
    cut off. Records that several sources show count for the first. Of the answers within the window: how many
    (answers), since when (answers_since), and the one address they all came from (final_url; None for several).
    moved_to, learned_at: the address asked in place of the configured one, and since when.
    """
    return conn.execute(_QUERY, {"since": now - window, "now": now, "latest": LATEST}).fetchall()


def source_published(
    conn: Connection, source_id: str, now: datetime, *, trailing: timedelta
) -> tuple[int, datetime] | None:
    """How many items a source published since its first answer, or since `trailing` ago. None: it never answered."""
    row = conn.execute(
        """WITH first AS (SELECT requested_at FROM fetches WHERE source_id = %(id)s AND purpose = 'source'
                              AND outcome <> 'failed' ORDER BY requested_at LIMIT 1),
                span AS (SELECT GREATEST(requested_at, %(since)s) AS since FROM first)
           SELECT since, (SELECT count(*) FROM records WHERE source_id = %(id)s AND published_at > since
                              AND published_at <= %(now)s) AS items FROM span""",
        {"id": source_id, "since": now - trailing, "now": now},
    ).fetchone()
    return None if row is None else (int(row["items"]), row["since"])


_QUERY = """
SELECT s.id, s.kind, s.platform, s.publisher, s.config, s.enabled, s.status, s.last_attempt_at, s.last_success_at,
       s.last_new_at, s.next_check_at, s.consecutive_failures, s.last_error_class, s.last_error,
       counted.items, counted.newest_at, texts.characters, texts.cut,
       answered.answers, answered.answers_since, answered.final_url, moves.to_url AS moved_to, moves.learned_at
FROM sources s
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.published_at > %(since)s AND r.published_at <= %(now)s)::integer AS items,
           max(r.published_at) AS newest_at
    FROM records r WHERE r.source_id = s.id) counted ON true
LEFT JOIN LATERAL (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY char_length(latest.text))::integer AS characters,
           round(avg((latest.body_truncated OR latest.title_truncated)::integer), 3)::float AS cut
    FROM (SELECT DISTINCT ON (r.published_at, r.id) v.text, v.body_truncated, v.title_truncated
          FROM records r JOIN record_versions v ON v.record_id = r.id
          WHERE r.source_id = s.id
          ORDER BY r.published_at DESC, r.id DESC, v.number DESC LIMIT %(latest)s) latest) texts ON true
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS answers, min(f.requested_at) AS answers_since,
           CASE WHEN count(DISTINCT f.final_url) = 1 THEN max(f.final_url) END AS final_url
    FROM fetches f
    WHERE f.source_id = s.id AND f.purpose = 'source' AND f.outcome <> 'failed'
      AND f.requested_at > %(since)s AND f.requested_at <= %(now)s) answered ON true
LEFT JOIN source_moves moves ON moves.source_id = s.id AND moves.ended_at IS NULL AND moves.learned_at IS NOT NULL
WHERE s.removed_at IS NULL
ORDER BY s.platform, s.id COLLATE "C"
"""
