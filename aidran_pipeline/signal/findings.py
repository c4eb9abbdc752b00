"""What a comparison says, whatever was compared: figures, corrected p-values, severity. Pure; all kinds share it.

Correction. Every topic is tested by every story kind each day. The kinds share the error of a topic by fixed weights
(kinds.correction_of), topics share it alike: a weighted Bonferroni correction, valid however kinds and topics depend on
each other, and computed again from two stored integers. strong and severe hold after it: in twenty days without any
change, one shows a strong signal anywhere. notable holds for one topic over its kinds: one topic-day in twenty shows as
much in some kind by chance. Warnings are corrected for topics alone: no story rests on them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NOTABLE, STRONG, SEVERE = 0.05, 0.05, 1e-4
LEAST_RATIO = {"notable": 1.3, "strong": 1.6, "severe": 2.5}


@dataclass(frozen=True)
class Tested:
    """By what a p-value is multiplied: number for all tests of the day, kinds for those of one topic."""

    __test__ = False  # nothing for pytest to collect
    number: int
    kinds: int = 1


@dataclass(frozen=True)
class Finding:
    """What comparing gave.

    observed and expected in the unit of the kind; score in standard deviations; p_value corrected for all that was
    tested that day (Tested.number), p_uncorrected for the kind's own windows and subjects only; severity None below
    notable; subject: what the change is about, where the kind names something (an entity, a storyline's first words).
    """

    observed: float
    expected: float
    score: float
    p_value: float
    p_uncorrected: float
    severity: str | None
    subject: str | None = None


def corrected(alone: float, number: int) -> float:
    """A p-value after Bonferroni, rounded so that a library that differs in the last bit gives the same signal."""
    return float(f"{min(1.0, alone * max(1, number)):.9g}")


def severity(count: float, expected: float, alone: float, corrected: float, kinds: int = 1) -> str | None:
    """How grave a rise is, None when it is none.

    severe: corrected p < 0.0001 and 2.5 times the expected; strong: corrected p < 0.05 and 1.6 times; notable: p < 0.05
    after correction for the kinds of one topic, and 1.3 times.
    """
    ratio = count / expected if expected > 0 else math.inf
    for name, p_value, limit in (
        ("severe", corrected, SEVERE),
        ("strong", corrected, STRONG),
        ("notable", alone * max(1, kinds), NOTABLE),
    ):
        if p_value < limit and ratio >= LEAST_RATIO[name]:
            return name
    return None
