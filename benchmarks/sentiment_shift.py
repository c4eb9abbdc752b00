"""`sentiment_shift` on simulated days: how often it speaks where nothing changed, how often it sees a change.

A topic's day has authors on three platforms, each with its usual tone, in numbers that vary from day to day; what they
say varies by author, and by day for all of them at once (answers to each other, one event). Values have the spread of
recorded texts. A change is given in units of true tone (-1 negative, 1 positive) and reaches the values through the
measured slope, as it would reach the classifier. Also drawn: days whose mix of platforms turns over, past shifts, an
author who posts all day. Nothing is chosen here: limits stand in signal/sentiment.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.sentiment import SLOPES, VERSION, SentimentShift
from aidran_pipeline.signal.shifts import measure
from benchmarks.report import finish, table

PLATFORMS = {"bluesky": (0.45, -60), "news": (0.35, 20), "reddit": (0.2, 0)}  # share, usual value in thousandths
SPREAD = 300.0  # thousandths: standard deviation of one author's value, as of recorded texts
TOPICS, KINDS = 25, 9
SEED = 2026


@dataclass(frozen=True)
class World:
    """authors: mean number of a day; between: standard deviation of days, in thousandths; days of history."""

    authors: int
    between: float
    days: int = 28
    turned: bool = False  # the last day has the platforms' shares the other way round
    past: float = 0.0  # true tone by which two days in the past were shifted


def simulated(rng: np.random.Generator, world: World, change: float) -> list[dict[str, Any]]:
    """A series as the kind stores it, its last day changed by `change` in units of true tone."""
    slope, series = SLOPES[VERSION], []
    shares = [share for share, _ in PLATFORMS.values()]
    for number in range(world.days + 1):
        last = number == world.days
        shift = change if last else world.past if number in (5, 17) else 0.0
        of_day = rng.normal(0, world.between) + 1000 * slope * shift
        mix = shares[::-1] if last and world.turned else shares
        cells = {}
        for (platform, (_, usual)), share in zip(PLATFORMS.items(), mix, strict=True):
            mean = world.authors * share
            authors = int(rng.negative_binomial(5, 5 / (5 + mean)))
            values = np.clip(np.round(rng.normal(usual + of_day, SPREAD, authors)), -1000, 1000).astype(int)
            if authors:
                cells[platform] = [authors, int(values.sum()), int((values**2).sum())]
        count = sum(cell[0] for cell in cells.values())
        series.append({"day": str(number), "count": count, "total": count, "coverage": 1.0, "platforms": cells})
    return series


def rates(world: World, change: float, trials: int) -> dict[str, float]:
    """Shares of trials: judged (enough was said), with p < 0.05, called notable or more, strong or more."""
    rng = np.random.default_rng(SEED)
    kind, tests = SentimentShift(), Tested(TOPICS * KINDS, KINDS)
    found = {"judged": 0, "p": 0, "notable": 0, "strong": 0}
    for _ in range(trials):
        series = simulated(rng, world, change)
        shift = measure(series)
        if shift is None:
            continue
        severity = kind.detect(series, tests).severity
        found["judged"] += 1
        found["p"] += shift.p_value < 0.05
        found["notable"] += severity is not None
        found["strong"] += severity in ("strong", "severe")
    return {name: round(number / trials, 4) for name, number in found.items()}


STILL = {
    "30 authors": World(30, 30), "12 authors": World(12, 30), "80 authors": World(80, 30),
    "days differ": World(30, 80), "days are alike": World(30, 0), "10 days": World(30, 30, days=10),
    "platforms turned over": World(30, 30, turned=True), "two past shifts": World(30, 30, past=1.0),
}  # fmt: skip
CHANGES = (0.4, 0.6, 0.8, 1.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000, help="simulated topic-days of each case")
    options = parser.parse_args(arguments)
    still = {name: rates(world, 0.0, options.trials) for name, world in STILL.items()}
    print("nothing changed: share of topic-days")
    print(table(["world", "judged", "p < 0.05", "notable", "strong"], [[n, *v.values()] for n, v in still.items()]))
    moved: dict[str, dict[str, float]] = {}
    rows: list[list[object]] = []
    for authors in (12, 30, 80):
        for change in CHANGES:
            found = rates(World(authors, 30), change, max(50, options.trials // 4))
            moved[f"{authors} authors, {change:g}"] = found
            rows.append([authors, change, *found.values()])
    print("\nchanged on the last day, in units of true tone")
    print(table(["authors", "change", "judged", "p < 0.05", "notable", "strong"], rows))
    worst = max(v["notable"] for v in still.values())
    finish("sentiment_shift", {"false_alarms": worst, "still": still, "moved": moved, "trials": options.trials})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
