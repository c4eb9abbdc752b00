"""Roles turned round: what a sentence makes the doer that its quotes make the one it was done to, and the like.

Positive evidence only: both have acts of the same groups of verbs, and a party stands in another place here than there
while the one that stood there has moved too. A party under another name, or one that is missing, is no evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from aidran_pipeline.text.prose import verbs
from aidran_pipeline.text.prose.acts import DEED, Act, acts_of

Places = dict[tuple[str, str], frozenset[str]]


def roles_turned(sentence: str, quotes: Sequence[str]) -> list[str]:
    """The acts of a sentence (as the first verb of their group) whose parties have changed places.

    quotes: single sentences.
    """
    mine = [act for act in acts_of(sentence) if act.verb not in verbs.MUTUAL]
    theirs = [act for quote in quotes for act in acts_of(quote) if act.verb not in verbs.MUTUAL]
    found = []
    for act in mine:
        near = _nearest(act, [other for other in theirs if other.verb == act.verb])
        if near and all(_turned(act, other) for other in near):
            found.append(act.verb)
    found += _exchanged(_places(mine), _places(theirs))
    return list(dict.fromkeys(verb.removeprefix(DEED) for verb in found))


def _nearest(act: Act, others: Sequence[Act]) -> list[Act]:
    """The acts that share most parties with one; none where none shares any."""
    shared = [(len(act.parties() & other.parties()), other) for other in others]
    most = max((count for count, _ in shared), default=0)
    return [other for count, other in shared if count == most and most]


def _turned(act: Act, other: Act) -> bool:
    """Whether the doer of one is the other's object. Who speaks for whom is left to `_exchanged`."""
    if act.verb == verbs.SAY or act.owned or other.owned or act.doer & other.doer:
        return False
    if act.verb in verbs.EITHER and act.tied.keys() & {"to", "from"} != other.tied.keys() & {"to", "from"}:
        return False
    back = other.doer & (act.others() | act.content) - other.others() - other.content
    if act.doer and other.doer:
        return bool(back or act.doer & (other.others() | other.content) - act.others() - act.content)
    return act.vague and bool(other.doer & act.object - other.others())


def _places(acts: Sequence[Act]) -> Places:
    """What stands in each place of each verb, over all its acts."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for act in acts:
        found[act.verb, ""] |= act.doer
        if act.verb == verbs.SAY:
            continue
        found[act.verb, "object"] |= act.object
        for word, party in act.tied.items():
            found[act.verb, word] |= party
    return {place: frozenset(party) for place, party in found.items()}


def _exchanged(mine: Mapping[tuple[str, str], frozenset[str]], theirs: Places) -> list[str]:
    """Verbs of two places that have exchanged their parties, of one act or of two."""
    found = []
    for one, two in combinations(sorted(mine.keys() & theirs.keys()), 2):
        there = (mine[one] - theirs[one]) & (theirs[two] - mine[two])
        back = (mine[two] - theirs[two]) & (theirs[one] - mine[one])
        if there and back:
            found.append(one[0])
    return found
