"""Signals of (day, topic) partitions: read a day's inputs once, test every topic, store baselines, signals, evidence.

A sealed baseline is never changed. All topics of a day count as tested, whichever partitions were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.signal.inputs import DAY_COVERAGE, EVIDENCE, DayInputs, load_day
from aidran_pipeline.signal.kinds import KINDS, Kind
from aidran_pipeline.signal.volume import DayCount, Finding
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult, content_hash

# A day first computed later than this after its end is marked backfilled.
BACKFILL_AFTER = timedelta(hours=36)


@dataclass(frozen=True)
class Evidence:
    """The records behind a change and how many voices they are."""

    rows: list[tuple[int, float]]
    records: int
    authors: int
    families: int


def compute_signals(
    conn: Connection, partitions: Sequence[tuple[date, str]], *, run: Run, publication: Publication
) -> dict[tuple[date, str], StageResult]:
    """Compute and store the signals of the partitions; sealed ones are returned as they stand."""
    results: dict[tuple[date, str], StageResult] = {}
    topics = [
        r["slug"] for r in conn.execute("SELECT slug FROM topics WHERE retired_at IS NULL ORDER BY position, slug")
    ]
    for day in sorted({day for day, _ in partitions}):
        inputs = load_day(conn, day, now=run.now)
        for topic in [t for t in topics if (day, t) in set(partitions)]:
            for kind in KINDS:
                with conn.transaction():
                    _compute_one(conn, inputs, topic, kind, tests=len(topics), run=run, publication=publication)
            results[(day, topic)] = _result(conn, day, topic)
    return results


def series_of(inputs: DayInputs, topic: str) -> list[DayCount]:
    """The topic's days, oldest first, the day itself last, counted over the compared sources only."""
    compared = inputs.compared()
    series = []
    for day in inputs.days:
        reached = [s for s in compared if day in inputs.reached[s]]
        share = len(reached) / len(compared) if compared else 0.0
        if day != inputs.day and share < DAY_COVERAGE:
            continue
        rows = [inputs.counts.get((day, s), {}) for s in reached]
        series.append(
            DayCount(
                day.isoformat(), sum(r.get(topic, 0) for r in rows), sum(sum(r.values()) for r in rows), round(share, 4)
            )
        )
    return series


def _compute_one(
    conn: Connection, inputs: DayInputs, topic: str, kind: Kind, *, tests: int, run: Run, publication: Publication
) -> None:
    day = inputs.day
    ask = {"topic": topic, "day": day, "kind": kind.name}
    stored = conn.execute(
        (
            "SELECT id, sealed_at, input_hash FROM baselines WHERE topic = %(topic)s AND day = %(day)s "
            "AND kind = %(kind)s FOR UPDATE"
        ),
        ask,
    ).fetchone()
    if stored and stored["sealed_at"]:
        return
    series, coverage = series_of(inputs, topic), inputs.coverage()
    history = len(series) - 1
    evidence = _evidence(conn, day, topic)
    ended = run.now >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=23)
    digest = content_hash([d.as_dict() for d in series], coverage, evidence.rows, kind.version, ended, tests)
    if stored and stored["input_hash"] == digest:
        return
    late = run.now > datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + BACKFILL_AFTER
    values = {
        **ask, "series": Jsonb([d.as_dict() for d in series]), "history": history, "sealed": run.now if ended else None,
        "late": late, "coverage": Jsonb(coverage), "version": kind.version, "hash": digest, "run": run.id,
    }  # fmt: skip
    baseline = conn.execute(
        """INSERT INTO baselines (topic, day, kind, series, history_days, sealed_at, backfilled, coverage,
            engine_version, input_hash, run_id)
           VALUES (%(topic)s, %(day)s, %(kind)s, %(series)s, %(history)s, %(sealed)s, %(late)s, %(coverage)s,
               %(version)s, %(hash)s, %(run)s)
           ON CONFLICT (topic, day, kind) DO UPDATE SET series = EXCLUDED.series, history_days = EXCLUDED.history_days,
               sealed_at = EXCLUDED.sealed_at, backfilled = EXCLUDED.backfilled, coverage = EXCLUDED.coverage,
               engine_version = EXCLUDED.engine_version, input_hash = EXCLUDED.input_hash, run_id = EXCLUDED.run_id
           RETURNING id""",
        values,
    ).fetchone()
    assert baseline is not None
    conn.execute("DELETE FROM signals WHERE baseline_id = %s", (baseline["id"],))
    if history < publication.warm_up_days or not coverage["healthy"]:
        return
    finding = kind.detect(series, tests)
    need = publication.evidence
    enough = (
        evidence.records >= need.records and evidence.authors >= need.authors and evidence.families >= need.families
    )
    if finding.severity is not None and enough:
        _store_signal(conn, baseline["id"], finding, evidence, values)


def _evidence(conn: Connection, day: date, topic: str) -> Evidence:
    """Records of the topic on the day; copies of one text share the weight of one voice."""
    rows = conn.execute(EVIDENCE, {"day": day, "topic": topic, "sealed": None}).fetchall()
    weights = [(r["id"], round(min(1.0, max(0.0, float(r["score"]) / r["copies"])), 4)) for r in rows]
    return Evidence(
        weights,
        len({r["voice"] for r in rows}),
        len({r["author_key"] for r in rows}),
        len({r["publisher_family"] for r in rows}),
    )


def _store_signal(
    conn: Connection, baseline_id: int, finding: Finding, evidence: Evidence, values: dict[str, Any]
) -> None:
    row = conn.execute(
        """INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected,
            severity, records, authors,
               families, backfilled, engine_version, input_hash, run_id)
           VALUES (%(baseline)s, %(topic)s, %(day)s, %(kind)s, %(observed)s, %(expected)s, %(score)s, %(p)s,
               %(alone)s, %(severity)s,
               %(records)s, %(authors)s, %(families)s, %(late)s, %(version)s, %(hash)s, %(run)s) RETURNING id""",
        {**values, "baseline": baseline_id, "observed": finding.observed, "expected": finding.expected,
         "score": finding.score, "p": finding.p_value, "alone": finding.p_uncorrected, "severity": finding.severity,
         "records": evidence.records, "authors": evidence.authors, "families": evidence.families},
    ).fetchone()  # fmt: skip
    assert row is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO signal_evidence (signal_id, record_id, weight) VALUES (%s, %s, %s)",
            [(row["id"], record, weight) for record, weight in evidence.rows],
        )


def replay(series: Sequence[dict[str, Any]], kind_name: str, tests: int) -> Finding:
    """The finding that a stored baseline series gives: equal to the stored signal, bit for bit."""
    kind = next(k for k in KINDS if k.name == kind_name)
    return kind.detect([DayCount(d["day"], d["count"], d["total"], d["coverage"]) for d in series], tests)


def _result(conn: Connection, day: date, topic: str) -> StageResult:
    baselines = conn.execute(
        (
            "SELECT kind, series, history_days, coverage, sealed_at IS NOT NULL AS sealed FROM baselines "
            "WHERE day = %s AND topic = %s ORDER BY kind"
        ),
        (day, topic),
    ).fetchall()
    signals = conn.execute(
        (
            "SELECT kind, observed, expected, score, p_value, severity FROM signals WHERE day = %s "
            "AND topic = %s ORDER BY kind"
        ),
        (day, topic),
    ).fetchall()
    first: dict[str, Any] = (
        baselines[0] if baselines else {"history_days": 0, "series": [], "coverage": {}, "sealed": False}
    )
    metadata: dict[str, Any] = {
        "voices": first["series"][-1]["count"] if first["series"] else 0,
        "history_days": first["history_days"],
        "sealed": bool(first["sealed"]),
        "sources_reached": first["coverage"].get("reached", 0),
        "sources": first["coverage"].get("sources", 0),
        "signals": ", ".join(f"{s['kind']} ({s['severity']})" for s in signals) or "none",
    }
    if signals:
        metadata |= {
            "observed": signals[0]["observed"],
            "expected": signals[0]["expected"],
            "score": signals[0]["score"],
        }
    return StageResult(content_hash(baselines, signals), metadata, changed=bool(signals))
