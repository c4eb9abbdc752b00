"""Similarities and linkage: what they give for cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aidran_pipeline.analyze.linkage import centred, cosines, link, near, overlaps, spread


def test_two_pairs_and_one_alone() -> None:
    pairs = np.array([[1, 0.9, 0.1, 0.1, 0], [0.9, 1, 0.1, 0.1, 0], [0.1, 0.1, 1, 0.8, 0], [0.1, 0.1, 0.8, 1, 0],
                      [0, 0, 0, 0, 1]], dtype=np.float32)  # fmt: skip
    assert link(pairs, 0.5) == [[0, 1], [2, 3], [4]]
    assert link(pairs, 0.05) == [[0, 1, 2, 3], [4]]
    assert link(pairs, 0.95) == [[0], [1], [2], [3], [4]]


def test_a_bridge_is_averaged_away() -> None:
    """One near pair between two groups of two: .9 and three times 0 are .225 on average."""
    bridge = np.array([[1, 1, 0.9, 0], [1, 1, 0, 0], [0.9, 0, 1, 1], [0, 0, 1, 1]], dtype=np.float32)
    assert link(bridge, 0.3) == [[0, 1], [2, 3]]
    assert link(bridge, 0.2) == [[0, 1, 2, 3]]


def test_cohesion_takes_into_a_loose_group_what_two_single_items_must_not_be() -> None:
    """Four items .4 apart from each other and .3 from a fifth: .3 on average, .4 between the centroids."""
    loose = np.full((5, 5), 0.4, dtype=np.float32)
    loose[4, :] = loose[:, 4] = 0.3
    np.fill_diagonal(loose, 1)
    assert link(loose, 0.35) == [[0, 1, 2, 3], [4]]
    inner = (4 + 12 * 0.4) / 16
    assert 0.35 < 0.3 / math.sqrt(inner) < 0.41
    assert link(loose, 0.35, 1.0) == [[0, 1, 2, 3, 4]]
    assert link(loose[3:, 3:], 0.35, 1.0) == [[0], [1]]


@pytest.mark.parametrize("cohesion", [0.0, 1.0])
def test_linkage_merges_the_nearest_first(cohesion: float) -> None:
    """Against the plain definition on random points: at each step the two groups of the highest value become one."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=(25, 6))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    similarity = near(points)
    assert link(similarity, 0.2, cohesion) == plain(similarity.astype(float), 0.2, cohesion)


def plain(similarity: np.ndarray, threshold: float, cohesion: float) -> list[list[int]]:
    groups = [[i] for i in range(len(similarity))]
    np.fill_diagonal(similarity, 1.0)

    def mean(a: list[int], b: list[int]) -> float:
        return float(similarity[np.ix_(a, b)].mean())

    def value(a: list[int], b: list[int]) -> float:
        return mean(a, b) / (mean(a, a) * mean(b, b)) ** (cohesion / 2)

    while True:
        best = max((value(a, b), -i, -j) for i, a in enumerate(groups) for j, b in enumerate(groups) if i < j)
        if best[0] < threshold:
            return sorted(sorted(g) for g in groups)
        i, j = -best[1], -best[2]
        groups[i] += groups.pop(j)


def test_what_all_share_counts_for_nothing_once_centred() -> None:
    shared, own = np.zeros(4), np.eye(4)[1:]
    shared[0] = 3
    vectors = own + shared
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert near(vectors)[0, 1] > 0.85
    assert near(centred(vectors.astype(np.float32), 0))[0, 1] < 0
    assert near(centred(vectors.astype(np.float32), 1e9))[0, 1] > 0.85


def test_bags_are_compared_by_their_weights() -> None:
    bags = [{"openai", "sues"}, {"openai", "hires"}, {"sues"}, set()]
    weights = {"openai": 0.1, "sues": 2.0, "hires": 2.0}
    found = cosines(bags, weights)
    assert found[0, 2] > 0.99 and found[0, 1] < 0.01
    assert not found[3].any() and overlaps(bags, weights)[0, 3] == 0
    assert overlaps(bags, weights)[0, 2] == pytest.approx(0.5 + 4 / (4.01 + 4), abs=1e-4)
    assert spread(bags)["hires"] == pytest.approx(math.log(5 / 2))
