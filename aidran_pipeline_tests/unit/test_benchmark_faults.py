"""The benchmark of seeded faults: what the packaged set must yield, and what a broken line is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aidran_pipeline.write.gates import GATES
from benchmarks import faults
from benchmarks.fault_format import Faults, read_faults
from benchmarks.fault_lines import BadLineError

FIRST = faults.DATA / "mend.jsonl"


def written(tmp_path: Path, *lines: object) -> Path:
    """A file of lines."""
    path = tmp_path / "some.jsonl"
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def article() -> dict[str, Any]:
    """The first clean article of the packaged set."""
    found = json.loads(FIRST.read_text(encoding="utf-8").splitlines()[0])
    assert isinstance(found, dict)
    return found


def test_the_packaged_set_is_large_and_every_gate_can_fail() -> None:
    data = read_faults(faults.DATA)
    assert len(data.articles) >= 8 and len(data.faults) >= 90
    assert {gate for fault in data.faults for gate in fault.gates} == {name for name, _ in GATES}
    assert {fault.twin for fault in data.faults} == {clean.name for clean in data.articles}
    assert len({fault.kind for fault in data.faults}) >= 20


def test_faults_are_caught_and_clean_articles_pass() -> None:
    """A third of the faults, spread over all articles and gates; the benchmark itself runs them all."""
    data = read_faults(faults.DATA)
    wanted = {gate: [f for f in data.faults if gate in f.gates][:2] for gate, _ in GATES}
    some = {f.name: f for f in [*data.faults[::3], *(f for own in wanted.values() for f in own)]}
    clean, found = faults.outcomes(Faults(data.articles, tuple(some.values())))
    counted = faults.figures(clean, found)
    report = faults.shown(data, clean, found)
    assert counted["clean_published_share"] >= 0.95, report
    assert counted["caught_share"] >= 0.97 and counted["caught_by_any"] >= counted["caught_share"], report
    assert all(own["caught"] > 0 for own in counted["gates"].values()), report


def test_a_fault_may_bring_its_twin_and_its_article_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = article()
    clean = json.loads(json.dumps(whole))
    for row in whole["sentences"]:
        row["text"] = row["text"].replace("22 percent", "27 percent")
    path = written(tmp_path, {"fault": "altered number", "gate": ["facts"], "twin": clean, "whole": whole})
    assert faults.main(["--data", str(path)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["articles"], found["faults"], found["caught_share"]) == (1, 1, 1.0)


def test_what_stops_the_twin_does_not_count_as_catching_its_fault(tmp_path: Path) -> None:
    clean = article()
    clean["sentences"][0]["text"] = "Port of Rotterdam Opens a Hall for Its Clinics"
    change = [{"sentence": "b1", "replace": ["has opened", "has opened, at last,"]}]
    path = written(tmp_path, clean, {"fault": "none", "gate": "facts", "of": clean["article"], "change": change})
    stopped, found = faults.outcomes(read_faults(path))
    assert "facts" in {failure.gate for failure in stopped[clean["article"]]}
    assert not found[0].caught


def test_markers_are_numbered_by_code_and_dead_ones_stay(tmp_path: Path) -> None:
    clean = article()
    draft = read_faults(written(tmp_path, clean)).articles[0].draft
    assert "[[1]]" in draft.sentences[4].text and "[[2]]" in draft.sentences[5].text, "by first use, whatever the keys"
    clean["sentences"][4]["text"] += " [99]"
    assert "[[99]]" in read_faults(written(tmp_path, clean)).articles[0].draft.sentences[4].text


BAD: list[tuple[str, list[Any], str]] = [
    ("no JSON", ["{"], "line 1: not JSON"),
    ("no object", ["[]"], "neither an article nor a fault"),
    ("a key too many", [{**article(), "colour": "red"}], "colour"),
    ("a part that is none", [{**article(), "sentences": [{"part": "lede", "text": "A."}]}], "sentences.0.part"),
    ("a name twice", [article(), {**article(), "label": "Other"}], "stands twice"),
    ("two sentences of one id", [{**article(), "sentences": [article()["sentences"][4]] * 2}], "two sentences with the id"),
    ("a source that is not there", [{**article(), "sources": {"x": {"publisher": "A", "text": "B."}}}], "not among the sources"),
    ("an unknown gate", [article(), {"fault": "f", "gate": "taste", "of": "harbour", "change": []}], "the gates are"),
    ("no twin", [{"fault": "f", "gate": "facts", "change": []}], "the clean twin is missing"),
    ("an unknown twin", [{"fault": "f", "gate": "facts", "of": "nobody", "change": []}], "no article 'nobody'"),
    ("nothing corrupted", [article(), {"fault": "f", "gate": "facts", "of": "harbour"}], "no corrupted article"),
    ("words that are not there", [article(), {"fault": "f", "gate": "facts", "of": "harbour",
     "change": [{"sentence": "b1", "replace": ["zebra", "horse"]}]}], "stands 0 times"),
    ("a sentence that is not there", [article(), {"fault": "f", "gate": "facts", "of": "harbour",
     "change": [{"sentence": "b99", "replace": ["a", "b"]}]}], "0 sentences with the id"),
    ("a change of nothing", [article(), {"fault": "f", "gate": "facts", "of": "harbour", "change": [{"sentence": "b1"}]}],
     "changes nothing"),
    ("a change without target", [article(), {"fault": "f", "gate": "facts", "of": "harbour", "change": [{}]}], "no target"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "said"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_line_is_named_with_its_rule(name: str, lines: list[Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadLineError, match=said) as raised:
        read_faults(written(tmp_path, *lines))
    assert "some.jsonl, line" in str(raised.value)


def test_bad_files_end_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main(["--data", str(tmp_path / "none.jsonl")]) == 2
    assert "--data" in capsys.readouterr().err
    assert faults.main(["--data", str(written(tmp_path, "{"))]) == 2
    assert "line 1" in capsys.readouterr().err
    assert faults.main(["--data", str(written(tmp_path, ""))]) == 2
