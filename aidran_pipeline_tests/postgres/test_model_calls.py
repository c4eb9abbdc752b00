"""Each bad behaviour of a model or its server, played to the real openai client over HTTP: what a stage gets, what is
on record, what it cost."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.llm import Answer, open_models
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.model_questions import (
    DAY,
    NOW,
    Sayings,
    everything,
    good,
    ledger,
    question,
    run,
    something,
)
from aidran_pipeline_tests.scripted_model import ChatRequest, Reply, ScriptedServer, as_json, serving
from aidran_pipeline_tests.scripted_model.players import faults
from aidran_pipeline_tests.tempting import tempting


def ask(
    server: ScriptedServer, url: str, *texts: str, name: str = "run-1", check: Any = None, **values: Any
) -> list[Answer[Sayings]]:
    """Ask side by side, in a run of their own."""
    with open_models(server.settings(**values), url, run(name)) as models:
        return models.ask([question(text, check=check) for text in texts])


def kinds(answers: list[Answer[Sayings]]) -> list[str]:
    return [answer.failure.kind if answer.failure else "answered" for answer in answers]


def test_answers_come_in_the_order_of_the_questions_within_the_bound(database_url: str) -> None:
    def later_first(request: ChatRequest) -> Reply:
        return Reply(good(request).content, delay=0 if request.user == "three" else 0.2)

    def counted(request: ChatRequest) -> Reply:
        time.sleep(0.1)
        return later_first(request)

    with serving(counted) as server:
        answers = ask(server, database_url, "one", "two", "three", "four", "five", "six", AIDRAN_MODEL_CONCURRENCY=3)
        assert [a.value.sayings[0].quote for a in answers if a.value] == ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"]
        assert server.most_at_once == 3
        request = server.requests[0]
        assert (request.prompt, request.role, request.mode) == ("read-test-1", "reader", "json_schema")
        assert request.body["temperature"] == 0 and request.headers["authorization"] == "Bearer sk-scripted"
    assert [row["id"] for row in ledger(database_url)] == sorted(call for a in answers for call in a.calls)


def test_the_same_question_is_asked_and_paid_for_once(database_url: str) -> None:
    with serving(good) as server:
        first = ask(server, database_url, "one", "two", "one")
        assert [a.cached for a in first].count(True) == 1
        before, charged = everything(database_url), server.charged
        again = ask(server, database_url, "one", "two", "one", name="run-2")
        assert all(a.cached for a in again) and [a.value for a in again] == [a.value for a in first]
        assert len(server.requests) == 2 and server.charged == charged and len(server.probes) == 1
    assert everything(database_url) == before
    # With the server gone, what was paid for is still there.
    assert kinds(ask(server, database_url, "two", name="run-3")) == ["answered"]


def test_what_a_reply_depends_on_is_part_of_its_key(database_url: str) -> None:
    with serving(good) as server:
        ask(server, database_url, "one")
        ask(server, database_url, "one", AIDRAN_READER_MODEL="scripted-2")
        with open_models(server.settings(), database_url, run()) as models:
            models.ask([question("one", max_tokens=900)])
            assert models.version("reader") == "scripted-1@127.0.0.1" and models.version("judge") == ""
        assert len({request.key for request in server.requests}) == 3


def test_another_edition_that_uses_an_answer_is_on_record_once(database_url: str) -> None:
    with serving(good) as server:
        ask(server, database_url, "one")
        for name in ("run-2", "run-3"):
            with open_models(server.settings(), database_url, run(name)) as models:
                (answer,) = models.ask([question("one", day=DAY.replace(day=21))])
                assert answer.cached
    rows = ledger(database_url)
    assert [(row["status"], str(row["day"]), row["held_tokens"]) for row in rows[1:]] == [("cached", "2026-05-21", 0)]
    assert rows[1]["paid_by"] == rows[0]["id"]


# --- words that are wrong ---------------------------------------------------------------------------------------------

WORDS = {
    "fenced": ("answered", 1),
    "thinking": ("answered", 1),
    "prose": ("contract", 2),
    "other schema": ("contract", 2),
    "control characters": ("contract", 2),
    "cut off": ("contract", 2),
    "empty lists": ("contract", 2),
    "silent": ("contract", 2),
    "no choices": ("contract", 2),
    "refusal": ("refused", 1),
    "content filter": ("refused", 1),
    # The form is kept: these are for the stages to find.
    "altered quotes": ("answered", 1),
    "invented quotes": ("answered", 1),
    "joined quotes": ("answered", 1),
    "duplicate quotes": ("answered", 1),
    "wrong ids": ("answered", 1),
}


@pytest.mark.parametrize("name", sorted(faults.SPOILT))
def test_spoilt_words_end_in_an_answer_or_a_failure_and_are_billed(database_url: str, name: str) -> None:
    expected, calls = WORDS[name]
    with serving(faults.SPOILT[name](good)) as server:
        answers = ask(server, database_url, "a long enough question", check=something)
        assert kinds(answers) == [expected] and len(server.requests) == calls
        rows = ledger(database_url)
        assert [row["status"] for row in rows] == ["answered"] * calls
        assert {row["failure"] for row in rows} == {None if expected == "answered" else expected}
        used = sum(row["input_tokens"] + row["output_tokens"] for row in ledger(database_url, probes=True))
        assert used == server.charged == sum(row["held_tokens"] for row in ledger(database_url, probes=True))
        # The same end without a call.
        assert kinds(ask(server, database_url, "a long enough question", check=something, name="run-2")) == [expected]
        assert len(server.requests) == calls and ledger(database_url) == rows


def test_every_bad_behaviour_has_its_expectation() -> None:
    assert set(WORDS) == set(faults.SPOILT) and set(SERVERS) == set(faults.BROKEN)


def test_a_reask_tells_the_reasons_and_is_enough(database_url: str) -> None:
    with serving(faults.after_reask(faults.empty_lists(good), good)) as server:
        (answer,) = ask(server, database_url, "hear me", check=something)
        assert answer.value is not None and len(answer.calls) == 2
        assert "name at least one" in server.requests[1].reasons and server.requests[1].user == "hear me"
    with serving(faults.after_reask(faults.other_schema(good), good)) as server:
        (answer,) = ask(server, database_url, "me too")
        assert "sayings: Field required" in server.requests[1].reasons


def test_a_reply_that_was_cut_off_gets_more_room(database_url: str) -> None:
    with serving(faults.after_reask(faults.cut_off(good), good)) as server:
        assert kinds(ask(server, database_url, "hear me")) == ["answered"]
        assert [request.body["max_tokens"] for request in server.requests] == [2000, 4000]


# --- servers that are broken ------------------------------------------------------------------------------------------

# What a stage gets, HTTP requests, whether the bill is settled, how the calls are on record.
SERVERS: dict[str, tuple[str, int, str]] = {
    "html": ("unreachable", 1, "free"),
    "not json": ("unreachable", 1, "free"),
    "resets": ("unreachable", 4, "open"),
    "loses": ("answered", 2, "open"),  # the key makes it be paid for once
    "stalls": ("timeout", 1, "open"),
    "slow": ("timeout", 1, "open"),
    "500": ("unreachable", 4, "free"),
    "429 seconds": ("answered", 2, "paid"),
    "429 milliseconds": ("answered", 2, "paid"),
    "429 date": ("answered", 2, "paid"),
    "429 for long": ("quota", 1, "free"),
    "quota": ("quota", 1, "free"),
    "bad key": ("key", 1, "free"),
    "forbidden": ("key", 1, "free"),
    "unknown model": ("unreachable", 1, "free"),
    "redirect": ("unreachable", 1, "free"),
}


@pytest.mark.parametrize("name", sorted(faults.BROKEN))
def test_broken_servers_end_in_a_failure_that_says_why(database_url: str, name: str) -> None:
    expected, calls, bill = SERVERS[name]
    deadline = 2 if name in ("stalls", "slow") else 20
    with serving(faults.BROKEN[name](good)) as server:
        started = time.monotonic()
        answers = ask(server, database_url, "one", AIDRAN_MODEL_DEADLINE=deadline)
        assert time.monotonic() - started < 12
        assert kinds(answers) == [expected] and len(server.requests) == calls
        assert len({request.key for request in server.requests}) == 1
        probed = ledger(database_url, probes=True)[0]["held_tokens"]
        held = sum(row["held_tokens"] for row in ledger(database_url))
        if bill == "free":
            assert held == 0 and server.charged == probed
        elif bill == "paid":
            assert held == server.charged - probed
        else:  # what may have been charged counts at its worst
            assert held >= 2000 and held >= server.charged - probed
    for row in ledger(database_url):
        assert row["status"] == "answered" or (row["failure"] and "sk-" not in row["detail"])
        assert row["latency_ms"] is not None


@pytest.mark.parametrize("name", ["429 seconds", "429 milliseconds", "429 date"])
def test_the_wait_that_a_server_asks_for_is_kept(database_url: str, name: str) -> None:
    with serving(good) as server:
        ask(server, database_url, "probe")
        server.player = faults.BROKEN[name](good)
        started = time.monotonic()
        ask(server, database_url, "one")
        least = {"429 seconds": 1.0, "429 milliseconds": 0.3, "429 date": 1.0}[name]
        assert least <= time.monotonic() - started < least + 2.5


@pytest.mark.parametrize("name", ["bad key", "quota"])
def test_nothing_more_is_asked_in_a_run_after_a_bad_key_or_an_empty_account(database_url: str, name: str) -> None:
    with serving(good) as server:
        ask(server, database_url, "probe")
        server.player = faults.BROKEN[name](good)
        texts = [str(n) for n in range(6)]
        one_by_one = {"AIDRAN_MODEL_CONCURRENCY": 1}
        assert set(kinds(ask(server, database_url, *texts, name="run-2", **one_by_one))) == {SERVERS[name][0]}
        assert set(kinds(ask(server, database_url, *texts, name="run-2"))) == {SERVERS[name][0]}
        assert len(server.requests) == 2
        server.player = good  # another run tries again
        assert set(kinds(ask(server, database_url, *texts, name="run-3"))) == {"answered"}


def test_a_server_that_is_down_is_given_up_for_the_run(database_url: str) -> None:
    with serving(good) as server:
        ask(server, database_url, "probe")
    started = time.monotonic()
    answers = ask(server, database_url, *(str(n) for n in range(40)), AIDRAN_MODEL_DEADLINE=10)
    assert set(kinds(answers)) == {"unreachable"} and time.monotonic() - started < 15
    assert len(ledger(database_url)) < 10 and sum(row["held_tokens"] for row in ledger(database_url)[1:]) == 0
    assert answers[-1].failure is not None and "given up" in answers[-1].failure.detail


def test_a_probe_that_finds_no_server_is_a_failure_too(database_url: str) -> None:
    with serving(good) as server:
        pass
    assert kinds(ask(server, database_url, "one")) == ["unreachable"]


def test_a_server_that_stalls_from_the_start_costs_one_deadline(database_url: str) -> None:
    with serving(faults.slow(good, 8)) as server:
        server.plays_probes = True
        started = time.monotonic()
        answers = ask(server, database_url, *(str(n) for n in range(10)), AIDRAN_MODEL_DEADLINE=1)
        assert set(kinds(answers)) == {"timeout"} and time.monotonic() - started < 6
        assert len(server.probes) == 1 and server.requests == []


# --- what a server can do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refuses", ["silently", "400"])
@pytest.mark.parametrize("modes", [("json_object+schema", "text"), ("json_object", "text"), ("text",)])
def test_the_strictest_form_that_a_server_honours_is_found_once(
    database_url: str, modes: tuple[str, ...], refuses: str
) -> None:
    with serving(good, modes=modes, refuses=refuses) as server:
        assert kinds(ask(server, database_url, "one", "two")) == ["answered", "answered"]
        assert {request.mode for request in server.requests} == {modes[0]}
        assert all('"sayings"' in request.system for request in server.requests)  # told in words as well
        probes = len(server.probes)
        assert kinds(ask(server, database_url, "three", name="run-2")) == ["answered"]
        assert len(server.probes) == probes


def test_models_that_think_get_their_own_parameters(database_url: str) -> None:
    def picky(request: ChatRequest) -> Reply:
        if "max_tokens" in request.body:
            return Reply.error(400, "unsupported_parameter", "Use 'max_completion_tokens' instead of 'max_tokens'.")
        if "temperature" in request.body:
            return Reply.error(400, "unsupported_value", "'temperature' does not support 0 with this model.")
        if request.prompt.startswith("probe-"):
            return Reply(as_json({"aidran_probe": "settled-7", "ready": True}), reasoning=40)
        return good(request)

    with serving(picky) as server:
        server.plays_probes = True
        assert kinds(ask(server, database_url, "one")) == ["answered"]
        assert server.requests[-1].body["max_completion_tokens"] == 2000 and len(server.requests) == 1
    assert ledger(database_url, probes=True)[2]["reasoning_tokens"] == 40


def test_a_schema_that_a_server_refuses_is_asked_for_in_a_weaker_form(database_url: str) -> None:
    def strict(request: ChatRequest) -> Reply:
        if request.mode == "json_schema":
            return Reply.error(400, "invalid_request_error", "Invalid schema for response_format 'Sayings'")
        return good(request)

    with serving(strict) as server:
        assert kinds(ask(server, database_url, "one")) == ["answered"]
        assert [request.mode for request in server.requests] == ["json_schema", "json_object+schema"]


# --- money ------------------------------------------------------------------------------------------------------------


def priced(folder: Path, text: str) -> dict[str, Any]:
    """A prices file of one line."""
    path = folder / "prices.yaml"
    path.write_text(f"prices:\n  - {{{text}}}\n")
    return {"AIDRAN_PRICES": path}


def test_cost_comes_from_the_dated_table_and_unknown_is_never_free(database_url: str, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 400}}
    with serving(lambda request: Reply(good(request).content, usage=usage)) as server:
        known = priced(
            tmp_path, "server: 127.0.0.1, model: scripted-1, from: 2026-05-01, input: 2, cached: 0.5, output: 8"
        )
        ask(server, database_url, "one", **known)
        later = priced(tmp_path, "server: 127.0.0.1, model: scripted-1, from: 2026-05-21, input: 2, output: 8")
        ask(server, database_url, "two", **later)
        free = priced(tmp_path, "server: 127.0.0.1, model: '*', from: 2026-01-01, input: 0, output: 0")
        ask(server, database_url, "three", **free)
    rows = ledger(database_url)
    assert [row["cost_usd"] for row in rows] == [Decimal("0.0054"), None, 0]
    assert rows[0]["price"]["from"] == "2026-05-01" and rows[1]["price"] is None
    assert rows[0]["cached_tokens"] == 400


def test_a_server_that_counts_nothing_holds_the_worst_case(database_url: str) -> None:
    with serving(lambda request: Reply(good(request).content, usage=None)) as server:
        assert kinds(ask(server, database_url, "one")) == ["answered"]
    (row,) = ledger(database_url)
    assert row["held_tokens"] == row["reserved_tokens"] > 2000
    assert (row["input_tokens"], row["cost_usd"]) == (None, None)


# --- nobody is called unless asked to ---------------------------------------------------------------------------------


def test_models_are_opened_with_the_engine_only(database_url: str, conn: Connection) -> None:
    with serving(good) as server:
        wrong = (
            (server.settings(AIDRAN_ENGINE="extractive"), "AIDRAN_ENGINE=model only"),
            (server.settings(AIDRAN_MODEL=""), "set AIDRAN_MODEL"),
            (Settings(AIDRAN_ENGINE="model", AIDRAN_MODEL="gpt-x"), "OPENAI_API_KEY"),
            (server.settings(OPENAI_BASE_URL="127.0.0.1:80"), "OPENAI_BASE_URL"),
            (server.settings(OPENAI_BASE_URL="http://me:pw@127.0.0.1/v1"), "without a name or password"),
        )
        for settings, said in wrong:
            with pytest.raises(ConfigError, match=said), open_models(settings, database_url, run()):
                pass
        # A server of one's own needs no key.
        with open_models(server.settings(OPENAI_API_KEY=""), database_url, run()) as models:
            assert kinds(models.ask([question("one")])) == ["answered"]
    assert conn.execute("SELECT count(*) AS n FROM model_calls").fetchone() == {"n": 2}


FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><link>https://x.test/</link><description>d</description>
<item><guid isPermaLink="false">1</guid><title>OpenAI opens an office in Oslo</title><link>https://x.test/1</link>
<pubDate>Wed, 20 May 2026 08:00:00 GMT</pubDate><description>OpenAI said on Wednesday that it opens an office in Oslo with 40 people.</description>
</item></channel></rss>"""


@pytest.mark.slow
def test_an_edition_with_a_key_but_without_the_engine_calls_nobody(database_url: str, tmp_path: Path) -> None:
    from aidran_pipeline_tests.ingest_server import serving as feeding

    with tempting(tmp_path) as temptation, feeding() as feeds:
        feeds.routes["/feed"] = (200, {"Content-Type": "application/rss+xml"}, FEED)
        sources = tmp_path / "sources.yaml"
        sources.write_text(f"sources:\n  - {{id: t, kind: rss, url: '{feeds.url('/feed')}', publisher: T}}\n")
        environment = {
            "PATH": "/usr/bin:/bin",
            "AIDRAN_HOME": str(tmp_path / "home"),
            "AIDRAN_DATABASE_URL": database_url,
            "AIDRAN_SOURCES": str(sources),
            "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
            **temptation.environment,
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }
        program = (
            "import sys\n"
            "from aidran_pipeline.commands.run import run_edition\n"
            f"code = run_edition({str(NOW.date())!r}, [], as_json=False)\n"
            "sys.exit(70 if 'openai' in sys.modules else code)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert "withheld" in done.stdout and "site:" in done.stdout
        assert feeds.requests and temptation.resisted
    assert ledger(database_url, probes=True) == []
