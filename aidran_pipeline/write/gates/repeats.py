"""Gate 8: not a repeat of what the topic published before, nor of another topic's story of the day, nor of itself."""

from __future__ import annotations

from difflib import SequenceMatcher

from aidran_pipeline.text import tokens
from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.fit import similarity
from aidran_pipeline.write.gates.base import Context, GateFailure, shown
from aidran_pipeline.write.judge import QUOTED

SAME_HEADLINE = 0.8
SAME_SENTENCE = 0.88
NEW_EVIDENCE = 0.5


def not_a_repeat(draft: Draft, context: Context) -> list[GateFailure]:
    """Headlines differ, a storyline has one owner, the lead something new since it was told, no sentence stands twice.

    Most evidence is new.
    """
    found = _within(draft)
    records = {s.record_id for s in draft.sources("record")}
    title = draft.one("headline")
    own = {s.storyline_id for s in draft.sentences if s.storyline_id is not None}
    for storyline in sorted(own):
        owner = context.storyline_topics.get(storyline, draft.topic)
        if owner != draft.topic:
            found.append(
                GateFailure("repeats", "storyline of another topic", f"storyline {storyline} belongs to {owner}")
            )
    lead = draft.inputs.get("lead_storyline")
    for other in context.others:
        if other.topic == draft.topic and lead in other.storylines and not _new_since(draft, lead, other.day):
            found.append(
                GateFailure("repeats", "nothing new on its storyline", f"{other.slug} told it; no later record of it")
            )
        if title and similarity(title, other.headline) >= SAME_HEADLINE:
            found.append(GateFailure("repeats", "headline told before", f"{other.slug}: {shown(other.headline)}"))
        shared = records & other.records
        if other.topic != draft.topic and shared:
            found.append(
                GateFailure("repeats", "evidence of another story", f"{len(shared)} records stand in {other.slug}")
            )
        elif records and len(shared) / len(records) > 1 - NEW_EVIDENCE:
            found.append(
                GateFailure(
                    "repeats", "no new evidence", f"{len(shared)} of {len(records)} records stand in {other.slug}"
                )
            )
    return found


def _new_since(draft: Draft, storyline: object, day: str) -> bool:
    """Whether the draft cites a record of the storyline from after a day: then the story develops."""
    return any(s.storyline_id == storyline and str(s.day) > day for s in draft.sources("record"))


def _within(draft: Draft) -> list[GateFailure]:
    """A sentence or a quotation that stands twice in the body and the answers."""
    found, said, quoted = [], set(), set()
    for position, sentence in enumerate(draft.sentences):
        if sentence.part not in ("body", "answer", "story_so_far"):
            continue
        plain = sentence.plain().lower()
        if plain in said:
            found.append(GateFailure("repeats", "sentence twice", shown(plain), position))
        if draft.engine == "model":
            found += _said_again(draft, position)
            said.add(plain)
            continue
        said.add(plain)
        for use in sentence.uses:
            if use.quote in quoted:
                found.append(GateFailure("repeats", "quotation twice", shown(use.quote), position))
            quoted.add(use.quote)
    return found


def _said_again(draft: Draft, position: int) -> list[GateFailure]:
    """In a model's prose two sentences may rest on one quote; what they may not is print it twice, or say it alike."""
    sentence, found = draft.sentences[position], []
    words = tokens(sentence.plain())
    for other in draft.sentences[:position]:
        if other.part not in ("body", "answer", "story_so_far") or other.plain().lower() == sentence.plain().lower():
            continue
        for phrase in set(QUOTED.findall(sentence.text)) & set(QUOTED.findall(other.text)):
            if len(phrase.split()) > 3:
                found.append(GateFailure("repeats", "quotation twice", shown(phrase), position))
        earlier = tokens(other.plain())
        if (
            min(len(words), len(earlier)) >= 5
            and SequenceMatcher(None, words, earlier, autojunk=False).ratio() >= SAME_SENTENCE
        ):
            found.append(GateFailure("repeats", "sentence twice", shown(sentence.plain()), position))
    return found
