"""Who did what to whom, in which order, by which quote: relations that a sentence turns round or makes up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from aidran_pipeline.text.prose.turned import roles_turned
from aidran_pipeline.write.support.lexicon import stem_of
from aidran_pipeline.write.support.reading import Pair, Reading, read

DIRECTIONS = {"from": "to", "to": "from", "against": "by"}
SEQUENCE = frozenset("after before following once until".split())
OUTCOMES = frozenset(
    map(
        stem_of,
        "destroy kill win ban prove admit refuse threaten collapse crush ruin abolish eliminate jail cure".split(),
    )
)


def roles(pair: Pair) -> Iterator[str]:
    """Who did it to whom, turned round; about "from", "to" and "against"."""
    yield from _directions(pair)
    for verb in roles_turned(pair.sentence.text, [quote.text for quote in pair.quotes]):
        yield f"roles turned round: {verb}"


def _directions(pair: Pair) -> Iterator[str]:
    own = _governed_names(pair.sentence)
    for quote in pair.nearest():
        given = _governed_names(quote)
        for word, names in own.items():
            back = DIRECTIONS[word]
            turned = names & given.get(back, set()) - given.get(word, set())
            swapped = names - given.get(word, set()) if given.get(word) and not given[word] & names else set()
            if turned or (swapped & quote.stems and given.get(word, set()) & pair.sentence.stems):
                yield f"roles turned round: {word} {min(turned or swapped)}"


def _governed_names(reading: Reading) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word, name in pairwise(reading.tokens):
        if word.word in DIRECTIONS and name.stem in reading.capitals:
            found.setdefault(word.word, set()).add(name.stem)
    return found


def order(pair: Pair) -> Iterator[str]:
    """One thing after the other, where the quotes tell each apart."""
    given = frozenset().union(*(q.words for q in pair.quotes))
    for at, token in enumerate(pair.sentence.tokens):
        if token.word not in SEQUENCE or given & SEQUENCE:
            continue
        halves = pair.sentence.tokens[:at], pair.sentence.tokens[at + 1 :]
        best = [_best(pair, {t.stem for t in half if t.content}) for half in halves]
        if all(best) and not set(best[0]) & set(best[1]):
            yield f"order not in the quotes: {token.word}"


def _best(pair: Pair, stems: set[str]) -> list[Reading]:
    counts = [(len(stems & set(quote.content)), quote) for quote in pair.quotes]
    most = max((count for count, _ in counts), default=0)
    return [quote for count, quote in counts if count == most] if most >= 2 else []


def merge(pair: Pair) -> Iterator[str]:
    """A name put to what another quote says of somebody else."""
    for text in pair.sentence.clause_texts:
        clause = read(text)
        names = {t.stem for t in clause.tokens if t.stem in pair.sentence.capitals}
        rest = {t.stem for t in clause.tokens if t.content} - names
        if not names or len(rest) < 3:
            continue
        for quote in _best(pair, rest):
            others = [q for q in pair.quotes if names & q.stems]
            own = max((len(rest & q.stems) for q in others), default=0)
            displaced = quote.capitals - pair.sentence.stems
            if (
                len(rest & quote.stems) >= 0.5 * len(rest)
                and not names & quote.stems
                and others
                and displaced
                and own <= 0.4 * len(rest)
            ):
                yield f"merged: {min(names)} is not in the quote that says the rest"


def outcome(pair: Pair) -> Iterator[str]:
    """A strong outcome that no quote tells."""
    union = pair.union()
    word = next((t.word for t in pair.sentence.tokens if t.stem in OUTCOMES and t.stem not in union), None)
    if word and not word.endswith("ing"):
        yield f"outcome not in the quotes: {word}"
    if "for good" in pair.sentence.text and not any("for good" in q.text for q in pair.quotes):
        yield "outcome not in the quotes: for good"
