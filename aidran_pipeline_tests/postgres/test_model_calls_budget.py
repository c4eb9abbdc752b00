"""Budgets hold, whoever spends: one run, many at once, killed ones. Runs are real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.llm import open_models
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.model_calls import cost_of, held_for
from aidran_pipeline_tests.conftest import REPOSITORY
from aidran_pipeline_tests.model_questions import DAY, NOW, everything, good, ledger, question, run
from aidran_pipeline_tests.scripted_model import ChatRequest, Player, Reply, ScriptedServer, serving
from aidran_pipeline_tests.scripted_model.players.faults import losing

# A process that asks: url, run, questions from and to, edition; settings come from the environment.
ASKING = """
import signal
import sys
from datetime import date
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.llm import open_models
from aidran_pipeline_tests.model_questions import question, run
url, name, first, last, day = sys.argv[1:]
with open_models(Settings(), url, run(name)) as models:
    texts = [f"question {n}" for n in range(int(first), int(last))]
    answers = models.ask([question(text, day=date.fromisoformat(day), max_tokens=100) for text in texts])
print(" ".join(a.failure.kind if a.failure else "answered" for a in answers))
"""


def start(
    server: ScriptedServer, url: str, name: str, first: int, last: int, day: Any = DAY, **more: Any
) -> subprocess.Popen[str]:
    """An asking process."""
    environment = {
        **os.environ,
        "AIDRAN_ENGINE": "model",
        "AIDRAN_MODEL": "scripted-1",
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": "sk-scripted",
        **{key: str(value) for key, value in more.items()},
    }
    command = [sys.executable, "-c", ASKING, url, name, str(first), str(last), str(day)]
    return subprocess.Popen(
        command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> list[str]:
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-2000:]
    return said.split()


def one_by_one(server: ScriptedServer, url: str, number: int, **values: Any) -> list[str]:
    with open_models(server.settings(AIDRAN_MODEL_CONCURRENCY=1, **values), url, run()) as models:
        answers = models.ask([question(f"question {n}", max_tokens=100) for n in range(number)])
    return [a.failure.kind if a.failure else "answered" for a in answers]


def worst_case(url: str) -> int:
    return max(row["reserved_tokens"] for row in ledger(url))


def test_over_budget_nothing_is_asked_and_the_answer_says_what_is_left(database_url: str) -> None:
    with serving(good) as server:
        one_by_one(server, database_url, 1)
        budget = sum(row["held_tokens"] for row in ledger(database_url, probes=True)) + worst_case(database_url)
        asked = len(server.requests)
        with open_models(server.settings(AIDRAN_EDITION_BUDGET_TOKENS=budget - 1), database_url, run()) as models:
            (answer,) = models.ask([question("question 1", max_tokens=100)])
        assert answer.failure is not None and answer.failure.kind == "budget" and len(server.requests) == asked
        assert (
            f"of {budget - 1} tokens left" in answer.failure.detail
            and "the edition of 2026-05-20" in answer.failure.detail
        )
        assert one_by_one(server, database_url, 1, AIDRAN_EDITION_BUDGET_TOKENS=0) == [
            "answered"
        ]  # kept answers are free


def test_dollars_bound_what_has_a_price_and_tokens_what_has_none(database_url: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("prices:\n  - {server: 127.0.0.1, model: scripted-1, from: 2026-01-01, input: 10, output: 100}\n")
    usage = {"prompt_tokens": 100, "completion_tokens": 100}  # 0.011 USD a call
    with serving(lambda request: Reply(good(request).content, usage=usage)) as server:
        found = one_by_one(server, database_url, 16, AIDRAN_PRICES=prices, AIDRAN_DAY_BUDGET_USD="0.15")
        assert found[0] == "answered" and found[-1] == "budget"
        with connect(database_url) as conn:
            assert held_for(conn, "spent_on", DAY)[1] <= Decimal("0.15")
        # The same without a price: only tokens bound it.
        assert one_by_one(server, database_url, 16, AIDRAN_DAY_BUDGET_USD="0.15") == ["answered"] * 16


def test_each_edition_and_each_utc_day_has_its_own(database_url: str) -> None:
    with serving(good) as server:
        values: dict[str, Any] = {"AIDRAN_EDITION_BUDGET_TOKENS": 2000}
        with open_models(server.settings(**values), database_url, run()) as models:
            for day in range(10, 15):
                (answer,) = models.ask([question("x", day=DAY.replace(day=day), max_tokens=100)])
                assert answer.failure is None
        spent = cost_of_day(database_url)
        with open_models(server.settings(AIDRAN_DAY_BUDGET_TOKENS=spent), database_url, run()) as models:
            (answer,) = models.ask([question("y", day=DAY.replace(day=1), max_tokens=100)])
            assert answer.failure is not None and "the UTC day 2026-05-20" in answer.failure.detail
        tomorrow = run("run-2", NOW + timedelta(days=1))
        enough = spent + worst_case(database_url)
        with open_models(server.settings(AIDRAN_DAY_BUDGET_TOKENS=enough), database_url, tomorrow) as models:
            (answer,) = models.ask([question("y", day=DAY.replace(day=1), max_tokens=100)])
            assert answer.failure is None


def cost_of_day(url: str) -> int:
    with connect(url) as conn:
        return held_for(conn, "spent_on", DAY)[0]


def test_runs_at_once_never_exceed_the_budget(database_url: str) -> None:
    """Four processes, two editions, forty questions: at no moment is more held than the budget allows."""
    most, stop = [0], threading.Event()

    def watch() -> None:
        with connect(database_url) as conn:
            while not stop.is_set():
                most[0] = max(most[0], held_for(conn, "spent_on", DAY)[0])
                time.sleep(0.005)

    def unhurried(request: ChatRequest) -> Reply:
        time.sleep(0.05)
        return good(request)

    with serving(unhurried) as server:
        one_by_one(server, database_url, 1)
        budget = cost_of_day(database_url) + 6 * worst_case(database_url)
        watcher = threading.Thread(target=watch)
        watcher.start()
        running = [
            start(server, database_url, f"run-{n}", 10 * n, 10 * n + 10, DAY.replace(day=20 + n % 2),
                  AIDRAN_DAY_BUDGET_TOKENS=budget)
            for n in range(1, 5)
        ]  # fmt: skip
        found = [kind for process in running for kind in ended(process)]
        stop.set()
        watcher.join()
        assert len(found) == 40 and set(found) <= {"answered", "budget"} and found.count("answered") >= 6
        assert server.charged <= cost_of_day(database_url) <= budget
        assert budget - worst_case(database_url) < most[0] <= budget


def test_the_same_question_of_two_runs_at_once_is_paid_for_once(database_url: str) -> None:
    def unhurried(request: ChatRequest) -> Reply:
        time.sleep(0.2)
        return good(request)

    with serving(unhurried) as server:
        one_by_one(server, database_url, 1)
        running = [start(server, database_url, f"run-{n}", 1, 9) for n in (1, 2)]
        assert [ended(process) for process in running] == [["answered"] * 8] * 2
        assert len(server.requests) == 9
        assert all(request.attempt == 1 for request in server.requests)


@pytest.mark.parametrize("at", [1, 2, 4])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_killed_at_any_call_pays_for_none_twice(database_url: str, at: int, moment: str) -> None:
    """Killed outright while call `at` is with the server, or when its answer is on the way."""
    running: list[subprocess.Popen[str]] = []

    def deadly(request: ChatRequest) -> Reply:
        if request.number == at and request.attempt == 1:
            if moment == "after":
                threading.Timer(0.05, running[0].send_signal, [signal.SIGKILL]).start()
                return Reply(good(request).content, delay=0.6)
            running[0].send_signal(signal.SIGKILL)
            running[0].wait(30)
            return Reply.error(503)  # nobody hears it
        return good(request)

    with serving(deadly) as server:
        running.append(start(server, database_url, "run-1", 0, 5, AIDRAN_MODEL_CONCURRENCY=1))
        running[0].communicate(timeout=60)
        assert running[0].returncode == -signal.SIGKILL
        with connect(database_url) as conn:
            before = cost_of(conn, DAY)
        assert before.unsettled == 1 and before.unsettled_tokens >= 100
        assert before.calls == at + 1  # and the probe
        assert ended(start(server, database_url, "run-2", 0, 5)) == ["answered"] * 5
        assert (
            len(server.requests) == 6 and len(server.charges) == 6
        )  # five questions, one of them asked twice; a probe
        assert max(request.attempt for request in server.requests) == 2
        rows = ledger(database_url)
        assert [row["status"] for row in rows].count("interrupted") == 1 and len(rows) == 6
        assert sum(row["input_tokens"] + row["output_tokens"] for row in ledger(database_url, probes=True)
                   if row["status"] == "answered") == server.charged  # fmt: skip
        kept = everything(database_url)
        assert ended(start(server, database_url, "run-3", 0, 5)) == ["answered"] * 5
        assert len(server.requests) == 6 and everything(database_url) == kept


def test_what_an_interrupted_call_reserved_stays_spent(database_url: str) -> None:
    waiting = threading.Event()

    def never(request: ChatRequest) -> Reply:
        waiting.set()
        return Reply(good(request).content, delay=30)

    with serving(good) as server:
        one_by_one(server, database_url, 1)
        before = cost_of_day(database_url)
        server.player = never
        process = start(server, database_url, "run-1", 5, 6)
        assert waiting.wait(60)
        with connect(database_url) as conn:
            assert cost_of(conn, DAY).unsettled == 0  # under way, not interrupted
        process.kill()
        process.communicate(timeout=30)
        held = cost_of_day(database_url) - before
        assert held == ledger(database_url)[-1]["reserved_tokens"]
        server.player = good
        (again,) = ended(start(server, database_url, "run-2", 6, 7, AIDRAN_DAY_BUDGET_TOKENS=before + held + 50))
        assert again == "budget"


def test_a_run_that_is_interrupted_by_its_user_ends_at_once(database_url: str) -> None:
    waiting = threading.Event()

    def never(request: ChatRequest) -> Reply:
        waiting.set()
        return Reply(good(request).content, delay=20)

    with serving(never) as server:
        process = start(server, database_url, "run-1", 0, 12)
        assert waiting.wait(60)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        process.communicate(timeout=30)
        assert time.monotonic() - started < 8 and process.returncode != 0
        asked = len(server.requests)
        assert 1 <= asked <= 4  # those side by side; none of the others was begun
        with connect(database_url) as conn:
            assert cost_of(conn, DAY).unsettled == asked


def test_a_lost_answer_is_asked_for_again_under_the_same_key(database_url: str) -> None:
    def play(player: Player, *, idempotent: bool) -> tuple[int, int]:
        with serving(player) as server:
            server.idempotent = idempotent
            with open_models(server.settings(AIDRAN_MODEL_DEADLINE=20), database_url, run()) as models:
                models.ask([question(f"lost {idempotent}")])
            return len(server.requests), len({request.key for request in server.requests})

    assert play(losing(good), idempotent=True) == (2, 1)
    assert play(losing(good), idempotent=False) == (4, 1)  # and each of the four is held at its worst
    assert [row["status"] for row in ledger(database_url)] == ["failed", "answered", *["failed"] * 4]
    assert all(
        row["held_tokens"] == row["reserved_tokens"] for row in ledger(database_url) if row["status"] == "failed"
    )


def test_the_ledger_refuses_what_cannot_be(conn: Connection) -> None:
    import psycopg

    columns = "request_key, status, day, spent_on, role, prompt, model, server, started_at, reserved_tokens, held_tokens, run_id"
    row = "repeat('a', 64), '{}', '2026-05-20', '2026-05-20', 'reader', 'p', 'm', 's', now(), 5, {}, 'r'"
    conn.execute(f"INSERT INTO model_calls ({columns}) VALUES ({row.format('reserved', 5)})")
    for wrong in (row.format("cached", 0), row.format("failed", 0), row.format("free", 0), row.format("answered", -1)):
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(f"INSERT INTO model_calls ({columns}) VALUES ({wrong})")
    with pytest.raises(psycopg.errors.CheckViolation, match="cost_needs_a_price"):
        conn.execute("UPDATE model_calls SET status = 'answered', cost_usd = 0")
