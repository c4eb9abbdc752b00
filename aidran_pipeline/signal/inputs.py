"""What signals are computed from: which sources reached which day, the voices they brought, and whose they were.

A voice is a text: copies of one text on one day count once, for the source and the topic of the earliest. Everything is
read once a day for all topics. What does not belong here: comparing (volume.py), storing (compute.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

from aidran_pipeline.signal.volume import DayCount
from aidran_pipeline.store.db import Connection

Cells: TypeAlias = Mapping[tuple[date, str], int]  # a count by day and source

TRAILING_DAYS = 28
# A source is compared once it reached this many trailing days (half of the monitored ones while there are fewer than
# fourteen): a new feed is no news.
SOURCE_DAYS = 7
# A trailing day counts only when this share of the compared sources reached it.
DAY_COVERAGE = 0.5
# Below this share of the sources, or of the topic's usual volume, the day itself is unknown.
HEALTHY = 0.6
# A day is known only when this share of its records was analysed: a record without topics is not "about nothing".
ANALYSED = 0.9
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
# A source reached a day when its answers cover this share of it. What a running day brought in its last minutes is not
# asked for yet: sources are read every half hour, and once is missed now and then.
DAY_COVERED = 0.9
SLACK = timedelta(minutes=90)

# One multirange a source: the union of what its successful fetches would have shown. A retired feed (410) is no gap.
REACH = """
SELECT s.id, COALESCE(f.reach, '{}'::tstzmultirange) AS reach
FROM sources s
LEFT JOIN LATERAL (
    SELECT range_agg(tstzrange(reach_since, reach_until)) AS reach FROM fetches
    WHERE source_id = s.id AND purpose = 'source' AND outcome <> 'failed' AND reach_since < reach_until
      AND requested_at <= %(now)s
) f ON true
WHERE s.enabled AND s.removed_at IS NULL AND s.status NOT IN ('unconfigured', 'gone')
ORDER BY s.id COLLATE "C"
"""

# `asked` holds the (day, source) pairs to look at; what was first seen after `now` is late and not there yet.
ASKED = """
asked AS (SELECT * FROM unnest(%(days)s::date[], %(sources)s::text[]) AS pair (day, source_id)),
here AS (
    SELECT r.id, r.platform, r.native_id, r.day, r.source_id, r.published_at,
           COALESCE(ka.keyed, r.author_key) AS author_key, r.publisher_family,
           COALESCE('g' || dm.group_id, 'r' || r.id) AS voice, t.topic, t.score,
           EXISTS (SELECT FROM record_versions v JOIN record_analysis a ON a.record_version_id = v.id
                   WHERE v.record_id = r.id) AS analysed
    FROM asked JOIN records r ON r.day = asked.day AND r.source_id = asked.source_id
    LEFT JOIN keyed_authors ka ON ka.platform = r.platform AND ka.author_key = r.author_key
    LEFT JOIN duplicate_members dm ON dm.record_id = r.id
    LEFT JOIN record_topics t ON t.record_id = r.id AND t.rank = 1
    WHERE r.first_seen_at <= %(now)s
)"""

# Each voice once a day, at its earliest copy. A kind begins its own query with `WITH {ONCE}` and is given `asked()`: it
# then reads the compared sources only, each on the days it reached, without what came late.
ONCE = f"""{ASKED}, once AS (
    SELECT DISTINCT ON (day, voice) * FROM here WHERE analysed
    ORDER BY day, voice, published_at, platform, native_id COLLATE "C"
)"""

VOICES = f"""
WITH {ONCE}
SELECT day, source_id, topic, count(*) AS n FROM once GROUP BY day, source_id, topic
"""

ANALYSIS = f"""
WITH {ASKED} SELECT day, count(*) AS records, count(*) FILTER (WHERE analysed) AS analysed FROM here GROUP BY day
"""

USUAL = f"""
WITH {ASKED} SELECT source_id, topic, count(*) AS n FROM here GROUP BY source_id, topic
"""

EVIDENCE = f"""
WITH {ASKED}
SELECT id, platform, native_id, author_key, publisher_family, voice, topic, score FROM here WHERE analysed
ORDER BY published_at, platform, native_id COLLATE "C"
"""

FIRST_DAYS = """
SELECT t.slug, (
    SELECT a.day FROM record_topics a JOIN records r ON r.id = a.record_id
    WHERE a.topic = t.slug AND r.first_seen_at <= %(now)s ORDER BY a.day LIMIT 1
) AS first FROM topics t
"""


@dataclass(frozen=True)
class Evidence:
    """The records behind a change. weights: (record id, weight); keys: the same records by platform and native id.

    voices, authors and families count distinct texts, and who first published them.
    """

    weights: list[tuple[int, float]]
    keys: list[tuple[str, str, float]]
    voices: int
    authors: int
    families: int


@dataclass
class DayInputs:
    """Everything needed for all topics of one day.

    days: the trailing days and the day itself, oldest first. reached: by source, the days it reached. counts: voices
    by (day, source) and topic (None: no topic), of the compared sources. analysed: by day, the share of records that
    were analysed. usual: records by source and topic over the trailing days it reached. first_days: a topic's first.
    now: the moment as of which all this is known. kept: what one kind read and another needs as well.
    """

    day: date
    days: list[date]
    reached: dict[str, set[date]]
    counts: Mapping[tuple[date, str], dict[str | None, int]] = field(default_factory=dict)
    analysed: dict[date, float] = field(default_factory=dict)
    usual: dict[str, dict[str | None, int]] = field(default_factory=dict)
    first_days: dict[str, date] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = FOREVER
    kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def compared(self) -> list[str]:
        """Sources that reached the day and enough of the trailing days."""
        monitored = {d for reached in self.reached.values() for d in reached if d != self.day}
        least = min(SOURCE_DAYS, math.ceil(len(monitored) / 2))
        return [s for s in sorted(self.reached) if self.day in self.reached[s] and len(self.reached[s]) - 1 >= least]

    def series(self, topic: str) -> list[DayCount]:
        """The topic's days, oldest first, the day itself last. A day that cannot be known has count None.

        Days before the topic's first record are left out: they are no history, but a beat that was not read yet.
        """
        return self.shares(topic, self.voices_of(topic), self.all_voices)

    def shares(self, topic: str, part: Cells, whole: Cells) -> list[DayCount]:
        """`part` as a share of `whole` by day, both counted by (day, source): the series of any count within a topic.

        A trailing day counts with what its own sources usually say, so that a source that is new, or missing, moves
        the expected with the observed. Both may hold sources that are not compared: they are left out.
        """
        first = self.first_days.get(topic, self.day)
        means = list(zip(self._means(part), self._means(whole), strict=True))
        counts, totals = self._by_day(part), self._by_day(whole)
        return [
            self._day_count(d, counts.get(d, 0), totals.get(d, 0), means)
            for d in self.days if d >= first or d == self.day
        ]  # fmt: skip

    def voices_of(self, topic: str | None) -> Cells:
        """Voices of a topic by (day, source)."""
        return {cell: counts[topic] for cell, counts in self.counts.items() if counts.get(topic)}

    @cached_property
    def all_voices(self) -> Cells:
        """Monitored voices by (day, source), those of no topic among them."""
        return {cell: sum(counts.values()) for cell, counts in self.counts.items()}

    def asked(self, days: Iterable[date] | None = None, sources: Iterable[str] | None = None) -> dict[str, Any]:
        """Parameters of a query that begins with ASKED or ONCE: compared sources, each on the days it reached.

        days: a part of `self.days`, all of them if None; sources: a part of `self.compared`, likewise.
        """
        return _pairs(
            self, self.compared if sources is None else sources, self.days if days is None else days, self.now
        )

    def coverage(self, topic: str) -> dict[str, Any]:
        """Coverage of the day for a topic, for `baselines.coverage`; unknown sources by their usual volume."""
        weights = self._usual_volume(topic)
        unknown = sorted(
            (s for s in self.reached if self.day not in self.reached[s]), key=lambda s: (-weights.get(s, 0.0), s)
        )
        total, whole = len(self.reached), math.fsum(weights.values())
        reached = total - len(unknown)
        volume = round(1 - math.fsum(weights.get(s, 0.0) for s in unknown) / whole, 4) if whole else 1.0
        analysed = round(self.analysed.get(self.day, 1.0), 4)
        healthy = total > 0 and reached / total >= HEALTHY and volume >= HEALTHY and analysed >= ANALYSED
        return {
            "sources": total, "reached": reached, "compared": len(self.compared), "volume": volume,
            "analysed": analysed, "unknown": unknown, "healthy": healthy,
        }  # fmt: skip

    def evidence(self, topic: str, only: Collection[int] | None = None) -> Evidence:
        """The voices that the day's count is made of, copies sharing the weight of one.

        only: record ids; a voice then counts when one of its copies is among them.
        """
        copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows:
            copies[row["voice"]].append(row)
        voices = [
            rows for rows in copies.values()
            if rows[0]["topic"] == topic and (only is None or any(row["id"] in only for row in rows))
        ]  # fmt: skip
        weighted = [(row, round(float(rows[0]["score"]) / len(rows), 4)) for rows in voices for row in rows]
        return Evidence(
            [(row["id"], weight) for row, weight in weighted],
            sorted((row["platform"], row["native_id"], weight) for row, weight in weighted),
            len(voices),
            len({rows[0]["author_key"] for rows in voices}),
            len({rows[0]["publisher_family"] for rows in voices}),
        )

    def _means(self, cells: Cells) -> list[float]:
        """Of each compared source the mean over the trailing days it reached."""
        sums: dict[str, int] = defaultdict(int)
        for (day, source), n in cells.items():
            if day in self._trailing.get(source, ()):
                sums[source] += n
        return [sums[source] / max(1, len(self._trailing[source])) for source in self.compared]

    def _by_day(self, cells: Cells) -> dict[date, int]:
        """What the compared sources brought, each on the days it reached."""
        sums: dict[date, int] = defaultdict(int)
        for (day, source), n in cells.items():
            if source in self._trailing and day in self.reached[source]:
                sums[day] += n
        return sums

    @cached_property
    def _trailing(self) -> dict[str, set[date]]:
        """By compared source, the trailing days that can be counted."""
        known = {d for d in self.days if d != self.day and self._analysed(d)}
        return {s: known & self.reached[s] for s in self.compared}

    @cached_property
    def _here(self) -> dict[date, list[int]]:
        """By day, the places among the compared sources of those that reached it."""
        return {d: [i for i, s in enumerate(self.compared) if d in self.reached[s]] for d in self.days}

    def _day_count(self, day: date, count: int, total: int, means: Sequence[tuple[float, float]]) -> DayCount:
        here = self._here[day]
        coverage = round(len(here) / len(self.compared), 4) if self.compared else 0.0
        smooth = 1 / max(1, len(self.days) - 1)  # half a voice of one over the whole window: no share is nought
        share = math.fsum([0.5 * smooth, *(means[i][0] for i in here)]) / math.fsum(
            [smooth, *(means[i][1] for i in here)]
        )
        known = coverage >= DAY_COVERAGE and bool(here) and self._analysed(day)
        return DayCount(day.isoformat(), count if known else None, total if known else None, round(share, 9), coverage)

    def _analysed(self, day: date) -> bool:
        return self.analysed.get(day, 1.0) >= ANALYSED

    def _usual_volume(self, topic: str) -> dict[str, float]:
        """By source, the topic's records on a day it reached; all its records for a topic without history."""
        per_day = {s: 1 / max(1, len(days - {self.day})) for s, days in self.reached.items()}
        own = {s: self.usual.get(s, {}).get(topic, 0) * per_day[s] for s in self.reached}
        return own if any(own.values()) else {s: sum(self.usual.get(s, {}).values()) * per_day[s] for s in self.reached}


def load_day(conn: Connection, day: date, *, now: datetime) -> DayInputs:
    """Read the inputs of one day as they are known at `now`. The caller holds one transaction over all of it."""
    first = day - timedelta(days=TRAILING_DAYS)
    days = [first + timedelta(days=i) for i in range(TRAILING_DAYS + 1)]
    reached = {
        row["id"]: {d for d in days if reaches(row["reach"], d, now)} for row in conn.execute(REACH, {"now": now})
    }
    inputs = DayInputs(day, days, reached, now=now)
    compared = inputs.asked()
    counts: dict[tuple[date, str], dict[str | None, int]] = defaultdict(dict)
    for row in conn.execute(VOICES, compared):
        counts[row["day"], row["source_id"]][row["topic"]] = row["n"]
    inputs.counts = dict(counts)
    for row in conn.execute(ANALYSIS, compared):
        inputs.analysed[row["day"]] = row["analysed"] / row["records"]
    for row in conn.execute(USUAL, _pairs(inputs, reached, days[:-1], now)):
        inputs.usual.setdefault(row["source_id"], {})[row["topic"]] = row["n"]
    inputs.rows = conn.execute(EVIDENCE, inputs.asked([day])).fetchall()
    first_days = conn.execute(FIRST_DAYS, {"now": now})
    inputs.first_days = {row["slug"]: row["first"] for row in first_days if row["first"] is not None}
    return inputs


def _pairs(inputs: DayInputs, sources: Iterable[str], days: Iterable[date], now: datetime) -> dict[str, Any]:
    wanted = set(days)
    pairs = [(d, s) for s in sources for d in sorted(inputs.reached[s] & wanted)]
    return {"days": [d for d, _ in pairs], "sources": [s for _, s in pairs], "now": now}


def reaches(reach: Any, day: date, now: datetime) -> bool:
    """Whether a multirange covers a UTC day, or what there is of it at `now`, but for a tenth."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = min(start + timedelta(days=1), now - SLACK)
    if end <= start:
        return False
    covered = timedelta()
    for part in reach:
        since = max(start, part.lower) if part.lower is not None else start
        until = min(end, part.upper) if part.upper is not None else end
        covered += max(timedelta(), until - since)
    return covered >= DAY_COVERED * (end - start)
