"""The state of each storyline on a day: new, split, developing, fading, ended, merged; with the numbers behind it.

Made from the membership of that day (`storyline_members`), so that later merges leave it as it was. A day computed
again from the same rows changes none. A copy counts for the day on which it appeared, in the storyline of its first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, content_hash

VERSION = "storyline-states-1"
# Fading: no more than this share of the loudest day of the window, where that had so many voices at least.
FADES, LOUD = 0.5, 4
COPIED_DAYS = 14  # a copy stands with its first for so long (analyze/days.py)

TOLD = """
WITH held AS (SELECT * FROM storyline_members(%(day)s) m WHERE m.day BETWEEN %(oldest)s AND %(day)s)
SELECT h.storyline_id, r.day, r.platform, r.author_key, COALESCE('g' || g.id, 'r' || r.id) AS voice, r.id AS record
FROM held h
LEFT JOIN duplicate_groups g ON g.representative = h.record_id
LEFT JOIN duplicate_members dm ON dm.group_id = g.id
JOIN records r ON r.id = COALESCE(dm.record_id, h.record_id) AND r.day BETWEEN %(first)s AND %(day)s
"""
KNOWN = """
SELECT s.id, s.topic, s.merged_into, s.merged_on, s.split_from, s.split_on,
       (SELECT min(m.day) FROM storyline_members(%(day)s) m WHERE m.storyline_id = s.id) AS since
FROM storylines s WHERE s.id = ANY(%(ids)s)
"""
LAST = """
SELECT DISTINCT ON (storyline_id) storyline_id, topic, state, since, last_active FROM storyline_days
WHERE day < %(day)s AND day >= %(day)s - 60 ORDER BY storyline_id, day DESC
"""
COLUMNS = (
    "topic", "state", "records", "voices", "authors", "platforms", "share", "since", "last_active", "heir", "parent",
)  # fmt: skip
STORE = f"""
INSERT INTO storyline_days (storyline_id, day, {", ".join(COLUMNS)}, engine_version, input_hash, run_id)
VALUES (%(storyline)s, %(day)s, {", ".join(f"%({c})s" for c in COLUMNS)}, %(version)s, %(hash)s, %(run)s)
ON CONFLICT (storyline_id, day) DO UPDATE SET
    {", ".join(f"{c} = EXCLUDED.{c}" for c in COLUMNS)}, engine_version = EXCLUDED.engine_version,
    input_hash = EXCLUDED.input_hash, run_id = EXCLUDED.run_id
"""


@dataclass(frozen=True)
class State:
    """A storyline on a day: see the table storyline_days."""

    topic: str
    state: str
    records: int
    voices: int
    authors: int
    platforms: int
    share: float
    since: date
    last_active: date
    heir: int | None = None
    parent: int | None = None


def state_of(since: date, day: date, voices: Mapping[date, int], *, split: bool) -> str:
    """The state of a storyline with records in the window. voices: by day of the window, where there are any."""
    today = voices.get(day, 0)
    loudest = max((n for d, n in voices.items() if d < day), default=0)
    if split:
        return "split"
    if since == day:
        return "new"
    return "fading" if today == 0 or (loudest >= LOUD and today <= FADES * loudest) else "developing"


def store_states(conn: Connection, day: date, *, window_days: int, run: Run) -> None:
    """Compute and store the states of one day, for every storyline that lives or has just ended."""
    found = _states(conn, day, window_days)
    stored = {
        row["storyline_id"]: row["input_hash"]
        for row in conn.execute("SELECT storyline_id, input_hash FROM storyline_days WHERE day = %s", (day,))
    }
    gone = sorted(set(stored) - set(found))
    if gone:
        conn.execute("DELETE FROM storyline_days WHERE day = %s AND storyline_id = ANY(%s)", (day, gone))
    rows = []
    for storyline, state in sorted(found.items()):
        values = asdict(state)
        digest = content_hash(values, VERSION)
        if stored.get(storyline) != digest:
            rows.append(
                {**values, "storyline": storyline, "day": day, "version": VERSION, "hash": digest, "run": run.id}
            )
    with conn.cursor() as cursor:
        cursor.executemany(STORE, rows)


def _states(conn: Connection, day: date, window_days: int) -> dict[int, State]:
    first = day - timedelta(days=window_days - 1)
    ask: dict[str, Any] = {"day": day, "first": first, "oldest": first - timedelta(days=COPIED_DAYS)}
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in conn.execute(TOLD, ask):
        told[row["storyline_id"]].append(row)
    last = {row["storyline_id"]: row for row in conn.execute(LAST, ask)}
    merged = [r["id"] for r in conn.execute("SELECT id FROM storylines WHERE merged_on = %s", (day,))]
    ids = sorted({*told, *merged})
    known = {row["id"]: row for row in conn.execute(KNOWN, {**ask, "ids": ids})}
    voices = {storyline: _voices(rows) for storyline, rows in told.items()}
    of_topic: dict[str, int] = defaultdict(int)
    for storyline, by_day in voices.items():
        of_topic[known[storyline]["topic"]] += by_day.get(day, 0)
    states = {}
    for storyline in told:
        row, today = known[storyline], [r for r in told[storyline] if r["day"] == day]
        split = row["split_on"] == day
        own, whole = voices[storyline].get(day, 0), of_topic[row["topic"]]
        states[storyline] = State(
            topic=row["topic"],
            state=state_of(row["since"], day, voices[storyline], split=split),
            records=len({r["record"] for r in today}),
            voices=own,
            authors=len({r["author_key"] for r in today}),
            platforms=len({r["platform"] for r in today}),
            share=round(own / whole, 6) if whole else 0.0,
            since=row["since"],
            last_active=max(r["day"] for r in told[storyline]),
            parent=row["split_from"] if split else None,
        )
    for storyline in merged:
        before, row = last.get(storyline), known[storyline]
        since = before["since"] if before else day
        active = before["last_active"] if before else since
        states[storyline] = State(row["topic"], "merged", 0, 0, 0, 0, 0.0, since, active, heir=row["merged_into"])
    for storyline, before in last.items():
        if before["state"] not in ("ended", "merged") and storyline not in states:
            states[storyline] = State(before["topic"], "ended", 0, 0, 0, 0, 0.0, before["since"], before["last_active"])
    return states


def _voices(rows: list[dict[str, Any]]) -> dict[date, int]:
    by_day: dict[date, set[str]] = defaultdict(set)
    for row in rows:
        by_day[row["day"]].add(row["voice"])
    return {day: len(found) for day, found in by_day.items()}
