"""`entity_surge`: the entity of a topic that is named far more often than its own trailing share of the topic's voices.

Method. Voices that name an entity, as a share of the topic's voices, by the machinery of volume.py: the trailing days
of the very sources, earlier spikes left out, a negative binomial. One thing is added: names come in clumps, as one
event makes several people speak at once, and of most names there are too few voices to see it in their own days. So the
variance grows at least as (1 + φ)·mean (volume.compare), with one φ for all names of the topic, estimated by moments
over their trailing days together. The strongest entity of the topic and day stands for
all: its p is corrected for every entity that the topic named in the window (Bonferroni).

What does not belong here: which names a record has (analyze/entities.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.findings import Finding, Tested, corrected, severity
from aidran_pipeline.signal.inputs import ANALYSED, ONCE, DayInputs, Evidence
from aidran_pipeline.signal.volume import DayCount
from aidran_pipeline.store.db import Connection

VERSION = "entity-nb-1"
# Fewer voices of a day cannot be a story's evidence: such entities are counted as tested and not looked at.
LEAST_VOICES = 3

# Which table the names of each day were read by: a day read by another one is not compared.
READ = f"""
WITH {ONCE}
SELECT o.day, a.entities_version AS version, count(*) AS n
FROM once o JOIN record_topics t ON t.record_id = o.id AND t.rank = 1
JOIN record_analysis a ON a.record_version_id = t.record_version_id
GROUP BY o.day, a.entities_version
"""

# By entity with enough voices of the day, its voices by day and source; by topic, how names of it vary (entity null).
NAMED = f"""
WITH {ONCE}, named AS (
    SELECT o.day, o.source_id, o.topic, e.entity, count(*) AS n
    FROM once o JOIN record_entities e ON e.record_id = o.id
    WHERE o.topic IS NOT NULL GROUP BY o.day, o.source_id, o.topic, e.entity
), loud AS (
    SELECT topic, entity FROM named WHERE day = %(day)s GROUP BY topic, entity HAVING sum(n) >= {LEAST_VOICES}
), daily AS (
    SELECT topic, entity, day, sum(n) AS n FROM named GROUP BY topic, entity, day
), each AS (
    SELECT topic, entity, sum(n) FILTER (WHERE day < %(day)s) AS total,
           sum(n * n) FILTER (WHERE day < %(day)s) AS squares
    FROM daily GROUP BY topic, entity
)
SELECT topic, entity, day, source_id, n, NULL::numeric AS total, NULL::numeric AS squares, NULL::numeric AS products
FROM named JOIN loud USING (topic, entity)
UNION ALL
SELECT topic, NULL, NULL, NULL, count(*), sum(total), sum(squares), sum(total * total) FROM each GROUP BY topic
"""

TODAY = f"""
WITH {ONCE} SELECT o.topic, e.entity, o.id FROM once o JOIN record_entities e ON e.record_id = o.id
WHERE o.topic IS NOT NULL
"""


@dataclass(frozen=True)
class Spread:
    """How the names of a topic vary.

    entities: how many it named in the window. Over their voices of the trailing days, total: the sum; squares: of the
    daily numbers; products: of each entity's sum with itself.
    """

    entities: int = 0
    total: float = 0.0
    squares: float = 0.0
    products: float = 0.0

    def clumping(self, days: int) -> float:
        """φ of the variance (1 + φ)·mean over so many trailing days, by moments; 0 where names keep apart."""
        if days < 2 or self.total <= 0:
            return 0.0
        excess = (self.squares - self.products / days) * days / (days - 1) - self.total
        return round(max(0.0, excess / self.total), 6)


@dataclass
class Loaded:
    """What a day's names were.

    known: days read by the day's own table; counts: voices by topic, entity and (day, source); spread by topic; records
    of the day by (topic, entity).
    """

    known: set[date] = field(default_factory=set)
    counts: dict[str, dict[str, dict[tuple[date, str], int]]] = field(default_factory=dict)
    spread: dict[str, Spread] = field(default_factory=dict)
    records: dict[tuple[str, str], set[int]] = field(default_factory=dict)


class EntitySurge:
    """An organisation, person, product or model named by far more of a topic's voices than is usual for it."""

    name = "entity_surge"
    version = VERSION
    versions: tuple[str, ...] = (VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """The names of all topics, counted in SQL; which days they are known of."""
        loaded = Loaded(known_days(conn.execute(READ, inputs.asked()).fetchall(), inputs.day, inputs.days))
        for row in conn.execute(NAMED, {**inputs.asked(), "day": inputs.day}):
            if row["entity"] is None:
                sums = (float(row[name] or 0) for name in ("total", "squares", "products"))
                loaded.spread[row["topic"]] = Spread(row["n"], *sums)
            else:
                cells = loaded.counts.setdefault(row["topic"], {}).setdefault(row["entity"], {})
                cells[row["day"], row["source_id"]] = row["n"]
        records: dict[tuple[str, str], set[int]] = defaultdict(set)
        for row in conn.execute(TODAY, inputs.asked([inputs.day])):
            records[row["topic"], row["entity"]].add(row["id"])
        loaded.records = dict(records)
        return loaded

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """A day: the topic's voices (count), and of each loud entity its voices and its usual share of them.

        The last day also says how many entities were tested and how much their voices clump.
        """
        voices = inputs.voices_of(topic)
        plain = inputs.shares(topic, {}, voices)
        named = {
            entity: inputs.shares(topic, cells, voices)
            for entity, cells in sorted(loaded.counts.get(topic, {}).items())
        }
        days: list[dict[str, Any]] = []
        for place, day in enumerate(plain):
            known = day.total is not None and date.fromisoformat(day.day) in loaded.known
            total = day.total if known else None
            entities = {name: [days_of[place].count, days_of[place].share] for name, days_of in named.items()}
            days.append(
                {"day": day.day, "count": total, "total": total, "coverage": day.coverage,
                 "entities": entities if known else {}}
            )  # fmt: skip
        spread = loaded.spread.get(topic, Spread())
        compared = sum(bool(day["count"]) for day in days[:-1])
        days[-1] |= {"tested": spread.entities, "clumping": spread.clumping(compared)}
        return days

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """The strongest entity of the last day. Raises LookupError for a version that this release lacks."""
        if version not in (None, *self.versions):
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(self.versions)}")
        last = series[-1]
        found = [(_rise(series, name, last["clumping"]), name) for name in sorted(last["entities"])]
        if not found:
            return Finding(0.0, 0.0, 0.0, 1.0, 1.0, None)
        rise, name = min(found, key=lambda one: (one[0].p_value, -one[0].score, one[1]))
        alone = corrected(rise.p_value, last["tested"])
        overall = corrected(alone, tests.number)
        grave = severity(rise.count, rise.mean, alone, overall, tests.kinds)
        return Finding(float(rise.count), round(rise.mean, 6), rise.score, overall, alone, grave, name)

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, finding: Finding | None) -> Evidence:
        """The topic's voices that name the entity."""
        subject = finding.subject if finding else None
        return inputs.evidence(topic, loaded.records.get((topic, subject), set()) if subject else set())


def known_days(rows: Sequence[Mapping[str, Any]], day: date, days: Sequence[date]) -> set[date]:
    """The days of which nearly all voices were read by the version that read most of the day's own.

    A day without voices is known: there was nothing to read.
    """
    read: dict[date, dict[str | None, int]] = defaultdict(dict)
    for row in rows:
        read[row["day"]][row["version"]] = row["n"]
    latest = max((d for d in read if d <= day), default=None)
    own = {version: n for version, n in read[latest].items() if version is not None} if latest else {}
    version = min(own, key=lambda name: (-own[name], name), default=None)

    def held(by: Mapping[str | None, int]) -> bool:
        return version is not None and by.get(version, 0) >= ANALYSED * sum(by.values())

    return {d for d in days if d not in read or held(read[d])}


def _rise(series: Sequence[Mapping[str, Any]], name: str, clumping: float) -> volume.Window:
    """One entity on the last day."""
    return volume.compare([DayCount(day["day"], *_cell(day, name), day["coverage"]) for day in series], clumping)


def _cell(day: Mapping[str, Any], name: str) -> tuple[int | None, int | None, float]:
    """Voices of the entity, of the topic, usual share; unknown where the day is."""
    count, share = day["entities"].get(name, (None, 0.0))
    return (None, None, 0.0) if count is None else (count, day["total"], share)
