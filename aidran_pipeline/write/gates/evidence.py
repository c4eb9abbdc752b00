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
    coverage = baseline.get("coverage") or {}
    if coverage.get("healthy") is False:
        unknown = ", ".join(coverage.get("unknown", [])[:5])
        reached = f"{coverage.get('reached')} of {coverage.get('sources')} sources reached this day"
        return [GateFailure("evidence", "sources unknown", f"{reached}; unknown: {unknown}")]
    if int(baseline.get("history_days", 0)) >= publication.warm_up_days and not signals:
        history = f"{baseline['history_days']} days of this topic's own history"
        return [GateFailure("evidence", "no signal", f"nothing new: no measured change against {history}")]
    return []
