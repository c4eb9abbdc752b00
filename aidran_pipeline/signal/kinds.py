"""The kinds of signals. A further kind is a class with the parts of `Kind`, added to `KINDS` and the CHECK of signals.

What every kind shares stands elsewhere: what can be known of a day (inputs.py), sealing and storing (compute.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.inputs import DayInputs, Evidence
from aidran_pipeline.signal.volume import DayCount, Finding

Series = Sequence[Mapping[str, Any]]


class Kind(Protocol):
    """How one kind measures a topic's day against the days before it."""

    name: str
    version: str
    versions: tuple[str, ...]  # those whose rows can be replayed, the present one among them

    def series(self, inputs: DayInputs, topic: str) -> list[dict[str, Any]]:
        """What is compared, a JSON object a day, oldest first, the day itself last: all that `detect` is given.

        Each has "day" and "count"; count None marks a day that cannot be known.
        """
        ...

    def detect(self, series: Series, tests: int, version: str | None = None) -> Finding:
        """The finding; its severity is None where nothing changed. The same series gives the same, bit for bit.

        version: that of stored rows, None for the present one. Raises LookupError for one that this release lacks.
        """
        ...

    def evidence(self, inputs: DayInputs, topic: str) -> Evidence:
        """The records that are the change."""
        ...


class VolumeSpike:
    """More voices than the topic's share of all volume leads one to expect."""

    name = "volume_spike"
    version = volume.VERSION
    versions = tuple(volume.METHODS)

    def series(self, inputs: DayInputs, topic: str) -> list[dict[str, Any]]:
        """Voices by day: see DayInputs.series."""
        return [day.as_dict() for day in inputs.series(topic)]

    def detect(self, series: Series, tests: int, version: str | None = None) -> Finding:
        """See volume.detect."""
        method = volume.METHODS.get(version or self.version)
        if method is None:
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(volume.METHODS)}")
        return method([DayCount.of(day) for day in series], tests)

    def evidence(self, inputs: DayInputs, topic: str) -> Evidence:
        """Every voice counted: a spike is made of all of them."""
        return inputs.evidence(topic)


KINDS: tuple[Kind, ...] = (VolumeSpike(),)
