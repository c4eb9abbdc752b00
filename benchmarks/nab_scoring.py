"""The standard-profile score of the Numenta Anomaly Benchmark, from its published formula, and its files.

Source: Lavin and Ahmad, Evaluating Real-time Anomaly Detection Algorithms, ICMLA 2015, section III, and NAB's
config/profiles. A true alert earns by how early in its window it comes (the first of a window counts), a false one
costs 0.11, less right after a window, a missed window costs 1. 0 is a detector that never alerts, 100 one that alerts
at the first bucket of every window and nowhere else.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, floor
from pathlib import Path

FALSE_ALERT = 0.11
PROBATION, PROBATION_CAP = 0.15, 5000
SET = "realTweets/"


@dataclass(frozen=True)
class Series:
    """One labelled series. windows: first and last place of each labelled anomaly."""

    name: str
    times: list[datetime]
    counts: list[float]
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """Places at the start that are not scored."""
        return floor(PROBATION * min(len(self.counts), PROBATION_CAP))


def load(folder: Path) -> list[Series]:
    """The realTweets series with labels, by name: labels/combined_windows.json, data/realTweets/*.csv or .csv.gz.

    Raises OSError where a labelled file is missing, ValueError where one is not laid out so.
    """
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text(encoding="utf-8"))
    found = []
    for name, windows in sorted(labels.items()):
        if name.startswith(SET):
            times, counts = _read(folder / "data" / name)
            found.append(Series(name, times, counts, _places(windows, times)))
    return found


def _read(path: Path) -> tuple[list[datetime], list[float]]:
    packed = path.with_name(path.name + ".gz")
    raw = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    rows = list(csv.reader(raw.decode("utf-8").splitlines()))[1:]
    return [_moment(row[0]) for row in rows], [float(row[1]) for row in rows]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.split(".")[0])


def _places(windows: Sequence[Sequence[str]], times: Sequence[datetime]) -> list[tuple[int, int]]:
    found = []
    for first, last in windows:
        inside = [i for i, moment in enumerate(times) if _moment(first) <= moment <= _moment(last)]
        if inside:
            found.append((inside[0], inside[-1]))
    return found


def _sigmoid(position: float) -> float:
    """What an alert is worth by its place: -1 the start of a window, 0 its end, in widths of the window."""
    return 2 / (1 + exp(5 * position)) - 1


def raw_score(series: Series, alerts: Collection[int]) -> float:
    """The sum over one series: at most its number of windows, minus that number when it never alerts."""
    start = series.probation
    best: dict[int, float] = {}
    total = 0.0
    for place in sorted(p for p in alerts if p >= start):
        inside = next((k for k, (a, b) in enumerate(series.windows) if a <= place <= b), None)
        if inside is None:
            total -= FALSE_ALERT * _false_weight(series.windows, place)
        else:
            first, last = series.windows[inside]
            worth = _sigmoid(-(last - place + 1) / (last - first + 1)) / _sigmoid(-1)
            best[inside] = max(best.get(inside, worth), worth)
    missed = sum(k not in best for k, (_, last) in enumerate(series.windows) if last >= start)
    return total + sum(best.values()) - missed


def _false_weight(windows: Sequence[tuple[int, int]], place: int) -> float:
    """1, or less where the alert comes within three widths after the end of a window."""
    before = [w for w in windows if w[1] < place]
    if not before:
        return 1.0
    first, last = before[-1]
    after = (place - last) / (last - first)
    return 1.0 if after > 3 else -_sigmoid(after)


def score(series: Sequence[Series], alerts: Sequence[Collection[int]]) -> float:
    """0 to 100 over several series, below 0 when false alerts outweigh: alerts[i] are places of series[i]."""
    windows = sum(len(one.windows) for one in series)
    if not windows:
        raise ValueError("no labelled windows")
    total = sum(raw_score(one, places) for one, places in zip(series, alerts, strict=True))
    return 100 * (total + windows) / (2 * windows)
