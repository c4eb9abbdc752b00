"""`narrative_shift`: what a topic's voices speak of on a day against the week before, and how usual a change is. Pure.

What is compared. Two distributions over storylines, the day's and the trailing week's; storylines of fewer than `LEAST`
voices in both together are one, "matters of their own". Where stances are known, two distributions over them as well.

Method. The Jensen-Shannon divergence of the two, weighted by their numbers of voices (Lin, IEEE Trans. Inf. Theory 37,
1991): times 2·N·ln 2 it is the G statistic of homogeneity (Sokal and Rohlf, Biometry, ch. 17). Topics change all the
time, voices come in storylines, so that chi-square would call every day a shift: the day's G per degree of freedom is
compared with that of the topic's own trailing days, each against its own week (a quasi-likelihood of over-dispersed
counts: McCullagh and Nelder, Generalized Linear Models, ch. 4.5). The logarithms of these are near normal; the p-value
is the upper tail of the predictive t distribution, the usual being estimated from the days alike in number of voices.
Measured: `python -m benchmarks.narratives`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from aidran_pipeline.signal.findings import Finding, Tested, corrected, severity

VERSION = "narrative-g-1"
WEEK = 7
LEAST = 3
ALIKE = 14
SPREAD_FLOOR = 0.25  # of the logarithm: few days alike say too little of their own spread
DISTRIBUTIONS = ("storylines", "stances")
Days = Sequence[Mapping[str, Any]]
Pairs = Sequence[Sequence[int]]


def pooled(today: Mapping[Any, int], week: Mapping[Any, int]) -> tuple[list[list[int]], set[Any]]:
    """([day, week] by category, largest first, the pooled one last; the categories that stand for themselves)."""
    keys = [k for k in {*today, *week} if today.get(k, 0) + week.get(k, 0) >= LEAST]
    pairs = sorted(([today.get(k, 0), week.get(k, 0)] for k in keys), reverse=True)
    rest = [
        sum(today.values()) - sum(pair[0] for pair in pairs),
        sum(week.values()) - sum(pair[1] for pair in pairs),
    ]
    return [*pairs, rest] if any(rest) else pairs, set(keys)


def gains(today: Mapping[Any, int], week: Mapping[Any, int]) -> dict[Any, float]:
    """By how many voices each category is told more today than today and the week together lead one to expect.

    Only those above 0, and only categories that stand for themselves.
    """
    day, both = sum(today.values()), sum(today.values()) + sum(week.values())
    if not day or both == day:
        return {}
    excess = {k: today.get(k, 0) - (today.get(k, 0) + week.get(k, 0)) * day / both for k in pooled(today, week)[1]}
    return {k: value for k, value in excess.items() if value > 0}


def divergence(pairs: Pairs) -> tuple[float, float, int]:
    """(Jensen-Shannon divergence in bits, weighted by voices; G; degrees of freedom) of the day and its week."""
    day, week = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    both = day + week
    if not day or not week:
        return 0.0, 0.0, 0
    g = 2 * math.fsum(
        count * math.log(count / (a + b) * both / whole)
        for a, b in pairs
        for count, whole in ((a, day), (b, week))
        if count
    )
    return max(0.0, g) / (2 * both * math.log(2)), max(0.0, g), sum(1 for a, b in pairs if a + b) - 1


def per_degree(day: Mapping[str, Any]) -> float:
    """Logarithm of G per degree of freedom, over storylines and stances; half a degree of each as a start."""
    found = [divergence(day[key]) for key in DISTRIBUTIONS]
    return math.log((math.fsum(g for _, g, _ in found) + 0.5) / (sum(df for _, _, df in found) + 0.5))


def detect(series: Days, tests: Tested) -> Finding:
    """Compare the last day's divergence from its week with that of the days before it.

    observed and expected: Jensen-Shannon divergence in bits, over storylines and over stances added up. Raises
    ValueError when the last day is unknown.
    """
    *past, today = series
    if today["count"] is None:
        raise ValueError(f"{today['day']}: what this day is compared with cannot be known")
    history = [day for day in past if day["count"]]
    history.sort(key=lambda day: abs(math.log(day["count"] / max(1, today["count"]))))  # stable: of equals the earlier
    usual = [per_degree(day) for day in history[:ALIKE]]
    if len(usual) < 3 or not today["count"]:
        return Finding(0.0, 0.0, 0.0, 1.0, 1.0, None)
    own, mean = per_degree(today), fmean(usual)
    spread = max(SPREAD_FLOOR, stdev(usual)) * math.sqrt(1 + 1 / len(usual))
    score = (own - mean) / spread
    bits = math.fsum(divergence(today[key])[0] for key in DISTRIBUTIONS)
    alone = corrected(t_tail(score, len(usual) - 1), 1)
    both = corrected(alone, tests.number)
    expected = bits * math.exp(mean - own)
    return Finding(
        observed=round(bits, 6),
        expected=round(expected, 6),
        score=round(score, 6),
        p_value=both,
        p_uncorrected=alone,
        severity=severity(bits, expected, alone, both, tests.kinds) if bits > 0 else None,
    )


def t_tail(t: float, degrees: int) -> float:
    """P(T >= t) of Student's t, by the incomplete beta function."""
    half = 0.5 * incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return half if t >= 0 else 1 - half


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) (continued fraction by Lentz; DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value / a
