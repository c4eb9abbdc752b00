"""The measure behind `volume_spike`, without a database: tails, calibration, old spikes, replay from JSON."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from aidran_pipeline.signal import KINDS, replay
from aidran_pipeline.signal.inputs import DayInputs, reaches
from aidran_pipeline.signal.volume import (
    METHODS,
    SCREEN_DAYS,
    VERSION,
    DayCount,
    detect,
    detect_day,
    detect_windows,
    goes_on,
    severity,
    upper_tail,
    windows,
)

DAY = date(2026, 6, 20)


def days(counts: list[int | None], *, total: int = 1000, share: float = 0.02) -> list[DayCount]:
    return [
        DayCount(f"d{i}", n, None if n is None else total, share, 0.0 if n is None else 1.0)
        for i, n in enumerate(counts)
    ]


def negative_binomial(rng: random.Random, mean: float, alpha: float) -> int:
    """One draw, as a Poisson of a gamma."""
    rate = rng.gammavariate(1 / alpha, alpha * mean) if alpha else mean
    limit, k, product = math.exp(-rate), 0, rng.random()
    while product > limit:
        k += 1
        product *= rng.random()
    return k


def exact_tail(count: int, mean: Fraction, size: int) -> float:
    """P(X >= count) with alpha = 1/size, summed in exact fractions."""
    p = mean / (size + mean)
    below = sum((math.comb(k + size - 1, k) * p**k for k in range(count)), Fraction(0)) * (1 - p) ** size
    return float(1 - below)


@pytest.mark.parametrize("count", [1, 5, 20, 60])
@pytest.mark.parametrize(("mean", "size"), [(Fraction(3, 2), 10), (Fraction(12), 4), (Fraction(40), 25)])
def test_the_tail_is_that_of_the_distribution(count: int, mean: Fraction, size: int) -> None:
    assert upper_tail(count, float(mean), 1 / size) == pytest.approx(exact_tail(count, mean, size), rel=1e-6)


def test_the_tail_of_a_poisson_count() -> None:
    assert upper_tail(0, 3.0, 0.0) == 1.0
    assert upper_tail(1, 3.0, 0.0) == pytest.approx(1 - math.exp(-3))
    assert 0 < upper_tail(400, 10.0, 0.05) < 1e-12, "far tails do not vanish in rounding"


@given(st.integers(0, 200), st.floats(0.01, 100), st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_tails_are_probabilities_and_fall(count: int, mean: float, alpha: float) -> None:
    here, more = upper_tail(count, mean, alpha), upper_tail(count + 1, mean, alpha)
    assert 0 <= more <= here + 1e-9 <= 1 + 1e-9


@pytest.mark.parametrize(("mean", "alpha"), [(1, 0.1), (4, 0.0), (15, 0.1), (60, 0.1)])
@pytest.mark.parametrize("history", [7, 28])
def test_days_without_change_are_seldom_notable(mean: float, alpha: float, history: int) -> None:
    """The promise of p < 0.05 holds, within what 400 simulated days can show, when the mean has to be learned too."""
    rng = random.Random(f"{mean} {alpha} {history}")
    found = sum(
        detect(days([negative_binomial(rng, mean, alpha) for _ in range(history + 1)]), 1).p_uncorrected < 0.05
        for _ in range(400)
    )
    assert found / 400 < 0.09


def test_a_rise_is_found_although_two_spikes_lie_in_the_past() -> None:
    rng = random.Random(5)

    def power(spoil: bool) -> float:
        found = 0
        for _ in range(120):
            past = [negative_binomial(rng, 15, 0.1) for _ in range(21)]
            if spoil:
                past[4], past[11] = 60, 75
            found += detect(days([*past, 40]), 1).severity is not None
        return found / 120

    assert power(spoil=False) > 0.9
    assert power(spoil=True) > 0.8


def test_a_short_history_is_not_screened_and_not_taken_for_a_sure_one() -> None:
    short, long = detect(days([10] * 7 + [22]), 1), detect(days([10] * 28 + [22]), 1)
    assert short.p_value > long.p_value
    assert SCREEN_DAYS > 7


def test_unknown_days_of_the_past_are_left_out_not_counted_as_nought() -> None:
    assert detect(days([10, None, 10, 10, None, 10, 10, 10, 10, 11]), 1) == detect(days([10] * 7 + [11]), 1)


def test_an_unknown_day_is_not_judged() -> None:
    with pytest.raises(ValueError, match="too few sources"):
        detect(days([10] * 8 + [None]), 1)


def test_a_day_is_judged_by_the_usual_share_of_the_sources_that_were_there() -> None:
    """Twice the count from sources that usually bring twice the share is nothing; from the same sources it is a rise."""
    past = days([20] * 14)
    assert detect([*past, DayCount("z", 40, 1000, 0.04, 1.0)], 1).severity is None
    assert detect([*past, DayCount("z", 40, 1000, 0.02, 1.0)], 1).severity is not None


def test_correction_for_the_number_of_topics() -> None:
    one, many = detect(days([5] * 20 + [14]), 1), detect(days([5] * 20 + [14]), 24)
    assert many.p_uncorrected == one.p_uncorrected
    assert many.p_value == pytest.approx(min(1.0, 24 * one.p_uncorrected))


def test_severity_needs_both_a_small_p_and_a_large_ratio() -> None:
    assert severity(120, 100, 1e-9, 1e-8) is None, "a sure rise of a fifth is no story"
    assert severity(135, 100, 1e-9, 1e-8) == "notable"
    assert severity(170, 100, 1e-9, 1e-8) == "strong"
    assert severity(300, 100, 1e-9, 1e-8) == "severe"
    assert severity(300, 100, 0.06, 1.0) is None
    assert severity(300, 100, 0.01, 0.2) == "notable"


SERIES = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(0, 60), st.integers(0, 4000), st.floats(1e-6, 0.9))),
    max_size=28,
)


@given(SERIES, st.tuples(st.integers(0, 300), st.integers(0, 4000), st.floats(1e-6, 0.9)), st.integers(1, 50))
@settings(max_examples=150, deadline=None)
def test_any_series_gives_finite_figures_and_the_same_again_from_json(
    past: list[tuple[int, int, float] | None], last: tuple[int, int, float], tests: int
) -> None:
    series = [
        DayCount(f"d{i}", None, None, 0.1, 0.0) if d is None else DayCount(f"d{i}", min(d[:2]), d[1], d[2], 1.0)
        for i, d in enumerate([*past, last])
    ]
    found = detect(series, tests)
    assert all(math.isfinite(v) for v in asdict(found).values() if isinstance(v, float))
    assert 0 <= found.p_uncorrected <= found.p_value <= 1
    stored = json.loads(json.dumps([d.as_dict() for d in series]))
    assert replay(stored, "volume_spike", tests) == found


def test_every_kind_has_a_name_and_a_version() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.version for kind in KINDS)


def moment(day: int, hour: float) -> datetime:
    return datetime(2026, 6, day, tzinfo=UTC) + timedelta(hours=hour)


def ranges(*spans: tuple[datetime | None, datetime | None]) -> Multirange[datetime]:
    return Multirange([Range(since, until) for since, until in spans])


@pytest.mark.parametrize(
    ("spans", "now", "reached"),
    [
        ([(moment(19, 0), moment(21, 0))], moment(21, 6), True),
        ([(moment(20, 0), moment(20, 23.5)), (moment(20, 23.2), moment(21, 6))], moment(21, 6), True),
        ([(None, None)], moment(21, 6), True),
        ([(moment(20, 0), moment(20, 11)), (moment(20, 13), moment(21, 6))], moment(21, 6), True),
        ([(moment(20, 0), moment(20, 8)), (moment(20, 16), moment(21, 6))], moment(21, 6), False),
        ([(moment(20, 5), moment(21, 6))], moment(21, 6), False),
        ([(moment(19, 0), moment(20, 11.5))], moment(20, 12), True),
        ([(moment(19, 0), moment(20, 4))], moment(20, 12), False),
        ([], moment(21, 6), False),
        ([(moment(19, 0), moment(20, 1))], moment(20, 1), False),
    ],
    ids=[
        "whole", "two readings", "for ever", "a short gap", "a long gap", "too late", "the running day, read half an hour ago",
        "the running day, dead since morning", "never", "a day too young to tell",
    ],
)  # fmt: skip
def test_when_a_source_reached_a_day(spans: list[tuple[datetime, datetime]], now: datetime, reached: bool) -> None:
    assert reaches(ranges(*spans), DAY, now) is reached


def test_a_source_is_compared_from_half_of_a_short_history_on_and_from_seven_days_of_a_long_one() -> None:
    month = [DAY - timedelta(days=i) for i in range(28, -1, -1)]

    def compared(monitored: int, own: int) -> bool:
        return "b" in DayInputs(DAY, month, {"a": set(month[-1 - monitored :]), "b": set(month[-1 - own :])}).compared

    assert compared(28, 7) and not compared(28, 6)
    assert compared(4, 2) and not compared(4, 1)
    assert compared(0, 0), "on the first day there is nothing to compare with, and nothing to leave out"


def test_a_small_change_that_lasts_is_found_on_its_second_day() -> None:
    """Two days of eleven where four are usual: neither is strong by itself, both together are."""
    usual = [4, 3, 5, 4, 4, 3, 5, 4] * 3
    first, second = days([*usual, 11], share=0.004), days([*usual, 11, 11], share=0.004)
    assert detect(first, 16).severity == detect_day(first, 16).severity == "notable"
    assert detect_day(second, 16).severity == "notable" and detect(second, 16).severity == "strong"
    assert detect(second, 16).observed == 11, "the figures told are those of the day"


def test_what_was_strong_yesterday_needs_no_second_window() -> None:
    usual = [4, 3, 5, 4, 4, 3, 5, 4] * 3
    after = days([*usual, 30, 6], share=0.004)
    assert windows(after, 16)[1] is None and detect(after, 16).severity is None


def test_the_second_window_needs_both_days_and_a_history() -> None:
    usual: list[int | None] = [4, 3, 5, 4, 4, 3, 5, 4] * 3
    assert windows(days([*usual, 7, 8], share=0.004), 16)[1] is not None
    assert windows(days([*usual, None, 8], share=0.004), 16)[1] is None, "yesterday is unknown"
    assert windows(days([*usual, 7, 2], share=0.004), 16)[1] is None, "today fell"
    assert windows(days([*usual[:14], 7, 8], share=0.004), 16)[1] is None, "13 pairs"


@pytest.mark.parametrize("version", METHODS)
def test_rows_of_an_older_method_are_replayed_by_it(version: str) -> None:
    series = [d.as_dict() for d in days([4, 3, 5, 4, 4, 3, 5, 4] * 3 + [11, 11], share=0.004)]
    assert replay(series, "volume_spike", 16, version) == METHODS[version]([DayCount.of(d) for d in series], 16)
    assert replay(series, "volume_spike", 16) == replay(series, "volume_spike", 16, VERSION)


def test_a_rise_is_news_when_it_begins() -> None:
    """Three days of thirty where four are usual are one change; rising to a hundred on the second day is another."""
    usual = [4, 3, 5, 4, 4, 3, 5, 4] * 3
    assert detect(days([*usual, 30], share=0.004), 16).severity == "severe"
    for plateau in ([30, 30], [30, 30, 30], [30, 38]):
        series = days([*usual, *plateau], share=0.004)
        assert detect_windows(series, 16).severity in ("strong", "severe"), "as it was before"
        assert goes_on(series, 16, 1) and detect(series, 16).severity == "notable"
    assert detect(days([*usual, 30, 100], share=0.004), 16).severity == "severe"
    assert detect(days([*usual, 30, 4, 30], share=0.004), 16).severity == "severe", "it had ended in between"
    assert detect(days([*usual, 30, None, 30], share=0.004), 16).severity == "severe", "yesterday is unknown"


def test_a_method_that_is_gone_says_so() -> None:
    with pytest.raises(LookupError, match="volume-nb-1"):
        replay([d.as_dict() for d in days([3, 4])], "volume_spike", 1, "volume-nb-1")
