"""The configured models: questions in, validated answers out. The one way to a model server.

An answer is looked for among those paid for; else the call is reserved, made, paid and kept, in this order. A reply
that breaks its contract is asked for once more with the reasons. Nothing here raises because a server failed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from aidran_pipeline.config.models import ModelSettings
from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.llm import probe
from aidran_pipeline.llm.answers import Attempt
from aidran_pipeline.llm.asking import Answer, Failure, Request, Role
from aidran_pipeline.llm.client import Abilities, Message, Question, Server, weaker
from aidran_pipeline.llm.forms import MODES, read_reply, reask, strict_schema, with_schema
from aidran_pipeline.llm.ledger import Figures, Ledger
from aidran_pipeline.store.model_calls import Completion
from aidran_pipeline.store.provenance import Run, content_hash

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")

PATIENCE = 3  # calls in a row that a server may leave without answer before this run gives it up
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  # seconds between tries where the server names none
MOST_ATTEMPTS = 4  # of a server that fails; one that limits calls is asked until the deadline
_WAITED_FOR = {"unreachable", "timeout"}
# A model that a stage gave up: a rerun meanwhile asks nothing and changes nothing; a model that was replaced or mended
# under its old name is used again within the day.
PAUSE = timedelta(hours=6)
SHORT_PAUSE = timedelta(hours=1)  # where the server was only too slow
_ROLES: tuple[Role, ...] = ("reader", "writer", "judge")


@dataclass(frozen=True)
class Outcome:
    """What one question came to: a completion, kept or new, or a failure."""

    completion: Completion | None
    failure: Failure | None = None
    call_id: int | None = None
    cached: bool = False


@contextmanager
def open_models(settings: ModelSettings, database_url: str, run: Run) -> Iterator[OpenModels]:
    """The models of a run, for a stage to ask. Raises ConfigError when AIDRAN_ENGINE is not "model" or lacks a setting.

    Opens one connection to the database and a thread; openai is imported, and the server reached, by the first call
    that is not answered from what was paid for. A run that ends inside leaves its calls under way as "interrupted".
    """
    if settings.engine != "model":
        raise ConfigError("models are asked with AIDRAN_ENGINE=model only")
    settings.require_models()
    server = Server.of(settings)
    ledger = Ledger(settings, database_url, run, server.host)
    try:
        models = OpenModels(settings, server, ledger, run)
        try:
            yield models
        finally:
            models.close()
    finally:
        ledger.close()


class OpenModels:
    """`Models` over one server. Its calls run side by side on an event loop in a thread of their own."""

    def __init__(self, settings: ModelSettings, server: Server, ledger: Ledger, run: Run) -> None:
        self._settings = settings
        self._server = server
        self._ledger = ledger
        self._run = run
        self._abilities: dict[str, Abilities] = {}
        self._forms: dict[tuple[str, str], Abilities] = {}  # weaker forms for schemas that a server refused
        self._locks: dict[str, asyncio.Lock] = {}
        self._silent = 0
        self._stopped: Failure | None = None
        if known := ledger.stopped():
            self._stopped = Failure(known[0], known[1])  # type: ignore[arg-type]
        self._pauses = ledger.pauses({role: self.version(role) for role in _ROLES})
        self._given_up = {role: pause.reason for role, pause in self._pauses.items() if run.now < pause.until}
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(settings.model_concurrency)
        self._thread = threading.Thread(target=self._loop.run_forever, name="aidran models", daemon=True)
        self._thread.start()

    def ask(self, requests: Sequence[Request[T]]) -> list[Answer[T]]:
        """Answers in the order of the requests, asked side by side within the configured bound."""
        return self._wait_for(self._ask_all(requests))

    def version(self, role: Role) -> str:
        """Identity of the model of a role, part of every engine version: "gpt-x@host"; "" when none is configured."""
        model = self._settings.model_of(role)
        return f"{model}@{self._server.host}" if model else ""

    def counts(self, role: Role, calls: Sequence[int]) -> bool:
        """Whether an unusable reply speaks against the model now. calls: of its Answer.

        Once a pause is over the replies that led to it do not: whoever asks then goes on where that run ended.
        """
        pause = self._pauses.get(role)
        return pause is None or role in self._given_up or any(call > pause.last_call for call in calls)

    def give_up(self, role: Role, reason: str, *, passing: bool = False) -> None:
        """Ask nothing new in a role for this run and runs of the next hours; kept replies are used all the same."""
        if role not in self._given_up and self.version(role):
            lasts = SHORT_PAUSE if passing else PAUSE
            self._pauses[role] = self._ledger.pause(role, self.version(role), reason, lasts)
            self._given_up[role] = reason
            self._run.progress(f"the {role} {self.version(role)} is given up: {reason}")

    @property
    def figures(self) -> Figures:
        """What this opening came to so far."""
        return self._ledger.figures

    def close(self) -> None:
        """End what is under way and the thread."""
        self._wait_for(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, R]) -> R:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # a signal while waiting: the calls under way must not go on spending
            future.cancel()
            raise

    async def _ask_all(self, requests: Sequence[Request[T]]) -> list[Answer[T]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer(request)) for request in requests]
        except ExceptionGroup as group_error:  # the database is gone, or a check of ours is wrong
            raise group_error.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _answer(self, request: Request[T]) -> Answer[T]:
        """One answer: ask, validate, ask once more with the reasons."""
        messages: list[Message] = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ]
        calls: list[int] = []
        reasons: list[str] = []
        cached, limit = True, request.max_tokens
        for turn in (1, 2):
            outcome = await self._outcome(request, messages, limit)
            calls += [outcome.call_id] if outcome.call_id is not None else []
            cached = cached and outcome.cached
            if outcome.completion is None:
                return Answer(None, outcome.failure, tuple(calls))
            completion = outcome.completion
            if refused := _refusal(completion):
                await self._ledger.note_failure(completion.call_id, "refused", refused)
                return Answer(None, Failure("refused", refused), tuple(calls), cached)
            value, reasons = _read(completion, request, limit)
            if value is not None:
                return Answer(value, None, tuple(calls), cached)
            await self._ledger.note_failure(completion.call_id, "contract", "; ".join(reasons))
            if turn == 1:
                self._ledger.figures.reasks += not outcome.cached
                messages += [
                    {"role": "assistant", "content": completion.content or "(nothing)"},
                    {"role": "user", "content": reask(reasons)},
                ]
                limit *= 2 if completion.finish_reason == "length" else 1
        return Answer(None, Failure("contract", "; ".join(reasons)[:500]), tuple(calls), cached)

    async def _outcome(self, request: Request[Any], messages: list[Message], limit: int) -> Outcome:
        """The kept reply to these messages, or a new one."""
        model = self._settings.model_of(request.role)
        if model is None:
            raise LookupError(f"no model is configured for the {request.role}; ask version() first")
        question = self._question(request, model, request.prompt, messages, request.schema, limit)
        async with self._alone(question.key), self._slots:
            if kept := await self._ledger.kept(request, question):
                return Outcome(kept, call_id=kept.call_id, cached=True)
            if self._stopped is not None:
                return Outcome(None, self._stopped)
            if request.role in self._given_up:
                return Outcome(None, Failure("given_up", self._given_up[request.role]))
            await self._ledger.hold(question.key)
            try:
                if kept := await self._ledger.kept(request, question):  # another process asked the same meanwhile
                    return Outcome(kept, call_id=kept.call_id, cached=True)
                abilities = await self._abilities_of(request, model)
                if isinstance(abilities, Failure):
                    return Outcome(None, abilities)
                return await self._ask_server(request, question, abilities)
            finally:
                await self._ledger.release(question.key)

    def _question(
        self,
        request: Request[Any],
        model: str,
        prompt: str,
        messages: list[Message],
        schema: type[BaseModel],
        limit: int,
    ) -> Question:
        """The request as it is sent; its key is the hash of everything that the reply depends on."""
        form = strict_schema(schema)
        key = content_hash("call-1", self._server.host, model, prompt, list(messages), form, limit)
        return Question(key, model, prompt, request.role, tuple(messages), schema, limit)

    @asynccontextmanager
    async def _alone(self, key: str) -> Any:
        """Equal questions of this process one after the other: the second finds the answer of the first."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            yield

    async def _ask_server(self, request: Request[Any], question: Question, abilities: Abilities) -> Outcome:
        """Make the call, in a weaker form of reply when the server refuses this schema."""
        form = (question.model, question.schema.__name__)
        abilities = self._forms.get(form, abilities)
        while True:
            outcome, attempt = await self._call(request, question, abilities)
            lower = weaker(abilities, MODES) if attempt is not None and attempt.form_refused else None
            if outcome.completion is not None or lower is None:
                return outcome
            self._forms[form] = abilities = lower

    async def _call(
        self, request: Request[Any], question: Question, abilities: Abilities
    ) -> tuple[Outcome, Attempt | None]:
        """Reserve, ask, try again within the deadline, settle; a ledger row for each time that may have to be paid."""
        await self._server.ready()
        ends = self._loop.time() + self._settings.model_deadline
        said = with_schema("", "text", question.schema)
        reserved, tries = await self._ledger.reserve(request, question, said), 0
        while not isinstance(reserved, str):
            attempt = await self._server.send(question, abilities, ends)
            tries += 1
            wait = self._wait_before_next(attempt, tries, ends, abilities)
            if wait is None:
                await self._ledger.settle(reserved, attempt)
                self._take_note(attempt)
                done = Completion(reserved.id, attempt.content or "", attempt.finish, attempt.refusal)
                return Outcome(None if attempt.failure else done, attempt.failure, reserved.id), attempt
            if attempt.charged == "perhaps":
                await self._ledger.settle(reserved, attempt)
                reserved = await self._ledger.reserve(request, question, said)
            else:
                reserved.attempts += 1
            await asyncio.sleep(wait)
        return Outcome(None, Failure("budget", reserved)), None

    def _wait_before_next(self, attempt: Attempt, tries: int, ends: float, abilities: Abilities) -> float | None:
        """Seconds before the same is asked again; None when it is not."""
        if attempt.failure is None or not attempt.again or (attempt.form_refused and abilities.mode != "text"):
            return None
        if tries >= MOST_ATTEMPTS and attempt.failure.kind != "quota":
            return None
        own = min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT)
        wait = own if attempt.wait is None else attempt.wait
        return wait if self._loop.time() + wait < ends else None

    def _take_note(self, attempt: Attempt) -> None:
        """Give a server up that refuses the key, has no quota left, or was silent several times in a row."""
        failure = attempt.failure
        if failure is None:
            self._silent = 0
            return
        self._ledger.figures.failures += 1
        self._silent += failure.kind in _WAITED_FOR
        if attempt.stop or failure.kind == "quota":
            self._stopped = self._stopped or failure
        elif self._silent >= PATIENCE:
            said = f"{failure.detail}; given up for this run after {PATIENCE} calls without an answer"
            self._stopped = self._stopped or Failure(failure.kind, said)

    async def _abilities_of(self, request: Request[Any], model: str) -> Abilities | Failure:
        """What the server does for this model: remembered, kept in the database, or probed now, once."""
        async with self._alone(f"probe {model}"):
            if model in self._abilities:
                return self._abilities[model]
            if self._stopped is not None:  # while this one waited for another's probe
                return self._stopped
            kept = await self._ledger.abilities(self._server.base_url, model, days=probe.DAYS)
            found = Abilities(**kept) if kept else await self._probe(request, model)
            if isinstance(found, Failure) and found.kind == "timeout":  # the others would each wait as long
                self._stopped = self._stopped or found
            if isinstance(found, Abilities):
                self._abilities[model] = found
                if not kept:
                    await self._ledger.keep_abilities(self._server.base_url, model, vars(found))
            return found

    async def _answered_before(self, key: str) -> tuple[Outcome, Attempt | None] | None:
        """The kept reply to a probe, as `_call` gives one."""
        kept = await self._ledger.answered(key)
        if kept is None:
            return None
        return Outcome(kept), Attempt(kept.content, kept.finish_reason, kept.refusal)

    async def _probe(self, request: Request[Any], model: str) -> Abilities | Failure:
        """Ask down the ladder until the server shows that it honours a form of reply."""
        abilities, last = Abilities(), await self._ledger.probed_at(self._server.base_url, model)
        while True:
            schema = probe.AnyJson if abilities.mode in ("json_object", "text") else probe.Ready
            # The moment of the last probe, so that a run that was killed while it probed finds what it was answered.
            key = content_hash("probe", last, self._server.base_url, model, vars(abilities))
            messages = ({"role": "system", "content": probe.SYSTEM}, {"role": "user", "content": probe.USER})
            question = Question(
                key, model, probe.PROMPT, request.role, messages, schema, probe.MAX_TOKENS, in_words=False
            )
            await self._ledger.hold(key)
            try:
                outcome, attempt = await self._answered_before(key) or await self._call(request, question, abilities)
            finally:
                await self._ledger.release(key)
            if attempt is None:
                return outcome.failure or Failure("budget", "no budget for a probe")
            lower = probe.next_try(abilities, attempt)
            if lower is None:
                return outcome.failure or abilities
            abilities = lower


def _refusal(completion: Completion) -> str:
    """Why the model declined; empty when it did not. Its own words stay out: they may repeat a source's."""
    if completion.finish_reason == "content_filter":
        return "a content filter stopped the reply"
    return "the model declined to answer" if completion.refusal else ""


def _read(completion: Completion, request: Request[T], limit: int) -> tuple[T | None, list[str]]:
    if completion.finish_reason == "length":
        return None, [f"the reply was cut off at {limit} tokens: answer shorter"]
    return read_reply(completion.content, request.schema, request.check)
