"""Newsworthiness of a topic's day: one score that decides story, short dispatch or nothing, and in what order.

    score = change + breadth + 2 · novelty - 2 · saturation

change      What was measured. A signal counts -log10 of its uncorrected p, at most 6, halved; the strongest counts
            whole, the second half, the third a third, as kinds measure the same records from several sides. A topic
            that is still warming up has none.
breadth     log2(1 + publisher families) + 0.4 · log2(1 + people) + 0.3 · (platforms - 1), over the records of the day
            that a statement can be quoted from. Copies and outlets of one owner count once.
novelty     Share of those records whose storyline began on the day or the day before.
saturation  How much of it the topic has published already: over its stories of the last seven days, the share of the
            records whose storyline a story told, halved for every two days of its age; 1.5 at most.

Every term is a count of rows, so that a decision can be worked out again. The thresholds stand in publication.yaml.
What does not belong here: which storyline leads (threads.py), whether a draft may be printed (gates/).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.store.db import Connection
from aidran_pipeline.write.draft import Source
from aidran_pipeline.write.material import Material, load_material

Worth = Literal["story", "dispatch", "nothing"]
HALF_LIFE = 2  # days
MOST_CHANGE, MOST_SATURATION = 6.0, 1.5
NOVELTY, SATURATION = 2.0, 2.0


@dataclass(frozen=True)
class Newsworthiness:
    """The score with its terms. worth: what it is enough for; counts: the rows behind the terms."""

    score: float
    worth: Worth
    terms: dict[str, float]
    counts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For the decision's numbers."""
        return {"score": self.score, "worth": self.worth, **self.terms, **self.counts}

    def as_reason(self, publication: Publication) -> dict[str, Any]:
        """Why nothing is written, as a gate would say it."""
        if not self.counts["records_today"]:
            detail = f"0 quotable claims of the day, {self.counts['records_read']} records read in its window"
            return {"gate": "evidence", "rule": "no usable claim", "detail": detail, "sentence": -1}
        least = publication.newsworthiness.dispatch
        terms = ", ".join(f"{name} {value:.2f}" for name, value in self.terms.items())
        detail = f"newsworthiness {self.score:.2f}, {least:g} needed for a dispatch: {terms}"
        return {"gate": "evidence", "rule": "not newsworthy", "detail": detail, "sentence": -1}


def newsworthiness_of(material: Material, publication: Publication) -> Newsworthiness:
    """The score of one (day, topic). Pure: the same material gives the same."""
    today = list({c.source.record_id: c.source for c in material.claims if c.source.day == material.day}.values())
    breadth, counts = _breadth(today)
    counts["records_read"] = material.records_read
    terms = {
        "change": _change(material.signals),
        "breadth": breadth,
        "novelty": round(NOVELTY * _share(today, _began(material)), 4),
        "saturation": -round(SATURATION * _saturation(today, material), 4),
    }
    score = round(math.fsum(terms.values()), 4)
    return Newsworthiness(score, _worth(score, publication), terms, counts)


def in_order(conn: Connection, day: date, topics: Iterable[str], publication: Publication) -> list[str]:
    """The topics of a day, most newsworthy first: who comes first may use what two topics share, and the budget."""
    scored = [(newsworthiness_of(load_material(conn, day, t, publication), publication).score, t) for t in topics]
    return [topic for _, topic in sorted(scored, key=lambda each: (-each[0], each[1]))]


def _worth(score: float, publication: Publication) -> Worth:
    limits = publication.newsworthiness
    if score >= limits.story:
        return "story"
    return "dispatch" if score >= limits.dispatch else "nothing"


def _change(signals: Iterable[dict[str, Any]]) -> float:
    strength = sorted(min(MOST_CHANGE, -math.log10(max(float(s["p_uncorrected"]), 1e-12))) for s in signals)
    return round(math.fsum(each / 2 / place for place, each in enumerate(reversed(strength), start=1)), 4)


def _breadth(today: list[Source]) -> tuple[float, dict[str, int]]:
    counts = {
        "records_today": len(today),
        "families_today": len({s.family for s in today if s.platform == "news"}),
        "people_today": len({s.author_key for s in today if s.platform != "news"}),
        "platforms_today": len({s.platform for s in today}),
    }
    breadth = (
        math.log2(1 + counts["families_today"])
        + 0.4 * math.log2(1 + counts["people_today"])
        + 0.3 * max(0, counts["platforms_today"] - 1)
    )
    return round(breadth, 4), counts


def _began(material: Material) -> set[int]:
    return {s.id for s in material.storylines.values() if (material.day - s.first_day).days <= 1}


def _saturation(today: list[Source], material: Material) -> float:
    told = material.told_lately()
    parts = [_share(today, e.storylines) * 0.5 ** (((material.day - e.day).days - 1) / HALF_LIFE) for e in told]
    return min(MOST_SATURATION, math.fsum(parts))


def _share(sources: list[Source], storylines: Iterable[int]) -> float:
    wanted = set(storylines)
    return sum(s.storyline_id in wanted for s in sources) / len(sources) if sources else 0.0
