"""A body without some of its records: what erasure puts in the place of what was fetched. Pure.

The copy parses into exactly the other records, word for word: that is tried, and where a body cannot be cut so, nothing
of it is kept. What does not belong here: tables, and which records are to go.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from aidran_pipeline.ingest.jetstream import COLLECTION
from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord

NOTHING = b""
ITEM = re.compile(rb"<((?:[A-Za-z0-9_.-]+:)?(?:item|entry))(?:\s[^>]*)?>.*?</\1\s*>", re.DOTALL)
MOST_ITEMS = 6000
_GONE = object()
_Cut = Callable[[], bytes | None]


def redacted(
    kind: str, body: bytes, names: Collection[str], *, url: str, content_type: str | None, source: Mapping[str, Any]
) -> bytes:
    """The body without the records of these names (locators), or empty when it cannot be cut.

    kind, url, content_type, source: as `parse_body` takes them. References of other records to a name stay: they are
    those records' own.
    """

    def parsed(data: bytes) -> dict[str, ParsedRecord]:
        found = parse_body(kind, data, url=url, content_type=content_type, source=source)
        return {record.locator: record for record in found}

    wanted = frozenset(names)
    try:
        others = {name: record for name, record in parsed(body).items() if name not in wanted}
    except NotParsable:
        return NOTHING
    for cut in _ways(kind, body, wanted, parsed):
        copy = cut()
        if copy is None or copy == body:
            continue
        try:
            left = parsed(copy)
        except NotParsable:
            left = None  # a feed without an item is none: nothing of it is worth keeping
        if left == others or (left is None and not others):
            return copy if left else NOTHING
    return NOTHING


def without_cards(
    kind: str, body: bytes, addresses: Collection[str], *, url: str, content_type: str | None, source: Mapping[str, Any]
) -> bytes:
    """The body without the previews that posts show of these addresses: title and description of a card, not its link.

    The posts stay, word for word; a body that cannot be cut so is returned as it is, as what a preview says is the
    post's as well.
    """

    def parsed(data: bytes) -> list[ParsedRecord]:
        return parse_body(kind, data, url=url, content_type=content_type, source=source)

    wanted = frozenset(addresses)
    if kind == "bluesky_jetstream":
        lines = [_json(line, lambda value: _cards(value, wanted)) or line for line in body.splitlines()]
        copy: bytes | None = b"\n".join(lines) + b"\n"
    elif kind == "bluesky_search":
        copy = _json(body, lambda value: _cards(value, wanted))
    else:
        copy = None
    try:
        return copy if copy is not None and parsed(copy) == parsed(body) else body
    except NotParsable:
        return body


def _cards(value: Any, addresses: frozenset[str]) -> Any:
    if isinstance(value, dict):
        kept = {key: _cards(part, addresses) for key, part in value.items()}
        if value.get("uri") in addresses and "title" in value:
            kept |= {name: "" for name in ("title", "description") if name in value}
        return kept
    return [_cards(each, addresses) for each in value] if isinstance(value, list) else value


def _ways(
    kind: str, body: bytes, names: frozenset[str], parsed: Callable[[bytes], dict[str, ParsedRecord]]
) -> Iterator[_Cut]:
    if kind == "bluesky_jetstream":
        yield lambda: _lines(body, names)
    elif kind == "bluesky_search":
        yield lambda: _json(body, lambda value: _posts(value, names))
    elif body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        yield lambda: _items(body, names, parsed)
    elif kind == "reddit":
        yield lambda: _json(body, lambda value: _things(value, names, hollow=False))
        yield lambda: _json(body, lambda value: _things(value, names, hollow=True))


def _lines(body: bytes, names: frozenset[str]) -> bytes:
    """A drained stream without the events of these posts."""
    kept = []
    for line in body.splitlines():
        event = json.loads(line)
        commit = event.get("commit")
        uri = f"at://{event.get('did')}/{COLLECTION}/{commit.get('rkey')}" if isinstance(commit, dict) else None
        if uri not in names:
            kept.append(line)
    return b"\n".join(kept) + b"\n"


def _json(body: bytes, walk: Callable[[Any], Any]) -> bytes | None:
    try:
        value = walk(json.loads(body))
    except (ValueError, RecursionError):
        return None
    return None if value is _GONE else json.dumps(value).encode()  # ASCII: lone surrogates survive as escapes


def _posts(value: Any, names: frozenset[str]) -> Any:
    """Posts, and posts quoted in others, that hold words; a bare reference has none."""
    if isinstance(value, dict):
        if value.get("uri") in names and ("record" in value or "value" in value):
            return _GONE
        kept = {key: _posts(part, names) for key, part in value.items()}
        gone = {"$type": "app.bsky.embed.record#viewNotFound", "uri": "at://erased.invalid", "notFound": True}
        return {key: gone if part is _GONE else part for key, part in kept.items()}
    if isinstance(value, list):
        return [part for part in (_posts(each, names) for each in value) if part is not _GONE]
    return value


def _things(value: Any, names: frozenset[str], *, hollow: bool) -> Any:
    """Posts and comments. hollow: one goes on as an empty shell, as Reddit shows it, so that its answers stay."""
    if isinstance(value, dict):
        if value.get("name") in names:
            if not hollow:
                return _GONE
            shell = {key: value[key] for key in ("name", "id", "parent_id", "link_id") if key in value}
            below = _things(value.get("replies"), names, hollow=hollow)
            words = {"author": "[deleted]", "title": "[deleted]", "selftext": "[removed]", "body": "[removed]"}
            return {**shell, **words, "replies": "" if below is _GONE else below}
        kept = {key: _things(part, names, hollow=hollow) for key, part in value.items()}
        if "data" in kept and kept["data"] is _GONE:
            return _GONE
        return {key: part for key, part in kept.items() if part is not _GONE}
    if isinstance(value, list):
        return [part for part in (_things(each, names, hollow=hollow) for each in value) if part is not _GONE]
    return value


def _items(body: bytes, names: frozenset[str], parsed: Callable[[bytes], dict[str, ParsedRecord]]) -> bytes | None:
    """A feed without the items that, each alone in the feed, parse into these names."""
    spans = [match.span() for match in ITEM.finditer(body)][:MOST_ITEMS]
    if not spans:
        return None
    head, tail = body[: spans[0][0]], body[spans[-1][1] :]
    out, at = b"", 0
    for start, end in spans:
        try:
            alone = parsed(head + body[start:end] + tail).values()
        except NotParsable:
            alone = {}.values()
        if any(_named(record, names) for record in alone):
            out, at = out + body[at:start], end
    return out + body[at:]


def _named(record: ParsedRecord, names: frozenset[str]) -> bool:
    """Whether an item has one of the names; of items that share a GUID the name ends with a hash of the address."""
    tail = hashlib.sha256(record.url.encode("utf-8")).hexdigest()[:12]
    return record.locator in names or f"{record.locator}#{tail}" in names
