"""What came of one HTTP request to a model server: a completion, or a failure with whether to try again and who pays.

Pure: it reads statuses, headers and bodies, and imports neither openai nor a socket.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aidran_pipeline.llm.asking import Failure, FailureKind
from aidran_pipeline.llm.forms import REFUSED_FORM, storable

_EMPTY_ACCOUNT = ("insufficient_quota", "billing_hard_limit_reached", "insufficient_credits", "payment_required")
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
# A gateway gave up on a server that may have done the work.
_PERHAPS_CHARGED = {502, 504}


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counts them; cached is part of input, reasoning of output."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Attempt:
    """One HTTP request. Either content (with finish, refusal, usage) or failure is set.

    again: whether the same request may succeed; wait: seconds that the server asks for; charged: whether it may have to
    be paid for; form_refused: the server does not take this form of reply; stop: nothing more is asked of this server.
    """

    content: str | None = None
    finish: str = ""
    refusal: str | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    again: bool = False
    wait: float | None = None
    charged: Literal["no", "yes", "perhaps"] = "no"
    form_refused: bool = False
    stop: bool = False
    said: str = ""


def failed(kind: FailureKind, detail: str, **more: Any) -> Attempt:
    """An attempt without a completion."""
    return Attempt(failure=Failure(kind, detail), **more)


def read_completion(body: bytes, content_type: str, where: str) -> Attempt:
    """What a body with status 200 holds. A page of HTML is a wrong address or a portal in between, not a reply."""
    try:
        data = json.loads(body)
    except ValueError:
        what = "a page of HTML" if "html" in content_type or body.lstrip()[:1] == b"<" else "something that is no JSON"
        return failed("unreachable", f"{where} answered 200 with {what}: check OPENAI_BASE_URL")
    if not isinstance(data, dict) or not isinstance(data.get("choices"), list):
        return failed("unreachable", f"{where} answered 200 without a completion: check OPENAI_BASE_URL")
    usage = _usage(data.get("usage"))
    choice = data["choices"][0] if data["choices"] and isinstance(data["choices"][0], dict) else {}
    content, refusal = _part(choice, "message", "content"), _part(choice, "message", "refusal")
    return Attempt(
        content=storable(content) if isinstance(content, str) else "",
        finish=str(choice.get("finish_reason") or "none"),
        refusal=storable(refusal) if isinstance(refusal, str) and refusal else None,
        usage=usage,
        charged="yes",
    )


def _usage(data: Any) -> Usage | None:
    """Token counts, None when the server does not give them or they are no counts."""
    if not isinstance(data, dict):
        return None
    read, written = _count(data.get("prompt_tokens")), _count(data.get("completion_tokens"))
    if read is None or written is None or read + written == 0:
        return None
    cached = _count(_part(data, "prompt_tokens_details", "cached_tokens")) or 0
    reasoning = _count(_part(data, "completion_tokens_details", "reasoning_tokens")) or 0
    return Usage(read, written, min(cached, read), min(reasoning, written))


def _part(data: Mapping[str, Any], name: str, part: str) -> Any:
    inner = data.get(name)
    return inner.get(part) if isinstance(inner, dict) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def read_error(status: int, headers: Mapping[str, str], body: bytes, where: str, model: str) -> Attempt:
    """What an error status means."""
    error = _error_of(body)
    said = " ".join(str(error.get(name) or "") for name in ("code", "type", "param", "message")).strip()
    code = f"{error.get('code') or ''} {error.get('type') or ''}"
    if status == 402 or any(word in code for word in _EMPTY_ACCOUNT):
        return failed("quota", f"the account at {where} is exhausted ({status})", stop=True, said=said)
    if status in (401, 403):
        detail = f"{where} does not take the key ({status}): check OPENAI_API_KEY"
        return failed("key", detail, stop=True, said=said)
    if status == 404:
        detail = f"{where} has no model {model} or is no model server (404): check AIDRAN_MODEL and OPENAI_BASE_URL"
        return failed("unreachable", detail, stop=True, said=said)
    if "content_filter" in code or "content_policy" in code:
        return failed("refused", f"a content filter at {where} declined the question ({status})", said=said)
    if status in _AGAIN:
        kind: FailureKind = "quota" if status == 429 else "unreachable"
        words = f"{where} limits the calls (429)" if status == 429 else f"{where} answers {status}"
        return failed(
            kind,
            words,
            again=headers.get("x-should-retry") != "false",
            wait=retry_after(headers),
            charged="perhaps" if status in _PERHAPS_CHARGED else "no",
            form_refused=status == 500 and bool(REFUSED_FORM.search(said)),
            said=said,
        )
    if status in (400, 422, 501):
        refused = bool(REFUSED_FORM.search(said))
        return failed("contract", f"{where} does not take the question ({status})", form_refused=refused, said=said)
    return failed("unreachable", f"{where} answers {status}", said=said)


def _error_of(body: bytes) -> dict[str, Any]:
    """The error object of a body, in the two shapes in use; raw words otherwise."""
    try:
        data = json.loads(body)
    except ValueError:
        return {"message": body[:2000].decode("utf-8", "replace")}
    inner = data.get("error", data) if isinstance(data, dict) else data
    return inner if isinstance(inner, dict) else {"message": str(inner)[:2000]}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: Retry-After-Ms, or Retry-After in seconds or as a date; None without one.

    A date is taken against the reply's own Date, so that a clock that goes wrong, here or there, does not matter.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if (seconds := _number(text)) is not None:
        return seconds
    until, now = _moment(text), _moment(headers.get("date"))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 10**9 else None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
