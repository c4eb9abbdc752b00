"""Train the score of the judge of prose: logistic regression, on the calibration half of WiCE dev alone.

Both forms of the claims are used (gold sentences among others, whole page). The penalty and both thresholds are chosen
by five-fold cross-validation in that half, folds by claim: `best_f1` has the highest F1, `publish` is the lowest
threshold from which on precision, vetoes applied, is at least 0.85. Writes aidran_pipeline/write/support/weights.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aidran_pipeline.write.support import TOO_LITTLE, support
from aidran_pipeline.write.support.features import NAMES, features
from aidran_pipeline.write.support.reading import read, read_all
from benchmarks.report import finish, table
from benchmarks.wice import CLAIM, MISSING, ORACLE, Pair, half, lines, wice_pair

Array = NDArray[np.float64]
OUT = Path(__file__).resolve().parents[1] / "aidran_pipeline" / "write" / "support" / "weights.json"
PENALTIES = (5.0, 15.0, 50.0)
FOLDS, PRECISION, LEAST = 5, 0.85, 20


def measure(pairs: Sequence[Pair]) -> Array:
    """One row of features a pair."""
    return np.array([features(read(pair.sentence), read_all(pair.quotes)) for pair in pairs])


def vetoed(pair: Pair) -> bool:
    """Whether the judge refuses a pair whatever its score."""
    return bool(set(support(pair.sentence, pair.quotes).reasons) - {TOO_LITTLE})


def fit(x: Array, y: Array, penalty: float) -> tuple[Array, Array, Array]:
    """Weights (intercept first), mean and scale: Newton's method on the ridge-penalised likelihood."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    z = np.c_[np.ones(len(x)), (x - mean) / scale]
    ridge = np.eye(z.shape[1]) * penalty
    ridge[0, 0] = 0
    weights = np.zeros(z.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-z @ weights))
        step = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + ridge, z.T @ (p - y) + ridge @ weights)
        weights -= step
        if np.abs(step).max() < 1e-10:
            break
    return weights, mean, scale


def predict(x: Array, fitted: tuple[Array, Array, Array]) -> Array:
    """Probabilities in thousandths, as the package rounds them."""
    weights, mean, scale = fitted
    return np.round(1 / (1 + np.exp(-np.c_[np.ones(len(x)), (x - mean) / scale] @ weights)), 3)


def crossed(x: Array, y: Array, groups: Sequence[str], penalty: float) -> Array:
    """Out-of-fold probabilities."""
    fold = np.array([hashlib.sha256(f"fold {group}".encode()).digest()[0] % FOLDS for group in groups])
    scores = np.zeros(len(y))
    for number in range(FOLDS):
        scores[fold == number] = predict(x[fold == number], fit(x[fold != number], y[fold != number], penalty))
    return scores


def f1_at(scores: Array, y: Array, threshold: float) -> float:
    """F1 of "supported"."""
    taken = scores >= threshold
    return 2 * float((taken & (y == 1)).sum()) / float(taken.sum() + y.sum())


def thresholds(scores: Array, y: Array, refused: NDArray[np.bool_]) -> tuple[float, float]:
    """(publish, best F1), half a thousandth below a score, so that no rounding can move a pair across.

    refused: pairs with a veto, which are not published whatever their score.
    """
    steps = np.unique(scores)
    best = max(steps, key=lambda t: f1_at(scores, y, t))
    publish = steps[-1]
    for step in steps[::-1]:
        taken = (scores >= step) & ~refused
        if taken.sum() >= LEAST and y[taken].mean() < PRECISION:
            break
        publish = step
    return round(float(publish) - 0.0005, 4), round(float(best) - 0.0005, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write. Exit code 2 where the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[ORACLE, CLAIM], help="files of WiCE dev")
    parser.add_argument("--out", type=Path, default=OUT, help="the weights file")
    options = parser.parse_args(arguments)
    try:
        pairs = half([wice_pair(row) for path in options.data for row in lines(path)], calibrating=True)
    except (OSError, ValueError, KeyError) as error:
        print(f"no data: {error}. {MISSING}", file=sys.stderr)
        return 2
    x, y = measure(pairs), np.array([float(pair.supported) for pair in pairs])
    groups = [pair.group for pair in pairs]
    refused = np.array([vetoed(pair) for pair in pairs])
    tried = {penalty: crossed(x, y, groups, penalty) for penalty in PENALTIES}
    penalty = max(PENALTIES, key=lambda p: f1_at(tried[p], y, thresholds(tried[p], y, refused)[1]))
    publish, best = thresholds(tried[penalty], y, refused)
    weights, mean, scale = fit(x, y, penalty)
    found = {
        "version": "1",
        "training": f"WiCE dev, calibration half, {len(pairs)} pairs of {len(set(groups))} claims; penalty {penalty:g}",
        "intercept": round(float(weights[0]), 6),
        "thresholds": {"publish": publish, "best_f1": best},
        "features": {
            name: {"weight": round(float(w), 6), "mean": round(float(m), 6), "scale": round(float(s), 6)}
            for name, w, m, s in zip(NAMES, weights[1:], mean, scale, strict=True)
        },
    }
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(["feature", "weight"], [[name, float(w)] for name, w in zip(NAMES, weights[1:], strict=True)]))
    f1 = {str(p): round(f1_at(s, y, thresholds(s, y, refused)[1]), 4) for p, s in tried.items()}
    finish("train_support", {"pairs": len(pairs), "penalty": penalty, "crossed_f1": f1, **found["thresholds"]})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
