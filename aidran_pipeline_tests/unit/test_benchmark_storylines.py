"""The benchmark of storylines on little data: halves, measure, the three groupings, what it says without data."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import storylines

STORIES = {
    "one": ["Lindqvist opens data centre in Aldmoor", "Aldmoor data centre of Lindqvist opened", "Data centre in Aldmoor opens, says Lindqvist"],
    "two": ["Judge Harlow hears suit against Mimir Labs", "Mimir Labs suit heard by Judge Harlow", "Suit against Mimir Labs before Judge Harlow"],
    "three": ["Ferry Aurora runs aground off Narvik", "Aurora ferry aground near Narvik", "Narvik: ferry Aurora is aground"],
    "four": ["Bakers of Ghent strike over flour price", "Flour price: Ghent bakers on strike", "Strike of Ghent bakers over flour"],
    "six": ["Comet Halden seen with the naked eye", "Naked eye sees comet Halden", "Comet Halden now visible to the naked eye"],
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "headlines.csv"
    rows = [
        (title, story, 1_394_470_370_000 + 60_000 * i)
        for story, titles in STORIES.items()
        for i, title in enumerate(titles)
    ]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("TITLE", "STORY", "TIMESTAMP"), *rows])
    return file


def test_it_measures_the_reported_half(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len({storylines.calibrates(story) for story in STORIES}) == 2
    assert storylines.main(["--data", str(data), "--days", "0"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "storylines"
    assert found["headlines"] == 3 * sum(not storylines.calibrates(story) for story in STORIES)
    assert found["headlines"] + found["calibration"]["headlines"] == found["whole"]["headlines"] == 15
    assert found["precision"] == found["whole"]["precision"] == 1.0 and found["f1"] > 0.8
    assert 0 < found["others"]["single-pass TF-IDF"]["reported"]["f1"] <= 1


def test_bcubed_by_hand() -> None:
    """Two stories of two; one cluster of three and one of one: precision (2/3+2/3+1/3+1)/4, recall (1+1+.5+.5)/4."""
    found = storylines.scores(storylines.bcubed_of_each("aabb", [1, 1, 1, 2]))
    assert found["precision"] == pytest.approx(2 / 3) and found["recall"] == pytest.approx(0.75)
    assert storylines.scores(storylines.bcubed_of_each("ab", [1, 2]))["f1"] == 1


def test_it_agrees_with_the_published_scorer(shared_data: Path) -> None:
    source = (shared_data / "tools" / "bcubed.py").read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    exec(compile(source, "bcubed.py", "exec"), scope)
    gold, found = list("aaabbcdddd"), [1, 1, 2, 2, 2, 3, 4, 4, 4, 1]
    precision, recall, f1 = scope["bcubed"](gold, found)  # type: ignore[operator]
    assert list(storylines.scores(storylines.bcubed_of_each(gold, found)).values()) == pytest.approx(
        [precision, recall, f1]
    )


@pytest.mark.parametrize(("rows", "said"), [(None, "--data"), ([("A", "B")], "columns"),
                                            ([("TITLE", "STORY", "TIMESTAMP"), ("a", "one", "1")], "one half")])  # fmt: skip
def test_it_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: Sequence[Sequence[str]] | None, said: str
) -> None:
    file = tmp_path / "other.csv"
    if rows:
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
    assert storylines.main(["--data", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_a_storyline_keeps_its_id_over_days(data: Path) -> None:
    """What is placed on a day stays where it is when the next day is added."""
    headlines = storylines.read(data)
    later = [
        storylines.Headline(h.title + " again", h.story, h.day.replace(day=h.day.day + 1), h.vector)
        for h in headlines[:3]
    ]
    first, both = storylines.project(headlines), storylines.project([*headlines, *later])
    assert both[: len(first)] == first
    assert set(both[len(first) :]) <= set(first)
