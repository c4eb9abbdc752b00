"""What must not move a topic's measure: sources that came or went, the order of anything, silence elsewhere."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.signal.findings import Tested
from aidran_pipeline.signal.inputs import SOURCE_DAYS, TRAILING_DAYS, DayInputs
from aidran_pipeline.signal.kinds import KINDS, VolumeSpike, correction_of
from aidran_pipeline.store.signal_kinds import WARNINGS

DAY = date(2026, 6, 20)
DAYS = [DAY - timedelta(days=n) for n in range(TRAILING_DAYS, -1, -1)]
KIND = VolumeSpike()
TESTS = Tested(24, 1)
STORY_KINDS = [kind.name for kind in KINDS if kind.name not in WARNINGS]
Counts = dict[tuple[date, str], dict[str | None, int]]


def made(seed: int) -> tuple[dict[str, set[date]], Counts]:
    """Two to four steady sources and their voices, some days missed."""
    rng = random.Random(seed)
    reached: dict[str, set[date]] = {}
    counts: Counts = {}
    for name in "abcd"[: rng.randint(2, 4)]:
        reached[name] = {d for d in DAYS if d == DAY or rng.random() < 0.93}
        usual = rng.choice([1, 3, 8])
        for day in reached[name]:
            counts[day, name] = {"ai-law": rng.randint(0, 2 * usual), None: rng.randint(5, 40)}
    return reached, counts


def inputs(reached: dict[str, set[date]], counts: Counts) -> DayInputs:
    return DayInputs(DAY, list(DAYS), reached, counts, first_days={"ai-law": DAYS[0]})


@given(st.integers(0, 9999), st.integers(1, SOURCE_DAYS - 1), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_a_new_source_changes_nothing_however_loud(seed: int, age: int, law: int, other: int) -> None:
    reached, counts = made(seed)
    before = KIND.series(inputs(reached, counts), None, "ai-law")
    joined = {**reached, "new": set(DAYS[-age:])}
    louder = {**counts, **{(d, "new"): {"ai-law": law, None: other} for d in DAYS[-age:]}}
    after = inputs(joined, louder)
    assert KIND.series(after, None, "ai-law") == before
    assert KIND.detect(before, TESTS) == KIND.detect(KIND.series(after, None, "ai-law"), TESTS)


@given(st.integers(0, 9999), st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_source_that_died_changes_coverage_and_nothing_else(seed: int, law: int, other: int) -> None:
    """Its past voices leave the expectation together with those it did not bring today."""
    reached, counts = made(seed)
    before = inputs(reached, counts)
    dead = {**reached, "dead": set(DAYS[:-1])}
    past = {**counts, **{(d, "dead"): {"ai-law": law, None: other} for d in DAYS[:-1]}}
    after = inputs(dead, past)
    assert KIND.series(after, None, "ai-law") == KIND.series(before, None, "ai-law")
    assert after.coverage("ai-law")["unknown"] == ["dead"] and before.coverage("ai-law")["unknown"] == []


@given(st.integers(0, 9999), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_no_order_matters(seed: int, rng: random.Random) -> None:
    reached, counts = made(seed)
    sources, cells = list(reached.items()), [(k, dict(sorted(v.items(), key=str))) for k, v in counts.items()]
    rng.shuffle(sources)
    rng.shuffle(cells)
    shuffled = inputs(dict(sources), dict(cells))
    plain = inputs(reached, counts)
    assert KIND.series(shuffled, None, "ai-law") == KIND.series(plain, None, "ai-law")
    assert shuffled.coverage("ai-law") == plain.coverage("ai-law")


@given(st.integers(0, 9999), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_twice_as_much_of_everything_today_is_no_severer(seed: int, times: int) -> None:
    """All monitored voices of the day times n, the topic's with them: its share is what it was."""
    reached, counts = made(seed)
    more = {k: {t: n * (times if k[0] == DAY else 1) for t, n in v.items()} for k, v in counts.items()}
    plain = KIND.detect(KIND.series(inputs(reached, counts), None, "ai-law"), TESTS)
    scaled = KIND.detect(KIND.series(inputs(reached, more), None, "ai-law"), TESTS)
    assert scaled.observed == plain.observed * times
    assert abs(scaled.expected - plain.expected * times) < 1e-3 * max(1, plain.expected * times)


@given(st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_what_the_kinds_may_err_together_is_what_one_may_err(topics: int) -> None:
    """Bonferroni, whatever the weights: over all topics and story kinds the shares of one error add up to no more."""
    whole = sum(topics / correction_of(name, topics).number for name in STORY_KINDS)
    one_topic = sum(1 / correction_of(name, topics).kinds for name in STORY_KINDS)
    assert 0.9 < whole <= 1 + 1e-9 and 0.9 < one_topic <= 1 + 1e-9
    assert correction_of("volume_spike", topics).kinds == 4, (
        "its measured recall does not depend on how many others there are"
    )
    assert correction_of("coordinated_posting", topics) == Tested(topics, 1)
