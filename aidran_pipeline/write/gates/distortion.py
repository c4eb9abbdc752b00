"""How a fluent sentence lies although its facts stand: rules that compare it with the quotes, clause by clause.

A denial added or lost, an opposite, a doubt or an intention made a fact, roles turned round, a stronger word than any
source used. Each rule looks at the clause of the quotes that is nearest, and says nothing where none is near: what it
reports is a distortion, what it does not report may still be one. The judge's trained score stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from aidran_pipeline.text import split_sentences
from aidran_pipeline.text.prose.names import names_of
from aidran_pipeline.text.prose.turned import roles_turned
from aidran_pipeline.text.words import STOP_WORDS, stem
from aidran_pipeline.write.gates import distorting as words

WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*", re.U)
CLAUSE = re.compile(
    r"[;:—]\s*|\s[–-]\s|,\s+(?=(?:and|but|while|whereas|although|though|who|which|it|he|she|they|so|because|not)\b)|"
    r"\s+(?=(?:but|while|whereas|although|though|because|since|unless|if)\b)|,\s+(?!\d)", re.I)  # fmt: skip


def distortions_of(sentence: str, quotes: Sequence[str], *, loose: bool = False) -> list[str]:
    """The distortions of a sentence as read, in words. loose: a title, a question or synthesis."""
    given = [Clause(part, quote) for quote in quotes for part in parts(quote)]
    union = frozenset().union(*(clause.stems for clause in given)) if given else frozenset()
    found: list[str] = []
    for part in parts(sentence):
        clause = Clause(part)
        near = nearest(clause, given)
        found += _strong(clause, union, quotes) if loose else _proof(clause, quotes)
        found += _opposites(clause, given, union)
        if not loose:
            found += _denials_lost(clause, given)
        if near is not None and not loose:
            found += _denials_added(clause, near, given)
        if not loose:
            found += _doubts(clause, near, sentence if len(clause.words) < 6 else part, sentence)
    if not loose:
        said = [span.of(quote) for quote in quotes for span in split_sentences(quote)]
        found += [f"roles turned round: {verb}" for verb in roles_turned(sentence, said)]
        found += _directions(sentence, quotes)
    return list(dict.fromkeys(found))


class Clause:
    """The words of a clause: lower case, in order; the stems that carry meaning; whether it denies."""

    def __init__(self, text: str, quote: str = "") -> None:
        self.text = text
        self.quote = quote
        self.words = [m.group(0).lower().replace("’", "'") for m in WORD.finditer(text)]
        self.order = [_stem(w) for w in self.words]
        self.stems = frozenset(
            s
            for w, s in zip(self.words, self.order, strict=True)
            if w not in STOP_WORDS and not words.DENIAL.fullmatch(w)
        )
        self.denies = bool(words.DENIAL.search(text))
        self.turns = bool(words.TURNING.search(text))


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return stem(words.FORMS.get(word.removesuffix("'s"), word.removesuffix("'s")))


def parts(text: str) -> list[str]:
    """The clauses of a text, the short ones with the one before."""
    found: list[str] = []
    for part in CLAUSE.split(text):
        if found and part and (len(WORD.findall(part)) < 3 or len(WORD.findall(found[-1])) < 3):
            found[-1] += ", " + part
        elif part and part.strip():
            found.append(part)
    return found


def nearest(clause: Clause, given: Sequence[Clause]) -> Clause | None:
    """The clause of the quotes that shares most words; None where it shares less than two and less than a third."""
    best = max(given, key=lambda other: (len(clause.stems & other.stems), -len(other.stems)), default=None)
    if best is None:
        return None
    shared = len(clause.stems & best.stems)
    return best if shared >= 2 or (shared and shared / max(1, len(clause.stems)) >= 0.3) else None


def _denials_added(clause: Clause, near: Clause, given: Sequence[Clause]) -> Iterator[str]:
    """A denial where the nearest clause has none; an opposite word turns it round."""
    opposite = _opposite(clause, near)
    if clause.denies and not near.denies and not near.turns and not opposite and not words.CONTRAST.search(clause.text):
        elsewhere = any(other.denies and other.stems & clause.stems for other in given)
        if words.DENIED_WORD.search(clause.text) or not elsewhere:
            yield f"denial added: {clause.text.strip()[:60]}"
    shares = [other for other in given if len(other.stems & clause.stems) >= 2]
    if words.DOUBLE.search(clause.text) and any(o.denies and not words.DOUBLE.search(o.text) for o in shares):
        yield f"denial denied: {clause.text.strip()[:60]}"


def _denials_lost(clause: Clause, given: Sequence[Clause]) -> Iterator[str]:
    """What a clause of the quotes denies, stated without its denial and without a word that stands for it."""
    for other in given:
        if len(words.DENIED_WORD.findall(other.text)) > 1:
            continue
        answered = clause.denies or _turns_beside(clause, other) or _opposite(clause, other)
        if other.denies and not answered and _denial_lost(clause, other, given):
            yield f"denial lost: {clause.text.strip()[:60]}"


def _denial_lost(clause: Clause, other: Clause, given: Sequence[Clause]) -> bool:
    """Whether a clause states what another denies: it shares what is denied, and no third clause is about that."""
    shared, denied = clause.stems & other.stems, {_stem(word) for word in _denied(other)}
    if shared & denied and (len(shared) >= 2 or len(shared) * 2 >= min(len(clause.stems), len(other.stems))):
        return True
    alone = {word for word in shared if not any(word in third.stems for third in given if third is not other)}
    return bool(alone & denied) or bool(alone and set(clause.words) & set(other.words) & words.MODALS)


def _turns_beside(clause: Clause, other: Clause) -> bool:
    """Whether a clause turns round by a word that the other does not have."""
    beside = [p for p in re.split(r"\band\b", clause.text) if other.stems & Clause(p).stems]
    turning = [match.group(0).split()[0].lower() for p in beside for match in words.TURNING.finditer(p)]
    return any(_stem(word) not in other.stems for word in turning)


def _denied(clause: Clause) -> list[str]:
    """The words a clause denies: the few that follow each denial."""
    found = []
    for match in words.DENIED_WORD.finditer(clause.text):
        after = [w for w in WORD.findall(clause.text[match.end() :].lower()) if w not in STOP_WORDS or w in words.FORMS]
        found += after[:3]
    return found


def _opposite(clause: Clause, near: Clause) -> str | None:
    for left, right in words.OPPOSITES:
        for a, b in ((left, right), (right, left)):
            if clause.stems & a and near.stems & b and not clause.stems & b and not near.stems & a:
                return f"{min(clause.stems & a)} for {min(near.stems & b)}"
    return None


def _opposites(clause: Clause, given: Sequence[Clause], union: frozenset[str]) -> Iterator[str]:
    for other in given:
        if len(clause.stems & other.stems) < 2:
            continue
        found = _opposite(clause, other)
        if found and clause.denies == other.denies and found.split()[0] not in union:
            yield f"the opposite: {found}"


def _doubts(clause: Clause, near: Clause | None, around: str, sentence: str) -> Iterator[str]:
    """What a quote holds possible, planned, alleged or estimated, and the clause states."""
    if near is None:
        return
    for name, told, kept in words.DOUBTS:
        if name == "announcement" and not words.DONE.search(clause.text):
            continue
        reported = name in ("appearance", "estimate", "allegation")
        marked = near.quote if reported or near.quote.lower().startswith("if ") else near.text
        if told.search(marked) and not kept.search(sentence if name in ("appearance", "estimate") else around):
            yield f"{name} lost: {clause.text.strip()[:60]}"


def _strong(clause: Clause, union: frozenset[str], quotes: Sequence[str]) -> Iterator[str]:
    told = " ".join(quotes)
    for group in words.STRONG:
        match = group.search(clause.text)
        fair = words.FAIR.search(told) if match and match.group(0).lower().startswith("refus") else None
        if match and not fair and not group.search(told) and _stem(match.group(0).lower()) not in union:
            yield f"stronger than any quote: {match.group(0)}"


def _proof(clause: Clause, quotes: Sequence[str]) -> Iterator[str]:
    """Proof for a hint: the one strong word that a body's sentence may not add to what it cites."""
    match = words.STRONG[0].search(clause.text)
    if match and not clause.denies and not words.STRONG[0].search(" ".join(quotes)):
        yield f"stronger than any quote: {match.group(0)}"


def _directions(sentence: str, quotes: Sequence[str]) -> Iterator[str]:
    """A name with "from" where every quote has "to Karst"; "against" and "by" the other way round."""
    told = " \n ".join(quotes)
    for name in names_of(sentence):
        for one, other in (("from", "to"), ("to", "from"), ("against", "by"), ("by", "against")):
            mine = re.search(rf"\b{one} (?:the |\d+ )?{re.escape(name.text)}", sentence)
            theirs = re.search(rf"\b{other} (?:the |\d+ )?{re.escape(name.text)}", told)
            if mine and theirs and not re.search(rf"\b{one} (?:the )?{re.escape(name.text)}", told):
                yield f"direction turned: {mine.group(0)}"
