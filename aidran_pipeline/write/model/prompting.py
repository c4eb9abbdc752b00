"""The questions put to the writer model: one JSON object a line between marks, so that material cannot close its mark.

The writer sees claims that were found in stored text, never a record. What does not belong here: what is asked for
(llm/prompts/write-*.md), what is done with the answer (lines.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aidran_pipeline.write.frames import day_name, speaker_name
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.model.forms import Outline
from aidran_pipeline.write.model.lines import Line
from aidran_pipeline.write.model.offer import Item, Offer

OUTLINE, SECTION, FRONT, MEND = "write-outline-1", "write-section-2", "write-front-2", "write-mend-2"
PROMPTS = (OUTLINE, SECTION, FRONT, MEND)
SIGNALS = {
    "volume_spike": "more people and outlets than usual spoke of this topic",
    "novelty": "much of what was said had not been said before",
    "sentiment_shift": "the tone of the talk changed",
    "platform_divergence": "the platforms spoke of it differently",
    "entity_surge": "one name was spoken of far more than usual",
    "narrative_shift": "the talk moved to another angle",
    "cross_platform_spread": "it went from one platform to others",
}


def outline_question(material: Material, offer: Offer) -> str:
    """All evidence, what was measured, the story before."""
    return "\n".join(
        [
            *_head(material),
            marked("measured", [{"measured": line} for line in measured(material)]),
            marked("evidence", (shown_item(item, plan=True) for item in offer.items.values())),
            marked("yesterday", _told(offer)),
        ]
    )


def section_question(material: Material, outline: Outline, number: int, items: Sequence[Item]) -> str:
    """The evidence of one section and what the others tell. number: from 0."""
    own = outline.sections[number]
    others = [{"title": s.title, "angle": s.angle} for n, s in enumerate(outline.sections) if n != number]
    return "\n".join(
        [
            *_head(material),
            marked("theme", [{"theme": outline.theme}]),
            marked("this-section", [{"title": own.title, "angle": own.angle}]),
            marked("other-sections", others),
            marked("evidence", (shown_item(item) for item in items)),
        ]
    )


def front_question(
    material: Material,
    outline: Outline,
    offer: Offer,
    lines: Sequence[Line],
    items: Sequence[Item],
    headings: Sequence[str] = (),
) -> str:
    """The body as it stands, numbered from 1, the headings, and what is left for the questions."""
    body = [
        {"number": n, "section": line.section, "group": _group(line), "text": line.text,
         "cites": [item.id for item in line.items]}
        for n, line in enumerate(lines, start=1)
    ]  # fmt: skip
    return "\n".join(
        [
            *_head(material),
            marked("theme", [{"theme": outline.theme}]),
            marked("tension", [{"tension": outline.tension}]),
            marked("changed", [{"changed": outline.changed}]),
            marked("headings", [{"heading": heading} for heading in headings]),
            marked("body", body),
            marked("evidence", (shown_item(item, plan=True) for item in items)),
            marked("yesterday", _told(offer)),
        ]
    )


def _group(line: Line) -> str:
    """The storyline of what a line cites, the letters of several in order."""
    return "".join(sorted({item.storyline for item in line.items}))


def mend_question(material: Material, refused: Sequence[Mapping[str, Any]]) -> str:
    """The refused sentences with reasons and sources."""
    return "\n".join([*_head(material), marked("refused", refused)])


def marked(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """JSON lines between two marks. A "<" in the material is escaped: nothing in it can close the mark."""
    lines = [json.dumps(row, ensure_ascii=False).replace("<", "\\u003c") for row in rows]
    return "\n".join([f"<{name}>", *lines, f"</{name}>"])


def shown_item(item: Item, *, plan: bool = False) -> dict[str, Any]:
    """An item as the writer sees it. plan: with what helps to choose."""
    source, claim = item.use.source, item.claim
    shown: dict[str, Any] = {"id": item.id, "group": item.storyline, "who": speaker_name(source)}
    shown["where"] = source.platform or "web"
    if source.day:
        shown["day"] = day_name(source.day)
    if claim is not None:
        shown["kind"] = claim.kind
        if claim.speaker:
            shown["speaker"] = claim.speaker
        if claim.stance:
            shown["stance"] = claim.stance
    if item.statement:
        shown["says"] = item.statement
    if plan and item.answers:
        shown["good_for"] = list(item.answers)
    return shown | {"quote": item.use.quote}


def measured(material: Material) -> list[str]:
    """What was measured of the day, in words: figures are printed by code, never by the writer."""
    words = [f"{SIGNALS.get(s['kind'], s['kind'].replace('_', ' '))} ({s['severity']})" for s in material.signals]
    return words or ["nothing unusual was measured; the story rests on the breadth of what was said"]


def _head(material: Material) -> list[str]:
    day = f"{day_name(material.day)} {material.day.year}"
    return [marked("topic", [{"topic": material.label}]), marked("day", [{"day": day}])]


def _told(offer: Offer) -> list[dict[str, Any]]:
    return [{"id": key, "day": day_name(told.day), "text": told.text} for key, told in offer.told.items()]
