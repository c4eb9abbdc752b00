"""Threads: the storylines of a topic's window with the claims that may be printed, most newsworthy first.

Newsworthiness is one documented score, made only of counts that the database can give again. What does not belong here:
which thread goes where (select.py).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from aidran_pipeline.text import facts_of
from aidran_pipeline.write.fit import is_post, on_topic, sentence_case, usable
from aidran_pipeline.write.material import Claim, Material, Page, Storyline

# Names too general to tell a reader what a storyline is about.
GENERAL = frozenset(
    """ai a.i ai-generated ai-powered ai-related ai-driven ai-native us u.s usa eu uk u.k ceo cto cfo llm llms gpu gpus
    api apis agi genai tech america american americans china chinese europe european british indian japanese korean
    russian german french israeli english western internet web silicon valley big tech ipo app apps ml ios mac pc pcs
    sci-fi bluesky reddit techmeme he she they we i it the company source sources report exclusive series""".split()
)


@dataclass
class Thread:
    """A storyline with its usable claims, best first, and the pages that only its records link to."""

    storyline: Storyline
    claims: list[Claim]
    pages: list[Page]
    score: float = 0.0

    @property
    def records(self) -> int:
        """Distinct records with a usable claim."""
        return len({c.source.record_id for c in self.claims})

    @property
    def authors(self) -> int:
        """Distinct authors."""
        return len({c.source.author_key for c in self.claims})

    @property
    def families(self) -> int:
        """Distinct publisher families among its reports."""
        return len({c.source.family for c in self.claims if not is_post(c)})

    @property
    def fit(self) -> float:
        """Mean topic score of its records, 0 to 1."""
        scores = {c.source.record_id: c.source.topic_score for c in self.claims}
        return math.fsum(scores.values()) / len(scores)

    def news(self) -> list[Claim]:
        """Claims of outlets."""
        return [c for c in self.claims if not is_post(c)]

    def posts(self) -> list[Claim]:
        """Claims of people who post."""
        return [c for c in self.claims if is_post(c)]

    def new(self) -> list[Claim]:
        """Claims of records that are younger than the story that told this storyline before; all where none did."""
        return [c for c in self.claims if is_new(c, self.storyline)]

    def names(self) -> list[str]:
        """Names in its claims, by how many records say them, then by first use; general ones left out.

        A word that stands in lower case elsewhere is none, nor is the plural noun that one sentence begins with.
        """
        said: dict[str, set[int | None]] = {}
        plain = {w for c in self.claims for w in re.findall(r"\b[a-z][\w’'-]+", c.source.text)}
        for claim in sorted(self.claims, key=lambda c: (c.native_id, c.start)):
            for fact in facts_of(claim.quote):
                opens = fact.start == 0 and " " not in fact.text and fact.text.rstrip("’'").endswith("s")
                if fact.kind == "name" and telling(fact.text) and fact.text.lower() not in plain and not opens:
                    said.setdefault(fact.text, set()).add(claim.source.record_id)
        first = {name: place for place, name in enumerate(said)}
        names: list[str] = []
        for name in sorted(said, key=lambda name: (-len(said[name]), first[name])):
            if not any(name.lower() in other.lower() or other.lower() in name.lower() for other in names):
                names.append(name)
        return names


def is_new(claim: Claim, storyline: Storyline) -> bool:
    """Whether a claim's record was published after the day of the latest story that told its storyline."""
    return storyline.told_on is None or (claim.source.day is not None and claim.source.day > storyline.told_on)


def telling(name: str) -> bool:
    """Whether a name tells what a storyline is about: one name, of a printable length, not a general one."""
    return 2 < len(name) <= 32 and " and " not in name and not general(name)


def general(term: str) -> bool:
    """Whether a name says nothing of its own: a general word, a bare figure, an adjective made of one."""
    words = term.lower().replace("’", "'").split()
    figure = term.replace("%", "").replace(".", "").isdigit()
    return all(w in GENERAL for w in words) or figure or term.lower().startswith("ai-")


def claim_value(claim: Claim, material: Material) -> float:
    """How much a claim adds: check-worthiness, centrality, freshness, figures, reach, evidence, its words."""
    recent = 0.3 if claim.source.day == material.day else 0.0
    figures = 0.15 if any(f.kind in ("number", "percent", "money") for f in facts_of(claim.quote)) else 0.0
    reach = min(0.3, math.log10(1 + claim.engagement + 5 * (claim.copies - 1)) / 10)
    length = 0.15 if 60 <= len(claim.quote) <= 200 else 0.0
    signal = 0.2 * material.signal_weight.get(claim.source.record_id or 0, 0.0)
    topic = 0.3 * claim.source.topic_score + (0.2 if on_topic(claim.quote, material) else 0.0)
    form = 0.1 if sentence_case(claim.quote) else 0.0
    voice = 0.15 if is_post(claim) and claim.kind in ("opinion", "advice") else 0.0
    return (
        claim.checkworthiness
        + 0.4 * claim.centrality
        + recent
        + figures
        + reach
        + length
        + signal
        + topic
        + form
        + voice
    )


def newsworthiness(thread: Thread, material: Material) -> float:
    """Breadth (outlets, voices, platforms), freshness, reach, share of the signal's evidence, and topic fit.

    score = log2(1 + families) + 0.4 log2(1 + voices) + 0.3 (platforms - 1) + 0.8 today + reach + 0.8 signal + 1.2 fit,
    times 1.15 for an event. Each term is a count or a mean over the storyline's usable records.
    """
    records = {c.source.record_id: c for c in thread.claims}.values()
    families = {c.source.family for c in records if not is_post(c)}
    voices = {c.source.author_key for c in records if is_post(c)}
    platforms = {c.source.platform for c in records}
    today = sum(c.source.day == material.day for c in records) / len(records)
    reach = min(1.0, math.log10(1 + sum(c.engagement for c in records)) / 4)
    total = math.fsum(material.signal_weight.values()) or 1.0
    signal = math.fsum(material.signal_weight.get(c.source.record_id or 0, 0.0) for c in records) / total
    score = (
        math.log2(1 + len(families)) + 0.4 * math.log2(1 + len(voices)) + 0.3 * (len(platforms) - 1)
        + 0.8 * today + reach + 0.8 * signal + 1.2 * thread.fit
    )  # fmt: skip
    return round(score * (1.15 if thread.storyline.kind == "event" else 1.0), 6)


def threads_of(material: Material, without: frozenset[int] = frozenset()) -> list[Thread]:
    """Storylines with at least one usable claim, best first. `without`: ids of claims that a gate refused.

    What an earlier story told is told again only with something new, and that first.
    """
    grouped: dict[int, list[Claim]] = {}
    for claim in material.claims:
        storyline = claim.source.storyline_id
        if storyline in material.storylines and claim.id not in without and usable(claim, material):
            grouped.setdefault(storyline, []).append(claim)
    threads = []
    for storyline, claims in grouped.items():
        own = material.storylines[storyline]
        ordered = sorted(claims, key=lambda c: (not is_new(c, own), -claim_value(c, material), c.native_id, c.start))
        pages = [p for p in material.pages if p.storylines == (storyline,)]
        thread = Thread(own, ordered, pages)
        if not thread.new():
            continue
        thread.score = newsworthiness(thread, material)
        threads.append(thread)
    return sorted(threads, key=lambda t: (-t.score, t.claims[0].native_id))
