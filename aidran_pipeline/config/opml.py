"""OPML 2.0 lists of feeds, in and out: what other feed readers write and read. Pure: bytes and sources, no files.

Format: "OPML 2.0", Dave Winer, 2007 (http://opml.org/spec2.opml). Carried both ways: a source's address, outlet,
topics, and the rest of what a sources file says of it; id and rest in a namespace of ours, as the specification asks.
A subreddit goes as its public feed. A search and a stream are no feeds and are left out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as Xml
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.parsers import expat

from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.sources import ID, RedditSource, RssSource, Source, slug_of

NAMESPACE = "https://github.com/AIDRAN/aidran-pipeline/opml"
SPECIFICATION = "http://opml.org/spec2"
_XML_FORBIDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LARGEST = 4 * 1024 * 1024
MOST_OUTLINES = 10_000
DEEPEST = 20
SHOWN = 20  # complaints of one file
VERSIONS = ("1.0", "1.1", "2.0")
CARRIED = {"id", "kind", "url", "subreddit", "publisher", "topics"}  # by an outline's own attributes
FEED_TYPES = ("", "rss", "atom")  # RSS readers have always written rss for Atom as well; some write nothing
SUBREDDIT = re.compile(r"https?://(?:www\.|old\.)?reddit\.com/r/([A-Za-z0-9_]{2,21})/(?:new/)?\.rss/?", re.IGNORECASE)


@dataclass
class Outline:
    """One <outline>: its line, its attributes (those of our namespace as `aidran:name`), the folders above it."""

    line: int
    attributes: dict[str, str]
    folders: tuple[str, ...]
    commented: bool
    children: int = 0

    @property
    def name(self) -> str:
        """What a person knows it by."""
        shown = self.attributes.get("text") or self.attributes.get("title") or self.attributes.get("xmlUrl") or ""
        return " ".join(shown.split())[:80]


@dataclass(frozen=True)
class Entry:
    """A feed of the list. entry: a sources file's keys and values; line: where it stands; folders: above it."""

    line: int
    entry: dict[str, object]
    folders: tuple[str, ...] = ()


@dataclass
class _Complaints:
    file: str
    found: list[str] = field(default_factory=list)

    def add(self, line: int, rule: str, remedy: str) -> None:
        self.found.append(f"{self.file}, line {line}: {rule}; {remedy}")

    def raise_any(self) -> None:
        if self.found:
            more = len(self.found) - SHOWN
            raise ConfigError("\n".join([*self.found[:SHOWN], *([f"and {more} more"] if more > 0 else [])]))


def write_opml(sources: Iterable[Source], *, title: str) -> tuple[bytes, list[Source]]:
    """An OPML document of the feeds, in their order, and the sources that it cannot carry."""
    Xml.register_namespace("aidran", NAMESPACE)
    root = Xml.Element("opml", {"version": "2.0"})
    Xml.SubElement(Xml.SubElement(root, "head"), "title").text = title
    body, left_out = Xml.SubElement(root, "body"), []
    for source in sources:
        url = _feed_address(source)
        if url is None:
            left_out.append(source)
            continue
        name = _XML_FORBIDS.sub("", source.publisher or source.id)
        attributes = {"text": name, "title": name, "type": "rss", "xmlUrl": url, f"{{{NAMESPACE}}}id": source.id}
        if source.topics:
            attributes["category"] = ",".join(source.topics)
        if source.publisher is None:
            attributes[f"{{{NAMESPACE}}}publisher"] = ""
        for key, value in source.model_dump(exclude_defaults=True, exclude=CARRIED).items():
            attributes[f"{{{NAMESPACE}}}{key}"] = str(value).lower() if isinstance(value, bool) else str(value)
        Xml.SubElement(body, "outline", attributes)
    Xml.indent(root)
    return Xml.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n", left_out


def _feed_address(source: Source) -> str | None:
    if isinstance(source, RssSource):
        return None if SUBREDDIT.fullmatch(source.url) else source.url
    if isinstance(source, RedditSource) and source.host is None:
        return f"https://www.reddit.com/r/{source.subreddit}/new/.rss"
    return None


def read_opml(
    data: bytes, *, file: str, topics: Mapping[str, str], taken: Iterable[str] = (), known: Iterable[str] = ()
) -> tuple[list[Entry], list[Entry]]:
    """(the feeds of a list to be added, those that are there already), in its order.

    topics: slug → label of the configured ones; categories and folders of such a name become a feed's topics, other
    folders stand in Entry.folders. taken: ids in use. known: addresses that are read already.

    Raises ConfigError with every complaint of the file, a line each: file, line, rule, remedy. Nothing is half read.
    """
    complaints = _Complaints(file)
    outlines = _outlines(data, file, complaints)
    ids, seen, there = set(taken), dict[str, int](), {_same(url) for url in known}
    found: list[Entry] = []
    already: list[Entry] = []
    slugs = {label.casefold(): slug for slug, label in topics.items()} | {slug: slug for slug in topics}
    for outline in outlines:
        if outline.commented or not _is_feed(outline, complaints):
            continue
        url = outline.attributes["xmlUrl"].strip()
        if _same(url) in seen:
            complaints.add(
                outline.line, f"{outline.name!r}: the address {url} stands in line {seen[_same(url)]} already",
                "remove one of the two",
            )  # fmt: skip
            continue
        seen[_same(url)] = outline.line
        entry = _entry(outline, url, slugs, ids)
        folders = tuple(name for name in outline.folders if name.casefold() not in slugs)
        if _same(url) in there:
            already.append(Entry(outline.line, entry, folders))
            continue
        wrong = _wrong_entry(entry)
        if wrong:
            complaints.add(outline.line, f"{outline.name!r}: {wrong}", "correct the attribute or remove it")
            continue
        if entry["id"] in ids:
            complaints.add(
                outline.line, f"{outline.name!r}: the id {entry['id']} is that of another source",
                "change its aidran:id, or remove the attribute",
            )  # fmt: skip
            continue
        ids.add(str(entry["id"]))
        found.append(Entry(outline.line, entry, folders))
    if not found and not already and not complaints.found:
        complaints.add(1, "the list holds no feed", "an outline with type rss and xmlUrl is needed")
    complaints.raise_any()
    return found, already


def address_of(source: Source) -> str | None:
    """The address by which a list knows a source; None when no list can carry it."""
    return source.url if isinstance(source, RssSource) else _feed_address(source)


def _is_feed(outline: Outline, complaints: _Complaints) -> bool:
    """Whether an outline is a feed with a usable address. Complains of what is neither feed nor folder."""
    given, kind = outline.attributes, outline.attributes.get("type", "").strip().lower()
    url = given.get("xmlUrl", "").strip()
    if not url and outline.children and kind not in ("link", "include", *FEED_TYPES[1:]):
        return False  # a folder
    if kind not in FEED_TYPES or not url:
        what = f"type {kind!r} is no feed" if kind not in FEED_TYPES else "a feed needs an xmlUrl"
        complaints.add(outline.line, f"{outline.name!r}: {what}", "remove the outline, or name its feed in xmlUrl")
        return False
    wrong = _wrong_address(url)
    if wrong:
        complaints.add(outline.line, f"{outline.name!r}: xmlUrl {url[:200]!r}: {wrong}", "correct it or remove it")
        return False
    return True


def _wrong_address(url: str) -> str | None:
    """Why an address is no feed's, by the rule of the sources file; None when it may be one."""
    wrong = _wrong_entry({"id": "a", "kind": "rss", "url": url})
    return wrong.removeprefix("url: ") if wrong else None


def _wrong_entry(entry: Mapping[str, object]) -> str | None:
    """Why an entry would be refused in a sources file."""
    from pydantic import ValidationError

    try:
        (RedditSource if entry["kind"] == "reddit" else RssSource).model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{first['loc'][0]}: {str(first['msg']).removeprefix('Value error, ')}"
    return None


def _entry(outline: Outline, url: str, slugs: Mapping[str, str], ids: set[str]) -> dict[str, object]:
    given = outline.attributes
    publisher = given.get("text") or given.get("title") or ""
    name = given.get("aidran:id", "").strip()
    if not name:
        publisher = " ".join(publisher.split())[:120]
    reddit = SUBREDDIT.fullmatch(url)
    entry: dict[str, object] = {"id": name if ID.fullmatch(name) and len(name) <= 80 else _new_id(publisher, url, ids)}
    if reddit:
        entry |= {"kind": "reddit", "subreddit": reddit[1]}
        publisher = publisher if name else ""  # other readers call it by the name of its feed
    else:
        entry |= {"kind": "rss", "url": url}
    if publisher and "aidran:publisher" not in given:
        entry["publisher"] = publisher
    topics = _topics(outline, slugs)
    if topics:
        entry["topics"] = topics
    further = (RedditSource if reddit else RssSource).model_fields.keys() - CARRIED
    for key in sorted(further):
        value = given.get(f"aidran:{key}", "").strip()
        if value:
            entry[key] = {"true": True, "false": False}.get(value, value)
    return entry


def _topics(outline: Outline, slugs: Mapping[str, str]) -> list[str]:
    """Configured topics among categories ("/a/b" or "tag", separated by commas) and folders, each once."""
    names = [part for each in outline.attributes.get("category", "").split(",") for part in each.split("/")]
    if "aidran:id" in outline.attributes:  # written here: what it says was a topic once
        slugs = {**{name: name for name in names if ID.fullmatch(name)}, **slugs}
    found = [slugs[name.strip().casefold()] for name in [*names, *outline.folders] if name.strip().casefold() in slugs]
    return list(dict.fromkeys(found))


def _new_id(publisher: str, url: str, ids: set[str]) -> str:
    """A free id out of the outlet's name, else its host; -2, -3 … when it is taken."""
    host = (urlsplit(url).hostname or "feed").removeprefix("www.")
    base = slug_of(publisher) or slug_of(host) or "feed"
    number, found = 1, base
    while found in ids:
        number += 1
        found = f"{base}-{number}"
    return found


def _same(url: str) -> str:
    """An address for comparison: scheme and a last slash do not make another feed."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").removeprefix("www.")
    reddit = SUBREDDIT.fullmatch(url.strip())
    if reddit:
        return f"reddit.com/r/{reddit[1].lower()}"
    return f"{host}:{parts.port or ''}{parts.path.rstrip('/')}?{parts.query}"


# --- reading the XML --------------------------------------------------------------------------------------------------


class _Reader:
    """Handlers of expat. A document type is refused at its first character, so no entity is ever declared."""

    def __init__(self, file: str, complaints: _Complaints) -> None:
        self.file, self.complaints = file, complaints
        self.outlines: list[Outline] = []
        self.stack: list[str] = []
        self.open: list[Outline] = []
        self.parts: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _refuse(self, rule: str, remedy: str) -> None:
        raise ConfigError(f"{self.file}, line {self.parser.CurrentLineNumber}: {rule}; {remedy}")

    def _doctype(self, *_what: object) -> None:
        self._refuse("the file declares a document type, which is refused", "remove <!DOCTYPE …>; OPML has none")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.removeprefix(f"{SPECIFICATION} ")
        self.stack.append(name)
        path = "/".join(self.stack)
        if len(self.stack) == 1:
            self._root(name, attributes)
        elif path in ("opml/head", "opml/body"):
            self.parts.append(name)
        elif name == "outline" and path.startswith("opml/body/outline"):
            self._outline(attributes)

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        if name != "opml":
            self._refuse(f"the root element is <{name[:40]}>, not <opml>", "name an OPML file")
        if attributes.get("version") not in VERSIONS:
            given = attributes.get("version", "none")[:20]
            self._refuse(f"version {given!r} is not known", f"one of {', '.join(VERSIONS)} is read")

    def _outline(self, attributes: dict[str, str]) -> None:
        if len(self.open) >= DEEPEST:
            self._refuse(f"outlines nested more than {DEEPEST} deep", "flatten the list")
        if len(self.outlines) >= MOST_OUTLINES:
            self._refuse(f"more than {MOST_OUTLINES} outlines", "split the list")
        given = {name.replace(f"{NAMESPACE} ", "aidran:"): value for name, value in attributes.items()}
        above = self.open[-1] if self.open else None
        commented = given.get("isComment", "").strip().lower() == "true" or (above is not None and above.commented)
        folders = tuple(outline.name for outline in self.open if not outline.attributes.get("xmlUrl") and outline.name)
        found = Outline(self.parser.CurrentLineNumber, given, folders, commented)
        if not (given.get("text") or given.get("title")) and not commented:
            self.complaints.add(found.line, "an outline without text", "every outline needs the attribute text")
        if above is not None:
            above.children += 1
        self.outlines.append(found)
        self.open.append(found)

    def _end(self, _name: str) -> None:
        path = "/".join(self.stack)
        if self.stack[-1] == "outline" and path.startswith("opml/body/outline"):
            self.open.pop()
        self.stack.pop()


def _outlines(data: bytes, file: str, complaints: _Complaints) -> list[Outline]:
    """Every outline of the body, in order. Raises ConfigError for what is no OPML document."""
    if len(data) > LARGEST:
        raise ConfigError(f"{file}: {len(data)} bytes; at most {LARGEST} are read: split the list")
    reader = _Reader(file, complaints)
    try:
        reader.parser.Parse(data, True)
    except ConfigError:  # a ValueError itself
        raise
    except expat.ExpatError as error:
        said = expat.errors.messages.get(error.code, str(error))
        raise ConfigError(f"{file}, line {error.lineno}: not well-formed XML: {said}; correct the file") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise ConfigError(f"{file}: cannot be decoded: {error}; save it as UTF-8") from error
    for part in ("head", "body"):
        if reader.parts.count(part) != 1:
            number = reader.parts.count(part)
            raise ConfigError(f"{file}: {number} <{part}> elements; OPML has exactly one <head> and one <body>")
    return reader.outlines
