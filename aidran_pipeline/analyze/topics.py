"""Relevance and topics of a record: weighted terms, nearness to a topic's prototype, the subreddit it stands in.

Precision before recall: a record gets a topic only on words of that topic, never on nearness of the embedding alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from aidran_pipeline.config.topics import Topics
from aidran_pipeline.text.embeddings import Vector
from aidran_pipeline.text.terms import Matcher, stems_of

ABOUT_AI = 0.5
LEAST = 0.34
NEAR_BEST = 0.72
MOST = 3
# Cosine to the prototype below `FAR` adds nothing, above `NEAR` everything.
FAR, NEAR = 0.12, 0.5
NOISE = Matcher.of(
    """ai weiwei, recipe, recipes,
    world cup, fifa, football, premier league, nba, nfl, wimbledon, tennis, golf, horoscope,
        wordle, quordle, crossword,
    prime day, best deals, coupon, mattress, election results, tour de france, super bowl, oscars, red carpet, dating
        show, lego,
    smartwatch, headphones, earbuds, robot vacuum, robovac, air fryer, tv deal, gift guide, nyt connections, strands
        hints, connections hints""".replace("\n", " ").split(", ")
)  # fmt: skip


@dataclass(frozen=True)
class TopicModel:
    """The configured topics, ready to score."""

    slugs: tuple[str, ...]
    include: tuple[Matcher, ...]
    exclude: tuple[Matcher, ...]
    prototypes: Vector
    strong: Matcher
    weak: Matcher
    subreddits: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, topics: Topics, vectors_of: Callable[[Mapping[str, str]], Mapping[str, Vector]]) -> TopicModel:
        """Prototype of a topic: the mean of the embeddings of its description and examples.

        vectors_of: embeds texts by key, from the cache where it can.
        """
        prototypes: list[Vector] = []
        subreddits: dict[str, tuple[str, ...]] = {}
        told = {t.slug: (f"{t.label}. {t.description}", *t.examples) for t in topics.topics}
        known = vectors_of({text: text for texts in told.values() for text in texts})
        for topic in topics.topics:
            vectors = [known[text] for text in told[topic.slug]]
            mean = np.mean(vectors, axis=0)
            prototypes.append(mean / np.linalg.norm(mean))
            for name in topic.subreddits:
                subreddits[name.lower()] = (*subreddits.get(name.lower(), ()), topic.slug)
        return cls(
            tuple(t.slug for t in topics.topics),
            tuple(Matcher.of(t.include) for t in topics.topics),
            tuple(Matcher.of(t.exclude) for t in topics.topics),
            np.vstack(prototypes).astype(np.float32),
            Matcher.of(topics.relevance.strong),
            Matcher.of(topics.relevance.weak),
            subreddits,
        )

    def relevance(self, title: str, text: str, community: str | None) -> float:
        """How far a text is about artificial intelligence, 0 to 1, by its words and its subreddit."""
        stems, head = stems_of(text[:1500]), stems_of(title)
        value = (
            0.8 * self.strong.total(stems)
            + 0.6 * self.weak.total(stems)
            + 0.5 * self.strong.total(head)
            + 0.4 * self.weak.total(head)
        )
        if community and community.lower() in self.subreddits:
            value += 0.6
        if NOISE.any(head if title else stems):
            value -= 1.2
        return round(max(0.0, 1 - math.exp(-value)), 4)

    def scores(self, title: str, text: str, community: str | None, vector: Vector) -> list[tuple[str, float]]:
        """Up to three (topic, score 0 to 1), best first; an empty list when no topic fits."""
        head, body = stems_of(title), stems_of(text[:1200])
        near = self.prototypes @ vector
        found: list[tuple[str, float]] = []
        home = self.subreddits.get((community or "").lower(), ())
        for index, slug in enumerate(self.slugs):
            if self.exclude[index].any(body):
                continue
            words = 0.55 * self.include[index].total(body) + 0.45 * self.include[index].total(head)
            words += 0.5 if slug in home else 0.0
            if words <= 0:
                continue
            closeness = min(1.0, max(0.0, (float(near[index]) - FAR) / (NEAR - FAR)))
            score = round((1 - math.exp(-0.8 * words)) * (0.45 + 0.55 * closeness), 4)
            if score >= LEAST:
                found.append((slug, score))
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return [pair for pair in found[:MOST] if pair[1] >= NEAR_BEST * found[0][1]]
