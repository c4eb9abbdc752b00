"""`python -m benchmarks.releases` on made-up posts: what counts as caught, as an alert, and as tested."""

from __future__ import annotations

import gzip
import json
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from aidran_pipeline.signal import volume
from benchmarks import releases
from benchmarks.releases_data import Counts, Event, read_counts

FIRST = date(2026, 1, 1)
RELEASE = FIRST + timedelta(days=50)


def files(folder: Path, *, release: date = RELEASE, burst: int = 15) -> list[str]:
    """Seventy days of twenty posts, one a day on each model, and a burst on one release."""
    rng, rows = random.Random(1), []
    for n in range(70):
        day = FIRST + timedelta(days=n)
        titles = ["All about Orla", "All about Velm"][: 1 + n % 2] + [f"Something else {i}" for i in range(18)]
        titles += ["Orla 2 is out"] * (burst if day == RELEASE else 0)
        rows += [
            {"id": f"{n}-{i}", "title": t, "created": f"{day}T0{rng.randint(0, 9)}:00:00Z"}
            for i, t in enumerate(titles)
        ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "posts.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "events.csv").write_text(
        f"topic,date,event\norla,{release},Orla 2\nvelm,{FIRST},Velm 1\n", encoding="utf-8"
    )
    (folder / "terms.json").write_text(json.dumps({"orla": r"\borla\b", "velm": r"\bvelm\b"}), encoding="utf-8")
    names = ("posts.jsonl.gz", "events.csv", "terms.json")
    return [
        word
        for option, name in zip(("--posts", "--events", "--terms"), names, strict=True)
        for word in (option, str(folder / name))
    ]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert releases.main(arguments) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_release_is_caught(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = run(files(tmp_path), capsys)
    assert found["benchmark"] == "releases" and found["caught_share"] == 1.0
    assert found["events"] == 1, "the other came before there was any history"
    assert found["groups"] == 2 and found["days_tested"] == 42
    assert found["alerts_per_term_month"] == pytest.approx(1 / (2 * 42 / 30), abs=1e-4)
    assert set(found["beside"]) == {"volume-nb-3", "volume-nb-2", "z > 3, 3 posts", "z > 3"}  # type: ignore[call-overload]


@pytest.mark.parametrize(("days", "share"), [(-1, 1.0), (-2, 1.0), (-3, 0.0), (1, 0.0)])
def test_two_days_late_is_caught_and_before_is_not(
    days: int, share: float, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The burst stands on day 50; the release is moved around it."""
    assert run(files(tmp_path, release=RELEASE + timedelta(days=days)), capsys)["caught_share"] == share


def test_without_a_burst_there_is_nothing_to_catch(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = run(files(tmp_path, burst=0), capsys)
    assert found["caught_share"] == 0.0 and found["alerts_per_term_month"] == 0.0


def test_it_says_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert releases.main(["--posts", str(tmp_path / "none")]) == 2
    assert releases.main(files(tmp_path, release=FIRST)) == 2
    assert capsys.readouterr().err.count("--events") == 2


def test_a_day_without_posts_is_no_history() -> None:
    days = [FIRST + timedelta(days=n) for n in range(60)]
    total = [10] * 20 + [0] * 10 + [10] * 30
    counts = Counts(days, total, {"orla": [1 if t else 0 for t in total]})
    series = releases.series(counts, "orla", 45)
    assert len(series) == releases.HISTORY + 1 and all(d.total for d in series)
    assert releases.testable(counts, [Event("orla", days[n], "x") for n in (37, 38)])[0].day == days[38]


@pytest.mark.parametrize(
    ("places", "number"), [([], 0), ([5], 1), ([5, 6, 8, 11], 1), ([5, 9], 2), ([1, 2, 20, 23], 2)]
)
def test_days_in_a_row_are_one_burst(places: list[int], number: int) -> None:
    assert releases.bursts(places) == number


def test_intervals() -> None:
    low, high = releases.wilson(0.9, 10)
    assert low == pytest.approx(0.596, abs=1e-3) and high == pytest.approx(0.982, abs=1e-3)
    assert releases.wilson(1.0, 3)[1] == pytest.approx(1.0)


def test_the_measure_is_the_projects_own() -> None:
    """What the benchmark compares is what the stage stores: the present version of the method table."""
    assert volume.METHODS[volume.VERSION] is volume.detect


def test_the_recorded_files_can_be_read(shared_data: Path) -> None:
    folder = shared_data / "data" / "releases"
    counts = read_counts(folder / "reddit_posts.jsonl.gz", folder / "terms.json")
    assert sum(counts.total) == 3569 and len(counts.topics) == 16
