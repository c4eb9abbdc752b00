"""Lines for a terminal without knowing one: text in styled parts, wrapped, with hashes and addresses left whole.

Styles: head, dim, mark (a quote in its surroundings), good, bad, or "" for plain. The command line maps them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Part = tuple[str, str]
LEFT = 13  # width of the column of names
_OPEN, _CLOSE = "\ue000", "\ue001"  # marks while wrapping: sources write » and « themselves


@dataclass(frozen=True)
class Line:
    """One line: (style, text) parts. Texts may hold a source's words: whoever prints them drops control characters."""

    parts: tuple[Part, ...]

    @property
    def plain(self) -> str:
        """Without styles."""
        return "".join(text for _, text in self.parts)


def _bare(text: str) -> str:
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def said(value: Any) -> str:
    """A value as an analyst reads it: moments in UTC to the second, booleans in words."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


class Page:
    """Collects lines. width: columns of the terminal."""

    def __init__(self, width: int = 100) -> None:
        self.width = max(60, width)
        self.lines: list[Line] = []

    def line(self, *parts: Part | str) -> None:
        """One line as it is."""
        self.lines.append(Line(tuple(("", part) if isinstance(part, str) else part for part in parts)))

    def gap(self) -> None:
        """An empty line, never two."""
        if self.lines and self.lines[-1].parts:
            self.lines.append(Line(()))

    def head(self, title: str, note: str = "") -> None:
        """A heading after an empty line."""
        self.gap()
        self.line(("head", title), ("dim", f"  {note}" if note else ""))

    def text(self, words: str, *, indent: int = 2, style: str = "") -> None:
        """A paragraph, wrapped; its own line breaks are kept."""
        for row in words.split("\n"):
            for part in self._wrap(row, self.width - indent):
                self.line(" " * indent, (style, part))

    def pair(self, name: str, value: Any, *, style: str = "", indent: int = 2) -> None:
        """A name and its value; empty ones are left out."""
        if value in (None, "", [], {}):
            return
        rows = [part for row in said(value).split("\n") for part in self._wrap(row, self.width - indent - LEFT)]
        if len(name) >= LEFT:
            self.line(("dim", " " * indent + name))
            name = ""
        for number, row in enumerate(rows):
            label = name if number == 0 else ""
            self.line(("dim", " " * indent + label.ljust(LEFT)), (style, row))

    def pairs(self, values: Mapping[str, Any], *, indent: int = 2) -> None:
        """Several pairs."""
        for name, value in values.items():
            self.pair(name, value, indent=indent)

    def table(self, columns: list[str], rows: list[list[Any]], *, indent: int = 2) -> None:
        """Columns as wide as their longest cell, never cut: a run id is there to be copied."""
        cells = [["" if cell is None else said(cell) for cell in row] for row in rows]
        widths = [
            max(len(name), *(len(row[i]) for row in cells)) if cells else len(name) for i, name in enumerate(columns)
        ]
        self.line(("dim", " " * indent + "  ".join(n.ljust(w) for n, w in zip(columns, widths, strict=True)).rstrip()))
        for row in cells:
            self.line(" " * indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())

    def marked(self, before: str, quote: str, after: str, *, indent: int = 2) -> None:
        """A quote between its surroundings, in »marks« that stay when colours go."""
        flowing = _OPEN.join((_bare(before), _bare(quote))) + _CLOSE + _bare(after)
        inside = False
        for row in flowing.split("\n"):
            for part in self._wrap(row, self.width - indent):
                parts: list[Part] = [("", " " * indent)]
                inside = self._styled(part, inside, parts)
                self.line(*parts)

    @staticmethod
    def _styled(text: str, inside: bool, parts: list[Part]) -> bool:
        """Split a wrapped row at the marks; returns whether the next row begins inside the quote."""
        for piece in re.split(f"([{_OPEN}{_CLOSE}])", text):
            if piece == _OPEN:
                inside = True
                parts.append(("mark", "»"))
            elif piece == _CLOSE:
                inside = False
                parts.append(("mark", "«"))
            elif piece:
                parts.append(("mark" if inside else "", piece))
        return inside

    @staticmethod
    def _wrap(text: str, width: int) -> list[str]:
        return textwrap.wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False) or [""]
