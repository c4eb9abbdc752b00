"""What a sentence makes of its quotes that they do not say: one function a kind, each gives the words it found.

Every check asks for positive evidence (the same word, hedged there and bare here), so that a paraphrase which shares
no word with its quote is left to the score. What does not belong here: how much of the sentence the quotes carry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from aidran_pipeline.write.support import lexicon as lex
from aidran_pipeline.write.support.lexicon import stem_of, stems
from aidran_pipeline.write.support.reading import Pair, Reading, Token
from aidran_pipeline.write.support.relations import merge, order, outcome, roles

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
LIGHT = frozenset("not also be have been still soon yet even now just well".split())
HAS = frozenset("has have had".split())
# Words that keep a doubt or a plan without being a modal.
OTHER_HEDGES = {
    **dict.fromkeys(
        map(stem_of, "can must let allow permit prospect risk threat fear warn worry possible chance".split()), POSSIBLE
    ),
    **dict.fromkeys(map(stem_of, "potential option whether if question need want require".split()), INTENDED),
}
TIME = frozenset(
    "year month week day quarter half night time hour decade century summer spring autumn winter fall".split()
)


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
        for target in _targets(reading, at, 1):
            found.setdefault(target.stem, token.word)
    return found


def denied(reading: Reading) -> dict[str, str]:
    """Stems that a denying word governs with "to" ("refused to sign")."""
    found: dict[str, str] = {}
    for at, token in enumerate(reading.tokens[:-2]):
        target = reading.tokens[at + 2]
        if token.stem in DENYING and reading.tokens[at + 1].word == "to" and target.content:
            found.setdefault(target.stem, token.word)
    return found


def _negative(reading: Reading) -> bool:
    return any(t.word in lex.NEGATIONS or t.stem in DENYING or UN.match(t.word) for t in reading.tokens)


def _only_denied(reading: Reading, stem: str) -> bool:
    """Whether a word stands in a sentence once, and under a negation."""
    once = sum(token.stem == stem for token in reading.tokens) == 1
    return once and (stem in negated(reading) or stem in denied(reading))


def _akin(reading: Reading, sentence: Reading, share: float) -> bool:
    """Whether a sentence repeats enough of a quote sentence to be about the same."""
    content = set(reading.content)
    return len(content & set(sentence.content)) >= max(2, share * len(content))


def negation(pair: Pair) -> Iterator[str]:
    """A negation added, or dropped."""
    own, own_denied = negated(pair.sentence), denied(pair.sentence)
    negative = any(map(_negative, pair.quotes))
    for target, word in (own_denied | own).items():
        holding = pair.nearest(target)
        if holding and not any(map(_negative, holding)):
            yield f"negation added: {word} {target}"
        elif not negative and target in own:
            yield f"negation not in the quotes: {word} {target}"
    if _negative(pair.sentence):
        return
    for target in sorted(pair.sentence.stems):
        holding = [quote for quote in pair.nearest(target) if _akin(quote, pair.sentence, 0.5)]
        if holding and all(_only_denied(q, target) for q in holding):
            yield f"negation dropped: {target}"


def certainty(reading: Reading) -> dict[str, int]:
    """The verbs that stand under a word of doubt, plan or announcement, by stem, with the least level."""
    found: dict[str, int] = {}
    for at, token in enumerate(reading.tokens):
        level = CERTAIN_WORDS.get(token.word) or CERTAIN_STEMS.get(token.stem)
        if level is None or _no_hedge(reading, at):
            continue
        target = _governed(reading, at, token.word in CERTAIN_WORDS)
        if target and target.stem not in CERTAIN_STEMS:
            found[target.stem] = min(level, found.get(target.stem, FACT))
    return found


def _governed(reading: Reading, at: int, modal: bool) -> Token | None:
    """The verb of a modal ("may soon launch"), of a verb with "to" ("expects the list to delay") or with -ing."""
    following = reading.tokens[at + 1 : at + 1 + REACH]
    if modal:
        following = tuple(t for t in following if t.word not in LIGHT and not t.word.endswith("ly"))
        return following[0] if following and following[0].content else None
    if following and following[0].content and following[0].word.endswith("ing"):
        return following[0]
    for to, verb in pairwise(following):
        if to.word == "to":
            return verb if verb.content and verb.clause == reading.tokens[at].clause else None
    return None


def _hedges(reading: Reading) -> set[int]:
    """Levels of all words of doubt, plan or announcement of a sentence, whatever they govern."""
    return {
        level
        for at, token in enumerate(reading.tokens)
        for level in [CERTAIN_WORDS.get(token.word) or CERTAIN_STEMS.get(token.stem) or OTHER_HEDGES.get(token.stem)]
        if level is not None and not _no_hedge(reading, at)
    }


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
    for token in pair.sentence.tokens:
        holding = [q for q in (pair.nearest(token.stem) if token.content else []) if _akin(q, pair.sentence, 0.3)]
        levels = [certainty(quote).get(token.stem, FACT) for quote in holding]
        if not levels or FACT in levels:
            continue
        given, taken = max(levels), own.get(token.stem, FACT)
        if taken == FACT and _hedges(pair.sentence) & set(range(given + 1)):
            continue  # in words of its own: "is considering a launch"
        past = token.word.endswith("ed") or token.word in lex.PAST
        if (given == POSSIBLE and taken >= ANNOUNCED) or (taken == FACT and (given == INTENDED or past)):
            yield f"hedge dropped: {token.word}"
    yield from _bare(pair)
    yield from _hearsay(pair)


def _bare(pair: Pair) -> Iterator[str]:
    """No word of doubt at all where the nearest quote, otherwise repeated, has one; done where it is announced."""
    if _hedges(pair.sentence) or pair.sentence.text.rstrip().endswith("?"):
        return
    own = set(pair.sentence.content)
    done = next((a.word for a, b in pairwise(pair.sentence.tokens) if a.word in HAS and _participle(b)), None)
    for quote in pair.nearest():
        levels = set(certainty(quote).values())
        if len(own & set(quote.content)) < max(3, 0.5 * len(own)):
            continue
        if POSSIBLE in levels:
            yield "hedge dropped: the quote calls it possible"
        elif levels and done and not quote.words & HAS:
            yield f"told as done: {done}"


def _participle(token: Token) -> bool:
    return token.word.endswith("ed") or token.word in lex.PAST


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
    asking = pair.sentence.text.rstrip().endswith("?")
    for name, members in lex.QUANTIFIERS.items():
        if given & members or given_stems & stems(members) or (asking and name == "superlative"):
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
            if len(shared) >= min(3, max(2, 0.34 * len(set(pair.sentence.content)))) and not flipped:
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


Check = Callable[[Pair], Iterator[str]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("negation", negation),
    ("hedge", hedge),
    ("quantifier", quantifier),
    ("opposite", opposite),
    ("decision", decision),
    ("cause", cause),
    ("roles", roles),
    ("order", order),
    ("merge", merge),
    ("outcome", outcome),
)


def distortions(sentence: Reading, quotes: Sequence[Reading]) -> list[tuple[str, str]]:
    """(kind, words) of the distortions found, the first of each kind, in the order of the checks."""
    pair = Pair(sentence, tuple(quotes))
    found = [(kind, next(check(pair), None)) for kind, check in CHECKS]
    return [(kind, words) for kind, words in found if words]
