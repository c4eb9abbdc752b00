"""The kinds of the words of an English sentence, by closed lists and by what stands beside them: for acts.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aidran_pipeline.text.prose import verbs
from aidran_pipeline.text.words import STOP_WORDS, stem

MARKS = ",;:()—–"
TOKEN = re.compile(r"\d[\d.,]*\d|[^\W_]+(?:[.’'-][^\W_]+)*\.?(?=’|')?|[,;:()—–]|[“”\"]", re.U)
DETERMINERS = frozenset(
    "a an the this that these those some any every each all both its their his her our my your no another".split()
)
OWNING = frozenset("its their his her our my your whose".split())
PRONOUNS = frozenset("it he she they we i you him them us one who whom which this that".split())
PREPOSITIONS = frozenset(
    """of in on at by for from to with against about over under into onto through after before during between among
    within without near behind beyond across as than like per until since despite because off around via amid
    towards toward according following""".split()
)
RELATIVES = frozenset("who which whom that whose".split())
JOINING = frozenset("and or but nor".split())
OPENING = frozenset(
    "because after before while when if since although though whereas until once unless so where whether as".split()
)
BE = frozenset("is are was were be been being get gets got".split())
HAVE = frozenset("has have had having".split())
MODAL = frozenset("will would can could may might must shall should do does did".split())
SKIPPED = frozenset(
    """not never also now still just already soon even only again later recently twice once often then yet ever n't
    reportedly allegedly itself himself herself themselves""".split()
)
NO_ADVERBS = frozenset(
    "tally family supply reply rally italy assembly monopoly bully daily weekly elderly anomaly".split()
)


@dataclass(frozen=True)
class Word:
    """A word or mark; owner: it ends in 's; name: it has a capital.

    kind: N nominal, D determiner, P preposition, R relative, C joining, S opening a clause, A auxiliary, V verb, T the
    "to" of a verb, X skipped, O pronoun, "," mark.
    """

    text: str
    stem: str
    kind: str
    owner: bool = False
    name: bool = False


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a sentence with their kinds."""
    raw = [m.group(0) for m in TOKEN.finditer(text) if m.group(0) not in '“”"']
    words: list[Word] = []
    for at, token in enumerate(raw):
        words.append(_word(token, at, raw, words))
    return tuple(words)


def _word(token: str, at: int, raw: Sequence[str], before: Sequence[Word]) -> Word:
    if token in MARKS:
        return Word(token, token, ",")
    plain = token.rstrip(".")
    owner = bool(re.search(r"['’]s?$", plain))
    plain = re.sub(r"['’]s?$", "", plain)
    low = plain.lower().replace("’", "'")
    kind = _kind(low, owner, at, raw, before)
    capital = plain[:1].isupper() and (at > 0 or low not in STOP_WORDS)
    return Word(low, stem(verbs.BASE.get(low, low)), kind, owner, capital)


def _kind(low: str, owner: bool, at: int, raw: Sequence[str], before: Sequence[Word]) -> str:
    following = raw[at + 1].lower() if at + 1 < len(raw) else ""
    last = next((w for w in reversed(before) if w.kind != "X"), None)
    kind = last.kind if last else ""
    if owner:
        return "N"
    if low in BE or low in HAVE or low in MODAL:
        return "A"
    if low in SKIPPED or (
        raw[at].endswith("ly")
        and (raw[at].islower() or at == 0)
        and len(low) > 4
        and low not in NO_ADVERBS
        and low not in verbs.FORMS
    ):
        return "X"
    if low in RELATIVES and kind in ("N", ",", "P") and not (low == "that" and kind == "P"):
        return "R"
    listed = _listed(low, kind, raw, at)
    if listed:
        return listed
    return "V" if _is_verb(low, raw[at], kind, following, last, before) else "N"


def _listed(low: str, kind: str, raw: Sequence[str], at: int) -> str:
    """The kind of a word of the closed lists, "" for another."""
    if low == "to" and _infinitive(raw, at):
        return "T"
    if low in OPENING and not (low == "as" and kind == "V"):
        return "S" if low not in ("as", "since", "until", "after", "before") or _clause_follows(raw, at) else "P"
    lists = (("C", JOINING), ("P", PREPOSITIONS), ("D", DETERMINERS), ("O", PRONOUNS))
    return next((name for name, words in lists if low in words), "")


def _infinitive(raw: Sequence[str], at: int) -> bool:
    """Whether "to" stands before a verb: a known one, or an unknown word with a determiner behind it."""
    word, then = ((raw[place] if place < len(raw) else "") for place in (at + 1, at + 2))
    unknown = word.islower() and word not in DETERMINERS | PRONOUNS and then in DETERMINERS - {"that", "this"}
    return word in verbs.BASES or word in verbs.ALSO or unknown


def _clause_follows(raw: Sequence[str], at: int) -> bool:
    """Whether a verb stands before the next mark: "after staff complained", not "after the vote"."""
    for token in raw[at + 1 : at + 8]:
        low = token.lower()
        if token in MARKS:
            return False
        if low in BE | HAVE | MODAL or verbs.past(low):
            return True
    return False


def _is_verb(low: str, token: str, kind: str, following: str, last: Word | None, before: Sequence[Word]) -> bool:
    if kind == "A":
        return last is not None and (
            (last.text in MODAL and (low in verbs.BASES or low in verbs.ALSO))
            or (last.text in BE and (verbs.participle(low) or low.endswith("ing")))
            or (last.text in HAVE and verbs.participle(low))
        )
    if kind == "T":
        return True
    if token[:1].isupper() and before:
        return False
    if low.endswith("ing") and len(low) > 4:
        return kind in ("P", ",", "S", "N") and low in verbs.FORMS
    if kind in ("D", "P") or (last is not None and last.owner):
        return False
    if verbs.past(low):
        return not (kind == "" or (kind == "C" and len(before) < 2)) or following == "by"
    if low in verbs.FORMS:
        opens = (
            following in DETERMINERS or following in PRONOUNS or following in ("that", "to", "whether") or not before
        )
        return kind in ("N", "R", "O", ",", "C", "X") and (low in verbs.PLAIN or opens or kind in ("R", "O"))
    return False
