"""What is measured of a text for its tone: what its words do, and where its meaning lies.

`NAMES` are sixteen counts and marks; the sentence embedding (text/embeddings.py), 384 numbers, follows them. What does
not belong here: what any of it is worth (model.py).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aidran_pipeline.text.embeddings import Vector
from aidran_pipeline.text.sentiment.words import FIRST_PERSON, GROUPS, counted, plain

HEAD = 150  # code points of the first paragraph: a title, or how a post begins
LEAST_WORDS = 6
NAMES = (
    *GROUPS, "denied_ill", "denied_good", "balance", "density", *(f"head_{name}" for name in GROUPS),
    "question", "exclamation", "first_person", "length",
)  # fmt: skip
VECTOR = 384
Array = NDArray[np.float64]


def features(text: str) -> list[float]:
    """One number a name: logarithms of counts, the balance of good and ill words, marks of talk."""
    harm, blame, gain, praise = range(4)
    told, denied, head = [0] * 4, [0] * 4, [0] * 4
    for group, negated in counted(text):
        (denied if negated else told)[group] += 1
    for group, negated in counted(text.split("\n\n")[0][:HEAD]):
        head[group] += not negated
    words = plain(text)
    length = max(LEAST_WORDS, len(words))
    denied_ill, denied_good = denied[harm] + denied[blame], denied[gain] + denied[praise]
    ill, good = told[harm] + told[blame] + denied_good, told[gain] + told[praise] + 0.5 * denied_ill
    return [
        *(math.log1p(n) for n in told),
        math.log1p(denied_ill), math.log1p(denied_good),
        (good - ill) / (good + ill + 1), 10 * (good - ill) / length,
        *(math.log1p(n) for n in head),
        float("?" in text), float("!" in text), float(any(w in FIRST_PERSON for w in words)), math.log(length),
    ]  # fmt: skip


def measured(text: str, vector: Vector) -> Array:
    """Features, then the embedding of the text."""
    return np.concatenate([np.asarray(features(text)), np.asarray(vector, dtype=np.float64)])
