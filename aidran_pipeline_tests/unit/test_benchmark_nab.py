"""`python -m benchmarks.nab`: the score is the published one; the command runs on a folder laid out as NAB."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import nab, nab_beside
from benchmarks.nab_scoring import Series, load, raw_score, score

START = datetime(2026, 3, 2)  # noqa: DTZ001 - NAB's times name no zone


def made(folder: Path, names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """Three series of 9 days, a burst in each a week in, its window labelled."""
    (folder / "labels").mkdir(parents=True)
    (folder / "data" / "realTweets").mkdir(parents=True)
    labels = {}
    for number, name in enumerate(names):
        rng = random.Random(number)
        counts = [rng.randint(15, 40) for _ in range(9 * 288)]
        counts[7 * 288 + 50 : 7 * 288 + 60] = [400] * 10
        rows = [[str(START + timedelta(minutes=5 * i)), n] for i, n in enumerate(counts)]
        path = folder / "data" / "realTweets" / f"{name}.csv"
        lines = "timestamp,value\n" + "".join(f"{t},{n}\n" for t, n in rows)
        if number:
            path.write_text(lines, encoding="utf-8")
        else:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(lines.encode()))
        window = [f"{START + timedelta(days=7)}.000000", f"{START + timedelta(days=7, hours=12)}.000000"]
        labels[f"realTweets/{name}.csv"] = [window]
    labels["realTraffic/other.csv"] = []
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(labels), encoding="utf-8")
    return folder


def test_it_runs_and_says_what_it_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert nab.main(["--data", str(made(tmp_path / "nab"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert found["benchmark"] == "nab" and found["windows"] == found["found"] == 3
    assert found["score"] > 80 and set(found["series"]) == {"a.csv", "b.csv", "c.csv"}
    assert found["score_others"] is not None and len(lines) > 4


def test_the_bar_is_chosen_on_the_first_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nab, "THIN", (0.3,))
    monkeypatch.setattr(nab, "DRAWS", 1)
    assert nab.main(["--data", str(made(tmp_path / "nab", ("x", "y"))), "--choose"]) == 0
    out = capsys.readouterr().out
    assert "Chosen on realTweets/x.csv, realTweets/y.csv" in out
    assert json.loads(out.splitlines()[-1])["score_others"] is None


def test_it_says_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert nab.main(["--data", str(tmp_path)]) == 2
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "combined_windows.json").write_text("{}", encoding="utf-8")
    assert nab.main(["--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("--data") == 2


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [((), -1.0), ((500,), 1.0), ((500, 520), 1.0), ((100, 500), 1.0), ((300, 500), 1 - 0.11)],
)
def test_what_an_alert_is_worth(alerts: tuple[int, ...], expected: float) -> None:
    """A miss costs 1; the first of a window earns 1, later ones nothing; before 15 % nothing counts."""
    series = Series("s", [START] * 1000, [0.0] * 1000, [(500, 599)])
    assert raw_score(series, alerts) == pytest.approx(expected)


def test_false_alerts_right_after_a_window_cost_less() -> None:
    series = Series("s", [START] * 1000, [0.0] * 1000, [(500, 549)])
    late = [raw_score(series, (500, place)) for place in (551, 570, 600, 900)]
    assert late == sorted(late, reverse=True) and late[0] > 0.98 and late[-1] == pytest.approx(0.89)


def test_thinning_keeps_the_shape() -> None:
    series = Series("s", [START] * 3, [0.0, 1000.0, 10.0], [])
    thin = nab.thinned(series, 0.1, 5)
    assert thin.counts[0] == 0 and 60 < thin.counts[1] < 140 and thin.counts == nab.thinned(series, 0.1, 5).counts


def test_a_detector_beside_is_given_its_best_setting_of_the_first_series() -> None:
    """Of two limits the one that finds the window of the first series; what the second would like is not asked."""
    values = [0.0] * 1000
    values[500], values[505], values[900] = 0.9, 0.95, 0.5
    assert nab_beside._above(values, 0.5) == [500, 900] and nab_beside._above(values, 0.92) == [505]
    first = Series("a", [START] * 1000, [0.0] * 1000, [(500, 599)])
    second = Series("b", [START] * 1000, [0.0] * 1000, [(900, 999)])
    found = {limit: [nab_beside._above(values, limit)] * 2 for limit in (0.5, 0.92)}
    best = nab_beside._best("x", (0.5, 0.92), found, [first, second], 1)
    assert best["setting"] == "0.92" and best["others"] < 0 < best["chosen_on"]


def test_the_score_is_the_published_one(shared_data: Path) -> None:
    """Against the scorer that reproduces the published results of eight detectors, with alerts of every kind."""
    other = _scorer(shared_data / "tools" / "nab_score.py")
    files = other.load(str(shared_data / "data" / "nab"))
    ours = load(shared_data / "data" / "nab")
    assert [(s.times, s.counts, s.windows) for s in ours] == [tuple(f[1:]) for f in files]
    rng = random.Random(11)
    for share in (0.0, 0.0003, 0.004, 0.2):
        alerts = [{i for i in range(len(s.counts)) if rng.random() < share} for s in ours]
        outs = [[1.0 if i in a else 0.0 for i in range(len(s.counts))] for a, s in zip(alerts, ours, strict=True)]
        assert score(ours, alerts) == pytest.approx(other.score(files, outs, 0.5), abs=1e-9)


def _scorer(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("published_nab_score", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
