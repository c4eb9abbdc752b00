"""`sentiment_shift` without a database: what is a change of tone, what is only another mix, a busy author or too little."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.sentiment import SLOPES, VERSION, SentimentShift, severity
from aidran_pipeline.signal.shifts import between_days, measure, two_tails

TESTS = Tested(25 * 9, 9)
KIND = SentimentShift()


def cell(values: list[int]) -> list[int]:
    return [len(values), sum(values), sum(v * v for v in values)]


def day(number: int, **platforms: list[int]) -> dict[str, Any]:
    count = sum(len(values) for values in platforms.values())
    cells = {name: cell(values) for name, values in platforms.items() if values}
    return {"day": str(number), "count": count, "total": count, "coverage": 1.0, "platforms": cells}


def steady(
    days: int = 28, *, seed: int = 1, news: int = 10, posts: int = 20, shift: float = 0.0
) -> list[dict[str, Any]]:
    """Days of a usual tone: news at +100, posts at -100; each day moves a little for all."""
    rng = random.Random(seed)
    found = []
    for number in range(days):
        move = rng.gauss(shift, 30)
        found.append(
            day(
                number,
                news=[round(rng.gauss(100 + move, 300)) for _ in range(news)],
                bluesky=[round(rng.gauss(-100 + move, 300)) for _ in range(posts)],
            )
        )
    return found


def test_students_t_is_that_of_the_tables() -> None:
    for score, degrees, p in (
        (12.706, 1, 0.05), (2.776, 4, 0.05), (2.571, 5, 0.05), (4.587, 10, 0.001), (2.056, 26, 0.05), (3.435, 27, 0.00193)
    ):  # fmt: skip
        assert two_tails(score, degrees) == pytest.approx(p, rel=0.01)
        assert two_tails(-score, degrees) == two_tails(score, degrees)
    assert two_tails(0.0, 9) == 1.0 and two_tails(1e6, 9) == 1e-12


def test_a_usual_day_is_no_change() -> None:
    found = [KIND.detect(steady(29, seed=seed), TESTS) for seed in range(20)]
    assert sum(f.severity is not None for f in found) == 0
    assert sum(f.p_uncorrected < 0.05 for f in found) <= 3


@pytest.mark.parametrize("shift", [-450, 450])
def test_a_day_in_another_tone_is_found_with_its_direction(shift: int) -> None:
    series = [*steady(), *steady(1, seed=9, shift=shift)]
    found = KIND.detect(series, TESTS)
    assert found.severity in ("strong", "severe") and found.p_value < 0.05
    assert math.copysign(1, found.observed - found.expected) == math.copysign(1, shift) == math.copysign(1, found.score)


def test_the_same_series_gives_the_same_finding_from_json() -> None:
    series = [*steady(), *steady(1, seed=9, shift=-200)]
    again = json.loads(json.dumps(series))
    for item in again:
        item["platforms"] = dict(reversed(item["platforms"].items()))
    assert KIND.detect(again, TESTS) == KIND.detect(series, TESTS)


def test_another_mix_of_platforms_is_no_change_of_tone() -> None:
    rng = random.Random(3)
    usual = [
        day(n, news=[round(rng.gauss(300, 200)) for _ in range(24)], bluesky=[round(rng.gauss(-300, 200)) for _ in range(24)])
        for n in range(28)
    ]  # fmt: skip
    silent = day(28, news=[], bluesky=[round(rng.gauss(-300, 200)) for _ in range(40)])
    found = KIND.detect([*usual, silent], TESTS)
    assert found.observed < -0.2 and found.expected == pytest.approx(found.observed, abs=0.1)
    assert found.severity is None and found.p_uncorrected > 0.05


def test_what_differs_from_day_to_day_anyway_is_no_news() -> None:
    """The same change, among days that move as far by themselves: the authors of a day are not independent."""
    rng = random.Random(5)

    def restless(number: int, move: float) -> dict[str, Any]:
        return day(number, news=[round(rng.gauss(move, 200)) for _ in range(30)])

    calm = [restless(n, 0) for n in range(28)]
    wild = [restless(n, rng.gauss(0, 200)) for n in range(28)]
    last = restless(28, 300)
    assert KIND.detect([*calm, last], TESTS).severity in ("strong", "severe")
    assert KIND.detect([*wild, last], TESTS).severity is None


def test_an_earlier_change_does_not_hide_the_next() -> None:
    past = steady()
    past[10:12] = steady(2, seed=4, shift=-600)
    last = steady(1, seed=9, shift=-350)
    shift = measure([*past, *last])
    assert shift is not None and shift.days == 26
    assert KIND.detect([*past, *last], TESTS).severity in ("strong", "severe")


@pytest.mark.parametrize(
    ("history", "authors"), [(6, 30), (28, 7)], ids=["six days of history", "seven authors on the day"]
)
def test_too_little_says_nothing(history: int, authors: int) -> None:
    last = day(99, news=[-900] * authors)
    assert measure([*steady(history), last]) is None
    found = KIND.detect([*steady(history), last], TESTS)
    assert found.severity is None and found.p_value == 1.0


def test_days_that_cannot_be_known_are_left_out() -> None:
    past = steady()
    whole = measure([*past, *steady(1, seed=9)])
    for item in past[:5]:
        item |= {"count": None, "platforms": {}}
    part = measure([*past, *steady(1, seed=9)])
    assert whole is not None and part is not None and (whole.days, part.days) == (28, 23)


def test_a_platform_without_a_usual_tone_has_no_say() -> None:
    last, past = steady(1, seed=9)[0], steady()
    before = KIND.detect([*past, last], TESTS)
    last["platforms"]["reddit"] = cell([-1000] * 50)
    assert KIND.detect([*past, last], TESTS) == before
    past[3]["platforms"]["reddit"] = past[9]["platforms"]["reddit"] = cell([500] * 9)  # loud, but on two days only
    assert KIND.detect([*past, last], TESTS) == before
    past[12]["platforms"]["reddit"] = cell([500] * 9)
    assert KIND.detect([*past, last], TESTS).observed != before.observed


def test_variance_between_days_is_that_of_the_days() -> None:
    rng = random.Random(6)
    points = [(rng.gauss(0, 0.2) + rng.gauss(0, 0.1), 0.01) for _ in range(400)]
    between, mean, doubt = between_days(points)
    assert between == pytest.approx(0.04, rel=0.25) and abs(mean) < 0.04 and doubt == pytest.approx(0.05 / 400, rel=0.2)
    assert between_days([(0.1, 0.5)] * 9)[0] == 0.0


def test_a_small_change_is_not_believed_however_sure_it_is() -> None:
    assert severity(0.39, 1e-9, 1e-7, 9) is None
    assert severity(0.5, 1e-9, 1e-7, 9) == "notable"
    assert severity(0.6, 1e-9, 1e-7, 9) == "strong"
    assert severity(0.8, 1e-9, 1e-7, 9) == "severe"
    assert severity(1.5, 0.02, 1.0, 9) is None


def test_rows_of_an_unknown_version_cannot_be_replayed() -> None:
    series = [*steady(), *steady(1, seed=9)]
    assert KIND.detect(series, TESTS, VERSION) == KIND.detect(series, TESTS)
    with pytest.raises(LookupError, match="tone-re-0"):
        KIND.detect(series, TESTS, "tone-re-0")
    assert set(KIND.versions) == set(SLOPES)
