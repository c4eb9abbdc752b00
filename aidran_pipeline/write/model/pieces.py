"""From the forms of the replies to lines: ids become evidence, numbers become lines; the unusable is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aidran_pipeline.text.quality import HANGING_END
from aidran_pipeline.write.draft import Part
from aidran_pipeline.write.fit import ASKING, FIRST_PERSON, clauses
from aidran_pipeline.write.gates.craft import asks_nothing, only_names
from aidran_pipeline.write.material import Told
from aidran_pipeline.write.model import forms
from aidran_pipeline.write.model.lines import TITLES, Line, cleaned, pieces
from aidran_pipeline.write.model.offer import Item

LEAST_TITLE = 14
# "Why the schedule slipped": a heading that tells, and asks nothing.
TELLING = re.compile(r"^(?:why|how|what|where|when)\b(?! (?:is|are|do|does|did|will|would|can|could|should)\b)", re.I)
MOST_CITED = 4  # pieces of evidence behind one sentence


@dataclass(frozen=True)
class Shown:
    """What a reply may name: evidence by id, sentences of the story before by id, numbered lines (from 1)."""

    items: Mapping[str, Item]
    told: Mapping[str, Told]
    numbered: Sequence[Line] = ()

    def evidence(self, ids: Iterable[str]) -> list[Item]:
        """The pieces that exist, each once."""
        return [self.items[key] for key in dict.fromkeys(ids) if key in self.items][:MOST_CITED]

    def lines(self, numbers: Iterable[int]) -> list[Line]:
        """The numbered lines that exist and cite."""
        found = [self.numbered[n - 1] for n in dict.fromkeys(numbers) if 0 < n <= len(self.numbered)]
        return [line for line in found if line.cited]


def section_lines(number: int, form: forms.SectionText, items: Mapping[str, Item]) -> list[Line]:
    """The body lines and the heading of a section; sentences that name nothing that exists are left out."""
    numbered: list[list[Line]] = []
    drawn: list[tuple[Line, forms.Line]] = []
    body: list[Line] = []
    shown = Shown(items, {})
    for place, paragraph in enumerate(form.paragraphs, start=1):
        for entry in paragraph.sentences:
            made = []
            for words in pieces(cleaned(entry.text, "body")):
                line = Line("body", cleaned(words, "body"), number, min(place, 2), shown.evidence(entry.cites))
                made.append(line)
                if not line.items:
                    drawn.append((line, entry))
            numbered.append(made)
            body += made
    for line, entry in drawn:
        named = [other for n in entry.rests_on if 0 < n <= len(numbered) for other in numbered[n - 1]]
        line.on = [other for other in named if other.cited and other is not line]
    body = [line for line in body if line.text and (line.cited or line.on)]
    named = [other for n in form.heading_rests_on if 0 < n <= len(numbered) for other in numbered[n - 1]]
    on = [line for line in named if line.cited and line in body] or [line for line in body if line.cited]
    heading = Line("heading", cleaned(form.heading, "heading"), number, on=on)
    return [*([heading] if sets_as_title(heading) else []), *_two_paragraphs(body)]


def _two_paragraphs(body: list[Line]) -> list[Line]:
    """A single long paragraph is set as two."""
    if len({line.paragraph for line in body}) == 1 and len(body) >= 4:
        for place, line in enumerate(body):
            line.paragraph = 1 if place < (len(body) + 1) // 2 else 2
    return body


def front_lines(form: forms.Front, shown: Shown) -> list[Line]:
    """Titles, questions with answers, and the model's sentences of the story so far."""
    cited = [line for line in shown.numbered if line.cited]
    first = [line for line in cited if line.section == 1]
    titles: tuple[tuple[Part, forms.Title], ...] = (
        ("headline", form.headline), ("short_title", form.short_title), ("dek", form.dek),
    )  # fmt: skip
    made = [
        Line(part, cleaned(t.text, part), on=_title_grounds(part, shown.lines(t.rests_on), first)) for part, t in titles
    ]
    for number, entry in enumerate((form.why, form.advice, form.counter), start=1):
        answer = _answer(number, entry, shown)
        made += answer
        grounds = shown.lines(entry.question_rests_on) or first
        asked = Line("question", _asked(entry.question), number, on=[*grounds, *(a for a in answer if a.cited)])
        if not asks_nothing(asked.text, [use.quote for line in asked.on for use in line.uses()]):
            made.append(asked)
    for sentence in form.so_far:
        for words in pieces(cleaned(sentence.text, "story_so_far")):
            earlier = [shown.told[key].id for key in dict.fromkeys(sentence.earlier) if key in shown.told]
            line = Line(
                "story_so_far", cleaned(words, "story_so_far"), 0, 1, shown.evidence(sentence.cites),
                shown.lines(sentence.rests_on), earlier,
            )  # fmt: skip
            made.append(line)
    made = [line for line in made if line.part not in TITLES or sets_as_title(line)]
    return [line for line in made if line.text and (line.cited or line.on or line.earlier)]


def _title_grounds(part: Part, named: list[Line], first: list[Line]) -> list[Line]:
    """Headline and short title speak of the lead, as outlets report it where one does; the dek of what it names."""
    if part == "dek":
        return named or first
    reported = [line for line in first if any(i.use.source.platform == "news" for i in line.items)] or first
    return [line for line in named if line in reported] or reported


def sets_as_title(line: Line) -> bool:
    """Whether a line can be set as a title: nobody's own "I", no question, no cut quote, no bare name."""
    text = line.text
    asks = text.endswith("?") or (ASKING.search(text) and not (line.part == "heading" and TELLING.search(text)))
    if FIRST_PERSON.search(text) or asks or HANGING_END.search(text):
        return False
    if len(text.split()) < 2:
        return False
    if line.part == "short_title":
        return True
    uses = [use for other in line.on for use in other.uses()]
    if len(text) < LEAST_TITLE or "“" in text or only_names(text, [use.quote for use in uses]):
        return False
    return not any(text in use.quote and text not in clauses(use) for use in uses)


def _answer(number: int, entry: forms.Question, shown: Shown) -> list[Line]:
    lines = []
    for sentence in entry.answer:
        for words in pieces(cleaned(sentence.text, "answer")):
            evidence = shown.evidence(sentence.cites)
            on = [] if evidence else shown.lines(sentence.rests_on)
            if evidence or on:
                lines.append(Line("answer", cleaned(words, "answer"), number, 1, evidence, on))
    return lines


def _asked(text: str) -> str:
    text = cleaned(text, "question").rstrip(".")
    return text if text.endswith("?") else text + "?"
