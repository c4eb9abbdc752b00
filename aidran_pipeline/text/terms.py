"""Weighted terms matched as stems on word boundaries: what a text is about, before any model is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from aidran_pipeline.text.words import stem, words


@lru_cache(maxsize=20_000)
def term_key(term: str) -> str:
    """A term as stems between spaces; a term with a dot or a digit is kept as written."""
    return " " + " ".join(stem(word) for word in words(term)) + " "


def stems_of(text: str) -> str:
    """A text as stems between spaces, for `in` tests on word boundaries."""
    flat: list[str] = []
    for word in words(text):
        flat.append(stem(word))
        if "-" in word:
            flat.extend(stem(piece) for piece in word.split("-"))
    return " " + " ".join(flat) + " "


@dataclass(frozen=True)
class Matcher:
    """Terms with weights. `score` saturates: 1 - exp(-sum of the weights of distinct terms found)."""

    terms: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, terms: Mapping[str, float] | Iterable[str]) -> Matcher:
        """From a mapping of terms to weights, or terms alone."""
        pairs = terms.items() if isinstance(terms, Mapping) else ((t, 1.0) for t in terms)
        return cls(tuple((term_key(term), weight) for term, weight in pairs if term_key(term).strip()))

    def total(self, stems: str) -> float:
        """Sum of the weights of the distinct terms found."""
        return math.fsum(weight for term, weight in self.terms if term in stems)

    def any(self, stems: str) -> bool:
        """Whether any term is found."""
        return any(term in stems for term, _ in self.terms)
