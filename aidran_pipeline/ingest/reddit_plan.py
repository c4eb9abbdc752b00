"""What to ask of a subreddit, from what is stored of it. SQL only; the asking is reddit_reader's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from aidran_pipeline.ingest.reading import Plan, Thread
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.fetches import last_reach_since

KNOWN = """
SELECT native_id FROM records WHERE platform = 'reddit' AND source_id = %s AND native_id LIKE 't3\\_%%'
ORDER BY published_at DESC LIMIT 2000
"""
# The figures of the day's posts now, and when each one's thread was read, with the comments it had then.
THREADS = """
SELECT r.native_id, COALESCE(newest.score, 0) AS score, COALESCE(newest.comments, 0) AS comments,
       before.comments AS read
FROM records r
LEFT JOIN LATERAL (SELECT score, comments FROM record_metrics m WHERE m.record_id = r.id
                   ORDER BY observed_at DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (SELECT max(f.requested_at) AS at FROM fetches f
                   WHERE f.source_id = r.source_id AND f.outcome IN ('ok', 'unchanged') AND f.requested_at > %(since)s
                     AND f.url LIKE '%%/comments/' || substr(r.native_id, 4) || '.json%%') last ON true
LEFT JOIN LATERAL (SELECT comments FROM record_metrics m WHERE m.record_id = r.id AND m.observed_at <= last.at
                   ORDER BY observed_at DESC LIMIT 1) before ON true
WHERE r.platform = 'reddit' AND r.source_id = %(source)s AND r.day = %(day)s AND r.native_id LIKE 't3\\_%%'
  AND NOT EXISTS (SELECT FROM source_withdrawals w
                  WHERE w.platform = 'reddit' AND w.kind = 'post' AND w.target = r.native_id)
ORDER BY newest.score DESC NULLS LAST, r.native_id COLLATE "C" LIMIT 500
"""


def reddit_plan(conn: Connection, source: Mapping[str, Any], day: date, now: datetime, reach_back: timedelta) -> Plan:
    """The plan of a subreddit on behalf of a day. reach_back: how far before the day's end a first listing goes."""
    ends = min(datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(days=1), now)
    asked = {"source": source["id"], "day": day, "since": now - timedelta(days=14)}
    threads = conn.execute(THREADS, asked).fetchall()
    return Plan(
        source,
        now,
        known=_known(conn, source),
        last_reach=last_reach_since(conn, source["id"]),
        edge=ends - reach_back,
        day=day,
        threads=tuple(Thread(row["native_id"], row["score"], row["comments"], row["read"]) for row in threads),
    )


def _known(conn: Connection, source: Mapping[str, Any]) -> frozenset[str]:
    """Posts at which a listing may stop. None after a failure: an earlier listing may have broken off above them."""
    if source["consecutive_failures"] or source["last_success_at"] is None:
        return frozenset()
    return frozenset(row["native_id"] for row in conn.execute(KNOWN, (source["id"],)).fetchall())
