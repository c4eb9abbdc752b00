"""Posts, term groups and known events of the benchmark `releases`, counted by UTC day. Not here: measuring."""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """A release of one term group."""

    topic: str
    day: date
    name: str


@dataclass(frozen=True)
class Counts:
    """Posts by day. days: consecutive; total: all posts of each day; topics: those whose title matches, by group."""

    days: list[date]
    total: list[int]
    topics: dict[str, list[int]]


def read_counts(posts: Path, terms: Path) -> Counts:
    """Count the posts of a JSONL file (.gz or plain; `title`, `created`) by a JSON object of regular expressions.

    Raises OSError, ValueError or KeyError where a file is missing or laid out otherwise.
    """
    raw = posts.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    rows = {row["id"]: row for row in map(json.loads, filter(None, text.splitlines()))}
    dated = [(date.fromisoformat(row["created"][:10]), str(row["title"])) for row in rows.values()]
    if not dated:
        raise ValueError("no posts")
    first, last = min(dated)[0], max(dated)[0]
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    place = {day: n for n, day in enumerate(days)}
    patterns = {name: re.compile(words, re.I) for name, words in json.loads(terms.read_text(encoding="utf-8")).items()}
    total, topics = [0] * len(days), {name: [0] * len(days) for name in patterns}
    for day, title in dated:
        total[place[day]] += 1
        for name, pattern in patterns.items():
            topics[name][place[day]] += bool(pattern.search(title))
    return Counts(days, total, topics)


def read_events(path: Path) -> list[Event]:
    """Rows of a CSV file with the columns topic, date, event. Raises OSError, ValueError or KeyError."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [Event(row["topic"], date.fromisoformat(row["date"]), row["event"]) for row in csv.DictReader(lines)]
