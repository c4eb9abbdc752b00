"""Analysis of whole days on a real database: language, copies, embeddings, topics, storylines, and doing it twice."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from aidran_pipeline.analyze import analyze_days
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline.text import embeddings
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
NOW = at(DAY, 22)
TABLES = (
    "record_analysis", "record_embeddings", "record_topics", "duplicate_groups", "duplicate_members", "storylines",
    "storyline_records",
)  # fmt: skip
OPENING = (
    "The Lindqvist Institute opened a 40-megawatt AI data centre in Aldmoor on Tuesday. The hall runs 12,000 GPUs and "
    "was paid for by the port."
)


@pytest.fixture(autouse=True)
def embed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real model, but each text of this file once: most tests share the topics' descriptions and these texts."""
    monkeypatch.setattr(embeddings, "embed", _embed)


_embed = cache(embeddings.embed)


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    made = World(conn)
    sync_topics(conn, load_topics(), now=NOW)
    for name, kind in (("ledger", "rss"), ("gazette", "rss"), ("bsky", "bluesky_search"), ("reddit", "reddit")):
        made.source(name, kind)
    yield made


def analyse(world: World, *days: date, run: str = "r1") -> dict[date, StageResult]:
    return analyze_days(world.conn, days or [DAY], run=Run(run, NOW))


def rows(world: World, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in world.conn.execute(query, values).fetchall()]


def groups(world: World) -> list[list[str]]:
    """Members of each group of copies, by native id."""
    found = rows(
        world,
        "SELECT m.group_id, r.native_id FROM duplicate_members m JOIN records r ON r.id = m.record_id ORDER BY 1, 2",
    )
    return [[native for _, native in members] for _, members in itertools.groupby(found, key=lambda row: row[0])]


def topics_of(world: World, native: str) -> list[str]:
    return [
        row[0]
        for row in rows(
            world,
            "SELECT t.topic FROM record_topics t JOIN records r ON r.id = t.record_id WHERE r.native_id LIKE %s ORDER BY t.rank",
            f"%{native}",
        )
    ]


def storyline_of(world: World) -> dict[str, int]:
    return dict(
        rows(
            world,
            "SELECT r.native_id, s.storyline_id FROM storyline_records s JOIN records r ON r.id = s.record_id ORDER BY 1",
        )
    )


# --- language ------------------------------------------------------------------------------------------------------------


def test_language_comes_from_the_words_and_for_short_ones_from_the_source(world: World) -> None:
    texts = {
        "en": ("The ministry published a draft law on artificial intelligence and its labels on Monday.", None),
        "de": (
            "Das Ministerium hat am Montag einen Entwurf für ein Gesetz über künstliche Intelligenz vorgelegt.",
            None,
        ),
        "fr": ("Le ministère a publié lundi un projet de loi sur l’intelligence artificielle et ses étiquettes.", None),
        "ja": ("省庁は月曜日に人工知能に関する法案を公表した。", None),
        "short": ("KI? Nein.", "de"),
        "wrong": ("The council will vote on the artificial intelligence budget next week in the town hall.", "fr"),
    }
    for name, (text, declared) in texts.items():
        world.record("bsky", name, text, at(DAY), lang=declared)
    analyse(world)
    found = dict(
        rows(
            world,
            """SELECT r.native_id, a.lang FROM record_analysis a JOIN record_versions v ON v.id = a.record_version_id
               JOIN records r ON r.id = v.record_id""",
        )
    )
    assert found == {"en": "en", "de": "de", "fr": "fr", "ja": "ja", "short": "de", "wrong": "en"}


# --- copies --------------------------------------------------------------------------------------------------------------


def test_one_voice_copied_fifty_times_counts_once(world: World) -> None:
    changes = [
        lambda t: t, lambda t: t + " https://short.example/a1", lambda t: t.upper(), lambda t: "RT: " + t,
        lambda t: t.replace("Tuesday", "Tuesday,"), lambda t: t + " #AI", lambda t: t.replace(" on Tuesday", ""),
    ]  # fmt: skip
    for i in range(50):
        world.record("bsky", f"copy{i:02}", changes[i % len(changes)](OPENING), at(DAY, 6, i), author=f"did:{i}")
    world.record(
        "bsky", "own", "The port of Aldmoor paid too much for its AI hall, says the fishers' union.", at(DAY, 8)
    )
    analyse(world)
    assert groups(world) == [[f"copy{i:02}" for i in range(50)]]
    assert rows(
        world, "SELECT size, (SELECT native_id FROM records WHERE id = representative) FROM duplicate_groups"
    ) == [(50, "copy00")]
    told = storyline_of(world)
    assert sum(name.startswith("copy") for name in told) == 1, "only the first of the copies tells the story"


def test_another_text_about_the_same_is_no_copy(world: World) -> None:
    world.record("bsky", "a", OPENING, at(DAY, 6))
    world.record(
        "bsky",
        "b",
        "Aldmoor's new data centre was opened by the Lindqvist Institute this week, with 40 megawatts.",
        at(DAY, 7),
    )
    world.record("bsky", "c", "ok", at(DAY, 8))
    world.record("bsky", "d", "ok", at(DAY, 9))
    analyse(world)
    assert groups(world) == []


@pytest.mark.parametrize("order", list(itertools.permutations(("a", "b", "c")))[1:])
def test_copies_are_one_voice_at_any_order_of_arrival(world: World, order: tuple[str, ...]) -> None:
    hours = {"a": 6, "b": 9, "c": 12}
    for name in order:
        world.record("bsky", name, OPENING, at(DAY, hours[name]))
    analyse(world)
    assert groups(world) == [["a", "b", "c"]]
    assert rows(world, "SELECT r.native_id FROM duplicate_groups g JOIN records r ON r.id = g.representative") == [
        ("a",)
    ]


def test_a_copy_that_arrives_late_joins_its_group(world: World) -> None:
    """It was published first, and seen last: still one voice."""
    world.record("bsky", "b", OPENING, at(DAY, 10))
    world.record("bsky", "c", OPENING, at(DAY, 11))
    analyse(world)
    world.record("bsky", "a", OPENING, at(DAY, 9))
    analyse(world, run="r2")
    assert groups(world) == [["a", "b", "c"]]
    assert rows(world, "SELECT size FROM duplicate_groups") == [(3,)]


def test_a_copy_days_later_is_the_same_voice(world: World) -> None:
    world.record("bsky", "first", OPENING, at(DAY - timedelta(days=4)))
    analyse(world, DAY - timedelta(days=4))
    world.record("ledger", "second", OPENING, at(DAY))
    analyse(world, DAY, run="r2")
    assert groups(world) == [["first", "ledger|second"]]


# --- embeddings ----------------------------------------------------------------------------------------------------------


def test_texts_are_embedded_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = embeddings.embed

    def counting(text: str) -> embeddings.Vector:
        asked.append(text)
        return real(text)

    monkeypatch.setattr(embeddings, "embed", counting)
    world.record("bsky", "a", OPENING, at(DAY))
    world.record("bsky", "b", OPENING, at(DAY, 14))
    world.record(
        "ledger", "c", "An AI model reads chest scans overnight in nine hospitals, and doctors check it.", at(DAY)
    )
    analyse(world)
    texts = [t for t in asked if t.startswith(("The Lindqvist", "An AI model"))]
    assert len(texts) == len(set(texts)) == 2
    asked.clear()
    world.conn.execute("DELETE FROM record_topics")
    world.conn.execute("DELETE FROM record_analysis")
    analyse(world, run="r2")
    assert [t for t in asked if t in texts] == [], "a second run embeds nothing"
    lengths = rows(world, "SELECT DISTINCT round(vector_norm(embedding)::numeric, 3) FROM record_embeddings")
    assert lengths == [(1,)]


# --- topics --------------------------------------------------------------------------------------------------------------

ABOUT = [
    ("ai-healthcare", "Nine hospitals let an AI model read chest scans overnight; radiologists check every scan in the morning."),
    ("ai-law", "A judge ruled that training a language model on pirated books infringes copyright, and the lawsuit goes on."),
    ("ai-hardware-compute", "Nvidia will ship two million GPUs this year, and every data centre asks for more high-bandwidth memory."),
    ("ai-military", "The army tests AI drones that choose targets on their own; the defence ministry calls them weapons under control."),
    ("ai-in-education", "Teachers caught half of the class using ChatGPT for homework, so the school changed its exams."),
    ("ai-regulation", "The European Commission published draft guidance on the AI Act; the regulation asks for labels."),
    ("ai-software-development", "Coding agents open most pull requests now, and software developers wait for code review."),
    ("ai-job-displacement", "The bank will replace 3,000 clerks by AI; the union says that layoffs hit those who trained it."),
    ("ai-misinformation", "A deepfake video of the mayor went viral before the vote; AI-generated disinformation is cheap."),
    ("open-source-ai", "Mistral released the weights of its open-source language model under the Apache licence."),
]  # fmt: skip
NOT_ABOUT = [
    "Beat two eggs with sugar, fold in the flour and bake the lemon cake for forty minutes.",
    "The midfielder scored twice in the second half and the club won the cup final on Sunday.",
    "The governing party lost eleven seats in the election; the coalition talks begin on Monday.",
    "Heavy rain is expected along the coast, with gusts of 90 kilometres an hour.",
    "Tomatoes or peppers for a north-facing balcony? Asking for a friend with no sun.",
    "The central bank left its rate at four percent and spoke of stubborn inflation.",
    "Ai Weiwei opened an exhibition of bicycles in Lisbon.",
    "The airline cancelled forty flights after its pilots walked out.",
]


def test_each_record_gets_the_topics_it_is_about(world: World) -> None:
    for i, (_, text) in enumerate(ABOUT):
        world.record("ledger", f"n{i}", text, at(DAY, 6, i))
    analyse(world)
    found = {i: topics_of(world, f"|n{i}") for i in range(len(ABOUT))}
    assert {i: ABOUT[i][0] for i in found if ABOUT[i][0] not in found[i]} == {}
    assert all(1 <= len(topics) <= 3 for topics in found.values())
    scores = rows(world, "SELECT rank, score FROM record_topics ORDER BY record_id, rank")
    assert all(0 < score <= 1 for _, score in scores)


def test_what_is_not_about_ai_gets_none_of_them(world: World) -> None:
    for i, text in enumerate(NOT_ABOUT):
        world.record("ledger", f"x{i}", text, at(DAY, 6, i))
    analyse(world)
    assert rows(world, "SELECT record_id FROM record_topics") == []
    named = sum("Ai " in text for text in NOT_ABOUT)  # the artist is no topic, but his name looks like the subject
    assert rows(world, "SELECT count(*) FROM record_analysis WHERE about_ai")[0][0] <= named
    assert rows(world, "SELECT count(*) FROM storyline_records") == [(0,)]


def test_an_edited_record_is_judged_by_its_newest_words(world: World) -> None:
    record = world.record("ledger", "e", ABOUT[0][1], at(DAY))
    analyse(world)
    assert topics_of(world, "|e")[0] == "ai-healthcare"
    world.version(record, ABOUT[1][1], seen=at(DAY, 15))
    analyse(world, run="r2")
    assert "ai-law" in topics_of(world, "|e") and "ai-healthcare" not in topics_of(world, "|e")
    world.version(record, NOT_ABOUT[0], seen=at(DAY, 16))
    analyse(world, run="r3")
    assert topics_of(world, "|e") == []


# --- doing it twice, in another order, day by day -----------------------------------------------------------------------


def three_days(world: World, order: random.Random | None = None) -> None:
    """A small conversation over three days, ingested in any order."""
    items = [
        (f"{day}-{i}", text, at(DAY - timedelta(days=day), 6 + i))
        for day in range(3)
        for i, (_, text) in enumerate(ABOUT)
    ]
    items = [(name, f"{text} Day {name}.", when) for name, text, when in items]
    items += [(f"copy-{day}", OPENING, at(DAY - timedelta(days=day), 5)) for day in range(3)]
    if order:
        order.shuffle(items)
    for name, text, when in items:
        world.record("gazette" if name.endswith(("1", "4", "7")) else "bsky", name, text, when)


NATURAL = {
    "topics": "SELECT r.native_id, t.topic, t.rank, t.score FROM record_topics t JOIN records r ON r.id = t.record_id",
    "analysis": """SELECT r.native_id, a.lang, a.ai_score, a.about_ai, a.input_hash FROM record_analysis a
                   JOIN record_versions v ON v.id = a.record_version_id JOIN records r ON r.id = v.record_id""",
    "copies": """SELECT r.native_id, f.native_id, m.similarity, g.size FROM duplicate_members m JOIN records r ON r.id = m.record_id
                 JOIN duplicate_groups g ON g.id = m.group_id JOIN records f ON f.id = g.representative""",
    "storylines": """SELECT s.topic, s.kind, s.label, s.terms::text, s.first_day, s.last_day,
                     array_agg(r.native_id || ':' || sr.weight ORDER BY r.native_id) FROM storylines s
                     JOIN storyline_records sr ON sr.storyline_id = s.id JOIN records r ON r.id = sr.record_id GROUP BY s.id""",
}  # fmt: skip


def natural(world: World) -> dict[str, list[str]]:
    """What analysis says, without any database id."""
    return {name: sorted(str(row) for row in rows(world, query)) for name, query in NATURAL.items()}


def test_the_order_of_ingestion_does_not_matter(world: World) -> None:
    found = []
    for seed in (None, 1, 2):
        with world.conn.transaction(force_rollback=True):
            three_days(world, random.Random(seed) if seed else None)
            analyse(world, DAY, DAY - timedelta(days=1), DAY - timedelta(days=2))
            found.append(natural(world))
    assert found[0] == found[1] == found[2]
    assert all(found[0].values())


def test_day_by_day_gives_the_same_as_all_days_at_once(world: World) -> None:
    found = []
    for plan in (
        [[DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]],
        [[DAY - timedelta(days=d)] for d in (2, 1, 0)],
    ):
        with world.conn.transaction(force_rollback=True):
            three_days(world)
            for days in plan:
                analyse(world, *days)
            found.append(natural(world))
    assert found[0] == found[1]


def test_a_day_analysed_again_changes_no_row(world: World) -> None:
    three_days(world)
    days = [DAY - timedelta(days=d) for d in range(3)]
    first = analyse(world, *days)
    before = dump(world.conn, TABLES)
    assert all(before.values())
    again = analyse(world, *days, run="r2")
    assert dump(world.conn, TABLES) == before
    assert not any(result.changed for result in again.values())
    assert {d: r.data_version for d, r in again.items()} == {d: r.data_version for d, r in first.items()}


def test_new_records_leave_what_stands_as_it_was(world: World) -> None:
    """Only rows of the new record are written; the others keep the run that made them."""
    three_days(world)
    days = [DAY - timedelta(days=d) for d in range(3)]
    first = analyse(world, *days)
    world.record(
        "bsky",
        "late",
        "Robots at the port of Aldmoor unload ships with an AI model from the Lindqvist Institute.",
        at(DAY, 21),
    )
    again = analyse(world, *days, run="r2")
    assert again[DAY].changed and again[DAY].data_version != first[DAY].data_version
    assert rows(world, "SELECT count(*) FROM record_analysis WHERE run_id = 'r2'") == [(1,)]
    assert rows(world, "SELECT DISTINCT r.native_id FROM record_topics t JOIN records r ON r.id = t.record_id WHERE t.run_id = 'r2'") in (
        [("late",)], [])  # fmt: skip


# --- storylines ----------------------------------------------------------------------------------------------------------


def story(world: World, source: str, name: str, text: str, when: datetime) -> None:
    world.record(source, name, text, when, title=text.split(". ")[0])


def test_a_storyline_keeps_its_id_over_days(world: World) -> None:
    ids = []
    for back, texts in (
        (2, ["Lindqvist Institute opens 40-megawatt AI data centre in Aldmoor. The hall in Aldmoor runs 12,000 GPUs.",
             "Aldmoor: Lindqvist Institute opens AI data centre of 40 megawatts. It runs 12,000 GPUs in Aldmoor."]),
        (1, ["Aldmoor fishers sue Lindqvist Institute over its AI data centre. The hall in Aldmoor warms the harbour.",
             "Lindqvist Institute opens second hall of its 40-megawatt AI data centre in Aldmoor. Aldmoor runs 12,000 GPUs."]),
        (0, ["Lindqvist Institute defends AI data centre in Aldmoor. The Aldmoor hall of 40 megawatts runs 12,000 GPUs."]),
    ):  # fmt: skip
        day = DAY - timedelta(days=back)
        for i, text in enumerate(texts):
            story(world, ("ledger", "gazette")[i % 2], f"s{back}{i}", text, at(day, 7 + i))
        analyse(world, day, run=f"r{back}")
        placed = storyline_of(world)
        ids.append({name: sid for name, sid in placed.items() if "|s" in name})
    for earlier, later in itertools.pairwise(ids):
        assert {name: later[name] for name in earlier} == earlier, "a record stays where it was put"
    assert ids[0]["ledger|s20"] == ids[0]["gazette|s21"] == ids[2]["ledger|s00"]
    days = rows(world, "SELECT first_day, last_day FROM storylines WHERE id = %s", ids[0]["ledger|s20"])
    assert days == [(DAY - timedelta(days=2), DAY)]


def test_a_record_is_about_one_storyline_of_its_first_topic(world: World) -> None:
    three_days(world)
    analyse(world, *[DAY - timedelta(days=d) for d in range(3)])
    assert rows(world, "SELECT record_id FROM storyline_records GROUP BY record_id HAVING count(*) > 1") == []
    assert (
        rows(
            world,
            """SELECT 1 FROM storyline_records sr JOIN storylines s ON s.id = sr.storyline_id
               JOIN record_topics t ON t.record_id = sr.record_id AND t.rank = 1 WHERE t.topic <> s.topic""",
        )
        == []
    )
    outside = rows(
        world,
        "SELECT 1 FROM storylines s JOIN storyline_records r ON r.storyline_id = s.id WHERE r.day NOT BETWEEN s.first_day AND s.last_day",
    )
    assert outside == []


def test_results_count_what_there_is(world: World) -> None:
    three_days(world)
    found = analyse(world, DAY)[DAY]
    figures = found.metadata
    assert figures["records"] == len(ABOUT) + 1
    assert figures["about_ai"] <= figures["records"] and figures["with_topic"] == sum(figures["topics"].values())
    assert found.changed


def test_results_say_what_became_of_storylines(world: World) -> None:
    first = DAY - timedelta(days=2)
    three_days(world)
    figures = analyse(world, first)[first].metadata
    assert figures["storyline_states"] == {"new": figures["storylines"]} and figures["storylines"] > 3


def test_the_clock_is_the_run_s(world: World) -> None:
    """Days are those of the records; a run from another year gives the same rows."""
    world.record("bsky", "a", OPENING, at(DAY))
    with world.conn.transaction(force_rollback=True):
        analyse(world)
        first = natural(world)
    analyze_days(world.conn, [DAY], run=Run("r1", datetime(2031, 1, 1, tzinfo=UTC)))
    assert natural(world) == first
