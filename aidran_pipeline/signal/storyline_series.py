"""From voices with their storylines to what `novelty` and `narrative_shift` compare: a JSON object a day. Pure.

A voice is in the storyline that it was in that evening: merges and splits of later days are undone by its path. What
does not belong here: reading the database (talk.py), comparing (novelty.py, narrative.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.signal.narrative import WEEK, pooled
from aidran_pipeline.signal.novelty import HORIZON, TELLERS

# Of the days before a day so many must be known, the last two among them: storylines bridge no longer gap.
LEAST_KNOWN, NEAREST = 5, 2


@dataclass(frozen=True)
class Said:
    """`count` voices of one day, topic and storyline. tellers: who they were, two at most.

    path: (day, storyline left that day), oldest first, where records of it moved: see home.
    """

    day: date
    topic: str | None
    storyline: int
    count: int
    tellers: frozenset[str]
    path: tuple[tuple[date, int], ...] = ()
    stance: str | None = None

    def home(self, as_of: date) -> int:
        """The storyline at the end of a day: that which the first later move left, else the present one."""
        return next((left for day, left in self.path if day > as_of), self.storyline)


@dataclass
class Talk:
    """All voices of the trailing days and the day itself: of every topic by day, and of each by topic and day."""

    by_day: dict[date, list[Said]] = field(default_factory=lambda: defaultdict(list))
    by_topic: dict[tuple[str | None, date], list[Said]] = field(default_factory=lambda: defaultdict(list))
    _new: dict[date, set[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Iterable[Said]) -> Talk:
        """Sorted by day and topic."""
        talk = cls()
        for one in said:
            talk.by_day[one.day].append(one)
            talk.by_topic[one.topic, one.day].append(one)
        return talk

    def new_on(self, day: date) -> set[int]:
        """Storylines that began on a day, as they stood that evening, with two tellers or more."""
        if day not in self._new:
            week = (day - timedelta(days=back) for back in range(1, HORIZON + 1))
            before = {said.home(day) for earlier in week for said in self.by_day.get(earlier, ())}
            tellers: dict[int, set[str]] = defaultdict(set)
            for said in self.by_day.get(day, ()):
                tellers[said.home(day)] |= said.tellers
            self._new[day] = {s for s, who in tellers.items() if len(who) >= TELLERS and s not in before}
        return self._new[day]

    def counts(self, topic: str, day: date, as_of: date) -> Counter[int]:
        """Voices of a topic on a day, by their storyline as of another."""
        count: Counter[int] = Counter()
        for said in self.by_topic.get((topic, day), ()):
            count[said.home(as_of)] += said.count
        return count

    def stances(self, topic: str, days: Collection[date]) -> Counter[str]:
        """Voices of a topic by stance, those without left out."""
        count: Counter[str] = Counter()
        for day in days:
            for said in self.by_topic.get((topic, day), ()):
                if said.stance is not None:
                    count[said.stance] += said.count
        return count


def week_before(day: date, known: Collection[date], length: int) -> list[date]:
    """The known days among so many before a day; none where too few of them are."""
    days = [day - timedelta(days=back) for back in range(1, length + 1)]
    found = [d for d in days if d in known]
    return found if len(found) >= LEAST_KNOWN and all(d in known for d in days[:NEAREST]) else []


def novelty_series(talk: Talk, topic: str, days: Sequence[date], known: Collection[date]) -> list[dict[str, Any]]:
    """[{"day", "count": voices on new matters, "total": voices}], count None where the day or its week is unknown."""
    series: list[dict[str, Any]] = []
    for day in days:
        if day not in known or not week_before(day, known, HORIZON):
            series.append({"day": day.isoformat(), "count": None, "total": None})
            continue
        new, own = talk.new_on(day), talk.counts(topic, day, day)
        series.append(
            {
                "day": day.isoformat(),
                "count": sum(n for storyline, n in own.items() if storyline in new),
                "total": sum(own.values()),
            }
        )
    return series


def narrative_series(talk: Talk, topic: str, days: Sequence[date], known: Collection[date]) -> list[dict[str, Any]]:
    """[{"day", "count": voices, "storylines": [[day, week], …], "stances": […]}], count None where unknown.

    "total" is 0 on a day that says nothing: no voices of its own, or none in its week.
    """
    series: list[dict[str, Any]] = []
    for day in days:
        week = week_before(day, known, WEEK) if day in known else []
        if not week:
            series.append({"day": day.isoformat(), "count": None, "total": None, "storylines": [], "stances": []})
            continue
        own = talk.counts(topic, day, day)
        before = sum((talk.counts(topic, d, day) for d in week), Counter())
        stances, usual = talk.stances(topic, [day]), talk.stances(topic, week)
        said, heard = sum(own.values()), sum(before.values())
        series.append(
            {
                "day": day.isoformat(),
                "count": said if heard else 0,
                "total": min(said, heard),
                "storylines": pooled(own, before)[0],
                "stances": [[stances[s], usual[s]] for s in sorted({*stances, *usual})],
            }
        )
    return series
