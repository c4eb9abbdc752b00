"""Near-duplicates: copies found and texts wrongly merged, on synthetic copies of the packaged sample texts; speed.

Each text gets a copy by one kind of edit, as reposts and wire copies are made: as it was, a link added, dressed up as a
repost, a word in twelve replaced, a sentence dropped, the order of two sentences changed, the first two sentences only,
figures changed. A copy is found when it is grouped with its own original. Beside it: grouping by equal text, and by
equal text without case, punctuation and links. Kinds that leave less than the threshold of common shingles are no
copies by the definition of analyze/duplicates.py; they are shown, and left out of recall.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from aidran_pipeline.analyze.duplicates import SAME, Text, earlier_twins, jaccard, shingles
from aidran_pipeline.text import split_sentences
from benchmarks.report import finish, peak_megabytes, table
from benchmarks.texts import sample_texts

SEED = 11
Edit = Callable[[str, random.Random], str]
Grouping = Callable[[Sequence[str]], dict[int, int]]


def _sentences(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


def _words_replaced(text: str, rng: random.Random) -> str:
    words = text.split()
    for _ in range(max(1, len(words) // 12)):
        words[rng.randrange(len(words))] = rng.choice(["really", "quite", "new", "then", "here"])
    return " ".join(words)


def _sentence_dropped(text: str, rng: random.Random) -> str:
    parts = _sentences(text)
    if len(parts) > 1:
        parts.pop(rng.randrange(len(parts)))
    return " ".join(parts)


def _order_changed(text: str, rng: random.Random) -> str:
    parts = _sentences(text)
    if len(parts) > 1:
        place = rng.randrange(len(parts) - 1)
        parts[place], parts[place + 1] = parts[place + 1], parts[place]
    return " ".join(parts)


EDITS: dict[str, Edit] = {
    "as it was": lambda text, rng: text,
    "link added": lambda text, rng: f"{text} https://short.example/{rng.randrange(10**6)}",
    "dressed as a repost": lambda text, rng: f"RT: “{text.upper()}” #AI",
    "a word in twelve": _words_replaced,
    "a sentence dropped": _sentence_dropped,
    "two sentences swapped": _order_changed,
    "two sentences only": lambda text, rng: " ".join(_sentences(text)[:2]),
    "figures changed": lambda text, rng: re.sub(r"\d+", lambda m: str(int(m.group(0)) + 7), text),
}


def minhash(texts: Sequence[str]) -> dict[int, int]:
    """The project's own: place of a copy → place of its first."""
    return {new: first for new, (first, _) in earlier_twins([Text(i, t) for i, t in enumerate(texts)]).items()}


def equal(texts: Sequence[str]) -> dict[int, int]:
    """The same text, letter by letter."""
    return _same(texts)


def folded(texts: Sequence[str]) -> dict[int, int]:
    """The same words: case, punctuation and links do not count."""
    return _same([" ".join(re.findall(r"\w+", re.sub(r"https?://\S+", " ", text.lower()))) for text in texts])


def _same(texts: Sequence[str]) -> dict[int, int]:
    first: dict[str, int] = {}
    found = {}
    for place, text in enumerate(texts):
        if text in first:
            found[place] = first[text]
        first.setdefault(text, place)
    return found


GROUPINGS: dict[str, Grouping] = {"minhash": minhash, "folded": folded, "equal": equal}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=0, help="use only so many sample texts")
    parser.add_argument("--records", type=int, default=20_000, help="texts for the speed measurement")
    options = parser.parse_args(arguments)
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    originals = _distinct([text for text in sample_texts() if len(shingles(text)) >= 6])
    originals = originals[: options.texts or len(originals)]
    kinds = list(EDITS)
    copies = [(kind, i, EDITS[kind](text, rng)) for i, text in enumerate(originals) for kind in kinds]
    texts = [*originals, *(text for _, _, text in copies)]
    true = [jaccard(shingles(originals[i]), shingles(text)) >= SAME for _, i, text in copies]
    results, by_kind = {}, {}
    for name, grouping in GROUPINGS.items():
        found = grouping(texts)
        results[name], by_kind[name] = _scores(found, copies, true, len(originals))
    print(f"{len(originals)} texts, {len(copies)} copies, {sum(true)} of them copies by the threshold of {SAME}\n")
    print(table(["grouping", "precision", "recall", "f1"], [[name, *r.values()] for name, r in results.items()]))
    shares = {
        k: sum(t for (kind, *_), t in zip(copies, true, strict=True) if kind == k) / len(originals) for k in kinds
    }
    rows = [[kind, shares[kind], *(by_kind[name][kind] for name in GROUPINGS)] for kind in kinds]
    print("\n" + table(["edit", "copies by threshold", *(f"found, {name}" for name in GROUPINGS)], rows))
    rate = _speed(texts, options.records)
    print(f"\n{rate:,.0f} records a second over {options.records:,} texts, peak memory {peak_megabytes():,.0f} MB")
    finish(
        "duplicates",
        {"texts": len(originals), "copies": len(copies), **results, "records_per_second": round(rate),
         "peak_megabytes": peak_megabytes()},
    )  # fmt: skip
    return 0


def _distinct(texts: Sequence[str]) -> list[str]:
    """The texts without the sample's own copies."""
    twins = minhash(texts)
    return [text for place, text in enumerate(texts) if place not in twins]


def _scores(
    found: dict[int, int], copies: Sequence[tuple[str, int, str]], true: Sequence[bool], originals: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Precision, recall and F1; and by kind of edit the share of copies found."""
    right = wrong = 0
    kinds: dict[str, list[bool]] = defaultdict(list)
    for place, first in found.items():
        own = place >= originals and _original(first, copies, originals) == copies[place - originals][1]
        right, wrong = right + own, wrong + (not own)
    wanted = hit = 0
    for offset, (kind, original, _) in enumerate(copies):
        there = _original(found.get(originals + offset, -1), copies, originals) == original
        kinds[kind].append(there)
        wanted, hit = wanted + true[offset], hit + (there and true[offset])
    precision, recall = right / max(1, right + wrong), hit / max(1, wanted)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return (
        {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)},
        {kind: sum(values) / len(values) for kind, values in kinds.items()},
    )


def _original(place: int, copies: Sequence[tuple[str, int, str]], originals: int) -> int:
    return place if place < originals else copies[place - originals][1]


def _speed(texts: Sequence[str], records: int) -> float:
    """Records a second, shingling included, on texts told apart by a running word."""
    many = [Text(i, f"{texts[i % len(texts)]} number{i // len(texts)} of{i}") for i in range(records)]
    started = time.perf_counter()
    earlier_twins(many)
    return records / (time.perf_counter() - started)


if __name__ == "__main__":
    raise SystemExit(main())
