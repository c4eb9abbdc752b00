"""Which group goes on with which storyline, what merges and what splits: pure, over days and homes alone."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidran_pipeline.analyze.continuity import Held, continued, follow
from aidran_pipeline.analyze.states import state_of

TODAY = date(2026, 6, 20)
EVE = TODAY - timedelta(days=1)


def old(home: int, count: int = 1) -> list[Held]:
    return [Held(EVE, home, home)] * count


NEW = Held(TODAY)


def test_a_group_goes_on_with_the_storyline_most_of_it_is_in_the_older_of_equals() -> None:
    assert continued([]) is None and continued([7, 3, 7]) == 7 and continued([9, 4, 4, 9]) == 4
    assert follow([[*old(7, 2), *old(3), NEW], [NEW]], TODAY).homes == [7, None]


def test_what_was_said_earlier_counts_before_what_was_placed_today() -> None:
    placed_today = [Held(TODAY, None, 9)] * 5
    assert follow([[*old(4), *placed_today]], TODAY).homes == [4]
    assert follow([placed_today], TODAY).homes == [9]


def test_a_storyline_that_nobody_follows_merges_where_most_of_it_went() -> None:
    found = follow([[*old(1, 3), *old(2), NEW]], TODAY)
    assert found.merges == {2: 1} and found.homes == [1]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param([[*old(1, 3), *old(2)]], id="nothing new is said today"),
        pytest.param([[*old(1, 3), *old(2), NEW], [*old(3, 3), *old(2), NEW]], id="no more than half went one way"),
        pytest.param([[*old(1, 3), *old(2), NEW], [*old(2, 2)]], id="it still has a group of its own"),
    ],
)
def test_it_does_not_merge_when(groups: list[list[Held]]) -> None:
    assert follow(groups, TODAY).merges == {}


def test_a_part_with_something_new_splits_off_its_trunk() -> None:
    found = follow([[*old(1, 3), NEW], [*old(1, 2), NEW]], TODAY)
    assert found.splits == {1: 1} and found.homes == [1, 1]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param([[*old(1, 3), NEW], [*old(1), NEW]], id="one record is no part"),
        pytest.param([[*old(1, 3), NEW], old(1, 2)], id="nothing new is said in it"),
        pytest.param([[*old(1, 2), NEW]], id="it is the trunk"),
        pytest.param([[*old(1, 3), NEW], [*old(2, 3), *old(1, 2), NEW]], id="it follows another storyline"),
    ],
)
def test_it_does_not_split_when(groups: list[list[Held]]) -> None:
    assert follow(groups, TODAY).splits == {}


def test_nothing_merges_into_a_trunk_through_the_part_that_leaves_it() -> None:
    assert follow([[*old(1, 4), NEW], [*old(1, 2), *old(2), NEW]], TODAY).merges == {}


HOMES = st.lists(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=6), max_size=6)


@given(HOMES)
def test_a_day_grouped_again_after_it_was_placed_decides_the_same(spec: list[list[tuple[bool, int]]]) -> None:
    """The second time every member of today has the home that the first gave it."""
    groups = [[Held(EVE, home, home) if past else NEW for past, home in group] for group in spec]
    first = follow(groups, TODAY)
    placed = [
        [Held(h.day, h.before, h.now if h.now is not None else first.homes[i] or 100 + i) for h in group]
        for i, group in enumerate(groups)
    ]
    again = follow(placed, TODAY)
    assert (again.splits, again.merges) == (first.splits, first.merges)
    assert [home for home in again.homes if (home or 0) < 100] == [home for home in first.homes if home is not None]


@given(HOMES, st.randoms(use_true_random=False))
def test_the_order_within_a_group_does_not_matter_and_heirs_live(
    spec: list[list[tuple[bool, int]]], rng: random.Random
) -> None:
    groups = [[Held(EVE, home, home) if past else NEW for past, home in group] for group in spec]
    found = follow(groups, TODAY)
    for group in groups:
        rng.shuffle(group)
    assert follow(groups, TODAY) == found
    assert not set(found.merges) & set(found.merges.values())
    assert not set(found.merges) & {home for home in found.homes if home is not None}


@pytest.mark.parametrize(
    ("since", "voices", "split", "said"),
    [
        (TODAY, {TODAY: 3}, False, "new"),
        (EVE, {EVE: 1, TODAY: 1}, False, "developing"),
        (EVE, {EVE: 1}, False, "fading"),
        (EVE, {EVE: 8, TODAY: 4}, False, "fading"),
        (EVE, {EVE: 8, TODAY: 5}, False, "developing"),
        (EVE, {EVE: 3, TODAY: 1}, False, "developing"),  # so few say nothing of a trend
        (EVE, {EVE: 2, TODAY: 1}, True, "split"),
    ],
)
def test_states(since: date, voices: dict[date, int], split: bool, said: str) -> None:
    assert state_of(since, TODAY, voices, split=split) == said
