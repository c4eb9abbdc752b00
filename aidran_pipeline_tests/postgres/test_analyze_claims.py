"""Claims on a real database: verbatim by the database's own count, taken once, superseded when the words change."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from aidran_pipeline.analyze import claims as module
from aidran_pipeline.analyze import extract_claims
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
TEXTS = [
    "Nine regional hospitals let an AI model read 340 chest scans, the agency said. Radiologists check them all in 2026.",
    "😀 The port of Aldmoor paid 46 million euros for its AI hall. 🚀 The ministry said that 12,000 GPUs run there.",
    "Ärzte aside, the Lindqvist Institute reported that “its” model missed 2 of 340 fractures. It was tested in Oslo.",
    "A survey of 410 teams by Tallow found that code review takes 31 percent longer. Agents open most pull requests.",
]


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    made = World(conn)
    made.topics("ai-healthcare", "ai-law")
    made.source("ledger")
    made.source("bsky", "bluesky_search")
    yield made


def told(world: World, texts: list[str] = TEXTS, topic: str = "ai-healthcare") -> list[int]:
    made = []
    for i, text in enumerate(texts):
        made.append(
            world.record("ledger", f"n{i}", text, at(DAY, 6 + i), title=f"Report {i} on AI in hospitals of Aldmoor")
        )
        world.assign(made[-1], topic)
    return made


def extract(world: World, run: str = "r1", hour: int = 20) -> StageResult:
    return extract_claims(world.conn, [DAY], run=Run(run, at(DAY, hour)))[DAY]


def rows(world: World, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in world.conn.execute(query, values).fetchall()]


def test_every_quote_is_the_text_as_the_database_counts_it(world: World) -> None:
    told(world)
    result = extract(world)
    found = rows(
        world,
        """SELECT c.quote, substring(v.text FROM c.start_at + 1 FOR c.end_at - c.start_at), c.run_id, c.engine
           FROM claims c JOIN record_versions v ON v.id = c.record_version_id""",
    )
    assert len(found) == result.metadata["claims"] >= 2 * len(TEXTS)
    assert all(quote == text and run == "r1" and engine == "extractive" for quote, text, run, engine in found)
    assert any("46 million euros" in quote for quote, *_ in found), "behind an emoji, too"


def test_the_database_refuses_a_quote_that_is_not_there(world: World) -> None:
    told(world)
    extract(world)
    with pytest.raises(psycopg.errors.CheckViolation, match="not the text"):
        world.conn.execute("UPDATE claims SET quote = translate(quote, 'e', 'a') WHERE quote LIKE '%%e%%'")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.conn.execute("UPDATE claims SET start_at = start_at + 1")


def test_claims_are_taken_once(world: World) -> None:
    told(world)
    first = extract(world)
    before = dump(world.conn, ["claims"])
    again = extract(world, "r2", 21)
    assert dump(world.conn, ["claims"]) == before
    assert first.changed and not again.changed and again.data_version == first.data_version


def test_a_new_record_adds_its_own_and_leaves_the_others(world: World) -> None:
    told(world, TEXTS[:2])
    extract(world)
    before = set(dump(world.conn, ["claims"])["claims"])
    record = world.record("bsky", "p", TEXTS[3], at(DAY, 12))
    world.assign(record, "ai-law")
    assert extract(world, "r2").changed
    after = set(dump(world.conn, ["claims"])["claims"])
    assert before < after
    assert rows(world, "SELECT DISTINCT r.native_id FROM claims c JOIN record_versions v ON v.id = c.record_version_id "
                       "JOIN records r ON r.id = v.record_id WHERE c.run_id = 'r2'") == [("p",)]  # fmt: skip


def test_an_edit_supersedes_the_claims_of_the_words_before(world: World) -> None:
    record = told(world, TEXTS[:1])[0]
    extract(world)
    old = rows(world, "SELECT id, quote FROM claims ORDER BY id")
    world.version(
        record, "The agency said that 350 chest scans were read by the AI model in nine hospitals.", seen=at(DAY, 21)
    )
    world.conn.execute("DELETE FROM record_topics")
    world.assign(record, "ai-healthcare")
    assert extract(world, "r2", 22).changed
    assert rows(world, "SELECT id, quote FROM claims WHERE superseded_at = %s ORDER BY id", at(DAY, 22)) == old
    valid = rows(world, "SELECT quote FROM claims WHERE superseded_at IS NULL")
    assert any("350 chest scans" in quote for (quote,) in valid) and not any("340" in quote for (quote,) in valid)
    assert not extract(world, "r3", 23).changed


def test_another_version_of_the_engine_reads_everything_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told(world)
    first = extract(world)
    monkeypatch.setattr(module, "VERSION", "claims-of-tomorrow")
    second = extract(world, "r2", 21)
    assert second.metadata["claims"] == first.metadata["claims"] and second.changed
    counted = rows(world, "SELECT superseded_at IS NULL, count(*) FROM claims GROUP BY 1 ORDER BY 1")
    assert counted == [(False, first.metadata["claims"]), (True, first.metadata["claims"])]
    assert not extract(world, "r3", 22).changed


def test_a_copy_gives_no_claims_its_first_does(world: World) -> None:
    first = told(world, TEXTS[:1])[0]
    copies = [world.record("bsky", f"c{i}", TEXTS[0], at(DAY, 9 + i)) for i in range(5)]
    for copy in copies:
        world.assign(copy, "ai-healthcare")
    world.copies([first, *copies])
    extract(world)
    assert rows(
        world, "SELECT DISTINCT v.record_id FROM claims c JOIN record_versions v ON v.id = c.record_version_id"
    ) == [(first,)]


def test_only_english_records_with_a_topic_are_read(world: World) -> None:
    other, foreign = told(world, TEXTS[:2])
    world.conn.execute("DELETE FROM record_topics WHERE record_id = %s", (other,))
    world.conn.execute(
        "UPDATE record_analysis SET lang = 'de' WHERE record_version_id = (SELECT max(id) FROM record_versions WHERE record_id = %s)",
        (foreign,),
    )
    assert extract(world).metadata["claims"] == 0


def test_the_best_records_of_a_topic_represent_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PER_TOPIC", 2)
    for record, score in zip(told(world), (0.4, 0.9, 0.5, 0.8), strict=True):
        world.conn.execute("UPDATE record_topics SET score = %s WHERE record_id = %s", (score, record))
    extract(world)
    read = rows(
        world,
        """SELECT DISTINCT r.native_id FROM claims c JOIN record_versions v ON v.id = c.record_version_id
           JOIN records r ON r.id = v.record_id ORDER BY 1""",
    )
    assert read == [("ledger|n1",), ("ledger|n3",)]


def test_the_order_of_arrival_does_not_matter(world: World) -> None:
    found = []
    for seed in (None, 3):
        with world.conn.transaction(force_rollback=True):
            numbered = list(enumerate(TEXTS))
            if seed:
                random.Random(seed).shuffle(numbered)
            for i, text in numbered:
                world.assign(world.record("bsky", f"p{i}", text, at(DAY, 6 + i)), "ai-law")
            found.append(extract(world).data_version)
    assert found[0] == found[1]


def test_entities_stand_in_the_quote(world: World) -> None:
    told(world)
    extract(world)
    for quote, entities in rows(world, "SELECT quote, entities FROM claims"):
        assert all(entity["text"] in quote and set(entity) == {"text", "kind"} for entity in entities)
    assert rows(world, "SELECT count(*) FROM claims WHERE entities <> '[]'")[0][0] > 0
