"""What a version says it was written from: the rows exist, and each signal is that of its stored baseline, replayed."""

from __future__ import annotations

from typing import Any

from aidran_pipeline.lineage.findings import Report, shorten
from aidran_pipeline.lineage.rows import Stories
from aidran_pipeline.signal import KINDS, replay
from aidran_pipeline.store.db import Connection

TABLES = {"read": "records", "storylines": "storylines", "signals": "signals", "earlier_versions": "article_versions"}
SIGNALS = """
SELECT s.id, s.topic, s.day, s.kind, s.observed, s.expected, s.score, s.p_value, s.p_uncorrected, s.severity,
       s.engine_version, b.series, b.tests
FROM signals s JOIN baselines b ON b.id = s.baseline_id WHERE s.id = ANY(%s) ORDER BY s.id
"""
SEALED = "SELECT topic, day, min(sealed_at) AS sealed_at FROM baselines WHERE sealed_at IS NOT NULL GROUP BY topic, day"
FINDING = ("observed", "expected", "score", "p_value", "p_uncorrected", "severity")


def check_inputs(conn: Connection, stories: Stories, report: Report) -> None:
    """Every id among the inputs of every version; every signal among them once."""
    signals: dict[int, list[str]] = {}
    sealed = {(row["topic"], row["day"]): row["sealed_at"] for row in conn.execute(SEALED).fetchall()}
    for version_id, head in stories.head.items():
        seal = sealed.get((head["topic"], head["day"]))
        settled = seal is not None and seal <= head["published_at"]
        for signal in _exist(conn, stories, version_id, settled, report):
            signals.setdefault(signal, []).append(stories.name(version_id))
    _replay(conn, signals, report)


def _exist(conn: Connection, stories: Stories, version_id: int, settled: bool, report: Report) -> list[int]:
    """Report inputs that are not there; returns the signals that are named.

    settled: the day was sealed before the version. A version written within the day may name a signal that was measured
    again since; what it was then is kept with the version.
    """
    inputs, found = stories.head[version_id]["inputs"], []
    for key, table in TABLES.items():
        named: Any = inputs.get(key, []) if isinstance(inputs, dict) else None
        if not isinstance(named, list) or not all(isinstance(each, int) for each in named):
            report.add(
                "input", f"{stories.name(version_id)}: its {key} are not a list of ids", expected="ids",
                found=shorten(named), **stories.place(version_id), table=table,
            )  # fmt: skip
            continue
        report.count("input", len(named))
        there = {row["id"] for row in conn.execute(f"SELECT id FROM {table} WHERE id = ANY(%s)", (named,))}
        for missing in sorted(set(named) - there):
            if table == "signals" and not settled:
                report.note(f"{stories.name(version_id)}: signal {missing} was measured again after it was written")
                continue
            report.add(
                "input", f"{stories.name(version_id)}: it was written from {table} {missing}, which does not exist",
                expected=f"a row of {table}", found="none", **stories.place(version_id), table=table, id=missing,
            )  # fmt: skip
        found += named if key == "signals" else []
    return found


def _replay(conn: Connection, signals: dict[int, list[str]], report: Report) -> None:
    """A signal made by a method that this release has is computed again from its baseline, bit for bit."""
    versions = {kind.name: kind.versions for kind in KINDS}
    for row in conn.execute(SIGNALS, (list(signals),)).fetchall():
        name = f"signal {row['id']} ({row['kind']} of {row['topic']}, {row['day']})"
        place = {"signal": row["id"], "slug": signals[row["id"]]}
        if row["engine_version"] not in versions.get(row["kind"], ()):
            report.note(f"{name} was measured by {row['engine_version']}, which this release cannot replay")
            continue
        report.count("signal")
        stored = {column: row[column] for column in FINDING}
        try:
            finding = replay(row["series"], row["kind"], row["tests"], row["engine_version"])
        except Exception as error:  # an altered series may hold anything
            said = f"{type(error).__name__}: {error}"[:200]
            report.add("signal", f"{name} cannot be replayed: {said}", expected="a finding", found=said, **place)
            continue
        for column in FINDING:
            if stored[column] != getattr(finding, column):
                report.add(
                    "signal", f"{name}: its {column} is not what its baseline gives",
                    expected=getattr(finding, column), found=stored[column], **place, column=column,
                )  # fmt: skip
