"""`cross_platform_spread`: storylines that were on one platform first and reached others within three days.

Method. A voice crosses when it tells a storyline that another platform told first, at most two days before; who had it
first is the earliest voice that is known of it. The day's crossing voices are compared, as a share of the topic's
voices, with those of the trailing days (volume.py), and as they come by storylines, several at once, with a variance
that grows with the mean: φ from the sizes of such clumps over all topics (volume.compare). Where a platform was silent
in between, the first one there cannot be told, and nothing crosses to it; a trailing day on which other platforms were
read than today is no comparison.

What does not belong here: which record tells which storyline (analyze/), what a page says of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import Any

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import DAY_COVERAGE, ONCE, DayInputs, Evidence
from aidran_pipeline.store.db import Connection

VERSION = "spread-nb-1"
# A storyline that crosses brings two voices on average, wherever less is known of it.
LEAST_CLUMPING = 1.0
TOLD = 3  # storylines named with a baseline
PLATFORMS = {"bluesky": "Bluesky", "news": "news", "reddit": "Reddit"}

# `silent` holds (platform, day) pairs that were not read.
CROSSING = f"""
WITH {ONCE}, silent AS (
    SELECT * FROM unnest(%(silent_platforms)s::text[], %(silent_days)s::date[]) AS s (platform, day)
), told AS (
    SELECT o.*, m.storyline_id FROM once o JOIN storyline_members(%(day)s) m ON m.record_id = o.id
), first AS (
    SELECT DISTINCT ON (storyline_id) storyline_id, id, platform, native_id, published_at, day FROM told
    ORDER BY storyline_id, published_at, platform, native_id COLLATE "C"
), crossing AS (
    SELECT t.*, f.id AS first_id FROM told t JOIN first f ON f.storyline_id = t.storyline_id
    WHERE t.platform <> f.platform AND t.day - f.day <= 2 AND t.topic IS NOT NULL
      AND NOT EXISTS (SELECT FROM silent s WHERE s.platform = t.platform AND s.day BETWEEN f.day AND t.day)
)"""

COUNTS = f"""
{CROSSING}
SELECT day, source_id, topic, storyline_id, count(*) AS n FROM crossing GROUP BY day, source_id, topic, storyline_id
"""

# Those of the day: each platform's earliest voice, the first one whatever its topic; and the records of the day.
FIRSTS = f"""
{CROSSING}
SELECT c.topic, c.storyline_id, f.id AS first_id, f.platform AS first, f.native_id, f.published_at AS since, c.platform,
       min(c.published_at) AS reached, count(*) AS n,
       array_agg(c.id) || (SELECT array_agg(t.id) FROM told t WHERE t.storyline_id = c.storyline_id
                           AND t.topic = c.topic AND t.day = %(day)s) AS records
FROM crossing c JOIN first f ON f.storyline_id = c.storyline_id
WHERE c.day = %(day)s
GROUP BY c.topic, c.storyline_id, f.id, f.platform, f.native_id, f.published_at, c.platform
ORDER BY since, f.platform, f.native_id COLLATE "C", reached, c.platform
"""


@dataclass
class Loaded:
    """known: days on which the platforms of the day were read; counts: crossing voices by topic and (day, source).

    clumping: φ over the trailing days of all topics; spread: by topic, the day's storylines, most voices first; records
    of the day by topic: all voices of those storylines; firsts: by topic, who had them first (record id, platform,
    native id), of whatever day.
    """

    known: set[date] = field(default_factory=set)
    counts: dict[str, dict[tuple[date, str], int]] = field(default_factory=dict)
    clumping: float = LEAST_CLUMPING
    spread: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    records: dict[str, set[int]] = field(default_factory=dict)
    firsts: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)


class CrossPlatformSpread:
    """What began on one platform is told on others, by more voices than usual."""

    name = "cross_platform_spread"
    version = VERSION
    versions: tuple[str, ...] = (VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """Crossing voices of all topics, counted in SQL, and who had each of the day's storylines first."""
        read = platforms_read(conn, inputs)
        everywhere = read.get(inputs.day, frozenset())
        loaded = Loaded({d for d in inputs.days if read.get(d) == everywhere})
        silent = [(p, d) for p in sorted(everywhere) for d in inputs.days if p not in read.get(d, frozenset())]
        asked = {
            **inputs.asked(), "day": inputs.day, "silent_platforms": [p for p, _ in silent],
            "silent_days": [d for _, d in silent],
        }  # fmt: skip
        clumps: dict[tuple[date, str, int], int] = defaultdict(int)
        for row in conn.execute(COUNTS, asked):
            cells = loaded.counts.setdefault(row["topic"], {})
            cells[row["day"], row["source_id"]] = cells.get((row["day"], row["source_id"]), 0) + row["n"]
            clumps[row["day"], row["topic"], row["storyline_id"]] += row["n"]
        loaded.clumping = clumping([n for (d, _, _), n in clumps.items() if d != inputs.day])
        stories: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
        for row in conn.execute(FIRSTS, asked):
            loaded.records.setdefault(row["topic"], set()).update(row["records"])
            loaded.firsts.setdefault(row["topic"], {})[row["first_id"]] = (row["first"], row["native_id"])
            stories[row["topic"], row["storyline_id"]].append(row)
        for (topic, _), rows in stories.items():
            loaded.spread.setdefault(topic, []).append(_told(rows))
        for told in loaded.spread.values():
            told.sort(key=lambda one: (-one["voices"], one["since"], one["first"]))
        return loaded

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """Crossing voices (count) of the topic's (total) by day; of the day itself who had what first, and when."""
        days = [
            day if date.fromisoformat(day.day) in loaded.known else replace(day, count=None, total=None)
            for day in inputs.shares(topic, loaded.counts.get(topic, {}), inputs.voices_of(topic))
        ]
        series = [day.as_dict() for day in days]
        series[-1] |= {"clumping": loaded.clumping, "spread": loaded.spread.get(topic, [])[:TOLD]}
        return series

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """More crossing than usual. Raises LookupError for a version that this release lacks."""
        if version not in (None, *self.versions):
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(self.versions)}")
        spread = series[-1]["spread"]
        subject = path_of(spread[0]) if spread else None
        return volume.rise(series, tests, subject)

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, _finding: Finding | None) -> Evidence:
        """The day's voices of the storylines that crossed, on every platform; an earlier first one weighs 0."""
        found = inputs.evidence(topic, loaded.records.get(topic, set()))
        held = {record for record, _ in found.weights}
        before = [(i, key) for i, key in sorted(loaded.firsts.get(topic, {}).items()) if i not in held]
        weights = [*found.weights, *((record, 0.0) for record, _ in before)]
        return replace(found, weights=weights, keys=sorted([*found.keys, *((*key, 0.0) for _, key in before)]))


def platforms_read(conn: Connection, inputs: DayInputs) -> dict[date, frozenset[str]]:
    """By day, the platforms of which enough compared sources reached it."""
    homes = {row["id"]: row["platform"] for row in conn.execute("SELECT id, platform FROM sources")}
    own: dict[str, list[str]] = defaultdict(list)
    for source in inputs.compared:
        own[homes[source]].append(source)
    return {
        day: frozenset(
            platform for platform, sources in own.items()
            if sum(day in inputs.reached[s] for s in sources) >= DAY_COVERAGE * len(sources)
        )
        for day in inputs.days
    }  # fmt: skip


def clumping(sizes: Sequence[int]) -> float:
    """φ of arrivals in clumps of these sizes: Σc²/Σc - 1."""
    return round(max(LEAST_CLUMPING, sum(n * n for n in sizes) / sum(sizes) - 1), 6) if sizes else LEAST_CLUMPING


def _told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Who had a storyline first and who then, with times: no text and no author. rows: one a platform, in time."""
    return {
        "first": rows[0]["first"],
        "since": rows[0]["since"].astimezone(UTC).isoformat(),
        "then": {row["platform"]: row["reached"].astimezone(UTC).isoformat() for row in rows},
        "voices": sum(row["n"] for row in rows),
    }


def path_of(storyline: Mapping[str, Any]) -> str:
    """How a storyline went: "Reddit first, then Bluesky and news"."""
    then = sorted(storyline["then"], key=lambda platform: (storyline["then"][platform], platform))
    return f"{PLATFORMS[storyline['first']]} first, then {' and '.join(PLATFORMS[p] for p in then)}"
