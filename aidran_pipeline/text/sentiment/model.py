"""The trained scores: two multinomial logistic regressions (tone, stance), their weights as JSON beside this module.

`python -m benchmarks.train_sentiment` writes the file. Probabilities are rounded to thousandths before anything is
compared with them, and thresholds lie between two thousandths: the last bits of a float decide nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from aidran_pipeline.text.embeddings import MODEL
from aidran_pipeline.text.sentiment.features import NAMES, VECTOR, Array

DIGITS = 3


@dataclass(frozen=True)
class Scores:
    """One question. weights: a row a label, intercept first; thresholds: from which probability a label is given.

    lift: what a label's probability is multiplied with where one must be chosen, as rare labels are seldom likeliest.
    """

    labels: tuple[str, ...]
    weights: Array
    thresholds: tuple[float, ...]
    lift: tuple[float, ...]

    def probabilities(self, standard: Array) -> tuple[float, ...]:
        """By label, in thousandths. standard: the standardised features."""
        values = self.weights[:, 0] + self.weights[:, 1:] @ standard
        powers = np.exp(values - values.max())
        return tuple(round(float(p), DIGITS) for p in powers / powers.sum())

    def given(self, probabilities: tuple[float, ...]) -> str | None:
        """The likeliest label above its threshold, else None."""
        sure = [
            (p, label) for p, label, least in zip(probabilities, self.labels, self.thresholds, strict=True) if p > least
        ]
        return max(sure)[1] if sure else None

    def forced(self, probabilities: tuple[float, ...]) -> str:
        """The best label where every text must have one: for measuring."""
        lifted = [p * weight for p, weight in zip(probabilities, self.lift, strict=True)]
        return self.labels[lifted.index(max(lifted))]


@dataclass(frozen=True)
class Trained:
    """Both questions with the standardisation they share; measured: figures on texts that nothing was chosen on."""

    version: str
    mean: Array
    scale: Array
    sentiment: Scores
    stance: Scores
    measured: Mapping[str, Any]

    def standard(self, measured: Array) -> Array:
        """Features in units of their spread in training, as the weights take them."""
        return (measured - self.mean) / self.scale


@lru_cache(maxsize=1)
def trained() -> Trained:
    """The packaged model. Raises ValueError when it was trained on other features."""
    return from_json(files("aidran_pipeline.text.sentiment").joinpath("weights.json").read_text(encoding="utf-8"))


def from_json(text: str) -> Trained:
    """A model from its file's text."""
    found = json.loads(text)
    if tuple(found["features"]) != NAMES or found["embedding"] != MODEL or len(found["mean"]) != len(NAMES) + VECTOR:
        raise ValueError("weights.json was trained on other features: run python -m benchmarks.train_sentiment")
    return Trained(
        version=found["version"],
        mean=np.asarray(found["mean"]),
        scale=np.asarray(found["scale"]),
        sentiment=_scores(found["sentiment"]),
        stance=_scores(found["stance"]),
        measured=found["measured"],
    )


def _scores(found: Mapping[str, Any]) -> Scores:
    return Scores(
        tuple(found["labels"]), np.asarray(found["weights"]), tuple(found["thresholds"]), tuple(found["lift"])
    )
