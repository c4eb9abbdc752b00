"""The hours that the new-volume sensor compares, counted on a real database."""

from __future__ import annotations

from datetime import date, timedelta

from aidran_pipeline.defs.volume import decide, observe
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.world import World, at

DAY = date(2026, 6, 20)


def test_whole_hours_before_now_since_the_first_record(conn: Connection) -> None:
    world = World(conn)
    world.topics("ai-law")
    world.source("bsky", "bluesky_search")
    now = at(DAY, 17, 30)
    for day in range(1, 8):
        for number in range(12):
            moment = at(DAY - timedelta(days=day), 8, number)
            world.assign(world.record("bsky", f"old{day}-{number}", f"An older post {day} {number}.", moment), "ai-law")
    ages = [5, 59, 61, 119, 130, 200]  # minutes before now
    for number, age in enumerate(ages):
        post = world.record("bsky", f"new{number}", f"A newer post {number}.", now - timedelta(minutes=age))
        world.assign(post, "ai-law")
    world.assign(world.record("bsky", "next", "A post from a clock that runs ahead.", at(DAY, 18)), "ai-law")

    (seen,), watermark = observe(conn, cursor=0, now=now)
    assert seen.so_far == 6, "the post of six o'clock is not yet of the day so far"
    assert seen.hours[-4:] == (1, 1, 2, 2) and sum(seen.hours) == 7 * 12 + 6
    assert len(seen.hours) == 7 * 24 + 10, "the first record is 7 days and 9 hours old"
    assert decide([seen], watermark) == [] or "burst" in decide([seen], watermark)[0].reason
    assert observe(conn, cursor=watermark, now=now) == ([], watermark)


def test_days_above_the_threshold_cost_no_second_query(conn: Connection) -> None:
    world = World(conn)
    world.topics("ai-law")
    world.source("bsky", "bluesky_search")
    world.voices("bsky", DAY, "ai-law", 20)
    (seen,), watermark = observe(conn, cursor=0, now=at(DAY, 23))
    assert seen.hours == () and len(decide([seen], watermark)) == 1
