"""What a sentence makes of its quotes that they do not say: one function a kind, each gives the words it found.

Every check asks for positive evidence (the same word, hedged there and bare here), so that a paraphrase which shares
no word with its quote is left to the score. What does not belong here: how much of the sentence the quotes carry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aidran_pipeline.write.support import lexicon as lex
from aidran_pipeline.write.support.lexicon import stem_of, stems
from aidran_pipeline.write.support.reading import Reading, Token

DENYING, HEARSAY, SPEECH = stems(lex.DENYING), stems(lex.HEARSAY), stems(lex.SPEECH)
PROPOSING, DECIDING = stems(lex.PROPOSING), stems(lex.DECIDING)
# Adverbs and modals are known by the word (the stem of "likely" is that of "like"), verbs by the stem.
_BY_WORD = frozenset(
    "may might could possibly perhaps maybe potentially likely should would will shall unclear talks".split()
)
CERTAIN_WORDS = {word: level for word, level in lex.CERTAINTY.items() if word in _BY_WORD}
CERTAIN_STEMS = {stem_of(word): level for word, level in lex.CERTAINTY.items() if word not in _BY_WORD}
NEED_TO = frozenset(map(stem_of, "set due going poised".split()))
UN = re.compile(r"un(?!der|i|til|less|veil|it|cle)\w{4,}")
FACT, ANNOUNCED, INTENDED, POSSIBLE = 4, 3, 2, 1
REACH = 5  # words that a negation or a hedge reaches forward
TIME = frozenset(
    "year month week day quarter half night time hour decade century summer spring autumn winter fall".split()
)
BE = frozenset("is are was were be been being get got gets".split())


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


def _targets(reading: Reading, at: int, most: int = 2) -> Iterator[Token]:
    """The content words that a word governs: the next ones within reach, in its clause."""
    token = reading.tokens[at]
    found = 0
    for other in reading.tokens[at + 1 : at + 1 + REACH]:
        if other.clause != token.clause or found == most:
            return
        if other.content and not other.word.endswith("ly"):
            found += 1
            yield other


def negated(reading: Reading) -> dict[str, str]:
    """Stems that stand under a negation, with the word that negates."""
    found: dict[str, str] = {}
    for at, token in enumerate(reading.tokens):
        if token.word not in lex.NEGATIONS:
            continue
        following = reading.tokens[at + 1].word if at + 1 < len(reading.tokens) else ""
        if following in ("only", "just", "least", "merely"):
            continue
        for target in _targets(reading, at):
            found.setdefault(target.stem, token.word)
    return found


def denied(reading: Reading) -> dict[str, str]:
    """Stems that a denying word governs ("refused to sign")."""
    found: dict[str, str] = {}
    for at, token in enumerate(reading.tokens):
        if token.stem in DENYING:
            for target in _targets(reading, at, 1):
                found.setdefault(target.stem, token.word)
    return found


def _negative(reading: Reading) -> bool:
    return any(t.word in lex.NEGATIONS or t.stem in DENYING or UN.match(t.word) for t in reading.tokens)


def negation(pair: Pair) -> Iterator[str]:
    """A negation added, or dropped."""
    own, own_denied = negated(pair.sentence), denied(pair.sentence)
    any_negative = any(map(_negative, pair.quotes))
    union = pair.union()
    for target, word in {**own_denied, **own}.items():
        if target in own_denied and target not in own and stem_of(word) in union:
            continue
        holding = pair.nearest(target)
        if holding and not any(map(_negative, holding)):
            yield f"negation added: {word} {target}"
        elif not holding and target in own and not any_negative:
            yield f"negation not in the quotes: {word} {target}"
    if _negative(pair.sentence):
        return
    for target in pair.sentence.stems:
        holding = pair.nearest(target)
        if holding and all(target in negated(q) or target in denied(q) for q in holding):
            yield f"negation dropped: {target}"


def certainty(reading: Reading) -> dict[str, int]:
    """The stems that stand under a word of doubt, plan or announcement, with the least level."""
    found: dict[str, int] = {}
    for at, token in enumerate(reading.tokens):
        level = CERTAIN_WORDS.get(token.word) or CERTAIN_STEMS.get(token.stem)
        if level is None or _no_hedge(reading, at):
            continue
        for target in _targets(reading, at, 1):
            if target.stem not in CERTAIN_STEMS:
                found[target.stem] = min(level, found.get(target.stem, FACT))
    return found


def _no_hedge(reading: Reading, at: int) -> bool:
    """The month of May; "set", "due", "going" without "to"."""
    token = reading.tokens[at]
    following = reading.tokens[at + 1].word if at + 1 < len(reading.tokens) else ""
    if token.word == "may":
        return reading.text[token.start] == "M" and at > 0
    return token.stem in NEED_TO and following != "to"


def hedge(pair: Pair) -> Iterator[str]:
    """What the quotes call possible, planned or alleged, stated as more than that."""
    own = certainty(pair.sentence)
    lowest = min(own.values(), default=FACT)
    for token in pair.sentence.tokens:
        holding = pair.nearest(token.stem) if token.content else []
        levels = [certainty(q).get(token.stem, FACT) for q in holding]
        if not levels or any(level == FACT for level in levels):
            continue
        given, taken = max(levels), min(own.get(token.stem, FACT), max(lowest, POSSIBLE))
        past = token.word.endswith("ed") or (
            token.word != token.stem and stem_of(token.word) != token.word and token.word in lex.PAST
        )
        if (
            (given == POSSIBLE and taken >= ANNOUNCED)
            or (given == INTENDED and taken == FACT)
            or (given == ANNOUNCED and taken == FACT and past)
        ):
            yield f"hedge dropped: {token.word}"
    yield from _hearsay(pair)


def _hearsay(pair: Pair) -> Iterator[str]:
    if pair.sentence.stems & (HEARSAY | SPEECH):
        return
    for quote in pair.nearest():
        word = next((t for t in quote.tokens if t.stem in HEARSAY), None)
        if word and len(set(quote.content) & set(pair.sentence.content)) >= 3:
            yield f"hearsay stated as fact: {word.word}"
            return


def quantifier(pair: Pair) -> Iterator[str]:
    """More than the quotes' amount: all for some, the only, the first, a proof."""
    given = frozenset().union(*(q.words for q in pair.quotes))
    given_stems = pair.union()
    for name, members in lex.QUANTIFIERS.items():
        if given & members or given_stems & stems(members):
            continue
        for at, token in enumerate(pair.sentence.tokens):
            if token.word in members and not _harmless(pair.sentence, at, name):
                yield f"quantifier not in the quotes: {token.word}"
                break


def _harmless(reading: Reading, at: int, kind: str) -> bool:
    """All three, all of them; first, in an enumeration; last week; at most; most advanced."""
    following = reading.tokens[at + 1] if at + 1 < len(reading.tokens) else None
    before = reading.tokens[at - 1].word if at else ""
    if kind == "all":
        return bool(
            following
            and (
                following.word in ("of", "three", "two", "four", "five", "six", "the", "these")
                or following.word.isdigit()
            )
        )
    if kind == "superlative":
        return at == 0 or before == "at" or bool(following and following.stem in TIME)
    return before in ("at", "the", "not") and kind in ("most", "only")


def opposite(pair: Pair) -> Iterator[str]:
    """A word for its opposite, in a statement that is otherwise shared."""
    union, own = pair.union(), pair.sentence.stems
    own_negated = negated(pair.sentence) | denied(pair.sentence)
    for here, there in sorted(lex.OPPOSITES):
        if here not in own or here in union or there not in union or there in own:
            continue
        for quote in pair.nearest(there):
            shared = set(quote.content) & set(pair.sentence.content)
            flipped = (here in own_negated) != (there in negated(quote) | denied(quote))
            if len(shared) >= 2 and len(shared) >= 0.34 * len(set(pair.sentence.content)) and not flipped:
                yield f"opposite of the quotes: {here} for {there}"


def decision(pair: Pair) -> Iterator[str]:
    """A proposal told as a decision."""
    union = pair.union()
    taken = pair.sentence.stems & DECIDING - union
    if taken and union & PROPOSING and not union & DECIDING and not pair.sentence.stems & PROPOSING:
        yield f"proposal told as a decision: {min(taken)}"


def cause(pair: Pair) -> Iterator[str]:
    """A cause that the quotes do not give."""
    given = frozenset().union(*(q.words for q in pair.quotes))
    word = next((t.word for t in pair.sentence.tokens if t.word in lex.CAUSES), None)
    if word and not given & lex.CAUSES_LOOSE:
        yield f"cause not in the quotes: {word}"


def roles(pair: Pair) -> Iterator[str]:
    """Who did it to whom, turned round."""
    for token in pair.sentence.tokens:
        if not _verb(token):
            continue
        left, right = _sides(pair.sentence, token)
        if not left or not right:
            continue
        for quote in pair.nearest(token.stem):
            other = next((t for t in quote.tokens if t.stem == token.stem), None)
            if other is None or not _verb(other):
                continue
            q_left, q_right = _sides(quote, other)
            if left & q_right and right & q_left and not left & q_left:
                yield f"roles turned round: {token.word}"


def _verb(token: Token) -> bool:
    return token.content and (token.word.endswith(("ed", "s", "ing", "er")) or token.word in lex.PAST)


def _sides(reading: Reading, verb: Token) -> tuple[set[str], set[str]]:
    """Content stems before and after a verb, near it; of a passive with "by", turned round."""
    at = reading.tokens.index(verb)
    before = reading.tokens[max(0, at - 7) : at]
    after = reading.tokens[at + 1 : at + 8]
    left, right = ({t.stem for t in side if t.content} for side in (before, after))
    passive = any(t.word in BE for t in before[-3:]) and any(t.word == "by" for t in after[:4])
    return (right, left) if passive else (left, right)


Check = Callable[[Pair], Iterator[str]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("negation", negation),
    ("hedge", hedge),
    ("quantifier", quantifier),
    ("opposite", opposite),
    ("decision", decision),
    ("cause", cause),
    ("roles", roles),
)


def distortions(sentence: Reading, quotes: Sequence[Reading]) -> list[tuple[str, str]]:
    """(kind, words) of the distortions found, the first of each kind, in the order of the checks."""
    pair = Pair(sentence, tuple(quotes))
    found = [(kind, next(check(pair), None)) for kind, check in CHECKS]
    return [(kind, words) for kind, words in found if words]
