"""Stored signals and baselines as a person reads them: what was measured, and on which records it rests. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.kinds import KINDS, kind_of
from aidran_pipeline.store.db import Connection

_ROWS = """
SELECT b.day, b.topic, b.kind, b.outcome, b.series, b.history_days, b.tests, b.kinds, b.coverage, b.backfilled,
       b.sealed_at, b.engine_version, s.id AS signal, s.observed, s.expected, s.score, s.p_value, s.p_uncorrected,
       s.severity, s.subject, s.records, s.authors, s.families
FROM baselines b LEFT JOIN signals s ON s.baseline_id = b.id
WHERE b.day = %(day)s AND (%(topic)s::text IS NULL OR b.topic = %(topic)s)
ORDER BY s.p_value NULLS LAST, b.topic COLLATE "C", array_position(%(order)s::text[], b.kind), b.kind COLLATE "C"
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
    signal. Of a day that was compared and found quiet or thin, the figures are computed from its stored series.
    """
    found = []
    for row in conn.execute(_ROWS, {"day": day, "topic": topic, "order": [kind.name for kind in KINDS]}).fetchall():
        signal = row.pop("signal")
        evidence = conn.execute(_EVIDENCE, (signal,)).fetchall() if signal is not None else []
        if signal is None:
            row |= _computed(row)
        found.append({**row, "voices": row["series"][-1]["count"] if row["series"] else None, "evidence": evidence})
    return found


def _computed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a baseline without a signal, by the method that judged it; none where nothing was compared."""
    kind = kind_of(row["kind"], row["engine_version"])
    if kind is None or row["outcome"] not in ("quiet", "thin"):
        return {}
    finding = kind.detect(row["series"], Tested(row["tests"], row["kinds"]), row["engine_version"])
    names = ("observed", "expected", "score", "p_value", "p_uncorrected", "subject")
    return {name: getattr(finding, name) for name in names}
