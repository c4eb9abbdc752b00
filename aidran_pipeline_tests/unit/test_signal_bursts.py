"""The burst detector: causal, whole against gaps, thin and busy series alike, the same fit as the daily measure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.signal import bursts, volume

HOURLY = bursts.Grain(timedelta(hours=1), around=timedelta(hours=1))


def busy(days: int, *, mean: float = 20.0, seed: int = 3, alpha: float = 0.1) -> bursts.Array:
    """Hourly counts with a day's rhythm: four times as many at noon as at midnight."""
    generator = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    usual = mean * (1 - 0.6 * np.cos(2 * np.pi * (hours % 24) / 24))
    return generator.poisson(usual * generator.gamma(1 / alpha, alpha, len(hours))).astype(float)


def test_a_burst_is_found_at_once_and_once() -> None:
    series = busy(30)
    series[28 * 24 + 3 : 28 * 24 + 7] *= 12
    found = [p for p in bursts.alerts(bursts.rises(series, HOURLY), 24) if 28 * 24 <= p < 29 * 24]
    assert found == [28 * 24 + 3], "in its first bucket; the rest of it is the same news"


def test_the_rhythm_of_a_day_is_no_burst() -> None:
    """What is usual at noon is a burst at midnight."""
    quiet = busy(30, alpha=0.02)
    noon, night = quiet.copy(), quiet.copy()
    noon[28 * 24 + 12] = night[28 * 24] = 32.0
    at_noon, at_night = bursts.rises(noon, HOURLY)[28 * 24 + 12], bursts.rises(night, HOURLY)[28 * 24]
    assert at_noon < 2 < 4 < at_night


def test_a_weekday_has_its_own_level() -> None:
    week = np.array([30.0, 30, 30, 30, 30, 6, 6])
    generator = np.random.default_rng(5)
    series = generator.poisson(np.repeat(np.tile(week, 6), 24)).astype(float)
    saturday, monday = 4 * 7 * 24 + 5 * 24 + 12, 4 * 7 * 24 + 12
    series[saturday] = series[monday] = 30.0
    found = bursts.rises(series, HOURLY)
    assert found[monday] < 1.5 < found[saturday]
    by_weekday = bursts.rises(series, HOURLY, first_weekday=3)
    assert np.array_equal(found, by_weekday, equal_nan=True), "weeks count from the series' start, whatever its name"


@given(st.integers(5 * 24, 20 * 24), st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_the_future_changes_nothing(cut: int, seed: int) -> None:
    series = busy(20, seed=seed)
    whole, prefix = bursts.rises(series, HOURLY), bursts.rises(series[:cut], HOURLY)
    assert np.array_equal(whole[:cut], prefix, equal_nan=True)
    assert [p for p in bursts.alerts(whole, 24) if p < cut] == bursts.alerts(prefix, 24)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.floats(0.2, 3))
@settings(max_examples=80, deadline=None)
def test_one_fit_for_every_grain(counts: list[int], today: float) -> None:
    """The arrays of bursts give what volume.fit gives of the same counts."""
    rows = [volume.DayCount(f"d{i}", n, 100, 0.01, 1.0) for i, n in enumerate(counts)]
    expected = volume.fit(rows, volume.DayCount("today", 0, 100, 0.01 * today, 1.0))
    mean, alpha = bursts.fit(np.array(counts, float), np.ones(len(counts)), today)
    assert mean == pytest.approx(expected.mean, rel=1e-9)
    assert alpha == pytest.approx(expected.alpha, rel=1e-9)


@pytest.mark.parametrize(("mean", "alpha"), [(0.4, 0.02), (3.0, 0.3), (60.0, 0.1), (900.0, 0.02)])
def test_a_rise_is_nearly_a_normal_score(mean: float, alpha: float) -> None:
    """Where the tail is one in a thousand, the rise is about 3.1."""
    count = next(k for k in range(10_000) if volume.upper_tail(k, mean, alpha) < 1e-3)
    assert 2.7 < bursts.rise(count, mean, alpha) < 3.9
    assert bursts.rise(0, mean, alpha) < 0


def test_what_is_not_known_is_no_burst_and_no_quiet() -> None:
    series = busy(30)
    series[28 * 24 : 28 * 24 + 5] = np.nan
    found = bursts.rises(series, HOURLY)
    assert np.isnan(found[28 * 24 : 28 * 24 + 5]).all() and not np.isnan(found[28 * 24 + 5])
    assert np.isnan(bursts.rises(busy(3), HOURLY)[:24]).all(), "the first day has nothing to be compared with"
    assert np.isnan(bursts.bars(bursts.rises(busy(4), HOURLY), 24)[: 3 * 24]).all(), "two days make a bar, not one"


def test_a_dead_day_does_not_lower_the_bar() -> None:
    series = busy(30)
    series[20 * 24 : 21 * 24] = np.nan
    whole = bursts.rises(series, HOURLY)
    heights = bursts.bars(whole, 24)
    days = [float(np.nanmax(whole[d * 24 : (d + 1) * 24])) for d in range(2, 29) if d != 20]
    assert heights[29 * 24] == pytest.approx(np.quantile(days, bursts.BAR))


def test_times_become_a_regular_series() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    minutes = [0, 5, 5, 20]
    series, places = bursts.regular([start + timedelta(minutes=m) for m in minutes], [1, 2, 3, 4], timedelta(minutes=5))
    assert places == [0, 1, 1, 4]
    assert np.array_equal(series, [1, 5, np.nan, np.nan, 4], equal_nan=True)
    with pytest.raises(ValueError, match="rise"):
        bursts.regular([start, start - timedelta(minutes=5)], [1, 2], timedelta(minutes=5))
    assert bursts.regular([], [], timedelta(minutes=5))[1] == []


@pytest.mark.parametrize("minutes", [7, 60 * 24, 60 * 48])
def test_a_bucket_divides_a_day(minutes: int) -> None:
    with pytest.raises(ValueError, match="divide"):
        _ = bursts.Grain(timedelta(minutes=minutes)).per_day
