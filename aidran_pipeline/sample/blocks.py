"""The format of the sample's text files: blocks that open with a line `= KIND WORDS… name=value…`, then their text.

Lines that begin with `#` before the first block of a file are comments. In a value an underscore stands for a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OPTION = re.compile(r"([a-z]+)=(\S+)")


class SampleError(ValueError):
    """A sample file does not fit its format; the message names file, line and rule."""


@dataclass(frozen=True)
class Block:
    """One block. where: file and line, for messages; text: what stands below the opening line, stripped."""

    where: str
    kind: str
    words: tuple[str, ...]
    options: dict[str, str]
    text: str

    def option(self, name: str) -> str | None:
        """A value with its spaces back, or None."""
        value = self.options.get(name)
        return None if value is None else value.replace("_", " ")

    def number(self, name: str) -> int | None:
        """A whole number, or None. Raises SampleError for anything else."""
        value = self.options.get(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise SampleError(f"{self.where}: {name}={value} is not a whole number") from None

    def titled(self) -> tuple[str, str]:
        """The first line and the rest. Raises SampleError when there is no first line."""
        title, _, body = self.text.partition("\n")
        if not title.strip():
            raise SampleError(f"{self.where}: a title is needed below the opening line")
        return title.strip(), body.strip()


def read_blocks(path: Path, kinds: dict[str, tuple[int, frozenset[str]]]) -> Iterator[Block]:
    """The blocks of a file in order. kinds: kind to (number of words after it, names of its options).

    Raises SampleError for an unknown kind or option, or a wrong number of words.
    """
    opening: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("= "):
            if opening is not None:
                yield _block(path, opening, lines, kinds)
            opening, lines = (number, line[2:]), []
        elif opening is not None:
            lines.append(line)
        elif line.strip() and not line.startswith("#"):
            raise SampleError(f"{path.name}:{number}: text before the first block")
    if opening is not None:
        yield _block(path, opening, lines, kinds)


def _block(
    path: Path, opening: tuple[int, str], lines: list[str], kinds: dict[str, tuple[int, frozenset[str]]]
) -> Block:
    number, line = opening
    where = f"{path.name}:{number}"
    kind, *rest = line.split()
    if kind not in kinds:
        raise SampleError(f"{where}: unknown kind {kind!r}; known are {', '.join(sorted(kinds))}")
    words = tuple(word for word in rest if not _OPTION.fullmatch(word))
    options = {match[1]: match[2] for match in map(_OPTION.fullmatch, rest) if match}
    count, known = kinds[kind]
    if len(words) != count:
        raise SampleError(f"{where}: {kind} takes {count} words, {len(words)} given")
    strange = sorted(set(options) - known)
    if strange:
        raise SampleError(f"{where}: {kind} knows no {strange[0]}=; known are {', '.join(sorted(known)) or 'none'}")
    return Block(where, kind, words, options, "\n".join(lines).strip())
