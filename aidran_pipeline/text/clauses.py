"""Clauses that stand alone within a sentence, for headlines and short quotations.

Substrings only, nothing is reworded.
"""

from __future__ import annotations

import re

from aidran_pipeline.text.spans import Span, trimmed

CREDIT = re.compile(r"\s*\((?:[^()]*/)?[A-Z][^()]{1,60}\)\s*$")
BREAK = re.compile(
    r",?\s+(?:—|–|--)\s+|;\s+|\s+[-–]\s+|\s+\|\s+|,\s+(?:according to|citing|as|while|after|with|which"
    r"|who|and|but|saying|including|per|in a|amid|despite)\b"
    r"|\s+(?:amid|despite|according to|after|because|although|while|as part of)\b"
)
LABEL = re.compile(r"^(?:[A-Z][\w’' ]{2,24}|Exclusive|Breaking|Opinion|Analysis):\s+")
MIN = 18


def clause_spans(text: str, span: Span) -> list[Span]:
    """Shorter spans of text[span] that can stand alone, longest first; the span itself is not among them.

    They lack a trailing credit, what follows a break, or a leading label.
    """
    sentence = span.of(text)
    found: set[Span] = set()
    end = len(sentence)
    credit = CREDIT.search(sentence)
    if credit:
        end = credit.start()
        _add(found, text, span.start, span.start + end)
    starts = [0]
    label = LABEL.match(sentence)
    if label:
        starts.append(label.end())
        _add(found, text, span.start + label.end(), span.start + end)
    for match in BREAK.finditer(sentence[:end]):
        for start in starts:
            if match.start() - start >= MIN and _closed(sentence[start : match.start()]):
                _add(found, text, span.start + start, span.start + match.start())
    found.discard(span)
    return sorted(found, key=lambda s: (-(s.end - s.start), s.start))


def _closed(clause: str) -> bool:
    return (
        clause.count("(") == clause.count(")") and clause.count("“") == clause.count("”") and clause.count('"') % 2 == 0
    )


def _add(found: set[Span], text: str, start: int, end: int) -> None:
    span = trimmed(text, start, end)
    if span and span.end - span.start >= MIN:
        found.add(span)
