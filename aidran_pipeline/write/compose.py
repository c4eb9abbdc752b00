"""The extractive engine: from a plan to a draft in the order of the page. No clock, no chance, no model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.write.builder import Builder
from aidran_pipeline.write.draft import Draft, Form, Sentence, number_tokens
from aidran_pipeline.write.faq import write_questions
from aidran_pipeline.write.frames import Voice
from aidran_pipeline.write.gates.base import grounds
from aidran_pipeline.write.judge import verdict
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.sections import write_reactions, write_roundup, write_storyline, write_voices
from aidran_pipeline.write.select import SECTIONS, NotEnough, Plan, make_plan
from aidran_pipeline.write.sofar import write_story_so_far
from aidran_pipeline.write.threads import Thread
from aidran_pipeline.write.titles import dek, heading, headline, short_title

ENGINE = "extractive"
ENGINE_VERSION = "extractive-3"
RESERVED = 4  # of the records an article may cite, for the answers


def compose(
    material: Material, publication: Publication, without: frozenset[int] = frozenset(), form: Form = "story"
) -> Draft:
    """Write the article of one (day, topic). Raises NotEnough, with its reasons, when the material makes none.

    without: ids of claims that a gate refused in an earlier try. form: a dispatch has fewer sections, no questions.
    """
    plan = make_plan(material, without, form)
    offset = int(hashlib.sha256(f"{material.day}|{material.topic}".encode()).hexdigest(), 16) % 97
    budget = publication.max_cited_records - RESERVED
    builder = Builder(material, Voice(offset), budget, publication.warm_up_days, publication.synthesis_share)
    builder.held = {claim.id for claims in plan.reserved.values() for claim in claims}
    _sections(builder, plan, SECTIONS[form][0])
    builder.budget = publication.max_cited_records
    title, lead_at = headline(builder, plan.lead)
    if not title:
        raise NotEnough("headline", "no clause of the lead section can stand as a headline")
    headings = _headings(builder, plan.sections, {title})
    if form == "story":
        write_questions(builder, plan)
    top = [
        Sentence("headline", title, kind="synthesis", rests_on=[lead_at]),
        Sentence("short_title", short_title(title, material.label), kind="synthesis", rests_on=[lead_at]),
        dek(builder, lead_at, title),
    ]
    earlier = write_story_so_far(builder, plan, lead_at)
    draft = Draft(
        day=material.day,
        topic=material.topic,
        sentences=_in_reading_order(top, headings, builder.sentences),
        records_read=material.records_read,
        warming_up=warming_up(material, publication),
        inputs=story_inputs(material, builder.sentences, plan.lead.storyline.id, earlier),
        form=form,
    )
    number_tokens(draft)
    give_verdicts(draft, material.label)
    return draft


def story_inputs(material: Material, sentences: Sequence[Sentence], lead: int, earlier: list[int]) -> dict[str, Any]:
    """What a version says it was written from, kept with it. lead: storyline; earlier: versions of earlier stories."""
    return {
        "signals": [signal["id"] for signal in material.signals],
        "storylines": sorted({s.storyline_id for s in sentences if s.storyline_id is not None}),
        "lead_storyline": lead,
        "earlier_versions": earlier,
        "window": [material.window[0].isoformat(), material.window[1].isoformat()],
        "read": list(material.read),
        "reason": material.reason(),
    }


def _sections(builder: Builder, plan: Plan, least: int) -> None:
    for number, (kind, threads) in enumerate(plan.sections, start=1):
        if kind == "storyline":
            write_storyline(builder, threads[0], number, voices=number > 1 or not plan.lead_voices_apart)
        elif kind == "reactions":
            write_reactions(builder, threads[0], number)
        elif kind == "roundup":
            write_roundup(builder, threads, number)
        else:
            write_voices(builder, threads, number)
        if not any(s.section == number and s.uses for s in builder.sentences):
            if number > least:
                del plan.sections[number - 1 :]
                return
            raise NotEnough("three sections", f"section {number} has nothing left that was not said before")


def _headings(builder: Builder, sections: list[tuple[str, list[Thread]]], taken: set[str]) -> list[Sentence]:
    made: list[Sentence] = []
    for number, (_, threads) in enumerate(sections, start=1):
        made.append(heading(builder, number, threads, taken | {s.text for s in made}))
    return made


def _in_reading_order(top: list[Sentence], headings: list[Sentence], body: list[Sentence]) -> list[Sentence]:
    """Put titles and headings before what they head, and move every `rests_on` to the new positions."""
    moved: dict[int, int] = {}
    ordered: list[Sentence] = list(top)

    def take(wanted: Callable[[Sentence], bool]) -> None:
        for position, sentence in enumerate(body):
            if wanted(sentence):
                moved[position] = len(ordered)
                ordered.append(sentence)

    for number, head in enumerate(headings, start=1):
        ordered.append(head)
        take(lambda s, n=number: s.part == "body" and s.section == n)  # type: ignore[misc]
    take(lambda s: s.part == "story_so_far")
    take(lambda s: s.part in ("question", "answer"))
    for sentence in ordered:
        sentence.rests_on = sorted({moved[p] for p in sentence.rests_on})
    return ordered


def give_verdicts(draft: Draft, label: str) -> None:
    """Store the verdict of the engine's judge on each use."""
    for sentence in draft.sentences:
        if sentence.uses:
            given, score = verdict(draft.engine, sentence, grounds(draft, sentence), label)
            sentence.uses = [replace(use, support=given, score=score) for use in sentence.uses]


def warming_up(material: Material, publication: Publication) -> bool:
    """Whether the topic has too little history for a signal."""
    history = (material.baseline or {}).get("history_days", 0)
    return int(history) < publication.warm_up_days
