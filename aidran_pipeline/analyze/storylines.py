"""Storylines: the records of a window grouped into events and themes, over all topics. Pure functions over items.

Two reports tell one event when what is left of their meaning beside the window's common subject, their rare words and
their rare names agree, and no figure or deed contradicts: the embedding alone separates "same event" from "same actors,
other event" no better than chance on hard pairs. Groups grow by linkage over all pairs (linkage.py), so that one bridge
between two events does not merge them. Events are grouped over all topics, as their records often have different best
topics; one of these then owns the event. Ids over days: continuity.py. `python -m benchmarks.storylines` measures it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

import numpy as np

from aidran_pipeline.analyze.linkage import Matrix, centred, cosines, link, near, overlaps, spread
from aidran_pipeline.text import facts_of, tokens
from aidran_pipeline.text.embeddings import Vector
from aidran_pipeline.text.words import stem

# Reports are one event from here on. EVENT, COHESION and NAMELESS were chosen on the calibration half of
# `python -m benchmarks.storylines`: the strictest within .01 of the best F0.5, as a wrong union costs more than a gap.
EVENT = 0.28
# Nearness of two groups: the cosine of their centroids (see linkage.link).
COHESION = 1.0
# Shares of a pair's score: nearness of meaning, common rare words, common rare names; what a day apart costs, and
# having no rare name in common.
MEANING, WORDS, NAMES = 0.5, 0.3, 0.2
DAY_APART = 0.02
NAMELESS = 0.05
# The window's common meaning is taken off as if so many texts without any stood beside it.
PRIOR = 50
# More reports than this are grouped in runs of so many, then the runs' groups by their most central reports, unless
# these are more than twice as many: memory grows with the square.
MOST = 3000
THEME = 0.5
JOIN = 0.48
# Posts and reports whose meanings are further apart than this are not looked at: they never reach a threshold.
FAR = 0.3
# A post is held against so many reports of an event, the nearest in meaning.
NEAREST = 3
# Cosine of two storylines' centroids from which they may merge. Of 14 merges without it, read by hand, 9 were right;
# with it 7 of 8 are left.
AKIN = 0.45
# Names so frequent that they tell no event apart.
COMMON_NAMES = frozenset(
    "ai a.i us u.s eu uk openai anthropic google microsoft meta nvidia apple amazon chatgpt claude "
    "gemini llm llms ceo gpt api mcp github copilot codex aws azure bedrock "
    "the and for new newswire globenewswire prnewswire dublin "
    "america american china europe tech agi cto gpu gpus ml ios mac silicon valley".split()
)
# What was done and its opposite: titles that stand on two sides of a pair tell two events.
OPPOSITES = tuple(
    (frozenset(map(stem, left.split())), frozenset(map(stem, right.split())))
    for left, right in (
        ("open opens opened", "close closes closed shut shuts"),
        ("allow allows allowed permits", "ban bans banned forbid forbids blocks"),
        ("approve approves approved passes", "reject rejects rejected block blocks refuses"),
        ("raise raises raised hike hikes", "cut cuts lowers lowered"),
        ("hire hires hired", "fire fires fired dismisses"),
        ("sue sues sued", "settle settles settled"),
        ("rise rises rose", "fall falls fell"),
        ("beat beats", "miss misses missed"),
        ("launch launches launched", "cancel cancels cancelled delays delayed"),
    )
)
DEEDS = frozenset().union(*(side for pair in OPPOSITES for side in pair))


@dataclass
class Item:
    """A record as storylines see it."""

    record_id: int
    day: date
    post: bool
    title: str
    text: str
    vector: Vector
    order: tuple[str, str]
    topics: dict[str, float] = field(default_factory=dict)
    stems: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    figures: dict[str, set[str]] = field(default_factory=dict)
    rare: frozenset[str] = frozenset()
    deeds: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        record_id: int,
        day: date,
        post: bool,
        title: str,
        text: str,
        vector: Vector,
        order: tuple[str, str],
        topics: Mapping[str, float] | None = None,
    ) -> Item:
        """Facts and stems of the title and the first sentences."""
        head = text[:500]
        item = cls(record_id, day, post, title, head, vector, order, dict(topics or {}), set(tokens(head)))
        for fact in facts_of(head):
            if fact.kind == "name" and len(fact.norm) > 1:
                item.names.setdefault(fact.norm, fact.text)
            elif fact.kind in ("money", "percent"):
                item.figures.setdefault(fact.kind, set()).add(fact.norm)
        item.rare = frozenset(rare_names(item))
        item.deeds = frozenset(tokens(title or head)) & DEEDS
        return item


def idf(items: Sequence[Item], background: Mapping[str, int], total: int) -> dict[str, float]:
    """Inverse document frequency of stems over a background of many days."""
    return {stem: math.log((1 + total) / (1 + background.get(stem, 0))) for item in items for stem in item.stems}


def overlap(a: set[str], b: set[str], weights: Mapping[str, float]) -> float:
    """Weighted Dice overlap of stems."""
    both = math.fsum(weights.get(s, 1.0) ** 2 for s in sorted(a & b))
    sides = (
        math.fsum(weights.get(s, 1.0) ** 2 for s in sorted(a)),
        math.fsum(weights.get(s, 1.0) ** 2 for s in sorted(b)),
    )
    low = min(sides)
    return 0.0 if low <= 0 else 0.5 * both / low + both / (sides[0] + sides[1])


def rare_names(item: Item) -> set[str]:
    """Words of the names that can tell an event apart."""
    return {word for name in item.names for word in name.split() if word not in COMMON_NAMES and len(word) > 2} | {
        name for name in item.names if name not in COMMON_NAMES
    }


def event_scores(reports: Sequence[Item], weights: Mapping[str, float]) -> Matrix:
    """How far any two reports tell the same event, n×n, to about 1; 0 at most where figures or deeds contradict."""
    names = [item.rare for item in reports]
    shared = cosines(names, spread(names))
    score: Matrix = (
        MEANING * near(centred(np.vstack([item.vector for item in reports]), PRIOR))
        + WORDS * cosines([item.stems for item in reports], weights)
        + NAMES * shared
        - np.float32(NAMELESS) * (shared <= 0)
    )
    days = np.array([item.day.toordinal() for item in reports])
    score -= np.float32(DAY_APART) * np.abs(days[:, None] - days[None, :])
    told = [place for place, item in enumerate(reports) if item.deeds or item.figures]
    for i, j in combinations(told, 2):
        if score[i, j] > 0 and (_contradict(reports[i], reports[j]) or _opposite(reports[i], reports[j])):
            score[i, j] = score[j, i] = 0
    return score


def theme_scores(posts: Sequence[Item], weights: Mapping[str, float]) -> Matrix:
    """How far any two posts talk about the same thing, n×n: meaning first, words second; 0 where meanings are far."""
    meaning = near(np.vstack([post.vector for post in posts]))
    words = overlaps([post.stems for post in posts], weights)
    score: Matrix = np.where(meaning >= FAR, 0.7 * meaning + 0.3 * np.minimum(1, 1.5 * words), 0).astype(np.float32)
    return score


def _contradict(a: Item, b: Item) -> bool:
    """Both name sums (or both shares) and none is the same."""
    return any(a.figures.get(k) and b.figures.get(k) and not a.figures[k] & b.figures[k] for k in ("money", "percent"))


def _opposite(a: Item, b: Item) -> bool:
    """One says that something was done, the other that its opposite was: bans and allows, opens and closes."""
    return any(
        (a.deeds & left and b.deeds & right and not (a.deeds & right or b.deeds & left))
        or (a.deeds & right and b.deeds & left and not (a.deeds & left or b.deeds & right))
        for left, right in OPPOSITES
    )


def group(items: Sequence[Item], weights: Mapping[str, float]) -> list[tuple[str, list[Item]]]:
    """(kind, members): events of outlets' records first, posts joined to the event they speak of, the rest by theme."""
    events = _events([item for item in items if not item.post], weights)
    posts = [item for item in items if item.post]
    homes = _homes(posts, events, weights)
    grouped = [
        ("event", [*members, *(post for post, home in zip(posts, homes, strict=True) if home == place)])
        for place, members in enumerate(events)
    ]
    rest = [post for post, home in zip(posts, homes, strict=True) if home is None]
    for run in _runs(rest):
        grouped += [("theme", [run[i] for i in g]) for g in link(theme_scores(run, weights), THEME)]
    return grouped


def _events(reports: Sequence[Item], weights: Mapping[str, float]) -> list[list[Item]]:
    """Reports grouped into events; many in runs of `MOST`, whose groups meet in their most central reports."""
    found: list[list[Item]] = []
    for run in _runs(reports):
        found += [[run[i] for i in g] for g in link(event_scores(run, weights), EVENT, COHESION)]
    if len(reports) <= MOST or len(found) > 2 * MOST:
        return found
    centres = [members[int(np.argmax(centrality(members)))] for members in found]
    met = link(event_scores(centres, weights), EVENT, COHESION)
    return [sorted((one for i in g for one in found[i]), key=lambda one: one.order) for g in met]


def _runs(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[start : start + MOST] for start in range(0, len(items), MOST)]


def akin(left: Sequence[Item], right: Sequence[Item]) -> bool:
    """Whether two storylines are near enough in meaning to be one: that a day's group holds both is not enough."""
    one, other = (np.vstack([m.vector for m in side]).mean(axis=0) for side in (left, right))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return length > 0 and round(float(one @ other) / length, 4) >= AKIN


def owner_of(members: Sequence[Item]) -> str:
    """The topic that owns a storyline: the one its members score highest on, added up; by name when equal."""
    total: Counter[str] = Counter()
    for member in members:
        for topic, score in member.topics.items():
            total[topic] += round(score * 10_000)
    return min(total.items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _homes(posts: Sequence[Item], events: Sequence[Sequence[Item]], weights: Mapping[str, float]) -> list[int | None]:
    """For each post the place of the event it speaks of, by its mean nearness to the event's reports; None for none."""
    if not posts or not events:
        return [None] * len(posts)
    meaning = np.vstack([post.vector for post in posts]) @ np.vstack([m.vector for e in events for m in e]).T
    starts = np.cumsum([0, *(len(members) for members in events)])
    nearest = np.maximum.reduceat(meaning, starts[:-1], axis=1)
    homes: list[int | None] = []
    for row, top, post in zip(meaning, nearest, posts, strict=True):
        best, home = 0.0, None
        for place in map(int, np.flatnonzero(top >= FAR)):
            part = row[starts[place] : starts[place + 1]]
            chosen = [events[place][int(i)] for i in np.argsort(-part, kind="stable")[:NEAREST]]
            value = math.fsum(_post_to_event(post, m, weights) for m in chosen) / len(chosen)
            if value > best:
                best, home = value, place
        homes.append(home if best >= JOIN else None)
    return homes


def _post_to_event(post: Item, report: Item, weights: Mapping[str, float]) -> float:
    """A post speaks of an event when it shares a telling name (or much of its words) and its meaning is near."""
    words = overlap(post.stems, report.stems, weights)
    if not post.rare & report.rare and words < 0.35:
        return 0.0
    return 0.75 * max(0.0, float(post.vector @ report.vector)) + 0.25 * min(1.0, 1.5 * words)


def salient(members: Sequence[Item], weights: Mapping[str, float], most: int = 12) -> list[dict[str, object]]:
    """Names and figures of a storyline, strongest first: how many members say it, and how rare it is."""
    count: Counter[str] = Counter()
    surface: dict[str, Counter[str]] = {}
    kinds: dict[str, str] = {}
    for item in members:
        for norm, text in item.names.items():
            count[norm] += 1
            surface.setdefault(norm, Counter())[text] += 1
            kinds[norm] = "name"
        for values in item.figures.values():
            for norm in values:
                count[norm] += 1
                surface.setdefault(norm, Counter())[norm] += 1
                kinds[norm] = "number"
    rows = []
    for norm, times in count.items():
        rare = 0.3 if norm in COMMON_NAMES else 1.0
        weight = (times / len(members)) * rare * (1 + 0.1 * min(4, len(norm.split())))
        shown = min(surface[norm].items(), key=lambda pair: (-pair[1], pair[0]))[0]
        rows.append({"term": shown, "kind": kinds[norm], "weight": round(weight, 4)})
    rows.sort(key=lambda row: (-float(str(row["weight"])), str(row["kind"]) != "name", str(row["term"])))
    return rows[:most]


def label_of(terms: Sequence[dict[str, object]], members: Sequence[Item]) -> str:
    """A short noun phrase: its two strongest names, else the rarest words of the most central record."""
    names = [str(t["term"]) for t in terms if t["kind"] == "name"]
    chosen: list[str] = []
    for name in names:
        if not any(name.lower() in other.lower() or other.lower() in name.lower() for other in chosen):
            chosen.append(name)
        if len(chosen) == 2:
            break
    return " and ".join(chosen) if chosen else " ".join(members[0].text.split()[:5]).rstrip(".,;:")


def centrality(members: Sequence[Item]) -> list[float]:
    """Mean cosine similarity of each member to the others; 1 for a storyline of one."""
    if len(members) == 1:
        return [1.0]
    vectors = np.vstack([m.vector for m in members])
    near = vectors @ vectors.T
    return [
        round(float(min(1.0, max(0.0, (near[i].sum() - near[i, i]) / (len(members) - 1)))), 4)
        for i in range(len(members))
    ]
