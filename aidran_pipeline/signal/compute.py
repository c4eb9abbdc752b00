"""Signals of (day, topic) partitions: read the inputs of a day once, measure every topic, store what came of it.

All topics of a day count as tested by all kinds, whichever partitions were asked for. Once sealed, a baseline, its
signal and its evidence stand for good: the database refuses a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import DayInputs, Evidence, load_day
from aidran_pipeline.signal.kinds import KINDS, Kind, correction_of, kind_of
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
            changed: set[str] = set()
            inputs: DayInputs | None = None
            for kind in KINDS:
                open_topics = [t for t in topics if (t, kind.name) not in sealed]
                if not open_topics:
                    continue
                inputs = inputs or load_day(conn, day, now=run.now)
                loaded, tests = kind.load(conn, inputs), correction_of(kind.name, len(known))
                for topic in open_topics:
                    one = _Measured(inputs, loaded, topic, kind, tests=tests, publication=publication)
                    if _store(conn, one, run):
                        changed.add(topic)
            for topic in topics:
                results[(day, topic)] = _result(conn, day, topic, changed=topic in changed)
        run.progress(f"signals of {day}: {len(topics)} topics")
    return results


def replay(
    series: Sequence[dict[str, Any]], kind_name: str, tests: int, version: str | None = None, kinds: int = 1
) -> Finding:
    """The finding of a stored baseline, from its series and numbers of tests: that of its signal, bit for bit.

    version: the engine version of the stored rows, None for this release's. Raises LookupError for an unknown one, and
    for a kind that this release lacks.
    """
    kind = kind_of(kind_name)
    if kind is None:
        raise LookupError(f"{kind_name}: this release has no such kind")
    return kind.detect(series, Tested(tests, kinds), version)


class _Measured:
    """One kind of one topic and day, measured and judged; nothing stored yet."""

    def __init__(
        self, inputs: DayInputs, loaded: Any, topic: str, kind: Kind, *, tests: Tested, publication: Publication
    ) -> None:
        self.day, self.topic, self.kind, self.tests, now = inputs.day, topic, kind, tests, inputs.now
        self.series = kind.series(inputs, loaded, topic)
        self.coverage = inputs.coverage(topic)
        self.history = sum(bool(d["count"] is not None and d.get("total", 1)) for d in self.series[:-1])
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        self.seals = now >= start + SEAL_AFTER
        self.backfilled = now > start + timedelta(days=1) + BACKFILL_AFTER
        known = bool(self.coverage["healthy"]) and self.series[-1]["count"] is not None
        warm = self.history >= max(1, publication.warm_up_days)
        self.finding: Finding | None = kind.detect(self.series, tests) if known and warm else None
        self.evidence: Evidence = kind.evidence(inputs, loaded, topic, self.finding)
        self.outcome = self._judge(publication) if warm or not known else "warming_up"

    def _judge(self, publication: Publication) -> str:
        if self.finding is None:
            return "unknown"
        if self.finding.severity is None:
            return "quiet"
        need, have = publication.evidence, self.evidence
        enough = have.voices >= need.records and have.authors >= need.authors and have.families >= need.families
        return "signal" if enough else "thin"

    def digest(self) -> str:
        """Hash of all that decides the rows."""
        return content_hash(
            self.series, self.coverage, self.evidence.keys, self.kind.version, asdict(self.tests), self.outcome,
            self.seals, self.backfilled,
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
        "coverage": Jsonb(one.coverage), "tests": one.tests.number, "kinds": one.tests.kinds, "outcome": one.outcome,
        "late": one.backfilled, "version": one.kind.version, "hash": one.digest(), "run": run.id, "now": run.now,
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
INSERT INTO baselines (topic, day, kind, series, history_days, tests, kinds, outcome, backfilled, coverage,
                       engine_version, input_hash, run_id)
VALUES (%(topic)s, %(day)s, %(kind)s, %(series)s, %(history)s, %(tests)s, %(kinds)s, %(outcome)s, %(late)s,
        %(coverage)s, %(version)s, %(hash)s, %(run)s)
ON CONFLICT (topic, day, kind) DO UPDATE SET
    series = EXCLUDED.series, history_days = EXCLUDED.history_days, tests = EXCLUDED.tests, kinds = EXCLUDED.kinds,
    outcome = EXCLUDED.outcome, backfilled = EXCLUDED.backfilled, coverage = EXCLUDED.coverage,
    engine_version = EXCLUDED.engine_version, input_hash = EXCLUDED.input_hash, run_id = EXCLUDED.run_id
RETURNING id
"""

_SIGNAL = """
INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected, severity,
                     subject, records, authors, families, backfilled, engine_version, input_hash, run_id)
VALUES (%(baseline)s, %(topic)s, %(day)s, %(kind)s, %(observed)s, %(expected)s, %(score)s, %(p_value)s,
        %(p_uncorrected)s, %(severity)s, %(subject)s, %(records)s, %(authors)s, %(families)s, %(late)s, %(version)s,
        %(hash)s, %(run)s)
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
    """Content and figures of one partition: every kind's outcome, and the figures of each signal."""
    order = [kind.name for kind in KINDS]
    asked = {"day": day, "topic": topic, "order": order}
    baselines = conn.execute(
        """SELECT kind, series, history_days, tests, kinds, outcome, coverage, backfilled,
                  sealed_at IS NOT NULL AS sealed
           FROM baselines WHERE day = %(day)s AND topic = %(topic)s
           ORDER BY array_position(%(order)s::text[], kind), kind""",
        asked,
    ).fetchall()
    signals = conn.execute(
        """SELECT kind, subject, observed, expected, score, p_value, severity, records, authors, families FROM signals
           WHERE day = %(day)s AND topic = %(topic)s ORDER BY array_position(%(order)s::text[], kind), kind""",
        asked,
    ).fetchall()
    first = baselines[0]
    metadata: dict[str, Any] = {
        "outcome": ", ".join(f"{b['kind']}: {b['outcome']}" for b in baselines),
        "voices": first["series"][-1]["count"] or 0,
        "history_days": first["history_days"],
        "sealed": all(b["sealed"] for b in baselines),
        "sources_reached": first["coverage"]["reached"],
        "sources": first["coverage"]["sources"],
        "signals": ", ".join(_named(s) for s in signals) or "none",
    }
    if signals:
        strongest = min(signals, key=lambda s: (s["p_value"], order.index(s["kind"]) if s["kind"] in order else 0))
        metadata |= {name: strongest[name] for name in ("observed", "expected", "score")}
    return StageResult(content_hash(baselines, signals), metadata, changed=changed)


def _named(signal: Mapping[str, Any]) -> str:
    about = f" of {signal['subject']}" if signal["subject"] else ""
    return f"{signal['kind']}{about} ({signal['severity']})"
