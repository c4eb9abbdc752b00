"""Whether a topic's day grew out of the ordinary: counts in SQL, and the decision, a pure function of them.

What does not belong here: Dagster (sensors.py) and the signal itself (signal/), which alone decides what is news. This
is only a reason to look: a missed day is found by the morning's edition.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import median

from aidran_pipeline.store.db import Connection

COMPARED_DAYS = 7
HOURS_BACK = 29 * 24  # the burst detector's 28 days before the newest hour, and that hour's own
# Feeds are read every half hour, and once is missed now and then: a burst shows in one of the newest hours.
NEWEST_HOURS = 3
MINIMUM = 5  # records of the day before anything is asked for: the evidence minimum of a story
DEVIATIONS = 3.0
OVERDISPERSION = 0.1  # counts of posts vary more than Poisson; 0.1 widens a mean of 40 by a factor of 2.2


@dataclass(frozen=True)
class Observed:
    """One topic's day.

    new: since the cursor; so_far: up to the same elapsed time; earlier: that of the days before; hours: records of each
    whole hour before now since the topic's first, oldest first (empty: not asked).
    """

    day: date
    topic: str
    new: int
    so_far: int
    earlier: tuple[int, ...]
    hours: tuple[int, ...] = ()


@dataclass(frozen=True)
class Request:
    """A partition to compute, and why, for the run's tags."""

    day: date
    topic: str
    run_key: str
    reason: str


def threshold(earlier: Iterable[int]) -> float:
    """What a day must exceed: median of the earlier days plus three negative-binomial standard deviations."""
    counts = list(earlier)
    centre = float(median(counts)) if counts else 0.0
    return centre + DEVIATIONS * sqrt(centre + OVERDISPERSION * centre * centre)


def bursting(hours: Iterable[int]) -> bool:
    """Whether one of the newest hours is a burst against the same hours of earlier days: signal/bursts.py."""
    import numpy as np

    from aidran_pipeline.signal import bursts

    grain = bursts.Grain(timedelta(hours=1))
    found = bursts.rises(np.array(list(hours), dtype=float), grain)
    newest = len(found) - NEWEST_HOURS
    return any(place >= newest for place in bursts.alerts(found, grain.per_day, rest=0))


def decide(observed: Iterable[Observed], watermark: int) -> list[Request]:
    """The partitions to request, by day and topic. Only those with new records, at least five of the day.

    Asked for is a day above the threshold, and one with a burst in its newest hours. The run key holds the watermark (a
    record id, which only grows): Dagster never asks twice for the same growth.
    """
    requests: list[Request] = []
    for seen in sorted(observed, key=lambda one: (one.day, one.topic)):
        limit = threshold(seen.earlier)
        if seen.new <= 0 or seen.so_far < MINIMUM:
            continue
        if seen.so_far > limit:
            reason = f"{seen.so_far} records so far, {seen.new} of them new; ordinary is at most {limit:.1f}"
        elif bursting(seen.hours):
            newest = sum(seen.hours[-NEWEST_HOURS:])
            reason = f"{newest} records in {NEWEST_HOURS} hours, a burst; {seen.so_far} so far, {seen.new} of them new"
        else:
            continue
        requests.append(Request(seen.day, seen.topic, f"{seen.day}|{seen.topic}:{watermark}", reason))
    return requests


# The highest record id up to which every record of today is analysed: what is not analysed yet has no topic, and a
# cursor that passed it would lose it.
_WATERMARK = """
    SELECT COALESCE(
        (SELECT min(r.id) - 1 FROM records r
         WHERE r.day >= %(today)s AND r.id > %(cursor)s AND NOT EXISTS (
             SELECT 1 FROM record_versions v JOIN record_analysis a ON a.record_version_id = v.id
             WHERE v.record_id = r.id)),
        (SELECT max(id) FROM records), 0) AS watermark"""

_COUNTS = """
    WITH grown AS (
        SELECT t.day, t.topic, count(*) AS new
        FROM record_topics t
        WHERE t.record_id > %(cursor)s AND t.record_id <= %(watermark)s AND t.day = %(today)s
        GROUP BY t.day, t.topic
    ), counted AS (
        SELECT g.day, g.topic, g.new, back.n AS back, count(r.id) AS records
        FROM grown g
        CROSS JOIN generate_series(0, %(compared)s) AS back(n)
        LEFT JOIN record_topics t ON t.topic = g.topic AND t.day = g.day - back.n AND t.record_id <= %(watermark)s
        LEFT JOIN records r ON r.id = t.record_id
             AND r.published_at <= LEAST(%(now)s, (g.day + 1)::timestamptz) - make_interval(days => back.n)
        GROUP BY g.day, g.topic, g.new, back.n
    )
    SELECT day, topic, new, array_agg(records ORDER BY back) AS counts
    FROM counted GROUP BY day, topic, new ORDER BY day, topic"""

# Whole hours before now, so that the newest is never a part of one.
_HOURS = """
    SELECT t.topic, floor(extract(epoch FROM %(now)s - r.published_at) / 3600)::int AS back, count(*) AS n
    FROM record_topics t JOIN records r ON r.id = t.record_id
    WHERE t.topic = ANY(%(topics)s) AND t.record_id <= %(watermark)s
      AND t.day >= %(today)s - %(days)s AND r.published_at <= %(now)s
    GROUP BY 1, 2 ORDER BY 1, 2 DESC"""


def observe(conn: Connection, *, cursor: int, now: datetime) -> tuple[list[Observed], int]:
    """Counts of every topic whose today has records after `cursor`, and the watermark up to which they count.

    Records of earlier days arrive late: they move the watermark and belong to no sensor. One query each, so that a tick
    stays far below its 60 seconds.
    """
    today = now.date()
    row = conn.execute(_WATERMARK, {"today": today, "cursor": cursor}).fetchone()
    watermark = max(cursor, int(row["watermark"]) if row else 0)
    if watermark == cursor:
        return [], cursor
    rows = conn.execute(
        _COUNTS,
        {
            "cursor": cursor,
            "watermark": watermark,
            "today": today,
            "now": now,
            "compared": COMPARED_DAYS,
        },
    ).fetchall()
    found = [
        Observed(row["day"], row["topic"], int(row["new"]), int(row["counts"][0]), tuple(map(int, row["counts"][1:])))
        for row in rows
    ]
    # Only where the day alone would not be asked for: the hours cost more to compare.
    open_topics = [one.topic for one in found if MINIMUM <= one.so_far <= threshold(one.earlier)]
    hours = _hours(conn, open_topics, now=now, watermark=watermark) if open_topics else {}
    return [replace(one, hours=hours.get(one.topic, ())) for one in found], watermark


def _hours(conn: Connection, topics: list[str], *, now: datetime, watermark: int) -> dict[str, tuple[int, ...]]:
    """By topic, records an hour, oldest first, from its first within the compared days."""
    asked = {
        "topics": topics, "watermark": watermark, "now": now, "today": now.date(), "days": HOURS_BACK // 24 + 1,
    }  # fmt: skip
    counts: dict[str, dict[int, int]] = {}
    for row in conn.execute(_HOURS, asked):
        if row["back"] < HOURS_BACK:
            counts.setdefault(row["topic"], {})[row["back"]] = row["n"]
    return {
        topic: tuple(back.get(hour, 0) for hour in range(max(back), -1, -1)) for topic, back in sorted(counts.items())
    }
