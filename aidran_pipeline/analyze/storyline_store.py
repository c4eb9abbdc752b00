"""Storylines of one day in the database: the window grouped, ids kept or given, what merges and splits written down.

A record keeps the storyline that it joined first until that merges or splits; each such move is a row, so that the
membership of any past day can be read again (`storyline_members(day)`). Merges and splits are decided for the newest
day only: when a past day is analysed again for late records, these join or open storylines, and nothing else changes.
Grouping itself: storylines.py. Which group goes on with which: continuity.py. The states of a day: states.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.analyze.continuity import Continuity, Held, follow
from aidran_pipeline.analyze.embeddings import embed_cached
from aidran_pipeline.analyze.states import store_states
from aidran_pipeline.analyze.storylines import Item, akin, centrality, group, idf, label_of, owner_of, salient
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, content_hash

VERSION = "storylines-4"
WINDOW_DAYS = 3
EMBED_CHARS = 420

WINDOW = """
SELECT r.id AS record_id, r.platform, r.native_id, r.day, r.published_at, v.title, v.text,
       (SELECT jsonb_object_agg(t.topic, t.score) FROM record_topics t WHERE t.record_id = r.id) AS topics
FROM records r JOIN newest_record_versions v ON v.record_id = r.id
JOIN record_analysis a ON a.record_version_id = v.id AND a.lang = 'en'
WHERE EXISTS (SELECT 1 FROM record_topics t WHERE t.record_id = r.id) AND r.day BETWEEN %(first)s AND %(day)s
  AND NOT EXISTS (SELECT 1 FROM duplicate_members dm JOIN duplicate_groups g ON g.id = dm.group_id
                  WHERE dm.record_id = r.id AND g.representative <> r.id)
ORDER BY r.published_at, r.platform, r.native_id
"""
HELD = """
SELECT b.record_id, b.storyline_id AS before, n.storyline_id AS now
FROM storyline_members(%(evening)s) b
JOIN storyline_members(%(day)s) n ON n.record_id = b.record_id AND n.day BETWEEN %(first)s AND %(day)s
WHERE b.day BETWEEN %(first)s AND %(day)s
"""
# An edit can take a record off every topic: it leaves its storyline, and its moves with it.
GONE = """
WITH gone AS (
    DELETE FROM storyline_records sr WHERE sr.day BETWEEN %(first)s AND %(day)s
    AND NOT EXISTS (SELECT 1 FROM record_topics t WHERE t.record_id = sr.record_id) RETURNING record_id
)
DELETE FROM storyline_moves m USING gone WHERE m.record_id = gone.record_id
"""


def store_storylines(conn: Connection, day: date, run: Run) -> None:
    """Group the window that ends with `day`, all topics together, and write what became of each storyline."""
    first = day - timedelta(days=WINDOW_DAYS - 1)
    ask = {"first": first, "day": day, "evening": day - timedelta(days=1)}
    items, weights = _window(conn, ask)
    conn.execute(GONE, ask)
    held = {row["record_id"]: row for row in conn.execute(HELD, ask)}
    groups = [(kind, sorted(members, key=lambda m: m.order)) for kind, members in group(items, weights)]
    found = follow([[_held(m, held) for m in members] for _, members in groups], day)
    if conn.execute("SELECT 1 FROM storyline_days WHERE day > %s LIMIT 1", (day,)).fetchone():
        found.splits.clear()
        found.merges.clear()
    for place, (kind, members) in enumerate(groups):
        fresh = [m for m in members if m.record_id not in held]
        home = found.homes[place]
        if place in found.splits:
            home = _split(conn, found, place, members, held, day, kind, weights, run)
        if fresh:
            _join(conn, home, kind, members, fresh, weights, day, run)
    for storyline, heir in found.merges.items():
        sides = [[m for _, g in groups for m in g if _before(m, held) == side] for side in (storyline, heir)]
        if akin(*sides):
            _merge(conn, storyline, heir, day, run)
    store_states(conn, day, window_days=WINDOW_DAYS, run=run)


def _window(conn: Connection, ask: Mapping[str, date]) -> tuple[list[Item], dict[str, float]]:
    rows = conn.execute(WINDOW, ask).fetchall()
    vectors = embed_cached(conn, {row["record_id"]: row["text"][:EMBED_CHARS] for row in rows})
    items = [
        Item.of(
            row["record_id"],
            row["day"],
            row["platform"] != "news",
            row["title"] or "",
            row["text"],
            vectors[row["record_id"]],
            (row["published_at"].isoformat(), row["native_id"]),
            row["topics"],
        )
        for row in rows
    ]
    return items, idf(items, Counter(stem for item in items for stem in item.stems), len(rows))


def _held(member: Item, held: Mapping[int, Mapping[str, Any]]) -> Held:
    row = held.get(member.record_id)
    return Held(member.day, row["before"], row["now"]) if row else Held(member.day)


def _before(member: Item, held: Mapping[int, Mapping[str, Any]]) -> int | None:
    return _held(member, held).before


def _join(
    conn: Connection,
    home: int | None,
    kind: str,
    members: Sequence[Item],
    fresh: Sequence[Item],
    weights: dict[str, float],
    day: date,
    run: Run,
) -> None:
    """Put new members into the group's storyline, or open one; it is described by the whole group."""
    if home is None:
        home = _open(conn, kind, members, weights, run)
    else:
        days, terms = [m.day for m in members], salient(members, weights)
        conn.execute(
            """UPDATE storylines SET label = %s, terms = %s, first_day = LEAST(first_day, %s),
                last_day = GREATEST(last_day, %s), input_hash = %s WHERE id = %s""",
            (label_of(terms, members), Jsonb(terms), min(days), max(days), _digest(members), home),
        )
    heir, hops = _heirs(conn, home)
    weight = dict(zip([m.record_id for m in members], centrality(members), strict=True))
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO storyline_records (storyline_id, record_id, day, weight) VALUES (%s, %s, %s, %s)",
            [(heir, m.record_id, m.day, weight[m.record_id]) for m in fresh],
        )
        cursor.executemany(
            """INSERT INTO storyline_moves (record_id, day, from_storyline, to_storyline, reason, run_id)
               VALUES (%s, %s, %s, %s, 'merged', %s)""",
            [(m.record_id, on, left, into, run.id) for m in fresh for left, into, on in hops if on > day],
        )


def _open(
    conn: Connection, kind: str, members: Sequence[Item], weights: dict[str, float], run: Run,
    split: tuple[int, date] | tuple[None, None] = (None, None),
) -> int:  # fmt: skip
    """A new storyline with its owner; split: the storyline it comes off, and on which day."""
    terms, days = salient(members, weights), [m.day for m in members]
    row = conn.execute(
        """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, split_from, split_on, engine_version,
            input_hash, run_id)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (
            owner_of(members), kind, label_of(terms, members), Jsonb(terms), min(days), max(days), *split, VERSION,
            _digest(members), run.id,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row["id"])


def _split(
    conn: Connection, found: Continuity, place: int, members: Sequence[Item], held: Mapping[int, Mapping[str, Any]],
    day: date, kind: str, weights: dict[str, float], run: Run,
) -> int:  # fmt: skip
    """The storyline of a part that comes off its trunk: the one made before today, else a new one with its members."""
    parent = found.splits[place]
    own = [m for m in members if m.day < day and m.record_id in held and held[m.record_id]["before"] == parent]
    ids = [m.record_id for m in own]
    made = conn.execute(
        """SELECT s.id FROM storylines s JOIN storyline_records sr ON sr.storyline_id = s.id
           WHERE s.split_from = %s AND s.split_on = %s AND sr.record_id = ANY(%s) GROUP BY s.id
           ORDER BY count(*) DESC, s.id LIMIT 1""",
        (parent, day, ids),
    ).fetchone()
    child = int(made["id"]) if made else _open(conn, kind, members, weights, run, (parent, day))
    _move(conn, child, day, "split", run, "sr.storyline_id = %(left)s AND sr.record_id = ANY(%(ids)s)", parent, ids)
    return child


def _merge(conn: Connection, storyline: int, heir: int, day: date, run: Run) -> None:
    """Hand all records of a storyline to its heir. What was decided earlier today stands."""
    (left, _), (into, _) = _heirs(conn, storyline), _heirs(conn, heir)
    if left != storyline or left == into:
        return
    conn.execute(
        """UPDATE storylines h
           SET first_day = LEAST(h.first_day, s.first_day), last_day = GREATEST(h.last_day, s.last_day)
           FROM storylines s WHERE h.id = %s AND s.id = %s""",
        (into, left),
    )
    _move(conn, into, day, "merged", run, "sr.storyline_id = %(left)s", left, [])
    conn.execute("UPDATE storylines SET merged_into = %s, merged_on = %s WHERE id = %s", (into, day, left))


def _move(
    conn: Connection, into: int, day: date, reason: str, run: Run, which: str, left: int, ids: Sequence[int]
) -> None:
    conn.execute(
        f"""WITH moved AS (
                UPDATE storyline_records sr SET storyline_id = %(into)s WHERE {which} RETURNING record_id
            )
            INSERT INTO storyline_moves (record_id, day, from_storyline, to_storyline, reason, run_id)
            SELECT record_id, %(day)s, %(left)s, %(into)s, %(reason)s, %(run)s FROM moved ORDER BY record_id""",
        {"into": into, "day": day, "reason": reason, "run": run.id, "left": left, "ids": list(ids)},
    )


def _heirs(conn: Connection, storyline: int) -> tuple[int, list[tuple[int, int, date]]]:
    """The storyline that goes on with this one today, and each step there: (from, to, on)."""
    hops: list[tuple[int, int, date]] = []
    while True:
        row = conn.execute("SELECT merged_into, merged_on FROM storylines WHERE id = %s", (storyline,)).fetchone()
        if row is None or row["merged_into"] is None:
            return storyline, hops
        hops.append((storyline, row["merged_into"], row["merged_on"]))
        storyline = row["merged_into"]


def _digest(members: Sequence[Item]) -> str:
    return content_hash([m.order for m in members], VERSION)
