"""Seeded faults as a file: articles, and faults in them, one JSON object a line; benchmarks/README.md shows the format.

An article line becomes a `Draft` and the `Context` that the gates compare it with, exactly as the pipeline makes them:
quotes are found in their sources, markers are numbered by code. What a line says wrong is a `BadLineError` with its
line number, the rule and the remedy. What does not belong here: judging (faults.py).
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.write.draft import CountFact, Draft, Sentence, Source, Use
from aidran_pipeline.write.gates import GATES, Context
from aidran_pipeline.write.gates.base import OtherStory
from benchmarks.fault_lines import (
    ArticleLine,
    BadLineError,
    ChangeLine,
    FaultLine,
    SentenceLine,
    SourceLine,
    UseLine,
    checked,
)

BRACKETED = re.compile(r"(?<!\[)\[([A-Za-z0-9_-]{1,24})\](?!\])")
NUMBERED = re.compile(r"w?\d+")
GATE_NAMES = tuple(name for name, _ in GATES)


@dataclass(frozen=True)
class Article:
    """An article as the gates take it."""

    name: str
    group: str
    draft: Draft
    context: Context


@dataclass(frozen=True)
class Fault:
    """A corrupted article, the gates that are expected to catch it and the name of its clean twin."""

    name: str
    kind: str
    gates: tuple[str, ...]
    twin: str
    article: Article


@dataclass(frozen=True)
class Faults:
    """A whole file."""

    articles: tuple[Article, ...]
    faults: tuple[Fault, ...]


def read_faults(path: Path) -> Faults:
    """The articles and faults of a file, or of every .jsonl of a folder. OSError, or BadLineError naming the line."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"{path}: a folder without .jsonl files")
    reader = _Reader()
    lines = [
        (f"{file.name}, line {number}", line)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip()
    ]
    raw = [(place, _parsed(place, line)) for place, line in lines]
    for place, value in raw:
        if "fault" not in value:
            reader.article(place, value)
    for place, value in raw:
        if "fault" in value:
            reader.fault(place, value)
    return Faults(tuple(reader.articles.values()), tuple(reader.faults))


def _parsed(place: str, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadLineError(f"{place}: not JSON ({error}); write one object a line") from error
    if not isinstance(value, dict) or not {"article", "fault"} & set(value):
        raise BadLineError(f'{place}: neither an article nor a fault; give "article": NAME or "fault": KIND')
    return value


class _Reader:
    """Articles by name, and the faults in them."""

    def __init__(self) -> None:
        self.articles: dict[str, Article] = {}
        self.raw: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []

    def article(self, place: str, value: dict[str, Any]) -> str:
        """Take a clean article; the same name twice is refused unless it is the same article."""
        line = checked(ArticleLine, place, value)
        if line.article in self.raw and self.raw[line.article] != value:
            raise BadLineError(f"{place}: article {line.article!r} stands twice; give each article a name of its own")
        self.raw[line.article] = value
        self.articles[line.article] = build(line, place)
        return line.article

    def fault(self, place: str, value: dict[str, Any]) -> None:
        """Take a fault: its twin by name or whole, its article by change or whole."""
        line = checked(FaultLine, place, value)
        gates = (line.gate,) if isinstance(line.gate, str) else tuple(line.gate)
        unknown = [gate for gate in gates if gate not in GATE_NAMES]
        if unknown or not gates:
            raise BadLineError(f"{place}: no gate {unknown or gates}; the gates are {', '.join(GATE_NAMES)}")
        if (line.of is None) == (line.twin is None):
            raise BadLineError(f'{place}: the clean twin is missing or given twice; give "of": NAME or "twin": {{…}}')
        if (line.change is None) == (line.whole is None):
            raise BadLineError(f'{place}: no corrupted article, or two; give "change": […] or "whole": {{…}}')
        twin = self.article(place, line.twin) if line.twin is not None else str(line.of)
        if twin not in self.raw:
            raise BadLineError(f"{place}: no article {twin!r} in this file; add its line or mend the name")
        changed = line.whole if line.whole is not None else _changed(place, self.raw[twin], line.change or [])
        changed = {"group": self.articles[twin].group, **changed}
        article = build(checked(ArticleLine, place, changed), place)
        name = line.id or f"{twin}/{len(self.faults) + 1}"
        self.faults.append(Fault(name, line.fault, gates, twin, article))


def _changed(place: str, clean: dict[str, Any], changes: list[ChangeLine]) -> dict[str, Any]:
    """A copy of an article line with the changes made, one after the other."""
    article = deepcopy(clean)
    for row, sentence in enumerate(article["sentences"], start=1):
        sentence.setdefault("id", f"s{row}")
    for change in changes:
        _change(place, article, change)
    return article


def _change(place: str, article: dict[str, Any], change: ChangeLine) -> None:
    sentences = article["sentences"]
    if change.article is not None:
        article.update(change.article)
    elif change.source is not None:
        if change.source not in article["sources"]:
            raise BadLineError(f"{place}: no source {change.source!r} in the clean twin; mend the key")
        _apply(place, article["sources"][change.source], change)
    elif change.sentence is not None:
        _apply(place, sentences[_at(place, sentences, change.sentence)], change)
    elif change.remove is not None:
        sentences.pop(_at(place, sentences, change.remove))
    elif change.add is not None and (change.after is not None or change.before is not None):
        at = _at(place, sentences, change.after or change.before or "")
        sentences.insert(at + (change.after is not None), change.add)
    else:
        raise BadLineError(f"{place}: no target; give sentence, after or before with add, remove, source or article")


def _apply(place: str, target: dict[str, Any], change: ChangeLine) -> None:
    if change.replace is not None:
        old, new = change.replace
        if target["text"].count(old) != 1:
            raise BadLineError(
                f"{place}: {old!r} stands {target['text'].count(old)} times in the text; name words that stand once"
            )
        target["text"] = target["text"].replace(old, new)
    target.update(change.set or {})
    if change.replace is None and not change.set:
        raise BadLineError(f'{place}: a change that changes nothing; give "replace": [OLD, NEW] or "set": {{…}}')


def _at(place: str, sentences: list[dict[str, Any]], name: str) -> int:
    found = [position for position, row in enumerate(sentences) if row.get("id") == name]
    if len(found) != 1:
        raise BadLineError(f"{place}: {len(found)} sentences with the id {name!r} in the clean twin; name one of them")
    return found[0]


def build(line: ArticleLine, place: str) -> Article:
    """The draft of an article line, its markers numbered, and its context."""
    sources = {key: _source(number, key, row) for number, (key, row) in enumerate(line.sources.items(), start=1)}
    records = sum(source.kind == "record" for source in sources.values())
    names = [row.id or f"s{number}" for number, row in enumerate(line.sentences, start=1)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadLineError(f"{place}: two sentences with the id {twice!r}; give each an id of its own")
    positions = {name: position for position, name in enumerate(names)}
    read = line.records_read if line.records_read is not None else records
    draft = Draft(
        line.day, line.topic, [_sentence(row, sources, positions, place) for row in line.sentences], read, True,
        engine=line.engine,
    )  # fmt: skip
    _number(draft, sources)
    return Article(line.article, line.group, draft, _context(line, sources, read, place))


def _source(number: int, key: str, row: SourceLine) -> Source:
    kind = row.kind or ("web" if row.platform == "web" or key.startswith("w") else "record")
    platform = None if kind == "web" else row.platform or "news"
    published = row.published.replace(tzinfo=row.published.tzinfo or UTC) if row.published else None
    family = row.family or (row.publisher.lower() if platform in ("news", None) else str(platform))
    return Source(
        kind=kind, version_id=1000 + number, record_id=number if kind == "record" else None,
        text=f"{row.title}\n\n{row.text}" if row.title else row.text, title=row.title, platform=platform,
        publisher=row.publisher, family=family, author_key=f"{platform}:{row.author or row.publisher}",
        author_name=row.author, community=row.community, published=published,
        day=published.astimezone(UTC).date() if published else None, title_truncated=row.title_truncated,
        body_truncated=row.body_truncated, storyline_id=row.storyline,
    )  # fmt: skip


def _sentence(row: SentenceLine, sources: dict[str, Source], positions: dict[str, int], place: str) -> Sentence:
    kind = row.kind or ("synthesis" if (row.rests_on or row.rests_on_earlier) and not row.uses else "cited")
    return Sentence(
        row.part, _marked(row.text, sources), row.section, row.paragraph, kind,
        uses=[_use(use, sources, place) for use in row.uses],
        # A ground that is not there is a fault a model makes: it becomes a position outside of the article.
        rests_on=[positions.get(name, len(positions)) for name in row.rests_on],
        rests_on_earlier=list(row.rests_on_earlier),
        facts=[CountFact(count.text, count.kind, count.value) for count in row.counts], storyline_id=row.storyline,
    )  # fmt: skip


def _use(row: UseLine, sources: dict[str, Source], place: str) -> Use:
    if row.source not in sources:
        raise BadLineError(f"{place}: a use names the source {row.source!r}, which is not among the sources; add it")
    source = sources[row.source]
    start = source.text.find(row.quote) if row.start is None else row.start
    # Words that stand nowhere in the source are a fault a model makes: gate 1 must find it.
    start = max(start, 0)
    return Use(source, row.quote, start, start + len(row.quote), support=row.support)


def _marked(text: str, sources: dict[str, Source]) -> str:
    """[key] becomes a token that code numbers; a number that names no source becomes a dead marker."""

    def replace(match: re.Match[str]) -> str:
        key = match.group(1)
        if key in sources:
            return f"[[key {key}]]"
        return f"[[{key}]]" if NUMBERED.fullmatch(key) else match.group(0)

    return BRACKETED.sub(replace, text)


def _number(draft: Draft, sources: dict[str, Source]) -> None:
    """Numbers in place of keys; a source that nothing uses has no number, its marker is one too many."""
    numbers = draft.numbers()
    tokens = {}
    for key, source in sources.items():
        prefix = "" if source.kind == "record" else "w"
        beyond = sum(kind == source.kind for kind, _ in numbers) + 1
        tokens[f"[[key {key}]]"] = f"[[{prefix}{numbers.get(source.key, beyond)}]]"
    for sentence in draft.sentences:
        for token, numbered in tokens.items():
            sentence.text = sentence.text.replace(token, numbered)


def _context(line: ArticleLine, sources: dict[str, Source], read: int, place: str) -> Context:
    given = line.context
    for other in given.others:
        unknown = [key for key in other.records if key not in sources]
        if unknown:
            raise BadLineError(f"{place}: the other story {other.slug!r} cites {unknown}, which are no sources; mend")
    return Context(
        publication=load_publication(), topic_label=line.label,
        records_read=given.records_read if given.records_read is not None else read,
        signals=tuple(given.signals), baseline=given.baseline,
        others=tuple(
            OtherStory(other.slug, other.topic, other.day.isoformat(), other.headline, frozenset(other.storylines),
                       frozenset(sources[key].record_id or 0 for key in other.records)) for other in given.others),
        earlier_headlines={number: (row.headline, row.day) for number, row in given.earlier.items()},
        storyline_topics=dict(given.storyline_topics),
    )  # fmt: skip
