"""How each source fares: as the rows stand, and as they stood at a moment. What it means: ingest.health."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aidran_pipeline.store.db import Connection

VOLUME = timedelta(days=7)  # of publication, for a source's share of what is monitored
GAPS = timedelta(days=30)  # gaps that ended within
# An ingest run stamps all its fetches with the moment it began at, and may still be writing when a page is built. What
# stands at a moment are the rows of runs that began this long before it, and those of that very moment: an edition's.
SETTLED = timedelta(minutes=30)


def source_health(conn: Connection, now: datetime) -> list[dict[str, Any]]:
    """Every configured source as its rows stand, by platform and id.

    Its columns, and: volume: records published within VOLUME before now that it was the first to show; share: of those
    of all sources, None when there are none; gaps: (since, until, reason), newest first; moved_to, learned_at: the
    address asked in place of the configured one; moving_to, moving_since, moving_answers: one that is being watched.
    """
    rows = conn.execute(_LIVE, {"now": now, "since": now - VOLUME}).fetchall()
    gaps = _gaps(conn, "true", {"since": now - GAPS})
    return [{**row, "gaps": gaps.get(row["id"], [])} for row in rows]


def source_health_at(conn: Connection, moment: datetime) -> list[dict[str, Any]]:
    """Every source that had been asked, or found without a credential, as it stood at a moment; by platform and id.

    From append-only rows, so that a later call gives the same. id, platform, publisher and community (of its first
    record; None without), state (None for none), state_since, last_attempt_at, last_success_at, last_new_at,
    next_check_at, consecutive_failures, error_class (None when it answers), volume, share, gaps.
    """
    at = {"moment": moment, "settled": moment - SETTLED, "since": moment - VOLUME}
    rows = conn.execute(_AT, at).fetchall()
    gaps = _gaps(conn, _there("f.requested_at"), {**at, "since": moment - GAPS})
    return [{**row, "gaps": gaps.get(row["id"], [])} for row in rows]


def _there(column: str) -> str:
    return f"({column} <= %(settled)s OR {column} = %(moment)s)"


def _gaps(conn: Connection, there: str, values: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in conn.execute(
        f"""SELECT g.source_id, g.since, g.until, g.reason FROM source_gaps g JOIN fetches f ON f.id = g.fetch_id
            WHERE g.until > %(since)s AND {there} ORDER BY g.since DESC, g.until DESC""",
        values,
    ):
        found.setdefault(row.pop("source_id"), []).append(row)
    return found


# The day narrows what is read by an index; a record counts for the source that showed it first.
_VOLUMES = """
volumes AS (
    SELECT source_id, count(*)::integer AS volume FROM records
    WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND published_at > %(since)s AND {until} GROUP BY source_id
), whole AS (SELECT sum(volume) AS volume FROM volumes)"""
_SHARE = """COALESCE(volumes.volume, 0) AS volume,
       round(COALESCE(volumes.volume, 0)::numeric / whole.volume, 4)::float AS share"""

_LIVE = f"""
WITH {_VOLUMES.format(until="published_at <= %(now)s")}
SELECT s.id, s.kind, s.platform, s.publisher, s.config, s.enabled, s.status, s.last_attempt_at, s.last_success_at,
       s.last_new_at, s.next_check_at, s.check_seconds, s.check_why, s.consecutive_failures, s.last_error_class,
       s.last_error, {_SHARE}, moved.to_url AS moved_to, moved.learned_at,
       moving.to_url AS moving_to, moving.first_seen_at AS moving_since, moving.answers AS moving_answers
FROM sources s
CROSS JOIN whole LEFT JOIN volumes ON volumes.source_id = s.id
LEFT JOIN source_moves moved ON moved.source_id = s.id AND moved.ended_at IS NULL AND moved.learned_at IS NOT NULL
LEFT JOIN source_moves moving ON moving.source_id = s.id AND moving.ended_at IS NULL AND moving.learned_at IS NULL
WHERE s.removed_at IS NULL
ORDER BY s.platform, s.id COLLATE "C"
"""

_AT = f"""
WITH {_VOLUMES.format(until=f"published_at <= %(moment)s AND {_there('first_seen_at')}")}
SELECT s.id, s.platform, named.publisher, named.community, state.state, state.since AS state_since,
       last.requested_at AS last_attempt_at, good.requested_at AS last_success_at, fresh.requested_at AS last_new_at,
       last.next_check_at, COALESCE(last.failures, 0) AS consecutive_failures, {_SHARE},
       CASE WHEN last.failures > 0 THEN (
           SELECT error_class FROM fetches WHERE source_id = s.id AND purpose = 'source' AND outcome = 'failed'
               AND requested_at = last.requested_at ORDER BY id DESC LIMIT 1) END AS error_class
FROM sources s
CROSS JOIN whole LEFT JOIN volumes ON volumes.source_id = s.id
JOIN LATERAL (SELECT state, since FROM source_states WHERE source_id = s.id AND {_there("since")}
              ORDER BY since DESC, id DESC LIMIT 1) state ON true
LEFT JOIN LATERAL (
    SELECT requested_at, next_check_at, COALESCE(consecutive_failures, (outcome = 'failed')::integer) AS failures
    FROM fetches WHERE source_id = s.id AND purpose = 'source' AND {_there("requested_at")}
        AND next_check_at IS NOT NULL
    ORDER BY requested_at DESC, id DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT requested_at FROM fetches WHERE source_id = s.id AND purpose = 'source' AND {_there("requested_at")}
        AND COALESCE(consecutive_failures, (outcome = 'failed')::integer) = 0
    ORDER BY requested_at DESC LIMIT 1) good ON true
LEFT JOIN LATERAL (
    SELECT requested_at FROM fetches WHERE source_id = s.id AND purpose = 'source' AND {_there("requested_at")}
        AND records_new > 0
    ORDER BY requested_at DESC LIMIT 1) fresh ON true
LEFT JOIN LATERAL (
    SELECT publisher, community FROM records WHERE source_id = s.id AND {_there("first_seen_at")}
    ORDER BY published_at, native_id COLLATE "C" LIMIT 1) named ON true
WHERE s.removed_at IS NULL OR NOT {_there("s.removed_at")}
ORDER BY s.platform, s.id COLLATE "C"
"""
