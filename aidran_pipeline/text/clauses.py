"""Clauses that stand alone within a sentence, for headlines and short quotations.

Substrings only, nothing is reworded.
"""

from __future__ import annotations

import re

from aidran_pipeline.text.spans import Span, trimmed

CREDIT = re.compile(r"\s*\((?:[^()]*/)?[A-Z][^()]{1,60}\)\s*$")
# Where a sentence may end early. Never before what gives its source or takes something back: see `TURNS`.
BREAK = re.compile(
    r",?\s+(?:—|–|--)\s+|;\s+|\s+[-–]\s+|\s+\|\s+|,\s+(?:as|after|with|which|who|and|including|per|in a)\b"
    r"|\s+(?:after|because|as part of)\b"
)
TURNS = re.compile(
    r"\b(?:but|though|although|while|yet|however|if|unless|except|only|despite|amid|says?|said|saying|claim(?:s|ed)?|according|"
    r"alleg\w+|accus\w+|den(?:y|ies|ied)|reportedly|critics?|rumou?r\w*|sources|citing|told|argues?|warns?|thinks?|believes?|"
    r"not|never|no longer|false\w*|may|might|could|would)\b|n['’]t\b",
    re.I,
)
# A label that says nothing of who speaks or how sure it is. "Sources:" and names stay.
LABEL = re.compile(r"^(?:Exclusive|Breaking|Update|Watch|Video|Live):\s+")
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
            whole = not TURNS.search(sentence[match.start() : end])
            if match.group(0).lstrip(", ") in ("and", "including") and "," in sentence[start : match.start()]:
                continue  # the last of a list, not a clause of its own
            if whole and match.start() - start >= MIN and _closed(sentence[start : match.start()]):
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
