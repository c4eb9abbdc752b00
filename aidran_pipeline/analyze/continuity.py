"""What becomes of storylines when a window is grouped anew: which group goes on with which, what merges, what splits.

Pure. Each group follows the storyline that most of its earlier members are in (of equals the older): the matching is
greedy on overlap, from the side of the groups. A storyline may so be followed by several groups; the one with most of
its members is its trunk. Then

- a part beside the trunk splits off when it has at least `SPLIT` earlier members, the trunk as many, and something new
  is said in it today; else it stays a part, as a threshold that flickers is no event;
- a storyline that no group follows merges into the one whose group holds more than half of its members in the window,
  when something new is said there today.

"Earlier" is before the day itself, and homes are those of the evening before: a day analysed again, with more records
or the same, sees the same past. Ids are given, and members moved, in storyline_store.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

SPLIT = 2
MERGED = 0.5


@dataclass(frozen=True)
class Held:
    """A grouped record. before: its storyline on the evening before the day; now: the present one; None for none."""

    day: date
    before: int | None = None
    now: int | None = None


@dataclass
class Continuity:
    """homes: by group, the storyline that its new members join, None for a new one.

    splits: place of the group → the storyline it comes off. merges: storyline → the one that goes on with it.
    """

    homes: list[int | None]
    splits: dict[int, int] = field(default_factory=dict)
    merges: dict[int, int] = field(default_factory=dict)


def continued(held: Iterable[int]) -> int | None:
    """The storyline that a group goes on with: the one most of its placed members are in, the older of equals.

    held: the storyline ids of those members that have one. None where nobody has: a new storyline.
    """
    count = Counter(held)
    return min(count, key=lambda storyline: (-count[storyline], storyline)) if count else None


def follow(groups: Sequence[Sequence[Held]], day: date) -> Continuity:
    """Which storyline each group of the window that ends with `day` goes on with, and what merges or splits by it."""
    earlier = [Counter(h.before for h in group if h.before is not None and h.day < day) for group in groups]
    homes: list[int | None] = []
    for group, count in zip(groups, earlier, strict=True):
        held = count.elements() if count else (h.now for h in group if h.now is not None)
        homes.append(continued(held))
    told_today = [any(h.day == day for h in group) for group in groups]
    found = Continuity(homes)
    followers: dict[int, list[int]] = defaultdict(list)
    for place, home in enumerate(homes):
        if home is not None and earlier[place][home]:
            followers[home].append(place)
    for storyline, places in followers.items():
        trunk = max(places, key=lambda place: (earlier[place][storyline], -place))
        for place in places:
            least = min(earlier[place][storyline], earlier[trunk][storyline])
            if place != trunk and told_today[place] and least >= SPLIT:
                found.splits[place] = storyline
    _merge(found, earlier, told_today, followers)
    return found


def _merge(
    found: Continuity, earlier: Sequence[Counter[int]], told_today: Sequence[bool], followers: dict[int, list[int]]
) -> None:
    whole: Counter[int] = Counter()
    for count in earlier:
        whole.update(count)
    for storyline in sorted(set(whole) - set(followers)):
        into: Counter[int] = Counter()
        for place, count in enumerate(earlier):
            home = found.homes[place]
            # What splits off today is another storyline by tonight: nothing merges into its parent through it.
            if home is not None and count[storyline] and told_today[place] and place not in found.splits:
                into[home] += count[storyline]
        heir = continued(into.elements())
        if heir is not None and into[heir] > MERGED * whole[storyline]:
            found.merges[storyline] = heir
