"""Signals of (day, topic) partitions: read the inputs of a day once, measure every topic, store what came of it.

All topics of a day count as tested, whichever partitions were asked for. Once sealed, a baseline, its signal and its
evidence stand for good: the database refuses a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.signal.inputs import DayInputs, Evidence, load_day
from aidran_pipeline.signal.kinds import KINDS, Kind
from aidran_pipeline.signal.volume import Finding
from aidran_pipeline.store.db import Connection, advisory_lock
from aidran_pipeline.store.provenance import Run, StageResult, content_hash

# A day is sealed by the first computation from its last hour on: an edition may close shortly before midnight.
SEAL_AFTER = timedelta(hours=23)
# What is sealed later than this after the day's end is marked backfilled: it knows more than an edition of the day did.
BACKFILL_AFTER = timedelta(hours=36)


def compute_signals(
    conn: Connection, partitions: Sequence[tuple[date, str]], *, run: Run, publication: Publication
) -> dict[tuple[date, str], StageResult]:
    """Compute and store the signals of the partitions; sealed ones are returned as they stand."""
    results: dict[tuple[date, str], StageResult] = {}
    asked = set(partitions)
    for day in sorted({day for day, _ in asked}):
        with advisory_lock(conn, f"signals {day}"), _one_snapshot(conn):
            known = [r["slug"] for r in conn.execute("SELECT slug FROM topics WHERE retired_at IS NULL ORDER BY slug")]
            sealed = _sealed(conn, day)
            topics = [t for t in known if (day, t) in asked]
            inputs: DayInputs | None = None
            for topic in topics:
                changed = False
                for kind in [k for k in KINDS if (topic, k.name) not in sealed]:
                    inputs = inputs or load_day(conn, day, now=run.now)
                    one = _Measured(inputs, topic, kind, tests=len(known), now=run.now, publication=publication)
                    changed |= _store(conn, one, run)
                results[(day, topic)] = _result(conn, day, topic, changed=changed)
        run.progress(f"signals of {day}: {len(topics)} topics")
    return results


def replay(series: Sequence[dict[str, Any]], kind_name: str, tests: int, version: str | None = None) -> Finding:
    """The finding of a stored baseline, from its series and number of tests: that of its signal, bit for bit.

    version: the engine version of the stored rows, None for this release's. Raises LookupError for an unknown one.
    """
    kind = next(k for k in KINDS if k.name == kind_name)
    return kind.detect(series, tests, version)


class _Measured:
    """One kind of one topic and day, measured and judged; nothing stored yet."""

    def __init__(
        self, inputs: DayInputs, topic: str, kind: Kind, *, tests: int, now: datetime, publication: Publication
    ) -> None:
        self.day, self.topic, self.kind, self.tests = inputs.day, topic, kind, tests
        self.series = kind.series(inputs, topic)
        self.coverage = inputs.coverage(topic)
        self.history = sum(bool(d["count"] is not None and d.get("total", 1)) for d in self.series[:-1])
        self.evidence: Evidence = kind.evidence(inputs, topic)
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        self.seals = now >= start + SEAL_AFTER
        self.backfilled = now > start + timedelta(days=1) + BACKFILL_AFTER
        self.finding: Finding | None = None
        self.outcome = self._judge(publication)

    def _judge(self, publication: Publication) -> str:
        if not self.coverage["healthy"] or self.series[-1]["count"] is None:
            return "unknown"
        if self.history < max(1, publication.warm_up_days):
            return "warming_up"
        self.finding = self.kind.detect(self.series, self.tests)
        if self.finding.severity is None:
            return "quiet"
        need, have = publication.evidence, self.evidence
        enough = have.voices >= need.records and have.authors >= need.authors and have.families >= need.families
        return "signal" if enough else "thin"

    def digest(self) -> str:
        """Hash of all that decides the rows."""
        return content_hash(
            self.series, self.coverage, self.evidence.keys, self.kind.version, self.tests, self.outcome, self.seals,
            self.backfilled,
        )  # fmt: skip


@contextmanager
def _one_snapshot(conn: Connection) -> Iterator[None]:
    """A transaction that sees one state of the database, whatever ingest does meanwhile: counts agree with evidence."""
    alone = conn.info.transaction_status == TransactionStatus.IDLE
    with conn.transaction():
        if alone:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _sealed(conn: Connection, day: date) -> set[tuple[str, str]]:
    rows = conn.execute("SELECT topic, kind FROM baselines WHERE day = %s AND sealed_at IS NOT NULL", (day,))
    return {(row["topic"], row["kind"]) for row in rows}


def _store(conn: Connection, one: _Measured, run: Run) -> bool:
    """Write the baseline, its signal and its evidence, then seal. False when the rows say the same already."""
    values: dict[str, Any] = {
        "topic": one.topic, "day": one.day, "kind": one.kind.name, "series": Jsonb(one.series), "history": one.history,
        "tests": one.tests, "outcome": one.outcome, "late": one.backfilled, "coverage": Jsonb(one.coverage),
        "version": one.kind.version, "hash": one.digest(), "run": run.id, "now": run.now,
    }  # fmt: skip
    stored = conn.execute(
        "SELECT id, input_hash FROM baselines WHERE topic = %(topic)s AND day = %(day)s AND kind = %(kind)s", values
    ).fetchone()
    if stored and stored["input_hash"] == values["hash"]:
        return False
    if stored:
        conn.execute("DELETE FROM signals WHERE baseline_id = %s", (stored["id"],))
    row = conn.execute(_BASELINE, values).fetchone()
    assert row is not None
    if one.outcome == "signal":
        assert one.finding is not None
        _store_signal(conn, row["id"], one.finding, one.evidence, values)
    if one.seals:
        conn.execute("UPDATE baselines SET sealed_at = %s WHERE id = %s", (run.now, row["id"]))
    return True


_BASELINE = """
INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, backfilled, coverage, engine_version,
                       input_hash, run_id)
VALUES (%(topic)s, %(day)s, %(kind)s, %(series)s, %(history)s, %(tests)s, %(outcome)s, %(late)s, %(coverage)s,
        %(version)s, %(hash)s, %(run)s)
ON CONFLICT (topic, day, kind) DO UPDATE SET
    series = EXCLUDED.series, history_days = EXCLUDED.history_days, tests = EXCLUDED.tests, outcome = EXCLUDED.outcome,
    backfilled = EXCLUDED.backfilled, coverage = EXCLUDED.coverage, engine_version = EXCLUDED.engine_version,
    input_hash = EXCLUDED.input_hash, run_id = EXCLUDED.run_id
RETURNING id
"""

_SIGNAL = """
INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected, severity,
                     records, authors, families, backfilled, engine_version, input_hash, run_id)
VALUES (%(baseline)s, %(topic)s, %(day)s, %(kind)s, %(observed)s, %(expected)s, %(score)s, %(p_value)s,
        %(p_uncorrected)s, %(severity)s, %(records)s, %(authors)s, %(families)s, %(late)s, %(version)s, %(hash)s,
        %(run)s)
RETURNING id
"""


def _store_signal(
    conn: Connection, baseline_id: int, finding: Finding, evidence: Evidence, values: dict[str, Any]
) -> None:
    counted = {"records": evidence.voices, "authors": evidence.authors, "families": evidence.families}
    row = conn.execute(_SIGNAL, {**values, **asdict(finding), **counted, "baseline": baseline_id}).fetchone()
    assert row is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO signal_evidence (signal_id, record_id, weight) VALUES (%s, %s, %s)",
            [(row["id"], record, weight) for record, weight in evidence.weights],
        )


def _result(conn: Connection, day: date, topic: str, *, changed: bool) -> StageResult:
    baselines = conn.execute(
        """SELECT kind, series, history_days, tests, outcome, coverage, backfilled, sealed_at IS NOT NULL AS sealed
           FROM baselines WHERE day = %s AND topic = %s ORDER BY kind""",
        (day, topic),
    ).fetchall()
    signals = conn.execute(
        """SELECT kind, observed, expected, score, p_value, severity, records, authors, families FROM signals
           WHERE day = %s AND topic = %s ORDER BY kind""",
        (day, topic),
    ).fetchall()
    first = baselines[0]
    metadata: dict[str, Any] = {
        "outcome": ", ".join(f"{b['kind']}: {b['outcome']}" for b in baselines),
        "voices": first["series"][-1]["count"] or 0,
        "history_days": first["history_days"],
        "sealed": bool(first["sealed"]),
        "sources_reached": first["coverage"]["reached"],
        "sources": first["coverage"]["sources"],
        "signals": ", ".join(f"{s['kind']} ({s['severity']})" for s in signals) or "none",
    }
    if signals:
        metadata |= {name: signals[0][name] for name in ("observed", "expected", "score")}
    return StageResult(content_hash(baselines, signals), metadata, changed=changed)
