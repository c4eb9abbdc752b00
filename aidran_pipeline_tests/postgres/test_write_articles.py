"""Articles on a real database, after the real stages: published, in versions, or withheld with reasons."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from aidran_pipeline.config.publication import Evidence
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import (
    GATES,
    ArticleResult,
    check_article,
    content_hash_of,
)
from aidran_pipeline.write.builder import Builder
from aidran_pipeline.write.fit import headline_clauses, is_post, telling_clauses
from aidran_pipeline.write.frames import Voice, use_of
from aidran_pipeline.write.material import load_material
from aidran_pipeline.write.sections import write_voices
from aidran_pipeline.write.threads import threads_of
from aidran_pipeline_tests.material import DAY, HEALTH, PUBLICATION, add_news, prepare, rows, tell, write
from aidran_pipeline_tests.world import at, dump

TABLES = (
    "articles", "article_versions", "article_sentences", "sentence_rests_on", "citations", "sentence_citations",
    "editorial_decisions",
)  # fmt: skip
NAMES = [name for name, _ in GATES]


# --- published -----------------------------------------------------------------------------------------------------------


def test_enough_material_makes_a_story_that_passes_every_gate_twice(told: Connection) -> None:
    result = write(told)
    assert result.decision == "published" and result.changed and result.reasons == [], result.reasons
    assert result.article_version_id is not None and result.version == 1
    assert check_article(told, result.article_version_id, PUBLICATION) == []
    assert content_hash_of(told, result.article_version_id) == result.data_version
    row = told.execute("SELECT * FROM article_versions").fetchone()
    assert row is not None and row["gates_passed"] and row["run_id"] == "w1" and row["published_at"] == at(DAY, 23, 45)
    assert [gate["gate"] for gate in row["inputs"]["gates"]] == NAMES
    assert rows(told, "SELECT decision, article_version_id FROM editorial_decisions") == [
        ("published", result.article_version_id)
    ]


def test_the_story_has_the_shape_of_the_page(told: Connection) -> None:
    result = write(told)
    parts = rows(
        told,
        "SELECT part, section FROM article_sentences WHERE article_version_id = %s ORDER BY ordinal",
        result.article_version_id,
    )
    assert [p for p, _ in parts[:3]] == ["headline", "short_title", "dek"]
    for section in (1, 2, 3):
        assert parts.count(("heading", section)) == parts.count(("question", section)) == 1
        assert ("body", section) in parts and ("answer", section) in parts
    assert ("story_so_far", 0) in parts


def test_the_minimum_of_evidence_is_cited(told: Connection) -> None:
    result = write(told)
    found = rows(
        told,
        """SELECT count(DISTINCT r.id) AS r, count(DISTINCT r.author_key) AS a, count(DISTINCT r.publisher_family) AS f FROM citations c
           JOIN records r ON r.id = c.record_id WHERE c.article_version_id = %s""",
        result.article_version_id,
    )[0]
    need = PUBLICATION.evidence
    assert found >= (need.records, need.authors, need.families)
    assert result.numbers["records_cited"] == found[0]


def test_every_quote_is_found_by_the_database_in_its_own_source(told: Connection) -> None:
    write(told)
    wrong = rows(
        told,
        """SELECT u.id FROM sentence_citations u JOIN citations c ON c.id = u.citation_id
           JOIN record_versions v ON v.id = c.record_version_id
           WHERE substring(v.text FROM u.start_at + 1 FOR u.end_at - u.start_at) <> u.quote""",
    )
    assert wrong == [] and rows(told, "SELECT count(*) > 5 FROM sentence_citations") == [(True,)]
    numbers = [n for (n,) in rows(told, "SELECT number FROM citations WHERE kind = 'record' ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_slug_is_made_of_day_topic_and_the_first_headline_and_stays(told: Connection) -> None:
    first = write(told)
    assert first.slug is not None and first.headline is not None
    assert first.slug.startswith(f"{DAY}-{HEALTH}-") and len(first.slug.split("-")) <= 3 + 2 + 8
    assert first.headline.split()[0].lower() in first.slug
    add_news(told)
    second = write(told, run="w2")
    assert second.version == 2 and second.slug == first.slug


def test_of_a_topic_nobody_configured_nothing_is_written(told: Connection) -> None:
    with pytest.raises(LookupError, match="no such topic"):
        write(told, "ai-gardening")
    with pytest.raises(LookupError):
        check_article(told, 4711, PUBLICATION)


# --- again ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [HEALTH, "ai-military"])
def test_unchanged_input_changes_no_row(told: Connection, topic: str) -> None:
    """Published or withheld: the same input was decided before."""
    compute_signals(told, [(DAY, topic)], run=Run("s", at(DAY, 23, 40)), publication=PUBLICATION)
    first = write(told, topic)
    before = dump(told, TABLES)
    again = write(told, topic, run="w2")
    assert dump(told, TABLES) == before
    assert first.changed and not again.changed
    assert (again.decision, again.data_version, again.slug) == (first.decision, first.data_version, first.slug)
    assert again.gates == first.gates


def test_analysing_the_days_again_is_no_new_input(told: Connection) -> None:
    write(told)
    before = dump(told, TABLES)
    prepare(told)
    assert not write(told, run="w2").changed and dump(told, TABLES) == before


def test_new_evidence_makes_a_new_version_beside_the_old_one(told: Connection) -> None:
    first = write(told)
    kept = rows(told, "SELECT id, text FROM article_sentences ORDER BY id")
    add_news(told)
    second = write(told, run="w2")
    assert second.decision == "published" and second.changed and second.version == 2, second.reasons
    assert second.article_version_id != first.article_version_id
    assert rows(told, "SELECT id, text FROM article_sentences ORDER BY id")[: len(kept)] == kept
    for result in (first, second):
        assert check_article(told, result.article_version_id or 0, PUBLICATION) == [], "also the older one, later"


def test_at_most_three_versions_a_day(told: Connection) -> None:
    versions = []
    for turn in ("one", "two", "three", "four"):
        versions.append(write(told, run=turn).version)
        add_news(told, seen=turn)
    last = write(told, run="five")
    assert rows(told, "SELECT count(*) FROM article_versions") == [(PUBLICATION.max_versions_per_day,)]
    assert last.decision == "published", last.reasons
    assert last.version == versions[-1] == 3 and not last.changed


def test_two_runs_at_once_write_one_version(copy_url: str) -> None:
    results: list[ArticleResult | BaseException] = []

    def work(name: str) -> None:
        try:
            with connect(copy_url) as conn:
                results.append(write(conn, run=name))
        except BaseException as error:
            results.append(error)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(r) for r in results] == [ArticleResult] * 3
    assert sorted(r.changed for r in results if isinstance(r, ArticleResult)) == [False, False, True]
    with connect(copy_url) as conn:
        assert rows(
            conn, "SELECT (SELECT count(*) FROM article_versions) AS v, (SELECT count(*) FROM editorial_decisions) AS d"
        ) == [(1, 1)]


# --- withheld ------------------------------------------------------------------------------------------------------------


def test_too_little_material_is_withheld_and_says_so(conn: Connection) -> None:
    tell(conn, news=3, posts=1, threads=0)
    prepare(conn)
    result = write(conn)
    assert result.decision == "withheld" and "evidence" in result.gates and result.article_version_id is None
    assert all(reason["rule"] and reason["detail"] for reason in result.reasons)
    assert rows(conn, "SELECT count(*) FROM articles") == [(0,)]
    assert rows(conn, "SELECT decision, reasons FROM editorial_decisions") == [("withheld", result.reasons)]


def test_a_withheld_story_keeps_its_draft(told: Connection) -> None:
    strict = PUBLICATION.model_copy(update={"evidence": Evidence(records=50)})
    result = write(told, publication=strict)
    assert result.decision == "withheld" and result.gates == ["evidence"]
    draft = rows(told, "SELECT draft FROM editorial_decisions")[0][0]
    parts = {s["part"] for s in draft["sentences"]}
    assert {"headline", "dek", "heading", "body", "question", "answer"} <= parts
    assert any(q["quote"] for s in draft["sentences"] for q in s["quotes"])
    assert rows(told, "SELECT count(*) FROM article_versions") == [(0,)]


def test_what_was_withheld_can_be_published_later(told: Connection) -> None:
    strict = PUBLICATION.model_copy(update={"evidence": Evidence(records=50)})
    write(told, publication=strict)
    result = write(told, run="w2")
    assert result.decision == "published"
    assert rows(told, "SELECT decision FROM editorial_decisions ORDER BY id") == [("withheld",), ("published",)]
    assert rows(told, "SELECT decision FROM current_decisions") == [("published",)]


def test_without_signals_computed_nothing_is_written(told: Connection) -> None:
    result = write(told, "ai-military")
    assert result.decision == "withheld" and [r["rule"] for r in result.reasons] == ["signals not computed"]


def measured(conn: Connection, *, outcome: str, history: int, healthy: bool, severity: str | None = None) -> None:
    """A baseline for the health beat as `compute_signals` would leave it, in place of its own."""
    conn.execute("ALTER TABLE baselines DISABLE TRIGGER sealed_stays")
    conn.execute("DELETE FROM baselines WHERE topic = %s AND day = %s", (HEALTH, DAY))
    conn.execute("ALTER TABLE baselines ENABLE TRIGGER sealed_stays")
    coverage = {
        "sources": 7,
        "reached": 7 if healthy else 2,
        "unknown": [] if healthy else ["bsky"],
        "healthy": healthy,
    }
    baseline = conn.execute(
        """INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, coverage, engine_version, input_hash, run_id)
           VALUES (%s, %s, 'volume_spike', '[]', %s, 24, %s, %s, 'test', 'test', 'test') RETURNING id""",
        (HEALTH, DAY, history, outcome, psycopg.types.json.Jsonb(coverage)),
    ).fetchone()
    assert baseline is not None
    if severity:
        conn.execute(
            """INSERT INTO signals (baseline_id, topic, day, kind, observed, expected, score, p_value, p_uncorrected, severity,
                   records, authors, families, engine_version, input_hash, run_id)
               VALUES (%s, %s, %s, 'volume_spike', 20, 6, 4, 0.001, 0.0001, %s, 12, 10, 5, 'test', 'test', 'test')""",
            (baseline["id"], HEALTH, DAY, severity),
        )


def test_a_topic_with_history_needs_a_signal(told: Connection) -> None:
    measured(told, outcome="quiet", history=20, healthy=True)
    result = write(told)
    assert result.decision == "withheld" and result.gates == ["evidence"]
    assert "signal" in result.reasons[0]["rule"]


def test_with_a_signal_it_publishes_and_names_it_as_its_reason(told: Connection) -> None:
    measured(told, outcome="signal", history=20, healthy=True, severity="strong")
    result = write(told)
    assert result.decision == "published", result.reasons
    assert rows(told, "SELECT warming_up FROM article_versions") == [(False,)]
    assert rows(told, "SELECT inputs -> 'signals' FROM article_versions") == rows(
        told, "SELECT jsonb_agg(id) FROM signals WHERE topic = %s", HEALTH
    )
    assert check_article(told, result.article_version_id or 0, PUBLICATION) == []


def test_unknown_sources_withhold_although_there_is_material(told: Connection) -> None:
    measured(told, outcome="unknown", history=20, healthy=False)
    result = write(told)
    assert result.decision == "withheld" and result.gates == ["evidence"]
    assert "unknown" in result.reasons[0]["rule"] and "bsky" in result.reasons[0]["detail"]


def test_a_topic_that_warms_up_says_so(told: Connection) -> None:
    write(told)
    assert rows(told, "SELECT warming_up FROM article_versions") == [(True,)]


def test_a_frame_stands_once_on_a_page_however_many_sections_are_opened(told: Connection) -> None:
    """Two sections of voices take different openings: the same one twice would withhold the story."""
    for offset in range(6):
        builder = Builder(load_material(told, DAY, HEALTH, PUBLICATION), Voice(offset), 40)
        threads = threads_of(builder.material)
        for section in (1, 3):
            builder.quotes, builder.claims = [], set()
            write_voices(builder, threads, section)
        openings = [s.text for s in builder.sentences if s.kind == "synthesis"]
        assert len(openings) == 2 == len(set(openings)), openings


def test_a_part_cut_out_of_a_sentence_heads_nothing_without_a_verb(told: Connection) -> None:
    """Seen on a real page: a sentence broken off before its relative clause had become the headline."""
    claim = next(c for c in load_material(told, DAY, HEALTH, PUBLICATION).claims if not is_post(c))
    text = "Over those seven months, the value of the typical task, which we estimate by job postings, rose by a third."
    quoted = replace(claim, source=replace(claim.source, text=text), start=0, end=len(text), quote=text)
    use = replace(use_of(quoted), quote=text)
    offered = {*headline_clauses(quoted), *telling_clauses(use)}
    assert offered and all("rose" in words for words in offered), offered
