"""Bursts in a regular series of counts, bucket by bucket as it grows: minutes, hours. Pure and causal.

Method. A window (the newest bucket; the newest three) is compared with the same time of day of up to 28 earlier days,
half an hour to either side, each weighted by how busy its day of the week is: the negative binomial of volume.py, with
its mean, its over-dispersion and its Hampel identifier against earlier spikes. The rise is the signed root of the
deviance (McCullagh and Nelder, Generalized Linear Models, ch. 2.4), nearly a normal score for small and large counts
alike. Series differ in how wild they are beyond what any distribution says, so the bar is the series' own: a burst
rises above what eight of ten earlier days reached at their highest (block maxima, one block a day: Gumbel, Statistics
of Extremes, 1958; by rank instead of his distribution, which a few weeks cannot tell from another). After an alert
the detector rests for a day.

What does not belong here: reading counts (inputs.py, defs/volume.py), the finding of a whole day (volume.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aidran_pipeline.signal.volume import ALPHA_FLOOR, OUTLIER, SCREEN_DAYS

VERSION = "bursts-1"
Array: TypeAlias = npt.NDArray[np.float64]

DAY = timedelta(days=1)
TRAILING_DAYS = 28
# A reference of fewer known buckets than this says nothing of the usual.
LEAST_REFERENCE = 5
# A weekday's own level counts from its second week on, drawn towards 1 by as much as this many days.
WEEKDAY_SHRINK = 4.0
# Days that must have a highest rise before there is a bar.
LEAST_BLOCKS = 2
# Chosen on the first two NAB series by name and thinned copies of them (`python -m benchmarks.nab --choose`).
BAR = 0.8
LOWEST_RISE = 2.0  # whatever the days before were like: in standard deviations


@dataclass(frozen=True)
class Grain:
    """How a series is cut. bucket: length of one; windows: sums of so many newest buckets; around: compared times."""

    bucket: timedelta
    windows: tuple[int, ...] = (1, 3)
    around: timedelta = timedelta(minutes=30)

    @property
    def per_day(self) -> int:
        """Buckets of a day. Raises ValueError where a day has no whole number of them, or a single one."""
        number, left = divmod(DAY, self.bucket)
        if left or number < 2:
            raise ValueError(f"{self.bucket} does not divide a day")
        return number

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """The buckets compared, before and after the same time of an earlier day: at most seven, evenly spread."""
        reach = max(1, self.around // self.bucket)
        return np.arange(-reach, reach + 1, max(1, -(-reach // 3)))


def regular(times: Sequence[datetime], counts: Sequence[float], bucket: timedelta) -> tuple[Array, list[int]]:
    """A series with NaN in its gaps, and the place in it of each observation.

    times: rising; a bucket observed twice keeps the sum. Raises ValueError for falling times.
    """
    if not times:
        return np.empty(0), []
    places = [round((t - times[0]) / bucket) for t in times]
    if any(later < earlier for earlier, later in pairwise(places)):
        raise ValueError("times must rise")
    series = np.full(places[-1] + 1, np.nan)
    for place, count in zip(places, counts, strict=True):
        series[place] = count if np.isnan(series[place]) else series[place] + count
    return series, places


def rises(series: Array, grain: Grain, first_weekday: int = 0) -> Array:
    """How far each bucket stands above the usual, in standard deviations; NaN where that is not known.

    series: counts of consecutive buckets, NaN where unknown. first_weekday: of the first bucket, 0 to 6; a week's days
    are counted from the series' own first bucket. The greatest over the grain's windows.
    """
    best = np.full(len(series), np.nan)
    for window in grain.windows:
        summed = _sums(series, window)
        weekly = _weekday_levels(summed, grain.per_day, first_weekday)
        found = np.array([_rise(summed, place, grain, weekly) for place in range(len(summed))])
        best = np.fmax(best, found)
    return best


def alerts(
    found: Array, per_day: int, *, bar: float = BAR, rest: int | None = None, lowest: float = LOWEST_RISE
) -> list[int]:
    """Places of the buckets that are alerts. found: of `rises`; rest: silent buckets after one, a day if None."""
    heights = bars(found, per_day, bar)
    silent = per_day if rest is None else rest
    places: list[int] = []
    with np.errstate(invalid="ignore"):
        above = np.nonzero((found >= heights) & (found >= lowest))[0]
    for place in above.tolist():
        if not places or place - places[-1] > silent:
            places.append(place)
    return places


def bars(found: Array, per_day: int, bar: float = BAR) -> Array:
    """What each bucket must reach: the quantile `bar` of the highest rises of the days before; NaN in the warm-up."""
    heights = np.full(len(found), np.nan)
    highest: list[float] = []
    for start in range(0, len(found), per_day):
        block = found[start : start + per_day]
        past = highest[-TRAILING_DAYS:]
        if len(past) >= LEAST_BLOCKS:
            heights[start : start + per_day] = np.quantile(past, bar)
        known = block[~np.isnan(block)]
        if len(known) * 2 >= per_day:
            highest.append(float(known.max()))
    return heights


def _sums(series: Array, window: int) -> Array:
    """Sum of the newest `window` buckets; NaN where one of them is unknown."""
    if window == 1 or not len(series):
        return series
    padded = np.concatenate([np.full(window - 1, np.nan), series])
    summed: Array = np.lib.stride_tricks.sliding_window_view(padded, window).sum(axis=1)
    return summed


def _weekday_levels(summed: Array, per_day: int, first_weekday: int) -> Array:
    """By day of the series and weekday: the usual level of that weekday over the 28 days before, 1 where unknown."""
    days = -(-len(summed) // per_day)
    blocks = np.full(days * per_day, np.nan)
    blocks[: len(summed)] = summed
    grid = blocks.reshape(days, per_day) if days else blocks.reshape(0, per_day)
    # Square roots, so that one spike does not make a Tuesday busy; whole days only.
    whole = (~np.isnan(grid)).sum(axis=1) * 2 >= per_day
    level = np.array([np.nanmean(np.sqrt(row)) if ok else np.nan for row, ok in zip(grid, whole, strict=True)])
    weekday = (np.arange(days) + first_weekday) % 7
    levels = np.ones((days, 7))
    for day in range(days):
        past = np.arange(max(0, day - TRAILING_DAYS), day)
        past = past[~np.isnan(level[past])]
        if len(past) < 14:
            continue
        usual = float(np.median(level[past]))
        if usual <= 0:
            continue
        for name in range(7):
            own = level[past[weekday[past] == name]] / usual
            levels[day, name] = ((own.sum() + WEEKDAY_SHRINK) / (len(own) + WEEKDAY_SHRINK)) ** 2
    return np.column_stack([levels, weekday]) if days else np.ones((0, 8))


def _rise(summed: Array, place: int, grain: Grain, weekly: Array) -> float:
    """The rise of one window over its reference."""
    count, per_day = summed[place], grain.per_day
    days = min(TRAILING_DAYS, place // per_day)
    if np.isnan(count) or days < 1:
        return float("nan")
    where = (place - per_day * np.arange(1, days + 1)[:, None] + grain.offsets[None, :]).ravel()
    where = where[where >= 0]
    counts = summed[where]
    known = ~np.isnan(counts)
    if known.sum() < LEAST_REFERENCE:
        return float("nan")
    today = place // per_day
    weekday = weekly[:, 7].astype(int)
    usual = weekly[today, weekday[where // per_day]][known]
    mean, alpha = fit(counts[known], usual, float(weekly[today, weekday[today]]))
    return rise(float(count), mean, alpha)


def fit(counts: Array, usual: Array, today: float) -> tuple[float, float]:
    """Mean and over-dispersion of a window whose usual level is `today`: volume.fit over arrays, the same figures."""
    kept_counts, kept = _without_spikes(counts, usual)
    whole = float(kept.sum())
    factor = (float(kept_counts.sum()) + 0.5) / (whole + 0.5)
    means = factor * kept
    correction = len(kept) / max(1, len(kept) - 1)
    squares = float((means * means).sum())
    excess = float(((kept_counts - means) ** 2 * correction - kept_counts).sum())
    alpha = max(ALPHA_FLOOR, excess / squares)
    total = float(means.sum())
    return factor * today, alpha + float((means + alpha * means * means).sum()) / (total * total)


def _without_spikes(counts: Array, usual: Array) -> tuple[Array, Array]:
    """The reference without outliers upwards: see volume.py."""
    if len(counts) < SCREEN_DAYS:
        return counts, usual
    factor = float(np.median(counts / usual)) or float(counts.sum() / usual.sum())
    if factor <= 0:
        return counts, usual
    expected = factor * usual
    residuals = 1.5 * (counts ** (2 / 3) - expected ** (2 / 3)) / expected ** (1 / 6)
    centre = float(np.median(residuals))
    scale = max(1.0, 1.4826 * float(np.median(np.abs(residuals - centre))))
    kept = residuals <= OUTLIER * scale
    return counts[kept], usual[kept]


def rise(count: float, mean: float, alpha: float) -> float:
    """Signed root deviance of a negative binomial count, corrected by half a count for its steps."""
    seen = max(count - 0.5, 1e-9)
    size = 1 / alpha
    deviance = 2 * (seen * np.log(seen / mean) - (seen + size) * np.log((seen + size) / (mean + size)))
    return float(np.copysign(np.sqrt(max(0.0, float(deviance))), seen - mean))
