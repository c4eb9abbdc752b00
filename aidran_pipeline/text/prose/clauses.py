"""Whether words make a statement: a clause with a finite verb, read leniently, so that only what surely has none fails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aidran_pipeline.text.prose import verbs
from aidran_pipeline.text.prose.kinds import BE, Word, words_of

CONTRACTED = re.compile(r"n['’]t$|['’](?:re|ve|ll|m|d)$", re.I)
CONTRACTING = frozenset("it he she that there who what here nobody everyone where let".split())
MEASURE = re.compile(
    r"\w+ing\b|\d|(?:an? )?(?:third|half|quarter|fifth|tenth|few|factor|half|more|less|up to|about|one|two|three)\b"
)
NO_VERBS = re.compile(
    r"(?:ss|us|is|ics)$|^(?:news|series|means|terms|times|years|days|weeks|months|hours|percent|dollars|euros)$"
)
# Before a noun: what follows is no verb.
DESCRIBING = frozenset(
    """best worst good bad new old more most less fewer first last next other same own great big small many several few two
    three four five six seven eight nine ten hundred thousand million billion ai only real whole such""".split()
)
WE = frozenset("i you we they people children women men who police data everyone nobody anyone somebody".split())
POINTING = frozenset("this that these those".split())
# Past forms that no rule of spelling tells, of verbs that are no act between two parties (those stand in verbs.py).
IRREGULAR = frozenset(
    """arose ate awoke bent bet bit bled blew bore bound bred brought burnt burst came cast caught clung cost crept cut
    dealt died dove dreamt drank drove dug dwelt fed fell felt fled flew flung forgot forsook fought froze got grew ground
    had heard held hid hit hung hurt kept knelt knew laid lay leapt learnt left lit lost made meant met overcame overran
    quit rang ran read rid rode rose sang sank sat saw sent set shed shone shook shot shrank shut slept slid slit sought
    spat sped spent split spread sprang spun stank stole stood strode strove struck stuck stung swam swept swore swung
    thought took tore trod underwent undertook understood upheld upset went wept withheld won wore wound wove wrung""".split()
)
UNFINISHED = frozenset("be been being having".split())


def has_verb(text: str) -> bool:
    """Whether a text holds a finite verb of its own, besides those of its relative and subordinate clauses."""
    words = words_of(text)
    inner = 0
    before = ""
    for at, word in enumerate(words):
        if word.kind in ("R", "S"):
            inner += 1
        elif word.kind == "," and inner and before == "R":
            inner = max(0, inner - 1)
        if word.kind in ("R", "S", ","):
            before = word.kind
        if _finite(words, at):
            if not inner:
                return True
            if not (at and _finite(words, at - 1)):
                inner -= 1
    return False


def _finite(words: Sequence[Word], at: int) -> bool:
    word = words[at]
    last = words[at - 1] if at else None
    if word.kind == "A":
        return word.text not in UNFINISHED and not (last is not None and last.kind == "T")
    if CONTRACTED.search(word.text) or (word.owner and word.text in CONTRACTING):
        return True
    if word.kind == "V":
        return _finite_form(words, at, last)
    return word.kind == "N" and last is not None and _maybe(words, at, last)


def _finite_form(words: Sequence[Word], at: int, last: Word | None) -> bool:
    """Whether a known verb is finite: no infinitive, no -ing, no participle that hangs on a noun."""
    word = words[at]
    if word.text.endswith("ing") or (last is not None and last.kind == "T"):
        return False
    if last is not None and last.kind == "A":
        return last.text not in UNFINISHED or any(w.text in BE for w in words[max(0, at - 3) : at - 1])
    following = words[at + 1] if at + 1 < len(words) else None
    hanging = verbs.participle(word.text) and word.text.endswith(("ed", "en", "t", "d", "n"))
    if not hanging or following is None:
        return True
    after = " ".join(w.text for w in words[at + 2 : at + 4])
    by = following.text == "by" and not MEASURE.match(after)
    return not (by or (last is not None and last.kind == ","))


def _maybe(words: Sequence[Word], at: int, last: Word) -> bool:
    """An unknown word where a verb could stand: in -s behind a noun, bare behind a plural or "we"."""
    word = words[at]
    if word.name or not word.text.isalpha():
        return False
    if last.kind == "R" or verbs.past(word.text) or word.text in IRREGULAR:
        return last.kind not in ("D", "P") or last.text in POINTING
    if last.kind in ("D", "P") or last.owner:
        return False
    if last.text in DESCRIBING or last.text[:1].isdigit():
        return False
    if last.text.endswith("ing") or (last.text.endswith("ed") and not last.text.endswith("eed")):
        return False
    if word.text.endswith("s"):
        return last.kind in ("N", "O", "X", ",") and not NO_VERBS.search(word.text)
    plural = last.text in WE or (last.kind == "N" and last.text.endswith("s") and not last.text.endswith("ss"))
    return plural or last.kind == "X"
