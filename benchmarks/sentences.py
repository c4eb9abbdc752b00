"""Sentence splitting: accuracy on a small set of hard cases made by hand, speed on news and posts, beside a naive rule.

Accuracy is counted twice: cases whose every span is right, and sentence ends found (precision and recall). Speed: the
packaged sample texts, repeated, split one by one.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aidran_pipeline.text import Span, split_sentences
from aidran_pipeline.text.spans import trimmed
from benchmarks.report import finish, table
from benchmarks.texts import sample_texts

GOLD = Path(__file__).with_name("gold") / "sentences.txt"
Splitter = Callable[[str], Sequence[Span]]


@dataclass(frozen=True)
class Case:
    """A text with the spans of its sentences."""

    group: str
    text: str
    spans: tuple[Span, ...]


def naive(text: str) -> list[Span]:
    """The usual one-liner: after a stop and white space, or at a line break, a new sentence begins."""
    starts = [0, *(m.end() for m in re.finditer(r"(?<=[.!?])\s+|\n", text)), len(text)]
    spans = (trimmed(text, a, b) for a, b in pairwise(starts))
    return [span for span in spans if span]


def gold_cases(path: Path = GOLD) -> Iterator[Case]:
    """The cases of a gold file, with their marks taken out."""
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            group = line[3:]
        elif line and not line.startswith("#"):
            yield _case(group, line.replace("⏎", "\n"))


def _case(group: str, marked: str) -> Case:
    text, spans, start = "", [], 0
    for char in marked + "‖":
        if char == "¦":
            start = len(text)
        elif char in "‖\n":
            span = trimmed(text, start, len(text))
            if span:
                spans.append(span)
            text += "\n" if char == "\n" else ""
            start = len(text)
        else:
            text += char
    return Case(group, text, tuple(spans))


def accuracy(splitter: Splitter, cases: Sequence[Case]) -> dict[str, float]:
    """Share of exact cases; precision, recall and F1 of sentence ends."""
    exact = found = wanted = right = 0
    for case in cases:
        spans = splitter(case.text)
        exact += tuple(spans) == case.spans
        ends, gold = {s.end for s in spans}, {s.end for s in case.spans}
        found, wanted, right = found + len(ends), wanted + len(gold), right + len(ends & gold)
    precision, recall = right / max(1, found), right / max(1, wanted)
    return {
        "exact": exact / max(1, len(cases)), "precision": precision, "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
    }  # fmt: skip


def speed(splitter: Splitter, texts: Sequence[str], seconds: float) -> float:
    """Characters a second, over as many rounds as fit into `seconds`."""
    done, started = 0, time.perf_counter()
    while True:
        for text in texts:
            splitter(text)
            done += len(text)
        spent = time.perf_counter() - started
        if spent >= seconds:
            return done / spent


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD, help="file of marked cases")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each speed measurement")
    parser.add_argument("--misses", action="store_true", help="print the cases that are not exact")
    options = parser.parse_args(arguments)
    cases, texts = list(gold_cases(options.gold)), sample_texts()
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    splitters: dict[str, Splitter] = {"rules": split_sentences, "naive": naive}
    measured = {
        name: {**accuracy(s, cases), "characters_per_second": round(speed(s, texts, options.seconds))}
        for name, s in splitters.items()
    }
    print(table(["splitter", *next(iter(measured.values()))], [[n, *m.values()] for n, m in measured.items()]))
    exact = [[g, len(own), *(accuracy(s, own)["exact"] for s in splitters.values())] for g, own in groups.items()]
    print("\n" + table(["group", "cases", *(f"exact, {name}" for name in splitters)], exact))
    if options.misses:
        for case in cases:
            found = split_sentences(case.text)
            if tuple(found) != case.spans:
                print(f"\n{case.group}: {case.text!r}\n  found {[s.of(case.text) for s in found]}")
    finish("sentences", {"cases": len(cases), **measured})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
