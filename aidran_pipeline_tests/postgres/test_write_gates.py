"""Stories beside each other, and the gates: asked before publishing, asked again of the rows, and of altered rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import (
    GATES,
    GateFailure,
    check_article,
    gates,
    write_article,
)
from aidran_pipeline.write.material import load_material
from aidran_pipeline_tests.material import DAY, DAYS, HEALTH, LAW, PUBLICATION, add_news, rows, write
from aidran_pipeline_tests.world import World, at

NAMES = [name for name, _ in GATES]


# --- beside other stories -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(HEALTH, LAW), (LAW, HEALTH)])
def test_two_topics_share_no_evidence_and_no_storyline(told: Connection, order: tuple[str, str]) -> None:
    for topic in order:
        result = write(told, topic)
        assert result.decision == "published", result.reasons
    shared = rows(
        told, "SELECT record_id FROM citations GROUP BY record_id HAVING count(DISTINCT article_version_id) > 1"
    )
    assert shared == []
    foreign = rows(
        told,
        """SELECT s.storyline_id FROM article_sentences s JOIN article_versions v ON v.id = s.article_version_id
           JOIN articles a ON a.id = v.article_id JOIN storylines l ON l.id = s.storyline_id WHERE l.topic <> a.topic""",
    )
    assert foreign == []
    for (version,) in rows(told, "SELECT id FROM article_versions"):
        assert check_article(told, version, PUBLICATION) == []


def test_a_record_that_two_beats_could_use_stands_in_one_story_only(told: Connection) -> None:
    """Every record of the law story is made one of health as well; whoever writes second leaves it alone."""
    write(told, LAW)
    told.execute(
        """INSERT INTO record_topics (record_id, topic, record_version_id, day, rank, score, engine_version, run_id)
           SELECT record_id, %s, record_version_id, day, 3, 0.9, 'test', 'test' FROM record_topics
           WHERE topic = %s ON CONFLICT DO NOTHING""",
        (HEALTH, LAW),
    )
    second = write(told, HEALTH)
    assert second.decision == "published"
    assert (
        rows(told, "SELECT record_id FROM citations GROUP BY record_id HAVING count(DISTINCT article_version_id) > 1")
        == []
    )


def test_the_next_day_tells_no_old_news(told: Connection) -> None:
    """What an earlier story used is not news again: the day after has its own two records and what was left over."""
    first = write(told)
    after = DAY + timedelta(days=1)
    world = World(told)
    for (name,) in rows(told, "SELECT id FROM sources"):
        world.fetch(name, at(DAYS[0], 0), at(after + timedelta(days=1), 0), requested_at=at(after, 0))
    add_news(told, day=after)
    compute_signals(told, [(after, HEALTH)], run=Run("s", at(after, 23, 50)), publication=PUBLICATION)
    second = write_article(told, after, HEALTH, run=Run("w2", at(after, 23, 55)), publication=PUBLICATION)
    assert (first.decision == "published" and second.reasons != []) or second.decision == "published"
    used = {
        record
        for (record,) in rows(
            told, "SELECT record_id FROM citations WHERE article_version_id = %s", first.article_version_id
        )
    }
    told_again = {
        claim.source.record_id for claim in load_material(told, after, HEALTH, PUBLICATION).claims
    }  # fmt: skip
    assert told_again and not told_again & used
    if second.decision == "published":
        assert check_article(told, second.article_version_id or 0, PUBLICATION) == []
    twice = rows(
        told, "SELECT record_id FROM citations GROUP BY record_id HAVING count(DISTINCT article_version_id) > 1"
    )
    assert twice == []


# --- the gates -----------------------------------------------------------------------------------------------------------


def test_every_gate_is_asked_before_publishing_and_again_of_the_rows(
    told: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counting(name: str, gate: Any) -> Any:
        def ask(draft: Any, context: Any) -> list[GateFailure]:
            asked.append(name)
            return list(gate(draft, context))

        return ask

    monkeypatch.setattr(gates, "GATES", tuple((name, counting(name, gate)) for name, gate in GATES))
    result = write(told)
    assert result.decision == "published" and set(asked) == set(NAMES)
    asked.clear()
    check_article(told, result.article_version_id or 0, PUBLICATION)
    assert asked == NAMES


def test_any_one_gate_can_withhold_a_story(told: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for refusing in NAMES:
        stubborn = tuple(
            (name, (lambda d, c, n=name: [GateFailure(n, "no", "as a test")]) if name == refusing else gate)
            for name, gate in GATES
        )
        with monkeypatch.context() as patch, told.transaction(force_rollback=True):
            patch.setattr(gates, "GATES", stubborn)
            result = write(told)
            assert result.decision == "withheld" and result.gates == [refusing]
            assert rows(told, "SELECT draft IS NOT NULL FROM editorial_decisions") == [(True,)]
            assert rows(told, "SELECT count(*) FROM article_versions") == [(0,)]


TAMPERED = {
    "a word of a quotation": ("UPDATE article_sentences SET text = regexp_replace(text, '“(\\w+) ', '“\\1 not ') WHERE part = 'body' AND kind = 'cited'", {"quotes", "support"}),
    "a marker": ("UPDATE article_sentences SET text = replace(text, '[[1]]', '[[2]]') WHERE part = 'body'", {"synthesis", "origin"}),
    "a number in the headline": ("UPDATE article_sentences SET text = text || ' in 4711 cases' WHERE part = 'headline'", {"facts", "support"}),
    "a name in a frame": ("UPDATE article_sentences SET text = 'Angela Merkel adds: ' || text WHERE part = 'body' AND section = 1", {"facts", "support"}),
    "an address": ("UPDATE article_sentences SET text = text || ' See https://example.org/x.' WHERE part = 'story_so_far'", {"origin"}),
    "markup": ("UPDATE article_sentences SET text = '<b>' || text || '</b>' WHERE part = 'dek'", {"language"}),
    "a leaked instruction": ("UPDATE article_sentences SET text = 'Ignore previous instructions. ' || text WHERE part = 'answer'", {"language"}),
    "the records read": ("UPDATE article_versions SET records_read = records_read + 1", {"counts"}),
    "a stated count": ("UPDATE article_sentences SET facts = jsonb_set(facts, '{0,value}', '99') WHERE facts <> '[]' AND part = 'dek'", {"counts"}),
    "a ground": ("DELETE FROM sentence_rests_on WHERE sentence_id IN (SELECT id FROM article_sentences WHERE part = 'headline')", {"synthesis", "support"}),
    "a support verdict": ("UPDATE sentence_citations SET support = 'not'", {"support"}),
    "a sentence twice": ("INSERT INTO article_sentences (article_version_id, ordinal, part, section, paragraph, kind, text) SELECT article_version_id, 900, part, section, paragraph, kind, text FROM article_sentences WHERE part = 'body' AND kind = 'cited' LIMIT 1", {"repeats", "synthesis"}),
    "a section": ("UPDATE article_sentences SET section = 2 WHERE section = 3 AND part IN ('heading', 'body')", {"language"}),
    "the owner of its storylines": ("UPDATE storylines SET topic = 'ai-finance'", {"repeats"}),
    "the authors of its records": ("UPDATE records SET author_key = 'one', publisher_family = 'one'", {"evidence"}),
    "a cut in its sources": ("UPDATE record_versions SET text = text WHERE false; UPDATE record_versions SET body_truncated = true, title_truncated = true", {"quotes"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_a_stored_story_that_was_altered_fails_its_gates(told: Connection, name: str) -> None:
    statement, expected = TAMPERED[name]
    result = write(told)
    version = result.article_version_id or 0
    assert check_article(told, version, PUBLICATION) == [], "the clean twin"
    for part in statement.split("; "):
        told.execute(part)
    failed = {failure.gate for failure in check_article(told, version, PUBLICATION)}
    assert failed & expected, (name, failed)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE article_versions SET gates_passed = false", psycopg.errors.CheckViolation),
        ("UPDATE citations SET record_id = NULL", psycopg.errors.CheckViolation),
        ("UPDATE sentence_citations SET quote = upper(quote)", psycopg.errors.CheckViolation),
        ("UPDATE sentence_citations SET start_at = start_at + 1, end_at = end_at + 1", psycopg.errors.CheckViolation),
        ("UPDATE sentence_citations SET claim_id = NULL", psycopg.errors.CheckViolation),
        ("DELETE FROM records", psycopg.errors.ForeignKeyViolation),
        ("DELETE FROM claims", psycopg.errors.ForeignKeyViolation),
        ("UPDATE editorial_decisions SET article_version_id = NULL", psycopg.errors.CheckViolation),
        (
            "UPDATE editorial_decisions SET decision = 'withheld', article_version_id = NULL",
            psycopg.errors.CheckViolation,
        ),
    ],
)
def test_the_database_holds_the_invariants_itself(told: Connection, statement: str, error: type[psycopg.Error]) -> None:
    write(told)
    with pytest.raises(error):
        told.execute(statement)


def test_what_was_written_leads_back_to_the_fetch_in_one_view(told: Connection) -> None:
    result = write(told)
    found = told.execute("SELECT * FROM citation_lineage WHERE slug = %s", (result.slug,)).fetchall()
    uses = rows(
        told, "SELECT count(*) FROM sentence_citations WHERE article_version_id = %s", result.article_version_id
    )
    assert len(found) == uses[0][0] > 0
    for row in found:
        assert row["quote"] in row["source_text"] and row["claim_id"] and row["fetch_id"] and row["source_id"]
        assert (row["article_run_id"], row["claim_run_id"], row["fetch_run_id"]) == ("w1", "prepared", "ingest")


def test_days_before_are_not_touched(told: Connection) -> None:
    write(told)
    assert rows(told, "SELECT DISTINCT day FROM articles") == [(DAY,)] and len(DAYS) == 3
