"""Why: the editorial decision in force of one topic and day, with what it rests on and what would change it.

When there is none, the first stage that is missing, with the command that runs it. What does not belong here: deciding
(write), layout (show.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.lineage.needs import needs_of
from aidran_pipeline.lineage.stories import nearest
from aidran_pipeline.store.db import Connection

DECISIONS = """
SELECT d.id, d.decision, d.reasons, d.numbers, d.made_by, d.decided_at, d.engine, d.engine_version, d.run_id,
       d.draft IS NOT NULL AS draft_kept, av.number AS version, av.records_cited, av.pages_cited, av.records_read,
       av.warming_up, av.inputs, a.slug, h.text AS headline
FROM editorial_decisions d
LEFT JOIN article_versions av ON av.id = d.article_version_id
LEFT JOIN articles a ON a.id = av.article_id
LEFT JOIN article_sentences h ON h.article_version_id = av.id AND h.part = 'headline'
WHERE d.day = %s AND d.topic = %s ORDER BY d.id DESC
"""
SIGNALS = """
SELECT id, kind, severity, observed, expected, score, p_value, p_uncorrected, records, authors, families, backfilled,
       engine_version, run_id
FROM signals WHERE day = %s AND topic = %s ORDER BY kind
"""
BASELINES = """
SELECT kind, series, history_days, tests, kinds, outcome, sealed_at, backfilled, coverage, engine_version, run_id
FROM baselines WHERE day = %s AND topic = %s ORDER BY kind
"""
COUNTS = """
SELECT (SELECT count(*) FROM records WHERE day BETWEEN %(first)s AND %(day)s) AS records,
       (SELECT count(*) FROM records WHERE day = %(day)s) AS records_that_day,
       (SELECT count(*) FROM records r JOIN newest_record_versions v ON v.record_id = r.id
          JOIN record_analysis a ON a.record_version_id = v.id WHERE r.day BETWEEN %(first)s AND %(day)s) AS analysed,
       (SELECT count(*) FROM record_topics WHERE topic = %(topic)s AND day BETWEEN %(first)s AND %(day)s) AS on_topic,
       (SELECT count(*) FROM baselines WHERE topic = %(topic)s AND day = %(day)s) AS baselines,
       (SELECT count(*) FROM fetches WHERE purpose = 'source' AND outcome <> 'failed') AS answered
"""


@dataclass(frozen=True)
class Why:
    """The answer. decision None: nothing was decided; `missing` then says which stage did not run and the remedy.

    reasons: by gate, in the gates' order: {"gate", "rules": [{"rule", "detail", "sentence"}]}. needs: what would have
    to change, in words. earlier: decisions of the same topic and day that this one replaced, newest first.
    """

    day: date
    topic: str
    label: str
    decision: dict[str, Any] | None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    signals: list[dict[str, Any]] = field(default_factory=list)
    baselines: list[dict[str, Any]] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def why(conn: Connection, day: date, topic: str, publication: Publication | None = None) -> Why:
    """The decision in force of (day, topic). publication: its thresholds, for what would have to change.

    Raises LookupError for a topic that no run has seen, naming near ones.
    """
    publication = publication or load_publication()
    label = _label(conn, topic)
    decisions = conn.execute(DECISIONS, (day, topic)).fetchall()
    signals = conn.execute(SIGNALS, (day, topic)).fetchall()
    baselines = [_baseline(row) for row in conn.execute(BASELINES, (day, topic)).fetchall()]
    if not decisions:
        return Why(
            day,
            topic,
            label,
            None,
            signals=signals,
            baselines=baselines,
            missing=_missing(conn, day, topic, publication.window_days),
        )
    row, *older = decisions
    return Why(
        day=day,
        topic=topic,
        label=label,
        decision=_decision(row),
        reasons=_by_gate(row["reasons"]),
        needs=needs_of(row["reasons"], baselines, day, topic, publication.evidence.records),
        numbers=row["numbers"] if isinstance(row["numbers"], dict) else {},
        signals=signals,
        baselines=baselines,
        earlier=[{**_decision(each), "reasons": _by_gate(each["reasons"])} for each in older],
    )


def _label(conn: Connection, topic: str) -> str:
    rows = {row["slug"]: row["label"] for row in conn.execute("SELECT slug, label FROM topics ORDER BY position")}
    if topic in rows:
        return str(rows[topic])
    if not rows:
        raise LookupError(f"no topic {topic[:80]!r}: no run has been made yet; `aidran run` makes an edition")
    near = nearest(topic, rows)
    raise LookupError(f"no topic {topic[:80]!r}\n{'nearest' if near else 'known'}: {', '.join(near or rows)}")


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("decision", "decided_at", "made_by", "engine", "engine_version", "run_id", "slug", "headline", "version",
             "records_read", "records_cited", "pages_cited", "warming_up", "draft_kept")  # fmt: skip
    return {name: row[name] for name in names if row[name] is not None}


def _by_gate(reasons: Any) -> list[dict[str, Any]]:
    """Reasons grouped by gate, in the order in which the gates ran."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for each in reasons if isinstance(reasons, list) else []:
        rule = {"rule": each.get("rule"), "detail": each.get("detail"), "sentence": _ordinal(each.get("sentence"))}
        grouped.setdefault(str(each.get("gate")), []).append(rule)
    return [{"gate": gate, "rules": rules} for gate, rules in grouped.items()]


def _ordinal(position: Any) -> int | None:
    """Reasons count sentences from 0, stories and this report from 1."""
    return position + 1 if isinstance(position, int) and position >= 0 else None


def _baseline(row: Mapping[str, Any]) -> dict[str, Any]:
    """A baseline without its series, but with the day's own count and the mean of the days before."""
    series = row["series"] if isinstance(row["series"], list) else []
    *before, last = series or [{}]
    counts = [each["count"] for each in before if each.get("count") is not None]
    coverage = row["coverage"] if isinstance(row["coverage"], dict) else {}
    return {
        "kind": row["kind"], "outcome": row["outcome"], "tests": row["tests"], "kinds": row["kinds"],
        "voices": last.get("count"), "of_all_voices": last.get("total"),
        "mean_before": round(sum(counts) / len(counts), 1) if counts else None, "history_days": row["history_days"],
        "sources_reached": coverage.get("reached"), "sources": coverage.get("sources"),
        "unknown_sources": coverage.get("unknown", []), "healthy": coverage.get("healthy"),
        "sealed_at": row["sealed_at"], "backfilled": row["backfilled"], "engine_version": row["engine_version"],
        "run_id": row["run_id"], "series": series,
    }  # fmt: skip


def _missing(conn: Connection, day: date, topic: str, window_days: int) -> dict[str, Any]:
    """Which stage has not run for a day without a decision: {"stage", "says", "remedy", "counts"}."""
    asked = {"day": day, "first": day - timedelta(days=window_days - 1), "topic": topic}
    counts = conn.execute(COUNTS, asked).fetchone()
    assert counts is not None
    edition, story = f"aidran run --day {day}", f"aidran run --day {day} --topic {topic}"
    window = f"{asked['first']} to {day}"
    if not counts["answered"]:
        stage, says, remedy = "ingest", "no source has answered yet", edition
    elif not counts["records"]:
        stage, says, remedy = "ingest", f"no record of {window} was read", f"{edition}; `aidran sources` shows health"
    elif not counts["analysed"]:
        stage, says, remedy = "analyze", f"{counts['records']} records of {window} wait for analysis", edition
    elif not counts["baselines"]:
        said = f"{counts['on_topic']} records of {window} are on this topic; its signals were never computed for {day}"
        stage, says, remedy = "signal", said, story
    else:
        says = f"{counts['on_topic']} records of {window} and the day's signals stand; no story was decided"
        stage, remedy = "write", story
    return {"stage": stage, "says": says, "remedy": remedy, "counts": dict(counts)}
