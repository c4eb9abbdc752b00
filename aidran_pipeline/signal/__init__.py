"""Signals: measured change per topic and day. The faces below are all that others may use."""

from aidran_pipeline.signal.compute import compute_signals, replay
from aidran_pipeline.signal.kinds import KINDS

__all__ = ["KINDS", "compute_signals", "replay"]
