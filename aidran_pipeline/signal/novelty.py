"""`novelty`: a topic's voices of a day on matters that nobody spoke of in the days before, against what is usual. Pure.

What counts. A storyline is new on the day of its first record: none of its records lies in the trailing week. Most
storylines are of one voice for ever, whatever happens; a voice therefore counts as new only where two tellers or more
(outlets of different owners, people) began the same matter that day. Each day is judged by the storylines as they
stood that evening, against a week before it: the horizon is the same for every day, so that a growing history makes
nothing look less new. A day whose week is not known is no history.

Method. Of the day's n voices x are new: beta-binomial around the topic's usual share. Usual is what days alike gave:
the `ALIKE` trailing days nearest in number of voices, as a share of voices that begin something together grows with
their number, and a Sunday is no Tuesday. Over-dispersion by the moment estimator of Kleinman (J. Am. Stat. Assoc. 68,
1973; Williams, Biometrics 31, 1975), since voices come in storylines and not one by one; to it the uncertainty of the
usual share itself is added. The p-value is the exact upper tail. Measured: `python -m benchmarks.narratives`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aidran_pipeline.signal.findings import Finding, Tested, corrected, severity

VERSION = "novelty-bb-1"
HORIZON = 7
TELLERS = 2
ALIKE = 14
RHO_FLOOR, RHO_MOST = 0.02, 0.9
Days = Sequence[Mapping[str, Any]]


def known(series: Days) -> list[tuple[int, int]]:
    """(new, all) of the days that can be compared."""
    return [(day["count"], day["total"]) for day in series if day["count"] is not None and day["total"]]


def alike(history: Sequence[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """The days nearest in number of voices, by ratio; of equals the later."""
    near = sorted(range(len(history)), key=lambda i: (round(abs(math.log(history[i][1] / total)), 9), -i))
    return [history[i] for i in near[:ALIKE]]


def usual(history: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Share of new voices and its over-dispersion rho, 0 to 1, the uncertainty of the share in it."""
    voices, new = sum(n for _, n in history), sum(x for x, _ in history)
    share = (new + 0.5) / (voices + 1)
    spread = share * (1 - share)
    rho = RHO_FLOOR
    if len(history) > 1:
        # Kleinman with weights n: between-day sum of squares against what single voices would give.
        between = math.fsum(n * (x / n - share) ** 2 for x, n in history)
        weights = voices - math.fsum(n * n for _, n in history) / voices
        if weights > 0:
            rho = max(RHO_FLOOR, (between / spread - (len(history) - 1)) / (weights - (len(history) - 1) or 1.0))
    rho = min(RHO_MOST, rho)
    own = math.fsum(n * (1 + (n - 1) * rho) for _, n in history) / (voices * voices)
    return share, min(RHO_MOST, rho + own)


def upper_tail(count: int, total: int, share: float, rho: float) -> float:
    """P(X >= count) of a beta-binomial of `total` voices with this mean share and intra-class correlation rho."""
    if count <= 0:
        return 1.0
    size = (1 - rho) / rho
    a, b = share * size, (1 - share) * size
    lead = math.lgamma(total + 1) - math.lgamma(total + a + b) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return min(
        1.0,
        math.fsum(
            math.exp(
                lead - math.lgamma(k + 1) - math.lgamma(total - k + 1) + math.lgamma(k + a) + math.lgamma(total - k + b)
            )
            for k in range(count, total + 1)
        ),
    )


def detect(series: Days, tests: Tested) -> Finding:
    """Compare the last day with the days alike before it. observed and expected: new voices.

    Raises ValueError when the last day is unknown.
    """
    *past, today = series
    if today["count"] is None:
        raise ValueError(f"{today['day']}: what is new on this day cannot be known")
    count, total = int(today["count"]), int(today["total"])
    if not total:
        return Finding(0.0, 0.0, 0.0, 1.0, 1.0, None)
    history = alike(known(past), total)
    share, rho = usual(history) if history else (0.5, RHO_MOST)
    expected = share * total
    deviation = math.sqrt(total * share * (1 - share) * (1 + (total - 1) * rho))
    alone = corrected(upper_tail(count, total, share, rho), 1)
    both = corrected(alone, tests.number)
    return Finding(
        observed=float(count),
        expected=round(expected, 6),
        score=round((count - expected) / deviation, 6),
        p_value=both,
        p_uncorrected=alone,
        severity=severity(count, expected, alone, both, tests.kinds),
    )
