"""Storylines: headlines whose true story is known, grouped as the project groups its records; BCubed, beside others.

Data: UCI News Aggregator (Gasparetti 2016, CC BY 4.0), columns TITLE, STORY, TIMESTAMP in milliseconds. Stories fall
into two halves by the SHA-256 of their id: first byte even, calibration; odd, reported. What is set was set on the
former: the constants of analyze/storylines.py, the threshold of the single pass, the smallest cluster of HDBSCAN. Each
half is grouped by itself, so that nothing of the reported one was seen; `whole` groups both together, and `reported
among all` scores the reported headlines of that.

The project's grouping is the one of analyze/storyline_store.py, causal: copies stand behind their first, each day
groups the window that ends with it, a group goes on with the id most of its earlier members have, and storylines merge
and split as there. Of the time only the day is used: in this set one story's headlines follow each other within
seconds, which would tell.

Beside it: a single pass over TF-IDF vectors (each headline joins the nearest centroid above a threshold, or opens a
cluster), and HDBSCAN (Campello, Moulavi and Sander 2013) on the project's embeddings, noise as clusters of one, for
which scikit-learn must be installed. Where the recorded days are at hand, how many storylines they give and how large.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import importlib
import importlib.util
import itertools
import json
import math
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from aidran_pipeline.analyze import storylines
from aidran_pipeline.analyze.continuity import Held, follow
from aidran_pipeline.analyze.duplicates import Text, earlier_twins
from aidran_pipeline.analyze.storyline_store import EMBED_CHARS, WINDOW_DAYS
from aidran_pipeline.analyze.storylines import Item, akin, group, idf
from aidran_pipeline.analyze.topics import ABOUT_AI, TopicModel
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.text import tokens
from aidran_pipeline.text.embeddings import Vector, embed
from benchmarks.report import finish, peak_megabytes, table

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
DEFAULT = SHARED / "clustering" / "uci_headlines.csv"
RECORDED = SHARED / "world" / "news.jsonl.gz"
FIRST_RECORDED = date(2026, 6, 8)
SAMPLES, SEED = 1000, 2014
HALVES, AMONG = ("calibration", "reported"), "reported among all"
Labels = Sequence[Hashable]


@dataclass(frozen=True)
class Headline:
    """A title with its true story, its day, and its vector."""

    title: str
    story: str
    day: date
    vector: Vector


def read(path: Path) -> list[Headline]:
    """Headlines in the order of time. Raises ValueError when the columns are others."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"TITLE", "STORY", "TIMESTAMP"} <= set(rows.fieldnames or ()):
            raise ValueError(f"{path}: no columns TITLE, STORY and TIMESTAMP; is it the UCI file?")
        ordered = sorted(rows, key=lambda row: (int(row["TIMESTAMP"]), row["TITLE"]))
    vectors: dict[str, Vector] = {}
    found = []
    for row in ordered:
        title = row["TITLE"]
        if title not in vectors:
            vectors[title] = embed(title[:EMBED_CHARS])
        day = datetime.fromtimestamp(int(row["TIMESTAMP"]) / 1000, UTC).date()
        found.append(Headline(title, row["STORY"], day, vectors[title]))
    return found


def calibrates(story: str) -> bool:
    """Whether a story belongs to the half on which settings are chosen."""
    return hashlib.sha256(story.encode()).digest()[0] % 2 == 0


def bcubed_of_each(gold: Labels, found: Labels) -> list[tuple[float, float]]:
    """(precision, recall) of each element (Bagga and Baldwin 1998)."""
    story, cluster, both = Counter(gold), Counter(found), Counter(zip(gold, found, strict=True))
    return [(both[g, f] / cluster[f], both[g, f] / story[g]) for g, f in zip(gold, found, strict=True)]


def scores(each: Sequence[tuple[float, float]]) -> dict[str, float]:
    """BCubed precision, recall and F1: the means over the elements, and their harmonic mean."""
    precision, recall = fmean(p for p, _ in each), fmean(r for _, r in each)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


def interval(headlines: Sequence[Headline], each: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """95 % interval of F1 from bootstrap samples of stories."""
    of_story: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for headline, values in zip(headlines, each, strict=True):
        of_story[headline.story].append(values)
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    stories = sorted(of_story)
    found = sorted(
        scores([pair for story in rng.choices(stories, k=len(stories)) for pair in of_story[story]])["f1"]
        for _ in range(SAMPLES)
    )
    return found[int(0.025 * SAMPLES)], found[int(0.975 * SAMPLES) - 1]


def project(headlines: Sequence[Headline]) -> list[int]:
    """The project's own grouping, day by day: the storyline of each headline."""
    twins = earlier_twins([Text(i, h.title) for i, h in enumerate(headlines)])
    items = [
        Item.of(i, h.day, False, h.title, h.title, h.vector, (h.day.isoformat(), f"{i:07}"))
        for i, h in enumerate(headlines)
        if i not in twins
    ]
    placed = causal(items)
    return [placed[twins[i][0] if i in twins else i] for i in range(len(headlines))]


def causal(items: Sequence[Item]) -> dict[int, int]:
    """Record id → storyline, each day grouping the window that ends with it, as analyze/storyline_store.py does."""
    placed: dict[int, int] = {}
    made = itertools.count(1)
    for day in sorted({item.day for item in items}):
        window = [item for item in items if 0 <= (day - item.day).days < WINDOW_DAYS]
        weights = idf(window, Counter(stem for item in window for stem in item.stems), len(window))
        groups = [members for _, members in group(window, weights)]
        before = dict(placed)
        found = follow([[_held(m, before) for m in members] for members in groups], day)
        for place, members in enumerate(groups):
            home = found.homes[place]
            if place in found.splits:
                home = next(made)
                own = [m for m in members if before.get(m.record_id) == found.splits[place]]
                placed.update({m.record_id: home for m in own})
            home = next(made) if home is None else home
            for member in members:
                placed.setdefault(member.record_id, home)
        merges = {
            left: heir for left, heir in found.merges.items() if akin(*(_of(window, before, s) for s in (left, heir)))
        }
        placed = {record: merges.get(storyline, storyline) for record, storyline in placed.items()}
    return placed


def _of(items: Sequence[Item], placed: dict[int, int], storyline: int) -> list[Item]:
    return [item for item in items if placed.get(item.record_id) == storyline]


def _held(item: Item, placed: dict[int, int]) -> Held:
    home = placed.get(item.record_id)
    return Held(item.day, home, home)


def single_pass(headlines: Sequence[Headline], threshold: float) -> list[int]:
    """Each headline joins the cluster whose TF-IDF centroid is nearest, if near enough; idf from all headlines."""
    bags = [Counter(tokens(h.title)) for h in headlines]
    spread = Counter(term for bag in bags for term in bag)
    centroids: list[dict[str, float]] = []
    lengths: list[float] = []
    holders: dict[str, set[int]] = defaultdict(set)
    found = []
    for bag in bags:
        vector = {t: n * math.log(len(bags) / spread[t]) for t, n in sorted(bag.items())}
        norm = math.sqrt(math.fsum(v * v for v in vector.values())) or 1.0
        near: dict[int, float] = defaultdict(float)
        for term, value in vector.items():
            for cluster in holders[term]:
                near[cluster] += value / norm * centroids[cluster][term]
        best = max(near, key=lambda c: (near[c] / lengths[c], -c), default=-1)
        if best < 0 or near[best] / lengths[best] < threshold:
            best = len(centroids)
            centroids.append(defaultdict(float))
            lengths.append(0.0)
        for term, value in vector.items():
            centroids[best][term] += value / norm
            holders[term].add(best)
        lengths[best] = math.sqrt(math.fsum(v * v for v in centroids[best].values())) or 1.0
        found.append(best)
    return found


def hdbscan(headlines: Sequence[Headline], smallest: float) -> list[int]:
    """HDBSCAN on the embeddings; each headline it calls noise is a cluster of its own."""
    model = importlib.import_module("sklearn.cluster").HDBSCAN(min_cluster_size=int(smallest), min_samples=1, copy=True)
    labels = model.fit_predict(np.vstack([h.vector for h in headlines]).astype(np.float64))
    return [int(label) if label >= 0 else -1 - place for place, label in enumerate(labels)]


Grouping = Callable[[Sequence[Headline], float], list[int]]
OTHERS: dict[str, tuple[Grouping, tuple[float, ...]]] = {
    "single-pass TF-IDF": (single_pass, (0.03, 0.04, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4)),
    "HDBSCAN": (hdbscan, (3, 5, 8, 12, 16, 20, 25, 30)),
}


def measured(headlines: Sequence[Headline], found: Sequence[int], *, only: bool = False) -> dict[str, Any]:
    """Scores, and how many headlines and groups; with `only`, of the reported half alone."""
    each = bcubed_of_each([h.story for h in headlines], found)
    taken = [place for place, h in enumerate(headlines) if not (only and calibrates(h.story))]
    values = {key: round(value, 4) for key, value in scores([each[place] for place in taken]).items()}
    return {**values, "headlines": len(taken), "groups": len({found[place] for place in taken})}


def _by_part(parts: dict[str, list[Headline]], labels: dict[str, list[int]]) -> dict[str, Any]:
    found = {part: measured(headlines, labels[part]) for part, headlines in parts.items()}
    return {**found, AMONG: measured(parts["whole"], labels["whole"], only=True)}


def recorded(path: Path, days: int) -> list[dict[str, Any]]:
    """What the recorded news give, by window: reports with a topic, storylines, how many of one, the largest."""
    items = _recorded_items(path, days)
    placed = causal(items)
    rows: list[dict[str, Any]] = []
    for day in sorted({item.day for item in items}):
        sizes = Counter(placed[item.record_id] for item in items if item.day == day)
        largest = sorted(sizes.values(), reverse=True)
        rows.append(
            {
                "day": day.isoformat(),
                "reports": sum(largest),
                "storylines": len(largest),
                "of_one": largest.count(1),
                "largest": largest[:5],
            }
        )
    return rows


def _recorded_items(path: Path, days: int) -> list[Item]:
    model = TopicModel.of(load_topics(), lambda texts: {key: embed(text) for key, text in texts.items()})
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = sorted(map(json.loads, file), key=lambda row: (row["published"], row["id"]))
    texts: list[tuple[dict[str, Any], date, str]] = []
    for row in rows:
        day = datetime.fromisoformat(row["published"]).astimezone(UTC).date()
        if 0 <= (day - FIRST_RECORDED).days < days:
            texts.append((row, day, f"{row['title']}\n\n{row['text'] or ''}".strip()))
    twins = earlier_twins([Text(i, text) for i, (_, _, text) in enumerate(texts)])
    items = []
    for i, (row, day, text) in enumerate(texts):
        if i in twins or model.relevance(row["title"], text, None) < ABOUT_AI:
            continue
        vector = embed(text[:EMBED_CHARS])
        topics = dict(model.scores(row["title"], text, None, vector))
        if topics:
            items.append(Item.of(i, day, False, row["title"], text, vector, (row["published"], row["id"]), topics))
    return items


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT, help="CSV with TITLE, STORY, TIMESTAMP (UCI)")
    parser.add_argument("--days", type=int, default=7, help="recorded days to group as well, 0 for none")
    options = parser.parse_args(arguments)
    try:
        headlines = read(options.data)
    except (OSError, ValueError) as error:
        print(
            f"{error}\nThe UCI News Aggregator is not part of this project; name its CSV with --data.", file=sys.stderr
        )
        return 2
    halves = {name: [h for h in headlines if calibrates(h.story) == (name == "calibration")] for name in HALVES}
    if not all(halves.values()):
        print(f"{options.data}: all stories fall into one half; more stories are needed", file=sys.stderr)
        return 2
    figures, rows = _all_figures(halves | {"whole": headlines})
    print(table(["grouping", "part", "headlines", "groups", "precision", "recall", "f1"], rows))
    low, high = figures["f1_interval"]
    print(f"\nreported half, F1 {figures['f1']:.3f}, 95 % over stories {low:.3f} to {high:.3f}")
    print(f"the project's grouping: {figures['headlines_per_second']:,} headlines a second without embedding")
    if figures["others"]["HDBSCAN"] is None:
        print("HDBSCAN: not installed; `pip install scikit-learn` beside the project to have it in this run")
    seen = recorded(RECORDED, options.days) if options.days and RECORDED.exists() else []
    if seen:
        print("\nrecorded days, storylines that have a report of that day (the topics' news only)")
        print(table(list(seen[0]), [list(row.values()) for row in seen]))
    finish("storylines", {**figures, "recorded": seen, "peak_megabytes": peak_megabytes()})
    return 0


def _all_figures(parts: dict[str, list[Headline]]) -> tuple[dict[str, Any], list[list[object]]]:
    """The JSON figures, and a row for each grouping and part."""
    rows: list[list[object]] = []
    results: dict[str, dict[str, Any]] = {}
    started = time.perf_counter()
    labels = {part: project(headlines) for part, headlines in parts.items()}
    rate = sum(map(len, parts.values())) / (time.perf_counter() - started)
    results["project"] = _by_part(parts, labels)
    for name, (grouping, choices) in OTHERS.items():
        if grouping is hdbscan and importlib.util.find_spec("sklearn") is None:
            continue
        usable = [c for c in choices if grouping is single_pass or c <= min(map(len, parts.values()))]
        chosen = max(usable, key=lambda c: measured(parts["calibration"], grouping(parts["calibration"], c))["f1"])
        results[name] = _by_part(parts, {part: grouping(headlines, chosen) for part, headlines in parts.items()})
        results[name]["chosen"] = chosen
    for name, result in results.items():
        for part in (*parts, AMONG):
            r = result[part]
            rows.append([name, part, *(r[key] for key in ("headlines", "groups", "precision", "recall", "f1"))])
    reported = parts["reported"]
    each = bcubed_of_each([h.story for h in reported], labels["reported"])
    figures = {
        **{key: results["project"]["reported"][key] for key in ("precision", "recall", "f1", "groups")},
        "f1_interval": [round(v, 4) for v in interval(reported, each)],
        "headlines": len(reported),
        "stories": len({h.story for h in reported}),
        **{part.replace(" ", "_"): results["project"][part] for part in ("calibration", "whole", AMONG)},
        "others": {name: results.get(name) for name in OTHERS},
        "setting": {
            name: getattr(storylines, name.upper())
            for name in ("event", "cohesion", "meaning", "words", "names", "nameless", "day_apart", "prior")
        },
        "headlines_per_second": round(rate),
    }
    return figures, rows


if __name__ == "__main__":
    raise SystemExit(main())
