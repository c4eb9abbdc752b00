"""The ledger as calls use it: a connection of its own, reservations, bills. What does not belong here: HTTP.

The connection commits each step by itself, whatever transaction a stage is in, and holds the locks of the calls under
way: when the process dies they go with it, and what was reserved shows as interrupted.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from aidran_pipeline.config.models import ModelSettings
from aidran_pipeline.config.prices import Price, load_prices
from aidran_pipeline.llm.answers import Attempt
from aidran_pipeline.llm.asking import Request
from aidran_pipeline.llm.client import Question
from aidran_pipeline.llm.forms import most_tokens, storable
from aidran_pipeline.store import model_calls as table
from aidran_pipeline.store import model_pauses
from aidran_pipeline.store.db import connect
from aidran_pipeline.store.provenance import Run

R = TypeVar("R")
_LOCK_WAIT = "60s"
_OTHER_PROCESS_SECONDS = 0.2


@dataclass
class Figures:
    """What one opening of the models came to: this run's calls and the answers it found paid for."""

    calls: int = 0
    cached: int = 0
    tokens: int = 0
    failures: int = 0
    reasks: int = 0
    cost: Decimal | None = Decimal(0)

    def add(self, bill: table.Bill) -> None:
        """Count a call."""
        self.calls += 1
        self.tokens += (bill.input_tokens or 0) + (bill.output_tokens or 0)
        if bill.status == "answered":
            unknown = self.cost is None or bill.cost_usd is None
            self.cost = None if unknown else (self.cost or Decimal(0)) + (bill.cost_usd or Decimal(0))

    def as_dict(self) -> dict[str, Any]:
        """For metadata; an unknown cost says so."""
        cost = "unknown" if self.cost is None else float(self.cost)
        return {
            "model_calls": self.calls,
            "cached_answers": self.cached,
            "model_tokens": self.tokens,
            "cost_usd": cost,
            "model_failures": self.failures,
            "reasks": self.reasks,
        }


@dataclass
class Reserved:
    """A call on record that may now be made."""

    id: int
    row: table.NewCall
    price: Price | None
    began: float = field(default_factory=time.monotonic)
    attempts: int = 1


class Ledger:
    """Every method takes turns on one connection, in a thread, so that a wait in the database stops no other call."""

    def __init__(self, settings: ModelSettings, url: str, run: Run, server: str) -> None:
        self.figures = Figures()
        self._run = run
        self._server = server
        self._prices = load_prices(settings.prices_file)
        self._budget = table.Budget(
            edition_usd=settings.edition_budget_usd,
            edition_tokens=settings.edition_budget_tokens,
            day_usd=settings.day_budget_usd,
            day_tokens=settings.day_budget_tokens,
        )
        self._opened = time.monotonic()
        self._turn = threading.Lock()
        self._conn = connect(url, application="aidran models")
        self._conn.execute(f"SET lock_timeout = '{_LOCK_WAIT}'")
        table.give_up_dead_calls(self._conn)

    def close(self) -> None:
        """Close the connection; its locks go with it."""
        with self._turn:
            self._conn.close()

    @property
    def now(self) -> datetime:
        """The run's moment, moved on by the time that passed since."""
        return self._run.now + timedelta(seconds=time.monotonic() - self._opened)

    def stopped(self) -> tuple[str, str] | None:
        """Why this run asks the server nothing more, if an earlier call of it said so."""
        with self._turn:
            return table.stopped_run(self._conn, self._run.id, self._server)

    def pauses(self, models: Mapping[str, str]) -> dict[str, model_pauses.Pause]:
        """By role, when its model was last given up."""
        with self._turn:
            return model_pauses.pauses_of(self._conn, models)

    def pause(self, role: str, model: str, reason: str, lasts: timedelta) -> model_pauses.Pause:
        """Put on record that a model is given up, from the run's moment on."""
        with self._turn:
            return model_pauses.store_pause(
                self._conn, role, model, since=self._run.now, until=self._run.now + lasts, reason=reason,
                run_id=self._run.id,
            )  # fmt: skip

    async def _do(self, work: Callable[..., R], *arguments: Any, **named: Any) -> R:
        def in_turn() -> R:
            with self._turn:
                return work(self._conn, *arguments, **named)

        return await asyncio.to_thread(in_turn)

    async def hold(self, key: str) -> None:
        """Wait until no other process asks the same."""
        while not await self._do(table.hold_key, key):
            await asyncio.sleep(_OTHER_PROCESS_SECONDS)

    async def release(self, key: str) -> None:
        """Let others ask the same."""
        await self._do(table.release_key, key)

    async def kept(self, request: Request[Any], question: Question) -> table.Completion | None:
        """The reply that was paid for already, put on record where another edition paid."""
        found = await self._do(table.completion_of, question.key)
        if found is not None and (found.day, found.topic) != (request.day, request.topic):
            await self._do(table.note_cached, self._row(request, question, 0, None), found.call_id)
        if found is not None:
            self.figures.cached += 1
        return found

    async def answered(self, key: str) -> table.Completion | None:
        """The reply that a probe was paid for already: by a run that died before it could note what it showed."""
        return await self._do(table.completion_of, key)

    async def reserve(self, request: Request[Any], question: Question, said: str) -> Reserved | str:
        """Put a call on record before it is made; the words of the budget that it does not fit. said: all its text."""
        price = self._prices.of(self._server, question.model, self._run.now.date())
        read = most_tokens(said, *(message["content"] for message in question.messages))
        row = self._row(request, question, read + question.max_tokens, price, worst=(read, question.max_tokens))
        found = await self._do(table.reserve, row, self._budget)
        return found if isinstance(found, str) else Reserved(found, row, price)

    def _row(
        self,
        request: Request[Any],
        question: Question,
        tokens: int,
        price: Price | None,
        worst: tuple[int, int] = (0, 0),
    ) -> table.NewCall:
        return table.NewCall(
            request_key=question.key,
            day=request.day,
            topic=request.topic,
            spent_on=self._run.now.date(),
            role=request.role,
            prompt=question.prompt,
            subject=request.subject,
            model=question.model,
            server=self._server,
            started_at=self.now,
            reserved_tokens=tokens,
            reserved_usd=None if price is None else price.cost(worst[0], 0, worst[1]),
            price=None if price is None else price.as_row(),
            run_id=self._run.id,
        )

    async def settle(self, reserved: Reserved, attempt: Attempt) -> None:
        """Write the bill of a call that ended, and keep its reply."""
        bill = bill_of(reserved, attempt)
        completion = None
        if attempt.failure is None:
            completion = table.Completion(reserved.id, attempt.content or "", attempt.finish, attempt.refusal)
        await self._do(table.settle, reserved.id, bill, completion)
        self.figures.add(bill)

    async def note_failure(self, call_id: int, kind: str, detail: str) -> None:
        """Say on the row why its reply was not acceptable."""
        await self._do(table.note_failure, call_id, kind, storable(detail)[:500])

    async def abilities(self, base_url: str, model: str, *, days: int) -> dict[str, Any] | None:
        """What a probe of the last days found."""
        found = await self._do(table.server_of, base_url, model, since=self._run.now - timedelta(days=days))
        return None if found is None else {name: value for name, value in found.items() if name != "probed_at"}

    async def probed_at(self, base_url: str, model: str) -> str:
        """When a server was last probed, however long ago; "never" otherwise."""
        found = await self._do(table.server_of, base_url, model, since=datetime.min.replace(tzinfo=UTC))
        return "never" if found is None else found["probed_at"].astimezone(UTC).isoformat()

    async def keep_abilities(self, base_url: str, model: str, found: Mapping[str, Any]) -> None:
        """Keep what a probe found."""
        await self._do(table.note_server, base_url, model, found, now=self._run.now)


def bill_of(reserved: Reserved, attempt: Attempt) -> table.Bill:
    """What an ended call came to. An unknown bill holds its worst case for ever; an unknown price gives no cost."""
    usage, failure = attempt.usage, attempt.failure
    held, held_usd = reserved.row.reserved_tokens, reserved.row.reserved_usd
    cost = None
    if usage is not None:
        held = usage.input + usage.output
        cost = None if reserved.price is None else reserved.price.cost(usage.input, usage.cached, usage.output)
        held_usd = cost
    elif attempt.charged == "no":
        held, held_usd = 0, None if held_usd is None else Decimal(0)
    return table.Bill(
        status="answered" if failure is None else "failed",
        held_tokens=held,
        held_usd=held_usd,
        latency_ms=round((time.monotonic() - reserved.began) * 1000),
        attempts=reserved.attempts,
        input_tokens=usage.input if usage else None,
        cached_tokens=usage.cached if usage else None,
        output_tokens=usage.output if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        cost_usd=cost,
        failure=failure.kind if failure else None,
        detail=failure.detail if failure else None,
    )
