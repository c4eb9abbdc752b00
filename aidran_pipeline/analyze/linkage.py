"""Similarity matrices over texts, and the agglomerative grouping that storylines are made with. Pure numpy.

Matrices are n×n in float32 and rounded, so that a tie does not hang on the last bit. What does not belong here: what
makes two records one event (storylines.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
DECIMALS = 5
NEVER = -9.0


def centred(vectors: Matrix, prior: float) -> Matrix:
    """N unit vectors (n×d) without what they have in common: their mean taken off, made unit again.

    What all texts of a window share ("this is about AI") tells no two of them apart; without it one threshold fits a
    narrow subject and a broad one (first step of Mu and Viswanath 2018, "All-but-the-Top"). `prior` stands for so many
    texts without any meaning: the mean of a few texts is no background.
    """
    exact = vectors.astype(np.float64)
    exact -= exact.sum(axis=0) / (len(exact) + prior)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    return (exact / np.where(length > 0, length, 1.0)).astype(np.float32)


def near(vectors: Matrix) -> Matrix:
    """Cosines of n unit vectors (n×d); n×n, -1 to 1."""
    return _rounded(vectors @ vectors.T)


def cosines(bags: Sequence[Collection[str]], weights: Mapping[str, float]) -> Matrix:
    """Cosines of weighted bags of terms, n×n, 0 to 1; 0 for an empty bag. A term without a weight counts 1."""
    both, own = _common(bags, weights)
    length = np.sqrt(np.where(own > 0, own, 1.0))
    return _rounded(both / length[:, None] / length[None, :])


def overlaps(bags: Sequence[Collection[str]], weights: Mapping[str, float]) -> Matrix:
    """Half containment, half Dice of weighted bags of terms, n×n, 0 to 1."""
    both, own = _common(bags, weights)
    own = np.where(own > 0, own, np.float32(1.0))
    return _rounded(0.5 * both / np.minimum(own[:, None], own[None, :]) + both / (own[:, None] + own[None, :]))


def spread(bags: Sequence[Collection[str]]) -> dict[str, float]:
    """Inverse document frequency of terms over their own bags: log((1 + n) / (1 + bags with it))."""
    count: dict[str, int] = defaultdict(int)
    for bag in bags:
        for term in bag:
            count[term] += 1
    return {term: math.log((1 + len(bags)) / (1 + times)) for term, times in count.items()}


def link(similarity: Matrix, threshold: float, cohesion: float = 0.0) -> list[list[int]]:
    """Agglomerative clustering of n items down to a threshold; sorted lists of positions, in order of their first.

    Two groups are as near as their pairs on average (average linkage, Sokal and Michener 1958), divided by
    (inner(a) · inner(b)) ** (cohesion / 2), where inner is the average over all pairs of a group, each item with itself
    (similarity 1) included. cohesion 0 is plain average linkage, 1 the cosine of the centroids: a loose group of many
    takes in what is as loose, while two single items must be near in their own right. Of equals the first joins.
    """
    sums = similarity.astype(np.float32)
    np.fill_diagonal(sums, 1.0)
    size, total = np.ones(len(sums), np.float32), np.ones(len(sums), np.float32)
    groups: list[list[int]] = [[place] for place in range(len(sums))]
    value = sums.copy()
    np.fill_diagonal(value, NEVER)
    best = value.argmax(axis=1)
    top = value[np.arange(len(sums)), best]
    alive = np.ones(len(sums), dtype=bool)
    while alive.sum() > 1:
        i = int(top.argmax())
        if top[i] < threshold:
            break
        i, j = sorted((i, int(best[i])))
        total[i] += total[j] + 2 * sums[i, j]
        size[i] += size[j]
        sums[i] += sums[j]
        sums[:, i] = sums[i]
        alive[j] = False
        groups[i], groups[j] = groups[i] + groups[j], []
        inner = np.maximum(total, np.float32(1e-9)) / size**2
        row = sums[i] / (size[i] * size) / (inner[i] * inner) ** (cohesion / 2)
        row[~alive] = row[i] = NEVER
        value[i] = value[:, i] = row
        value[j] = value[:, j] = top[j] = NEVER
        _look_again(value, best, top, alive, i, j)
    return [sorted(group) for group in groups if group]


def _look_again(
    value: Matrix,
    best: NDArray[np.intp],
    top: Matrix,
    alive: NDArray[np.bool_],
    i: int,
    j: int,
) -> None:
    """Renew the nearest neighbours after j went into i: of those that had one of the two, and where i is nearer now."""
    stale = alive & ((best == i) | (best == j))
    stale[i] = True
    for place in np.flatnonzero(stale):
        best[place] = value[place].argmax()
        top[place] = value[place, best[place]]
    nearer = alive & (value[i] > top)
    nearer[i] = False
    best[nearer], top[nearer] = i, value[i][nearer]


def _common(bags: Sequence[Collection[str]], weights: Mapping[str, float]) -> tuple[Matrix, Matrix]:
    """Squared weight of common terms, n×n, by an inverted index; and each bag's own, n."""
    holders: dict[str, list[int]] = defaultdict(list)
    for place, bag in enumerate(bags):
        for term in bag:
            holders[term].append(place)
    both = np.zeros((len(bags), len(bags)), dtype=np.float32)
    for term in sorted(holders):
        weight = np.float32(weights.get(term, 1.0) ** 2)
        places = np.array(sorted(holders[term]))
        if weight > 0:
            both[np.ix_(places, places)] += weight
    return both, both.diagonal().copy()


def _rounded(matrix: NDArray[np.floating]) -> Matrix:
    return np.round(matrix, DECIMALS).astype(np.float32)
