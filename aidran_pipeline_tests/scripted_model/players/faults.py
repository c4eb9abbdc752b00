"""Every bad behaviour of a model or its server, as players. Each takes a good player, so that any prompt can be spoilt.

    with serving(altered_quotes(good_reader)) as server: …

SPOILT names those whose words are wrong (the server is fine), BROKEN those whose server is. `once(bad, good)` behaves
badly at the first sight of each question and well afterwards.
"""

from __future__ import annotations

import email.utils
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, as_json

Spoiler = Callable[[Player], Player]


def once(bad: Player, good: Player) -> Player:
    """Bad at the first sight of each key, good when it is asked again."""
    seen: set[str] = set()
    lock = threading.Lock()

    def play(request: ChatRequest) -> Reply:
        with lock:
            first = request.key not in seen
            seen.add(request.key)
        return bad(request) if first else good(request)

    return play


def after_reask(bad: Player, good: Player) -> Player:
    """Bad until it is told why."""
    return lambda request: good(request) if request.reasked else bad(request)


# --- words that are wrong ---------------------------------------------------------------------------------------------


def _rewritten(good: Player, change: Callable[[Any], Any]) -> Player:
    """The good reply with its JSON changed; what is no JSON stays."""

    def play(request: ChatRequest) -> Reply:
        reply = good(request)
        try:
            value = json.loads(reply.content or "")
        except ValueError:
            return reply
        return replace(reply, content=as_json(change(value)))

    return play


def _each(value: Any, keys: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
    """The value with every entry under one of the keys changed, however deep."""
    if isinstance(value, list):
        return [_each(part, keys, change) for part in value]
    if isinstance(value, dict):
        return {key: change(part) if key in keys else _each(part, keys, change) for key, part in value.items()}
    return value


def altered_quotes(good: Player) -> Player:
    """Quotes with one word changed: the longest becomes "reportedly"."""

    def alter(quote: Any) -> Any:
        words = str(quote).split(" ")
        words[words.index(max(words, key=len))] = "reportedly"
        return " ".join(words)

    return _rewritten(good, lambda value: _each(value, ("quote", "quotes"), alter))


def invented_quotes(good: Player) -> Player:
    """Quotes that nobody said."""
    said = "The minister resigned on Friday after the model had deleted the entire national archive."
    return _rewritten(good, lambda value: _each(value, ("quote", "quotes"), lambda _quote: said))


def joined_quotes(good: Player) -> Player:
    """Quotes of two spans, joined by an ellipsis."""

    def join(quote: Any) -> Any:
        words = str(quote).split(" ")
        return " ".join([*words[:2], "…", *words[-2:]])

    return _rewritten(good, lambda value: _each(value, ("quote", "quotes"), join))


def duplicated(good: Player) -> Player:
    """Every list twice over."""

    def double(value: Any) -> Any:
        if isinstance(value, list):
            return [double(part) for part in (*value, *value)]
        return {key: double(part) for key, part in value.items()} if isinstance(value, dict) else value

    return _rewritten(good, double)


def empty_lists(good: Player) -> Player:
    """Every list empty."""

    def empty(value: Any) -> Any:
        if isinstance(value, list):
            return []
        return {key: empty(part) for key, part in value.items()} if isinstance(value, dict) else value

    return _rewritten(good, empty)


def wrong_ids(
    good: Player, keys: tuple[str, ...] = ("id", "ids", "record", "records", "claim", "claims_used")
) -> Player:
    """Ids that were never given."""

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [other(part) for part in value]
        return 999_999_999 if isinstance(value, int) else "c999999999" if isinstance(value, str) else value

    return _rewritten(good, lambda value: _each(value, keys, other))


def fenced(good: Player) -> Player:
    """Good JSON in a fence, with small talk around it."""
    return _wrapped(good, "Sure! Here is the JSON:\n```json\n", "\n```\nLet me know if you need anything else.")


def thinking(good: Player) -> Player:
    """Good JSON after thoughts, as some local models print them."""
    return _wrapped(good, "<think>The user wants {something}. I must be careful.</think>\n", "")


def _wrapped(good: Player, before: str, after: str) -> Player:
    def play(request: ChatRequest) -> Reply:
        reply = good(request)
        return replace(reply, content=f"{before}{reply.content}{after}")

    return play


def prose(_good: Player) -> Player:
    """No JSON at all."""
    return lambda _request: Reply("I think the conversation about AI is changing, and here is why.")


def other_schema(_good: Player) -> Player:
    """JSON of another form."""
    return lambda _request: Reply(as_json({"answer": 42, "items": [{"text": None}]}))


def control_characters(good: Player) -> Player:
    """Texts with NUL in them."""
    return _rewritten(good, lambda value: _each_text(value, lambda text: text + "\x00"))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_each_text(part, change) for part in value]
    if isinstance(value, dict):
        return {key: _each_text(part, change) for key, part in value.items()}
    return change(value) if isinstance(value, str) else value


def cut_off(good: Player) -> Player:
    """Stopped at the length limit, in the middle."""

    def play(request: ChatRequest) -> Reply:
        reply = good(request)
        content = reply.content or ""
        return replace(reply, content=content[: len(content) // 2], finish="length")

    return play


def refusing(_good: Player) -> Player:
    """The model declines."""
    return lambda _request: Reply(None, refusal="I can't help with that.")


def filtered(_good: Player) -> Player:
    """A content filter stops the reply."""
    return lambda _request: Reply("", finish="content_filter")


def silent(_good: Player) -> Player:
    """An empty reply."""
    return lambda _request: Reply("")


def no_choices(_good: Player) -> Player:
    """A completion without choices."""
    return lambda _request: Reply("", choices=False)


# --- a server that is broken ------------------------------------------------------------------------------------------


def html(_good: Player) -> Player:
    """Status 200 with a page: a login portal, a wrong address."""
    page = b"<!doctype html><html><title>Sign in</title><p>Please sign in to continue.</p></html>"
    return lambda _request: Reply(body=page, headers={"Content-Type": "text/html"})


def not_json(_good: Player) -> Player:
    """Status 200 with half a document."""
    return lambda _request: Reply(body=b'{"id": "chatcmpl-1", "choices": [{"mess')


def resetting(_good: Player) -> Player:
    """The connection is reset before anything is sent."""
    return lambda _request: Reply(reset=True)


def losing(good: Player) -> Player:
    """The work is done and charged, then the connection is reset."""
    return lambda request: replace(good(request), lost=True)


def stalling(good: Player, seconds: float = 5) -> Player:
    """Half an answer, then silence."""
    return lambda request: replace(good(request), stall=seconds)


def slow(good: Player, seconds: float = 5) -> Player:
    """Nothing for long."""
    return lambda request: replace(good(request), delay=seconds)


def failing(_good: Player, status: int = 500) -> Player:
    """A server error."""
    return lambda _request: Reply.error(status, "server_error", "The server had an error")


def limited_seconds(good: Player, seconds: str = "1") -> Player:
    """429 with Retry-After in seconds, then good."""
    return once(lambda _request: Reply.error(429, "rate_limit_exceeded", "slow down", retry_after=seconds), good)


def limited_milliseconds(good: Player, milliseconds: str = "300") -> Player:
    """429 with retry-after-ms, then good."""
    return once(
        lambda _request: Reply.error(429, "rate_limit_exceeded", "slow down", retry_after_ms=milliseconds), good
    )


def limited_date(good: Player, seconds: int = 2) -> Player:
    """429 with Retry-After as a date, then good."""

    def limit(_request: ChatRequest) -> Reply:
        until = email.utils.formatdate(time.time() + seconds, usegmt=True)
        return Reply.error(429, "rate_limit_exceeded", "slow down", retry_after=until)

    return once(limit, good)


def limited_for_long(_good: Player) -> Player:
    """429 with a wait that no deadline allows."""
    return lambda _request: Reply.error(429, "rate_limit_exceeded", "come back tomorrow", retry_after="86400")


def exhausted(_good: Player) -> Player:
    """An account without money."""
    return lambda _request: Reply.error(429, "insufficient_quota", "You exceeded your current quota", retry_after="1")


def bad_key(_good: Player) -> Player:
    """A key that is not known."""
    return lambda _request: Reply.error(401, "invalid_api_key", "Incorrect API key provided: sk-scr****")


def forbidden(_good: Player) -> Player:
    """A key that may not."""
    return lambda _request: Reply.error(403, "forbidden", "Project has no access")


def unknown_model(_good: Player) -> Player:
    """A model that the server does not have."""
    return lambda _request: Reply.error(404, "model_not_found", "The model does not exist")


def elsewhere(_good: Player) -> Player:
    """A redirect: the question and the key must not follow it."""
    return lambda _request: Reply(status=307, body=b"", headers={"Location": "http://127.0.0.1:9/v1/chat/completions"})


SPOILT: dict[str, Spoiler] = {
    "altered quotes": altered_quotes,
    "invented quotes": invented_quotes,
    "joined quotes": joined_quotes,
    "duplicate quotes": duplicated,
    "empty lists": empty_lists,
    "wrong ids": wrong_ids,
    "fenced": fenced,
    "thinking": thinking,
    "prose": prose,
    "other schema": other_schema,
    "control characters": control_characters,
    "cut off": cut_off,
    "refusal": refusing,
    "content filter": filtered,
    "silent": silent,
    "no choices": no_choices,
}
BROKEN: dict[str, Spoiler] = {
    "html": html,
    "not json": not_json,
    "resets": resetting,
    "loses": losing,
    "stalls": stalling,
    "slow": slow,
    "500": failing,
    "429 seconds": limited_seconds,
    "429 milliseconds": limited_milliseconds,
    "429 date": limited_date,
    "429 for long": limited_for_long,
    "quota": exhausted,
    "bad key": bad_key,
    "forbidden": forbidden,
    "unknown model": unknown_model,
    "redirect": elsewhere,
}
