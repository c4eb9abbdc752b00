"""Signals: measured change per topic and day. The faces below are all that others may use."""

from aidran_pipeline.signal.compute import compute_signals, replay
from aidran_pipeline.signal.kinds import KINDS
from aidran_pipeline.signal.listing import latest_day, list_signals
from aidran_pipeline.signal.replaying import replay_days

__all__ = ["KINDS", "compute_signals", "latest_day", "list_signals", "replay", "replay_days"]
