"""The calls of one article: asked through `Models`, with what they cost gathered for the article's ledger.

What does not belong here: the questions (prompting.py), what is done with the answers (compose.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from aidran_pipeline.llm import Answer, Failure, Models, Request, Role

T = TypeVar("T", bound=BaseModel)
# Worth another try when a person runs the day again: the server, the key or the budget may be better then.
PASSING = frozenset(("unreachable", "timeout", "key", "quota", "budget", "given_up"))


class ModelFailure(Exception):
    """A model could not write the story. kind: as in llm.FailureKind; detail: words without any source's text."""

    def __init__(self, failure: Failure, role: str = "writer") -> None:
        super().__init__(f"{failure.kind}: {failure.detail}")
        self.kind, self.detail, self.role = failure.kind, failure.detail, role


class TooThin(Exception):
    """There is a story, but not enough evidence for prose of its length: the extractive engine tells it."""

    kind, role = "thin", "writer"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Asking:
    """Asks and remembers: ids of ledger rows in the order they came, how many answers came from the cache."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.calls: list[int] = []
        self.asked = self.cached = 0

    def ask(self, requests: Sequence[Request[T]]) -> list[Answer[T]]:
        """Answers in the order of the requests."""
        answers = self.models.ask(requests)
        for answer in answers:
            self.calls += [call for call in answer.calls if call not in self.calls]
            self.asked += 1
            self.cached += answer.cached
        return answers

    def need(self, requests: Sequence[Request[T]]) -> list[T]:
        """The values of all answers. Raises ModelFailure with the first failure."""
        values: list[T] = []
        for answer in self.ask(requests):
            if answer.value is None:
                raise ModelFailure(answer.failure or Failure("contract", "no answer and no reason"))
            values.append(answer.value)
        return values

    def version(self, role: Role) -> str:
        """Identity of the model of a role."""
        return self.models.version(role)

    def counts(self, role: Role, calls: Sequence[int]) -> bool:
        """As `Models.counts`."""
        return self.models.counts(role, calls)

    def give_up(self, role: Role, reason: str, *, passing: bool = False) -> None:
        """As `Models.give_up`."""
        self.models.give_up(role, reason, passing=passing)
