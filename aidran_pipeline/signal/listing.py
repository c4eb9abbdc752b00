"""Stored signals and baselines as a person reads them: what was measured, and on which records it rests. Reads only."""

from __future__ import annotations

from datetime import date
from typing import Any

from aidran_pipeline.store.db import Connection

_ROWS = """
SELECT b.day, b.topic, b.kind, b.outcome, b.series, b.history_days, b.tests, b.coverage, b.backfilled, b.sealed_at,
       b.engine_version, s.id AS signal, s.observed, s.expected, s.score, s.p_value, s.p_uncorrected, s.severity,
       s.records, s.authors, s.families
FROM baselines b LEFT JOIN signals s ON s.baseline_id = b.id
WHERE b.day = %(day)s AND (%(topic)s::text IS NULL OR b.topic = %(topic)s)
ORDER BY s.p_value NULLS LAST, b.topic COLLATE "C", b.kind COLLATE "C"
"""

_EVIDENCE = """
SELECT e.weight, r.platform, r.native_id, r.publisher, r.url, r.published_at, left(v.text, 200) AS text
FROM signal_evidence e JOIN records r ON r.id = e.record_id
JOIN LATERAL (SELECT text FROM record_versions WHERE record_id = r.id ORDER BY number DESC LIMIT 1) v ON true
WHERE e.signal_id = %s ORDER BY e.weight DESC, r.published_at, r.platform, r.native_id COLLATE "C"
"""


def latest_day(conn: Connection) -> date | None:
    """The last day that anything was measured of."""
    row = conn.execute("SELECT max(day) AS day FROM baselines").fetchone()
    return row["day"] if row else None


def list_signals(conn: Connection, day: date, topic: str | None = None) -> list[dict[str, Any]]:
    """Every kind of every topic of a day, signals first by p-value, each with coverage, series and evidence.

    evidence: records with weight, publisher, address and the first 200 characters of their text; none for what is no
    signal.
    """
    found = []
    for row in conn.execute(_ROWS, {"day": day, "topic": topic}).fetchall():
        signal = row.pop("signal")
        evidence = conn.execute(_EVIDENCE, (signal,)).fetchall() if signal is not None else []
        found.append({**row, "voices": row["series"][-1]["count"] if row["series"] else None, "evidence": evidence})
    return found
