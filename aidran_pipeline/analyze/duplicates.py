"""Near-duplicates: MinHash signatures (Broder 1997) of word shingles, verified by exact Jaccard.

One voice counts once.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rensa import RMinHash

PERMUTATIONS, BANDS = 64, 16
SAME = 0.7
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

    Order decides who is first.
    """
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    grams: dict[int, frozenset[str]] = {}
    root: dict[int, int] = {}
    twins: dict[int, tuple[int, float]] = {}
    for item in texts:
        own = shingles(item.text)
        if not own:
            continue
        best: tuple[float, int] | None = None
        keys = _bands(own)
        for key in keys:
            for other in buckets[key]:
                value = jaccard(own, grams[other])
                if value >= SAME and (best is None or value > best[0]):
                    best = (value, other)
        if best is not None:
            first = root.get(best[1], best[1])
            root[item.record_id] = first
            twins[item.record_id] = (first, round(best[0], 4))
        grams[item.record_id] = own
        for key in keys:
            buckets[key].append(item.record_id)
    return twins


def _bands(grams: frozenset[str]) -> list[tuple[int, bytes]]:
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    signature.update(sorted(grams))
    digest = signature.digest()
    rows = PERMUTATIONS // BANDS
    return [
        (band, hashlib.blake2b(repr(digest[band * rows : (band + 1) * rows]).encode(), digest_size=8).digest())
        for band in range(BANDS)
    ]
