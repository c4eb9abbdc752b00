"""A reader that cannot read is given up after a few questions: what was not read, rules read; later runs go on there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from aidran_pipeline.analyze import extract_claims
from aidran_pipeline.analyze.reader_trust import PATIENCE, TRIALS
from aidran_pipeline.llm import open_models
from aidran_pipeline.llm.models import PAUSE
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult
from aidran_pipeline_tests.scripted_model import ChatRequest, Reply, ScriptedServer, serving
from aidran_pipeline_tests.scripted_model.players import reader as players
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
NOW = at(DAY, 20)
REPORTS = 48  # six batches
TABLES = ["claims", "claim_readings", "model_pauses", "model_calls", "model_completions"]
READINGS = """
SELECT r.native_id, g.engine_version, g.outcome, g.failure, g.asked, g.claims, g.input_hash FROM claim_readings g
JOIN record_versions v ON v.id = g.record_version_id JOIN records r ON r.id = v.record_id ORDER BY 1
"""
SPOILT = "Falkby"  # stands in one report of each batch


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    made = World(conn)
    made.topics("ai-healthcare")
    made.source("ledger")
    for n in range(REPORTS):
        place = SPOILT if n % 8 == 3 else f"Aldmoor{chr(65 + n % 26)}{chr(97 + n // 26)}"
        text = (
            f"{4 + n} hospitals in {place} let an AI model read {100 + 7 * n} chest scans a night, the hospital group "
            f"said. The group's model, which was tested in 2024, missed {2 + n} fractures that doctors had found."
        )
        title = f"Hospitals in {place} let an AI model read {100 + 7 * n} scans at night"
        made.assign(made.record("ledger", f"n{n:02}", text, at(DAY, n % 20), title=title), "ai-healthcare")
    yield made


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving(players.good) as running:
        yield running


def read(world: World, server: ScriptedServer, url: str, run: str, now: datetime = NOW, **more: Any) -> StageResult:
    moment = Run(run, now)
    with open_models(server.settings(**more), url, moment) as models:
        return extract_claims(world.conn, [DAY], run=moment, models=models)[DAY]


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in world.conn.execute(query).fetchall()]


def chatting(request: ChatRequest) -> Reply:
    """A model that never keeps to the form."""
    return Reply("Certainly! Here are the claims that you asked for.")


def about_something_else(request: ChatRequest) -> Reply:
    """Valid JSON that accounts for every record with nonsense: what a very small model says under a schema."""
    told = players.honest(request.user)
    claim = {"sentence": 1, "quote": "The model is a model of the model.", "statement": "It is a model.", "speaker": None,
             "stance": None, "kind": "statement", "entities": []}  # fmt: skip
    return players.reply({ident: [claim] for ident in told})


def silent(request: ChatRequest) -> Reply:
    """Valid JSON in which no record says anything."""
    return players.reply({ident: [] for ident in players.honest(request.user)})


BAD = {"prose": chatting, "nonsense": about_something_else, "silence": silent, "wrong ids": players.wrong_ids}


@pytest.mark.parametrize("vice", sorted(BAD))
def test_a_model_that_cannot_read_is_given_up_after_a_few_questions(
    world: World, server: ScriptedServer, database_url: str, vice: str
) -> None:
    server.player = BAD[vice]
    result = read(world, server, database_url, "r1")
    # Four useless replies, two of our own records, each asked twice at most; the last wave had more side by side.
    assert len(server.requests) <= 2 * (PATIENCE + TRIALS + 8) < REPORTS
    assert result.metadata["records_by_engine"] == {"model": 0, "extractive": REPORTS}
    assert "misread 2 records of our own" in result.metadata["given_up"]
    assert result.metadata["failures"]["given_up"] >= REPORTS - 16
    assert result.metadata["claims"] > REPORTS, "rules read what the model did not"
    role, model, since, until, last, newest = rows(
        world, "SELECT role, model, since, until, last_call, (SELECT max(id) FROM model_calls) FROM model_pauses"
    )[0]
    assert (role, model, since, until) == ("reader", "scripted-1@127.0.0.1", NOW, NOW + PAUSE) and last == newest
    subjects = rows(world, "SELECT DISTINCT subject FROM model_calls WHERE subject = 'our own record'")
    assert subjects, "the ledger tells that our own record was asked about"


def test_a_rerun_asks_nothing_and_after_the_pause_only_what_was_never_asked(
    world: World, server: ScriptedServer, database_url: str
) -> None:
    server.player = chatting
    read(world, server, database_url, "r1")
    before, asked = dump(world.conn, TABLES), [request.user for request in server.requests]
    for later in (timedelta(0), PAUSE - timedelta(seconds=1)):
        result = read(world, server, database_url, "r2", NOW + later)
        assert not result.changed and len(server.requests) == len(asked)
        assert dump(world.conn, TABLES) == before
    settled = rows(world, "SELECT count(*) FROM claim_readings WHERE outcome <> 'unavailable'")[0][0]
    read(world, server, database_url, "r3", NOW + PAUSE)
    new = server.requests[len(asked) :]
    assert 0 < len(new) <= 2 * (PATIENCE + TRIALS), "given up again as fast as before"
    assert not {request.user for request in new} & set(asked), "what was answered once is not paid for again"
    assert rows(world, "SELECT since FROM model_pauses") == [(NOW + PAUSE,)]
    server.player = players.good
    result = read(world, server, database_url, "r4", NOW + 2 * PAUSE)
    assert result.metadata["records_by_engine"]["model"] >= REPORTS - 2 * settled - 8


def test_a_record_that_spoils_every_batch_turns_no_good_reader_off(
    world: World, server: ScriptedServer, database_url: str
) -> None:
    server.player = lambda request: chatting(request) if SPOILT in request.user else players.good(request)
    result = read(world, server, database_url, "r1")
    assert result.metadata["records_by_engine"] == {"model": REPORTS - 6, "extractive": 6}
    assert rows(world, "SELECT * FROM model_pauses") == [] and "given_up" not in result.metadata


def test_a_model_that_breaks_on_everything_of_the_world_but_reads_our_own_is_asked_to_the_end(
    world: World, server: ScriptedServer, database_url: str
) -> None:
    server.player = lambda request: chatting(request) if "chest scans" in request.user else players.good(request)
    result = read(world, server, database_url, "r1")
    assert result.metadata["failures"] == {"contract": REPORTS}
    own = rows(world, "SELECT count(*) FROM model_calls WHERE subject = 'our own record'")[0][0]
    assert 0 < own <= 10, "trials grow rarer"
    assert rows(world, "SELECT * FROM model_pauses") == []


@pytest.mark.parametrize("killed_after", [1, 5, 9])
def test_a_run_that_died_on_the_way_ends_as_if_it_had_not(
    world: World, server: ScriptedServer, database_url: str, killed_after: int
) -> None:
    """The stage's rows are lost, the replies are kept: the run that follows gives up at the same question."""

    def dying(request: ChatRequest) -> Reply:
        if request.number > killed_after:
            return Reply.error(401, "invalid_api_key")  # nothing more of this run
        return chatting(request)

    server.player = dying
    read(world, server, database_url, "r1", AIDRAN_MODEL_CONCURRENCY=1)
    world.conn.execute("TRUNCATE claim_readings, claims CASCADE")
    server.player, asked = chatting, len(server.requests)
    read(world, server, database_url, "r2", AIDRAN_MODEL_CONCURRENCY=1)
    disturbed = rows(world, READINGS)
    seen = [request.user for request in server.requests[:killed_after]]
    seen += [request.user for request in server.requests[asked:]]
    world.conn.execute("TRUNCATE claim_readings, claims, model_completions, model_pauses CASCADE")
    with serving(chatting) as fresh:
        read(world, fresh, database_url, "r3", AIDRAN_MODEL_CONCURRENCY=1)
        assert rows(world, READINGS) == disturbed
        assert [request.user for request in fresh.requests] == seen
