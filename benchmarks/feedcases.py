"""feedparser's own cases against this project's feed parser: each expectation that concerns a stored field is held.

A case is a feed whose leading comment says what a parser should find: a Python expression over `feed` and `entries`.
An expectation concerns us when it names a value that is stored: title, text, link, identity, author, date, language of
an item, or the feed's title (the publisher where a source names none). It is compared in the stored form: markup as
plain text, a link as an absolute http(s) address, a time as UTC. Everything else is counted with the reason why not.
"""

from __future__ import annotations

import ast
import codecs
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord
from aidran_pipeline.ingest.plain import html_to_text, one_line
from aidran_pipeline.ingest.rss import believable, feed_items
from aidran_pipeline.ingest.urls import http_url

HOME = "http://127.0.0.1:8097/"
TITLE = ("title", "title_detail.value")
TEXT = ("summary", "summary_detail.value", "description", "content.0.value")
LINK = ("link", "links.0.href")
DATES = ("published", "updated", "created")
AUTHOR = ("author_detail.name", "author")
HEADER = re.compile(r"^\s*Header:\s*([\w-]+):\s*(.*?)\s*$", re.MULTILINE)
NO_TEXT = "words of <head> and <script> are no text"
# Expectations on stored fields where this project decided otherwise.
DECIDED = {
    "item_description_not_a_doctype.xml": "a comment that is none (<!'): nothing of it is shown, as in a browser",
    "http_entry_id_base_content_location.xml": "an identity is not completed with the address of the fetch",
    "http_entry_id_base_docuri.xml": "an identity is not completed with the address of the fetch",
    "entry_content_crazy.xml": NO_TEXT,
    "entry_summary_crazy.xml": NO_TEXT,
    "entry_title_crazy.xml": NO_TEXT,
    "item_content_encoded_crazy.xml": NO_TEXT,
    "item_description_crazy.xml": NO_TEXT,
    "item_fullitem_crazy.xml": NO_TEXT,
}
EXPECT = re.compile(r"Expect:\s*(.+?)\s*(?:-->|\r?\n\s*(?:Header|Description):|\Z)", re.DOTALL)


@dataclass
class Tally:
    """held, missed: expectations on stored fields; left: others, by reason."""

    held: int = 0
    missed: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Of the expectations that concern stored fields."""
        total = self.held + len(self.missed)
        return self.held / total if total else 0.0


class _NotOurs(Exception):
    """The expectation is about something that is not stored; its text is the reason."""


def cases(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every case in feedparser's archive."""
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            stream = packed.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name.partition("/")[2], stream.read()


def run(archive: Path) -> Tally:
    """Every case of the archive."""
    tally = Tally()
    for name, body in cases(archive):
        judge(name, body, tally)
    return tally


def judge(name: str, body: bytes, tally: Tally) -> None:
    """Compare one case, one expectation at a time."""
    head = _header(body)
    found = EXPECT.search(head)
    if found is None:
        tally.left["no expectation can be read: JSON feeds and files of other tests"] += 1
        return
    try:
        expectations = _parts(ast.parse(" ".join(found.group(1).split()), mode="eval").body)
    except SyntaxError:
        tally.left["no expectation can be read: JSON feeds and files of other tests"] += 1
        return
    headers = {key.lower(): value for key, value in HEADER.findall(head)}
    items: list[ParsedRecord] | NotParsable = []
    try:
        items = feed_items(
            body,
            url=headers.get("content-location") or HOME + name,
            content_type=headers.get("content-type"),
            source={"id": "s"},
        )
    except NotParsable as refused:
        items = refused
    for expectation in expectations:
        _one(name, expectation, items, headers, tally, iframe="&lt;iframe" in body.decode("utf-8", "replace"))


def _one(
    name: str,
    expectation: ast.expr,
    items: list[ParsedRecord] | NotParsable,
    headers: dict[str, str],
    tally: Tally,
    *,
    iframe: bool,
) -> None:
    try:
        path, expected = _read(expectation)
        _concerns(path, expected)
        if name.rpartition("/")[2] in DECIDED:
            raise _NotOurs(DECIDED[name.rpartition("/")[2]])
        if path[-1] == "language" and "content-language" in headers:
            raise _NotOurs("a language of the HTTP header: not kept, the text itself is asked")
        if iframe and path[-1] in ("value", "summary", "description"):
            raise _NotOurs("words within an iframe, for readers that have none: dropped with it")
        if isinstance(items, NotParsable):
            raise _NotOurs(f"refused: {items}" if "document type" in str(items) else "refused: no feed in the bytes")
        actual, wanted = _stored(path, expected, items, headers.get("content-location") or HOME + name)
    except _NotOurs as reason:
        tally.left[str(reason)] += 1
        return
    if actual == wanted:
        tally.held += 1
    else:
        tally.missed.append(f"{name}: {'.'.join(map(str, path))} is {actual!r}, expected {wanted!r}")


def _header(body: bytes) -> str:
    """The leading comment, whatever the encoding: without NULs, as Latin-1 or UTF-8."""
    if body.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or body[:4] in (b"<\0\0\0", b"\0\0\0<"):
        text = body.decode("utf-32", "replace")
    else:
        text = body.replace(b"\x00", b"").decode("utf-8", "replace")
    start = text.find("<!--")
    return text[start : text.find("-->", start) + 3] if start >= 0 else ""


def _parts(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [part for value in node.values for part in _parts(value)]
    if isinstance(node, ast.Compare) and len(node.ops) > 1 and all(isinstance(op, ast.Eq) for op in node.ops):
        return [ast.Compare(one, [ast.Eq()], [node.comparators[-1]]) for one in (node.left, *node.comparators[:-1])]
    return [node]


def _read(node: ast.expr) -> tuple[list[str | int], Any]:
    """The path and the value of `entries[0]['title'] == 'x'`."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq)):
        raise _NotOurs("about the parser itself: bozo, warnings, absence of a value")
    path: list[str | int] = []
    left, expected = node.left, _literal(node.comparators[0])
    if isinstance(left, ast.Call) and ast.unparse(left.func) == "ord" and left.args:
        left, expected = left.args[0], chr(expected)
    while isinstance(left, ast.Subscript | ast.Attribute):
        key = left.attr if isinstance(left, ast.Attribute) else _literal(left.slice)
        path.insert(0, key)
        left = left.value
    if not isinstance(left, ast.Name):
        raise _NotOurs("about the parser itself: bozo, warnings, absence of a value")
    return [left.id, *path], expected


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _literal(node.left) + _literal(node.right)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _NotOurs("about the parser itself: bozo, warnings, absence of a value") from None


def _concerns(path: list[str | int], expected: Any) -> None:
    """Raises for a value that is not stored."""
    if path[0] == "feed":
        if path[1:] not in (["title"], ["title_detail", "value"]):
            raise _NotOurs("of the feed, not of an item: only its title is used")
        return
    if path[0] != "entries":
        raise _NotOurs("about the parser itself: version, encoding, headers, namespaces")
    name = ".".join(map(str, path[2:]))
    dates = [f"{date}{tail}" for date in DATES for tail in ("", "_parsed")]
    if name not in (*TITLE, *TEXT, *LINK, *dates, *AUTHOR, "id", "guid", "title_detail.language"):
        raise _NotOurs("of an item, not stored: " + (re.sub(r"\.\d+", "", name).split(".")[0] or "the item itself"))
    if expected is None:
        raise _NotOurs("about the parser itself: bozo, warnings, absence of a value")


def _stored(path: list[str | int], expected: Any, items: list[ParsedRecord], base: str) -> tuple[Any, Any]:
    """(what is stored, the expected value in stored form)."""
    if path[0] == "feed":
        return (items[0].publisher, one_line(str(expected))[:80]) if items else _no_item()
    number, name = path[1], ".".join(map(str, path[2:]))
    if not isinstance(number, int) or number >= len(items):
        return None, expected
    item = items[number]
    if name in TITLE:
        return item.title or "", one_line(str(expected))
    if name in TEXT:
        return _text(item, str(expected), base)
    if name in LINK:
        return _link(item, name, str(expected), base)
    if name in AUTHOR:
        return _author(item, str(expected))
    if name in ("id", "guid"):
        return item.native_id.partition("|")[2], " ".join(str(expected).split())
    if name == "title_detail.language":
        return item.declared_lang, str(expected).lower() or None
    return _date(item, name, expected)


def _no_item() -> Any:
    raise _NotOurs("of a feed without items: nothing is stored")


def _text(item: ParsedRecord, expected: str, base: str) -> tuple[Any, Any]:
    wanted = re.sub(r"\s*/>", ">", html_to_text(expected, base)[0])
    if item.body is None and item.title and wanted and item.title.startswith(wanted):
        return wanted, wanted  # a text that only repeats the title is dropped
    if len(item.body or "") > len(wanted):
        raise _NotOurs("of an item with a longer text, which is the one stored")
    return item.body or "", wanted


def _link(item: ParsedRecord, name: str, expected: str, base: str) -> tuple[Any, Any]:
    wanted = http_url(expected, base)
    if wanted is None:
        raise _NotOurs("a link that is no http(s) address is refused")
    if name != "link" and item.url == base:
        raise _NotOurs("a link of another relation than to the item's own page")
    return item.url, wanted


def _author(item: ParsedRecord, expected: str) -> tuple[Any, Any]:
    wanted = re.sub(r"\S+@\S+\s*\((.+)\)|\s*\(\S+@\S+\)", r"\1", one_line(expected)).strip()
    if "@" in wanted or not wanted:
        raise _NotOurs("an author who is only an e-mail address is not stored")
    return item.author_name, wanted


def _date(item: ParsedRecord, name: str, expected: Any) -> tuple[Any, Any]:
    if name.endswith("_parsed"):
        wanted = believable(expected)
        if wanted is None:
            raise _NotOurs("a time before 1995 is not believed: the moment of the fetch is stored, and the raw one")
        if isinstance(item.published_at, datetime) and item.published_at != wanted and not name.startswith("published"):
            raise _NotOurs("of an item with an earlier choice of date: published, updated, created")
        return item.published_at, wanted
    return item.published_raw, " ".join(str(expected).split())[:100]
