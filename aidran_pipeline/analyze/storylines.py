"""Storylines: the records of a window grouped into events and themes, over all topics. Pure functions over items.

Two records tell one event only when their actors agree and no figure contradicts, not because their embeddings are
near: that separates "same event" from "same actors, other event" no better than chance on hard pairs. Groups grow by
average linkage, so that one bridge between two events does not merge them. Events are grouped over all topics, as their
records often have different best topics; one of these then owns the event. Ids are given in days.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from aidran_pipeline.text import facts_of, tokens
from aidran_pipeline.text.embeddings import Vector
from aidran_pipeline.text.words import stem

EVENT = 0.5
THEME = 0.5
JOIN = 0.48
# Pairs whose meanings are further apart than this are not looked at: they never reach a threshold.
FAR = 0.3
# Shares of the pair score: nearness of meaning, common rare words, common names.
MEANING, WORDS, NAMES = 0.4, 0.35, 0.25
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


def pair_score(a: Item, b: Item, weights: Mapping[str, float]) -> float:
    """How far two records tell the same event, 0 to about 1; 0 where actors are disjoint or figures contradict."""
    near = max(0.0, float(a.vector @ b.vector))
    words = min(1.0, overlap(a.stems, b.stems, weights))
    left, right = a.rare, b.rare
    shared = left & right
    names = len(shared) / min(len(left), len(right)) if left and right else 0.0
    if not shared and words < 0.45:
        return 0.0
    if (_contradict(a, b) and words < 0.75) or _opposite(a, b):
        return 0.0
    gap = abs((a.day - b.day).days)
    return MEANING * near + WORDS * words + NAMES * names - 0.03 * gap


def theme_score(a: Item, b: Item, weights: Mapping[str, float]) -> float:
    """How far two posts talk about the same thing: meaning first, words second."""
    return 0.7 * max(0.0, float(a.vector @ b.vector)) + 0.3 * min(1.0, 1.5 * overlap(a.stems, b.stems, weights))


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


def average_linkage(similarity: np.ndarray, threshold: float) -> list[list[int]]:
    """Agglomerative clustering by average linkage down to a threshold. n×n similarities; lists of positions."""
    groups = [[i] for i in range(len(similarity))]
    link = similarity.astype(np.float64).copy()
    np.fill_diagonal(link, -1.0)
    alive = np.ones(len(groups), dtype=bool)
    while alive.sum() > 1:
        flat = int(np.argmax(link))
        i, j = divmod(flat, link.shape[1])
        if link[i, j] < threshold:
            break
        i, j = min(i, j), max(i, j)
        ni, nj = len(groups[i]), len(groups[j])
        link[i] = (ni * link[i] + nj * link[j]) / (ni + nj)
        link[:, i] = link[i]
        link[i, i] = -1.0
        link[j] = link[:, j] = -1.0
        groups[i], groups[j] = sorted(groups[i] + groups[j]), []
        alive[j] = False
    return [g for g, on in zip(groups, alive, strict=True) if on]


def group(items: Sequence[Item], weights: Mapping[str, float]) -> list[tuple[str, list[Item]]]:
    """(kind, members): events of outlets' records first, posts joined to the event they speak of, the rest by theme."""
    news = [item for item in items if not item.post]
    posts = [item for item in items if item.post]
    events = [[news[i] for i in g] for g in average_linkage(_matrix(news, weights, pair_score), EVENT)] if news else []
    homes = _homes(posts, events, weights)
    grouped = [
        ("event", [*members, *(post for post, home in zip(posts, homes, strict=True) if home == place)])
        for place, members in enumerate(events)
    ]
    rest = [post for post, home in zip(posts, homes, strict=True) if home is None]
    if rest:
        themes = [[rest[i] for i in g] for g in average_linkage(_matrix(rest, weights, theme_score), THEME)]
        grouped += [("theme", members) for members in themes]
    return grouped


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
    near = np.vstack([post.vector for post in posts]) @ np.vstack([m.vector for e in events for m in e]).T
    homes: list[int | None] = []
    for row, post in zip(near, posts, strict=True):
        best, home, start = 0.0, None, 0
        for place, members in enumerate(events):
            part = row[start : start + len(members)]
            start += len(members)
            if float(part.max()) < FAR:
                continue
            value = math.fsum(_post_to_event(post, m, weights) for m in members) / len(members)
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


def _matrix(
    items: Sequence[Item], weights: Mapping[str, float], score: Callable[[Item, Item, Mapping[str, float]], float]
) -> NDArray[np.float64]:
    """n×n scores, 0 where the meanings are further apart than `FAR`."""
    vectors = np.vstack([item.vector for item in items])
    near = vectors @ vectors.T
    matrix = np.zeros((len(items), len(items)))
    for i, j in np.argwhere(np.triu(near >= FAR, k=1)):
        matrix[i, j] = matrix[j, i] = score(items[i], items[j], weights)
    return matrix


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
