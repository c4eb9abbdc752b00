"""Whether the tone of a topic's day departs from that of its own trailing days. Pure; sentiment.py brings the figures.

Method. A day is a small study of what its authors said. One author is one observation (the mean of that author's
voices): whoever posts ten times is heard once. Each platform has its own usual tone, so that a day on which the forum
was silent and the papers were not is no change of tone: the day's residual is its mean beside what the same authors'
platforms usually say (direct standardisation). Authors of one day are not independent either: they answer each other
and speak of the same event. That is what the variance *between* days, over what their authors' variance explains,
measures: the random-effects model of DerSimonian and Laird (Controlled Clinical Trials 7, 1986). The last day is held
against the prediction for a new study, Student's t with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter,
J. R. Stat. Soc. A 172, 2009), both tails. Earlier shifts are left out by a Hampel identifier (median and MAD; Davies
and Gather 1993).

What a classifier gets wrong. Its values run short of the truth, as positive and negative texts are partly taken for
neutral ones: sentiment.py divides a change by the measured slope (Gart and Buck, Am. J. Epidemiol. 83, 1966; Forman,
Data Min. Knowl. Disc. 17, 2008) and believes none that another subject alone may have made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

LEAST_AUTHORS = 8  # of the last day
LEAST_DAYS = 7  # of the trailing ones, each with DAY_AUTHORS
DAY_AUTHORS = 3
PLATFORM_AUTHORS, PLATFORM_DAYS = 8, 3  # trailing; a platform with fewer has no usual tone
LEAST_SPREAD = 0.15  # of one author's values: a handful that agree are not certain for ever
OUTLIER, SCREEN_DAYS = 3.5, 14
SCALE = 1000  # values are stored in thousandths


@dataclass(frozen=True)
class Shift:
    """The last day beside its expectation.

    observed, expected: mean values, -1 to 1; score in standard errors; p_value of both tails; between: standard
    deviation between days; days: how many were compared.
    """

    observed: float
    expected: float
    score: float
    p_value: float
    between: float
    days: int


@dataclass(frozen=True)
class Day:
    """Authors, sum and sum of squares of their values, by platform."""

    cells: Mapping[str, tuple[int, float, float]]

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Day:
        """From an item of the series: values back from thousandths."""
        return cls({p: (n, s / SCALE, q / SCALE**2) for p, (n, s, q) in sorted((item["platforms"] or {}).items())})

    def only(self, platforms: Mapping[str, Any]) -> Day:
        """Without platforms that have no usual tone."""
        return Day({p: cell for p, cell in self.cells.items() if p in platforms})

    @property
    def authors(self) -> int:
        """Of all platforms."""
        return sum(n for n, _, _ in self.cells.values())


@dataclass(frozen=True)
class Usual:
    """The trailing tone of a platform: mean and variance of one author's value."""

    mean: float
    variance: float


def measure(series: Sequence[Mapping[str, Any]]) -> Shift | None:
    """The shift of the last day; None where there is too little to say: too few authors, or too few days before."""
    past = [Day.of(item) for item in series[:-1] if item["count"] is not None]
    usual = usual_tones(past)
    today = Day.of(series[-1]).only(usual)
    days = [day for day in (d.only(usual) for d in past) if day.authors >= DAY_AUTHORS]
    if today.authors < LEAST_AUTHORS or len(days) < LEAST_DAYS:
        return None
    points = without_shifts([residual(day, usual) for day in days])
    if len(points) < LEAST_DAYS:
        return None
    between, centre, doubt = between_days(points)
    own, noise = residual(today, usual)
    error = math.sqrt(noise + between + doubt)
    score = round((own - centre) / error, 6)
    observed = math.fsum(s for _, s, _ in today.cells.values()) / today.authors
    return Shift(
        observed=round(observed, 6),
        expected=round(observed - own + centre, 6),
        score=score,
        p_value=float(f"{two_tails(score, len(points) - 2):.9g}"),
        between=round(math.sqrt(between), 6),
        days=len(points),
    )


def usual_tones(past: Sequence[Day]) -> dict[str, Usual]:
    """By platform, over the trailing days; platforms that were heard too seldom are left out."""
    found = {}
    for platform in sorted({p for day in past for p in day.cells}):
        cells = [day.cells[platform] for day in past if platform in day.cells]
        number = sum(n for n, _, _ in cells)
        if number < PLATFORM_AUTHORS or len(cells) < PLATFORM_DAYS:
            continue
        mean = math.fsum(s for _, s, _ in cells) / number
        within = math.fsum(q - s * s / n for n, s, q in cells)
        degrees = number - len(cells)
        variance = max(LEAST_SPREAD**2, within / degrees if degrees > 0 else 0.0)
        found[platform] = Usual(mean, variance)
    return found


def residual(day: Day, usual: Mapping[str, Usual]) -> tuple[float, float]:
    """(mean beside the platforms' usual tone, variance of that mean by its authors)."""
    number = day.authors
    total = math.fsum(s - n * usual[p].mean for p, (n, s, _) in day.cells.items())
    noise = math.fsum(n * usual[p].variance for p, (n, _, _) in day.cells.items())
    return total / number, noise / number**2


def without_shifts(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Days that are no outliers, on either side, by their residuals in units of their own noise."""
    if len(points) < SCREEN_DAYS:
        return points
    scaled = [value / math.sqrt(noise) for value, noise in points]
    centre = median(scaled)
    scale = max(1.0, 1.4826 * median(abs(value - centre) for value in scaled))
    return [p for p, value in zip(points, scaled, strict=True) if abs(value - centre) <= OUTLIER * scale]


def between_days(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """(variance between days, their mean, variance of that mean): DerSimonian and Laird."""
    weights = [1 / noise for _, noise in points]
    whole = math.fsum(weights)
    mean = math.fsum(w * value for w, (value, _) in zip(weights, points, strict=True)) / whole
    spread = math.fsum(w * (value - mean) ** 2 for w, (value, _) in zip(weights, points, strict=True))
    scale = whole - math.fsum(w * w for w in weights) / whole
    between = max(0.0, (spread - (len(points) - 1)) / scale)
    weights = [1 / (noise + between) for _, noise in points]
    whole = math.fsum(weights)
    return between, math.fsum(w * value for w, (value, _) in zip(weights, points, strict=True)) / whole, 1 / whole


def two_tails(score: float, degrees: int) -> float:
    """P(|T| >= |score|) of Student's t with whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4).

    The small end, where the sum loses its digits, is bounded by 1e-12.
    """
    angle = math.atan(abs(score) / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    if degrees % 2:
        term, total = cosine, 0.0
        for k in range(1, (degrees - 1) // 2 + 1):
            total += term
            term *= cosine * cosine * 2 * k / (2 * k + 1)
        inside = 2 / math.pi * (angle + sine * total)
    else:
        term, total = 1.0, 0.0
        for k in range(1, degrees // 2 + 1):
            total += term
            term *= cosine * cosine * (2 * k - 1) / (2 * k)
        inside = sine * total
    return min(1.0, max(1e-12, 1.0 - inside))
