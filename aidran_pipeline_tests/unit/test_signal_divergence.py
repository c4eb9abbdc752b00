"""The figures of `platform_divergence` and `entity_surge`: what samples alone give is no difference, and chance is drawn alike."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from aidran_pipeline.signal.coordinated import judged
from aidran_pipeline.signal.divergence import PlatformDivergence, divergence, leading, shuffled
from aidran_pipeline.signal.entities import Spread
from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.spread import LEAST_CLUMPING, clumping, path_of
from aidran_pipeline.signal.volume import DayCount, compare
from aidran_pipeline_tests.world import at

NAMES = "OpenAI Google Meta Nvidia Apple Mistral".split()


def table(rng: random.Random, voices: int, weights: dict[str, list[int]]) -> dict[str, Counter[str]]:
    return {p: Counter(rng.choices(NAMES, w, k=voices)) for p, w in weights.items()}


def voices_of(counts: dict[str, Counter[str]]) -> list[list[Any]]:
    return [[p, [name], n] for p, held in sorted(counts.items()) for name, n in sorted(held.items())]


def test_small_samples_of_one_distribution_do_not_diverge_on_average() -> None:
    rng, alike = random.Random(5), [3, 3, 2, 2, 1, 1]
    for size, left in ((12, 0.08), (40, 0.02), (200, 0.005)):  # without the correction 0.2 bits at 12
        found = [divergence(table(rng, size, {"news": alike, "reddit": alike})) for _ in range(200)]
        assert abs(sum(found) / len(found)) < left, size
    apart = {"news": Counter({"Apple": 20}), "reddit": Counter({"Meta": 20})}
    assert divergence(apart) == pytest.approx(1.0, abs=0.03), "nothing in common: one bit"


def test_chance_is_drawn_by_what_is_shuffled() -> None:
    """The same voices give the same p; without a difference p is anywhere, with one it is small."""
    rng, alike = random.Random(6), [3, 3, 2, 2, 1, 1]
    plain = [voices_of(table(rng, 20, {"news": alike, "reddit": alike})) for _ in range(40)]
    p = [shuffled(voices) for voices in plain]
    assert p[:3] == [shuffled(voices) for voices in plain[:3]]
    assert len(set(p)) > 30 and 0.3 < sum(p) / len(p) < 0.7 and sum(x < 0.1 for x in p) <= 9
    apart = voices_of(table(rng, 20, {"news": [9, 1, 1, 1, 1, 1], "reddit": [1, 1, 1, 1, 1, 9]}))
    assert shuffled(apart) < 0.01
    assert leading(apart) == {"news": "OpenAI", "reddit": "Mistral"}


def test_divergence_must_be_both_unusual_and_no_accident() -> None:
    usual = [{"day": str(n), "count": 40, "total": 40, "divergence": 0.1 + 0.01 * (n % 3)} for n in range(20)]
    apart = [["news", ["Apple"], 20], ["reddit", ["Meta"], 20]]
    mixed = [[p, [name], 10] for p in ("news", "reddit") for name in ("Apple", "Meta")]

    def found(value: float, voices: list[list[Any]]) -> str | None:
        last = {"day": "z", "count": 40, "total": 40, "divergence": value, "voices": voices}
        return PlatformDivergence().detect([*usual, last], Tested(24, 8)).severity

    assert found(0.9, apart) is not None
    assert found(0.11, apart) is None, "platforms that always lie apart"
    assert found(0.9, mixed) is None, "no accident could be told from it"


def test_what_comes_in_clumps_is_less_surprising() -> None:
    days = [DayCount(str(n), 0, 40, 0.001, 1.0) for n in range(28)]
    alone, clumped = (
        compare([*days, DayCount("z", 6, 40, 0.001, 1.0)]),
        compare([*days, DayCount("z", 6, 40, 0.001, 1.0)], 3.0),
    )
    assert alone.p_value < 1e-6 < clumped.p_value < 0.05 and alone.mean == clumped.mean
    assert (
        clumping([1, 1, 1]) == LEAST_CLUMPING and clumping([6, 2]) == pytest.approx(40 / 8 - 1) and clumping([]) == 1.0
    )
    # Of 28 days: three names once a day each vary less than chance; one name fourteen times on two days clumps.
    assert Spread(3, 84, 84, 3 * 28 * 28).clumping(28) == 0.0
    assert Spread(1, 28, 2 * 14 * 14, 28 * 28).clumping(28) > 10


def test_the_way_of_a_storyline_is_told_in_order_of_time() -> None:
    told = {"first": "reddit", "then": {"news": "2026-06-20T05:00", "bluesky": "2026-06-20T04:00"}}
    assert path_of(told) == "Reddit first, then Bluesky and news"


def test_nobody_is_young_for_a_source_that_cannot_tell() -> None:
    from datetime import date, timedelta

    day = date(2026, 6, 20)
    rows = [
        {"group_id": 1, "day": day, "id": i, "platform": "bluesky", "native_id": str(i), "source_id": "bsky",
         "author_key": f"a{i}", "topic": "ai-law", "published_at": at(day, 9, i), "since": day, "news": False}
        for i in range(6)
    ]  # fmt: skip
    long, short = ({day - timedelta(days=n) for n in range(size)} for size in (16, 9))
    (seen,), (unseen,) = judged(rows, {"bsky": long}), judged(rows, {"bsky": short})
    assert seen.suspect and seen.young == 6
    assert not unseen.suspect and unseen.young == 0
