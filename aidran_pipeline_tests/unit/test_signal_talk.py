"""`novelty` and `narrative_shift` over series alone: tails by published values, what is usual, what a day says of itself."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidran_pipeline.signal import narrative, novelty
from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.storyline_series import Said, Talk, narrative_series, novelty_series, week_before
from benchmarks import narratives

DAY = date(2026, 6, 20)
TESTED = Tested(140, 7)


def before(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("t", "degrees", "tail"), [(2.0, 10, 0.036694), (1.812, 10, 0.05), (0.0, 4, 0.5), (-1.0, 6, 0.822041), (12.706, 1, 0.025)]
)  # fmt: skip
def test_student_s_tail_is_that_of_the_tables(t: float, degrees: int, tail: float) -> None:
    assert narrative.t_tail(t, degrees) == pytest.approx(tail, rel=1e-3)


def test_the_beta_binomial_is_a_distribution_and_wider_than_the_binomial() -> None:
    """Uniform where share and rho make the beta one: every count of 4 has 1/5."""
    assert [novelty.upper_tail(k, 4, 0.5, 1 / 3) for k in range(5)] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])
    binomial = sum(math.comb(20, k) * 0.2**k * 0.8 ** (20 - k) for k in range(10, 21))
    assert novelty.upper_tail(10, 20, 0.2, 1e-6) == pytest.approx(binomial, rel=1e-3)
    assert novelty.upper_tail(10, 20, 0.2, 0.2) > 10 * binomial


def test_the_divergence_is_the_g_statistic_per_voice_in_bits() -> None:
    """By hand: 5 and 5 of two matters against 10 and 0; disjoint halves are one bit apart."""
    bits, g, df = narrative.divergence([[5, 10], [5, 0]])
    by_hand = 2 * (5 * math.log(5 / 7.5) + 5 * math.log(5 / 2.5) + 10 * math.log(10 / 7.5))
    assert df == 1 and g == pytest.approx(by_hand)
    assert narrative.divergence([[10, 0], [0, 10]])[0] == pytest.approx(1.0)
    assert narrative.divergence([[10, 10], [3, 3]])[:2] == (0.0, 0.0)
    assert narrative.divergence([[0, 9]]) == (0.0, 0.0, 0) and bits == pytest.approx(g / (2 * 20 * math.log(2)))


def test_gains_are_what_is_told_more_than_expected() -> None:
    found = narrative.gains({"new": 6, "old": 2, "small": 1}, {"old": 20, "gone": 7})
    assert found == {"new": pytest.approx(6 - 6 * 9 / 36)}


def days_of(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [{"day": str(before(len(counts) - 1 - i)), "count": x, "total": n} for i, (x, n) in enumerate(counts)]


def test_novelty_is_measured_against_days_alike() -> None:
    """On Sundays few speak, and hardly of the same: a Sunday is compared with Sundays."""
    rng = random.Random(3)
    weekdays = [(12 + rng.randint(-4, 4), 40) for _ in range(14)]
    sundays = [(rng.randint(0, 1), 6) for _ in range(14)]
    found = novelty.detect(days_of([*weekdays, *sundays, (6, 6)]), TESTED)
    assert found.expected < 1.5 and found.p_uncorrected < 0.01
    assert novelty.detect(days_of([*weekdays, *sundays, (12, 40)]), TESTED).severity is None


def test_a_growing_history_makes_nothing_look_less_new() -> None:
    """Every day: ten voices, three of them on something new; however long the history, that is three."""
    said = []
    for back in range(40, -1, -1):
        said += [Said(before(back), "law", 100 + back, 3, frozenset("ab"))]
        said += [Said(before(back), "law", 1, 7, frozenset("ab"))]
    days = [before(back) for back in range(40, -1, -1)]
    series = novelty_series(Talk.of(said), "law", days, set(days))
    assert {day["count"] for day in series[5:]} == {3} and all(day["count"] is None for day in series[:5])
    assert novelty.detect(series, TESTED).severity is None


def test_a_gap_in_what_is_known_is_no_novelty() -> None:
    days = [before(back) for back in range(20, -1, -1)]
    assert week_before(DAY, set(days), 7) and not week_before(DAY, set(days) - {before(1)}, 7)
    assert not week_before(DAY, set(days) - {before(n) for n in (3, 4, 5)}, 7)


def test_merges_of_later_days_are_undone() -> None:
    said = Said(DAY, "law", 5, 1, frozenset("a"), ((before(2), 2), (before(0), 3), (DAY + timedelta(days=1), 4)))
    assert [said.home(day) for day in (before(3), before(2), before(1), DAY, DAY + timedelta(days=1))] == [
        2,
        3,
        3,
        4,
        5,
    ]


ROWS = st.lists(st.tuples(st.integers(0, 25), st.integers(1, 8), st.sampled_from("abc")), max_size=60)


@given(ROWS, st.randoms(use_true_random=False))
def test_ids_and_order_do_not_matter(rows: list[tuple[int, int, str]], rng: random.Random) -> None:
    days = [before(back) for back in range(25, -1, -1)]
    found = []
    for names in (list(range(9)), rng.sample(range(100, 200), 9)):
        said = [Said(before(back), "law", names[matter], 1, frozenset(who)) for back, matter, who in rows]
        talk = Talk.of(said)
        found.append([f(talk, "law", days, set(days)) for f in (novelty_series, narrative_series)])
        rng.shuffle(rows)
    assert found[0] == found[1]
    assert narrative.detect(found[0][1], TESTED) == narrative.detect(found[1][1], TESTED)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=20))
def test_any_series_gives_a_p_value(pairs: list[tuple[int, int]]) -> None:
    found = novelty.detect(days_of([(min(x, n), n) for x, n in pairs]), TESTED)
    assert 0 <= found.p_uncorrected <= found.p_value <= 1 and math.isfinite(found.score)


@pytest.mark.parametrize("kind", ["novelty", "narrative_shift"])
def test_simulated_days_without_a_change_are_quiet_and_a_large_one_is_heard(kind: str) -> None:
    none = narratives.measured(kind, 40, 28, None, 0.0, 40, TESTED)
    much = narratives.measured(kind, 40, 28, narratives.a_new_matter, 2.0, 40, TESTED)
    assert none["notable"] <= 0.1 and none["p05"] <= 0.2 and much["p05"] >= 0.6 > none["p05"]


def test_the_pooled_rest_moves_nothing_by_itself() -> None:
    pairs, keys = narrative.pooled(Counter({"a": 1, "b": 1}), Counter({"c": 2}))
    assert pairs == [[2, 2]] and keys == set()
