"""Articles on a real database, after the real stages: published, withheld, versioned, and held to the gates twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from aidran_pipeline.analyze import analyze_days, extract_claims
from aidran_pipeline.config.publication import Evidence, Publication
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import (
    GATES,
    ArticleResult,
    GateFailure,
    check_article,
    content_hash_of,
    gates,
    write_article,
)
from aidran_pipeline.write.material import load_material
from aidran_pipeline_tests.material import DAY, DAYS, HEALTH, LAW, PUBLICATION, prepare, tell
from aidran_pipeline_tests.world import World, at, dump

TABLES = (
    "articles", "article_versions", "article_sentences", "sentence_rests_on", "citations", "sentence_citations",
    "editorial_decisions",
)  # fmt: skip
NAMES = [name for name, _ in GATES]


@pytest.fixture(scope="module")
def material_url(server_url: str, template_url: str) -> Iterator[str]:
    """A database with material for two stories, prepared once and copied for each test."""
    name = f"material_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_url.rsplit('/', 1)[1]}")
    url = server_url.rsplit("/", 1)[0] + "/" + name
    with connect(url) as conn:
        tell(conn)
        prepare(conn)
    yield url
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def copy_url(server_url: str, material_url: str) -> Iterator[str]:
    name = f"copy_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {material_url.rsplit('/', 1)[1]}")
    yield server_url.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def told(copy_url: str) -> Iterator[Connection]:
    with connect(copy_url) as conn:
        yield conn


def write(
    conn: Connection, topic: str = HEALTH, *, day: date = DAY, run: str = "w1", publication: Publication = PUBLICATION
) -> ArticleResult:
    return write_article(conn, day, topic, run=Run(run, at(DAY, 23, 45)), publication=publication)


def rows(conn: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in conn.execute(query, values).fetchall()]


def add_news(conn: Connection, *, day: date = DAY, seen: str = "later") -> None:
    """One more report and post on the lead event, analysed; what was sealed stays sealed."""
    world = World(conn, {"ward-round": ("rss", "Ward Round"), "bsky": ("bluesky_search", "Bluesky")})
    for name in world.sources:
        world.fetches[name] = world.one("SELECT min(id) FROM fetches WHERE source_id = %s", name)
    world.record(
        "ward-round", f"x-{seen}",
        "Aldmoor hospitals will publish every week how often the AI model by Sano Labs was overruled on chest scans. "
        "Patients asked for the figure because nobody else counts it.",
        at(day, 18), title=f"Aldmoor hospitals to publish how often the AI model was overruled, {seen}", author="ward-round|x",
    )  # fmt: skip
    world.record(
        "bsky", f"y-{seen}", f"Publishing how often the AI model in Aldmoor is overruled should be the law for hospitals, {seen}.",
        at(day, 19), author=f"{seen}.sample.test",
    )  # fmt: skip
    run = Run("more", at(day, 23, 40))
    analyze_days(conn, [day], run=run)
    extract_claims(conn, [day], run=run)


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


# --- beside other stories -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(HEALTH, LAW), (LAW, HEALTH)])
def test_two_topics_share_no_evidence_and_no_storyline(told: Connection, order: tuple[str, str]) -> None:
    for topic in order:
        assert write(told, topic).decision == "published"
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
