"""aidran trace, verify and why as an analyst calls them: exit codes, JSON, every mismatch by name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aidran_pipeline.cli import app
from aidran_pipeline_tests.faults.clean_story import DAY
from aidran_pipeline_tests.lineage_story import TOPIC, Story


class Desk:
    """The command line on the published newsroom, with a copy of its site."""

    def __init__(self, home: Path, story: Story) -> None:
        self.site, self.story = home / "site", story

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words))


@pytest.fixture
def desk(published: tuple[str, Path, Story], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    url, home, story = published
    shutil.copytree(home / "site", tmp_path / "site")
    monkeypatch.setenv("AIDRAN_DATABASE_URL", url)
    monkeypatch.setenv("AIDRAN_HOME", str(tmp_path))
    return Desk(tmp_path, story)


def test_verify_exits_0_when_all_holds(desk: Desk) -> None:
    result = desk.call("verify")
    assert result.exit_code == 0, result.output
    assert "1 story in 2 versions checked" in result.output
    assert result.output.rstrip().endswith("Everything checked holds.")
    data = json.loads(desk.call("verify", desk.story.slug, "--json").output)
    assert (data["ok"], data["stories"], data["mismatches"]) == (True, [desk.story.slug], [])


def test_verify_exits_1_and_names_every_mismatch(desk: Desk) -> None:
    slug = desk.story.slug
    page, feed = desk.site / f"stories/{slug}/index.html", desk.site / "feed.json"
    page.write_bytes(page.read_bytes().replace(b"40-megawatt", b"41-megawatt", 1))
    feed.unlink()
    result = desk.call("verify")
    assert result.exit_code == 1
    assert "2 mismatches" in result.output
    flowing = " ".join(result.output.split())
    assert f"stories/{slug}/index.html is not what the database renders" in flowing
    assert "feed.json is missing from the built site" in flowing
    result = desk.call("verify", slug, "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.output)["mismatches"]
    assert (found["kind"], found["where"]["slug"]) == ("site", slug)
    assert "40-megawatt" in found["expected"]
    assert "41-megawatt" in found["found"]


def test_unknown_names_are_errors_with_a_remedy(desk: Desk) -> None:
    result = desk.call("verify", "nothing-of-the-kind")
    assert result.exit_code == 1
    assert f"the newest of 1: {desk.story.slug}" in result.output
    result = desk.call("trace", desk.story.slug, "w9")
    assert result.exit_code == 1
    assert "it has records 1 to 7; web page w1" in result.output
    assert desk.call("why", "2026-05-20", "ai-lawn").exit_code == 2
    assert desk.call("why", "May 20", "ai-law").exit_code == 2


def test_trace_prints_the_chain_and_as_json_the_same(desk: Desk) -> None:
    result = desk.call("trace", desk.story.slug, "1")
    assert result.exit_code == 0, result.output
    data = json.loads(desk.call("trace", desk.story.slug, "1", "--json").output)
    for part in ("SENTENCE", "QUOTE", "CLAIM", "RECORD", "FETCH", "SOURCE", "RUNS"):
        assert f"\n{part}" in result.output
    assert data["fetches"][0]["body"]["sha256"] in result.output
    assert [run["asset"] for run in data["runs"]][-1] == "articles"
    assert desk.call("trace", desk.story.slug, "w1").exit_code == 0


def test_why_prints_the_decision(desk: Desk) -> None:
    result = desk.call("why", str(DAY), TOPIC)
    assert result.exit_code == 0, result.output
    assert "AI in Healthcare, 2026-05-20: published" in result.output
    data = json.loads(desk.call("why", str(DAY), TOPIC, "--json").output)
    assert data["decision"]["slug"] == desk.story.slug
    nothing = desk.call("why", str(DAY), "ai-law")
    assert nothing.exit_code == 0
    assert f"aidran run --day {DAY} --topic ai-law" in nothing.output


def test_a_reader_that_leaves_early_is_no_error(desk: Desk) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "aidran_pipeline.cli", "trace", desk.story.slug, "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
