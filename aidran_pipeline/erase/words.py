"""Whether a text holds words of what is erased. Pure: no database.

Compared by runs of words, without case and punctuation, so that a slug, an escaped quotation and a heading cut out of a
sentence are found as well as the sentence itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

RUN = 4  # words in a row that are the text's own; three are said by chance
BLANK = "Source withdrawn."
_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def words_of(text: str) -> list[str]:
    """Words in lower case; escapes of JSON and HTML are read first."""
    plain = _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text).replace("_", " ")
    return _WORD.findall(html.unescape(plain).lower().replace("\\n", " "))


def runs_of(text: str, length: int = RUN) -> set[tuple[str, ...]]:
    """Every run of so many words; of a shorter text the whole of it."""
    words = words_of(text)
    if not words:
        return set()
    return {tuple(words[at : at + length]) for at in range(max(1, len(words) - length + 1))}


class Erased:
    """The words of what is erased: its texts in all versions, and the names its author goes by."""

    def __init__(self, texts: Iterable[str], names: Iterable[str]) -> None:
        self.runs = {run for text in texts for run in runs_of(text)}
        self.names = {tuple(words) for name in names if len(name) > 3 and (words := words_of(name))}
        self._long = {run for run in self.runs if len(run) == RUN}
        self._short = {run for run in self.runs if len(run) < RUN}

    def in_text(self, text: str, allowed: set[tuple[str, ...]] | frozenset[tuple[str, ...]] = frozenset()) -> bool:
        """Whether a text holds a run of these words that is not also one of `allowed` (others said it as well)."""
        words = words_of(text)
        found = {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}
        if (found & self._long) - allowed:
            return True
        if tuple(words) in self._short or any(_within(words, part) for part in self._short if len(part) > 2):
            return True
        return any(_within(words, name) for name in self.names)

    def out_of(self, value: Any) -> tuple[Any, bool]:
        """A JSON value with every text that holds these words blanked, keys too; whether that changed it."""
        if isinstance(value, str):
            return (BLANK, True) if self.in_text(value) else (value, False)
        if isinstance(value, list):
            parts = [self.out_of(part) for part in value]
            return [part for part, _ in parts], any(changed for _, changed in parts)
        if isinstance(value, dict):
            pairs = [(self.out_of(str(key)), self.out_of(part)) for key, part in value.items()]
            changed = any(a[1] or b[1] for a, b in pairs)
            return {a[0]: b[0] for a, b in pairs}, changed
        return value, False


def _within(words: list[str], part: tuple[str, ...]) -> bool:
    size = len(part)
    return any(tuple(words[at : at + size]) == part for at in range(len(words) - size + 1))
