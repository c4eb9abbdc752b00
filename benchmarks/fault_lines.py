"""The lines of a file of seeded faults, as data: articles, and faults in them. Unknown keys are refused.

benchmarks/README.md shows the format. What does not belong here: making drafts of them (fault_format.py).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aidran_pipeline.write.draft import Part


class BadLineError(ValueError):
    """A line of the file breaks the format; the message names file, line, rule and remedy."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceLine(_Line):
    """A record or a page; `text` is its body, the title comes before it."""

    kind: Literal["record", "web"] | None = None
    platform: Literal["news", "bluesky", "reddit", "web"] | None = None
    publisher: str = Field(min_length=1)
    family: str | None = None
    author: str | None = None
    community: str | None = None
    published: datetime | None = None
    title: str | None = None
    text: str = Field(min_length=1)
    title_truncated: bool = False
    body_truncated: bool = False
    storyline: int | None = None


class UseLine(_Line):
    """Words of a source that a sentence relies on; offsets only where the words stand more than once."""

    source: str
    quote: str = Field(min_length=1)
    start: int | None = Field(default=None, ge=0)
    support: Literal["supported", "partly", "not"] = "supported"


class CountLine(_Line):
    """A count that the sentence states and code takes again."""

    text: str
    kind: str
    value: int | str


class SentenceLine(_Line):
    """One sentence; cited when it has uses, synthesis when it rests on others, unless `kind` says otherwise."""

    id: str | None = None
    part: Part
    section: int = Field(default=0, ge=0, le=3)
    paragraph: int = Field(default=0, ge=0)
    text: str
    kind: Literal["cited", "synthesis"] | None = None
    uses: list[UseLine] = []
    rests_on: list[str] = []
    rests_on_earlier: list[int] = []
    counts: list[CountLine] = []
    storyline: int | None = None


class OtherLine(_Line):
    """A story published before or beside this one."""

    slug: str
    topic: str
    day: date
    headline: str
    records: list[str] = []
    storylines: list[int] = []


class EarlierLine(_Line):
    """A sentence of this topic's earlier pages that the story so far may rest on."""

    headline: str
    day: date


class ContextLine(_Line):
    """What the gates compare the article with."""

    records_read: int | None = None
    signals: list[str] = []
    baseline: dict[str, Any] | None = {"history_days": 3, "coverage": {"healthy": True}}
    others: list[OtherLine] = []
    earlier: dict[int, EarlierLine] = {}
    storyline_topics: dict[int, str] = {}


class ArticleLine(_Line):
    """A whole article, clean unless a fault line says otherwise."""

    article: str = Field(min_length=1)
    group: str = "all"
    engine: Literal["model", "extractive"] = "model"
    topic: str
    label: str
    day: date
    records_read: int | None = None
    sources: dict[str, SourceLine] = Field(min_length=1)
    sentences: list[SentenceLine] = Field(min_length=1)
    context: ContextLine = ContextLine()


class ChangeLine(_Line):
    """One change of a clean article: exactly one of sentence, after, before, remove, source, article."""

    sentence: str | None = None
    replace: tuple[str, str] | None = None
    set: dict[str, Any] | None = None
    after: str | None = None
    before: str | None = None
    add: dict[str, Any] | None = None
    remove: str | None = None
    source: str | None = None
    article: dict[str, Any] | None = None


class FaultLine(_Line):
    """A corrupted article: its clean twin and the change, or both whole."""

    fault: str = Field(min_length=1)
    id: str | None = None
    gate: str | list[str]
    of: str | None = None
    twin: dict[str, Any] | None = None
    change: list[ChangeLine] | None = None
    whole: dict[str, Any] | None = None


Checked = TypeVar("Checked", bound=_Line)


def checked(model: type[Checked], place: str, value: dict[str, Any]) -> Checked:
    """The line as its model; BadLineError naming the key."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        remedy = "take the key out or see the list of keys" if first["type"] == "extra_forbidden" else "mend the value"
        raise BadLineError(f"{place}: {where}: {first['msg']}; {remedy} (format: benchmarks/README.md)") from error
