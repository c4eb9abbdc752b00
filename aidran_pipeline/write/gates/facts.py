"""Gate 3: every number, date, proper name and quoted phrase of a sentence stands in its quotes or their metadata."""

from __future__ import annotations

from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds
from aidran_pipeline.write.gates.prose import foreign_in
from aidran_pipeline.write.judge import foreign_facts


def facts_stand_in_quotes(draft: Draft, context: Context) -> list[GateFailure]:
    """Counts declared as facts are left to gate 9; earlier headlines to gate 1 and 9."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        if draft.engine == "model":
            foreign = foreign_in(draft, sentence, context)
        else:
            foreign = foreign_facts(sentence, grounds(draft, sentence), context.topic_label)
        for fact in foreign:
            found.append(
                GateFailure("facts", "not in the quotes it rests on", f"{fact!r} in: {sentence.plain()[:90]}", position)
            )
    return found
