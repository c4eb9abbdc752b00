"""The benchmarks of tone: labels without texts, halves by hash, other people's data, a message where there is none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import sentiment, sentiment_shift, train_sentiment
from benchmarks.sentiment_data import LABELS, SENTIMENTS, WORLD, Case, Label, labelled, read_labels, world_cases

LINES = [
    {"text": "AI slop is a useless, dangerous scam and a disaster, I hate it.", "sentiment": "negative", "stance": "critical"},
    {"text": "Amazing model, I love it, so useful and great work!", "sentiment": "positive", "stance": "supportive"},
    {"text": "The ministry publishes its list of AI models on Tuesday.", "sentiment": "neutral", "stance": "neutral"},
    {"text": "The list has nine entries.", "sentiment": "neutral"},
]  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], main: Any, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = main(list(arguments))
    printed = capsys.readouterr()
    last = printed.out.strip().splitlines()[-1] if printed.out.strip() else "{}"
    return code, json.loads(last) if last.startswith("{") else {}, printed.err


def written(path: Path, lines: Sequence[dict[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path


def test_other_texts_can_be_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found, _ = run(capsys, sentiment.main, "--data", str(written(tmp_path / "d.jsonl", LINES)))
    assert code == 0 and found["texts"] == 4
    assert found["accuracy"] == 1.0 and found["macro_f1"] == 1.0
    assert found["sentiment"]["confusion"] == [[1, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert found["sentiment, commonest label"] == {"accuracy": 0.5, "macro_f1": 0.2222}
    assert found["stance, plain words given"]["coverage"] == pytest.approx(
        2 / 3, abs=0.001
    )  # three texts have a stance


def test_wrong_labels_and_absent_data_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = written(tmp_path / "w.jsonl", [{"text": "A", "sentiment": "angry"}])
    assert run(capsys, sentiment.main, "--data", str(wrong))[0] == 2
    for main in (sentiment.main, train_sentiment.main):
        code, _, message = run(capsys, main, "--world", str(tmp_path / "absent"))
        assert code == 2 and "no data" in message and "--data FILE" in message


def test_labels_meet_their_texts_by_key_and_hash(tmp_path: Path) -> None:
    for name in ("forum_comments", "bluesky_posts", "reddit_posts", "news"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            if name == "forum_comments":
                file.write(json.dumps({"id": "7", "text": "x" * 900}) + "\n")
    cases = list(world_cases(tmp_path))
    assert [(c.key, len(c.text)) for c in cases] == [("voices:7", 420)]
    label = Label("voices:7", cases[0].digest, "neutral", "unclear")
    assert labelled([label], cases) == [replace(cases[0], sentiment="neutral", stance="unclear")]
    assert labelled([replace(label, digest="0" * 64)], cases) == []


def test_the_label_file_holds_enough_labels_and_no_text() -> None:
    labels = read_labels()
    twice = [label for label in labels if label.second_sentiment]
    assert len(twice) >= 300 and len(labels) == len({label.key for label in labels})
    assert {label.sentiment for label in labels} == set(SENTIMENTS)
    longest = max(len(line) for line in LABELS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    assert longest < 240 and all(len(label.digest) == 64 for label in labels)
    bad = LABELS.with_name("absent.tsv")
    with pytest.raises(OSError, match="absent"):
        read_labels(bad)


def test_halves_depend_on_the_text_alone() -> None:
    cases = [Case(str(n), "news", f"text {n}") for n in range(400)]
    training = [case.trains for case in cases]
    assert 150 < sum(training) < 250
    assert training == [replace(case, key="other", sentiment="neutral").trains for case in cases]


def test_kappa_takes_chance_away() -> None:
    assert sentiment.kappa(["a", "b", "a", "b"], ["a", "b", "a", "b"]) == 1.0
    assert sentiment.kappa(["a", "b", "a", "b"], ["a", "a", "b", "b"]) == 0.0
    assert sentiment.kappa(["a", "a"], ["a", "a"]) == 1.0
    # Cohen's own form: (0.7 - 0.5) / (1 - 0.5)
    first, second = ["a"] * 25 + ["b"] * 25, ["a"] * 17 + ["b"] * 8 + ["a"] * 7 + ["b"] * 18
    assert sentiment.kappa(first, second) == pytest.approx(0.4, abs=0.001)


def test_a_threshold_is_the_lowest_that_is_right_often_enough() -> None:
    import numpy as np

    y = np.array([0] * 40 + [1] * 60)
    p = np.zeros((100, 3))
    p[:40, 0] = np.linspace(0.9, 0.6, 40)
    p[40:, 0] = np.linspace(0.65, 0.1, 60)
    limits = train_sentiment.thresholds(p, y, (0.7, 0.7, 0.7))
    taken = p[:, 0] > limits[0]
    assert (y[taken] == 0).mean() >= 0.7 and taken.sum() > 50
    assert limits[2] == 1.0


def test_simulated_days_are_judged(capsys: pytest.CaptureFixture[str]) -> None:
    code, found, _ = run(capsys, sentiment_shift.main, "--trials", "40")
    assert code == 0 and found["false_alarms"] <= 0.05
    assert found["moved"]["80 authors, 1.2"]["notable"] > 0.8 > found["moved"]["12 authors, 0.4"]["notable"]


@pytest.mark.skipif(not WORLD.is_dir(), reason="the recorded world is not here")
def test_most_labels_still_meet_the_recorded_texts() -> None:
    labels = read_labels()
    assert len(labelled(labels, list(world_cases()))) == len(labels)
