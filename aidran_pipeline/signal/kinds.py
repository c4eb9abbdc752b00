"""The kinds of signals. A further kind is a module with a class that has the parts of `Kind`, and its line in `KINDS`.

What every kind shares stands elsewhere: what can be known of a day (inputs.py), figures, correction and severity
(findings.py), sealing and storing (compute.py). Which kinds are warnings: store/signal_kinds.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.coordinated import CoordinatedPosting
from aidran_pipeline.signal.divergence import PlatformDivergence
from aidran_pipeline.signal.entities import EntitySurge
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import DayInputs, Evidence
from aidran_pipeline.signal.sentiment import SentimentShift
from aidran_pipeline.signal.spread import CrossPlatformSpread
from aidran_pipeline.signal.talk import NarrativeShift, Novelty
from aidran_pipeline.signal.volume import DayCount
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.signal_kinds import WARNINGS

Series = Sequence[Mapping[str, Any]]


class Kind(Protocol):
    """How one kind measures a topic's day against the days before it.

    Whatever `load` gave is handed to `series` and `evidence` as `loaded`. All three see the compared sources only, on
    the days these reached, as known at `inputs.now`: what a new, dead or silent source did, what came late and how
    often a text was copied is no news of any kind.
    """

    name: str
    version: str
    versions: tuple[str, ...]  # those whose rows can be replayed, the present one among them

    def load(self, conn: Connection, inputs: DayInputs) -> Any:
        """One read a day for all topics, aggregated in SQL: `WITH {ONCE} …` with `inputs.asked()`.

        None for a kind that needs no more than the voices of `inputs`.
        """
        ...

    def series(self, inputs: DayInputs, loaded: Any, topic: str) -> list[dict[str, Any]]:
        """What is compared, a JSON object a day, oldest first, the day itself last: all that `detect` is given.

        Each has "day" and "count" (an integer of voices); count None marks a day that cannot be known. "total" 0, where
        there is one, marks a day that is no history. Further keys are the kind's own.
        """
        ...

    def detect(self, series: Series, tests: Tested, version: str | None = None) -> Finding:
        """The finding; its severity is None where nothing changed. The same series gives the same, bit for bit.

        version: that of stored rows, None for the present one. Raises LookupError for one that this release lacks.
        """
        ...

    def evidence(self, inputs: DayInputs, loaded: Any, topic: str, finding: Finding | None) -> Evidence:
        """The records that are the change. finding: None where the day could not be compared."""
        ...


class VolumeSpike:
    """More voices than the topic's share of all volume leads one to expect."""

    name = "volume_spike"
    version = volume.VERSION
    versions = tuple(volume.METHODS)

    def load(self, _conn: Connection, _inputs: DayInputs) -> None:
        """Nothing: it counts the voices themselves."""

    def series(self, inputs: DayInputs, _loaded: Any, topic: str) -> list[dict[str, Any]]:
        """Voices by day: see DayInputs.series."""
        return [day.as_dict() for day in inputs.series(topic)]

    def detect(self, series: Series, tests: Tested, version: str | None = None) -> Finding:
        """See volume.detect."""
        method = volume.METHODS.get(version or self.version)
        if method is None:
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(volume.METHODS)}")
        return method([DayCount.of(day) for day in series], tests.number, tests.kinds)

    def evidence(self, inputs: DayInputs, _loaded: Any, topic: str, _finding: Finding | None) -> Evidence:
        """Every voice counted: a spike is made of all of them."""
        return inputs.evidence(topic)


# In the order in which they are told of.
KINDS: tuple[Kind, ...] = (
    VolumeSpike(),
    EntitySurge(),
    CrossPlatformSpread(),
    PlatformDivergence(),
    Novelty(),
    NarrativeShift(),
    SentimentShift(),
    CoordinatedPosting(),
)

# Volume keeps a quarter of a topic's error, however many other kinds share the rest: it is the one kind that needs no
# reading of what was said, and its recall on known events is measured (benchmarks/releases).
SHARES = {"volume_spike": Fraction(1, 4)}


def kind_of(name: str, version: str | None = None) -> Kind | None:
    """The kind of that name, None where this release has none or cannot replay the version."""
    return next((k for k in KINDS if k.name == name and (version is None or version in k.versions)), None)


def correction_of(kind: str, topics: int) -> Tested:
    """What is tested on a day of so many topics, as seen by one kind: weighted Bonferroni over the story kinds.

    The kinds share the error of a topic's day by fixed weights (Genovese, Roeder and Wasserman, Biometrika 93, 2006):
    some have a share of their own, the others equal parts of the rest; a p counts as often as its kind's share goes
    into the whole, rounded up. A warning is counted by itself.
    """
    told = [k.name for k in KINDS if k.name not in WARNINGS]
    rest = 1 - sum(SHARES.values())
    share = SHARES.get(kind, rest / max(1, len(told) - len(SHARES)))
    kinds = math.ceil(1 / share) if kind in told else 1
    return Tested(max(1, topics) * kinds, kinds)
