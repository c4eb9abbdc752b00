"""Near-duplicates: MinHash signatures (Broder 1997) of word shingles, verified by exact Jaccard.

One voice counts once.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rensa import RMinHash

PERMUTATIONS, BANDS = 64, 16
SAME = 0.7
STANDS_FOR = 0.95  # a text this near to a known one is found through that one
SHINGLE = 3
SEED = 42
LEAST_WORDS = 5


@dataclass(frozen=True)
class Text:
    """A record's wording, in the order of publication."""

    record_id: int
    text: str


def shingles(text: str) -> frozenset[str]:
    """Runs of three words, without addresses, case and punctuation; the whole text when it is shorter."""
    found = re.findall(r"\w+", re.sub(r"https?://\S+", " ", text.lower()))
    if len(found) < LEAST_WORDS:
        return frozenset()
    return frozenset(" ".join(found[i : i + SHINGLE]) for i in range(max(1, len(found) - SHINGLE + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Share of common shingles."""
    return len(a & b) / len(a | b) if a and b else 0.0


def earlier_twins(texts: Sequence[Text]) -> dict[int, tuple[int, float]]:
    """For each text with an earlier near-duplicate: (record id of the earliest such, similarity).

    Order decides who is first. Cost grows with the number of different texts, not of copies: what is nearly a known
    text stands for it and is not compared again.
    """
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    grams: dict[int, frozenset[str]] = {}
    exact: dict[frozenset[str], int] = {}
    root: dict[int, int] = {}
    twins: dict[int, tuple[int, float]] = {}
    for item in texts:
        own = shingles(item.text)
        if not own:
            continue
        keys: list[tuple[int, bytes]] = []
        if own in exact:
            similarity, other = 1.0, exact[own]
        else:
            keys = _bands(own)
            similarity, other = _nearest(own, (one for key in keys for one in buckets[key]), grams)
        if similarity >= SAME:
            root[item.record_id] = root.get(other, other)
            twins[item.record_id] = (root[item.record_id], round(similarity, 4))
        exact.setdefault(own, item.record_id)
        if similarity < STANDS_FOR:
            grams[item.record_id] = own
            for key in keys:
                buckets[key].append(item.record_id)
    return twins


def _nearest(own: frozenset[str], candidates: Iterable[int], grams: Mapping[int, frozenset[str]]) -> tuple[float, int]:
    """Similarity and id of the most similar candidate, the first of equals; (0, -1) for none."""
    best = (0.0, -1)
    for other in dict.fromkeys(candidates):
        similarity = jaccard(own, grams[other])
        if similarity > best[0]:
            best = (similarity, other)
    return best


def _bands(grams: frozenset[str]) -> list[tuple[int, bytes]]:
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    signature.update(sorted(grams))
    digest = signature.digest()
    rows = PERMUTATIONS // BANDS
    return [
        (band, hashlib.blake2b(repr(digest[band * rows : (band + 1) * rows]).encode(), digest_size=8).digest())
        for band in range(BANDS)
    ]
