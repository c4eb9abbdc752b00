"""Finding a quotation although its typography differs: a normalised text with a map back to the source's characters.

Plain and NFKC matching both fail on curly quotes, non-breaking spaces and dashes. The map gives, for each normalised
character, the code point of the source it came from.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from aidran_pipeline.text.spans import Span

SINGLE = "‘’‚‛′`´ʼ＇"
DOUBLE = "“”„‟″«»＂"
DASHES = "‐‑‒–—―−﹘﹣－"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufe0e\ufe0f"
FOLD = {**dict.fromkeys(SINGLE, "'"), **dict.fromkeys(DOUBLE, '"'), **dict.fromkeys(DASHES, "-")}


@dataclass(frozen=True)
class Normalised:
    """text: folded; offsets[i]: code point of the source that gave text[i]; length: that of the source."""

    text: str
    offsets: tuple[int, ...]
    length: int


def normalise(text: str) -> Normalised:
    """Fold quotes, dashes, compatibility forms, invisible characters and runs of white space."""
    out: list[str] = []
    offsets: list[int] = []
    for position, char in enumerate(text):
        if char in INVISIBLE:
            continue
        if char.isspace():
            if out and out[-1] != " ":
                out.append(" ")
                offsets.append(position)
            continue
        folded = FOLD.get(char) or unicodedata.normalize("NFKC", char)
        for piece in folded:
            out.append(FOLD.get(piece, piece))
            offsets.append(position)
    while out and out[-1] == " ":
        out.pop()
        offsets.pop()
    return Normalised("".join(out), tuple(offsets), len(text))


def find_quotes(text: str, quote: str) -> list[Span]:
    """Every place where the quotation stands, as spans of the source's own characters."""
    wanted = normalise(quote).text
    if not wanted:
        return []
    folded = normalise(text)
    spans, at = [], folded.text.find(wanted)
    while at >= 0:
        last = folded.offsets[at + len(wanted) - 1]
        spans.append(Span(folded.offsets[at], last + 1))
        at = folded.text.find(wanted, at + 1)
    return spans


def find_quote(text: str, quote: str) -> Span | None:
    """The one place where the quotation stands; None when it stands nowhere or more than once."""
    found = find_quotes(text, quote)
    return found[0] if len(found) == 1 else None
