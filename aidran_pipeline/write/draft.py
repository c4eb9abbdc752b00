"""The article as data, before and after it is stored: sentences, what they quote and what they rest on.

The gates read nothing else, so that a stored version, loaded back into a `Draft`, is held to exactly the same checks.
What does not belong here: choosing (select.py), wording (compose.py, frames.py), SQL (store/articles.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

Part = Literal["headline", "short_title", "dek", "heading", "body", "story_so_far", "question", "answer"]
Form = Literal["story", "dispatch"]
TOKEN = re.compile(r"\[\[(r|p)?(w?)(\d+)\]\]")
AGGREGATED = re.compile(r"\((?:[^()/]+/)?([A-Z][^()/]{2,40})\)\s*$")
NUMBER_WORDS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
MARKER = re.compile(r"\[\[(w?)(\d+)\]\]")


@dataclass(frozen=True)
class Source:
    """What a citation points at: a record version or a page version, with the metadata a sentence may state of it."""

    kind: Literal["record", "web"]
    version_id: int
    record_id: int | None
    text: str
    title: str | None
    platform: str | None
    publisher: str
    family: str
    author_key: str
    author_name: str | None
    community: str | None
    published: datetime | None
    day: date | None
    title_truncated: bool = False
    body_truncated: bool = False
    topic_score: float = 1.0
    storyline_id: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Identity within an article: the record (whatever its version) or the page version."""
        return (self.kind, self.record_id if self.record_id is not None else self.version_id)

    def credited_outlet(self) -> str | None:
        """The outlet that an aggregator's title names at its end: "… (Jane Doe/Reuters)"; None without one."""
        found = AGGREGATED.search(self.title or "")
        return found.group(1) if found else None

    def metadata_text(self) -> str:
        """The words that a sentence may use of this source without quoting it (gate 3)."""
        parts = [self.publisher, self.platform or "", self.author_name or "", self.title or ""]
        if self.author_name:
            parts.append("@" + self.author_name.lstrip("@"))
            parts.append("u/" + self.author_name)
        if self.community:
            parts.append(f"r/{self.community} {self.community}")
        if self.day:
            parts.append(f"{self.day.day} {self.day:%B} {self.day.year}")
            parts.append(f"{self.day:%A}")
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class Use:
    """One use of a source by a sentence: the exact words relied on. Offsets are code points of the source's text."""

    source: Source
    quote: str
    start: int
    end: int
    claim_id: int | None = None
    support: str = "supported"
    score: float = 1.0


@dataclass(frozen=True)
class CountFact:
    """A count that a synthesis sentence states; gates compute `value` again from the sentences it rests on.

    kind: records, families, authors, posts, platforms, records_read, history_days, observed, expected,
    earliest_outlet, earliest_moment, earlier_story, earlier_day, days_looked_back.
    """

    text: str
    kind: str
    value: int | str


def as_read(text: str) -> str:
    """A sentence's text without its citation tokens."""
    return re.sub(r"\s+([.,;:?!)])", r"\1", re.sub(r"\s*\[\[[^\]]*\]\]", "", text)).strip()


@dataclass(frozen=True)
class Verdict:
    """What a judge said of a whole sentence: a model as second judge, or the engine's own where it cites nothing.

    verdict: supported, partly or not; score: 0 to 1; judge: its name and version.
    """

    judge: str
    verdict: str
    score: float


@dataclass
class Sentence:
    """One sentence with its place. Citation tokens stand in `text` as [[n]] and [[wN]] once the draft is numbered."""

    part: Part
    text: str
    section: int = 0
    paragraph: int = 0
    kind: Literal["cited", "synthesis"] = "cited"
    uses: list[Use] = field(default_factory=list)
    rests_on: list[int] = field(default_factory=list)
    rests_on_earlier: list[int] = field(default_factory=list)
    facts: list[CountFact] = field(default_factory=list)
    storyline_id: int | None = None
    verdicts: tuple[Verdict, ...] = ()

    def plain(self) -> str:
        """The sentence as read, without citation tokens."""
        return as_read(self.text)


@dataclass
class Draft:
    """A whole article: its sentences in reading order; `rests_on` holds positions in `sentences`.

    engine: who wrote it, "extractive" or "model": judge and gates ask each sentence what that engine promises.
    form: a story has three sections and three questions, a dispatch one or two sections and no question.
    """

    day: date
    topic: str
    sentences: list[Sentence]
    records_read: int
    warming_up: bool
    inputs: dict[str, Any] = field(default_factory=dict)
    engine: str = "extractive"
    form: Form = "story"

    def part(self, part: Part, section: int | None = None) -> list[Sentence]:
        """Sentences of one part, of one section when given."""
        return [s for s in self.sentences if s.part == part and (section is None or s.section == section)]

    def one(self, part: Part) -> str:
        """Text of a part that is a single sentence, '' when absent."""
        found = self.part(part)
        return found[0].text if found else ""

    def sources(self, kind: str | None = None) -> list[Source]:
        """Distinct cited sources by first use."""
        seen: dict[tuple[str, int], Source] = {}
        for sentence in self.sentences:
            for use in sentence.uses:
                if kind is None or use.source.kind == kind:
                    seen.setdefault(use.source.key, use.source)
        return list(seen.values())

    def numbers(self) -> dict[tuple[str, int], int]:
        """Citation number of each source: records and pages counted apart, from 1, by first use in reading order."""
        numbered: dict[tuple[str, int], int] = {}
        for kind in ("record", "web"):
            for number, source in enumerate(self.sources(kind), start=1):
                numbered[source.key] = number
        return numbered

    def weights(self) -> dict[tuple[str, int], float]:
        """Weight of each citation: share of cited sentences using it times topic score, scaled to a largest of 1."""
        raw: dict[tuple[str, int], float] = {}
        for sentence in self.sentences:
            for source in {use.source.key: use.source for use in sentence.uses}.values():
                raw[source.key] = raw.get(source.key, 0.0) + (source.topic_score or 0.01)
        top = max(raw.values(), default=1.0)
        return {key: round(value / top, 4) for key, value in raw.items()}


def earliest(sources: Iterable[Source]) -> Source | None:
    """The source published first, by its own moment; None when none has one."""
    dated = [s for s in sources if s.published is not None]
    return min(dated, key=lambda s: (s.published, s.publisher, s.key)) if dated else None


def moment_name(moment: datetime) -> str:
    """A moment as a page prints it: 26 June at 13:02 UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B} at {moment:%H:%M} UTC"


def token(source: Source) -> str:
    """The provisional token of a source, replaced by its number in `number_tokens`."""
    return f"[[r{source.record_id}]]" if source.kind == "record" else f"[[p{source.version_id}]]"


def number_tokens(draft: Draft) -> None:
    """Replace provisional tokens by [[n]] and [[wN]], in place: numbers come from here and nowhere else (gate 5)."""
    numbers = draft.numbers()

    def replace(match: re.Match[str]) -> str:
        if match.group(1) == "r":
            return f"[[{numbers[('record', int(match.group(3)))]}]]"
        if match.group(1) == "p":
            return f"[[w{numbers[('web', int(match.group(3)))]}]]"
        return match.group(0)

    for sentence in draft.sentences:
        sentence.text = TOKEN.sub(replace, sentence.text)


def citation_tokens(text: str) -> list[tuple[str, int]]:
    """The (kind, number) pairs of the tokens in a numbered sentence, in order."""
    return [("web" if match.group(1) else "record", int(match.group(2))) for match in MARKER.finditer(text)]
