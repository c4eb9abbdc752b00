"""An edition by a model, killed at a few of its calls: the benchmark's own judgement."""

from __future__ import annotations

import json

import pytest

from benchmarks import killed_model


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_edition_killed_at_its_calls_pays_for_no_answer_twice_and_ends_as_if_undisturbed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert killed_model.main(["--kills", "3", "--seed", "2"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["kills"] == found["held"] == found["killed_at_work"] == 3
    assert found["paid_twice"] == 0 and found["equal"] and found["rerun_calls"] == found["rerun_changed"] == 0
    assert found["asked_twice"] >= 3, "the call under way at the kill: nobody knows whether it was made"
    assert found["stories"] >= 1 and found["claims"] > 50 and found["calls"] > 10
