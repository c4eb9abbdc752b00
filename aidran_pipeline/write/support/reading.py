"""A sentence as the judge reads it: words with stems, clauses, facts; and where in the quotes its words stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from aidran_pipeline.text import Fact, facts_of, split_sentences
from aidran_pipeline.text.words import STOP_WORDS
from aidran_pipeline.write.support.lexicon import NEGATIONS, stem_of

WORD = re.compile(r"n['’]t\b|[^\W_]+?(?=n['’]t\b)|[^\W_]+(?:[.’'][^\W_]+)*", re.U)
# Where a clause ends within a sentence: marks, and words that open another statement.
CLAUSE = re.compile(
    r"[;:—–]\s|,\s|\s-{1,2}\s|\b(?:and|but|while|although|though|because|after|before|when|which|who|where|whereas|"
    r"so that|as well as|since|unless|if)\s",
    re.I,
)
MARKS = re.compile(r"\[\[[^\]]*\]\]|[“”\"]")
MOST_SENTENCES = 200  # of the quotes; what follows is not read


@dataclass(frozen=True)
class Token:
    """A word: lower case, its stem, its place, the clause it stands in; content: it carries meaning."""

    word: str
    stem: str
    start: int
    clause: int
    content: bool


@dataclass(frozen=True)
class Reading:
    """One sentence, read once."""

    text: str

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The words in order."""
        cuts = [match.start() for match in CLAUSE.finditer(self.text)]
        found, clause = [], 0
        for match in WORD.finditer(self.text):
            while clause < len(cuts) and cuts[clause] < match.start():
                clause += 1
            found.append(_token(match.group(0), match.start(), clause))
        return tuple(found)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of all words."""
        return frozenset(token.stem for token in self.tokens)

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, lower case."""
        return frozenset(token.word for token in self.tokens)

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Stems of the words that carry meaning, in order."""
        return tuple(token.stem for token in self.tokens if token.content)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Numbers, dates, names, phrases."""
        return tuple(facts_of(self.text))

    @cached_property
    def capitals(self) -> frozenset[str]:
        """Stems of the words of its names."""
        spans = [(fact.start, fact.end) for fact in self.facts if fact.kind == "name"]
        return frozenset(t.stem for t in self.tokens if t.content and any(a <= t.start < b for a, b in spans))

    @cached_property
    def clauses(self) -> tuple[tuple[str, ...], ...]:
        """Content stems by clause; a clause with fewer than three joins the one before."""
        groups: dict[int, list[str]] = {}
        for token in self.tokens:
            if token.content:
                groups.setdefault(token.clause, []).append(token.stem)
        merged: list[list[str]] = []
        for _, group in sorted(groups.items()):
            if merged and (len(group) < 3 or len(merged[-1]) < 3):
                merged[-1].extend(group)
            else:
                merged.append(list(group))
        return tuple(map(tuple, merged))

    @cached_property
    def clause_texts(self) -> tuple[str, ...]:
        """The clauses as text, those with fewer than three content words with the one before."""
        cuts = [0, *(match.start() for match in CLAUSE.finditer(self.text)), len(self.text)]
        merged: list[list[int]] = []
        for start, end in pairwise(cuts):
            few = sum(t.content and start <= t.start < end for t in self.tokens) < 3
            if merged and (few or merged[-1][2]):
                merged[-1] = [merged[-1][0], end, few and merged[-1][2]]
            else:
                merged.append([start, end, few])
        return tuple(self.text[start:end].strip(" ,;:—–-") for start, end, _ in merged)


def _token(text: str, start: int, clause: int) -> Token:
    word = text.lower().replace("’", "'").removesuffix("'s")
    if word == "n't":
        word = "not"
    word = {"ca": "can", "wo": "will", "cannot": "not"}.get(word, word)
    content = len(word) > 1 and word not in STOP_WORDS and word not in NEGATIONS
    return Token(word, stem_of(word), start, clause, content)


@lru_cache(maxsize=20_000)
def read(text: str) -> Reading:
    """A sentence, read; citation tokens and quotation marks are not part of what it says."""
    return Reading(MARKS.sub(" ", text))


@lru_cache(maxsize=5_000)
def sentences_of(text: str) -> tuple[Reading, ...]:
    """The sentences of a quote, read."""
    return tuple(read(span.of(text)) for span in split_sentences(text) if re.search(r"\w", span.of(text)))


def read_all(quotes: Sequence[str]) -> tuple[Reading, ...]:
    """The sentences of all quotes in order, each once."""
    found = dict.fromkeys(sentence for quote in quotes for sentence in sentences_of(quote))
    return tuple(found)[:MOST_SENTENCES]


@dataclass(frozen=True)
class Pair:
    """A sentence beside the sentences of its quotes."""

    sentence: Reading
    quotes: tuple[Reading, ...]

    def nearest(self, holding: str | None = None) -> list[Reading]:
        """The quote sentences that share most content words with the sentence, of those that hold a stem."""
        own = set(self.sentence.content)
        shared = [(len(own & set(q.content)), q) for q in self.quotes if holding is None or holding in q.stems]
        most = max((count for count, _ in shared), default=0)
        return [q for count, q in shared if count == most and most > 0]

    def union(self) -> frozenset[str]:
        """Stems of all quotes."""
        return frozenset().union(*(q.stems for q in self.quotes))
