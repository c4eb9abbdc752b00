"""Finding a quotation although its typography differs: a normalised text with a map back to the source's characters.

Plain and NFKC matching both fail on curly quotes, non-breaking spaces and dashes. The map gives, for each normalised
character, the code point of the source it came from. What is found is the source's own wording, never the asker's: no
ellipsis joins two places, no match begins or ends inside of a word, a figure or a composed character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from aidran_pipeline.text.spans import Span

SINGLE = "‘’‚‛′`´ʼ＇"
DOUBLE = "“”„‟″«»＂"
DASHES = "‐‑‒–—―−﹘﹣－"
SELECTORS = "\ufe0e\ufe0f"
JOINER = "\u200d"
INVISIBLE = "\u200b\u200c\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e" + JOINER + SELECTORS
FOLD = {**dict.fromkeys(SINGLE, "'"), **dict.fromkeys(DOUBLE, '"'), **dict.fromkeys(DASHES, "-")}


@dataclass(frozen=True)
class Normalised:
    """text: folded; offsets[i]: code point of the source that gave text[i]; length: that of the source."""

    text: str
    offsets: tuple[int, ...]
    length: int


def normalise(text: str) -> Normalised:
    """Fold quotes, dashes, compatibility forms (NFKD), invisible characters and runs of white space."""
    out: list[str] = []
    offsets: list[int] = []
    for position, char in enumerate(text):
        if char in INVISIBLE:
            continue
        for piece in FOLD.get(char) or unicodedata.normalize("NFKD", char):
            folded = " " if piece.isspace() else FOLD.get(piece, piece)
            if folded != " " or (out and out[-1] != " "):
                out.append(folded)
                offsets.append(position)
    while out and out[-1] == " ":
        out.pop()
        offsets.pop()
    return Normalised("".join(out), tuple(offsets), len(text))


def find_quotes(text: str, quote: str) -> list[Span]:
    """Every place where the quotation stands, as spans of the source's own characters.

    Where it stands nowhere as asked, its first letter may be small for capital or capital for small: a quotation opens
    a sentence that it did not open, or the other way round.
    """
    wanted = normalise(quote).text
    if not wanted:
        return []
    folded = normalise(text)
    found = list(_find(text, folded, wanted))
    other = wanted[0].swapcase()
    if found or other == wanted[0] or len(other) != 1:
        return found
    return list(_find(text, folded, other + wanted[1:]))


def find_quote(text: str, quote: str) -> Span | None:
    """The one place where the quotation stands; None when it stands nowhere or more than once."""
    found = find_quotes(text, quote)
    return found[0] if len(found) == 1 else None


def _find(text: str, folded: Normalised, wanted: str) -> Iterator[Span]:
    at = folded.text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if _whole(folded, at, end):
            last = folded.offsets[end - 1] + 1
            while last < len(text) and text[last] in SELECTORS:
                last += 1
            span = Span(folded.offsets[at], last)
            if not _cuts(text, span):
                yield span
        at = folded.text.find(wanted, at + 1)


def _whole(folded: Normalised, start: int, end: int) -> bool:
    """Whether a match holds whole characters of the source: no half of a ligature, no letter without its accent."""
    offsets = folded.offsets
    if start > 0 and offsets[start - 1] == offsets[start]:
        return False
    return end == len(offsets) or (offsets[end] != offsets[end - 1] and not unicodedata.combining(folded.text[end]))


def _cuts(text: str, span: Span) -> bool:
    """Whether a span begins or ends inside of a word, a figure or a joined emoji ("able" in "unable", "5" in "1.5")."""
    before, first = text[max(0, span.start - 2) : span.start], text[span.start]
    last, after = text[span.end - 1], text[span.end : span.end + 2]
    if JOINER in (before[-1:], after[:1]):
        return True
    if _same_word(before[-1:], first) or _same_word(last, after[:1]):
        return True
    if first.isdigit() and before[-1:] in ".," and before[:1].isdigit() and len(before) == 2:
        return True
    return last.isdigit() and after[:1] in ".," and after[1:].isdigit()


def _same_word(left: str, right: str) -> bool:
    return _part_of_word(left) and _part_of_word(right)


def _part_of_word(char: str) -> bool:
    """A digit, or a letter of a script that puts space between words."""
    return char.isdigit() or (char.isalpha() and char.upper() != char.lower())
