"""Each benchmark runs on little data: exit code, a table for people, one JSON object as the last line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import checkworthiness, duplicates, edition, report, sentences

Main = Callable[[Sequence[str]], int]


def run(main: Main, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON of the last line."""
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2, "figures for a person come before"
    found = json.loads(lines[-1])
    assert isinstance(found, dict)
    return found


def test_sentences(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    gold = tmp_path / "gold.txt"
    gold.write_text("## some\nDr. Wu signed.‖ She left.\nIt costs 3.5 euros.\n", encoding="utf-8")
    found = run(sentences.main, ["--gold", str(gold), "--seconds", "0.01"], capsys)
    assert found["benchmark"] == "sentences" and found["cases"] == 2
    assert found["rules"]["exact"] == 1.0 and found["naive"]["exact"] == 0.5
    assert found["rules"]["characters_per_second"] > 0


def test_accuracy_counts_what_is_wrong() -> None:
    cases = [sentences.Case("a", "One. Two.", tuple(sentences.naive("One. Two.")))]
    assert sentences.accuracy(sentences.naive, cases)["f1"] == pytest.approx(1)
    nothing = sentences.accuracy(lambda text: [], cases)
    assert nothing["exact"] == nothing["recall"] == 0


def test_checkworthiness(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "dev.tsv"
    worthy = [f"The agency said that {n} patients were harmed in Lisbon in 2025." for n in range(100, 106)]
    idle = [
        f"lol I guess so, {word}!" for word in ("maybe", "whatever", "who cares", "meh", "nice", "sure", "ok", "hm")
    ]
    rows = ["tweet_text\tcheck_worthiness", *(f"{t}\t1" for t in worthy), *(f"{t}\t0" for t in idle)]
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = run(checkworthiness.main, ["--data", str(data), "--samples", "50"], capsys)
    assert found["tweets"] == 14 and found["worthy"] == 6
    assert found["rules"]["average_precision"]["value"] == 1.0
    assert found["random"]["average_precision"]["value"] < 0.8
    low, high = found["rules"]["p_at_10"]["low"], found["rules"]["p_at_10"]["high"]
    assert low <= found["rules"]["p_at_10"]["value"] <= high


def test_checkworthiness_says_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert checkworthiness.main(["--data", str(tmp_path / "none.tsv")]) == 2
    assert "--data" in capsys.readouterr().err
    wrong = tmp_path / "wrong.tsv"
    wrong.write_text("a\tb\n1\t2\n", encoding="utf-8")
    assert checkworthiness.main(["--data", str(wrong)]) == 2
    assert "columns" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [([True, True, False], 1.0), ([False, True, True], (1 / 2 + 2 / 3) / 2), ([False, False], 0.0)],
)
def test_average_precision(ranked: list[bool], expected: float) -> None:
    assert checkworthiness.average_precision(ranked) == pytest.approx(expected)


def test_the_recorded_file_can_be_read(shared_data: Path) -> None:
    tweets = checkworthiness.read(shared_data / "data" / "claims" / "dev_v2.tsv")
    assert len(tweets) == 150 and 0 < sum(t.worthy for t in tweets) < 150


def test_duplicates(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(duplicates.main, ["--texts", "25", "--records", "200"], capsys)
    assert found["texts"] == 25 and found["copies"] == 25 * len(duplicates.EDITS)
    assert found["minhash"]["recall"] > found["folded"]["recall"] > found["equal"]["recall"] > 0
    assert found["minhash"]["precision"] > 0.95 and found["records_per_second"] > 0


STAGES = (
    "print('ingest      1.5 s  3 new records'); print('FAILED site   0.2 s  no disk'); print('ingest      0.5 s  none')"
)


def test_edition(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["--home", str(tmp_path), "--times", "2", "--", sys.executable, "-c", STAGES]
    found = run(edition.main, command, capsys)
    assert [call["stages"] for call in found["calls"]] == [{"ingest": 2.0, "site": 0.2}] * 2
    assert found["calls"][0]["failed"] == ["site"] and found["peak_megabytes"] > 1


def test_edition_stops_where_the_command_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert edition.main(["--home", str(tmp_path), "--", sys.executable, "-c", "raise SystemExit(3)"]) == 3
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["calls"]) == 1


def test_a_table_is_aligned_and_nan_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.table(["name", "n"], [["a", 1], ["long", 12345]]).splitlines() == [
        "name       n",
        "a          1",
        "long  12,345",
    ]
    with pytest.raises(ValueError, match="JSON"):
        report.finish("x", {"value": float("nan")})


def test_every_benchmark_is_documented() -> None:
    folder = Path(report.__file__).parent
    written = (folder / "README.md").read_text(encoding="utf-8")
    names = {file.stem for file in folder.glob("*.py") if "def main(" in file.read_text(encoding="utf-8")}
    assert len(names) >= 4
    assert {name for name in names if f"| `{name}` |" not in written} == set()
