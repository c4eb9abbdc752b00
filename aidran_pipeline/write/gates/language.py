"""Gate 7: no talk of models or prompts as author, no leaked instruction, no markup from a source, lengths within bounds."""

from __future__ import annotations

import re

from aidran_pipeline.write.draft import MARKER, Draft, Sentence
from aidran_pipeline.write.gates import patterns
from aidran_pipeline.write.gates.base import Context, GateFailure, shown
from aidran_pipeline.write.gates.craft import well_made
from aidran_pipeline.write.judge import QUOTED

LENGTHS = {"headline": (20, 110), "short_title": (3, 60), "dek": (30, 360), "heading": (3, 90), "body": (20, 640),
           "story_so_far": (20, 420), "question": (12, 160), "answer": (20, 640)}  # fmt: skip
MODEL_TALK = re.compile(
    r"\b(as an ai (language )?model|as a (large )?language model|i('m| am) (just )?an ai\b|i cannot (help|assist|fulfil)|"
    r"ignore (all |any )?(the )?(previous|prior|above) (instructions|prompts?)|disregard (the|all|your) (previous|above|instructions)|"
    r"system prompt|you are (now )?(chatgpt|a helpful assistant)|my training data|knowledge cutoff|begin(ning)? of (the )?prompt|"
    r"here is (the|your) (article|summary|json)|<\|im_(start|end)\|>|\[/?inst\]|###\s*(instruction|system))", re.I)  # fmt: skip
MARKUP = re.compile(r"<\s*/?\s*[a-zA-Z!][^>]*>|\]\(|```|&(amp|lt|gt|quot|nbsp|#\d+);|\{\{|\}\}|\*\*\w|__\w+__")
CONTROL = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
WHOLE = frozenset(("dek", "body", "story_so_far", "answer"))
_STRAIGHT = re.compile(r"(?<!\w)\"[^\"]{2,300}\"(?!\w)")
SLIPS = re.compile(r" ,| \.(?!\w)|\.\.(?!\.)|,\.|,,|  |\(\)|“”|\bNone\b reported|\bnull\b|\bunknown\b,")


def fit_to_print(draft: Draft, context: Context) -> list[GateFailure]:
    """Every part is there and of a length people read; no sentence shows where it was made."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        checks = _checks(sentence) + (_of_a_model(sentence) if draft.engine == "model" else [])
        for rule in dict.fromkeys(rule for rule, broken in checks if broken):
            found.append(GateFailure("language", rule, shown(sentence.plain()), position))
    return [*found, *well_made(draft, context), *_parts(draft)]


def _checks(sentence: Sentence) -> list[tuple[str, bool]]:
    plain = sentence.plain()
    low, high = LENGTHS[sentence.part]
    outside = plain
    for use in sentence.uses:
        outside = outside.replace(use.quote, "quote")
    return [
        ("length", not low <= len(plain) <= high),
        ("talk of a model or prompt", bool(MODEL_TALK.search(plain))),
        ("question without its mark", sentence.part == "question" and not plain.endswith("?")),
        ("markup", bool(MARKUP.search(plain))),
        ("control or bidirectional character", bool(CONTROL.search(sentence.text))),
        ("typographic slip", bool(SLIPS.search(outside)) or plain != plain.strip()),
    ]


def _of_a_model(sentence: Sentence) -> list[tuple[str, bool]]:
    """What only free prose can show: looked for outside of its quotations, which are words of sources."""
    own = _STRAIGHT.sub("“”", QUOTED.sub("“”", sentence.plain()))
    bare = MARKER.sub("", sentence.text).strip()
    return [
        ("talk of a model or prompt", bool(patterns.MODEL_VOICE.search(own) or patterns.INSTRUCTION.search(own))),
        ("markup", bool(patterns.MARKUP.search(own) or patterns.MARKUP.search(QUOTED.sub("“”", bare)))),
        ("sentence without its end", sentence.part in WHOLE and not own.endswith((".", "?", "!", "”", "’"))),
        ("shouting", len(own) > 20 and sum(c.isupper() for c in own) > 0.6 * sum(c.isalpha() for c in own)),
    ]


def _parts(draft: Draft) -> list[GateFailure]:
    found = []
    for part in ("headline", "short_title", "dek"):
        if len(draft.part(part)) != 1:
            found.append(GateFailure("language", "shape", f"{len(draft.part(part))} of part {part}, 1 wanted"))
    if not draft.part("story_so_far"):
        found.append(GateFailure("language", "shape", "no story so far"))
    story = draft.form == "story"
    last = 3 if story else max((s.section for s in draft.part("body")), default=1)
    if not 1 <= last <= 3 - (not story):
        found.append(GateFailure("language", "shape", f"{last} sections in a {draft.form}"))
    for section in range(1, last + 1):
        if not draft.part("heading", section) or not draft.part("body", section):
            found.append(GateFailure("language", "shape", f"section {section} lacks its heading or its text"))
        if story and (not draft.part("question", section) or not draft.part("answer", section)):
            found.append(GateFailure("language", "shape", f"question {section} lacks its words or its answer"))
    if not story and (draft.part("question") or draft.part("answer")):
        found.append(GateFailure("language", "shape", "a dispatch has no questions"))
    return found
