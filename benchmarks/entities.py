"""Entities: how well text/entities.py finds the organisations, people, products and models that a sentence names.

Data: `gold/entities.txt`, sentences made up for this benchmark by the author of the table, mentions marked by hand.
They fall into two halves by the SHA-256 of the sentence: the table and the rules were mended with the first (byte
even), the second is reported. A mention is found when place and canonical name are right. Beside it: the table's names
as they stand, whatever the text around says.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aidran_pipeline.text.entities import entities_of, load_entities
from benchmarks.report import finish, table
from benchmarks.texts import sample_texts

DEFAULT = Path(__file__).with_name("gold") / "entities.txt"
MARKED = re.compile(r"\[([^\[\]|]+)\|([^\[\]|]+)\]")
SAMPLES, SEED = 1000, 2026
Mark = tuple[int, int, str]
Finder = Callable[[str], list[Mark]]


@dataclass(frozen=True)
class Case:
    """A sentence with its mentions: start, end, canonical name."""

    group: str
    text: str
    marks: frozenset[Mark] = field(default_factory=frozenset)

    @property
    def mends(self) -> bool:
        """Whether the case belongs to the half that the table was mended with."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 0


def read(path: Path) -> list[Case]:
    """Cases of a file: `## group`, `# comment`, else a sentence with [words|Name]. ValueError for unknown names."""
    known = {entity.name for entity in load_entities()}
    group, found = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            group = line[3:].strip()
        elif line.strip() and not line.startswith("# "):
            case = parsed(group, line.strip())
            strange = {name for _, _, name in case.marks} - known
            if strange:
                raise ValueError(f"{path}: {', '.join(sorted(strange))}: no such entity in the table: {line}")
            found.append(case)
    return found


def parsed(group: str, line: str) -> Case:
    """A marked sentence as plain text with offsets in code points."""
    text, marks, last = "", set(), 0
    for match in MARKED.finditer(line):
        text += line[last : match.start()]
        marks.add((len(text), len(text) + len(match.group(1)), match.group(2)))
        text += match.group(1)
        last = match.end()
    return Case(group, text + line[last:], frozenset(marks))


def rules(text: str) -> list[Mark]:
    """The project's own."""
    return [(m.start, m.end, m.name) for m in entities_of(text)]


def as_they_stand() -> Finder:
    """The table's names wherever they stand as whole words in their own case, longest first."""
    names = {alias: entity.name for entity in load_entities() for alias in entity.names}
    pattern = re.compile(
        r"(?<!\w)(?:" + "|".join(re.escape(n) for n in sorted(names, key=lambda n: (-len(n), n))) + r")(?!\w)"
    )
    return lambda text: [(m.start(), m.end(), names[m.group(0)]) for m in pattern.finditer(text)]


def scores(cases: Sequence[Case], found: Sequence[frozenset[Mark]]) -> dict[str, float]:
    """Precision, recall and F1 over mentions; a case without mentions counts through what is found in it."""
    right = sum(len(case.marks & marks) for case, marks in zip(cases, found, strict=True))
    given, wanted = sum(map(len, found)), sum(len(case.marks) for case in cases)
    precision, recall = right / given if given else 1.0, right / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else float(not (given or wanted))
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def interval(cases: Sequence[Case], found: Sequence[frozenset[Mark]]) -> list[float]:
    """95 % interval of F1 from bootstrap samples of sentences."""
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    pairs = list(zip(cases, found, strict=True))
    values = []
    for _ in range(SAMPLES):
        drawn = rng.choices(pairs, k=len(pairs))
        values.append(scores([case for case, _ in drawn], [marks for _, marks in drawn])["f1"])
    values.sort()
    return [values[int(0.025 * SAMPLES)], values[int(0.975 * SAMPLES) - 1]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=DEFAULT, help="marked sentences")
    parser.add_argument("--misses", action="store_true", help="print what is wrong in the half used for mending")
    options = parser.parse_args(arguments)
    try:
        cases = read(options.gold)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    finders = {"rules": rules, "names as they stand": as_they_stand()}
    found = {name: [frozenset(finder(case.text)) for case in cases] for name, finder in finders.items()}
    groups = [*dict.fromkeys(case.group for case in cases)]
    rows: list[list[object]] = []
    figures: dict[str, Any] = {}
    for name, marks in found.items():
        parts = {"mended with": [i for i, c in enumerate(cases) if c.mends], **{
            part: [i for i, c in enumerate(cases) if not c.mends and part in ("reported", f"reported: {c.group}")]
            for part in ("reported", *(f"reported: {group}" for group in groups))
        }}  # fmt: skip
        for part, places in parts.items():
            chosen, got = [cases[i] for i in places], [marks[i] for i in places]
            values = scores(chosen, got)
            wrong = sum(len(g - c.marks) for c, g in zip(chosen, got, strict=True))
            rows.append([name, part, len(chosen), sum(len(c.marks) for c in chosen), wrong, *values.values()])
            if part == "reported":
                figures[name] = {**values, "f1_interval": interval(chosen, got)} if chosen else values
            elif part == "mended with":
                figures[f"{name}, mended with"] = values
    print(table(["finder", "sentences", "cases", "mentions", "wrong", "precision", "recall", "f1"], rows))
    if options.misses:
        _print_misses(cases, found["rules"])
    rate = _speed()
    low, high = figures["rules"].get("f1_interval", [0.0, 0.0])
    print(f"\nreported half: F1 {figures['rules']['f1']:.3f}, 95 % over sentences {low:.3f} to {high:.3f}")
    print(f"{len(load_entities())} entities; {rate:,.0f} characters a second")
    finish(
        "entities",
        {
            **figures["rules"],
            "cases": len(cases),
            "entities": len(load_entities()),
            "mended_with": figures["rules, mended with"],
            "names_as_they_stand": figures["names as they stand"],
            "characters_per_second": round(rate),
        },
    )
    return 0


def _print_misses(cases: Sequence[Case], found: Sequence[frozenset[Mark]]) -> None:
    for case, marks in zip(cases, found, strict=True):
        if case.mends and marks != case.marks:
            missed = [(case.text[s:e], name) for s, e, name in sorted(case.marks - marks)]
            wrong = [(case.text[s:e], name) for s, e, name in sorted(marks - case.marks)]
            print(f"{case.text}\n    missed {missed}, wrong {wrong}")


def _speed() -> float:
    """Characters a second over the packaged sample texts."""
    texts = sample_texts()
    entities_of(texts[0])
    started = time.perf_counter()
    for text in texts:
        entities_of(text)
    return sum(map(len, texts)) / (time.perf_counter() - started)


if __name__ == "__main__":
    raise SystemExit(main())
