"""The kinds `novelty` and `narrative_shift`: one read of the voices with their storylines and stances, for both.

What is compared and how: storyline_series.py, novelty.py, narrative.py. A voice without a storyline (another language,
no topic of its own) is neither new nor a narrative.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from aidran_pipeline.signal import narrative, novelty
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import ONCE, DayInputs, Evidence
from aidran_pipeline.signal.storyline_series import Said, Talk, narrative_series, novelty_series, week_before
from aidran_pipeline.store.db import Connection

# A copy speaks of what its first speaks of. Stances: by the method that read most of the day.
SAID = f"""
WITH {ONCE}, said AS (
    SELECT o.id, o.day, o.topic, sr.storyline_id AS storyline,
           (CASE WHEN o.platform = 'news' THEN o.publisher_family ELSE o.author_key END) COLLATE "C" AS teller,
           (SELECT string_agg(m.day || ' ' || m.from_storyline, ',' ORDER BY m.day, m.id)
            FROM storyline_moves m WHERE m.record_id = sr.record_id) AS path,
           (SELECT s.stance FROM record_versions v
            JOIN record_sentiments s ON s.record_version_id = v.id AND s.engine_version = %(method)s
            WHERE v.record_id = o.id AND v.first_seen_at <= %(now)s ORDER BY v.number DESC LIMIT 1) AS stance
    FROM once o
    LEFT JOIN duplicate_members dm ON dm.record_id = o.id
    LEFT JOIN duplicate_groups g ON g.id = dm.group_id
    JOIN storyline_records sr ON sr.record_id = COALESCE(g.representative, o.id)
)"""
COUNTED = f"""{SAID}
SELECT day, topic, storyline, path, stance, count(*) AS n, min(teller) AS one, max(teller) AS other
FROM said GROUP BY day, topic, storyline, path, stance ORDER BY day, topic, storyline, path, stance
"""
TODAY = f"""{SAID}
SELECT id, topic, storyline, path, stance FROM said WHERE topic IS NOT NULL
"""
# Of equals the older: what a later method says of a past day beside it changes no replay.
METHOD = """
SELECT engine_version FROM record_sentiments WHERE day = %s
GROUP BY engine_version ORDER BY count(*) DESC, engine_version COLLATE "C" LIMIT 1
"""

# Stances stand among the evidence only where they differ by more than chance: chi-square of two degrees, p = 0.05.
TELLING = 5.99


@dataclass
class Loaded:
    """The voices; and by topic the day's records with their storyline of that evening and their stance."""

    talk: Talk
    records: dict[str, dict[int, tuple[int, str | None]]] = field(default_factory=dict)


def load(conn: Connection, inputs: DayInputs) -> Loaded:
    """Read what all topics said over the trailing days; kept with `inputs` for the second kind that asks."""
    held = inputs.kept.get("talk")
    if isinstance(held, Loaded):
        return held
    method = conn.execute(METHOD, (inputs.day,)).fetchone()
    ask = {**inputs.asked(), "method": method["engine_version"] if method else ""}
    loaded = Loaded(Talk.of(_said(row) for row in conn.execute(COUNTED, ask)))
    records: dict[str, dict[int, tuple[int, str | None]]] = defaultdict(dict)
    for row in conn.execute(TODAY, {**ask, **inputs.asked([inputs.day])}):
        records[row["topic"]][row["id"]] = (_home(row, inputs.day), row["stance"])
    loaded.records = dict(records)
    inputs.kept["talk"] = loaded
    return loaded


def _said(row: Mapping[str, Any]) -> Said:
    tellers = frozenset(t for t in (row["one"], row["other"]) if t is not None)
    return Said(row["day"], row["topic"], row["storyline"], row["n"], tellers, _path(row["path"]), row["stance"])


def _path(text: str | None) -> tuple[tuple[date, int], ...]:
    steps = [step.split(" ") for step in text.split(",")] if text else []
    return tuple((date.fromisoformat(day), int(left)) for day, left in steps)


def _home(row: Mapping[str, Any], as_of: date) -> int:
    return Said(as_of, row["topic"], row["storyline"], 1, frozenset(), _path(row["path"])).home(as_of)


def known_days(inputs: DayInputs, topic: str) -> list[tuple[date, bool]]:
    """The topic's days, oldest first, and whether each can be known: enough sources reached it, it was analysed."""
    return [(date.fromisoformat(day.day), day.count is not None) for day in inputs.series(topic)]


class Novelty:
    """More voices than usual on matters that nobody spoke of in the week before."""

    name = "novelty"
    version = novelty.VERSION
    versions: tuple[str, ...] = (novelty.VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """See load."""
        return load(conn, inputs)

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """See novelty_series."""
        days = known_days(inputs, topic)
        return novelty_series(loaded.talk, topic, [d for d, _ in days], {d for d, known in days if known})

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """See novelty.detect. Raises LookupError for a version that this release lacks."""
        return novelty.detect(series, _held(tests, version, self.versions))

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, _finding: Finding | None) -> Evidence:
        """The topic's voices on what is new."""
        new, found = loaded.talk.new_on(inputs.day), loaded.records.get(topic, {})
        return inputs.evidence(topic, {record for record, (storyline, _) in found.items() if storyline in new})


class NarrativeShift:
    """The topic's voices are spread over storylines and stances unlike the week before, more than usual."""

    name = "narrative_shift"
    version = narrative.VERSION
    versions: tuple[str, ...] = (narrative.VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """See load."""
        return load(conn, inputs)

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """See narrative_series."""
        days = known_days(inputs, topic)
        return narrative_series(loaded.talk, topic, [d for d, _ in days], {d for d, known in days if known})

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """See narrative.detect. Raises LookupError for a version that this release lacks."""
        return narrative.detect(series, _held(tests, version, self.versions))

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, _finding: Finding | None) -> Evidence:
        """The topic's voices on storylines that are told more than before, and of stances that are taken more.

        Each weighs the excess of its storyline and of its stance, the largest 1; copies share the weight of one.
        """
        adds = self._adds(inputs, loaded, topic)
        plain = inputs.evidence(topic, set(adds))
        about = {row["id"]: row for row in inputs.rows}
        copies = Counter(about[record]["voice"] for record, _ in plain.weights)
        strength = {about[record]["voice"]: value for record, value in adds.items()}
        most = max(adds.values(), default=1.0)
        voices = {record: about[record]["voice"] for record, _ in plain.weights}
        weights = {record: round(strength[voice] / most / copies[voice], 4) for record, voice in voices.items()}
        keys = ((about[record]["platform"], about[record]["native_id"], weight) for record, weight in weights.items())
        return replace(plain, weights=sorted(weights.items()), keys=sorted(keys))

    def _adds(self, inputs: DayInputs, loaded: Loaded, topic: str) -> dict[int, float]:
        """By record of the day, the excess of voices that it is part of; those of none are left out."""
        known = {d for d, known in known_days(inputs, topic) if known}
        week, day = week_before(inputs.day, known, narrative.WEEK), inputs.day
        before = sum((loaded.talk.counts(topic, d, day) for d in week), Counter[int]())
        storylines = narrative.gains(loaded.talk.counts(topic, day, day), before)
        today, usual = loaded.talk.stances(topic, [day]), loaded.talk.stances(topic, week)
        _, g, _ = narrative.divergence([[today[s], usual[s]] for s in sorted({*today, *usual})])
        stances = narrative.gains(today, usual) if g >= TELLING else {}
        adds = {
            record: storylines.get(storyline, 0.0) + stances.get(stance, 0.0)
            for record, (storyline, stance) in loaded.records.get(topic, {}).items()
        }
        return {record: value for record, value in adds.items() if value > 0}


def _held(tests: Tested, version: str | None, versions: Sequence[str]) -> Tested:
    if version not in (None, *versions):
        raise LookupError(f"{version}: this release cannot replay it, only {', '.join(versions)}")
    return tests
