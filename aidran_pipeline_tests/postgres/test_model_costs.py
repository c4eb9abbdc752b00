"""`aidran costs`: what is on record, told to a person and to a program."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aidran_pipeline.cli import app
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.llm import open_models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.model_calls import cost_of
from aidran_pipeline.store.model_pauses import store_pause
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline_tests.model_questions import DAY, NOW, good, question, run
from aidran_pipeline_tests.scripted_model import ChatRequest, Reply, serving
from aidran_pipeline_tests.scripted_model.players.faults import failing, refusing

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}
PRICES = """
prices:
  - {server: 127.0.0.1, model: scripted-1, from: 2026-01-01, input: 1, output: 10}
"""


@pytest.fixture
def spent(database_url: str, conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two editions: one with a price, a refusal and an outage; one that uses an answer again and has no price."""
    sync_topics(conn, load_topics(), now=NOW)
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES)

    def play(request: ChatRequest) -> Reply:
        if request.user == "refuse":
            return replace(refusing(good)(request), usage=USAGE)
        return failing(good)(request) if request.user == "fail" else Reply(good(request).content, usage=USAGE)

    calls: list[int] = []
    with serving(play) as server:
        values: dict[str, Any] = {"AIDRAN_PRICES": prices, "AIDRAN_MODEL_DEADLINE": 1}
        with open_models(server.settings(**values), database_url, run()) as models:
            for text in ("one", "two", "refuse", "fail"):
                calls += models.ask([question(text, topic="ai-geopolitics")])[0].calls
            models.ask([question("three", topic="ai-law")])
        other = server.settings(AIDRAN_READER_MODEL="scripted-2", **values)
        with open_models(other, database_url, run("run-2")) as models:
            models.ask([question("four", day=date(2026, 5, 21), topic="ai-law")])
        with open_models(server.settings(**values), database_url, run("run-2")) as models:
            models.ask([question("three", day=date(2026, 5, 21), topic="ai-law")])
    monkeypatch.setenv("AIDRAN_DATABASE_URL", database_url)
    monkeypatch.setenv("AIDRAN_HOME", str(tmp_path))
    return calls


def costs(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["costs", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_costs_by_edition_article_and_model(spent: list[int]) -> None:
    found = json.loads(costs("--json"))
    first, second = found["editions"]
    per_call = Decimal(1000 * 1 + 100 * 10) / 1_000_000
    assert first["day"] == "2026-05-20" and first["calls"] == 6 and first["failures"] == 2 and first["unpriced"] == 0
    assert first["cost_usd"] == pytest.approx(float(4 * per_call), rel=0.1)  # and a probe of a few tokens
    assert (second["calls"], second["cached"], second["cost_usd"], second["cost"]) == (2, 1, None, "unknown")
    articles = {(row["day"], row["topic"]): row for row in found["articles"]}
    assert articles["2026-05-20", "ai-geopolitics"]["calls"] == 5 and articles["2026-05-20", "ai-law"]["calls"] == 1
    assert [(row["role"], row["model"], row["server"]) for row in found["models"]] == [
        ("reader", "scripted-1", "127.0.0.1"),
        ("reader", "scripted-2", "127.0.0.1"),
    ]


def test_costs_for_a_person_say_what_is_unknown_and_what_is_left(spent: list[int]) -> None:
    said = costs()
    assert "unknown" in said and "AIDRAN_PRICES" in said and "left for the UTC day" in said
    day = costs("--day", "2026-05-20", "--topic", "ai-law")
    assert "ai-geopolitics" not in day and "0.0020 USD" in day and "unknown" not in day
    assert "left for the edition of 2026-05-20: 4.99 of 5.00 USD" in day
    assert "No model was asked for the edition of 2026-05-01." in costs("--day", "2026-05-01")


def test_costs_say_who_is_given_up(spent: list[int], conn: Connection) -> None:
    now = datetime.now(UTC)
    for model, until in (("a@h", now - timedelta(minutes=1)), ("b@h", now + timedelta(hours=5))):
        store_pause(conn, "reader", model, since=now - timedelta(hours=1), until=until, reason="it misread", run_id="r")
    said = costs()
    assert f"given up until {now + timedelta(hours=5):%Y-%m-%d %H:%M} UTC: the reader b@h, as it misread" in said
    assert "a@h" not in said
    assert [row["model"] for row in json.loads(costs("--json"))["given_up"]] == ["b@h"]


def test_a_wrong_topic_or_day_is_exit_2() -> None:
    for arguments in (["costs", "--topic", "ai-geopolitic"], ["costs", "--day", "someday"]):
        assert CliRunner().invoke(app, arguments).exit_code == 2


def test_cost_of_an_edition_a_topic_and_an_article_version(spent: list[int], conn: Connection) -> None:
    whole, law = cost_of(conn, DAY), cost_of(conn, DAY, "ai-law")
    assert (whole.calls, whole.failures, law.calls, law.tokens, law.cost) == (6, 2, 1, 1100, Decimal("0.002"))
    assert cost_of(conn, date(2026, 5, 21)).cost is None and cost_of(conn, date(2026, 5, 21)).cached == 1
    assert cost_of(conn, date(2026, 5, 1)).calls == 0
    conn.execute(
        """INSERT INTO articles (day, topic, slug) VALUES ('2026-05-20', 'ai-geopolitics', 'x');
           INSERT INTO article_versions (article_id, number, gates_passed, published_at, records_read, records_cited,
               pages_cited, warming_up, inputs, engine, engine_version, judge, judge_version, input_hash, content_hash, run_id)
           SELECT id, 1, true, now(), 1, 1, 0, false, '{}', 'model', '1', 'support', '1', 'h', 'h', 'r' FROM articles"""
    )
    assert (version := conn.execute("SELECT id FROM article_versions").fetchone()) is not None
    assert cost_of(conn, article_version_id=version["id"]).calls == 0
    conn.execute("UPDATE article_versions SET inputs = jsonb_build_object('calls', %s::bigint[])", (spent[:2],))
    assert cost_of(conn, article_version_id=version["id"]).cost == Decimal("0.004")
