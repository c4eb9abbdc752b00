"""Gate 6: enough evidence, from healthy sources, and a reason to write: a signal once the topic has a history."""

from __future__ import annotations

from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.gates.base import Context, GateFailure


def enough_evidence(draft: Draft, context: Context) -> list[GateFailure]:
    """The minimum of distinct records, authors and families; what the topic's baseline says of its sources."""
    found = reason_to_write(context.publication, context.baseline, context.signals)
    records = draft.sources("record")
    need = context.publication.evidence
    have = (
        ("records", len({s.record_id for s in records}), need.records),
        ("authors", len({s.author_key for s in records}), need.authors),
        ("families or platforms", len({s.family for s in records}), need.families),
    )
    for name, count, least in have:
        if count < least:
            found.append(GateFailure("evidence", "not enough evidence", f"{count} {name} cited, {least} needed"))
    return found


def reason_to_write(
    publication: Publication, baseline: dict[str, Any] | None, signals: tuple[str, ...]
) -> list[GateFailure]:
    """Decidable before a word is written: sources known and healthy, and a signal unless the topic is warming up."""
    if baseline is None:
        return [
            GateFailure(
                "evidence", "signals not computed", "no baseline row for this topic and day; run its signals first"
            )
        ]
    coverage, outcome = baseline.get("coverage") or {}, baseline.get("outcome")
    if coverage.get("healthy") is False or outcome == "unknown":
        return [GateFailure("evidence", "sources unknown", _unknown(coverage))]
    if int(baseline.get("history_days", 0)) >= publication.warm_up_days and not signals:
        history = f"{baseline['history_days']} days of this topic's own history"
        if outcome == "thin":
            said = f"a change against {history}, but not enough voices behind it"
        else:
            said = f"nothing new: no measured change against {history}"
        return [GateFailure("evidence", "no signal", said)]
    return []


def _unknown(coverage: dict[str, Any]) -> str:
    """What is not known of the day: which sources did not reach it, how much they weigh, what waits for analysis."""
    said = [f"{coverage.get('reached')} of {coverage.get('sources')} sources reached this day"]
    if coverage.get("volume") is not None:
        said.append(f"they carry {float(coverage['volume']):.0%} of the topic's usual volume")
    if coverage.get("analysed") is not None and float(coverage["analysed"]) < 1:
        said.append(f"{float(coverage['analysed']):.0%} of the day's records are analysed")
    unknown = coverage.get("unknown", [])[:5]
    if unknown:
        said.append(f"unknown: {', '.join(unknown)}")
    return "; ".join(said)
