"""Questions to a scripted model, for the tests of calls: a day, a schema, a good player, rows of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, Field

from aidran_pipeline.llm import Request
from aidran_pipeline.store.db import connect
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.scripted_model import ChatRequest, Reply, as_json

DAY = date(2026, 5, 20)
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


class Said(BaseModel):
    """One thing said."""

    quote: str = Field(min_length=1)
    speaker: str | None = None


class Sayings(BaseModel):
    """The reply of the good player: what the question said, in capitals."""

    sayings: list[Said]


def run(name: str = "run-1", now: datetime = NOW) -> Run:
    return Run(name, now)


def question(
    text: str,
    *,
    day: date = DAY,
    topic: str | None = None,
    check: Callable[[Sayings], list[str]] | None = None,
    **more: Any,
) -> Request[Sayings]:
    return Request("reader", "read-test-1", "Repeat it.", text, Sayings, day, topic, check=check, **more)


def good(request: ChatRequest) -> Reply:
    """Repeats the question in capitals."""
    return Reply(as_json({"sayings": [{"quote": request.user.upper(), "speaker": None}]}))


def something(value: Sayings) -> list[str]:
    """A check: an empty list is no answer."""
    return [] if value.sayings else ["sayings: name at least one"]


def ledger(url: str, *, probes: bool = False) -> list[dict[str, Any]]:
    """The rows of the ledger, in order."""
    with connect(url) as conn:
        return conn.execute(
            "SELECT * FROM model_calls WHERE %s OR prompt NOT LIKE 'probe-%%' ORDER BY id", (probes,)
        ).fetchall()


def everything(url: str) -> list[Any]:
    """Every row of the three tables of models."""
    with connect(url) as conn:
        return [
            conn.execute(f"SELECT to_jsonb(t) AS row FROM {name} t ORDER BY 1").fetchall()
            for name in ("model_calls", "model_completions", "model_servers")
        ]
