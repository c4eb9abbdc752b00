"""Who does what to whom in a sentence: acts with the words of their doer, their object and what prepositions tie to them.

A small hand-written parser for English news prose: finite verbs, passives ("was sued by", "sued by"), relative clauses
("which X funds", "who sued"), shared subjects ("and", ", accusing"), infinitives ("ordered X to pay") and nouns of action
("a suit by X against Y"). It gives up rather than guess: a doer it does not find stays empty, and a pronoun is no doer.
What does not belong here: whether two texts agree (turned.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from aidran_pipeline.text.prose import verbs
from aidran_pipeline.text.prose.kinds import BE, OWNING, Word, words_of
from aidran_pipeline.text.words import STOP_WORDS

DEED = "deed:"  # before the verb of an act that a noun tells
PARTICLES = frozenset("up down off out back away over".split())
CHAIN = frozenset("of at for behind in on from".split())


@dataclass
class Act:
    """One deed. Sets of stems: doer, object (whom or what), by preposition; manner: passive as written; at: place."""

    verb: str
    at: int
    doer: frozenset[str] = frozenset()
    object: frozenset[str] = frozenset()
    tied: dict[str, frozenset[str]] = field(default_factory=dict)
    content: frozenset[str] = frozenset()  # the words of what is said, denied, ordered: "that X …"
    vague: bool = False  # the doer is there but not named: "the company", "it"
    owned: bool = False  # the doer is "its chief": whose, the sentence alone does not say

    def parties(self) -> frozenset[str]:
        """All who and what."""
        return self.doer | self.others() | self.content

    def others(self) -> frozenset[str]:
        """All that it is done to, with or for; not what it is compared with."""
        return self.object.union(*(party for word, party in self.tied.items() if word != "than"))


@lru_cache(maxsize=20_000)
def acts_of(text: str) -> tuple[Act, ...]:
    """The acts of one sentence, in order."""
    found = words_of(text)
    acts: list[Act] = []
    for at, word in enumerate(found):
        if word.kind == "V":
            acts.append(_act(found, at, [act for act in acts if not act.verb.startswith(DEED)]))
        elif word.kind == "N" and word.stem in verbs.DEEDS:
            act = _deed(found, at)
            if act is not None:
                acts.append(act)
    return tuple(acts)


def _act(words: Sequence[Word], at: int, acts: Sequence[Act]) -> Act:
    word = words[at]
    start = at
    while start and words[start - 1].kind in ("X", "A", "T") and words[start].kind != "T":
        start -= 1
    chain = {w.text for w in words[start:at]}
    participle = verbs.participle(word.text)
    by = _by(words, at)
    opens = "," if at and by is not None and words[at + 1].kind in ("D", "N") else ",NC"
    bare = participle and start == at and by is not None and at > 0 and words[at - 1].kind in opens
    subject, front = _subject(words, start, at, acts)
    objects, tied = _after(words, at)
    verb = _verb(words, at)
    if words[at].text in ("let", "letting") and "to" in tied:
        verb = "lease"
    if verb in verbs.SAYING and _clause(words, at):
        objects = frozenset()
    if (participle and chain & BE) or bare:
        place = _by(words, at)
        act = Act(verb, at, tied.pop("by", frozenset()), subject | objects, tied)
        act.vague = not act.doer and place is not None
    else:
        act = Act(verb, at, subject, objects | front, tied)
        act.vague = not subject and start > 0 and words[start - 1].kind in "NO"
        act.owned = any(w.text in OWNING for w in words[max(0, start - 4) : start])
    if verb in verbs.SAYING:
        act.content = _content(words, at)
    return act


def _clause(words: Sequence[Word], at: int) -> bool:
    """Whether what follows a verb is a clause of its own ("says the maker lied") and no object."""
    for place in range(at + 1, len(words)):
        if words[place].kind in ("V", "A"):
            return words[place - 1].kind != "P"
        if words[place].kind in (",", "C", "S", "R", "T"):
            return False
    return False


def _content(words: Sequence[Word], at: int) -> frozenset[str]:
    """What stands behind "that" after a verb or its object, up to a mark."""
    opened, found = False, []
    for word in words[at + 1 :]:
        if word.kind == ",":
            break
        if word.text == "that":
            opened = True
        elif opened:
            found.append(word)
    return _party(found)


def _verb(words: Sequence[Word], at: int) -> str:
    particle = words[at + 1].text if at + 1 < len(words) and words[at + 1].text in PARTICLES else ""
    both = f"{verbs.BASE.get(words[at].text, words[at].text)} {particle}"
    return verbs.group(both) if particle and verbs.group(both) != both else verbs.group(words[at].stem)


def _by(words: Sequence[Word], at: int) -> int | None:
    """Where "by SOMEBODY" stands after a participle, before the next verb or mark."""
    for place in range(at + 1, min(len(words) - 1, at + 12)):
        word, then = words[place], words[place + 1]
        if word.kind in ("V", "A", ",", "R", "S", "T", "C"):
            return None
        if word.text == "by" and not then.text[:1].isdigit() and not then.text.endswith("ing") and then.kind in "NDO":
            return place
    return None


def _subject(words: Sequence[Word], start: int, at: int, acts: Sequence[Act]) -> tuple[frozenset[str], frozenset[str]]:
    """The subject of a verb, and the object that a relative clause puts in front ("which X funds")."""
    none: frozenset[str] = frozenset()
    place = start - 1
    if place < 0:
        return none, none
    word = words[place]
    if word.kind == "T" or (start < at and words[start].kind == "T"):
        return _controller(acts), none
    if word.kind == "R":
        return _antecedent(words, place), none
    if word.kind == "C":
        return (acts[-1].doer if acts and words[at].kind == "V" else none), none
    if word.kind == "P":
        last = acts[-1] if acts else None
        return ((last.object or last.doer) if last and word.text in ("of", "from", "for") else none), none
    if word.kind == ",":
        return _before_aside(words, place, at, acts), none
    if word.kind != "N":
        return none, none
    first = _phrase_start(words, place)
    party = _party(words[first : place + 1])
    opener = words[first - 1] if first else None
    if opener is not None and opener.kind == "R" and opener.text != "whose":
        told = bool(acts) and acts[-1].verb in verbs.SAYING
        before = words[first - 2] if first > 1 else opener
        complement = before.kind == "P" or (opener.text == "that" and (told or before.kind == "V"))
        return party, none if complement else _antecedent(words, first - 1)
    if opener is not None and opener.kind in ("V", "P"):
        return _over_clause(words, first - 1, party), none
    return party, none


def _over_clause(words: Sequence[Word], at: int, party: frozenset[str]) -> frozenset[str]:
    """The subject before a relative clause without commas that ends where a verb begins: "the museum that sued X has"."""
    while at >= 0 and words[at].kind not in ("V", ",", "C", "S", "R"):
        at -= 1
    if at < 1 or words[at].kind != "V":
        return party
    start = at
    while start and words[start - 1].kind in ("A", "X"):
        start -= 1
    before = words[start - 1] if start else None
    if before is not None and before.kind == "R":
        return _antecedent(words, start - 1)
    if before is not None and before.kind == "N" and start == at and _by(words, at) is not None:
        return _party(words[_phrase_start(words, start - 1) : start])
    return party


def _controller(acts: Sequence[Act]) -> frozenset[str]:
    if not acts:
        return frozenset()
    last = acts[-1]
    return last.object if last.object and last.verb in verbs.CONTROL else last.doer


def _antecedent(words: Sequence[Word], at: int) -> frozenset[str]:
    """What "who", "which", "that" stands for: the phrase before it, over a comma."""
    place = at - 1
    while place >= 0 and words[place].kind in (",", "P"):
        place -= 1
    if place < 0 or words[place].kind != "N":
        return frozenset()
    return _party(words[_phrase_start(words, place, chain=False) : place + 1])


def _before_aside(words: Sequence[Word], comma: int, at: int, acts: Sequence[Act]) -> frozenset[str]:
    """The subject before an aside between commas; of an -ing or a bare participle, that of the clause it hangs on."""
    for place in range(comma - 1, 0, -1):
        if words[place].kind == "," and words[place - 1].kind == "N":
            inside = words[place + 1 : comma]
            if inside and inside[0].kind in ("R", "D", "N", "V", "P"):
                named = all(word.kind in ("N", "D") for word in inside)
                return _party(words[_phrase_start(words, place - 1) : place]) | (_party(inside) if named else set())
    if words[at].text.endswith("ing"):
        return acts[-1].doer if acts else frozenset()
    if words[comma - 1].kind == "N" and verbs.participle(words[at].text):
        return _party(words[_phrase_start(words, comma - 1) : comma])
    return frozenset()


def _phrase_start(words: Sequence[Word], end: int, *, chain: bool = True) -> int:
    """Where the noun phrase that ends at a word begins; with "of", "at" and the like what they hang on too."""
    place = end
    while place > 0:
        before = words[place - 1]
        if words[place].kind == "D" and words[place].text not in OWNING:
            if chain and before.kind == "P" and before.text in CHAIN and place > 1 and words[place - 2].kind == "N":
                place -= 2
                continue
            return place
        if before.kind in ("N", "D") or (before.kind == "X" and place > 1 and words[place - 2].kind in ("D", "N")):
            place -= 1
        elif place > 1 and words[place - 2].kind == "N" and before.text in (CHAIN | {"and"} if chain else {"and"}):
            place -= 2
        else:
            return place
    return place


def _party(words: Sequence[Word]) -> frozenset[str]:
    """The stems of a phrase that carry meaning."""
    return frozenset(
        w.stem
        for w in words
        if w.kind == "N" and len(w.text) > 1 and w.text not in STOP_WORDS and w.text not in verbs.ANY
    )


def _after(words: Sequence[Word], at: int) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """The object of a verb and the phrases that prepositions tie to it, up to the next verb, mark or clause."""
    groups: dict[str, list[Word]] = {"": []}
    key = ""
    for place in range(at + 1, len(words)):
        word = words[place]
        if word.kind in ("V", "A", ",", "S", "R", "T") or (word.kind == "C" and not _list(words, place)):
            break
        if word.kind == "P":
            if word.text != "of" or not groups[key]:
                key = word.text
                groups.setdefault(key, [])
        elif word.kind == "N":
            groups[key].append(word)
    tied = {k: _party(v) for k, v in groups.items() if k and v}
    return _party(groups[""]), tied


def _list(words: Sequence[Word], at: int) -> bool:
    """Whether "and" joins two things and not two clauses."""
    for word in words[at + 1 :]:
        if word.kind in ("V", "A"):
            return False
        if word.kind in (",", "S", "R", "T"):
            return True
    return True


def _deed(words: Sequence[Word], at: int) -> Act | None:
    """A noun of action with its doer ("X's complaint", "a suit by X") and what it is against, of or for."""
    objects, tied = _after(words, at)
    doer = tied.pop("by", frozenset())
    if not doer and at and words[at - 1].owner:
        first = _phrase_start(words, at - 1, chain=False)
        doer = _party(words[first:at])
    if not doer:
        return None
    return Act(DEED + verbs.group(words[at].stem), at, doer, objects - doer, tied)
