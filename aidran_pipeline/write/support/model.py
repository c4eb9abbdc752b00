"""The trained score: a logistic regression over `features.NAMES`, its weights as a JSON file beside this module.

`python -m benchmarks.train_support` writes the file. A score is rounded to thousandths before anything is compared with
it, and the thresholds in the file lie between two thousandths: the last bits of a float decide nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from aidran_pipeline.write.support.features import NAMES

DIGITS = 3


@dataclass(frozen=True)
class Model:
    """weights: by feature, of the standardised value; publish, best: thresholds of precision and of F1."""

    version: str
    intercept: float
    weights: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    publish: float
    best: float

    def score(self, features: Sequence[float]) -> float:
        """Probability of "supported", in thousandths."""
        rows = zip(features, self.mean, self.scale, self.weights, strict=True)
        total = self.intercept + math.fsum((value - mean) / scale * weight for value, mean, scale, weight in rows)
        return round(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), DIGITS)


@lru_cache(maxsize=1)
def trained() -> Model:
    """The packaged model. Raises ValueError when it was trained on other features."""
    return from_json(files("aidran_pipeline.write.support").joinpath("weights.json").read_text(encoding="utf-8"))


def from_json(text: str) -> Model:
    """A model from its file's text."""
    found = json.loads(text)
    if tuple(found["features"]) != NAMES:
        raise ValueError("weights.json was trained on other features: run python -m benchmarks.train_support")
    return Model(
        version=found["version"],
        intercept=found["intercept"],
        weights=tuple(found["features"][name]["weight"] for name in NAMES),
        mean=tuple(found["features"][name]["mean"] for name in NAMES),
        scale=tuple(found["features"][name]["scale"] for name in NAMES),
        publish=found["thresholds"]["publish"],
        best=found["thresholds"]["best_f1"],
    )
