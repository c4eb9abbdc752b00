"""The last steps: what is still refused goes, code's own words take its place; too much goes as well.

What does not belong here: asking (compose.py, mend.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.fit import repeats
from aidran_pipeline.write.model.lines import TITLES, Line, without
from aidran_pipeline.write.model.mend import refused_by
from aidran_pipeline.write.model.offer import Item
from aidran_pipeline.write.model.own import Own
from aidran_pipeline.write.model.pieces import sets_as_title
from aidran_pipeline.write.model.second import judge_again
from aidran_pipeline.write.select import NotEnough

if TYPE_CHECKING:
    from aidran_pipeline.write.model.compose import Writing

WORDS = (600, 1100)
LEAST_BODY = 2  # sentences of a section
MOST_QUOTED = 6  # sentences that code may add to a page that came out too short
SPARE = 15  # words above the least
ROUNDS = 6


def words_of(draft: Draft) -> int:
    """Words of the whole page as read, titles and questions included."""
    return sum(len(sentence.plain().split()) for sentence in draft.sentences)


def finished(writing: Writing) -> tuple[list[Line], Draft]:
    """Drop, fill, balance and trim until the gates refuse no sentence. Raises NotEnough when too little is left."""
    _drop_refused(writing)
    judge_again(writing)
    _balance(writing)
    _enough(writing.lines)
    _fill(writing)
    _lengthen(writing)
    _trim(writing)
    _drop_refused(writing)
    judge_again(writing)
    _fill(writing)
    lines, draft = writing.to_draft(writing.lines)
    return lines, draft


def _drop_refused(writing: Writing) -> None:
    """Take out what is refused, with what rests on it, until nothing is; code's own sentences go as well."""
    for _ in range(ROUNDS):
        lines, draft = writing.to_draft(writing.lines)
        bad = {f.sentence for f in refused_by(draft, writing.context)}
        if not bad:
            break
        kept = without(lines, [lines[n] for n in bad])
        writing.tally.dropped += sum(line.own is None for line in lines) - sum(line.own is None for line in kept)
        writing.lines = kept
    writing.lines = [n for n in writing.lines if n.own or n.part not in TITLES or sets_as_title(n)]
    writing.tally.mended = sum(line.mended for line in writing.lines)


def _balance(writing: Writing) -> None:
    """The last synthesis of a section goes while there is more of it than the publication allows."""
    share = writing.publication.synthesis_share
    for section in (1, 2, 3):
        while True:
            body = [line for line in writing.lines if line.part == "body" and line.section == section]
            drawn = [line for line in body if not line.cited]
            if not drawn or len(drawn) <= share * len(body):
                break
            writing.lines = without(writing.lines, [drawn[-1]])
            writing.tally.dropped += 1


def _enough(lines: Sequence[Line]) -> None:
    for section in (1, 2, 3):
        left = sum(line.part == "body" and line.section == section for line in lines)
        if left < LEAST_BODY:
            raise NotEnough("three sections", f"{left} sentences of section {section} hold against their sources")


def _fill(writing: Writing) -> None:
    """Titles, headings, questions and the story so far that are missing, in code's own words."""
    lines = writing.lines

    def has(part: str, section: int = 0) -> bool:
        return any(line.part == part and line.section == section for line in lines)

    missing = [part for part in ("headline", "short_title", "dek") if not has(part)]
    sections = [n for n in (1, 2, 3) if not has("heading", n)]
    questions = [n for n in (1, 2, 3) if not has("answer", n)]
    lines = writing.lines = _asked_once(lines)
    unasked = [n for n in (1, 2, 3) if has("answer", n) and not has("question", n)]
    if not (missing or sections or questions or unasked) and has("story_so_far"):
        return
    lines = [line for line in lines if not (line.part in ("question", "answer") and line.section in questions)]
    writing.lines = lines = without(lines, [])
    own = Own(writing.material, writing.publication, writing.offer, lines)
    standing = next((line.text for line in lines if line.part == "headline"), "")
    made = own.titles(missing, standing) if missing else []
    for number in sections:
        taken = {line.text for line in [*lines, *made] if line.part in ("headline", "heading")}
        made.append(own.heading(number, taken))
    for number in questions:
        made += own.question(number)
    for number in unasked:
        made += [line for line in own.question(number) if line.part == "question"]
    if not has("story_so_far"):
        told, writing.earlier_versions = own.so_far(alone=True)
        made += told
    writing.lines = [*lines, *made]


def _asked_once(lines: list[Line]) -> list[Line]:
    """The lines without a question that stands a second time."""
    first: dict[str, Line] = {}
    for line in lines:
        if line.part == "question":
            first.setdefault(line.text.lower(), line)
    return [line for line in lines if line.part != "question" or first[line.text.lower()] is line]


def _lengthen(writing: Writing) -> None:
    """While the page is too short: evidence that no sentence uses, quoted by code where its storyline is told."""
    own = Own(writing.material, writing.publication, writing.offer, writing.lines)
    cited = [line for line in writing.lines if line.part in ("body", "answer")]
    told = [use.quote for line in cited for use in line.uses()]
    for item in writing.offer.items.values():
        if writing.tally.quoted >= MOST_QUOTED or sum(line.words() for line in writing.lines) >= WORDS[0] + SPARE:
            return
        section = _section_of(item, writing.lines)
        if section is None or any(repeats(item.use.quote, quote) for quote in told):
            continue
        line = own.quotation(item, section, 2)
        writing.lines.append(line)
        told.append(item.use.quote)
        writing.tally.quoted += 1


def _section_of(item: Item, lines: Sequence[Line]) -> int | None:
    """The section that tells an item's storyline: where most of its evidence is cited; else none."""
    counts = {
        section: sum(
            any(other.storyline == item.storyline for other in line.items)
            for line in lines
            if line.part == "body" and line.section == section
        )
        for section in (1, 2, 3)
    }
    best = max(counts, key=lambda section: (counts[section], -section))
    return best if counts[best] else None


def _trim(writing: Writing) -> None:
    """While the page is too long: the last sentence of the longest section or answer that can spare one goes."""
    spare: tuple[Callable[[Line], bool], ...] = (
        lambda line: line.part == "body",
        lambda line: line.part == "answer",
        lambda line: line.part == "story_so_far",
    )
    while sum(line.words() for line in writing.lines) > WORDS[1]:
        for kind in spare:
            groups: dict[int, list[Line]] = {}
            for line in filter(kind, writing.lines):
                groups.setdefault(line.section, []).append(line)
            able = [group for group in groups.values() if len(group) > (5 if group[0].part == "body" else 1)]
            if able:
                longest = max(able, key=lambda group: (sum(line.words() for line in group), -group[0].section))
                last = max(longest, key=lambda line: (line.paragraph, longest.index(line)))
                writing.lines = without(writing.lines, [last])
                writing.tally.trimmed += 1
                break
        else:
            return
