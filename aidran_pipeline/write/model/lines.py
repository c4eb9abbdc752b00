"""The article while it is written by a model: lines that know what they cite and rest on, turned into a draft by code.

The model names ids; code sets markers, restores quotations in the source's own characters, finds positions. A line
refers to other lines, not to positions, so that lines can be taken out. What does not belong here: which lines a gate
refuses (mend.py), sentences that code writes itself (own.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aidran_pipeline.text import find_quote, split_sentences
from aidran_pipeline.text.normalise import find_quotes
from aidran_pipeline.write.draft import Part, Sentence, Use, Verdict, token
from aidran_pipeline.write.model.offer import Item

ORDER: tuple[Part, ...] = ("headline", "short_title", "dek")
TITLES = frozenset(("headline", "short_title", "heading"))
ID = r"(?:c\d+|p\d+\.\d+|y\d+)"
NAMED_IDS = re.compile(rf"\s*[\[(]\s*{ID}(?:\s*[,;]\s*{ID})*\s*[\])]|\s*\[\d+(?:\s*,\s*\d+)*\]")
STRAIGHT = re.compile(r'"([^"\n]+)"')
PHRASE = re.compile(r"“([^“”]*)”")
ENDING = re.compile(r"[.!?…]+$")


@dataclass(eq=False)
class Line:
    """A sentence to be: its words, the evidence it restates, the lines and earlier sentences it draws from.

    own: written by code, and kept as it is; its `text` holds no token and its grounds are `uses` and `on`. verdict,
    judged_on: of a second judge, and the words and quotes that it saw.
    """

    part: Part
    text: str
    section: int = 0
    paragraph: int = 0
    items: list[Item] = field(default_factory=list)
    on: list[Line] = field(default_factory=list)
    earlier: list[int] = field(default_factory=list)
    own: Sentence | None = None
    mended: bool = False
    verdict: Verdict | None = None
    judged_on: tuple[str, tuple[str, ...]] | None = None

    @property
    def cited(self) -> bool:
        """Whether it cites for itself."""
        return bool(self.items) or bool(self.own and self.own.uses)

    def uses(self) -> list[Use]:
        """What it cites, each use once."""
        if self.own is not None:
            return self.own.uses
        found: dict[tuple[tuple[str, int], int], Use] = {}
        for item in self.items:
            found.setdefault((item.use.source.key, item.use.start), item.use)
        return list(found.values())

    def words(self) -> int:
        """How many words it has as read."""
        return len((self.own.plain() if self.own else self.text).split())


def cleaned(text: str, part: Part) -> str:
    """The model's words as a page sets them: one line, curly quotation marks, no ids, a stop at a sentence's end."""
    text = NAMED_IDS.sub("", " ".join(text.split()))
    text = STRAIGHT.sub(r"“\1”", text).strip()
    if part in TITLES:
        return text.rstrip(" .,;:")
    return text if not text or text.endswith((".", "?", "!", "”")) else text + "."


def with_quotations(text: str, uses: Sequence[Use]) -> str:
    """Each phrase that a cited quote holds, in that quote's own characters; others stay, for gate 1 to refuse."""

    def restored(match: re.Match[str]) -> str:
        phrase, end = match.group(1), ""
        if phrase.endswith((",", ".")) and not any(find_quotes(u.quote, phrase) for u in uses):
            phrase, end = phrase[:-1], phrase[-1]
        for use in uses:
            span = find_quote(use.quote, phrase)
            if span is not None and not set(use.quote[span.start : span.end]) & {"“", "”"}:
                return f"“{use.quote[span.start : span.end]}”{end}"
        return match.group(0)

    return PHRASE.sub(restored, text)


def with_tokens(text: str, uses: Iterable[Use]) -> str:
    """The text with the provisional tokens of its sources before its final stop."""
    tokens = " ".join(dict.fromkeys(token(use.source) for use in uses))
    if not tokens:
        return text
    end = ENDING.search(text)
    if end is None:
        inner = re.search(r"([.,])”$", text)
        return f"{text[: inner.start()]}” {tokens}." if inner else f"{text} {tokens}"
    if end.group(0) == ".":
        return f"{text[: end.start()]} {tokens}."
    return f"{text} {tokens}"


def pieces(text: str) -> list[str]:
    """The sentences of an entry: a model that put two into one is taken at its word."""
    return [text[s.start : s.end].strip() for s in split_sentences(text)] or [text]


def in_reading_order(lines: Iterable[Line]) -> list[Line]:
    """Titles, sections, the story so far, questions with their answers."""
    place = {"headline": (0,), "short_title": (1,), "dek": (2,), "story_so_far": (4,)}

    def key(line: Line) -> tuple[int, ...]:
        if line.part in ("heading", "body"):
            return (3, line.section, line.part == "body", line.paragraph)
        if line.part in ("question", "answer"):
            return (5, line.section, line.part == "answer", line.paragraph)
        return place[line.part]

    return sorted(lines, key=key)


def to_sentences(lines: Sequence[Line]) -> list[Sentence]:
    """Sentences with provisional tokens, parallel to the lines, which stand in reading order."""
    at: Mapping[int, int] = {id(line): n for n, line in enumerate(lines)}
    made = []
    for line in lines:
        rests = sorted({at[id(other)] for other in line.on if id(other) in at and other is not line and other.cited})
        if line.own is not None:
            made.append(replace(line.own, rests_on=rests, uses=list(line.own.uses)))
            continue
        uses = line.uses()
        grounds = [*uses, *(use for n in rests for use in lines[n].uses())]
        text = with_tokens(with_quotations(line.text, grounds), uses)
        storylines = {use.source.storyline_id for use in uses}
        made.append(
            Sentence(
                line.part, text, line.section, line.paragraph, "cited" if uses else "synthesis", uses, rests,
                list(line.earlier), storyline_id=storylines.pop() if len(storylines) == 1 else None,
                verdicts=(line.verdict,) if line.verdict else (),
            )
        )  # fmt: skip
    return made


def without(lines: Sequence[Line], gone: Iterable[Line]) -> list[Line]:
    """The lines without some, and without what then rests on nothing."""
    out = {id(line) for line in gone}
    while True:
        left = [line for line in lines if id(line) not in out]
        for line in left:
            line.on = [other for other in line.on if id(other) not in out]
        bare = [n for n in left if n.own is None and not n.cited and not n.on and not n.earlier]
        if not bare:
            return left
        out |= {id(line) for line in bare}
