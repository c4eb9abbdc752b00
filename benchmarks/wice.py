"""WiCE (Kamoi et al. 2023): claims of Wikipedia with the sentences of the page they cite, and how dev is halved.

A claim is "supported" when its label says so; "partially_supported" and "not_supported" are not. The premise is the
list `evidence` as it stands: in the oracle form the gold sentences among others (256 tokens), in the claim form the
whole page. `supporting_sentences` is never read: empty where nothing supports, it would give the label away.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "citations"
ORACLE, CLAIM = FOLDER / "wice_oracle_claim_dev.jsonl.gz", FOLDER / "wice_claim_dev.jsonl.gz"
MISSING = "Name a file of WiCE (wice_oracle_claim_dev.jsonl, published by ryokamoi/wice) with --data."


@dataclass(frozen=True)
class Pair:
    """A sentence beside its quotes; group: what rows share that are not independent; fault: what was done to it."""

    sentence: str
    quotes: tuple[str, ...]
    supported: bool
    group: str
    fault: str | None = None
    metadata: tuple[str, ...] = ()
    article: str = ""


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file, gzipped or not. Raises ValueError for a line that is none."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path}: no lines of JSON objects")
    return rows


def wice_pair(row: dict[str, Any]) -> Pair:
    """A line of WiCE."""
    meta = row.get("meta") or {}
    group = str(meta.get("id") or row["claim"])
    supported = row["label"] == "supported"
    article = str(meta.get("claim_title", group))
    fault = None if supported else str(row["label"])
    return Pair(row["claim"], tuple(row["evidence"]), supported, group, fault, article=article)


def written_pair(row: dict[str, Any], number: int) -> Pair:
    """A line {"quotes", "sources", "sentence", "label", "fault"}: what the sources' metadata tells needs no quote."""
    if row["label"] not in ("supported", "not_supported"):
        raise ValueError(f"line {number}: label {row['label']!r}, supported or not_supported wanted")
    told = tuple(" · ".join(_told(source)) for source in row.get("sources") or [])
    fault = row.get("fault") or (None if row["label"] == "supported" else "unnamed")
    return Pair(row["sentence"], tuple(row["quotes"]), row["label"] == "supported", str(number), fault, told)


def _told(source: dict[str, Any]) -> list[str]:
    found = [str(source[key]) for key in ("publisher", "platform", "author", "community") if source.get(key)]
    if source.get("author"):
        found += ["@" + str(source["author"]).lstrip("@"), f"u/{source['author']}"]
    found += {"bluesky": ["Bluesky"], "reddit": ["Reddit"]}.get(str(source.get("platform")), [])
    try:
        day = datetime.fromisoformat(str(source.get("published"))[:10])
    except ValueError:
        return found
    return [*found, f"{day.day} {day:%B} {day.year}", f"{day:%A}"]


def read_pairs(path: Path) -> tuple[list[Pair], bool]:
    """The pairs of a file of either form, and whether it is WiCE. Raises OSError, ValueError, KeyError."""
    rows = lines(path)
    if "claim" in rows[0]:
        return [wice_pair(row) for row in rows], True
    return [written_pair(row, number) for number, row in enumerate(rows, start=1)], False


def calibration(article: str) -> bool:
    """The half that a Wikipedia article's claims belong to: calibration when its title's SHA-256 begins even."""
    return hashlib.sha256(article.encode()).digest()[0] % 2 == 0


def half(pairs: Iterable[Pair], *, calibrating: bool) -> list[Pair]:
    """The pairs of one half."""
    return [pair for pair in pairs if calibration(pair.article) == calibrating]
