"""A model writes the story: the real client over HTTP, a scripted server in the model's place, real rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from aidran_pipeline.llm import open_models
from aidran_pipeline.llm.models import PAUSE, SHORT_PAUSE
from aidran_pipeline.publish.engines import engine_lines
from aidran_pipeline.publish.read import read_index
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import ArticleResult, check_article, engines, load_draft, write_article
from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.model import compose, finish, words_of
from aidran_pipeline.write.support import JUDGE_VERSION
from aidran_pipeline_tests.material import DAY, HEALTH, LAW, PUBLICATION, rows
from aidran_pipeline_tests.scripted_model.players.writer import good_writer
from aidran_pipeline_tests.scripted_model.players.writer_bad import BAD, INVENTED, spoilt
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, ScriptedServer, as_json, serving
from aidran_pipeline_tests.world import at, dump

TABLES = (
    "articles", "article_versions", "article_sentences", "sentence_rests_on", "citations", "sentence_citations",
    "sentence_verdicts", "editorial_decisions",
)  # fmt: skip


SHORT = (300, 1100)  # the test newsroom's stories are shorter than a newspaper's


@pytest.fixture(autouse=True)
def short_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape of a page is the same; the length is what the test newsroom's three days give."""
    monkeypatch.setattr(finish, "WORDS", SHORT)
    monkeypatch.setattr(compose, "WORDS", SHORT)
    monkeypatch.setattr(compose, "LEAST_WORDS", 100)


def run_of(name: str = "w1", later: timedelta = timedelta(0)) -> Run:
    return Run(name, at(DAY, 23, 45) + later)


@contextmanager
def newsroom(copy_url: str) -> Iterator[tuple[Connection, ScriptedServer]]:
    with serving(good_writer) as server, connect(copy_url) as conn:
        yield conn, server


def write(
    conn: Connection, server: ScriptedServer, url: str, name: str = "w1", topic: str = HEALTH,
    later: timedelta = timedelta(0), **settings: object,
) -> ArticleResult:  # fmt: skip
    made, run = server.settings(**settings), run_of(name, later)
    with open_models(made, url, run) as models:
        return write_article(conn, DAY, topic, run=run, publication=PUBLICATION, models=models)


def draft_of(conn: Connection, result: ArticleResult) -> Draft:
    assert result.article_version_id is not None, result.reasons
    return load_draft(conn, result.article_version_id)


def prose(request: ChatRequest) -> Reply:
    """A model that never keeps to the form."""
    return Reply("Certainly! Here is what I think of it.")


# --- a good model --------------------------------------------------------------------------------------------------------


def test_a_good_model_writes_a_story_that_every_gate_lets_pass(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        result = write(conn, server, copy_url)
        assert result.numbers["engine"] == "model", (result.reasons, result.numbers["fallback"])
        assert result.article_version_id is not None
        assert check_article(conn, result.article_version_id, PUBLICATION) == []
        draft = draft_of(conn, result)
        assert draft.engine == "model" and SHORT[0] <= words_of(draft) <= SHORT[1]
        for sentence in draft.sentences:
            assert sentence.uses or (sentence.kind == "synthesis" and (sentence.rests_on or sentence.rests_on_earlier))
        for use in (use for sentence in draft.sentences for use in sentence.uses):
            assert use.source.text[use.start : use.end] == use.quote and use.support == "supported"
        for section in (1, 2, 3):
            body = draft.part("body", section)
            assert len({sentence.paragraph for sentence in body}) == 2
            own = sum(sentence.kind == "synthesis" for sentence in body)
            assert own <= PUBLICATION.synthesis_share * len(body)
        assert draft.inputs["writing"]["written"] > 12


def test_the_version_names_its_calls_and_who_wrote_it(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        draft = draft_of(conn, write(conn, server, copy_url))
        ledger = [
            call for (call,) in rows(conn, "SELECT id FROM model_calls WHERE starts_with(prompt, 'write-') ORDER BY id")
        ]
        assert sorted(draft.inputs["calls"]) == ledger and len(ledger) == len(server.requests)
        assert draft.inputs["engines"]["writer"] == {
            "engine": "model", "model": "scripted-1@127.0.0.1", "failure": None,
        }  # fmt: skip
        version = rows(conn, "SELECT engine, engine_version, judge FROM article_versions")[0]
        assert version[0] == "model" and "write-section-2" in version[1] and version[2] == "support"
        lines = " ".join(engine_lines(read_index(conn, PUBLICATION).versions[0]))
        assert "scripted-1@127.0.0.1" in lines and f"{len(ledger)} calls" in lines and "cost: unknown" in lines


def test_the_writer_sees_no_record_and_no_address_and_the_same_material_asks_the_same(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        write(conn, server, copy_url)
        asked = [request.user for request in server.requests]
    with serving(good_writer) as other, connect(copy_url) as conn:
        conn.execute("TRUNCATE model_completions")
        conn.execute("TRUNCATE editorial_decisions, article_versions, articles CASCADE")
        write(conn, other, copy_url)
        assert [request.user for request in other.requests if request.prompt.startswith("write-outline")] == asked[:1]
    assert not any("http" in question or "<script" in question for question in asked)


def test_writing_again_asks_nobody_and_changes_no_row(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        first = write(conn, server, copy_url)
        before, asked = dump(conn, TABLES), len(server.requests)
        again = write(conn, server, copy_url, "w2")
        assert not again.changed and again.article_version_id == first.article_version_id
        assert dump(conn, TABLES) == before and len(server.requests) == asked


def test_a_killed_run_pays_for_no_call_twice(copy_url: str) -> None:
    """The articles' transaction is lost after the last call; the next run finds every answer in the cache."""
    with newsroom(copy_url) as (conn, server):
        with pytest.raises(RuntimeError, match="killed"), conn.transaction():
            write(conn, server, copy_url)
            raise RuntimeError("killed")
        assert rows(conn, "SELECT count(*) FROM article_versions") == [(0,)]
        asked = len(server.requests)
        result = write(conn, server, copy_url, "w2")
        assert result.decision == "published" and result.numbers["engine"] == "model"
        assert len(server.requests) == asked and result.numbers["calls_cached"] >= 5


# --- a model that fails --------------------------------------------------------------------------------------------------


def test_a_model_that_breaks_its_contract_leaves_the_story_to_quotations_for_good(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        server.player = prose
        result = write(conn, server, copy_url)
        assert result.decision == "published" and result.numbers["fallback"]["kind"] == "contract"
        assert draft_of(conn, result).engine == "extractive"
        asked = len(server.requests)
        server.player = good_writer
        assert not write(conn, server, copy_url, "w2").changed and len(server.requests) == asked
        lines = " ".join(engine_lines(read_index(conn, PUBLICATION).versions[0]))
        assert "did not keep to their form" in lines and "verbatim quotations" in lines


def test_a_server_that_is_away_is_asked_again_when_the_story_is_written_again(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        server.player = lambda request: Reply.error(401, "invalid_api_key")
        result = write(conn, server, copy_url)
        assert result.numbers["fallback"]["kind"] == "key" and draft_of(conn, result).engine == "extractive"
        before = dump(conn, TABLES)
        assert not write(conn, server, copy_url, "w2").changed
        assert dump(conn, TABLES) == before
        server.player = good_writer
        now = write(conn, server, copy_url, "w3")
        assert now.changed and now.version == 2 and draft_of(conn, now).engine == "model"


def test_a_writer_without_form_is_not_asked_for_the_rest_of_the_edition(
    copy_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 1)  # the test newsroom has two stories a day
    with newsroom(copy_url) as (conn, server):
        server.player = prose
        first = write(conn, server, copy_url)
        asked = len(server.requests)
        assert first.numbers["fallback"]["kind"] == "contract" and asked == 2
        second = write(conn, server, copy_url, "w2", LAW)
        assert second.numbers["fallback"]["kind"] == "given_up" and len(server.requests) == asked
        assert second.decision == "published" and draft_of(conn, second).engine == "extractive"
        said = [" ".join(engine_lines(version)) for version in read_index(conn, PUBLICATION).versions]
        assert any(
            "so often answered in no usable form, or not in time, that it was not asked any more" in lines
            for lines in said
        )
        before = dump(conn, [*TABLES, "model_pauses", "model_calls"])
        server.player = good_writer
        for topic in (HEALTH, LAW):  # a rerun within the pause
            assert not write(conn, server, copy_url, "w3", topic).changed
        assert dump(conn, [*TABLES, "model_pauses", "model_calls"]) == before and len(server.requests) == asked
        assert not write(conn, server, copy_url, "w4", HEALTH, PAUSE).changed and len(server.requests) == asked
        third = write(conn, server, copy_url, "w4", LAW, PAUSE)
        assert len(server.requests) > asked and (third.numbers.get("fallback") or {}).get("kind") != "given_up"
        asked = len(server.requests)
        assert not write(conn, server, copy_url, "w5", LAW, 2 * PAUSE).changed and len(server.requests) == asked


def test_a_writer_that_is_always_late_is_given_up_for_an_hour(copy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 1)
    with newsroom(copy_url) as (conn, server):
        server.player = lambda request: Reply("{}", delay=4)
        late = write(conn, server, copy_url, AIDRAN_MODEL_DEADLINE=2)
        asked = len(server.requests)
        assert late.numbers["fallback"]["kind"] == "timeout" and late.decision == "published"
        second = write(conn, server, copy_url, "w2", LAW, AIDRAN_MODEL_DEADLINE=2)
        assert second.numbers["fallback"]["kind"] == "given_up" and len(server.requests) == asked
        assert "not within its deadline" in second.numbers["fallback"]["detail"]
        before = dump(conn, [*TABLES, "model_pauses", "model_calls"])
        for topic in (HEALTH, LAW):
            assert not write(conn, server, copy_url, "w3", topic).changed
        assert dump(conn, [*TABLES, "model_pauses", "model_calls"]) == before and len(server.requests) == asked
        assert rows(conn, "SELECT until - since FROM model_pauses") == [(SHORT_PAUSE,)]
        server.player = good_writer
        assert write(conn, server, copy_url, "w4", HEALTH, SHORT_PAUSE).numbers["engine"] == "model"


def test_a_story_of_the_model_ends_the_streak_and_so_does_a_pause(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):

        def streak() -> int:
            row = conn.execute(engines.STREAK, {"day": DAY, "model": "scripted-1@127.0.0.1"}).fetchone()
            return int(row["n"]) if row else -1

        server.player = prose
        write(conn, server, copy_url, topic=LAW)
        assert streak() == 1
        with (
            open_models(server.settings(), copy_url, run_of()) as models,
            pytest.raises(ZeroDivisionError),
            conn.transaction(),
        ):
            models.give_up("writer", "a test")
            assert streak() == 0, "what led to a pause is not counted again"
            raise ZeroDivisionError
        assert rows(conn, "SELECT role FROM model_pauses") == [("writer",)], "on record whatever becomes of the stage"
        conn.execute("DELETE FROM model_pauses")
        assert streak() == 1
        server.player = good_writer
        assert write(conn, server, copy_url).numbers["engine"] == "model" and streak() == 0


def test_over_budget_the_edition_is_partial_and_says_so(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        result = write(conn, server, copy_url, AIDRAN_EDITION_BUDGET_TOKENS=10)
        assert result.numbers["partial"] is True and result.numbers["fallback"]["kind"] == "budget"
        assert server.requests == []
        lines = " ".join(engine_lines(read_index(conn, PUBLICATION).versions[0]))
        assert "this edition is partial" in lines


# --- a model that lies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vice", sorted(BAD))
def test_nothing_that_a_bad_model_adds_is_printed(copy_url: str, vice: str) -> None:
    with newsroom(copy_url) as (conn, server):
        server.player = spoilt(vice)
        result = write(conn, server, copy_url)
        if result.decision == "published":
            draft = draft_of(conn, result)
            assert result.article_version_id is not None
            assert check_article(conn, result.article_version_id, PUBLICATION) == []
            text = " ".join(sentence.plain() for sentence in draft.sentences)
            assert words_of(draft) <= SHORT[1]
        else:
            assert result.reasons
            text = ""
        for lie in (INVENTED, "Zanzibar", "evil.example", "<b>", "<script", "language model", "system prompt"):
            assert lie not in text
        if vice == "altered_number":
            quoted = " ".join(r[0] for r in rows(conn, "SELECT text FROM record_versions"))
            assert not [n for n in _numbers(text) if n not in quoted and n not in str(result.numbers)]
        caught = result.numbers.get("refusals") or result.numbers.get("fallback") or result.reasons
        assert caught, "a vice leaves a trace"


def _numbers(text: str) -> list[str]:
    import re

    return re.findall(r"(?<![\w.,])\d{3,}(?![\w.,])", text)


# --- a second judge ------------------------------------------------------------------------------------------------------


def with_judge(verdict: str, score: float) -> Player:
    """The good writer beside a judge that says the same of every sentence."""

    def player(request: ChatRequest) -> Reply:
        if request.role != "judge":
            return good_writer(request)
        return Reply(as_json({"verdict": verdict, "score": score, "reason": "the quotes do not say so"}))

    return player


def test_a_second_judge_that_agrees_leaves_its_verdict_with_every_sentence_of_the_model(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        server.player = with_judge("supported", 0.9)
        result = write(conn, server, copy_url, AIDRAN_JUDGE_MODEL="judge-1")
        assert result.numbers["engine"] == "model" and result.article_version_id is not None, result.numbers
        assert check_article(conn, result.article_version_id, PUBLICATION) == []
        found = rows(conn, "SELECT DISTINCT judge, verdict FROM sentence_verdicts ORDER BY 1")
        assert found == [("judge-sentence-1:judge-1@127.0.0.1", "supported"), (JUDGE_VERSION, "supported")]
        draft = draft_of(conn, result)
        assert sum(bool(s.verdicts) for s in draft.sentences) > 10
        drawn = [s for s in draft.sentences if not s.uses and s.verdicts]
        assert drawn and all({v.judge for v in s.verdicts} >= {JUDGE_VERSION} for s in drawn)
        conn.execute("UPDATE sentence_verdicts SET verdict = 'not' WHERE sentence_id = (SELECT min(sentence_id) FROM sentence_verdicts)")  # fmt: skip
        assert {f.gate for f in check_article(conn, result.article_version_id, PUBLICATION)} == {"support"}


def test_a_second_judge_that_refuses_everything_leaves_no_story(copy_url: str) -> None:
    with newsroom(copy_url) as (conn, server):
        server.player = with_judge("not", 0.1)
        result = write(conn, server, copy_url, AIDRAN_JUDGE_MODEL="judge-1")
        assert result.decision == "withheld" and result.reasons
        assert rows(conn, "SELECT count(*) FROM article_versions") == [(0,)]
