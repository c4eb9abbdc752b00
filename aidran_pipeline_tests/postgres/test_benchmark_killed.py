"""Ingest of the recorded days, killed a few times: the benchmark's own judgement. Skipped without the recorded data."""

from __future__ import annotations

import json

import pytest

from benchmarks import killed


@pytest.mark.slow
@pytest.mark.skipif(not killed.SERVE.exists(), reason="the recorded sources are not on this machine")
def test_a_killed_ingest_loses_nothing_and_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert killed.main(["--kills", "6", "--sources", "24"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["equal"] is True and found["repeated"] == 0
    assert found["records"] > 100 and found["killed_at_work"] >= 1


def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert killed.main(["--serve", "nowhere/serve.py"]) == 2
    assert "serve.py" in capsys.readouterr().err
