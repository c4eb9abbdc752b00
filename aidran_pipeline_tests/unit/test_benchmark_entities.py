"""The benchmark of entities on little data: what it reads, counts and prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import entities


def test_it_runs_on_its_own_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert entities.main([]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "entities" and found["cases"] >= 150
    assert found["f1"] > 0.9 > found["names_as_they_stand"]["f1"]
    low, high = found["f1_interval"]
    assert low <= found["f1"] <= high


def test_marks_become_offsets() -> None:
    case = entities.parsed("some", "🤖 [OpenAI|OpenAI]'s [Altman|Sam Altman] spoke.")
    assert case.text == "🤖 OpenAI's Altman spoke."
    assert sorted(case.marks) == [(2, 8, "OpenAI"), (11, 17, "Sam Altman")]
    assert {case.text[s:e] for s, e, _ in case.marks} == {"OpenAI", "Altman"}


def test_what_is_wrong_costs() -> None:
    cases = [entities.parsed("a", "[OpenAI|OpenAI] rose."), entities.parsed("a", "Nobody rose.")]
    right = frozenset(cases[0].marks)
    assert entities.scores(cases, [right, frozenset()])["f1"] == 1
    assert entities.scores(cases, [right, frozenset({(0, 6, "OpenAI")})]) == {
        "precision": 0.5,
        "recall": 1,
        "f1": 0.6667,
    }
    assert entities.scores(cases, [frozenset(), frozenset()])["f1"] == 0


def test_an_unknown_name_in_the_gold_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = tmp_path / "gold.txt"
    gold.write_text("[Acme|Acme Unlisted] rose.\n", encoding="utf-8")
    assert entities.main(["--gold", str(gold)]) == 2
    assert "no such entity" in capsys.readouterr().err
