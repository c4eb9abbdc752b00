"""Lineage: trace a citation to its bytes, verify what is published, say why a story was published or withheld.

Reads every table and changes none. The faces below are all that others may use; each function's result has `as_dict()`
for JSON, and show.py puts it into lines for a person.
"""

from __future__ import annotations

from aidran_pipeline.lineage.findings import Mismatch, Report
from aidran_pipeline.lineage.order import in_order_of_worth, show_order
from aidran_pipeline.lineage.show import show_report, show_trace, show_why
from aidran_pipeline.lineage.trace import Trace, trace
from aidran_pipeline.lineage.verify import verify
from aidran_pipeline.lineage.why import Why, why

__all__ = [
    "Mismatch", "Report", "Trace", "Why", "in_order_of_worth", "show_order", "show_report", "show_trace", "show_why",
    "trace", "verify", "why",
]  # fmt: skip
