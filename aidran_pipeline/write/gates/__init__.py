"""The contract of an article as code: nine gates over a `Draft`, run before it is stored and again on the rows.

Each gate is a function `(Draft, Context) -> list[GateFailure]` in a module of its own; `GATES` gives their order and
names. A gate never changes a draft.
"""

from __future__ import annotations

from aidran_pipeline.write.draft import Draft
from aidran_pipeline.write.gates.base import Context, Gate, GateFailure
from aidran_pipeline.write.gates.counts import counts_equal_rows
from aidran_pipeline.write.gates.evidence import enough_evidence
from aidran_pipeline.write.gates.facts import facts_stand_in_quotes
from aidran_pipeline.write.gates.language import fit_to_print
from aidran_pipeline.write.gates.origin import nothing_from_a_model
from aidran_pipeline.write.gates.quotes import quotes_are_verbatim
from aidran_pipeline.write.gates.repeats import not_a_repeat
from aidran_pipeline.write.gates.support import every_sentence_supported
from aidran_pipeline.write.gates.synthesis import cited_or_synthesis

GATES: tuple[tuple[str, Gate], ...] = (
    ("quotes", quotes_are_verbatim),
    ("synthesis", cited_or_synthesis),
    ("facts", facts_stand_in_quotes),
    ("support", every_sentence_supported),
    ("origin", nothing_from_a_model),
    ("evidence", enough_evidence),
    ("language", fit_to_print),
    ("repeats", not_a_repeat),
    ("counts", counts_equal_rows),
)


def run_gates(draft: Draft, context: Context) -> list[GateFailure]:
    """Every failure of every gate, in order; an empty list means that the draft may be published."""
    return [failure for _, gate in GATES for failure in gate(draft, context)]


__all__ = ["GATES", "Context", "Gate", "GateFailure", "run_gates"]
