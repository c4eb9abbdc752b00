"""Gate 2: every sentence is cited or labelled synthesis and names its ground; a section's share of it is bounded."""

from __future__ import annotations

from aidran_pipeline.write.draft import Draft, citation_tokens
from aidran_pipeline.write.gates.base import Context, GateFailure, shown


def cited_or_synthesis(draft: Draft, context: Context) -> list[GateFailure]:
    """No sentence without a ground, no marker without its citation, no section that is mostly the writer's own."""
    found: list[GateFailure] = []
    numbers = draft.numbers()
    for position, sentence in enumerate(draft.sentences):
        if sentence.kind == "cited" and not sentence.uses:
            found.append(GateFailure("synthesis", "no citation", shown(sentence.text), position))
        if sentence.kind == "synthesis" and not (sentence.rests_on or sentence.rests_on_earlier):
            found.append(GateFailure("synthesis", "names no ground", shown(sentence.text), position))
        for ground in sentence.rests_on:
            if not 0 <= ground < len(draft.sentences) or ground == position or not draft.sentences[ground].uses:
                found.append(GateFailure("synthesis", "rests on an uncited sentence", shown(sentence.text), position))
        expected = {(use.source.kind, numbers[use.source.key]) for use in sentence.uses}
        if set(citation_tokens(sentence.text)) != expected:
            found.append(GateFailure("synthesis", "markers differ from citations", shown(sentence.text), position))
    for section in (1, 2, 3):
        body = draft.part("body", section)
        own = sum(sentence.kind == "synthesis" for sentence in body)
        if body and own / len(body) > context.publication.synthesis_share:
            found.append(
                GateFailure("synthesis", "too much synthesis", f"section {section}: {own} of {len(body)} sentences")
            )
    return found
