"""Which known organisations, people, products and models each record names; and names that the table may lack.

Read from what a reader sees first: a name far down a long article is not what it is about. What does not belong here:
finding names in a text (text/entities.py), the table (config/entities.yaml), surges (signal/).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.text.entities import Mention, entities_of
from aidran_pipeline.text.facts import facts_of, title_cased

READER = "entities-1"
HEAD_CHARS = 1200
# Trailing days that signals compare with (signal/inputs.py): read by one table, or a new alias would look like a surge.
TRAILING_DAYS = 28
BATCH = 2000
# Words of the trade and contractions, which no table wants.
COMMON = re.compile(r"(?:ai|llms?|gpus?|cpus?|apis?|agi|ceos?|ipos?|u\.?s|uk|eu|i['’]\w+)(?![^\s-])")

# A copy of the table's state stands on each row: what was read by an older one is read again.
PENDING = """
SELECT r.id, r.day, v.id AS version_id, left(v.text, %(chars)s) AS text, a.about_ai
FROM records r JOIN newest_record_versions v ON v.record_id = r.id JOIN record_analysis a ON a.record_version_id = v.id
WHERE r.day BETWEEN %(first)s AND %(last)s AND a.entities_version IS DISTINCT FROM %(version)s
ORDER BY r.day, r.platform, r.native_id COLLATE "C"
"""

NAMED = """
SELECT r.platform, r.publisher_family AS family, r.day, left(v.text, %(chars)s) AS text, a.about_ai
FROM records r JOIN newest_record_versions v ON v.record_id = r.id JOIN record_analysis a ON a.record_version_id = v.id
WHERE r.day BETWEEN %(first)s AND %(last)s AND a.lang = 'en'
  AND NOT EXISTS (SELECT FROM duplicate_members dm JOIN duplicate_groups g ON g.id = dm.group_id
                  WHERE dm.record_id = r.id AND g.representative <> r.id)
ORDER BY r.published_at, r.platform, r.native_id COLLATE "C"
"""


@lru_cache(maxsize=1)
def entities_version() -> str:
    """The reader and the state of the packaged table: another table, another version."""
    table = (files("aidran_pipeline.config") / "entities.yaml").read_bytes()
    return f"{READER}:{hashlib.sha256(table).hexdigest()[:10]}"


def read_entities(conn: Connection, days: Sequence[date], run: Run) -> set[date]:
    """Read the entities of the days' analysed records, and of the trailing days where another table read them.

    Idempotent: a wording read by this version is not read again. Returns the days whose records were read.
    """
    if not days:
        return set()
    version = entities_version()
    asked = {
        "first": min(days) - timedelta(days=TRAILING_DAYS), "last": max(days), "version": version, "chars": HEAD_CHARS,
    }  # fmt: skip
    rows = conn.execute(PENDING, asked).fetchall()
    for start in range(0, len(rows), BATCH):
        with conn.transaction():
            _store(conn, rows[start : start + BATCH], version, run)
        run.progress(f"entities of {min(start + BATCH, len(rows))} of {len(rows)} records")
    return {row["day"] for row in rows}


def _store(conn: Connection, rows: Sequence[Mapping[str, Any]], version: str, run: Run) -> None:
    named = []
    for row in rows:
        found = mentioned(row["text"]) if row["about_ai"] else {}
        named += [
            (row["id"], name, kind, row["version_id"], row["day"], number, version, run.id)
            for (name, kind), number in sorted(found.items())
        ]
    conn.execute("DELETE FROM record_entities WHERE record_id = ANY(%s)", ([row["id"] for row in rows],))
    with conn.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO record_entities (record_id, entity, kind, record_version_id, day, mentions, engine_version,
                                            run_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            named,
        )
    conn.execute(
        "UPDATE record_analysis SET entities_version = %s WHERE record_version_id = ANY(%s)",
        (version, [row["version_id"] for row in rows]),
    )


def mentioned(text: str) -> Counter[tuple[str, str]]:
    """How often each (canonical name, kind) stands in the head of a text."""
    return Counter((mention.name, mention.kind) for mention in entities_of(text[:HEAD_CHARS]))


@dataclass
class Candidate:
    """A name that the table may lack. records: distinct texts; elsewhere: of them, such as are not about AI."""

    name: str
    records: int = 0
    elsewhere: int = 0
    families: set[str] = field(default_factory=set)
    platforms: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    spellings: Counter[str] = field(default_factory=Counter)
    example: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For people and JSON."""
        return {
            "name": self.name, "records": self.records, "elsewhere": self.elsewhere, "families": len(self.families),
            "platforms": sorted(self.platforms), "days": len(self.days), "first_day": min(self.days),
            "last_day": max(self.days), "example": self.example,
        }  # fmt: skip


def new_names(
    conn: Connection, first: date, last: date, *, records: int, families: int, days: int = 2, share: float = 0.7
) -> list[dict[str, Any]]:
    """Names in texts about AI that no entity of the table covers, new and widely seen ones first: proposals for it.

    Seen in at least `records` distinct texts about AI of at least `families` publisher families (posts: platforms) on
    at least `days` days, and in texts about AI in at least `share` of all that name them: countries, newspapers and
    presidents are named everywhere. new: not named in the first quarter of the days. Code proposes; a name becomes an
    entity when somebody writes it into the table.
    """
    found: dict[str, Candidate] = {}
    for row in conn.execute(NAMED, {"first": first, "last": last, "chars": HEAD_CHARS}):
        for norm, name in unknown_names(row["text"]).items():
            one = found.setdefault(norm, Candidate(name))
            if not row["about_ai"]:
                one.elsewhere += 1
                continue
            one.records += 1
            one.families.add(row["family"])
            one.platforms.add(row["platform"])
            one.days.add(row["day"])
            one.spellings[name] += 1
            one.example = one.example or " ".join(row["text"].split())[:160]
    kept = [
        one for one in found.values()
        if one.records >= records and len(one.families) >= families and len(one.days) >= days
        and one.records >= share * (one.records + one.elsewhere)
    ]  # fmt: skip
    for one in kept:
        one.name = min(one.spellings, key=lambda spelling: (-one.spellings[spelling], spelling))
    quarter = first + (last - first) / 4
    new = {one.name: min(one.days) > quarter for one in kept}
    kept.sort(key=lambda one: (not new[one.name], -len(one.families), -one.records, one.name))
    return [{**one.as_dict(), "new": new[one.name]} for one in kept]


def unknown_names(text: str) -> dict[str, str]:
    """Names of a text's head that no known entity overlaps, by their normal form. Headlines in title case say none."""
    head = text[:HEAD_CHARS]
    known = entities_of(head)
    return {
        fact.norm: fact.text for fact in facts_of(head)
        if fact.kind == "name" and len(fact.norm) > 2 and not fact.text.startswith("@")
        and not COMMON.match(fact.text.lower()) and not _covered(fact.start, fact.end, known)
        and not title_cased(_line(head, fact.start))
    }  # fmt: skip


def _covered(start: int, end: int, known: Sequence[Mention]) -> bool:
    return any(one.start < end and start < one.end for one in known)


def _line(text: str, place: int) -> str:
    start = text.rfind("\n", 0, place) + 1
    return text[start : (text + "\n").index("\n", place)]
