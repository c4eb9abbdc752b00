"""What is asked of a reply beyond its form. Reasons are told to the model once; a second reply that is no better fails.

Lenient on purpose: a sentence that is false is mended or dropped later, one by one. Here a reply is refused only as a
whole: too many ids that do not exist, too few sentences with a ground, far too short or too long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from aidran_pipeline.write.model import forms

USABLE = 0.7  # of the sentences of a reply
SECTION_WORDS = (50, 400)
LEAST_CITED = 2
PLANNED = (2, 30)


def outline_check(ids: Collection[str]) -> Callable[[forms.Outline], list[str]]:
    """Three sections with enough evidence that exists, each id in one section."""

    def check(outline: forms.Outline) -> list[str]:
        reasons = []
        named = [key for section in outline.sections for key in section.evidence]
        unknown = sorted({key for key in named if key not in ids})
        if unknown:
            reasons.append(f"these ids do not exist: {', '.join(unknown[:12])}")
        for number, section in enumerate(outline.sections, start=1):
            known = {key for key in section.evidence if key in ids}
            if len(known) < PLANNED[0]:
                reasons.append(f"section {number} has {len(known)} ids that exist; give it at least 3")
        titles = [section.title.strip().lower() for section in outline.sections]
        if len(set(titles)) < len(titles):
            reasons.append("two sections have the same title")
        return reasons

    return check


def section_check(ids: Collection[str]) -> Callable[[forms.SectionText], list[str]]:
    """Enough sentences that name a ground that exists; a length that can be cut or carried."""

    def check(section: forms.SectionText) -> list[str]:
        lines = [line for paragraph in section.paragraphs for line in paragraph.sentences]
        reasons, usable = grounds(lines, ids, len(lines))
        cited = sum(bool(line.cites) for line in lines)
        if cited < LEAST_CITED:
            reasons.append(f"{cited} sentences cite evidence; at least {LEAST_CITED} must")
        words = sum(len(line.text.split()) for line in lines)
        if not SECTION_WORDS[0] <= words <= SECTION_WORDS[1]:
            reasons.append(f"{words} words; write 140 to 230")
        return reasons if usable < USABLE or cited < LEAST_CITED or _far(words) else []

    return check


def front_check(ids: Collection[str], told: Collection[str], body: int) -> Callable[[forms.Front], list[str]]:
    """Answers with a ground that exists; titles that say something. body: how many numbered sentences there are."""

    def check(front: forms.Front) -> list[str]:
        lines = [line for q in (front.why, front.advice, front.counter) for line in q.answer]
        reasons, usable = grounds(lines, ids, body)
        unknown = sorted({key for line in front.so_far for key in line.earlier if key not in told})
        if unknown:
            reasons.append(f"the story so far names earlier sentences that do not exist: {', '.join(unknown[:6])}")
        empty = [name for name in ("headline", "short_title", "dek") if not getattr(front, name).text.strip()]
        reasons += [f"{name} is empty" for name in empty]
        return reasons if usable < USABLE or empty else []

    return check


def grounds(lines: Collection[forms.Line], ids: Collection[str], last: int) -> tuple[list[str], float]:
    """What is wrong with the grounds of sentences, and the share of them that has one."""
    reasons, good = [], 0
    for number, line in enumerate(lines, start=1):
        unknown = [key for key in line.cites if key not in ids]
        beyond = [n for n in line.rests_on if n > last]
        if unknown:
            reasons.append(f"sentence {number} cites ids that were not given: {', '.join(unknown)}")
        if beyond:
            reasons.append(f"sentence {number} rests on sentences that do not exist: {beyond}")
        if not line.cites and not line.rests_on:
            reasons.append(f"sentence {number} names no evidence and rests on no sentence")
        good += bool(set(line.cites) & set(ids)) or (not line.cites and len(beyond) < len(line.rests_on))
    return reasons, good / max(1, len(lines))


def _far(words: int) -> bool:
    return not SECTION_WORDS[0] <= words <= SECTION_WORDS[1]
