"""What every parser hands back: plain values, no database, no clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class ParsedLink:
    """One http(s) link of a record. kind: self (its own article page), body (in its text), card (embedded)."""

    kind: str
    url: str


@dataclass(frozen=True)
class ParsedRecord:
    """One post or article as its body shows it.

    native_id: identity on its platform; locator: the same, as stored with an observation. title and body: plain text,
    paragraphs set apart by a blank line. published_at: aware UTC, or None when the source gives none that can be
    believed (the moment of the fetch then stands in). publisher None: the platform's or the source's name stands in.
    metrics: figures by column name of record_metrics. relations: (kind, native id) of what a post answers (reply), the
    post under which it stands (thread), the post it passes on (crosspost).
    """

    native_id: str
    url: str
    title: str | None
    body: str | None
    published_at: datetime | None
    published_raw: str | None = None
    author_name: str | None = None
    author_key: str | None = None
    publisher: str | None = None
    community: str | None = None
    declared_lang: str | None = None
    title_truncated: bool = False
    body_truncated: bool = False
    links: tuple[ParsedLink, ...] = ()
    metrics: dict[str, int] = field(default_factory=dict)
    relations: tuple[tuple[str, str], ...] = ()

    @property
    def locator(self) -> str:
        """The name under which this parser finds the record in the same body again."""
        return self.native_id

    @property
    def text(self) -> str:
        """Title, blank line, body, whichever exist: what record_versions.text holds and every offset counts in."""
        return "\n\n".join(part for part in (self.title, self.body) if part)

    @property
    def text_sha256(self) -> str:
        """SHA-256 (hex) of the text in UTF-8."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


class NotParsable(ValueError):
    """A body is not what its source should send. error_class is that of the fetches table."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
