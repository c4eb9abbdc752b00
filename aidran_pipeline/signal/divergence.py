"""`platform_divergence`: a topic's platforms name other entities than each other, more than is usual between them.

Method. The entities that each platform's voices name are distributions; their difference is the Jensen-Shannon
divergence, platforms weighted by their voices (Lin, IEEE Trans. Inf. Theory 37, 1991), less what samples of this size
give by themselves: (platforms - 1)(entities - 1) / (2 N ln 2) bits, the mean of its asymptotic χ² (Grosse et al.,
Phys. Rev. E 65, 2002). Two things must hold. The day's divergence lies above those of the trailing days, by Student's
t of one further value; and it is no accident of who spoke: of 9,999 shufflings of the platforms among the day's voices
(a permutation test) few diverge as much. The greater p counts, an intersection-union test (Berger, Technometrics 24,
1982). The shuffling is seeded by the hash of what is shuffled: the same voices give the same p. It is made only where
the first test says something, as the p is the first test's otherwise.

Only steady sources are compared: a source that joined within the window, or left it, would be a divergence by itself.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean, stdev
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from aidran_pipeline.signal.entities import READ, known_days
from aidran_pipeline.signal.findings import NOTABLE, Finding, Tested, corrected, severity
from aidran_pipeline.signal.inputs import ONCE, DayInputs, Evidence
from aidran_pipeline.signal.shifts import two_tails
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import content_hash

VERSION = "divergence-jsd-1"
# A platform is compared with so many voices that name something, on two platforms at least.
LEAST_VOICES = 4
# A source is steady that reached this share of the days any source reached; a day counts with this share of them there.
STEADY = 0.75
SHUFFLES = 9_999
BATCH = 500
EPSILON = 1e-12
PLATFORMS = {"bluesky": "Bluesky", "news": "news", "reddit": "Reddit"}

COUNTS = f"""
WITH {ONCE}
SELECT o.day, o.topic, o.platform, e.entity, count(*) AS n FROM once o JOIN record_entities e ON e.record_id = o.id
WHERE o.topic IS NOT NULL GROUP BY o.day, o.topic, o.platform, e.entity
UNION ALL
SELECT o.day, o.topic, o.platform, NULL, count(*) FROM once o
WHERE o.topic IS NOT NULL AND EXISTS (SELECT FROM record_entities e WHERE e.record_id = o.id)
GROUP BY o.day, o.topic, o.platform
"""

TODAY = f"""
WITH {ONCE}
SELECT o.topic, o.id, o.platform, array_agg(e.entity ORDER BY e.entity COLLATE "C") AS entities
FROM once o JOIN record_entities e ON e.record_id = o.id
WHERE o.topic IS NOT NULL GROUP BY o.topic, o.id, o.platform
"""

Array: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = dict[str, Counter[str]]  # by platform, voices that name each entity


@dataclass
class Loaded:
    """What the platforms named.

    known: days that can be compared; tables by topic and day; speakers: by topic, day and platform, voices that name
    anything; voices: by topic, (platform, entities) and record id of the day.
    """

    known: set[date] = field(default_factory=set)
    tables: dict[tuple[str, date], Table] = field(default_factory=dict)
    speakers: Counter[tuple[str, date, str]] = field(default_factory=Counter)
    voices: dict[str, list[tuple[str, tuple[str, ...], int]]] = field(default_factory=lambda: defaultdict(list))


class PlatformDivergence:
    """Platforms speak of other entities than each other, more than usual."""

    name = "platform_divergence"
    version = VERSION
    versions: tuple[str, ...] = (VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """The entities that each platform names by topic and day, from steady sources."""
        steady = steady_sources(inputs)
        asked = inputs.asked(sources=steady)
        read = known_days(conn.execute(READ, asked).fetchall(), inputs.day, inputs.days)
        there = {d for d in inputs.days if sum(d in inputs.reached[s] for s in steady) >= STEADY * len(steady)}
        loaded = Loaded(read & there if steady else set())
        for row in conn.execute(COUNTS, asked):
            if row["entity"] is None:
                loaded.speakers[row["topic"], row["day"], row["platform"]] = row["n"]
                continue
            table = loaded.tables.setdefault((row["topic"], row["day"]), {})
            table.setdefault(row["platform"], Counter())[row["entity"]] = row["n"]
        for row in conn.execute(TODAY, inputs.asked([inputs.day], steady)):
            loaded.voices[row["topic"]].append((row["platform"], tuple(row["entities"]), row["id"]))
        return loaded

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """A day: voices that name an entity on platforms with enough of them (count, total), and their divergence.

        divergence is null, and total 0, where fewer than two platforms have enough; of the day itself also its voices.
        """
        first = inputs.first_days.get(topic, inputs.day)
        series: list[dict[str, Any]] = []
        for day in (d for d in inputs.days if d >= first or d == inputs.day):
            speakers = {
                p: loaded.speakers[topic, day, p] for p in sorted(PLATFORMS)
                if loaded.speakers[topic, day, p] >= LEAST_VOICES
            }  # fmt: skip
            table = {p: loaded.tables[topic, day][p] for p in speakers}
            known, enough = day in loaded.known, len(speakers) > 1
            number = sum(speakers.values()) if enough else 0
            series.append(
                {"day": day.isoformat(), "count": number if known else None, "total": number if known else None,
                 "divergence": divergence(table) if known and enough else None}
            )  # fmt: skip
        platforms = speakers if series[-1]["total"] else {}
        told = Counter(
            (platform, names) for platform, names, _ in loaded.voices.get(topic, []) if platform in platforms
        )
        series[-1]["voices"] = [[platform, list(names), n] for (platform, names), n in sorted(told.items())]
        return series

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """Whether the platforms lie further apart than usual. Raises LookupError for a version this release lacks."""
        if version not in (None, *self.versions):
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(self.versions)}")
        *past, today = series
        usual = [day["divergence"] for day in past if day["divergence"] is not None]
        if today["divergence"] is None or len(usual) < 2:
            return Finding(today["divergence"] or 0.0, 0.0, 0.0, 1.0, 1.0, None)
        centre, spread = fmean(usual), max(stdev(usual), EPSILON) * math.sqrt(1 + 1 / len(usual))
        score = (today["divergence"] - centre) / spread
        p_value = two_tails(score, len(usual) - 1) / 2 if score > 0 else 1.0
        if p_value * tests.kinds < NOTABLE:
            p_value = max(p_value, shuffled(today["voices"]))
        alone = float(f"{p_value:.9g}")
        overall = corrected(alone, tests.number)
        grave = severity(today["divergence"], max(0.0, centre), alone, overall, tests.kinds)
        figures = (today["divergence"], round(max(0.0, centre), 6), round(score, 6), overall, alone)
        told = leading(today["voices"])
        return Finding(*figures, grave, "; ".join(f"{PLATFORMS[p]}: {name}" for p, name in told.items()) or None)

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, finding: Finding | None) -> Evidence:
        """The voices of each platform that name what it names most beyond the others."""
        if finding is None or finding.subject is None:
            return inputs.evidence(topic, set())
        said = set(finding.subject.split("; "))
        return inputs.evidence(
            topic,
            {record for platform, names, record in loaded.voices.get(topic, [])
             if any(f"{PLATFORMS[platform]}: {name}" in said for name in names)},
        )  # fmt: skip


def steady_sources(inputs: DayInputs) -> list[str]:
    """Compared sources that reached most of the trailing days that any source reached."""
    monitored = {d for days in inputs.reached.values() for d in days if d < inputs.day}
    return [
        s for s in inputs.compared if sum(d < inputs.day for d in inputs.reached[s]) >= STEADY * max(1, len(monitored))
    ]


def divergence(table: Table) -> float:
    """Bits by which the platforms' distributions lie apart, less the bias of samples of their size."""
    names = sorted({name for counts in table.values() for name in counts})
    matrix = np.array([[table[p][name] for name in names] for p in sorted(table)], dtype=float)
    whole = float(matrix.sum())
    bias = (len(table) - 1) * (len(names) - 1) / (2 * whole * math.log(2)) if whole else 0.0
    return round(float(_jensen_shannon(matrix[None])[0]) - bias, 9)


def _jensen_shannon(tables: Array) -> Array:
    """Of tables (…, platform, entity) of counts: entropy of the whole less the mean of the platforms', in bits."""
    rows = tables.sum(axis=-1)
    weights = rows / rows.sum(axis=-1, keepdims=True)
    found: Array = _entropy(tables.sum(axis=-2)) - (weights * _entropy(tables)).sum(axis=-1)
    return found


def _entropy(counts: Array) -> Array:
    total = counts.sum(axis=-1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    found: Array = -(shares * np.log2(np.maximum(shares, EPSILON))).sum(axis=-1)
    return found


def shuffled(voices: Sequence[Sequence[Any]]) -> float:
    """P of a permutation test: how often platforms dealt anew among the voices lie as far apart.

    voices: [platform, entities, how many such]. The dealing is seeded by their hash.
    """
    each = [(platform, tuple(names)) for platform, names, n in voices for _ in range(n)]
    platforms = sorted({platform for platform, _ in each})
    names = sorted({name for _, own in each for name in own})
    place = {name: i for i, name in enumerate(names)}
    said = np.zeros((len(each), len(names)))
    for row, (_, own) in enumerate(each):
        for name in own:
            said[row, place[name]] = 1
    homes = np.array([platforms.index(platform) for platform, _ in each])
    rng = np.random.default_rng(int(content_hash(voices)[:16], 16))
    seen = _jensen_shannon(_table(homes[None], said, len(platforms)))[0]
    as_far = 0
    for start in range(0, SHUFFLES, BATCH):
        dealt = rng.permuted(np.tile(homes, (min(BATCH, SHUFFLES - start), 1)), axis=1)
        as_far += int((_jensen_shannon(_table(dealt, said, len(platforms))) >= seen - 1e-9).sum())
    return (1 + as_far) / (1 + SHUFFLES)


def _table(homes: npt.NDArray[np.int64], said: Array, platforms: int) -> Array:
    return np.stack([(homes == p).astype(float) @ said for p in range(platforms)], axis=1)


def leading(voices: Sequence[Sequence[Any]]) -> dict[str, str]:
    """By platform, the entity that it names most beyond its share of all: what the difference is made of."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for platform, names, n in voices:
        table[platform].update(dict.fromkeys(names, n))
    whole: Counter[str] = Counter()
    for counts in table.values():
        whole.update(counts)
    number = sum(whole.values())
    told: dict[str, str] = {}
    for platform, counts in sorted(table.items()):
        own = sum(counts.values())
        parts = {name: round(n / number * math.log2(n / own / (whole[name] / number)), 9) for name, n in counts.items()}
        told[platform] = min(parts, key=lambda name: (-parts[name], name))
    return told
