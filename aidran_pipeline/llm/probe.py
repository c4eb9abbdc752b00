"""What a server can do: asked once, kept in PostgreSQL, asked again after a month.

The question does not say what the reply looks like: only a server that is held to the schema can know. What does not
belong here: HTTP, the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from aidran_pipeline.llm.answers import Attempt
from aidran_pipeline.llm.client import Abilities, weaker
from aidran_pipeline.llm.forms import MODES, read_reply

PROMPT = "probe-1"
SYSTEM = "You are being tested for the form of your replies. Reply in JSON."
USER = "Say that you are ready."
MAX_TOKENS = 1000  # some models think before they answer
DAYS = 30


class Ready(BaseModel):
    """The form of the reply to a probe: names and values that no model gives by chance."""

    model_config = ConfigDict(extra="forbid")
    aidran_probe: Literal["settled-7"]
    ready: bool


class AnyJson(BaseModel):
    """Any JSON object."""

    model_config = ConfigDict(extra="allow")


def next_try(abilities: Abilities, attempt: Attempt) -> Abilities | None:
    """What to try after an attempt; None when this one settles it, well or badly."""
    if attempt.failure is None:
        return None if _fits(abilities.mode, attempt) else weaker(abilities, MODES)
    said = attempt.said.lower()
    if "max_completion_tokens" in said and abilities.token_parameter == "max_tokens":  # noqa: S105
        return replace(abilities, token_parameter="max_completion_tokens")  # noqa: S106
    if "temperature" in said and abilities.temperature:
        return replace(abilities, temperature=False)
    if attempt.form_refused or attempt.failure.kind == "contract":
        return weaker(abilities, MODES)
    return None


def _fits(mode: str, attempt: Attempt) -> bool:
    """Whether the reply shows that the server honours the form. In plain text any reply will do."""
    if mode == "text":
        return True
    schema: type[BaseModel] = AnyJson if mode == "json_object" else Ready
    return read_reply(attempt.content or "", schema, None)[0] is not None
