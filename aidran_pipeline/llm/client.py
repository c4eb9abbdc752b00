"""One HTTP request to a model server, through the `openai` client, which is imported by the first one.

The client retries nothing and follows no redirect: whether a call is made again is decided where it is paid for.
What does not belong here: the ledger, prices, what a reply means.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from aidran_pipeline.config.models import ModelSettings
from aidran_pipeline.llm.answers import Attempt, failed, read_completion, read_error
from aidran_pipeline.llm.forms import response_format, with_schema

if TYPE_CHECKING:
    from openai import APIConnectionError, AsyncOpenAI

Message = Mapping[str, str]
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Abilities:
    """What a server honours: the form of reply, the name of the limit, whether temperature 0 is taken."""

    mode: str = "json_schema"
    token_parameter: str = "max_tokens"  # noqa: S105  # no secret: the name of a parameter
    temperature: bool = True


@dataclass(frozen=True)
class Question:
    """One request as it is sent. prompt and role go out as headers X-Aidran-Prompt and X-Aidran-Role.

    in_words: whether the schema is told in the system message where the call itself does not hold the server to it.
    """

    key: str
    model: str
    prompt: str
    role: str
    messages: Sequence[Message]
    schema: type[BaseModel]
    max_tokens: int
    in_words: bool = True

    def body(self, abilities: Abilities) -> dict[str, Any]:
        """The parameters of the call."""
        first, *rest = self.messages
        said = with_schema(first["content"], abilities.mode, self.schema) if self.in_words else first["content"]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{**first, "content": said}, *rest] if said else list(rest),
            abilities.token_parameter: self.max_tokens,
        }
        if abilities.temperature:
            body["temperature"] = 0
        form = response_format(abilities.mode, self.schema)
        return body if form is None else {**body, "response_format": form}


@dataclass
class Server:
    """A model server. host: its name without port and credentials, part of every engine version."""

    base_url: str
    key: str
    concurrency: int
    host: str = ""
    _client: AsyncOpenAI | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: ModelSettings) -> Server:
        """The configured server. A server of one's own may need no key; the client insists on some text."""
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
        host = urlsplit(settings.openai_base_url).hostname or ""
        return cls(settings.openai_base_url, key, settings.model_concurrency, host)

    async def send(self, question: Question, abilities: Abilities, ends: float) -> Attempt:
        """Ask once. ends: the moment of the event loop's clock after which nothing is waited for. Raises nothing."""
        import openai

        seconds = ends - asyncio.get_running_loop().time()
        if seconds <= 0:
            return failed("timeout", f"no time was left to ask {self.host}")
        client = self._connect(openai)
        try:
            async with asyncio.timeout_at(ends):
                raw = await client.chat.completions.with_raw_response.create(
                    **question.body(abilities),
                    extra_headers={
                        "Idempotency-Key": question.key,
                        "X-Aidran-Prompt": question.prompt,
                        "X-Aidran-Role": question.role,
                    },
                    timeout=openai.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
                )
            answer = raw.http_response
            return read_completion(answer.content, answer.headers.get("content-type", ""), self.host)
        except (TimeoutError, openai.APITimeoutError) as error:
            return self._too_late(error)
        except openai.APIConnectionError as error:
            return self._no_answer(error)
        except openai.APIStatusError as error:
            response = error.response
            headers = {name.lower(): value for name, value in response.headers.items()}
            return read_error(response.status_code, headers, response.content, self.host, question.model)
        except openai.OpenAIError as error:
            return failed("unreachable", f"{self.host}: {type(error).__name__}", charged="perhaps")

    async def ready(self) -> None:
        """Import the client, which takes a second or two that no call's deadline should pay for."""
        await asyncio.to_thread(importlib.import_module, "openai")

    def _connect(self, openai: Any) -> AsyncOpenAI:
        if self._client is None:
            http = openai.DefaultAsyncHttpxClient(follow_redirects=False)
            self._client = openai.AsyncOpenAI(api_key=self.key, base_url=self.base_url, max_retries=0, http_client=http)
        assert self._client is not None
        return self._client

    def _too_late(self, error: BaseException) -> Attempt:
        """The deadline passed. Nothing is owed when not even a connection came about."""
        if type(error.__cause__).__name__ in ("ConnectTimeout", "PoolTimeout"):
            return failed("unreachable", f"{self.host} does not take connections", again=True)
        return failed("timeout", f"{self.host} did not answer in time", charged="perhaps")

    def _no_answer(self, error: APIConnectionError) -> Attempt:
        cause = type(error.__cause__).__name__
        if cause == "ConnectError":
            return failed("unreachable", f"no connection to {self.host}", again=True)
        return failed("unreachable", f"{self.host} broke the connection ({cause})", again=True, charged="perhaps")

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()


def weaker(abilities: Abilities, modes: Sequence[str]) -> Abilities | None:
    """The same server with the next form of reply down; None below plain text."""
    place = modes.index(abilities.mode) + 1
    return replace(abilities, mode=modes[place]) if place < len(modes) else None
