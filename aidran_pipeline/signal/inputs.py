"""What signals are computed from: voices per source, topic and day, and which sources reached which day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aidran_pipeline.store.db import Connection

TRAILING_DAYS = 28
# A source belongs to the comparison only when it reached this share of the trailing days: a new feed is no news.
SOURCE_HISTORY = 0.5
# A trailing day counts only when this share of the compared sources reached it.
DAY_COVERAGE = 0.6
# Below this share of reached sources the day itself is unknown.
HEALTHY = 0.6

VOICES = """
WITH voice AS (
    SELECT r.id, r.day, r.source_id, COALESCE('g' || dm.group_id, 'r' || r.id) AS voice,
           t.topic AS topic
    FROM records r
    LEFT JOIN duplicate_members dm ON dm.record_id = r.id
    LEFT JOIN record_topics t ON t.record_id = r.id AND t.rank = 1
    WHERE r.day BETWEEN %(first)s AND %(last)s
      AND (%(sealed)s::timestamptz IS NULL OR r.first_seen_at <= %(sealed)s)
), once AS (
    SELECT DISTINCT ON (voice, day) day, source_id, voice, topic FROM voice ORDER BY voice, day, id
)
SELECT day, source_id, topic, count(*) AS n FROM once GROUP BY day, source_id, topic ORDER BY day, source_id, topic
"""

# One multirange a source: the union of what its successful fetches would have shown.
REACH = """
SELECT s.id, CASE WHEN f.reach IS NULL THEN '{}'::tstzmultirange ELSE f.reach END AS reach
FROM sources s
LEFT JOIN LATERAL (
    SELECT range_agg(tstzrange(reach_since, reach_until + interval '1 second')) AS reach FROM fetches
    WHERE source_id = s.id AND purpose = 'source' AND outcome <> 'failed' AND reach_since IS NOT NULL
        AND reach_until > reach_since
) f ON true
WHERE s.enabled AND s.removed_at IS NULL AND s.status <> 'unconfigured'
ORDER BY s.id
"""

EVIDENCE = """
SELECT r.id, r.author_key, r.publisher_family, r.first_seen_at, t.score, COALESCE(g.size, 1) AS copies,
       COALESCE('g' || g.id, 'r' || r.id) AS voice
FROM record_topics t JOIN records r ON r.id = t.record_id
LEFT JOIN duplicate_members dm ON dm.record_id = r.id
LEFT JOIN duplicate_groups g ON g.id = dm.group_id
WHERE t.topic = %(topic)s AND t.rank = 1 AND r.day = %(day)s
  AND (%(sealed)s::timestamptz IS NULL OR r.first_seen_at <= %(sealed)s)
ORDER BY r.published_at, r.platform, r.native_id
"""


@dataclass
class DayInputs:
    """Everything needed for all topics of one day.

    counts[(day, source)][topic or None]: voices. reached[source]: days reached, the day itself included.
    """

    day: date
    days: list[date]
    counts: dict[tuple[date, str], dict[str | None, int]] = field(default_factory=dict)
    reached: dict[str, set[date]] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """All configured sources that count for coverage."""
        return sorted(self.reached)

    def coverage(self) -> dict[str, Any]:
        """Coverage of the day: how many sources reached it, which are unknown, whether that is healthy."""
        unknown = [s for s in self.sources if self.day not in self.reached[s]]
        total = len(self.sources)
        reached = total - len(unknown)
        return {
            "sources": total,
            "reached": reached,
            "unknown": unknown,
            "healthy": total > 0 and reached / total >= HEALTHY,
        }

    def compared(self) -> list[str]:
        """Sources that reached the day and enough of the trailing days."""
        trailing = [d for d in self.days if d != self.day and any(d in reached for reached in self.reached.values())]
        least = SOURCE_HISTORY * len(trailing)
        return [
            s
            for s in self.sources
            if self.day in self.reached[s] and sum(d in self.reached[s] for d in trailing) >= least
        ]


def load_day(conn: Connection, day: date, *, now: datetime, sealed: datetime | None = None) -> DayInputs:
    """Read the inputs of one day. `sealed`: leave out records first seen after that moment."""
    first = day - timedelta(days=TRAILING_DAYS)
    inputs = DayInputs(day, [first + timedelta(days=i) for i in range(TRAILING_DAYS + 1)])
    counts: dict[tuple[date, str], dict[str | None, int]] = defaultdict(dict)
    for row in conn.execute(VOICES, {"first": first, "last": day, "sealed": sealed}):
        counts[(row["day"], row["source_id"])][row["topic"]] = row["n"]
    inputs.counts = dict(counts)
    for row in conn.execute(REACH):
        inputs.reached[row["id"]] = {d for d in inputs.days if _reaches(row["reach"], d, now)}
    return inputs


def _reaches(reach: Any, day: date, now: datetime) -> bool:
    """Whether a multirange covers the whole UTC day, or what there is of it at `now`."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = min(start + timedelta(days=1), now)
    if end <= start:
        return False
    return any(
        (part.lower is None or part.lower <= start)
        and (part.upper is None or part.upper >= end - timedelta(minutes=45))
        for part in reach
    )
