"""Entities: organisations, people, products and models of the AI world, found in a text under their canonical names.

The table is config/entities.yaml, whose head says what its keys mean. Names are compared piece by piece, so that
spaces, hyphens and dots inside a name do not count; the longest name wins. A name that is also an ordinary word or
somebody else's ("Claude", "Meta", "Cursor") counts only in its own case and where the text around vouches for it: a
word about AI, a word of its own, a relative (its maker, its product), or a version number. Offsets count code points;
a possessive is left out, a plural is kept in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from aidran_pipeline.text.common import ORDINARY
from aidran_pipeline.text.facts import title_cased

KINDS = ("organisation", "person", "product", "model")
AROUND = 220  # code points on either side in which a doubtful name may find its voucher
LONGEST = 7  # pieces
START = 3  # letters by which a place is refused at once
PIECE = re.compile(r"[^\W_]+(?:\.\d+)*")
# What may stand between two pieces of one name.
JOINED = re.compile(r"[ \u00a0\u202f]?[-\u2010\u2011.·'’&+]?[ \u00a0\u202f]?\Z")
STOPPED = re.compile(r"[.'’][ \u00a0\u202f]\Z")
# Nothing is looked for in addresses and handles.
MASK = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]*@[\w.-]+|\b[\w-]+(?:\.[\w-]+)+/\S*")
DOMAIN = re.compile(r"\.(?:com|org|net|io|dev|ai|co)\b", re.I)
NEARBY = re.compile(r"[^\W_]+(?:[.-][^\W_]+)*|[|]")
GLUED = re.compile(r"([^\W\d_]+)(\d+(?:\.\d+)*[a-z]?)\Z")
VERSION = re.compile(r"v?\d{1,3}(?:\.\d+)*[a-z]?\Z")
COUNTED = frozenset(
    "million billion trillion thousand percent per times weeks week days day months month years year hours hour "
    "minutes people users points of in the employees countries models features apps tips reasons ways things".split()
)
EDITIONS = frozenset(
    "pro mini nano flash ultra opus sonnet haiku turbo max lite preview thinking maverick scout fast heavy instruct "
    "coder codex large medium small vision xl".split()
)
# Capitalised words that follow a product's name without making it somebody's first name.
LINES = EDITIONS | frozenset(
    "desktop team teams enterprise live studio plus advanced api code chat app labs cli agent agents imagine voice sdk "
    "work cowork skills security workspace robotics deep business instant platforms ai".split()
)
MADE = frozenset(
    "powered based generated made owned backed style like only written built driven run integrated branded".split()
)
ABOUT_AI = (
    "ai", "a.i", "agi", "artificial intelligence", "chatbot", "chatbots", "llm", "llms", "language model",
    "language models", "machine learning", "deep learning", "generative", "genai", "agentic", "prompt", "prompts",
    "hallucination", "hallucinations", "hallucinated", "hallucinates", "open weights", "open-weights", "frontier model",
    "frontier models", "ai model", "ai models", "fine-tuned", "inference", "superintelligence",
)  # fmt: skip


class EntityTableError(ValueError):
    """The table is not as its head says."""


@dataclass(frozen=True)
class Entity:
    """One row of the table; check and exact hold the names that are doubtful, or bound to their case."""

    name: str
    kind: str
    names: tuple[str, ...] = ()
    parent: str | None = None
    check: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    versions: bool = False


@dataclass(frozen=True, order=True)
class Mention:
    """text = source[start:end]; name and kind of the entity; version where one belongs to the name, else empty."""

    start: int
    end: int
    text: str
    name: str
    kind: str
    version: str = ""


@dataclass(frozen=True)
class _Found:
    """A name at pieces first to last (last excluded; a version included)."""

    first: int
    last: int
    entity: Entity
    alias: str
    version: str = ""
    plural: bool = False


def load_entities(path: Path | None = None) -> list[Entity]:
    """The entities of a table, the packaged one by default. Raises EntityTableError naming the row and its fault."""
    source = path or files("aidran_pipeline.config") / "entities.yaml"
    table = yaml.safe_load(source.read_text(encoding="utf-8"))
    found: dict[str, Entity] = {}
    for kind, rows in table.items():
        if kind not in KINDS:
            raise EntityTableError(f"{kind}: no such kind; there are {', '.join(KINDS)}")
        for name, row in rows.items():
            if str(name) in found:
                raise EntityTableError(f"{name}: stands twice; a canonical name is one entity")
            found[str(name)] = _entity(str(name), kind, row or {})
    for entity in found.values():
        if entity.parent and entity.parent not in found:
            raise EntityTableError(f"{entity.name}: its parent {entity.parent} is not in the table")
    return list(found.values())


def _entity(name: str, kind: str, row: Mapping[str, Any]) -> Entity:
    unknown = set(row) - {"names", "parent", "check", "exact", "words", "never", "versions"}
    if unknown:
        raise EntityTableError(f"{name}: unknown keys {', '.join(sorted(unknown))}")
    names = (name, *map(str, row.get("names") or ()))
    check = frozenset(names) if row.get("check") is True else frozenset(map(str, row.get("check") or ()))
    exact = frozenset(map(str, row.get("exact") or ()))
    if not check | exact <= set(names):
        raise EntityTableError(f"{name}: {', '.join(sorted((check | exact) - set(names)))}: not among its names")
    return Entity(
        name, kind, names, row.get("parent"), check, exact, tuple(str(w).lower() for w in row.get("words") or ()),
        frozenset(str(w).lower() for w in row.get("never") or ()), bool(row.get("versions")),
    )  # fmt: skip


@lru_cache(maxsize=1)
def packaged() -> EntityMatcher:
    """The matcher over the packaged table."""
    return EntityMatcher(load_entities())


def entities_of(text: str) -> list[Mention]:
    """Mentions of the packaged entities, in order of place."""
    return packaged().find(text)


class EntityMatcher:
    """Finds the names of a table in texts. Two entities must not share a name."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        """Raises EntityTableError when a name belongs to two entities."""
        self._by_key: dict[str, list[tuple[Entity, str]]] = {}
        for entity in entities:
            for alias in entity.names:
                held = self._by_key.setdefault(_key(alias), [])
                if any(other.name != entity.name for other, _ in held):
                    raise EntityTableError(f"{alias}: a name of {held[0][0].name} and of {entity.name}")
                held.append((entity, alias))
        self._starts = {key[:START] for key in self._by_key}

    def find(self, text: str) -> list[Mention]:
        """Mentions in order of place, none overlapping another."""
        masked = MASK.sub(lambda match: " " * len(match.group(0)), text)
        line = _Line(masked, list(PIECE.finditer(masked)))
        candidates = self._candidates(line)
        firm = [c for c in candidates if _firm(c)]
        kept = [c for c in candidates if _stands(line, c, self._by_key) and (_firm(c) or _vouched(line, c, firm))]
        return [_mention(text, line, c) for c in kept]

    def _candidates(self, line: _Line) -> list[_Found]:
        """Names in their case, the longest at each place, from left to right."""
        found: list[_Found] = []
        place = 0
        while place < len(line.pieces):
            best = self._longest(line, place) if self._may_start(line, place) else None
            if best is None:
                place += 1
                continue
            found.append(best)
            place = best.last
        return found

    def _may_start(self, line: _Line, place: int) -> bool:
        """A quick refusal: whether some name begins like this piece, or the piece is too short to tell."""
        word = line.word(place).lower()
        return len(word) < START or word[:START] in self._starts

    def _longest(self, line: _Line, place: int) -> _Found | None:
        for last in range(min(len(line.pieces), place + LONGEST), place, -1):
            if line.one_name(place, last):
                match = self._named(line, place, last) or self._glued(line, place, last)
                if match:
                    return _with_version(line, match)
        return None

    def _named(self, line: _Line, first: int, last: int) -> _Found | None:
        """The name that the pieces are as they stand, or in the singular."""
        raw = line.raw(first, last)
        for entity, alias in self._by_key.get(raw.lower(), ()):
            if _cased(line, first, last, entity, alias):
                return _Found(first, last, entity, alias)
        if len(raw) > 3 and raw.endswith("s") and line.word(last - 1) != "s":
            for entity, alias in self._by_key.get(raw[:-1].lower(), ()):
                if entity.kind in ("product", "model") and raw[:-1] == _raw(alias):
                    return _Found(first, last, entity, alias, plural=True)
        return None

    def _glued(self, line: _Line, first: int, last: int) -> _Found | None:
        """A name with its version in one piece: Qwen2.5, Llama4."""
        parts = GLUED.match(line.pieces[last - 1].group(0))
        if not parts:
            return None
        raw = line.raw(first, last - 1) + parts.group(1)
        for entity, alias in self._by_key.get(raw.lower(), ()):
            if entity.versions and raw in (_raw(alias), _raw(alias).lower()):
                return _Found(first, last, entity, alias, parts.group(2))
        return None


@dataclass(frozen=True)
class _Line:
    """A text without its addresses, and its pieces."""

    text: str
    pieces: Sequence[re.Match[str]]

    def word(self, place: int) -> str:
        """A piece as written, empty outside the text."""
        return self.pieces[place].group(0) if 0 <= place < len(self.pieces) else ""

    def gap(self, place: int) -> str:
        """What stands before a piece, after the one before it."""
        if not 0 < place < len(self.pieces):
            return "\n"
        return self.text[self.pieces[place - 1].end() : self.pieces[place].start()]

    def one_name(self, first: int, last: int) -> bool:
        """Whether nothing between the pieces ends a name: a stop, a comma, a line."""
        return all(
            JOINED.match(self.gap(place)) and (not STOPPED.match(self.gap(place)) or self._initial(place - 1))
            for place in range(first + 1, last)
        )

    def _initial(self, place: int) -> bool:
        """A capital that stands for a word: its stop ends no sentence."""
        return len(self.word(place)) == 1 and self.word(place).isupper()

    def raw(self, first: int, last: int) -> str:
        """Pieces run together."""
        return "".join(self.word(place) for place in range(first, last))


def _raw(name: str) -> str:
    return "".join(PIECE.findall(name))


def _key(name: str) -> str:
    return _raw(name).lower()


def _cased(line: _Line, first: int, last: int, entity: Entity, alias: str) -> bool:
    """Whether a name stands in a case that it may stand in."""
    raw, own = line.raw(first, last), _raw(alias)
    if raw == own:
        return True
    if alias in entity.check or alias in entity.exact:
        return False
    written = [line.word(place) for place in range(first, last)]
    if all(word[0].isupper() or word[0].isdigit() for word in written):
        return True
    if len(written) == 1 and raw.lower() in ORDINARY:
        return False
    if any(ch.isdigit() for ch in raw):
        return True
    return (len(written) == 1 or entity.kind == "person") and len(written) == len(PIECE.findall(alias))


def _with_version(line: _Line, found: _Found) -> _Found:
    """The name with the version and edition that follow: "Gemini 2.5 Pro", "Claude Opus 4.5"."""
    last, version = found.last, found.version
    if found.entity.versions and not version and not found.plural:
        number, gap = line.word(last), line.gap(last)
        counts = line.word(last + 1).lower() in COUNTED or re.match(r"\s?[%,]\d?", line.text[_end(line, last + 1) :])
        if VERSION.match(number) and gap in (" ", "-", "\u00a0", "\u2011", " v") and not counts:
            last, version = last + 1, number
    while version and _edition(line, last):
        last += 1
    return _Found(found.first, last, found.entity, found.alias, version, found.plural)


def _edition(line: _Line, place: int) -> bool:
    """Whether a piece is the edition of the version before it: "Pro", "-mini"."""
    word, gap = line.word(place), line.gap(place)
    return word.lower() in EDITIONS and (gap == "-" or (gap == " " and word[0].isupper()))


def _end(line: _Line, last: int) -> int:
    return line.pieces[min(last, len(line.pieces)) - 1].end()


def _firm(found: _Found) -> bool:
    """A name that means nothing else: it needs no voucher, and is one."""
    return found.alias not in found.entity.check or bool(found.version and found.entity.kind == "model")


def _stands(line: _Line, found: _Found, known: Mapping[str, object]) -> bool:
    """Whether nothing beside the name makes it another thing: a hyphen, a domain, a ruled-out word, another's name."""
    end = _end(line, found.last)
    before, after = line.word(found.first - 1), line.word(found.last)
    if DOMAIN.match(line.text, end):
        return False
    doubtful = found.alias in found.entity.check
    if doubtful and line.gap(found.first) == "-":
        return False
    if doubtful and line.gap(found.last) == "-" and after.lower() not in MADE | LINES and not after[0].isupper():
        return False
    if _ruled_out(line, found):
        return False
    return not _another_person(line, found, before, after, known)


def _ruled_out(line: _Line, found: _Found) -> bool:
    """A word of `never` directly before or after a name of one word."""
    if " " in found.alias:
        return False
    before = line.word(found.first - 1) if line.gap(found.first) in (" ", "-", "\u00a0") else ""
    after = line.word(found.last) if line.gap(found.last) in (" ", "-", "\u00a0") else ""
    possessed = line.gap(found.last) in ("'", "’") and after == "s"
    beside = {before.lower()} | (
        set() if possessed else {after.lower(), f"{after} {line.word(found.last + 1)}".lower()}
    )
    return bool(beside & found.entity.never)


def _another_person(line: _Line, found: _Found, before: str, after: str, known: Mapping[str, object]) -> bool:
    """Robert before Altman, Monet after Claude: a capitalised word that belongs to no entity and to no headline."""
    surname = found.entity.kind == "person" and " " not in found.alias
    first_name = found.alias in found.entity.check and found.entity.kind in ("product", "model") and not found.version
    if not (surname or first_name):
        return False
    start, end = line.text.rfind("\n", 0, line.pieces[found.first].start()) + 1, _end(line, found.last)
    if title_cased(line.text[start : (line.text + "\n").index("\n", end)]):
        return False
    word, gap = (before, line.gap(found.first)) if surname else (after, line.gap(found.last))
    if gap != " " or not word or not word[0].isupper() or word.isupper():
        return False
    return word.lower() not in ORDINARY | LINES and word.lower() not in known


def _vouched(line: _Line, found: _Found, firm: Sequence[_Found]) -> bool:
    """Whether the text nearby speaks of AI, of a relative, or says one of the entity's own words."""
    start, end = line.pieces[found.first].start(), _end(line, found.last)
    low, high = max(0, start - AROUND), end + AROUND
    nearby = f"{line.text[low:start]} | {line.text[end:high]}".lower()
    words = f" {' '.join(NEARBY.findall(nearby))} "
    if any(f" {word} " in words for word in (*ABOUT_AI, *found.entity.words)):
        return True
    return any(
        low <= line.pieces[other.first].start() < high and _related(found.entity, other.entity)
        for other in firm
        if other.first != found.first
    )


def _related(one: Entity, other: Entity) -> bool:
    """One family, or a model's name beside a doubtful one: models are spoken of together."""
    families = {one.name, one.parent} - {None}
    return bool(families & {other.name, other.parent}) or other.kind == "model" or "AI" in other.name.split()


def _mention(text: str, line: _Line, found: _Found) -> Mention:
    start, end = line.pieces[found.first].start(), _end(line, found.last)
    return Mention(start, end, text[start:end], found.entity.name, found.entity.kind, found.version)
