"""The decision of the new-volume sensor, without a database."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from aidran_pipeline.defs.volume import MINIMUM, Observed, bursting, decide, threshold

DAY = date(2026, 5, 20)
counts = st.integers(min_value=0, max_value=5000)
observed = st.builds(
    Observed,
    day=st.dates(date(2026, 5, 1), date(2026, 5, 20)),
    topic=st.sampled_from(["ai-law", "ai-science", "ai-agents"]),
    new=counts,
    so_far=counts,
    earlier=st.lists(counts, max_size=7).map(tuple),
)


def test_an_ordinary_day_is_left_alone_and_a_big_one_asked_for() -> None:
    week = (20, 22, 19, 21, 23, 20, 18)
    assert decide([Observed(DAY, "ai-law", 5, 24, week)], 100) == []
    (request,) = decide([Observed(DAY, "ai-law", 50, 70, week)], 100)
    assert (request.day, request.topic, request.run_key) == (DAY, "ai-law", "2026-05-20|ai-law:100")
    assert "70 records so far" in request.reason


def test_a_silent_topic_needs_the_evidence_of_a_story() -> None:
    silent = (0,) * 7
    assert decide([Observed(DAY, "ai-law", MINIMUM - 1, MINIMUM - 1, silent)], 1) == []
    assert len(decide([Observed(DAY, "ai-law", MINIMUM, MINIMUM, silent)], 1)) == 1


def test_a_burst_within_an_ordinary_day_is_asked_for() -> None:
    """A day that began quietly: its hours stand out although its sum does not."""
    quiet = tuple(1 + (hour % 24 > 7) + hour % 2 for hour in range(20 * 24))
    burst = (*quiet[:-2], 12, 15)
    week = (50,) * 7
    assert not bursting(quiet) and bursting(burst)
    assert decide([Observed(DAY, "ai-law", 9, 40, week, quiet)], 3) == []
    (request,) = decide([Observed(DAY, "ai-law", 9, 40, week, burst)], 3)
    assert "a burst" in request.reason and f"{sum(burst[-3:])} records in 3 hours" in request.reason
    assert decide([Observed(DAY, "ai-law", 0, 40, week, burst)], 3) == [], "nothing new, nothing asked"


def test_a_burst_of_yesterday_is_no_reason_any_more() -> None:
    quiet = tuple(1 + (hour % 24 > 7) + hour % 2 for hour in range(20 * 24))
    assert not bursting((*quiet[:-12], 14, 15, *quiet[-10:]))
    assert not bursting(()) and not bursting((40,)), "without history there is no burst to see"


@given(st.lists(observed, max_size=20), st.integers(min_value=0))
def test_only_what_grew_is_asked_for_once_each_in_order(seen: list[Observed], watermark: int) -> None:
    requests = decide(seen, watermark)
    grown = {(one.day, one.topic) for one in seen if one.new > 0 and one.so_far >= MINIMUM}
    assert {(one.day, one.topic) for one in requests} <= grown
    assert [(one.day, one.topic) for one in requests] == sorted((one.day, one.topic) for one in requests)
    assert all(one.run_key == f"{one.day}|{one.topic}:{watermark}" for one in requests)


@given(observed, counts)
def test_more_records_never_turn_a_request_down(seen: Observed, more: int) -> None:
    bigger = Observed(seen.day, seen.topic, seen.new + more, seen.so_far + more, seen.earlier)
    assert len(decide([seen], 1)) <= len(decide([bigger], 1))


@given(st.lists(counts, min_size=1, max_size=7))
def test_the_threshold_lies_above_the_ordinary_day(earlier: list[int]) -> None:
    assert threshold(earlier) >= sorted(earlier)[(len(earlier) - 1) // 2]


@given(st.lists(observed, max_size=10))
def test_no_new_records_no_request(seen: list[Observed]) -> None:
    assert decide([Observed(one.day, one.topic, 0, one.so_far, one.earlier) for one in seen], 7) == []
