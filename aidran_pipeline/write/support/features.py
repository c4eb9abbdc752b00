"""Numbers about a sentence and its quotes, for the trained score.

All lie between 0 and 1 or are small counts; none knows the words themselves, so that what was learnt on encyclopedic
claims can be asked of news. Rare words weigh more: a word's weight is its length in letters up to nine, a rough and
table-free stand-in for its information (Piantadosi, Tily and Gibson, Word lengths are optimized for efficient
communication, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from aidran_pipeline.text import Fact, supports_facts
from aidran_pipeline.text.embeddings import Vector, embed_tokens
from aidran_pipeline.write.support.distortions import SPEECH
from aidran_pipeline.write.support.reading import Reading, Token

NAMES = (
    "coverage", "clause_least", "bigrams", "names_missing", "figures_missing", "clause_cosine", "cosine",
    "words", "quotes_words", "soft", "soft_two", "soft_missing", "soft_scaled",
)  # fmt: skip
NEAREST = 6  # sentences of the quotes that are embedded, the nearest by words


def weight(stem: str) -> float:
    """How much a word tells."""
    return 2.0 if any(ch.isdigit() for ch in stem) else min(9, len(stem)) / 9


def covered(stems: Sequence[str], among: frozenset[str]) -> float:
    """Weighted share of words that stand among others, 1 for none."""
    total = sum(weight(stem) for stem in stems)
    return sum(weight(stem) for stem in stems if stem in among) / total if total else 1.0


def told(sentence: Reading, metadata: frozenset[str]) -> tuple[Token, ...]:
    """The words that a quote must carry: no speech verbs, nothing that the sources' metadata states."""
    return tuple(t for t in sentence.tokens if t.content and t.stem not in SPEECH and t.stem not in metadata)


def _ranked(stems: Sequence[str], quotes: Sequence[Reading]) -> list[Reading]:
    """Quote sentences by coverage, best first, ties in their order."""
    return sorted(quotes, key=lambda quote: -covered(stems, quote.stems))


def _missing(facts: Sequence[Fact], quotes: Sequence[Reading]) -> tuple[float, float]:
    """Names and figures that no quote holds, each in thirds up to one."""
    missing = supports_facts(list(facts), [fact for quote in quotes for fact in quote.facts])
    names = sum(fact.kind == "name" for fact in missing)
    return min(3, names) / 3, min(3, len(missing) - names) / 3


@dataclass(frozen=True)
class _Meaning:
    """A sentence as the encoder sees it: a unit vector of the whole and of each word that has tokens."""

    whole: Vector
    words: dict[int, Vector]


@lru_cache(maxsize=2_000)
def _meaning(text: str) -> _Meaning:
    hidden, places = embed_tokens(text)
    words: dict[int, Vector] = {}
    for token in Reading(text).tokens:
        rows = [
            at for at, (start, end) in enumerate(places) if end > start and 0 <= start - token.start < len(token.word)
        ]
        if rows and token.content:
            words[token.start] = _unit(hidden[rows].mean(axis=0))
    return _Meaning(_unit(hidden.mean(axis=0)), words)


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _similar(sentence: Reading, quotes: Sequence[Reading], metadata: frozenset[str]) -> tuple[float, ...]:
    """Similarity by meaning: of the clause that is farthest, of the whole, and of its words (soft coverage).

    Each word is matched with the most similar one of the nearest quote sentences (Zhang et al., BERTScore, 2020): the
    weighted mean, the mean of the two worst, the mean with shared stems as 1, and that of a scaled similarity.
    """
    own, others = _meaning(sentence.text), [_meaning(quote.text) for quote in quotes]
    clauses = [_meaning(text).whole for text in sentence.clause_texts] or [own.whole]
    farthest = min(max(float(clause @ other.whole) for other in others) for clause in clauses)
    near = sorted((other.whole for other in others), key=lambda vector: -float(vector @ own.whole))
    nearest = np.sum(near[:2], axis=0)
    cosine = float(own.whole @ _unit(nearest))
    given = [vector for other in others for vector in other.words.values()]
    tokens = [t for t in sentence.tokens if t.start in own.words and t.stem not in metadata and t.stem not in SPEECH]
    if not given or not tokens:
        return farthest, cosine, 1.0, 1.0, 1.0, 1.0
    stems = frozenset().union(*(quote.stems for quote in quotes))
    best = (np.stack([own.words[t.start] for t in tokens]) @ np.stack(given).T).max(axis=1)
    shared = np.array([t.stem in stems for t in tokens])
    weights = np.array([weight(t.stem) for t in tokens])
    scaled = np.where(shared, 1.0, np.clip((best - 0.3) / 0.5, 0, 1))
    means = [float(np.average(values, weights=weights)) for values in (best, np.where(shared, 1.0, best), scaled)]
    return farthest, cosine, means[0], float(np.sort(best)[:2].mean()), means[1], means[2]


def features(sentence: Reading, quotes: Sequence[Reading], metadata: frozenset[str] = frozenset()) -> tuple[float, ...]:
    """The numbers named in NAMES. quotes: at least one sentence; metadata: stems that need no quote."""
    stems = [token.stem for token in told(sentence, metadata)]
    ranked = _ranked(stems, quotes)
    union = frozenset().union(*(quote.stems for quote in quotes))
    left = set(stems)
    clauses = [[stem for stem in clause if stem in left] for clause in sentence.clauses]
    pairs = list(pairwise(stems))
    given = {pair for quote in quotes for pair in pairwise(quote.content)}
    facts = [fact for fact in sentence.facts if not set(_stems(fact.text)) <= metadata]
    found = (
        covered(stems, union),
        min((max(covered(clause, quote.stems) for quote in quotes) for clause in clauses), default=1.0),
        sum(pair in given for pair in pairs) / len(pairs) if pairs else 1.0,
        *_missing(facts, quotes),
        *_similar(sentence, ranked[:NEAREST], metadata),
        min(40, len(stems)) / 40,
        min(600, sum(len(quote.tokens) for quote in quotes)) / 600,
    )
    return (*found[:7], *found[-2:], *found[7:-2])


def _stems(text: str) -> list[str]:
    return [token.stem for token in Reading(text).tokens]
