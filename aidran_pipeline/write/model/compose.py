"""The model engine: outline, sections side by side, what stands around them; then the gates, one repair, the drop.

A model writes sentences over validated claims under short ids; all that a reader could check is set by code. What does
not belong here: what happens when a model fails (engines.py falls back to the extractive engine).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.llm import Failure, Models, Request
from aidran_pipeline.llm.prompts import prompt_text
from aidran_pipeline.write.compose import give_verdicts, story_inputs, warming_up
from aidran_pipeline.write.draft import Draft, Verdict, number_tokens
from aidran_pipeline.write.gates import Context
from aidran_pipeline.write.gates.base import grounds
from aidran_pipeline.write.judge import judge_of, verdict
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.model import checks, forms
from aidran_pipeline.write.model.asking import Asking, ModelFailure, TooThin
from aidran_pipeline.write.model.finish import WORDS, finished, words_of
from aidran_pipeline.write.model.lines import Line, in_reading_order, to_sentences
from aidran_pipeline.write.model.mend import Tally, apply_mends, ask_mends, refused_by
from aidran_pipeline.write.model.offer import LEAST_WORDS, Item, Offer, make_offer
from aidran_pipeline.write.model.own import Own
from aidran_pipeline.write.model.pieces import Shown, front_lines, section_lines
from aidran_pipeline.write.model.prompting import (
    FRONT,
    OUTLINE,
    PROMPTS,
    SECTION,
    front_question,
    outline_question,
    section_question,
)
from aidran_pipeline.write.select import NotEnough

ENGINE = "model"
ENGINE_VERSION = "model-1"
LEAST_SHOWN = 5  # passing body sentences from which headline and questions are written
FOR_ANSWERS = 14
SPARED = 0.3  # of the sentences written, dropped: more, and the shortness is the model's doing


def engine_version(models: Models) -> str:
    """Identity of what writes: this code, its prompts, the writer's model."""
    return f"{ENGINE_VERSION}:{'+'.join(PROMPTS)}:{models.version('writer')}"


class Writing:
    """One article on its way: material, what is offered, the lines so far, the tally."""

    def __init__(self, material: Material, publication: Publication, asking: Asking, context: Context) -> None:
        self.material, self.publication, self.asking, self.context = material, publication, asking, context
        self.offer: Offer = make_offer(material, publication)
        self.lines: list[Line] = []
        self.tally = Tally()
        self.earlier_versions: list[int] = []

    def compose(self) -> Draft:
        """The whole draft. Raises NotEnough, TooThin or ModelFailure."""
        if self.offer.words() < LEAST_WORDS:
            raise TooThin(f"{self.offer.words()} words of quotable evidence, {LEAST_WORDS} needed for prose")
        outline = self._outline()
        shares = self._shares(outline)
        self._sections(outline, shares)
        self._front(outline, shares)
        self.tally.written = len(self.lines)
        self._story_so_far()
        self._repair()
        self.lines, draft = finished(self)
        self._long_enough(draft)
        draft.inputs |= {
            "calls": list(self.asking.calls),
            "writing": {
                "claims_offered": len(self.offer.items), "calls_cached": self.asking.cached,
                "written": self.tally.written, "refused": self.tally.refused, "mended": self.tally.mended,
                "dropped": self.tally.dropped, "trimmed": self.tally.trimmed, "quoted_by_code": self.tally.quoted,
                "refused_by_second_judge": self.tally.second,
                "refusals": self.tally.refusals, "words": words_of(draft), "synthesis": _synthesis_share(draft),
                "refused_sentences": self.tally.reasons,
            },
        }  # fmt: skip
        return draft

    def _long_enough(self, draft: Draft) -> None:
        """A page too short for want of evidence is the extractive engine's; one that lost its sentences is withheld."""
        words, lost = words_of(draft), self.tally.dropped / max(1, self.tally.written)
        if words >= WORDS[0]:
            return
        if lost <= SPARED:
            raise TooThin(f"{words} words hold against their sources, {WORDS[0]} needed")
        detail = (
            f"{words} words, {WORDS[0]} needed: {self.tally.dropped} of {self.tally.written} sentences did not hold"
        )
        raise NotEnough("too little holds", detail)

    def _request(self, prompt: str, user: str, schema: Any, subject: str, check: Any, most: int = 2400) -> Request[Any]:
        return Request(
            role="writer", prompt=prompt, system=prompt_text(prompt), user=user, schema=schema, day=self.material.day,
            topic=self.material.topic, subject=subject, max_tokens=most, check=check,
        )  # fmt: skip

    def _outline(self) -> forms.Outline:
        question = outline_question(self.material, self.offer)
        check = checks.outline_check(self.offer.items)
        outline: forms.Outline = self.asking.need(
            [self._request(OUTLINE, question, forms.Outline, "outline", check, 1500)]
        )[0]
        return outline

    def _shares(self, outline: forms.Outline) -> list[list[Item]]:
        """The evidence of each section: what the outline gives it, each piece in one section only."""
        taken: set[str] = set()
        shares = []
        for section in outline.sections:
            own = [key for key in dict.fromkeys(section.evidence) if key in self.offer.items and key not in taken]
            taken.update(own)
            shares.append([self.offer.items[key] for key in own])
        if any(len(share) < checks.PLANNED[0] for share in shares):
            raise ModelFailure(Failure("contract", "the outline gives a section too little evidence of its own"))
        return shares

    def _sections(self, outline: forms.Outline, shares: Sequence[Sequence[Item]]) -> None:
        requests = [
            self._request(
                SECTION,
                section_question(self.material, outline, number, items),
                forms.SectionText,
                f"section {number + 1}",
                checks.section_check({item.id for item in items}),
            )
            for number, items in enumerate(shares)
        ]
        answers: list[forms.SectionText] = self.asking.need(requests)
        for number, (form, items) in enumerate(zip(answers, shares, strict=True), start=1):
            self.lines += section_lines(number, form, {item.id: item for item in items})

    def _front(self, outline: forms.Outline, shares: Sequence[Sequence[Item]]) -> None:
        numbered = self._passing()
        items = self._for_answers(outline, shares)
        headings = [line.text for line in in_reading_order(self.lines) if line.part == "heading"]
        question = front_question(self.material, outline, self.offer, numbered, items, headings)
        check = checks.front_check({item.id for item in items}, self.offer.told, len(numbered))
        form: forms.Front = self.asking.need(
            [self._request(FRONT, question, forms.Front, "headline and questions", check)]
        )[0]
        self.lines += front_lines(form, Shown({i.id: i for i in items}, self.offer.told, numbered))

    def _for_answers(self, outline: forms.Outline, shares: Sequence[Sequence[Item]]) -> list[Item]:
        """What the outline kept for the questions, what code marks as fit for them, and what no section uses."""
        kept = [*outline.answers.why, *outline.answers.advice, *outline.answers.counter]
        used = {item.id for share in shares for item in share}
        marked = [key for key, item in self.offer.items.items() if item.answers]
        rest = [key for key, item in self.offer.items.items() if key not in used and item.storyline == "A"]
        found = [key for key in dict.fromkeys([*kept, *marked, *rest]) if key in self.offer.items]
        return [self.offer.items[key] for key in found][:FOR_ANSWERS]

    def _passing(self) -> list[Line]:
        """The body's cited lines that no gate refuses, so that nothing is built on a sentence that will not stand."""
        lines, draft = self.to_draft(self.lines)
        bad = {f.sentence for f in refused_by(draft, self.context)}
        body = [line for line in lines if line.part == "body" and line.cited]
        good = [line for n, line in enumerate(lines) if line.part == "body" and line.cited and n not in bad]
        return good if len(good) >= LEAST_SHOWN else body

    def _story_so_far(self) -> None:
        own = Own(self.material, self.publication, self.offer, self.lines)
        told = any(line.part == "story_so_far" for line in self.lines)
        frame, self.earlier_versions = own.so_far(alone=not told)
        self.lines = [*frame, *self.lines]

    def _repair(self) -> None:
        """One question for all that the gates refuse; its answer is checked like everything else, in finish.py."""
        lines, draft = self.to_draft(self.lines)
        failures = refused_by(draft, self.context)
        self.tally.refused = len({f.sentence for f in failures})
        self.tally.note(failures, draft)
        answer = ask_mends(self.asking, self.material, draft, lines, failures, self.context, self.context.topic_label)
        if answer is not None and answer.value is not None:
            apply_mends(answer.value, lines, self.offer.items)

    def to_draft(self, lines: Sequence[Line]) -> tuple[list[Line], Draft]:
        """The lines in reading order and the numbered draft that they make, with the judge's verdicts."""
        ordered = in_reading_order(lines)
        sentences = to_sentences(ordered)
        draft = Draft(
            self.material.day, self.material.topic, sentences, self.material.records_read,
            warming_up(self.material, self.publication), engine=ENGINE,
        )  # fmt: skip
        cited = [version for line in ordered for version in self._versions(line)]
        draft.inputs = story_inputs(
            self.material, sentences, self.offer.lead.storyline.id, sorted({*self.earlier_versions, *cited})
        )
        number_tokens(draft)
        give_verdicts(draft, self.context.topic_label)
        self._judge_drawn(ordered, draft)
        return ordered, draft

    def _judge_drawn(self, lines: Sequence[Line], draft: Draft) -> None:
        """The judge's verdict on what the model drew from other sentences: stored beside it, and gate 4 reads it."""
        name = judge_of(ENGINE)[1]
        for line, sentence in zip(lines, draft.sentences, strict=True):
            if line.own is None and not sentence.uses:
                uses, told = grounds(draft, sentence), self.context.told_before(sentence)
                given, score = verdict(ENGINE, sentence, uses, self.context.topic_label, told)
                sentence.verdicts += (Verdict(name, given, score),)

    def _versions(self, line: Line) -> list[int]:
        return [told.version_id for told in self.offer.told.values() if told.id in line.earlier]


def _synthesis_share(draft: Draft) -> float:
    """The share of the sections' sentences that are synthesis, in hundredths."""
    body = draft.part("body")
    return round(sum(s.kind == "synthesis" for s in body) / max(1, len(body)), 2)


def compose_with_model(material: Material, publication: Publication, asking: Asking, context: Context) -> Draft:
    """Write the article of one (day, topic) with the configured models.

    Raises NotEnough, with its reasons, when the material or what the gates leave of the prose makes no story, TooThin
    when there is a story but no prose in it, and ModelFailure when a model gives no usable answer.
    """
    writing = Writing(material, publication, asking, context)
    try:
        return writing.compose()
    except NotEnough as nothing:
        nothing.reasons += [
            {"gate": row["gate"], "rule": row["rule"], "detail": row["text"]} for row in writing.tally.reasons[:12]
        ]
        raise
