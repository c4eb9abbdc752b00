"""How often `novelty` and `narrative_shift` speak on simulated days without a change, and how often they find one.

A simulated topic: each day some matters begin (Poisson, fewer at the weekend, days differing by more than chance); a
matter gets a heavy-tailed number of voices (a discrete Pareto law: most have one), each on its first day or a few days
later (geometric). Nothing changes but by that law. Then, on the last day, one thing does:

- novelty: a new matter takes so many voices more, as a share of the day's usual number;
- narrative, new: the same; narrative, old: a matter of the days before does; narrative, turned: those who spoke of the
  day's two largest matters speak of one of the week's others, the number of voices unchanged;
- narrative, stance: so much of the day's neutral voices turn critical.

Every figure is a share of `--trials` topic-days with a 95 % interval (Wilson). "notable" is what the kind alone calls
one, with `--kinds` kinds tested on `--topics` topics; "strong" holds after correction for all of them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from aidran_pipeline.signal import narrative, novelty
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.storyline_series import Said, Talk, narrative_series, novelty_series
from benchmarks import report

LAST = date(2026, 6, 20)
TOPIC = "simulated"
STANCES, USUAL_STANCES = ("critical", "neutral", "supportive"), (0.25, 0.6, 0.15)
SIZES = (8, 20, 60)  # usual voices a day
HISTORIES = (14, 28)
LIFTS = (0.25, 0.5, 1.0)
Row = tuple[int, int, str]  # (days before the last, matter, stance)


def simulated(generator: np.random.Generator, voices: float, days: int, tail: float = 1.6) -> list[Row]:
    """Voices of so many days; `voices` a day on average."""
    sizes = np.minimum(generator.zipf(1 + tail, size=4000), 60)
    begin = voices / float(sizes.mean())
    rows: list[Row] = []
    matter = 0
    for back in range(days + 5, -1, -1):
        weekend = 0.5 if (LAST - timedelta(days=back)).weekday() >= 5 else 1.15
        for size in generator.choice(sizes, generator.poisson(begin * weekend * generator.gamma(8, 1 / 8))):
            matter += 1
            for _ in range(int(size)):
                later = back - min(3, int(generator.geometric(0.6)) - 1)
                if later >= 0:
                    rows.append((later, matter, str(generator.choice(STANCES, p=USUAL_STANCES))))
    return rows


def talk_of(rows: Sequence[Row]) -> tuple[Talk, list[date]]:
    """The rows as voices of one topic, each by a teller of its own."""
    said = [
        Said(LAST - timedelta(days=back), TOPIC, matter, 1, frozenset([f"teller {i}"]), stance=stance)
        for i, (back, matter, stance) in enumerate(rows)
    ]
    oldest = max((back for back, _, _ in rows), default=0)
    return Talk.of(said), [LAST - timedelta(days=back) for back in range(oldest, -1, -1)]


Change = Callable[[np.random.Generator, list[Row], int], list[Row]]


def _more(generator: np.random.Generator, rows: list[Row], count: int, matter: int) -> list[Row]:
    return rows + [(0, matter, str(generator.choice(STANCES, p=USUAL_STANCES))) for _ in range(count)]


def a_new_matter(generator: np.random.Generator, rows: list[Row], count: int) -> list[Row]:
    """So many voices more on something new."""
    return _more(generator, rows, count, 10**9)


def an_old_matter(generator: np.random.Generator, rows: list[Row], count: int) -> list[Row]:
    """So many voices more on something of the two days before."""
    old = sorted({matter for back, matter, _ in rows if 1 <= back <= 2})
    return _more(generator, rows, count, int(generator.choice(old))) if old else rows


def turned(generator: np.random.Generator, rows: list[Row], count: int) -> list[Row]:
    """So many of today's voices speak of one matter of the week instead."""
    today = [i for i, (back, _, _) in enumerate(rows) if back == 0]
    week = sorted({matter for back, matter, _ in rows if 1 <= back <= 7})
    if not week:
        return rows
    other, chosen = int(generator.choice(week)), set(generator.permutation(today)[:count].tolist())
    return [(back, other if i in chosen else matter, stance) for i, (back, matter, stance) in enumerate(rows)]


def angrier(generator: np.random.Generator, rows: list[Row], count: int) -> list[Row]:
    """So many of today's voices are critical that were not."""
    today = [i for i, (back, _, stance) in enumerate(rows) if back == 0 and stance != "critical"]
    chosen = set(generator.permutation(today)[:count].tolist())
    return [(back, matter, "critical" if i in chosen else stance) for i, (back, matter, stance) in enumerate(rows)]


KINDS: dict[str, tuple[Callable[..., list[dict[str, Any]]], Callable[..., Finding], dict[str, Change]]] = {
    "novelty": (novelty_series, novelty.detect, {"new": a_new_matter, "old": an_old_matter}),
    "narrative_shift": (
        narrative_series,
        narrative.detect,
        {"new": a_new_matter, "old": an_old_matter, "turned": turned, "stance": angrier},
    ),
}


def measured(
    kind: str, voices: int, history: int, change: Change | None, lift: float, trials: int, tested: Tested
) -> dict[str, float]:
    """Shares of the trials: p below .05 alone, notable, strong or more."""
    series_of, detect, _ = KINDS[kind]
    found = {"p05": 0, "notable": 0, "strong": 0}
    for trial in range(trials):
        generator = np.random.default_rng([trial, voices, history])
        rows = simulated(generator, voices, history)
        if change is not None:
            rows = change(generator, rows, max(1, round(lift * voices)))
        talk, days = talk_of(rows)
        days = days[-history - 1 :]
        finding = detect(series_of(talk, TOPIC, days, set(days)), tested)
        found["p05"] += finding.p_uncorrected < 0.05
        found["notable"] += finding.severity is not None
        found["strong"] += finding.severity in ("strong", "severe")
    return {name: count / trials for name, count in found.items()}


def interval(share: float, trials: int) -> str:
    """Wilson's 95 % interval, in per cent."""
    z = 1.96
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return f"{100 * share:.1f} ({100 * max(0.0, middle - half):.1f} to {100 * (middle + half):.1f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--kinds", type=int, default=7)
    options = parser.parse_args(arguments)
    tested = Tested(options.topics * options.kinds, options.kinds)
    rows: list[list[object]] = []
    figures: dict[str, Any] = {}
    for kind, (_, _, changes) in KINDS.items():
        for voices in SIZES:
            for history in HISTORIES:
                none = measured(kind, voices, history, None, 0.0, options.trials, tested)
                rows.append([kind, "none", "", voices, history, *(interval(v, options.trials) for v in none.values())])
                figures[f"{kind} none {voices} {history}"] = none
            for name, change in changes.items():
                for lift in LIFTS:
                    one = measured(kind, voices, 28, change, lift, options.trials, tested)
                    rows.append([kind, name, lift, voices, 28, *(interval(v, options.trials) for v in one.values())])
                    figures[f"{kind} {name} {lift} {voices} 28"] = one
    print(report.table(["kind", "change", "of a day", "voices", "days", "p < .05, %", "notable, %", "strong, %"], rows))
    report.finish("narratives", {"trials": options.trials, "topics": options.topics, "shares": figures})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
