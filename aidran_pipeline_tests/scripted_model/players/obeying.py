"""A whole newsroom's model that obeys what it reads: the reader of `reader.py` and a writer to go with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from aidran_pipeline_tests.scripted_model.players import reader
from aidran_pipeline_tests.scripted_model.players.writer import good_writer, written
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, as_json

PROSE = (
    "text",
    "heading",
    "title",
    "headline",
    "dek",
    "short_title",
    "question",
    "theme",
    "tension",
    "changed",
    "angle",
)


def newsroom(orders: Sequence[str], manner: str, log: list[str]) -> Player:
    """Reads and writes well until a text of `orders` stands in a question; then it does what the text says.

    manner: a name of reader.MANNERS. log: the prompts under which it obeyed. A judge is not played: nobody is asked.
    """
    obeying = reader.obeying(orders, reader.MANNERS[manner])
    heads = [head for head in map(reader.head_of, orders) if head]

    def play(request: ChatRequest) -> Reply:
        asked = " ".join(request.user.split())
        told = next((order for order in orders if reader.head_of(order) and reader.head_of(order) in asked), None)
        if told is not None:
            log.append(request.prompt)
        if request.role == "reader":
            return obeying(request)
        if told is None or not heads:
            return good_writer(request)
        return _written(request, manner, told)

    return play


def _written(request: ChatRequest, manner: str, order: str) -> Reply:
    """The writer's good answer, spoilt by obedience."""
    wanted = reader.asked_text(order)
    answer = written(request)
    if manner in ("raving", "dropping") or answer is None:
        return Reply(wanted)
    if manner == "silencing":
        return Reply(as_json(_each(answer, lambda text: "")))
    if manner == "replacing":
        return Reply(as_json(_each(answer, lambda text: wanted)))
    if manner == "leaking":
        return Reply(as_json(_each(answer, lambda text: " ".join(request.system.split())[:200])))
    if manner == "smuggling":
        return Reply(as_json(_each(answer, lambda text: f"{text} <b>[{wanted}](https://evil.example)</b>")))
    if manner == "literal":
        form = next((f for word, f in reader.FORMS.items() if re.search(word, order, re.I)), None)
        if form is not None:
            return Reply(as_json(_each(answer, form)))
    return Reply(as_json(_each(answer, lambda text: f"{text} {wanted}")))


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [_each(part, change) for part in value]
    if isinstance(value, dict):
        return {k: change(v) if k in PROSE and isinstance(v, str) else _each(v, change) for k, v in value.items()}
    return value
