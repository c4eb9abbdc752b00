"""Erasure: what was deleted at its source, or is to go on request, is blanked everywhere it stands.

The one package that may change what was written. It uses the stages' faces to cut bodies and to tell stories again.
"""

from __future__ import annotations

from aidran_pipeline.erase.erasing import Erasure, erase_records
from aidran_pipeline.erase.reconciling import Reconciled, reconcile
from aidran_pipeline.erase.targets import Target, find_target

__all__ = ["Erasure", "Reconciled", "Target", "erase_records", "find_target", "reconcile"]
