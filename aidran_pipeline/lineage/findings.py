"""What verify found: how many things of each kind were checked, and every mismatch by name. No database here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Progress = Callable[[str], None]

# Each kind of check, in the order of the chain: what a report calls it and what holding means.
KINDS = {
    "body": ("stored bodies", "SHA-256 and length of the stored body equal its key"),
    "record": ("records", "parsed again from the stored body, word for word and with their metadata"),
    "page": ("web pages", "extracted again from the stored body, word for word"),
    "text": ("stored texts", "the text's SHA-256, computed again"),
    "claim": ("claims", "the quote stands at its offsets in the record's text"),
    "quote": ("cited quotes", "the quote stands at its offsets in what the citation names"),
    "marker": ("sentences", "the markers printed are those of the sentence's citations, each supported"),
    "gate": ("gates", "run again over the rows of the newest version"),
    "count": ("printed counts", "records and pages cited, counted again"),
    "weight": ("weights", "computed again from the sentences that use the citation"),
    "content": ("content hashes", "of the whole version, computed again from its rows"),
    "input": ("inputs", "signals, storylines and earlier versions that the story names exist"),
    "signal": ("signals", "of the stories, replayed from their stored baselines, bit for bit"),
    "version": ("version chains", "numbered from 1 without a gap, each with its decision"),
    "site": ("built files", "byte for byte those of a fresh render"),
}


@dataclass(frozen=True)
class Mismatch:
    """One thing that is not as it should be.

    kind: of KINDS. where: keys that lead to it (slug, version, sentence, citation, record, payload, path, …).
    expected and found: in words or in the text's own characters, short. message: the whole in one line.
    """

    kind: str
    message: str
    where: dict[str, Any]
    expected: str
    found: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "message": self.message,
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass
class Report:
    """All of one verification. notes: what could not or need not be checked, in words; they do not fail it.

    redacted: things of a kind that were erased, or hold a copy without what was erased, each known to be so.
    """

    stories: list[str] = field(default_factory=list)
    versions: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything that was checked holds."""
        return not self.mismatches

    def count(self, kind: str, number: int = 1) -> None:
        """Note that things of a kind were checked."""
        self.checked[kind] += number

    def redact(self, kind: str, number: int = 1) -> None:
        """Note that things of a kind were found redacted, as their tombstones say."""
        self.redacted[kind] += number

    def add(self, kind: str, message: str, *, expected: Any, found: Any, **where: Any) -> None:
        """Note a mismatch; the same one again is left out. Empty parts of `where` are dropped."""
        known = {key: value for key, value in where.items() if value not in (None, [], "")}
        mismatch = Mismatch(kind, message, known, str(expected), str(found))
        if mismatch not in self.mismatches:
            self.mismatches.append(mismatch)

    def note(self, text: str) -> None:
        """Note what was left unchecked and why."""
        if text not in self.notes:
            self.notes.append(text)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ok, stories, versions, checked, redacted and mismatches in full, notes."""
        return {
            "ok": self.ok,
            "stories": self.stories,
            "versions": self.versions,
            "checked": {kind: self.checked[kind] for kind in KINDS if self.checked[kind]},
            "redacted": {kind: self.redacted[kind] for kind in KINDS if self.redacted[kind]},
            "mismatches": [mismatch.as_dict() for mismatch in self.mismatches],
            "notes": self.notes,
        }


def silent(_message: str) -> None:
    """Progress that nobody watches."""


def difference(expected: str | None, found: str | None, around: int = 24) -> tuple[int, str, str]:
    """Where two texts part: the code point, and what each says there with a little on either side."""
    left, right = expected or "", found or ""
    limit = min(len(left), len(right))
    at = next((i for i in range(limit) if left[i] != right[i]), limit)
    return at, _around(left, at, around), _around(right, at, around)


def _around(text: str, at: int, width: int) -> str:
    start, end = max(0, at - width), at + width
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def shorten(text: Any, most: int = 90) -> str:
    """A value short enough for a line, whole when it fits; line breaks shown as such."""
    said = str(text).replace("\n", "⏎")
    return said if len(said) <= most else said[: most - 1] + "…"


def listed(items: Iterable[Any], most: int = 6) -> str:
    """The first few of a list in words."""
    said = [str(item) for item in items]
    return ", ".join(said[:most]) + (f" and {len(said) - most} more" if len(said) > most else "")
