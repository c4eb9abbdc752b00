"""What a stage asks of a model and what it gets back. No network, no SQL: the terms that both sides share.

A stage never sees a reply that broke its schema, never raises because a server failed, and never learns an address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)

Role = Literal["reader", "writer", "judge"]
FailureKind = Literal[
    "unreachable",  # no connection, reset, 5xx after the retries
    "timeout",  # the total deadline passed
    "key",  # 401 or 403: nothing else is asked of this server in this run
    "quota",  # exhausted for good (insufficient_quota), or limited beyond the deadline
    "refused",  # the model declined, or a content filter did
    "contract",  # broken twice: no JSON, other schema, `check` not met, cut off at the length limit
    "budget",  # nothing was asked: the reservation did not fit
    "given_up",  # nothing was asked: what the model answered before could not be used, reply after reply
]


@dataclass(frozen=True)
class Request(Generic[T]):
    """One question. Equal requests to the same model have one answer, kept in PostgreSQL and paid for once.

    prompt: name and version of the prompt, "read-claims-1"; system and user: the messages; schema: the form of the
    reply; check: rules that the schema cannot state, gives the reasons why a reply is not acceptable (empty: it is),
    they are told to the model in the one re-ask; max_tokens: of the reply; day, topic: the partition that pays;
    subject: what the reply is about, for the ledger ("section 2"), no text from a source.
    """

    role: Role
    prompt: str
    system: str
    user: str
    schema: type[T]
    day: date
    topic: str | None = None
    subject: str = ""
    max_tokens: int = 2000
    check: Callable[[T], list[str]] | None = None


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: the kind, and words for the decision's reasons (never a key, never a source's text)."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A validated reply, or why there is none. calls: ids of the ledger rows behind it; cached: nothing was asked."""

    value: T | None
    failure: Failure | None = None
    calls: tuple[int, ...] = ()
    cached: bool = False


class Models(Protocol):
    """The configured models as a stage sees them."""

    def ask(self, requests: Sequence[Request[T]]) -> list[Answer[T]]:
        """Answers in the order of the requests, asked side by side within the configured bound."""
        ...

    def version(self, role: Role) -> str:
        """Identity of the model of a role, part of every engine version: "gpt-x@host"; "" when none is configured."""
        ...

    def counts(self, role: Role, calls: Sequence[int]) -> bool:
        """Whether an unusable reply speaks against the model now: not when it was a reason to give it up before."""
        ...

    def give_up(self, role: Role, reason: str, *, passing: bool = False) -> None:
        """Ask nothing new in a role for the rest of this run, and in runs of the next hours. reason: for people.

        passing: the server was too slow, which may be over sooner than a model's not being able to.
        """
        ...
