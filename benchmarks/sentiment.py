"""Tone and stance of titles and posts as the project reads them: accuracy, macro F1, confusion, what is left unclear.

Data: recorded titles and posts with the labels of `gold/sentiment.tsv`, the half that neither weights nor thresholds
were chosen on; or `--data` lines of {"text", "sentiment", "stance"}, all of which are then reported. Beside it: always
the commonest label; VADER (Hutto and Gilbert 2014) where the package is installed; for stance, plain words
(analyze/checkworthy.py). `--draw N` prints a new draw of N texts to be labelled, `--write` puts the figures into the
package, where they stand beside the weights.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aidran_pipeline.analyze.checkworthy import stance_of
from aidran_pipeline.text.embeddings import embed_all
from aidran_pipeline.text.sentiment.features import NAMES, measured
from aidran_pipeline.text.sentiment.model import trained
from benchmarks.report import finish, table
from benchmarks.sentiment_data import (
    LABELS,
    MISSING,
    SENTIMENTS,
    WORLD,
    Case,
    Label,
    data_cases,
    drawn,
    labelled,
    read_labels,
    topics_of,
    world_cases,
)
from benchmarks.train_sentiment import OUT, SIDES, number_lines, slope_and_error

SAMPLES, SEED = 1000, 2026
Answers = dict[str, list[str]]


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa of two readings (Educ. Psychol. Meas. 20, 1960); 1 where both gave one label throughout."""
    number = len(first)
    same = sum(a == b for a, b in zip(first, second, strict=True)) / number
    one, other = Counter(first), Counter(second)
    chance = sum(one[label] * other[label] for label in one) / number**2
    return (same - chance) / (1 - chance) if chance < 1 else 1.0


def scores(truth: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy and macro F1 over the labels that the truth has."""
    right = sum(a == b for a, b in zip(truth, said, strict=True)) / len(truth)
    f1 = []
    for label in labels:
        if label in truth:
            both = sum(a == b == label for a, b in zip(truth, said, strict=True))
            f1.append(2 * both / (sum(a == label for a in truth) + sum(b == label for b in said)))
    return {"accuracy": round(right, 4), "macro_f1": round(sum(f1) / len(f1), 4)}


def interval(truth: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> list[float]:
    """95 % interval of macro F1 from bootstrap samples of texts."""
    rng = random.Random(SEED)  # noqa: S311 - a repeatable order, not a secret
    pairs = list(zip(truth, said, strict=True))
    values = []
    for _ in range(SAMPLES):
        one, other = zip(*rng.choices(pairs, k=len(pairs)), strict=True)
        values.append(scores(one, other, labels)["macro_f1"])
    values.sort()
    return [values[int(0.025 * SAMPLES)], values[int(0.975 * SAMPLES) - 1]]


def given(truth: Sequence[str], said: Sequence[str | None]) -> dict[str, Any]:
    """Where a label is given: the share of texts, how often it is right, and both by label."""
    if not truth:
        return {"coverage": 0.0, "accuracy": None, "by_label": {}}
    told = [(a, b) for a, b in zip(truth, said, strict=True) if b is not None]
    by_label = {
        label: [number, round(sum(a == b for a, b in told if b == label) / number, 4)]
        for label, number in sorted(Counter(b for _, b in told if b is not None).items())
    }
    right = round(sum(a == b for a, b in told) / len(told), 4) if told else None
    return {"coverage": round(len(told) / len(truth), 4), "accuracy": right, "by_label": by_label}


def vader() -> Callable[[str], str] | None:
    """VADER with the thresholds of its authors, ±0.05; None where it is not installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyser = SentimentIntensityAnalyzer()

    def read(text: str) -> str:
        value = analyser.polarity_scores(text)["compound"]
        return SENTIMENTS[(value > -0.05) + (value >= 0.05)]

    return read


def sides(truth: Sequence[str]) -> list[str]:
    """Unclear counts as neutral: no side that could be told."""
    return ["neutral" if label == "unclear" else label for label in truth]


def confusion(truth: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """Rows: labelled; columns: read."""
    pairs = Counter(zip(truth, said, strict=True))
    return [[pairs[a, b] for b in labels] for a in labels]


def measure(cases: Sequence[Case]) -> tuple[dict[str, Any], list[list[object]], list[list[object]]]:
    """(figures, rows of the comparison, confusion of sentiment with its labels)."""
    model = trained()
    vectors = embed_all([case.text for case in cases])
    standard = [model.standard(measured(c.text, v)) for c, v in zip(cases, vectors, strict=True)]
    tones = [model.sentiment.probabilities(s) for s in standard]
    stances = [model.stance.probabilities(s) for s in standard]
    figures: dict[str, Any] = {}
    rows: list[list[object]] = []
    readers: dict[str, dict[str, list[str]]] = {"sentiment": {}, "stance": {}}
    readers["sentiment"]["this project"] = [model.sentiment.forced(p) for p in tones]
    readers["stance"]["this project"] = [model.stance.forced(p) for p in stances]
    if (other := vader()) is not None:
        readers["sentiment"]["VADER"] = [other(case.text) for case in cases]
    readers["stance"]["plain words"] = [stance_of(case.text) or "neutral" for case in cases]
    shown: list[list[object]] = []
    for question, labels, told in (("sentiment", SENTIMENTS, tones), ("stance", SIDES, stances)):
        places = [i for i, case in enumerate(cases) if getattr(case, question)]
        if not places:
            continue
        truth = sides([getattr(cases[i], question) for i in places])
        commonest = Counter(truth).most_common(1)[0][0]
        for name, said in {**readers[question], "commonest label": [commonest] * len(cases)}.items():
            here = [said[i] for i in places]
            values: dict[str, Any] = dict(scores(truth, here, labels))
            rows.append([question, name, len(places), *values.values()])
            if name == "this project":
                values["macro_f1_interval"] = interval(truth, here, labels)
                values["confusion"] = confusion(truth, here, labels)
                asked = model.sentiment if question == "sentiment" else model.stance
                values["given"] = given(truth, [asked.given(told[i]) for i in places])
                figures[question] = values
                shown += [[question, a, *row] for a, row in zip(labels, values["confusion"], strict=True)]
            else:
                figures[f"{question}, {name}"] = values
    placed = [i for i, case in enumerate(cases) if case.stance]
    truth = sides([cases[i].stance for i in placed])
    words = [stance_of(cases[i].text) for i in placed]
    glad = [model.sentiment.given(tones[i]) == "positive" for i in placed]
    borne = [side if (side == "supportive") == tone else None for side, tone in zip(words, glad, strict=True)]
    figures["stance, plain words given"] = given(truth, words)
    figures["stance, words that the tone bears out"] = given(truth, borne)
    _believed(figures, cases, tones, [s[len(NAMES) :] for s in standard])
    return figures, rows, shown


def _believed(figures: dict[str, Any], cases: Sequence[Case], tones: Sequence[Any], vectors: Sequence[Any]) -> None:
    """Add the slope and the subject error of the values: what a change of their mean is worth."""
    import numpy as np

    if not all(case.sentiment for case in cases) or len(cases) < 50:
        return
    vectors = [vector + trained().mean[len(NAMES) :] for vector in vectors]
    values = np.array([p[2] - p[0] for p in tones])
    truth = np.array([SENTIMENTS.index(case.sentiment) - 1.0 for case in cases])
    slope, error = slope_and_error(values, truth, topics_of(cases, vectors))
    figures["slope"], figures["subject_error"] = round(slope, 3), round(error, 3)


def agreement(labels: Sequence[Label]) -> dict[str, float]:
    """Kappa of the two readings."""
    twice = [label for label in labels if label.second_sentiment]
    if not twice:
        return {}
    return {
        "read_twice": len(twice),
        "kappa_sentiment": round(kappa([x.sentiment for x in twice], [x.second_sentiment for x in twice]), 4),
        "kappa_stance": round(kappa([x.stance for x in twice], [x.second_stance for x in twice]), 4),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 2 where the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the recorded world")
    parser.add_argument("--labels", type=Path, default=LABELS, help="the label file")
    parser.add_argument("--data", type=Path, help='lines of {"text", "sentiment", "stance"} instead, all reported')
    parser.add_argument("--draw", type=int, help="print that many texts to be labelled, with their keys, and stop")
    parser.add_argument("--write", action="store_true", help="put the figures beside the packaged weights")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    try:
        if options.draw:
            for case in drawn(list(world_cases(options.world)), options.draw):
                print(json.dumps({"key": case.key, "text": case.text}, ensure_ascii=False))
            return 0
        if options.data:
            cases = data_cases(options.data)
        else:
            labels = read_labels(options.labels)
            cases = [case for case in labelled(labels, list(world_cases(options.world))) if not case.trains]
            figures = agreement(labels)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"no data: {error}. {MISSING}", file=sys.stderr)
        return 2
    if not cases:
        print(f"no data: no labelled text is here. {MISSING}", file=sys.stderr)
        return 2
    found, rows, shown = measure(cases)
    print(table(["question", "reader", "texts", "accuracy", "macro F1"], rows))
    print("\nlabelled (rows), read (columns: negative or critical, neutral, positive or supportive)")
    print(table(["question", "labelled", "ill", "neutral", "good"], shown))
    for question in ("sentiment", "stance"):
        if question in found:
            print(f"{question} given: {found[question]['given']}")
    print(f"stance by plain words: {found['stance, plain words given']}")
    print(f"stance by words that the tone bears out, as on claims: {found['stance, words that the tone bears out']}")
    if figures:
        print(f"two readings: {figures}")
    if options.write:
        packaged = json.loads(OUT.read_text(encoding="utf-8"))
        packaged["measured"] = {"texts": len(cases), **figures, **found}
        OUT.write_text(number_lines(packaged) + "\n", encoding="utf-8")
    headline = {name: found["sentiment"][name] for name in ("accuracy", "macro_f1")} if "sentiment" in found else {}
    finish("sentiment", {"texts": len(cases), **headline, **figures, **found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
