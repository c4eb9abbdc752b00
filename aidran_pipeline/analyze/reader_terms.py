"""The terms of the reader: the form of its reply, a record as it is shown, what came of it. No model, no SQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from aidran_pipeline.text import Span

Stance = Literal["supportive", "critical", "neutral"]
Kind = Literal["statement", "headline", "figure", "announcement", "opinion", "prediction", "advice", "question"]
Outcome = Literal["read", "contract", "unavailable"]


class SaidClaim(BaseModel):
    """A claim as the model gives it; nothing of it is believed before `reader_check` has looked."""

    sentence: int
    quote: str
    statement: str
    speaker: str | None = None
    stance: Stance | None = None
    kind: Kind = "statement"
    entities: list[str] = Field(default_factory=list)


class Account(BaseModel):
    """What one record says."""

    id: str
    claims: list[SaidClaim]


class Accounts(BaseModel):
    """The reply to one batch: an account for each record asked for."""

    records: list[Account]


@dataclass(frozen=True)
class Shown:
    """A record as it is offered to the model.

    row: as claims.REPRESENTATIVES gives it, with `metadata`, a list of words that a statement may use besides the
    record's own (outlet, author, community, day). ident: from the hash of the content, so that no text can know the
    id of another record, nor hold its own. sentences: spans offered, numbered from 1. alone: rules of
    text/addressed.py that it trips: it is read in a call of its own and only its own words count.
    """

    row: dict[str, Any]
    ident: str
    sentences: tuple[Span, ...]
    alone: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The stored text."""
        return str(self.row["text"])


@dataclass
class Examined:
    """An account after the checks.

    claims: rows to store; dropped: reasons with counts; signs: of a reply in which another record's text may have had
    its hand; said: how many claims the model gave.
    """

    claims: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    signs: set[str] = field(default_factory=set)
    said: int = 0


@dataclass
class Reading:
    """What came of one record version.

    failure: kind of the Failure, None when it was read; asked: how many requests held it; examined: its claims where
    it was read, else nothing: the extractive engine's claims stand in.
    """

    shown: Shown
    outcome: Outcome
    failure: str | None = None
    examined: Examined = field(default_factory=Examined)
    asked: int = 1


@dataclass
class Tally:
    """Figures of one round of reading, for the metadata.

    calls: ledger rows behind the answers; given_up: why the model was asked nothing more.
    """

    requests: int = 0
    calls: set[int] = field(default_factory=set)
    cached: int = 0
    asked_again: int = 0
    split: int = 0
    distrusted: int = 0
    alone: int = 0
    given_up: str = ""
    failures: Counter[str] = field(default_factory=Counter)
