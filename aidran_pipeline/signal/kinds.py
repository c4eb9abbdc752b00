"""The kinds of signals. A further kind is a class with `name`, `version` and `detect`, added to `KINDS`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.volume import DayCount, Finding


class Kind(Protocol):
    """A kind compares the last day of a series with the days before it; the same series gives the same finding."""

    name: str
    version: str

    def detect(self, series: Sequence[DayCount], tests: int) -> Finding:
        """The finding; its severity is None where nothing changed."""
        ...


class VolumeSpike:
    """More voices than the topic's share of all volume leads one to expect."""

    name = "volume_spike"
    version = volume.VERSION

    def detect(self, series: Sequence[DayCount], tests: int) -> Finding:
        """See volume.detect."""
        return volume.detect(series, tests)


KINDS: tuple[Kind, ...] = (VolumeSpike(),)
