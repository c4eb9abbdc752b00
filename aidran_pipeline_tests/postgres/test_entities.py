"""Entities of records: read once by each state of the table, from what a reader sees first; names that it may lack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aidran_pipeline.analyze import entities, new_names
from aidran_pipeline.analyze.entities import read_entities, unknown_names
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.world import World, at, dump

DAY = date(2026, 6, 20)
RUN = Run("r1", at(DAY, 20))


@pytest.fixture
def world(conn: Connection) -> Iterator[World]:
    made = World(conn)
    made.topics("ai-law")
    for name, kind in (("ledger", "rss"), ("gazette", "rss"), ("bsky", "bluesky_search")):
        made.source(name, kind)
    yield made


def told(world: World, source: str, native: str, text: str, *, back: int = 0, topic: str | None = "ai-law") -> int:
    record = world.record(source, native, text, at(DAY - timedelta(days=back), 9))
    world.assign(record, topic)
    return record


def named(world: World) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row in world.conn.execute("SELECT record_id, entity FROM record_entities"):
        found.setdefault(row["record_id"], set()).add(row["entity"])
    return found


def test_names_are_kept_under_their_canonical_name(world: World) -> None:
    one = told(world, "ledger", "a", "OpenAI and Deep Mind met; Open AI spoke first of ChatGPT.")
    other = told(world, "bsky", "b", "Nothing about anybody in this post on models.")
    off = told(world, "bsky", "c", "OpenAI again, but not about AI.", topic=None)
    assert read_entities(world.conn, [DAY], RUN) == {DAY}
    assert named(world) == {one: {"OpenAI", "Google DeepMind", "ChatGPT"}}
    rows = world.conn.execute("SELECT entity, mentions, kind FROM record_entities WHERE entity = 'OpenAI'").fetchall()
    assert [(r["mentions"], r["kind"]) for r in rows] == [(2, "organisation")]
    assert other not in named(world) and off not in named(world)


def test_reading_again_changes_nothing_until_the_table_or_the_wording_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = told(world, "ledger", "a", "Nvidia sells chips for AI models.")
    far = told(world, "ledger", "old", "Nvidia sold chips for AI models.", back=20)
    assert read_entities(world.conn, [DAY], RUN) == {DAY, DAY - timedelta(days=20)}, "trailing days as well"
    before = dump(world.conn, ("record_entities", "record_analysis"))
    assert read_entities(world.conn, [DAY], Run("r2", RUN.now)) == set()
    assert dump(world.conn, ("record_entities", "record_analysis")) == before
    version = world.version(one, "Anthropic sells models.")
    world.conn.execute("DELETE FROM record_topics")
    world.assign(one, "ai-law")
    assert read_entities(world.conn, [DAY], Run("r3", RUN.now)) == {DAY}
    assert named(world) == {one: {"Anthropic"}, far: {"Nvidia"}}
    assert world.one("SELECT record_version_id FROM record_entities WHERE record_id = %s", one) == version
    monkeypatch.setattr(entities, "entities_version", lambda: "entities-1:another")
    assert read_entities(world.conn, [DAY], Run("r4", RUN.now)) == {DAY, DAY - timedelta(days=20)}
    assert world.one("SELECT count(*) FROM record_entities WHERE engine_version = 'entities-1:another'") == 2


def test_a_name_far_down_a_long_text_is_not_what_it_is_about(world: World) -> None:
    told(world, "ledger", "a", "A long report on AI models. " * 60 + "Nvidia is in its last line.")
    read_entities(world.conn, [DAY], RUN)
    assert named(world) == {}


def test_a_name_that_spreads_is_proposed_and_one_that_is_said_everywhere_is_not(world: World) -> None:
    for back in range(4):
        for source in ("ledger", "gazette", "bsky"):
            told(world, source, f"new{back}", f"They say that {source} tried Zorvexa with a model {back}.", back=back)
            told(world, source, f"land{back}", f"The rules of Ruritania touch models {back} here.", back=back)
            told(world, source, f"off{back}", f"The rain in Ruritania fell on {back} days.", back=back, topic=None)
    told(world, "ledger", "once", "They say that Quibblex is a model.")
    found = new_names(world.conn, DAY - timedelta(days=13), DAY, records=5, families=3)
    assert [each["name"] for each in found] == ["Zorvexa"]
    assert (found[0]["records"], found[0]["families"], found[0]["days"], found[0]["new"]) == (12, 3, 4, True)
    assert new_names(world.conn, DAY - timedelta(days=13), DAY, records=13, families=3) == []
    assert new_names(world.conn, DAY - timedelta(days=13), DAY, records=5, families=4) == []


def test_copies_propose_nothing(world: World) -> None:
    copies = [told(world, s, f"c{i}", "They say that Zorvexa is a model.", back=i % 3) for i in range(6)
              for s in ("ledger", "gazette", "bsky")]  # fmt: skip
    world.copies(copies)
    assert (
        new_names(
            world.conn,
            DAY - timedelta(days=13),
            DAY,
            records=2,
            families=1,
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The chip Jalapeño came from Broadcom and OpenAI.", {"jalapeño"}),
        ("An AI-powered thing, and LLMs, for CEOs; I’ve seen it.", set()),
        ("Zorvexa Beats Every Other Model In Hard Tests\n\nIt is said that nobody knows why.", set()),
        ("We met @somebody and asked.", set()),
    ],
)
def test_which_names_are_unknown(text: str, names: set[str]) -> None:
    assert set(unknown_names(text)) == names


def test_the_command_lists_proposals(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aidran_pipeline.commands.console import CommandError
    from aidran_pipeline.commands.entities import show_entities
    from aidran_pipeline.defs import resources

    @contextmanager
    def connection() -> Iterator[Connection]:
        yield world.conn

    def newsroom(**_settings: Any) -> Any:
        return SimpleNamespace(connection=connection)

    monkeypatch.setattr(resources, "Newsroom", newsroom)
    with pytest.raises(CommandError, match="nothing was analysed yet"):
        show_entities(14, 2, 2, as_json=False)
    for back in range(2):
        for source in ("ledger", "gazette"):
            told(world, source, f"n{back}", f"They say that {source} tried Zorvexa with a model {back}.", back=back)
    show_entities(14, 2, 2, as_json=False)
    shown = capsys.readouterr().out
    assert (
        "2026-06-07 to 2026-06-20: 1 names in 2 texts about AI or more" in shown and "Zorvexa  2026-06-19  4" in shown
    )
    show_entities(14, 5, 2, as_json=True)
    assert '"names": []' in capsys.readouterr().out
