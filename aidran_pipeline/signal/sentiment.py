"""`sentiment_shift`: a topic is spoken of in another tone than on its own trailing days. Method and sources: shifts.py.

The tone of a voice is its stored balance, probability of positive less that of negative (text/sentiment). What does not
belong here: reading tone (analyze/sentiment.py), comparing days (shifts.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aidran_pipeline.signal.findings import NOTABLE, SEVERE, STRONG, Finding, Tested, corrected
from aidran_pipeline.signal.inputs import ANALYSED, ONCE, DayInputs, Evidence
from aidran_pipeline.signal.shifts import SCALE, measure
from aidran_pipeline.store.db import Connection
from aidran_pipeline.text.sentiment import sentiment_version

VERSION = "tone-re-1"
# How much of a change of true tone (-1, 0, 1) shows in the mean of the values, within a topic: measured on the training
# half of the labels (benchmarks/train_sentiment). Part of the version, as replay rests on it.
SLOPES = {VERSION: 0.22}
# Least change, in units of true tone. The method's own error between subjects has a standard deviation of 0.4
# (benchmarks/train_sentiment: `subject_error`): a smaller change may be a change of subject.
LEAST_CHANGE = {"notable": 0.4, "strong": 0.6, "severe": 0.8}

# Each voice with its author, in the wording known then: an edit since changes nothing. Unread ones (another version, or
# not yet) have no balance. English only, as read.
WORDING = """
    JOIN LATERAL (SELECT v.id FROM record_versions v WHERE v.record_id = o.id AND v.first_seen_at <= %(now)s
                  ORDER BY v.number DESC LIMIT 1) v ON true
    JOIN record_analysis a ON a.record_version_id = v.id AND a.lang = 'en'
    LEFT JOIN record_sentiments s ON s.record_version_id = v.id AND s.engine_version = %(version)s
"""
SPOKEN = f"""
WITH {ONCE}, spoken AS (
    SELECT o.day, o.topic, o.platform, o.author_key, s.balance
    FROM once o {WORDING} WHERE o.topic IS NOT NULL
), authors AS (
    SELECT day, topic, platform, author_key, round(avg(balance))::bigint AS tone, count(*) AS voices,
           count(balance) AS read
    FROM spoken GROUP BY day, topic, platform, author_key
)
SELECT day, topic, platform, count(tone) AS authors, COALESCE(sum(tone), 0)::bigint AS total,
       COALESCE(sum(tone * tone), 0)::bigint AS squares, sum(voices)::bigint AS voices, sum(read)::bigint AS read
FROM authors GROUP BY day, topic, platform ORDER BY day, topic, platform
"""

TODAY = f"""
WITH {ONCE}
SELECT o.id, o.topic, s.balance FROM once o {WORDING} WHERE o.topic IS NOT NULL AND s.balance IS NOT NULL
"""

Cells = dict[str, list[int]]  # by platform: authors, sum and sum of squares of their values in thousandths


@dataclass
class Loaded:
    """The tones of all topics.

    cells and voices by (topic, day); known: days whose voices were read, but for a tenth; today: (record id, balance)
    by topic.
    """

    cells: dict[tuple[str, date], Cells] = field(default_factory=dict)
    voices: dict[tuple[str, date], int] = field(default_factory=dict)
    known: dict[date, bool] = field(default_factory=dict)
    today: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


class SentimentShift:
    """A topic's authors speak better or worse of it than they do on other days."""

    name = "sentiment_shift"
    version = VERSION
    versions: tuple[str, ...] = tuple(SLOPES)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """Tones by topic, day and platform, an author once; those of the day's records."""
        loaded = Loaded()
        wanted: dict[date, list[int]] = defaultdict(lambda: [0, 0])
        asked = {"version": sentiment_version()}
        for row in conn.execute(SPOKEN, {**inputs.asked(), **asked}):
            wanted[row["day"]][0] += row["read"]
            wanted[row["day"]][1] += row["voices"]
            cell = (row["topic"], row["day"])
            loaded.voices[cell] = loaded.voices.get(cell, 0) + row["read"]
            if row["authors"]:
                loaded.cells.setdefault(cell, {})[row["platform"]] = [row["authors"], row["total"], row["squares"]]
        loaded.known = {day: read >= ANALYSED * voices for day, (read, voices) in wanted.items()}
        for row in conn.execute(TODAY, {**inputs.asked([inputs.day]), **asked}):
            loaded.today.setdefault(row["topic"], []).append((row["id"], row["balance"]))
        return loaded

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """A day: voices read (count), and by platform its authors, the sum and the sum of squares of their values."""
        days: list[dict[str, Any]] = []
        for plain in inputs.series(topic):
            day = date.fromisoformat(plain.day)
            known = plain.count is not None and loaded.known.get(day, True)
            count = loaded.voices.get((topic, day), 0) if known else None
            cells = loaded.cells.get((topic, day), {}) if known else {}
            days.append(
                {"day": plain.day, "count": count, "total": count, "coverage": plain.coverage, "platforms": cells}
            )
        return days

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """The day's mean value beside what its platforms usually say. LookupError for a version that is not here."""
        slope = SLOPES.get(version or self.version)
        if slope is None:
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(self.versions)}")
        shift = measure(series)
        if shift is None:
            return Finding(0.0, 0.0, 0.0, 1.0, 1.0, None)
        overall = corrected(shift.p_value, tests.number)
        change = abs(shift.observed - shift.expected) / slope
        grave = severity(change, shift.p_value, overall, tests.kinds)
        return Finding(shift.observed, shift.expected, shift.score, overall, shift.p_value, grave)

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, finding: Finding | None) -> Evidence:
        """The voices on the side to which the tone went; all that were read where it did not go anywhere."""
        voices = loaded.today.get(topic, [])
        if finding is None or finding.severity is None:
            return inputs.evidence(topic, {record for record, _ in voices})
        limit, sign = round(finding.expected * SCALE), 1 if finding.observed > finding.expected else -1
        return inputs.evidence(topic, {record for record, value in voices if (value - limit) * sign > 0})


def severity(change: float, alone: float, overall: float, kinds: int) -> str | None:
    """How grave a change of tone is, None when it is none. change: in units of true tone, from -1 to 1.

    severe: corrected p < 0.0001 and a change of 0.8; strong: corrected p < 0.05 and 0.6; notable: p < 0.05 after
    correction for the kinds of one topic, and 0.4.
    """
    for name, p_value, limit in (
        ("severe", overall, SEVERE),
        ("strong", overall, STRONG),
        ("notable", alone * max(1, kinds), NOTABLE),
    ):
        if p_value < limit and change >= LEAST_CHANGE[name]:
            return name
    return None
