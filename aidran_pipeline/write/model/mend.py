"""What happens to sentences that a gate refuses: sent back once with the reasons, then dropped with what rests on them.

A model never decides what is printed: after its one chance the gates are asked again, and what they refuse goes. What
does not belong here: sentences that take a dropped title's place (own.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aidran_pipeline.llm import Answer, Models, Request
from aidran_pipeline.llm.prompts import prompt_text
from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.frames import speaker_name
from aidran_pipeline.write.gates import Context, GateFailure, run_gates
from aidran_pipeline.write.gates.base import grounds
from aidran_pipeline.write.judge import reasons_against
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.model.forms import Mends
from aidran_pipeline.write.model.lines import Line, cleaned
from aidran_pipeline.write.model.offer import Item
from aidran_pipeline.write.model.prompting import MEND, mend_question

MENDED_GATES = frozenset(("quotes", "synthesis", "facts", "support", "origin", "language", "repeats"))
MOST = 40  # sentences in one question


@dataclass
class Tally:
    """What became of the model's sentences.

    quoted: sentences that code added; second: refused by the second judge; refusals: by gate and rule, at first.
    """

    written: int = 0
    refused: int = 0
    mended: int = 0
    dropped: int = 0
    trimmed: int = 0
    quoted: int = 0
    second: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def note(self, failures: Sequence[GateFailure], draft: Draft) -> None:
        """Count failures by gate and rule, and keep the first of each sentence for whoever asks why."""
        for failure in failures:
            key = f"{failure.gate}: {failure.rule}"
            self.refusals[key] = self.refusals.get(key, 0) + 1
            if len(self.reasons) < MOST:
                text = draft.sentences[failure.sentence].plain() if failure.sentence >= 0 else ""
                self.reasons.append({"gate": failure.gate, "rule": failure.rule, "text": text[:200]})


def refused_by(draft: Draft, context: Context) -> list[GateFailure]:
    """The failures that one sentence can be blamed for."""
    return [f for f in run_gates(draft, context) if f.sentence >= 0 and f.gate in MENDED_GATES]


def ask_mends(
    models: Models, material: Material, draft: Draft, lines: Sequence[Line], failures: Sequence[GateFailure],
    context: Context, label: str,
) -> Answer[Mends] | None:  # fmt: skip
    """One question for all refused sentences of the model; None when there is none."""
    by_line: dict[int, list[GateFailure]] = {}
    for failure in failures:
        if lines[failure.sentence].own is None:
            by_line.setdefault(failure.sentence, []).append(failure)
    if not by_line:
        return None
    rows = [
        _shown(number, lines[number], draft, found, context, label) for number, found in list(by_line.items())[:MOST]
    ]
    known = {number + 1 for number in by_line}

    def check(mends: Mends) -> list[str]:
        strange = sorted({m.number for m in mends.sentences} - known)
        return [f"these numbers were not asked for: {strange}"] if strange else []

    request = Request(
        role="writer", prompt=MEND, system=prompt_text(MEND), user=mend_question(material, rows), schema=Mends,
        day=material.day, topic=material.topic, subject="repair", max_tokens=400 + 120 * len(rows), check=check,
    )  # fmt: skip
    return models.ask([request])[0]


def _shown(
    number: int, line: Line, draft: Draft, failures: Sequence[GateFailure], context: Context, label: str
) -> dict[str, Any]:
    sentence = draft.sentences[number]
    ids = {(item.use.source.key, item.use.start): item.id for item in line.items}
    union = grounds(draft, sentence)
    reasons = [f"{f.rule}: {f.detail}" for f in failures if f.gate != "support"]
    if any(f.gate == "support" for f in failures):
        reasons += reasons_against(sentence, union, label, context.told_before(sentence)) or ["a judge refused it"]
    sources = [
        {"id": ids.get((u.source.key, u.start), ""), "who": speaker_name(u.source), "quote": u.quote} for u in union
    ]
    sources += [{"id": "", "who": "the story before", "quote": text} for text in context.told_before(sentence)]
    return {"number": number + 1, "part": line.part, "text": sentence.plain(), "reasons": reasons, "sources": sources}


def apply_mends(mends: Mends, lines: Sequence[Line], items: dict[str, Item]) -> list[Line]:
    """Put the new words in their places; returns the lines that the model gave up."""
    given_up = []
    for mend in mends.sentences:
        if not 0 < mend.number <= len(lines):
            continue
        line = lines[mend.number - 1]
        text = cleaned(mend.text, line.part)
        if not text:
            given_up.append(line)
            continue
        line.text, line.mended = text, True
        own = {item.id for item in line.items}
        kept = [key for key in dict.fromkeys(mend.cites) if key in own and key in items]
        if kept:
            line.items = [items[key] for key in kept]
    return given_up
