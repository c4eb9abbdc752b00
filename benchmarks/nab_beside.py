"""Detectors of a library beside the project's own, on the same series and scored alike: river, where it is installed.

river is no dependency: `pip install river` beside the project. Each detector reads log counts one by one, causally (one
of them the counts themselves), is silent for the first day and rests a day after an alert, as the plain EWMA of nab.py
does; its one setting is chosen on the first two series. A drift detector speaks of falls as well: only what it says
above the mean of the last day counts.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import deque
from collections.abc import Callable, Sequence
from math import log1p
from typing import Any

from benchmarks.nab_scoring import Series, score

REST = 288
Scores = Callable[[Series], list[float]]


def available() -> bool:
    """Whether river can be had."""
    return importlib.util.find_spec("river") is not None


def compared(series: Sequence[Series], chosen_on: int) -> list[dict[str, Any]]:
    """A row for each detector: its setting, and the scores of all series, of those it was chosen on, of the others."""
    rows = []
    for name, settings, alerts in (_scored(series, *each) for each in _SCORERS):
        rows.append(_best(name, settings, alerts, series, chosen_on))
    for name, settings, make, scale in _DRIFTS:
        found = {s: [_drifts(one, make(s), scale) for one in series] for s in settings}
        rows.append(_best(name, settings, found, series, chosen_on))
    return rows


Found = dict[float, list[list[int]]]


def _best(
    name: str, settings: Sequence[float], found: Found, series: Sequence[Series], chosen_on: int
) -> dict[str, Any]:
    first = {s: score(series[:chosen_on], found[s][:chosen_on]) for s in settings}
    setting = max(settings, key=lambda s: first[s])
    others = score(series[chosen_on:], found[setting][chosen_on:]) if series[chosen_on:] else None
    whole = score(series, found[setting])
    return {"detector": name, "setting": f"{setting:.9g}", "all": whole, "chosen_on": first[setting], "others": others}


def _scored(
    series: Sequence[Series], name: str, settings: Sequence[float], scores: Scores
) -> tuple[str, Sequence[float], Found]:
    each = [scores(one) for one in series]
    return name, settings, {s: [_above(values, s) for values in each] for s in settings}


def _above(values: Sequence[float], limit: float) -> list[int]:
    places: list[int] = []
    for place, value in enumerate(values):
        if place > REST and value >= limit and (not places or place - places[-1] > REST):
            places.append(place)
    return places


def _gaussian(one: Series) -> list[float]:
    """Upper tail of a normal over the last week (anomaly.GaussianScorer): 1 less twice it, 0 below the median."""
    scorer = importlib.import_module("river.anomaly").GaussianScorer(window_size=7 * REST, grace_period=REST)
    values, recent = [], deque[float](maxlen=REST)
    for count in one.counts:
        x = log1p(count)
        above = not recent or x > sum(recent) / len(recent)
        values.append(float(scorer.score_one(None, x)) if above else 0.0)
        scorer.learn_one(None, x)
        recent.append(x)
    return values


def _trees(one: Series) -> list[float]:
    """Half-space trees over the count, its change and the last hour (Tan, Ting and Liu 2011)."""
    river = importlib.import_module("river")
    importlib.import_module("river.anomaly")
    importlib.import_module("river.preprocessing")
    trees = river.preprocessing.MinMaxScaler() | river.anomaly.HalfSpaceTrees(
        n_trees=25, height=8, window_size=REST, seed=7
    )
    values, recent = [], deque[float](maxlen=12)
    for count in one.counts:
        x = log1p(count)
        features = {
            "count": x,
            "change": x - (recent[-1] if recent else x),
            "hour": sum(recent) / len(recent) if recent else x,
        }
        values.append(float(trees.score_one(features)) if recent and x > features["hour"] else 0.0)
        trees.learn_one(features)
        recent.append(x)
    return values


def _drifts(one: Series, detector: Any, scale: Callable[[float], float]) -> list[int]:
    places: list[int] = []
    recent = deque[float](maxlen=REST)
    for place, count in enumerate(one.counts):
        x = scale(count)
        detector.update(x)
        rises = bool(recent) and x > sum(recent) / len(recent)
        if detector.drift_detected and rises and place > REST and (not places or place - places[-1] > REST):
            places.append(place)
        recent.append(x)
    return places


def _adwin(delta: float) -> Any:
    return importlib.import_module("river.drift").ADWIN(delta=delta)


def _page_hinkley(threshold: float) -> Any:
    return importlib.import_module("river.drift").PageHinkley(threshold=threshold, min_instances=REST, mode="up")


_SCORERS: tuple[tuple[str, Sequence[float], Scores], ...] = (
    ("river GaussianScorer", (0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999, 0.99999999), _gaussian),
    ("river HalfSpaceTrees", (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99), _trees),
)
_DRIFTS: tuple[tuple[str, Sequence[float], Callable[[float], Any], Callable[[float], float]], ...] = (
    ("river ADWIN, log", (0.3, 0.1, 0.01, 1e-3, 1e-5, 1e-8, 1e-12), _adwin, log1p),
    ("river PageHinkley, log", (5, 10, 20, 40, 80, 160, 320), _page_hinkley, log1p),
    ("river PageHinkley, counts", (50, 100, 200, 500, 1000, 2000, 5000, 10_000), _page_hinkley, float),
)
