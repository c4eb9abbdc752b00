"""`volume_spike`: a topic's voices of a day against its own trailing days, as a share of all monitored voices. Pure.

Method. The count of a day is negative binomial around `factor × share × total of the day`. `share` is the topic's usual
share of the sources that reached that very day (inputs.py), so that a feed that is new, or missing, moves the expected
with the observed. `factor` and the over-dispersion come from the trailing days, earlier spikes left out by a Hampel
identifier (median and MAD; Davies and Gather 1993) on Anscombe residuals, as the detectors of disease outbreaks use
them (Farrington et al., J. R. Stat. Soc. A 159, 1996; Noufaily et al., Stat. Med. 32, 2013). Dispersion: the moment
estimator alpha = Σ((y-μ)² - y) / Σμ² (Cameron and Trivedi, Regression Analysis of Count Data, ch. 3.4), corrected for
the estimated mean, whose own variance is added, so that a short history is not taken for a sure one.

Two windows: the day, and the day with the one before, so that a change which begins in the evening, or is small but
lasts, is found on its second day (a scan statistic of two lengths: Kulldorff, J. R. Stat. Soc. A 164, 2001). The lesser
p counts, doubled for the choice. The second window speaks only on a day above its expectation, after one that was not
strong itself (what was found yesterday needs no second day to be seen), and with 14 such pairs in the past: they
overlap, and few of them know too little of their own spread.

Hysteresis: a rise is news when it begins. A day after one that was strong by itself is compared with that day's level
as well; unless it rises above it as far again it is notable at most: the conversation goes on. Without this, a release
that is talked about for three days is three alerts.

Measured, the first window alone, on simulated days without any change (7, 14 and 28 days, means of 0.3 to 60, alpha 0
to 0.4): p < 0.05 in 0.4 % to 10 % of them, most often where alpha is 0.4. With two old spikes among 14 days a rise to
2.2 times is found nearly as often as without them (57 % against 65 % of trials, mean 15); with the days' highest and
lowest tenth trimmed instead, 3 %. On 240 topic-days of recorded news and posts: p < 0.05 in 4.2 %. Both windows:
the benchmark `releases`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

from aidran_pipeline.signal.findings import Finding, Tested, corrected, severity

VERSION = "volume-nb-4"
WINDOWS = 2
OUTLIER = 3.5  # in robust standard deviations; fewer than SCREEN_DAYS days say too little of their own spread
SCREEN_DAYS = 14
ALPHA_FLOOR = 0.02


@dataclass(frozen=True)
class DayCount:
    """One day of one topic, over the compared sources that reached it.

    count: distinct voices of the topic, None where too few sources reached the day to know; total: of all monitored
    voices; share: the topic's usual share of these sources' voices; coverage: share of the compared sources that
    reached the day.
    """

    day: str
    count: int | None
    total: int | None
    share: float
    coverage: float

    def as_dict(self) -> dict[str, Any]:
        """For `baselines.series`."""
        return asdict(self)

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> DayCount:
        """Back from `baselines.series`."""
        return cls(item["day"], item["count"], item["total"], item["share"], item["coverage"])


@dataclass(frozen=True)
class Fit:
    """What the trailing days say of the last one: its mean, and alpha with the uncertainty of that mean in it."""

    mean: float
    alpha: float


def known(series: Sequence[DayCount]) -> list[DayCount]:
    """The days that can be compared: reached by enough sources, with at least one voice."""
    return [d for d in series if d.count is not None and d.total]


def fit(history: Sequence[DayCount], today: DayCount) -> Fit:
    """Mean and over-dispersion for the last day. `history`: known days."""
    pairs = [(d.count or 0, d.share * (d.total or 0)) for d in history]
    kept = _without_spikes(pairs)
    usual = math.fsum(e for _, e in kept)
    factor = (sum(y for y, _ in kept) + 0.5) / (usual + 0.5)
    means = [(y, factor * e) for y, e in kept]
    mean = factor * today.share * (today.total or 0)
    if usual <= 0:
        return Fit(mean, ALPHA_FLOOR)
    correction = len(kept) / max(1, len(kept) - 1)
    excess = math.fsum((y - m) ** 2 * correction - y for y, m in means)
    alpha = max(ALPHA_FLOOR, excess / math.fsum(m * m for _, m in means))
    whole = math.fsum(m for _, m in means)
    return Fit(mean, alpha + math.fsum(m + alpha * m * m for _, m in means) / (whole * whole))


def _without_spikes(pairs: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """(count, usual count) of the days that are no outliers upwards."""
    if len(pairs) < SCREEN_DAYS:
        return pairs
    factor = median(y / e for y, e in pairs) or sum(y for y, _ in pairs) / math.fsum(e for _, e in pairs)
    if factor <= 0:
        return pairs
    residuals = [1.5 * (y ** (2 / 3) - (factor * e) ** (2 / 3)) / (factor * e) ** (1 / 6) for y, e in pairs]
    centre = median(residuals)
    scale = max(1.0, 1.4826 * median(abs(r - centre) for r in residuals))
    return [pair for pair, residual in zip(pairs, residuals, strict=True) if residual <= OUTLIER * scale]


def upper_tail(count: int, mean: float, alpha: float) -> float:
    """P(X >= count) of a negative binomial with this mean and variance mean + alpha·mean² (Poisson for alpha 0)."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    below = math.fsum(math.exp(_log_pmf(k, mean, alpha)) for k in range(count))
    tail = 1.0 - below
    if tail > 1e-9:
        return min(1.0, tail)
    upper, k, total = math.exp(_log_pmf(count, mean, alpha)), count, 0.0
    while upper > 1e-300 and k < count + 10_000:
        total += upper
        k += 1
        upper = math.exp(_log_pmf(k, mean, alpha))
        if upper < total * 1e-16:
            break
    return total


def _log_pmf(k: int, mean: float, alpha: float) -> float:
    if alpha < 1e-9:  # a Poisson count; below, size overflows
        return k * math.log(mean) - mean - math.lgamma(k + 1)
    size = 1 / alpha
    return (
        math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean))
    )  # fmt: skip


@dataclass(frozen=True)
class Window:
    """One comparison. count and mean in voices; score in standard deviations; p_value of this comparison alone."""

    count: int
    mean: float
    score: float
    p_value: float


def windows(series: Sequence[DayCount], tests: int, kinds: int = 1) -> tuple[Window, Window | None]:
    """The last day against the days before it; it and the day before against such pairs, None where that says nothing.

    Raises ValueError when the last day is unknown: nothing can be said of it.
    """
    *past, today = series
    if today.count is None:
        raise ValueError(f"{today.day}: too few sources reached this day to compare it")
    days = known(past)
    day = _window(days, today)
    if not days or past[-1] is not days[-1] or day.count <= day.mean:
        return day, None
    pairs = [_pair(a, b) for a, b in pairwise(past[:-1]) if known([a, b]) == [a, b]]
    if len(pairs) < SCREEN_DAYS or _strong(_window(days[:-1], past[-1]), tests, kinds):
        return day, None
    return day, _window(pairs, _pair(past[-1], today))


def _strong(window: Window, tests: int, kinds: int) -> bool:
    alone = min(1.0, window.p_value * WINDOWS)
    return severity(window.count, window.mean, alone, alone * max(1, tests), kinds) in ("strong", "severe")


def _pair(first: DayCount, second: DayCount) -> DayCount:
    """Two days as one: their counts, and the share that their usual counts make of their totals."""
    total = (first.total or 0) + (second.total or 0)
    usual = first.share * (first.total or 0) + second.share * (second.total or 0)
    count = (first.count or 0) + (second.count or 0)
    return DayCount(second.day, count, total, usual / total if total else 0.0, min(first.coverage, second.coverage))


def compare(series: Sequence[DayCount], clumping: float = 0.0) -> Window:
    """The last day against the days before it, for kinds that count something else than all voices.

    clumping: φ of a variance that grows with the mean, (1 + φ)·mean, as of things that come several at once (NB1:
    Cameron and Trivedi, ch. 3.3.1; for clumps of sizes c, φ = Σc²/Σc - 1). The over-dispersion is the series' own, or
    φ over the mean where that is more: of what is rare its own days say too little. The last day must be known.
    """
    return _window(known(series[:-1]), series[-1], clumping)


def rise(series: Sequence[Mapping[str, Any]], tested: Tested, subject: str | None) -> Finding:
    """What `compare` says of a stored series whose last day holds its "clumping", as a finding about `subject`."""
    seen = compare([DayCount.of(day) for day in series], series[-1]["clumping"])
    overall = corrected(seen.p_value, tested.number)
    grave = severity(seen.count, seen.mean, seen.p_value, overall, tested.kinds)
    return Finding(float(seen.count), round(seen.mean, 6), seen.score, overall, seen.p_value, grave, subject)


def _window(history: Sequence[DayCount], last: DayCount, clumping: float = 0.0) -> Window:
    usual, count = fit(history, last), last.count or 0
    alpha = max(usual.alpha, clumping / usual.mean) if clumping and usual.mean > 0 else usual.alpha
    return _above(count, usual.mean, alpha)


def _above(count: int, mean: float, alpha: float) -> Window:
    spread = math.sqrt(mean + alpha * mean * mean) or 1.0
    p_value = float(f"{upper_tail(count, mean, alpha):.9g}")
    return Window(count, mean, round((count - mean) / spread, 6), p_value)


def detect(series: Sequence[DayCount], tests: int, kinds: int = 1) -> Finding:
    """Compare the last day of the series with those before it. `tests`, `kinds`: see findings.Tested.

    Raises ValueError when the last day is unknown. observed and expected are those of the day; the p-values and the
    severity those of the window that says more; notable at most on a day that goes on with yesterday's rise. Figures
    are rounded, so that a library that differs in the last bit gives the same signal.
    """
    found = detect_windows(series, tests, kinds)
    if found.severity in ("strong", "severe") and goes_on(series, tests, kinds):
        return replace(found, severity="notable")
    return found


def goes_on(series: Sequence[DayCount], tests: int, kinds: int) -> bool:
    """Whether yesterday was strong by itself and the last day does not rise as far above yesterday's level again."""
    *past, today = series
    days = known(past)
    if len(days) < 2 or past[-1] is not days[-1]:
        return False
    *before, yesterday = days
    if not _strong(_window(before, yesterday), tests, kinds):
        return False
    usual = yesterday.share * (yesterday.total or 0)
    level = (yesterday.count or 0) / usual * today.share * (today.total or 0)
    alpha = fit(before, today).alpha
    return not _strong(_above(today.count or 0, level, alpha), tests, kinds)


def detect_windows(series: Sequence[DayCount], tests: int, kinds: int = 1) -> Finding:
    """The measure of volume-nb-3, two windows, every strong day by itself: what it sealed can be replayed."""
    day, pair = windows(series, tests, kinds)
    telling = day
    if pair is not None and pair.p_value < day.p_value:
        telling = pair
    return _finding(day, telling, WINDOWS, tests, kinds)


def detect_day(series: Sequence[DayCount], tests: int, kinds: int = 1) -> Finding:
    """The measure of volume-nb-2, one window: what it sealed can be replayed."""
    day, _ = windows(series, tests, kinds)
    return _finding(day, day, 1, tests, kinds)


def _finding(day: Window, telling: Window, compared: int, tests: int, kinds: int) -> Finding:
    alone = float(f"{min(1.0, telling.p_value * compared):.9g}")
    overall = corrected(alone, tests)
    return Finding(
        observed=float(day.count),
        expected=round(day.mean, 6),
        score=day.score,
        p_value=overall,
        p_uncorrected=alone,
        severity=severity(telling.count, telling.mean, alone, overall, kinds),
    )


# What each version of the measure gives: rows stand for good, the method moves on.
METHODS = {"volume-nb-2": detect_day, "volume-nb-3": detect_windows, VERSION: detect}
