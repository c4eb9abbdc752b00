"""Train the scores of tone and stance: two multinomial logistic regressions, on the training half of the labels alone.

Penalty (by likelihood) and lift (by macro F1) are chosen by cross-validation in that half, five folds by text. A
label's threshold is the lowest probability above which it is right often enough, out of fold: seven times in ten, six
for critical and supportive. Slope and subject error say what a changed mean of the values is worth (signal/shifts.py).
The figures of the reported half are put beside the weights by `python -m benchmarks.sentiment --write`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aidran_pipeline.text.embeddings import MODEL, embed_all
from aidran_pipeline.text.sentiment.features import NAMES, measured
from benchmarks.report import finish, table
from benchmarks.sentiment_data import LABELS, MISSING, WORLD, Case, labelled, read_labels, topics_of, world_cases

Array = NDArray[np.float64]
OUT = Path(__file__).resolve().parents[1] / "aidran_pipeline" / "text" / "sentiment" / "weights.json"
TONES = ("negative", "neutral", "positive")
SIDES = ("critical", "neutral", "supportive")
PENALTIES, LIFTS = (1.0, 2.0, 4.0, 8.0, 16.0), (0.0, 0.2, 0.4, 0.6, 0.8)
# Counts and marks, few and each meant, are penalised less than the embedding's numbers, whose spread is near 0.05.
COUNT_SPREAD = 0.2
FOLDS, STEPS = 5, 400
LEAST = 20
# How often a given label must be right, out of fold. No side reaches 0.7 on more than a handful of texts.
TONE_PRECISION, SIDE_PRECISION = (0.7, 0.7, 0.7), (0.6, 0.7, 0.6)
VERSION = "1"


def matrix(cases: Sequence[Case]) -> Array:
    """One row of features a case, the embedding last."""
    texts = [case.text for case in cases]
    return np.array([measured(text, vector) for text, vector in zip(texts, embed_all(texts), strict=True)])


def tone_of(case: Case) -> int:
    """Place in TONES."""
    return TONES.index(case.sentiment)


def side_of(case: Case) -> int:
    """Place in SIDES; unclear counts as neutral: no side is taken that could be told."""
    return SIDES.index("neutral" if case.stance == "unclear" else case.stance)


def standardised(x: Array) -> tuple[Array, Array]:
    """(mean, scale) of the features."""
    scale = np.ones(x.shape[1])
    scale[: len(NAMES)] = (x[:, : len(NAMES)].std(axis=0) + 1e-6) / COUNT_SPREAD
    return x.mean(axis=0), scale


def fit(z: Array, y: NDArray[np.int64], penalty: float) -> Array:
    """Weights, a row a label, intercept first: ridge-penalised likelihood by accelerated gradient steps (Nesterov)."""
    x = np.c_[np.ones(len(z)), z]
    target = np.eye(3)[y]
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 1e-3
    steepest = 0.5 * float(np.linalg.norm(x, 2)) ** 2 + penalty
    weights = np.zeros((3, x.shape[1]))
    ahead, pace = weights.copy(), 1.0
    for _ in range(STEPS):
        slope = (softmax(x @ ahead.T) - target).T @ x + ahead * ridge
        moved = ahead - slope / steepest
        faster = (1 + math.sqrt(1 + 4 * pace * pace)) / 2
        ahead = moved + (pace - 1) / faster * (moved - weights)
        weights, pace = moved, faster
    return weights


def softmax(values: Array) -> Array:
    """Rows of probabilities."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def predict(z: Array, weights: Array) -> Array:
    """Probabilities in thousandths, as the package rounds them."""
    return np.round(softmax(np.c_[np.ones(len(z)), z] @ weights.T), 3)


def crossed(x: Array, y: NDArray[np.int64], fold: NDArray[np.int64], penalty: float) -> Array:
    """Out-of-fold probabilities."""
    found = np.zeros((len(y), 3))
    for number in range(FOLDS):
        mean, scale = standardised(x[fold != number])
        weights = fit((x[fold != number] - mean) / scale, y[fold != number], penalty)
        found[fold == number] = predict((x[fold == number] - mean) / scale, weights)
    return found


def lifts(y: NDArray[np.int64], power: float) -> Array:
    """What probabilities are multiplied with: rare labels the more."""
    return np.asarray((np.bincount(y, minlength=3) / len(y)) ** -power)


def macro_f1(y: NDArray[np.int64], guessed: NDArray[np.int64]) -> float:
    """Mean F1 over the three labels."""
    both = [2 * ((y == k) & (guessed == k)).sum() / max(1, (y == k).sum() + (guessed == k).sum()) for k in range(3)]
    return float(np.mean(both))


def thresholds(p: Array, y: NDArray[np.int64], precision: Sequence[float]) -> list[float]:
    """By label, half a thousandth below the lowest probability above which it is right often enough, or 1."""
    found = []
    for label in range(3):
        least = 1.0
        for step in np.unique(p[:, label])[::-1]:
            taken = p[:, label] >= step
            if taken.sum() >= LEAST and (y[taken] == label).mean() >= precision[label]:
                least = float(step) - 0.0005
        found.append(round(least, 4))
    return found


def chosen(x: Array, y: NDArray[np.int64], fold: NDArray[np.int64]) -> tuple[float, float, Array]:
    """(penalty, power of the lift, out-of-fold probabilities): the best likelihood, then the best macro F1."""
    tried = {penalty: crossed(x, y, fold, penalty) for penalty in PENALTIES}
    places = np.arange(len(y))
    penalty = max(tried, key=lambda c: float(np.log(np.maximum(tried[c][places, y], 0.001)).sum()))
    power = max(LIFTS, key=lambda c: macro_f1(y, (tried[penalty] * lifts(y, c)).argmax(axis=1)))
    return penalty, power, tried[penalty]


def slope_and_error(values: Array, truth: Array, topics: Sequence[str]) -> tuple[float, float]:
    """(slope, spread between subjects) of values against true tones of -1, 0, 1.

    Slope: within topics, as days of one topic are compared. The second is the standard deviation of a topic's mean
    error, what chance explains taken away (DerSimonian and Laird), in units of true tone.
    """
    place = {topic: np.array([t == topic for t in topics]) for topic in sorted(set(topics))}
    own, said = values.astype(float), truth.astype(float)
    for here in place.values():
        own[here] -= own[here].mean()
        said[here] -= said[here].mean()
    slope = float((own * said).sum() / (said * said).sum())
    errors = values - slope * truth
    cells = [errors[here] for here in place.values() if here.sum() >= 5]
    within = sum(float(((cell - cell.mean()) ** 2).sum()) for cell in cells) / sum(len(cell) - 1 for cell in cells)
    weights = np.array([len(cell) / within for cell in cells])
    means = np.array([float(cell.mean()) for cell in cells])
    spread = float((weights * (means - np.average(means, weights=weights)) ** 2).sum())
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return slope, math.sqrt(max(0.0, (spread - (len(cells) - 1)) / scale)) / slope


def question(
    x: Array, y: NDArray[np.int64], fold: NDArray[np.int64], labels: Sequence[str], precision: Sequence[float]
) -> tuple[Any, Array, list[Any]]:
    """(what the file says of one question, out-of-fold probabilities, a row for the table)."""
    penalty, power, p = chosen(x, y, fold)
    mean, scale = standardised(x)
    weights = fit((x - mean) / scale, y, penalty)
    limits, lift = thresholds(p, y, precision), lifts(y, power)
    found = {
        "labels": list(labels), "penalty": penalty, "lift_power": power, "thresholds": limits,
        "lift": [round(float(v), 4) for v in lift], "weights": [[round(float(w), 4) for w in row] for row in weights],
    }  # fmt: skip
    guessed = (p * lift).argmax(axis=1)
    return found, p, [penalty, power, float((guessed == y).mean()), macro_f1(y, guessed), *limits]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write. Exit code 2 where the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the recorded world")
    parser.add_argument("--labels", type=Path, default=LABELS, help="the label file")
    parser.add_argument("--out", type=Path, default=OUT, help="the weights file")
    options = parser.parse_args(arguments)
    try:
        cases = [c for c in labelled(read_labels(options.labels), list(world_cases(options.world))) if c.trains]
    except (OSError, ValueError, TypeError) as error:
        print(f"no data: {error}. {MISSING}", file=sys.stderr)
        return 2
    x = matrix(cases)
    fold = np.array([hashlib.sha256(f"fold {c.digest}".encode()).digest()[0] % FOLDS for c in cases])
    tones, sides = np.array([tone_of(c) for c in cases]), np.array([side_of(c) for c in cases])
    sentiment, p, row = question(x, tones, fold, TONES, TONE_PRECISION)
    stance, _, other = question(x, sides, fold, SIDES, SIDE_PRECISION)
    slope, error = slope_and_error(p[:, 2] - p[:, 0], tones - 1.0, topics_of(cases, x[:, len(NAMES) :]))
    mean, scale = standardised(x)
    found = {
        "version": VERSION, "training": f"{len(cases)} titles and posts, the training half", "embedding": MODEL,
        "features": list(NAMES), "sentiment": sentiment, "stance": stance,
        "slope": round(slope, 3), "subject_error": round(error, 3), "measured": {},
        "mean": [round(float(v), 5) for v in mean], "scale": [round(float(v), 5) for v in scale],
    }  # fmt: skip
    options.out.write_text(number_lines(found) + "\n", encoding="utf-8")
    head = ["question", "penalty", "lift", "accuracy", "macro F1", "threshold 1", "threshold 2", "threshold 3"]
    print(table(head, [["sentiment", *row], ["stance", *other]]))
    figures = {"cases": len(cases), "accuracy": row[2], "macro_f1": row[3], "stance_accuracy": other[2]}
    finish("train_sentiment", {**figures, "stance_macro_f1": other[3], "slope": slope, "subject_error": error})
    return 0


def number_lines(found: dict[str, Any]) -> str:
    """JSON with lists of numbers on one line each."""
    numbers = re.compile(r"\[\s+(-?[\d.][^\[\]{}\"]*?)\s+\]")
    return numbers.sub(lambda m: "[" + " ".join(m.group(1).split()) + "]", json.dumps(found, indent=1))


if __name__ == "__main__":
    raise SystemExit(main())
