"""What every gate is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.write.draft import Draft, Sentence, Use


@dataclass(frozen=True)
class GateFailure:
    """One broken rule: the gate, the rule, what was found, and the sentence's position (-1: the whole article)."""

    gate: str
    rule: str
    detail: str
    sentence: int = -1

    def as_dict(self) -> dict[str, Any]:
        """For the decision's reasons."""
        return {"gate": self.gate, "rule": self.rule, "detail": self.detail, "sentence": self.sentence}


@dataclass(frozen=True)
class OtherStory:
    """A published story that this one must not repeat."""

    slug: str
    topic: str
    day: str
    headline: str
    storylines: frozenset[int]
    records: frozenset[int]


@dataclass(frozen=True)
class Context:
    """What the gates compare a draft with, read from the database.

    earlier_headlines, earlier_sentences: id of a sentence of an earlier story → its words and its day.
    storyline_since: id → since when it develops. OtherStory.storylines are those that go on with what was told.
    """

    publication: Publication
    topic_label: str
    records_read: int
    signals: tuple[str, ...] = ()
    signal_rows: tuple[dict[str, Any], ...] = ()
    baseline: dict[str, Any] | None = None
    others: tuple[OtherStory, ...] = ()
    earlier_headlines: dict[int, tuple[str, Any]] = field(default_factory=dict)
    storyline_topics: dict[int, str] = field(default_factory=dict)
    storyline_since: dict[int, date] = field(default_factory=dict)
    earlier_sentences: dict[int, tuple[str, Any]] = field(default_factory=dict)

    def told_before(self, sentence: Sentence) -> list[str]:
        """The sentences of earlier stories that a sentence of the story so far rests on, as read."""
        return [self.earlier_sentences[i][0] for i in sentence.rests_on_earlier if i in self.earlier_sentences]


Gate = Callable[[Draft, Context], list[GateFailure]]


def grounds(draft: Draft, sentence: Sentence) -> list[Use]:
    """The uses a sentence rests on: its own and those of the sentences of this draft that it names."""
    known = [draft.sentences[position] for position in sentence.rests_on if 0 <= position < len(draft.sentences)]
    return [*sentence.uses, *(use for ground in known for use in ground.uses)]


def shown(text: str, most: int = 90) -> str:
    """A text short enough for a reason."""
    return text if len(text) <= most else text[: most - 1] + "…"
