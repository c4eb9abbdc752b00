"""How well the burst detector finds labelled anomalies in five-minute counts of tweets: the published NAB score.

The bar was chosen on the first two series by name and thinned copies of them (`--choose` does it again); nothing of the
others was used. `score` is that of all series given, at the project's own setting. Beside it a plain EWMA and, where
river is installed, detectors of that library (nab_beside.py).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import log1p, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from aidran_pipeline.signal import bursts
from benchmarks import nab_beside, report
from benchmarks.nab_scoring import Series, load, score

DEFAULT = Path("../shared/data/nab")
CHOSEN_ON = 2
THIN = (0.3, 0.1, 0.03, 0.01)  # sparse topics: series of the same shape with a third to a hundredth of the tweets
DRAWS = 3
SCORED = ("all", "chosen_on", "others")
BARS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
Alerts = Callable[[float], list[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns 2 where the data is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nab", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder laid out as NAB: data/realTweets, labels")
    parser.add_argument("--choose", action="store_true", help="choose the bar again on the first two series")
    options = parser.parse_args(arguments)
    try:
        series = load(options.data)
    except (OSError, ValueError, LookupError) as failure:
        print(f"{options.data}: {failure}; name a folder with --data DIR", file=sys.stderr)
        return 2
    if not series:
        print(f"{options.data}: no labelled realTweets series; name a folder with --data DIR", file=sys.stderr)
        return 2
    if options.choose:
        _choose(series[:CHOSEN_ON])
    _measure(series)
    return 0


def _measure(series: Sequence[Series]) -> None:
    ours = [detector(one) for one in series]
    at_bar = [found(bursts.BAR) for found in ours]
    plain = [ewma(one) for one in series]
    limit = max(
        (round(1 + 0.25 * step, 2) for step in range(60)),
        key=lambda z: score(series[:CHOSEN_ON], [found(z) for found in plain[:CHOSEN_ON]]),
    )
    beside = [found(limit) for found in plain]
    rows = [
        [
            one.name.removeprefix("realTweets/"), len(one.windows), _caught(one, a), _false(one, a), score([one], [a]),
            score([one], [b]),
        ]
        for one, a, b in zip(series, at_bar, beside, strict=True)
    ]  # fmt: skip
    print(report.table(["series", "windows", "found", "false", bursts.VERSION, "EWMA z"], rows))
    others = series[CHOSEN_ON:]
    figures: dict[str, Any] = {
        "score": round(score(series, at_bar), 2),
        "score_chosen_on": round(score(series[:CHOSEN_ON], at_bar[:CHOSEN_ON]), 2),
        "score_others": round(score(others, at_bar[CHOSEN_ON:]), 2) if others else None,
        "score_ewma": round(score(series, beside), 2),
        "windows": sum(len(one.windows) for one in series),
        "found": sum(row[2] for row in rows),
        "false_alerts": sum(row[3] for row in rows),
        "bar": bursts.BAR,
        "by_bar": {str(b): round(score(series, [found(b) for found in ours]), 2) for b in BARS},
        "series": {row[0]: round(float(row[4]), 2) for row in rows},  # type: ignore[arg-type]
    }
    print(f"all {figures['score']}, first two {figures['score_chosen_on']}, others {figures['score_others']}")
    figures["beside"] = None
    if nab_beside.available():
        found = nab_beside.compared(series, CHOSEN_ON)
        figures["beside"] = [
            {k: round(v, 2) if k in SCORED and v is not None else v for k, v in r.items()} for r in found
        ]
        own = [
            bursts.VERSION,
            f"{bursts.BAR:g}",
            *(figures[key] for key in ("score", "score_chosen_on", "score_others")),
        ]
        print("\n" + report.table(["detector", "setting", "all", "first two", "others"],
                                  [own, *(list(row.values()) for row in figures["beside"])]))  # fmt: skip
    else:
        print("river: not installed; `pip install river` beside the project to have its detectors in this run")
    report.finish("nab", figures)


def detector(one: Series) -> Alerts:
    """The project's detector on one series: alerts, as places of the series, for a bar."""
    grain = bursts.Grain(timedelta(minutes=5))
    counts, places = bursts.regular(one.times, one.counts, grain.bucket)
    back = {place: i for i, place in enumerate(places)}
    found = bursts.rises(counts, grain, one.times[0].weekday())
    return lambda bar: [back[p] for p in bursts.alerts(found, grain.per_day, bar=bar) if p in back]


def ewma(one: Series) -> Alerts:
    """The plain way beside it: z of log counts against an exponential mean and variance, a day of rest as well."""
    mean = spread = 0.0
    scores = []
    for place, count in enumerate(one.counts):
        x = log1p(count)
        scores.append((x - mean) / (sqrt(spread) + 0.2) if place > 288 else -9.0)
        difference = x - mean
        mean += 0.01 * difference
        spread = 0.99 * (spread + 0.01 * difference * difference)

    def found(limit: float) -> list[int]:
        places: list[int] = []
        for place, z in enumerate(scores):
            if z >= limit and (not places or place - places[-1] > 288):
                places.append(place)
        return places

    return found


def thinned(one: Series, share: float, seed: int) -> Series:
    """The series as a sparser topic has it: each tweet kept with this chance."""
    generator = np.random.default_rng(seed)
    counts = [float(n) for n in generator.binomial([int(c) for c in one.counts], share)]
    return Series(f"{one.name} x {share}", one.times, counts, one.windows)


def _choose(two: Sequence[Series]) -> None:
    seeds = random.Random(7)  # noqa: S311 - repeatable, not secret
    copies = [thinned(one, share, seeds.randrange(2**31)) for _ in range(DRAWS) for share in THIN for one in two]
    development = [*two, *copies]
    ours = [detector(one) for one in development]
    scores = [score(development, [found(bar) for found in ours]) for bar in BARS]
    print(f"Chosen on {', '.join(one.name for one in two)} and copies thinned to {', '.join(map(str, THIN))}:")
    print(report.table(["bar", "score"], [[f"{bar:.2f}", s] for bar, s in zip(BARS, scores, strict=True)]) + "\n")


def _caught(one: Series, alerts: Sequence[int]) -> int:
    return sum(any(max(a, one.probation) <= p <= b for p in alerts) for a, b in one.windows)


def _false(one: Series, alerts: Sequence[int]) -> int:
    return sum(p >= one.probation and not any(a <= p <= b for a, b in one.windows) for p in alerts)


if __name__ == "__main__":
    raise SystemExit(main())
