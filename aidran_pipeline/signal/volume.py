"""`volume_spike`: a topic's count against its own trailing days, as a share of all monitored volume. Pure functions.

Method: the count of a day is negative binomial around `share × total of the day`; the share is that of the trailing
days after trimming the highest and lowest tenth; the over-dispersion comes from the same days by the moment estimator
of Cameron and Trivedi (Regression Analysis of Count Data, 2nd ed., ch. 3.4: alpha = Σ((y-μ)² - y) / Σ μ²). The p-value
is the upper tail, kept as it is and times the number of topics tested that day (Bonferroni); the score is the
standardised residual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

VERSION = "volume-nb-1"
TRIM = 0.1
ALPHA_FLOOR = 0.02
# notable: one topic-day in twenty shows as much by chance; strong and severe hold after correction for all topics.
NOTABLE, STRONG, SEVERE = 0.05, 0.05, 1e-4
LEAST_RATIO = {"notable": 1.3, "strong": 1.6, "severe": 2.5}


@dataclass(frozen=True)
class DayCount:
    """One day of one topic: distinct voices, of all monitored voices, and the share of sources that reached the day."""

    day: str
    count: int
    total: int
    coverage: float

    def as_dict(self) -> dict[str, Any]:
        """For `baselines.series`."""
        return {"day": self.day, "count": self.count, "total": self.total, "coverage": self.coverage}


@dataclass(frozen=True)
class Finding:
    """What was measured: observed and expected in voices, score in standard deviations.

    p_value is corrected for the topics tested, p_uncorrected is not; severity is None below notable.
    """

    observed: float
    expected: float
    score: float
    p_value: float
    p_uncorrected: float
    severity: str | None


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
    if alpha <= 0:
        return k * math.log(mean) - mean - math.lgamma(k + 1)
    size = 1 / alpha
    return (
        math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean))
    )  # fmt: skip


def baseline_share(history: Sequence[DayCount]) -> float:
    """The topic's share of the total over the trailing days, without the highest and lowest tenth of the days."""
    ranked = sorted((d for d in history if d.total > 0), key=lambda d: (d.count / d.total, d.day))
    cut = int(len(ranked) * TRIM)
    kept = ranked[cut : len(ranked) - cut] if cut else ranked
    total = sum(d.total for d in kept)
    return (sum(d.count for d in kept) + 0.5) / (total + 1.0) if total else 0.0


def dispersion(history: Sequence[DayCount], share: float) -> float:
    """Over-dispersion alpha of the trailing counts around `share × total`, never below a floor."""
    means = [(d.count, share * d.total) for d in history if d.total > 0]
    denominator = math.fsum(mean * mean for _, mean in means)
    if denominator <= 0:
        return ALPHA_FLOOR
    return max(ALPHA_FLOOR, math.fsum((count - mean) ** 2 - count for count, mean in means) / denominator)


def detect(series: Sequence[DayCount], tests: int) -> Finding:
    """Compare the last day of the series with those before it. `tests`: how many topics are tested that day."""
    *history, today = series
    share = baseline_share(history)
    expected = share * today.total
    alpha = dispersion(history, share)
    spread = math.sqrt(expected + alpha * expected * expected) if expected > 0 else 1.0
    score = (today.count - expected) / spread
    alone = upper_tail(today.count, expected, alpha)
    corrected = min(1.0, alone * max(1, tests))
    grade = severity(today.count, expected, alone, corrected)
    return Finding(float(today.count), round(expected, 6), round(score, 6), corrected, alone, grade)


def severity(count: float, expected: float, alone: float, corrected: float) -> str | None:
    """The grade of a count above its expectation, None below notable.

    severe: corrected p < 0.0001 and 2.5 times the expected; strong: corrected p < 0.05 and 1.6 times; notable:
    uncorrected p < 0.05 and 1.3 times.
    """
    ratio = count / expected if expected > 0 else math.inf
    for name, p_value, limit in (
        ("severe", corrected, SEVERE),
        ("strong", corrected, STRONG),
        ("notable", alone, NOTABLE),
    ):
        if p_value < limit and ratio >= LEAST_RATIO[name]:
            return name
    return None
