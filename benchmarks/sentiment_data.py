"""Texts and labels of the benchmark `sentiment`: the recorded world, the seeded draw, the label file, the halves.

The labels are in `gold/sentiment.tsv` without the texts, which belong to others: a key, the SHA-256 of the text, what
was read in it on two passes. Only where the recorded world is at hand do labels and texts come together.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aidran_pipeline.analyze.language import language_of
from aidran_pipeline.analyze.topics import ABOUT_AI, TopicModel
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.text.embeddings import Vector, embed_all

WORLD = Path(__file__).resolve().parents[2] / "shared" / "data" / "world"
LABELS = Path(__file__).with_name("gold") / "sentiment.tsv"
MISSING = "the recorded world is not here: --world DIR, or --data FILE with lines of text, sentiment, stance"
SHOWN = 420  # code points: what the pipeline embeds and scores (analyze/days.py)
SEED = "sentiment 2026"
SHARES = {"news": 0.36, "voices": 0.36, "reddit": 0.28}
SENTIMENTS = ("negative", "neutral", "positive")
STANCES = ("critical", "neutral", "supportive", "unclear")


@dataclass(frozen=True)
class Case:
    """A text as the pipeline scores it; sentiment and stance as labelled, "" where they are not."""

    key: str
    platform: str
    text: str
    topic: str = ""
    sentiment: str = ""
    stance: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the text: what a label is of."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def trains(self) -> bool:
        """Whether the case belongs to the half that weights and thresholds are chosen on."""
        return hashlib.sha256(f"half {self.digest}".encode()).digest()[0] % 2 == 0


def world_cases(world: Path = WORLD) -> Iterator[Case]:
    """Every recorded title and post on whatever, cut as the pipeline cuts. Raises OSError without the files."""
    for name, platform, text_of in _FILES:
        with gzip.open(world / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for item in map(json.loads, lines):
                yield Case(key_of(platform, item), platform, text_of(item)[:SHOWN], item.get("subreddit") or "")


def key_of(platform: str, item: Mapping[str, Any]) -> str:
    """The native id; for news, whose ids are the collector's own, the hash of its address."""
    native = item.get("uri") or item["id"]
    if platform == "news":
        native = hashlib.sha256(item["url"].encode()).hexdigest()[:24]
    return f"{platform}:{native}"


def _news(item: Mapping[str, Any]) -> str:
    return f"{item['title'].strip()}\n\n{(item['text'] or '').strip()}".strip()


_FILES: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("news", "news", _news),
    ("forum_comments", "voices", lambda item: item["text"].strip()),
    ("bluesky_posts", "voices", lambda item: item["text"].strip()),
    ("reddit_posts", "reddit", lambda item: item["title"].strip()),
)


def drawn(cases: Sequence[Case], wanted: int) -> list[Case]:
    """A seeded draw of English texts on AI: by platform in fixed shares, topic by topic in turn, lowest hash first."""
    model = TopicModel.of(load_topics(), lambda texts: dict(zip(texts, embed_all(list(texts.values())), strict=True)))
    cells: dict[str, dict[str, list[Case]]] = {name: defaultdict(list) for name in SHARES}
    seen: set[str] = set()
    pool = [case for case in sorted(cases, key=_place) if _eligible(case, model, seen)]
    for case, vector in zip(pool, embed_all([case.text for case in pool]), strict=True):
        topic = _topic(case, model, vector)
        cells[case.platform][topic].append(replace(case, topic=topic))
    found: list[Case] = []
    for platform, share in SHARES.items():
        queues = [cells[platform][topic] for topic in sorted(cells[platform])]
        taken = [case for turn in range(wanted) for queue in queues if turn < len(queue) for case in [queue[turn]]]
        found += taken[: round(wanted * share)]
    return found


def _place(case: Case) -> bytes:
    return hashlib.sha256(f"{SEED}|{case.key}".encode()).digest()


def _parts(case: Case) -> tuple[str, str, str | None]:
    head, _, _ = case.text.partition("\n\n")
    return (head if case.platform != "voices" else ""), case.text, (case.topic if case.platform == "reddit" else None)


def _eligible(case: Case, model: TopicModel, seen: set[str]) -> bool:
    if case.text in seen or len(case.text) < 15 or model.relevance(*_parts(case)) < ABOUT_AI:
        return False
    seen.add(case.text)
    return language_of(case.text, None)[0] == "en"


def topics_of(cases: Sequence[Case], vectors: Sequence[Any]) -> list[str]:
    """The best topic of each case, "none" where it has none. vectors: the embeddings of the texts."""
    model = TopicModel.of(load_topics(), lambda texts: dict(zip(texts, embed_all(list(texts.values())), strict=True)))
    return [_topic(case, model, vector) for case, vector in zip(cases, vectors, strict=True)]


def _topic(case: Case, model: TopicModel, vector: Vector) -> str:
    scores = model.scores(*_parts(case), vector)
    return scores[0][0] if scores else "none"


@dataclass(frozen=True)
class Label:
    """One line of the label file; the second pass is "" where there was none."""

    key: str
    digest: str
    sentiment: str
    stance: str
    second_sentiment: str = ""
    second_stance: str = ""


def read_labels(path: Path = LABELS) -> list[Label]:
    """Labels of a file: tab-separated, `#` for comments. Raises ValueError for a word that is no label."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        label = Label(*line.split("\t"))
        known = {label.sentiment, label.second_sentiment} <= {*SENTIMENTS, ""}
        if not (known and {label.stance, label.second_stance} <= {*STANCES, ""}):
            raise ValueError(f"{path}, line {number}: not a label: {line}")
        found.append(label)
    return found


def labelled(labels: Sequence[Label], cases: Sequence[Case]) -> list[Case]:
    """The labelled cases whose text is here, by key, in the order of the label file."""
    by_key = {case.key: case for case in cases}
    pairs = [(label, by_key[label.key]) for label in labels if label.key in by_key]
    return [
        replace(case, sentiment=label.sentiment, stance=label.stance)
        for label, case in pairs
        if case.digest == label.digest
    ]


def data_cases(path: Path) -> list[Case]:
    """Cases of lines {"text", "sentiment", "stance"}; either label may be absent. Raises ValueError for other words."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        item = json.loads(line)
        sentiment, stance = item.get("sentiment") or "", item.get("stance") or ""
        if sentiment not in (*SENTIMENTS, "") or stance not in (*STANCES, ""):
            raise ValueError(f"{path}, line {number}: sentiment is one of {SENTIMENTS}, stance one of {STANCES}")
        found.append(
            Case(f"line {number}", str(item.get("platform") or ""), item["text"][:SHOWN], "", sentiment, stance)
        )
    return found
