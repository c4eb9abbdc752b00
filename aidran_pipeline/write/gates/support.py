"""Gate 4: every sentence has a support verdict over the union of its quotes, and the verdict is "supported"."""

from __future__ import annotations

from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds, shown
from aidran_pipeline.write.judge import own_words, verdict


def every_sentence_supported(draft: Draft, context: Context) -> list[GateFailure]:
    """The judge is asked again: a stored verdict that the words no longer earn is a failure too."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        union, told = grounds(draft, sentence), context.told_before(sentence)
        if not union and sentence.rests_on_earlier and not (draft.engine == "model" and told):
            # A statement about an earlier page: gates 1 and 9 hold its quotation and date to that page's rows.
            said = own_words(sentence, [], context.topic_label)
            if said:
                found.append(GateFailure("support", "says more than the earlier page", shown(said), position))
            continue
        given, score = verdict(draft.engine, sentence, union, context.topic_label, told)
        if given != "supported":
            found.append(GateFailure("support", f"{given} supported ({score})", shown(sentence.plain()), position))
        elif any(use.support != "supported" for use in sentence.uses):
            found.append(GateFailure("support", "stored verdict is not supported", shown(sentence.plain()), position))
        found += [
            GateFailure("support", f"{v.judge}: {v.verdict} supported ({v.score})", shown(sentence.plain()), position)
            for v in sentence.verdicts
            if v.verdict != "supported"
        ]
    return found
