"""Storylines over days on a real database: states, merges, splits, past days that stay as they were, days done again.

How a window is grouped is scripted here, a letter a group, so that each thing that can become of a storyline becomes of
one; the real grouping has tests of its own (test_analyze_storylines.py, test_analyze_days.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from aidran_pipeline.analyze import storyline_store
from aidran_pipeline.analyze.storyline_store import store_storylines
from aidran_pipeline.analyze.storylines import Item
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.world import World, at, dump

D1 = date(2026, 6, 18)
D2, D3, D4, D5, D6 = (D1 + timedelta(days=n) for n in range(1, 6))
TABLES = ("storylines", "storyline_records", "storyline_moves", "storyline_days")


class Newsdesk:
    """Records named by a letter and a number; `groups` says which letters are one group, "a" or "ab"."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.groups = world, dict[str, str]()
        monkeypatch.setattr(storyline_store, "group", self._group)

    def _group(self, items: Sequence[Item], weights: Mapping[str, float]) -> list[tuple[str, list[Item]]]:
        found: dict[str, list[Item]] = {}
        for item in items:
            name = item.order[1].split("|")[1]
            found.setdefault(self.groups.get(name, self.groups.get(name[0], name[0])), []).append(item)
        return [("event", members) for _, members in sorted(found.items())]

    def tell(self, day: date, *names: str, topic: str = "ai-law") -> None:
        for name in names:
            record = self.world.record("ledger", name, f"Report {name} on what happened.", at(day))
            self.world.assign(record, topic)

    def close(self, day: date, run: str = "r1", **groups: str) -> None:
        self.groups = groups
        store_storylines(self.world.conn, day, Run(run, at(day, 23)))

    def states(self, day: date) -> dict[str, str]:
        """State by the name of the storyline's first record, as the day stands."""
        rows = self.world.conn.execute(
            """SELECT s.state, (SELECT min(r.native_id) FROM storyline_members(s.day) m JOIN records r ON r.id = m.record_id
                                WHERE m.storyline_id = s.storyline_id) AS name, s.storyline_id AS id
               FROM storyline_days s WHERE s.day = %s ORDER BY s.storyline_id""",
            (day,),
        ).fetchall()
        return {(row["name"] or f"none {row['id']}").removeprefix("ledger|"): row["state"] for row in rows}

    def home(self, name: str, day: date = D6) -> int:
        return int(
            self.world.one(
                "SELECT storyline_id FROM storyline_members(%s) m JOIN records r ON r.id = m.record_id WHERE native_id = %s",
                day, f"ledger|{name}",
            )
        )  # fmt: skip

    def row(self, storyline: int, day: date) -> dict[str, Any]:
        row = self.world.conn.execute(
            "SELECT * FROM storyline_days WHERE storyline_id = %s AND day = %s", (storyline, day)
        ).fetchone()
        assert row is not None
        return row


@pytest.fixture
def desk(conn: psycopg.Connection[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsdesk]:
    world = World(conn)
    world.topics("ai-law", "ai-finance")
    for name, kind in (("ledger", "rss"), ("bsky", "bluesky_search")):
        world.source(name, kind)
    yield Newsdesk(world, monkeypatch)


def test_a_storyline_is_new_then_developing_then_fading_then_ended(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "b1")
    desk.close(D1)
    desk.tell(D2, "a3")
    desk.close(D2)
    found = []
    for day in (D3, D4, D5):
        desk.close(day)
        found.append(desk.states(day))
    assert desk.states(D1) == {"a1": "new", "b1": "new"}
    assert desk.states(D2) == {"a1": "developing", "b1": "fading"}
    assert found == [{"a1": "fading", "b1": "fading"}, {"a1": "fading", "b1": "ended"}, {"a1": "ended"}]
    row = desk.row(desk.home("a1"), D2)
    assert (row["records"], row["voices"], row["share"], row["since"], row["last_active"]) == (1, 1, 1.0, D1, D2)
    assert desk.row(desk.home("b1"), D1)["share"] == pytest.approx(1 / 3)


def test_copies_of_a_day_count_for_that_day_once(desk: Newsdesk) -> None:
    desk.tell(D1, "a1")
    desk.close(D1)
    first = desk.world.one("SELECT id FROM records WHERE native_id = 'ledger|a1'")
    copies = [desk.world.record("bsky", f"copy{n}", "The same report.", at(D2), author=f"did:{n}") for n in range(3)]
    desk.world.copies([first, *copies])
    desk.close(D2)
    row = desk.row(desk.home("a1"), D2)
    assert (row["state"], row["records"], row["voices"], row["authors"]) == ("developing", 3, 1, 3)
    assert row["platforms"] == 1


def test_a_merged_storyline_points_to_its_heir_and_yesterday_stays(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "b1")
    desk.close(D1)
    a, b = desk.home("a1", D1), desk.home("b1", D1)
    desk.tell(D2, "a3")
    desk.close(D2, a="a", b="a")
    assert desk.home("b1", D1) == b and desk.home("b1", D2) == a
    assert desk.row(b, D2)["state"] == "merged" and desk.row(b, D2)["heir"] == a
    assert desk.row(b, D1)["state"] == "new"
    heirs = {r["storyline_id"]: r["heir"] for r in desk.world.conn.execute("SELECT * FROM storyline_heirs(%s)", (D2,))}
    assert heirs == {a: a, b: a}
    assert {r["heir"] for r in desk.world.conn.execute("SELECT * FROM storyline_heirs(%s)", (D1,))} == {a, b}
    desk.tell(D3, "b2")
    desk.close(D3, a="a", b="a")
    assert desk.home("b2") == a and desk.states(D3) == {"a1": "developing"}


def test_a_group_alone_merges_nothing_that_is_far_in_meaning(desk: Newsdesk) -> None:
    far = desk.world.record(
        "ledger", "b1", "Beat two eggs with sugar and bake the lemon cake for forty minutes.", at(D1)
    )
    desk.world.assign(far, "ai-law")
    desk.tell(D1, "a1", "a2")
    desk.close(D1)
    desk.tell(D2, "a3")
    desk.close(D2, b="a")
    assert desk.home("b1", D2) == desk.home("b1", D1) != desk.home("a1", D2)
    assert desk.row(desk.home("b1"), D2)["state"] == "fading"


def test_the_heir_is_as_old_as_the_older_of_the_two(desk: Newsdesk) -> None:
    desk.tell(D1, "b1")
    desk.close(D1)
    desk.tell(D2, "a1", "a2")
    desk.close(D2)
    desk.tell(D3, "a3")
    desk.close(D3, a="a", b="a")
    assert desk.row(desk.home("a1"), D2)["since"] == D2
    assert desk.row(desk.home("a1"), D3)["since"] == D1 and desk.home("b1") == desk.home("a1")


def test_a_split_takes_its_own_records_and_names_its_parent(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "a3", "a4", "a5")
    desk.close(D1)
    parent = desk.home("a1")
    desk.tell(D2, "a6", "x1")
    desk.close(D2, a4="x", a5="x", x="x")
    child = desk.home("x1")
    assert child != parent and desk.home("a4") == desk.home("a5") == child and desk.home("a4", D1) == parent
    row = desk.row(child, D2)
    assert (row["state"], row["parent"], row["since"]) == ("split", parent, D1)
    assert desk.row(parent, D2)["state"] == "developing"
    desk.tell(D3, "x2")
    desk.close(D3, a4="x", a5="x", x="x")
    assert desk.home("x2") == child and desk.row(child, D3)["state"] == "developing"


def test_a_day_done_again_changes_no_row(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "a3", "a4", "b1")
    desk.close(D1)
    desk.tell(D2, "a5", "x1", "c1")
    plan = {"a3": "x", "a4": "x", "x": "x", "b": "a"}
    desk.close(D2, **plan)
    before = dump(desk.world.conn, TABLES)
    assert any("split" in row for row in before["storyline_moves"])
    assert any("merged" in row for row in before["storyline_moves"])
    desk.close(D2, run="r2", **plan)
    assert dump(desk.world.conn, TABLES) == before


def test_more_of_the_day_changes_what_grows_and_nothing_that_was_decided(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "a3", "a4", "b1")
    desk.close(D1)
    desk.tell(D2, "a5", "x1")
    plan = {"a3": "x", "a4": "x", "x": "x", "b": "a"}
    desk.close(D2, **plan)
    child, moves = desk.home("x1"), dump(desk.world.conn, ("storyline_moves",))
    desk.tell(D2, "x2", "a6")
    desk.close(D2, run="r2", **plan)
    assert desk.home("x2") == child and dump(desk.world.conn, ("storyline_moves",)) == moves
    assert desk.row(child, D2)["records"] == 2


def test_a_late_record_joins_what_its_day_knew_and_follows_it_since(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "b1", "b2")
    desk.close(D1)
    desk.tell(D2, "a3")
    desk.close(D2, b1="a", b2="a")
    b, a = desk.home("b1", D1), desk.home("a1")
    desk.tell(D1, "b3")
    desk.close(D1, run="r2")
    assert desk.home("b3", D1) == b and desk.home("b3", D2) == a
    assert desk.row(b, D1)["records"] == 3


def test_a_past_day_done_again_merges_and_splits_nothing(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "a2", "a3", "a4", "b1")
    desk.close(D1)
    desk.tell(D2, "a5", "x1")
    desk.close(D2, x="a")
    desk.close(D3)
    before = dump(desk.world.conn, TABLES)
    desk.close(D2, run="r2", a3="x", a4="x", x="x", b="a")
    assert dump(desk.world.conn, TABLES) == before


def test_a_record_that_leaves_its_topics_leaves_its_storyline(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "b1")
    desk.close(D1)
    b = desk.home("b1")
    desk.world.conn.execute(
        "DELETE FROM record_topics WHERE record_id = (SELECT id FROM records WHERE native_id = 'ledger|b1')"
    )
    desk.close(D1, run="r2")
    assert desk.states(D1) == {"a1": "new"}
    assert desk.world.one("SELECT count(*) FROM storylines WHERE id = %s", b) == 1, "its id is given to no other"


def test_ids_are_never_given_again(desk: Newsdesk) -> None:
    desk.tell(D1, "a1")
    desk.close(D1)
    first = desk.home("a1")
    for n in range(1, 6):
        desk.close(D1 + timedelta(days=n))
    desk.tell(D6, "a2")
    desk.close(D6)
    assert desk.home("a2") > first and desk.row(desk.home("a2"), D6)["state"] == "new"


def test_the_database_refuses_heirs_that_have_one_and_records_for_the_merged(desk: Newsdesk) -> None:
    desk.tell(D1, "a1", "b1", "c1")
    desk.close(D1)
    a, b, c = (desk.home(n) for n in ("a1", "b1", "c1"))
    run = desk.world.conn
    run.execute("UPDATE storylines SET merged_into = %s, merged_on = %s WHERE id = %s", (a, D1, b))
    refused = (
        ("UPDATE storylines SET merged_into = %s, merged_on = '2026-06-18' WHERE id = %s", (b, c)),
        ("UPDATE storylines SET merged_into = %s, merged_on = '2026-06-18' WHERE id = %s", (c, b)),
        ("UPDATE storylines SET merged_into = %s, merged_on = '2026-06-18' WHERE id = %s", (c, c)),
        ("UPDATE storyline_records SET storyline_id = %s WHERE storyline_id = %s", (b, c)),
    )
    for statement, values in refused:
        with pytest.raises(psycopg.errors.CheckViolation), run.transaction():
            run.execute(statement, values)
