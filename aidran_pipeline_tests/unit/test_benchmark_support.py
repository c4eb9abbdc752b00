"""The benchmark of the judge of prose and its training, on little own data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import support, train_support, wice

QUOTE = "The regulator fined the firm 40 million euros on Monday."


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3, "figures for a person come before"
    found = json.loads(lines[-1])
    assert isinstance(found, dict)
    return found


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_written_pairs_give_the_share_of_each_fault_caught(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = {
        "platform": "news",
        "publisher": "Harbour Ledger",
        "author": "M. Voss",
        "published": "2026-05-19T07:10:00Z",
    }
    rows: list[dict[str, Any]] = [
        {"sentence": "The regulator fined the firm 40 million euros on Monday.", "label": "supported", "fault": None},
        {"sentence": "Harbour Ledger reported on 19 May that the regulator fined the firm 40 million euros on Monday.",
         "label": "supported", "fault": None},
        {"sentence": "The regulator fined the firm 90 million euros on Monday.", "label": "not_supported", "fault": "number"},
        {"sentence": "The firm fined the regulator 40 million euros.", "label": "not_supported", "fault": "number"},
        {"sentence": "The regulator did not fine the firm.", "label": "not_supported", "fault": "negation"},
    ]  # fmt: skip
    file = written(tmp_path / "pairs.jsonl", [{"quotes": [QUOTE], "sources": [source], **row} for row in rows])
    assert support.main(["--data", str(file), "--samples", "20"]) == 0
    found = last_line(capsys)
    assert found["pairs"] == 5 and found["supported"] == 2
    assert found["faults_caught"]["negation"] == 1.0 and found["faults_caught"]["number"] >= 0.5
    assert found["recall"] == 1.0, "what the source's metadata says needs no quote"
    assert {"precision", "recall", "f1", "threshold", "faults_caught"} <= set(found)


def claim(number: int, label: str, text: str, split: str = "test") -> dict[str, Any]:
    return {"label": label, "claim": text, "evidence": [QUOTE, "It will appeal."],
            "meta": {"id": f"{split}{number:05}", "claim_title": f"Article {number}"}}  # fmt: skip


def test_wice_lines_and_the_halves_of_dev(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    texts = {"supported": "The firm was fined by the regulator.", "not_supported": "A treaty was signed in Lisbon."}
    rows = [claim(n, label, text) for n, (label, text) in enumerate(list(texts.items()) * 6)]
    file = written(tmp_path / "wice.jsonl", rows)
    assert support.main(["--data", str(file), "--samples", "20"]) == 0
    whole = last_line(capsys)
    assert whole["pairs"] == 12 and whole["faults_caught"] == {"not_supported": 1.0}
    assert whole["f1"] > whole["always_supported_f1"]
    dev = [claim(n, "supported", texts["supported"], "dev") for n in range(40)]
    pairs, what = support.chosen(written(tmp_path / "dev.jsonl", dev))
    assert "reported half" in what and 0 < len(pairs) < 40
    assert not any(wice.calibration(pair.article) for pair in pairs)


def test_training_uses_the_calibration_half_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    texts = {
        "supported": "The regulator fined the firm.",
        "partially_supported": "The regulator fined nine banks in May.",
    }
    rows = [claim(n, label, f"{text} {n}", "dev") for n, (label, text) in enumerate(list(texts.items()) * 40)]
    data, out = written(tmp_path / "dev.jsonl", rows), tmp_path / "weights.json"
    assert train_support.main(["--data", str(data), "--out", str(out)]) == 0
    assert last_line(capsys)["pairs"] == sum(wice.calibration(row["meta"]["claim_title"]) for row in rows)
    model = json.loads(out.read_text(encoding="utf-8"))
    assert model["features"]["coverage"]["weight"] > 0


def test_missing_data_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for main in (support.main, train_support.main):
        assert main(["--data", str(tmp_path / "none.jsonl")]) == 2
        assert "--data" in capsys.readouterr().err
    file = written(tmp_path / "odd.jsonl", [{"quotes": [QUOTE], "sentence": "x", "label": "maybe"}])
    assert support.main(["--data", str(file)]) == 2
    assert "maybe" in capsys.readouterr().err


def test_figures() -> None:
    assert support.figures([True, True, False], [True, False, True]) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert support.figures([False], [True]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
