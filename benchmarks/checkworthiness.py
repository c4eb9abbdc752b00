"""Check-worthiness: how well the rules of analyze/checkworthy.py rank tweets that are worth checking above others.

The rules score sentences; a tweet counts as its best one, as a record does in analyze/claims.py.

Data: CheckThat! 2020, task 1, English, development file (TREC-style ranking of 150 tweets; research use, not part of
this project). Average precision is the measure of the task; beside it R-precision and precision at 10 and 30, each with
a 95 % interval from 1,000 bootstrap samples of tweets, and the same for two baselines: the mean over 200 random orders,
and longer tweets first.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from aidran_pipeline.analyze.checkworthy import score
from aidran_pipeline.text import split_sentences
from benchmarks.report import finish, table

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "claims" / "dev_v2.tsv"
SAMPLES, ORDERS, SEED = 1000, 200, 2020
Measure = Callable[[Sequence[bool]], float]


@dataclass(frozen=True)
class Tweet:
    """A tweet and whether it is worth checking."""

    text: str
    worthy: bool


def read(path: Path) -> list[Tweet]:
    """Rows of the task's file. Raises ValueError when its columns are others."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if not {"tweet_text", "check_worthiness"} <= set(rows.fieldnames or ()):
            raise ValueError(f"{path}: no columns tweet_text and check_worthiness; is it the task's TSV file?")
        return [Tweet(row["tweet_text"], row["check_worthiness"] == "1") for row in rows]


def average_precision(ranked: Sequence[bool]) -> float:
    """Mean of the precision at each relevant place."""
    found, total = 0, 0.0
    for place, relevant in enumerate(ranked, start=1):
        if relevant:
            found += 1
            total += found / place
    return total / found if found else 0.0


def precision_at(cut: int) -> Measure:
    """Share of relevant ones among the first `cut`."""
    return lambda ranked: sum(ranked[:cut]) / cut


def r_precision(ranked: Sequence[bool]) -> float:
    """Precision at the number of relevant ones."""
    relevant = sum(ranked)
    return sum(ranked[:relevant]) / relevant if relevant else 0.0


MEASURES: dict[str, Measure] = {
    "average_precision": average_precision,
    "r_precision": r_precision,
    "p_at_10": precision_at(10),
    "p_at_30": precision_at(30),
}


def ranking(tweets: Sequence[Tweet], worth: Callable[[str], float]) -> list[tuple[float, bool]]:
    """(score, relevant), best first. Ties keep the order of the file, which knows nothing of relevance."""
    return sorted(((worth(t.text), t.worthy) for t in tweets), key=lambda pair: -pair[0])


def best_sentence(text: str) -> float:
    """Score of the sentence that is most worth checking."""
    return max((score(span.of(text)) for span in split_sentences(text)), default=0.0)


def interval(ranked: Sequence[tuple[float, bool]], measure: Measure, samples: int) -> tuple[float, float]:
    """2.5th and 97.5th percentile over bootstrap samples of the tweets, each ranked by the same scores."""
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    values = []
    for _ in range(samples):
        chosen = sorted(rng.choices(range(len(ranked)), k=len(ranked)))
        values.append(measure([ranked[i][1] for i in chosen]))
    values.sort()
    return values[int(0.025 * samples)], values[min(samples - 1, int(0.975 * samples))]


def measured(ranked: Sequence[tuple[float, bool]], samples: int) -> dict[str, dict[str, float]]:
    """Every measure with its interval."""
    found = {}
    for name, measure in MEASURES.items():
        low, high = interval(ranked, measure, samples)
        found[name] = {"value": round(measure([r for _, r in ranked]), 4), "low": round(low, 4), "high": round(high, 4)}
    return found


def at_random(tweets: Sequence[Tweet], orders: int) -> dict[str, dict[str, float]]:
    """The mean of each measure over random orders, with the range that holds 95 % of them."""
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    relevant = [t.worthy for t in tweets]
    shuffled = []
    for _ in range(orders):
        rng.shuffle(relevant)
        shuffled.append(list(relevant))
    found = {}
    for name, measure in MEASURES.items():
        values = sorted(map(measure, shuffled))
        low, high = values[int(0.025 * orders)], values[min(orders - 1, int(0.975 * orders))]
        found[name] = {"value": round(fmean(values), 4), "low": round(low, 4), "high": round(high, 4)}
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 2 where the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT, help="dev_v2.tsv of the task")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="bootstrap samples")
    options = parser.parse_args(arguments)
    try:
        tweets = read(options.data)
    except (OSError, ValueError) as error:
        print(
            f"no data: {error}. Name the development file of CheckThat! 2020 task 1 with --data; it is published by "
            "sshaar/clef2020-factchecking-task1 for research use.",
            file=sys.stderr,
        )
        return 2
    results = {
        "rules": measured(ranking(tweets, best_sentence), options.samples),
        "length": measured(ranking(tweets, len), options.samples),
        "random": at_random(tweets, ORDERS),
    }
    shown = [
        [name, *(f"{m['value']:.3f} ({m['low']:.2f} to {m['high']:.2f})" for m in result.values())]
        for name, result in results.items()
    ]
    print(f"{len(tweets)} tweets, {sum(t.worthy for t in tweets)} of them worth checking\n")
    print(table(["ranking", *MEASURES], shown))
    finish("checkworthiness", {"tweets": len(tweets), "worthy": sum(t.worthy for t in tweets), **results})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
