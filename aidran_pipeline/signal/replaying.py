"""The past again: signals of stored days computed from stored rows and compared with what is stored. Reads only.

Two depths. From the baselines: finding, outcome and evidence, by the method that made them; holds for every row and
for ever. From the records, for sealed days: the series and the evidence themselves, as known at the moment of sealing;
holds while analysis, topics and configured sources are those of that day. What a source edited, or had erased, since
then is named as the reason; only a difference without a reason is one that nobody should have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import TRAILING_DAYS, DayInputs, load_day
from aidran_pipeline.signal.kinds import Kind, kind_of
from aidran_pipeline.store.db import Connection

NAMED = 3  # records named as the reason of a difference
FINDING = ("observed", "expected", "score", "p_value", "p_uncorrected", "severity", "subject")

_ROWS = """
SELECT b.id, b.topic, b.day, b.kind, b.series, b.history_days, b.tests, b.kinds, b.outcome, b.coverage, b.sealed_at,
       b.engine_version, s.id AS signal, s.observed, s.expected, s.score, s.p_value, s.p_uncorrected, s.severity,
       s.subject, s.records, (SELECT count(*) FROM signal_evidence e WHERE e.signal_id = s.id) AS evidence
FROM baselines b LEFT JOIN signals s ON s.baseline_id = b.id
WHERE b.day BETWEEN %s AND %s ORDER BY b.day, b.sealed_at, b.topic COLLATE "C", b.kind COLLATE "C"
"""

# Records of the compared days, known when the day was sealed, whose wording or existence is another by now.
_SINCE = """
SELECT r.platform || ' ' || r.native_id AS record, r.erased_at > %(sealed)s AS erased
FROM records r
WHERE r.day BETWEEN %(first)s AND %(day)s AND r.first_seen_at <= %(sealed)s AND (r.erased_at > %(sealed)s OR EXISTS (
    SELECT FROM record_versions v JOIN record_analysis a ON a.record_version_id = v.id
    WHERE v.record_id = r.id AND v.number > 1 AND v.first_seen_at > %(sealed)s))
ORDER BY r.platform, r.native_id COLLATE "C"
"""

_EVIDENCE = """
SELECT r.platform, r.native_id, e.weight FROM signal_evidence e JOIN records r ON r.id = e.record_id
WHERE e.signal_id = %s ORDER BY r.platform, r.native_id COLLATE "C"
"""


@dataclass(frozen=True)
class Difference:
    """One figure that is not what it was.

    where: "volume_spike of ai-law, 2026-06-20". why: what happened to the records since, None where nothing did.
    """

    where: str
    what: str
    stored: Any
    computed: Any
    why: str | None = None


@dataclass
class Replay:
    """What was compared. notes: rows that this release cannot compute, and why."""

    baselines: int = 0
    signals: int = 0
    recounted: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Difference]:
        """Those without a reason."""
        return [one for one in self.differences if one.why is None]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def replay_days(
    conn: Connection, first: date, last: date, *, records: bool = False,
    progress: Callable[[str], None] = lambda _message: None,
) -> Replay:  # fmt: skip
    """Compute the baselines of the days first to last again and compare. records: count from the records as well."""
    told = Replay()
    known = _Known(conn)
    with conn.transaction():
        for row in conn.execute(_ROWS, (first, last)).fetchall():
            progress(f"{row['day']} {row['topic']}")
            where = f"{row['kind']} of {row['topic']}, {row['day']}"
            told.baselines += 1
            told.signals += row["signal"] is not None
            told.differences += [Difference(where, *found) for found in _of_baseline(row, told, where)]
            if not records:
                continue
            if row["sealed_at"] is None:
                told.notes.append(f"{where} is not sealed: it may still change, its records are not counted again")
                continue
            told.recounted += 1
            found_so = list(_of_records(known, row))
            why = known.since_sealed(row["day"], row["sealed_at"]) if found_so else None
            told.differences += [Difference(where, *found, why) for found in found_so]
    return told


Found = tuple[str, Any, Any]


class _Known:
    """What each kind measures from, one day and sealing at a time: rows come in that order."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._at: tuple[date, datetime] | None = None
        self._inputs: DayInputs | None = None
        self._loaded: dict[str, Any] = {}
        self._since: dict[tuple[date, datetime], str | None] = {}

    def since_sealed(self, day: date, sealed_at: datetime) -> str | None:
        """What happened to the compared days' records after the sealing, in words; None where nothing did."""
        if (day, sealed_at) not in self._since:
            asked = {"first": day - timedelta(days=TRAILING_DAYS), "day": day, "sealed": sealed_at}
            rows = self.conn.execute(_SINCE, asked).fetchall()
            told = [f"{row['record']} was {'erased' if row['erased'] else 'edited and scored anew'}" for row in rows]
            more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
            self._since[day, sealed_at] = "; ".join(told[:NAMED]) + more if told else None
        return self._since[day, sealed_at]

    def of(self, kind: Kind, day: date, sealed_at: datetime) -> tuple[DayInputs, Any]:
        """Inputs of the day as known when it was sealed, and what the kind reads besides."""
        if self._inputs is None or self._at != (day, sealed_at):
            self._at, self._loaded = (day, sealed_at), {}
            self._inputs = load_day(self.conn, day, now=sealed_at)
        if kind.name not in self._loaded:
            self._loaded[kind.name] = kind.load(self.conn, self._inputs)
        return self._inputs, self._loaded[kind.name]


def _of_baseline(row: Mapping[str, Any], told: Replay, where: str) -> Iterator[Found]:
    """What the stored series gives against the stored signal and outcome."""
    kind = kind_of(row["kind"], row["engine_version"])
    if kind is None:
        told.notes.append(f"{where} was measured by {row['engine_version']}, which this release cannot replay")
        return
    try:
        known = bool(row["coverage"]["healthy"]) and row["series"][-1]["count"] is not None
        history = sum(bool(d["count"] is not None and d.get("total", 1)) for d in row["series"][:-1])
        finding = _again(kind, row) if known else None
    except Exception as error:  # an altered series may hold anything
        yield "series", "a series that can be computed", f"{type(error).__name__}: {error}"[:200]
        return
    if history != row["history_days"]:
        yield "history_days", row["history_days"], history
    rises = finding is not None and finding.severity is not None
    possible = ["unknown"] if not known else ["warming_up", "signal", "thin"] if rises else ["warming_up", "quiet"]
    if row["outcome"] not in possible:
        yield "outcome", row["outcome"], " or ".join(possible)
    if (row["signal"] is not None) != (row["outcome"] == "signal"):
        yield "signal", "a row" if row["signal"] else "no row", f"outcome {row['outcome']}"
    if row["signal"] is not None and finding is not None:
        yield from ((c, row[c], getattr(finding, c)) for c in FINDING if row[c] != getattr(finding, c))
        if row["evidence"] < row["records"]:
            yield "evidence", f"{row['evidence']} rows", f"at least {row['records']}"


def _again(kind: Kind, row: Mapping[str, Any]) -> Finding:
    return kind.detect(row["series"], Tested(row["tests"], row["kinds"]), row["engine_version"])


def _of_records(known: _Known, row: Mapping[str, Any]) -> Iterator[Found]:
    """What the records give, as known when the day was sealed, against the stored series, coverage and evidence."""
    kind = kind_of(row["kind"], row["engine_version"])
    if kind is None:
        return
    inputs, loaded = known.of(kind, row["day"], row["sealed_at"])
    series = kind.series(inputs, loaded, row["topic"])
    days = {d["day"]: d for d in row["series"]}
    for day in series:
        if days.pop(day["day"], None) != day:
            stored = next((d for d in row["series"] if d["day"] == day["day"]), None)
            yield f"series of {day['day']}", stored, day
    yield from ((f"series of {name}", stored, None) for name, stored in days.items())
    coverage = inputs.coverage(row["topic"])
    if coverage != row["coverage"]:
        yield "coverage", row["coverage"], coverage
    if row["signal"] is not None:
        stored_rows = [
            (e["platform"], e["native_id"], round(e["weight"], 4))
            for e in known.conn.execute(_EVIDENCE, (row["signal"],))
        ]
        finding = _again(kind, row)
        computed = sorted(kind.evidence(inputs, loaded, row["topic"], finding).keys, key=lambda k: k[:2])
        if sorted(stored_rows) != sorted(computed):
            yield "evidence", sorted(set(stored_rows) - set(computed))[:5], sorted(set(computed) - set(stored_rows))[:5]
