"""The form of a reply: how it is asked for, from the strictest way a server knows down to words, and how it is read.

Pure. Whatever a server promises, every reply is validated here: some ignore the schema without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)

MODES = ("json_schema", "json_object+schema", "json_object", "text")
# Where a server says that it does not take a form of reply. llama-cpp-python answers 500, others 400 or 422.
REFUSED_FORM = re.compile(r"response_?format|json_?schema|json_?object|schema|grammar|structured", re.IGNORECASE)
_FENCE = re.compile(r"```[A-Za-z0-9_-]*\s*\n?(.*?)```", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_MOST_REASONS = 8
_UNSTRICT = ("title", "default")


def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """JSON schema as strict servers want it: every property required, none added, no defaults."""
    strict = _strict(schema.model_json_schema())
    assert isinstance(strict, dict)
    return strict


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    # Below "properties" and "$defs" a key is a name, not a keyword.
    kept = {
        key: {name: _strict(part) for name, part in value.items()} if key in ("properties", "$defs") else _strict(value)
        for key, value in node.items()
        if key not in _UNSTRICT
    }
    if node.get("type") == "object" and "properties" in kept:
        kept |= {"additionalProperties": False, "required": list(kept["properties"])}
    return kept


def response_format(mode: str, schema: type[BaseModel]) -> dict[str, Any] | None:
    """The `response_format` of a call in one mode; None in plain text."""
    if mode == "json_schema":
        name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
        return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": strict_schema(schema)}}
    if mode == "json_object+schema":
        return {"type": "json_object", "schema": strict_schema(schema)}
    return {"type": "json_object"} if mode == "json_object" else None


def with_schema(system: str, mode: str, schema: type[BaseModel]) -> str:
    """The system message, with the schema in words where the server is not held to it by the call itself."""
    if mode == "json_schema":
        return system
    said = json.dumps(strict_schema(schema), ensure_ascii=False)
    return f"{system}\n\nAnswer with one JSON object and nothing else. It follows this JSON schema:\n{said}".lstrip()


def read_reply(content: str, schema: type[T], check: Callable[[T], list[str]] | None) -> tuple[T | None, list[str]]:
    """The reply as the schema's model, or the reasons why it is none; fences and thoughts around it are left out."""
    if not content.strip():
        return None, ["the reply is empty"]
    value, reasons = None, ["the reply is not JSON"]
    for text in _candidates(content):
        value, reasons = _validated(text, schema)
        if value is not None:
            break
    if value is None:
        return None, reasons
    if _has_control_characters(value):
        return None, ["the reply holds control characters"]
    reasons = list(check(value)) if check is not None else []
    return (None, reasons[:_MOST_REASONS]) if reasons else (value, [])


def _candidates(content: str) -> list[str]:
    """Where the JSON of a reply may be: all of it, in a fence, from the first brace to the last; each once."""
    text = _THOUGHT.sub("", content).strip()
    found = [text, *(match.strip() for match in _FENCE.findall(text))]
    if (start := text.find("{")) >= 0 and (end := text.rfind("}")) > start:
        found.append(text[start : end + 1])
    return list(dict.fromkeys(found))


def _validated(text: str, schema: type[T]) -> tuple[T | None, list[str]]:
    try:
        return schema.model_validate_json(text), []
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if any(problem["type"] == "json_invalid" for problem in problems):
            return None, ["the reply is not JSON"]
        named = [f"{'.'.join(str(part) for part in p['loc']) or 'the reply'}: {p['msg']}" for p in problems]
        return None, named[:_MOST_REASONS]


def _has_control_characters(value: BaseModel) -> bool:
    """Whether a text holds what PostgreSQL cannot store: NUL, or half a surrogate pair."""
    try:
        said = value.model_dump_json()
    except (UnicodeEncodeError, ValueError):
        return True
    return bool(re.search(r"\\u0000|\\ud[89a-f]", said, re.IGNORECASE))


def storable(text: str) -> str:
    """A reply as PostgreSQL can keep it: NUL and half surrogate pairs become U+FFFD."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


def reask(reasons: list[str]) -> str:
    """What the model is told when its reply was not acceptable."""
    listed = "\n".join(f"- {reason}" for reason in reasons)
    return (
        f"That reply cannot be used:\n{listed}\nAnswer the whole question again, with the JSON object and nothing else."
    )


def most_tokens(*texts: str) -> int:
    """More tokens than any common tokenizer makes of the texts: for reservations, which are given back after the call.

    Two letters or digits a token, a token for any other ASCII character but spaces, and for each byte beyond ASCII; 16
    for the frame of each message. About twice the true number for English.
    """
    total = 0
    for text in texts:
        words = sum((len(word) + 1) // 2 for word in re.findall(r"[A-Za-z0-9]+", text))
        marks = len(re.findall(r"[^\sA-Za-z0-9]", text, re.ASCII)) + len(re.findall(r"\s+", text)) // 4
        beyond = len(text.encode("utf-8", "replace")) - len(text)
        total += words + marks + beyond + 16
    return total
