"""The judge of model prose: do the quotes carry the sentence? Deterministic, offline, always on.

Two questions. Did the sentence change what the quotes say (figures, names, negation, doubt, roles: `distortions.py`,
each a veto with its reason)? And how much of it do they carry (a score of 0 to 1)? "supported" needs both. A paraphrase
in other words may be refused; what is published must be findable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aidran_pipeline.text import facts_of, supports_facts
from aidran_pipeline.write.support.distortions import SPEECH, distortions
from aidran_pipeline.write.support.reading import Reading, read, read_all

JUDGE = "support"
JUDGE_VERSION = "support-1"
SUPPORTED, PARTLY = 0.5, 0.3
DIGITS = 3
MONTH = re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")


@dataclass(frozen=True)
class Verdict:
    """score: 0 to 1, in thousandths, so that no verdict hangs on a float's last bit; reasons: why not "supported"."""

    verdict: Literal["supported", "partly", "not"]
    score: float
    reasons: tuple[str, ...] = ()


def support(
    sentence: str, quotes: Sequence[str], context: Sequence[str] = (), *, metadata: Sequence[str] = ()
) -> Verdict:
    """Whether the union of the quotes supports a sentence.

    context: the texts around the quotes, which may take a quote back but carry nothing; metadata: what a sentence may
    state of its sources without quoting it (outlet, author, day). Pure and deterministic.
    """
    if not any(quote.strip() for quote in quotes):
        return Verdict("not", 0.0, ("no quotes",))
    if not sentence.strip():
        return Verdict("not", 0.0, ("no words",))
    reading, evidence = read(sentence), read_all(quotes)
    reasons = [f"not in the quotes: {words}" for words in _foreign(sentence, quotes, metadata)]
    reasons += [words for _, words in distortions(reading, evidence)]
    score = round(_coverage(reading, evidence, metadata), DIGITS)
    if score < SUPPORTED:
        reasons.append("says more than the quotes")
    if not reasons:
        return Verdict("supported", score)
    return Verdict("partly" if score >= PARTLY else "not", score, tuple(reasons))


def _foreign(sentence: str, quotes: Sequence[str], metadata: Sequence[str]) -> list[str]:
    """Numbers, dates, names and quoted phrases that neither quotes nor metadata hold."""
    allowed = " \n ".join([*quotes, *metadata])
    lowered = allowed.lower()
    missing = supports_facts(facts_of(sentence), facts_of(allowed))
    months = dict.fromkeys(match.group(0) for match in MONTH.finditer(sentence) if match.start())
    return [fact.text for fact in missing if fact.text.strip("@“” ").lower() not in lowered] + [
        month for month in months if not re.search(rf"\b{month[:3]}", allowed)
    ]


def _coverage(reading: Reading, evidence: Sequence[Reading], metadata: Sequence[str]) -> float:
    """Share of content words that the quotes or the metadata hold: of all, and of the clause that has least."""
    told = frozenset().union(*(read(text).stems for text in metadata))
    union = frozenset().union(*(e.stems for e in evidence)) | told

    def share(stems: Sequence[str], among: frozenset[str]) -> float:
        wanted = [stem for stem in stems if stem not in SPEECH]
        return sum(stem in among for stem in wanted) / len(wanted) if wanted else 1.0

    clauses = [max(share(clause, e.stems | told) for e in evidence) for clause in reading.clauses]
    return 0.6 * share(reading.content, union) + 0.4 * min(clauses, default=1.0)
