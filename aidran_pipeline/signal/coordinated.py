"""`coordinated_posting`: a burst of near-identical posts from many young or linked accounts. A warning, never a story.

Method. A group of near-identical posts of one day (analyze/duplicates.py) is suspect when at least five accounts posted
it, at least half of them young or linked, and no news text is among its copies: a headline that people share, and a
wire story that outlets share, is not coordination. An account counts once however often it posted. Young: first seen a
week ago or less, by a source whose own days reach back far enough to tell (the platforms' account age is not among what
is stored). Linked: it posted the same text as another account of the group before, within four weeks (co-posting
networks: Pacheco et al., Uncovering coordinated networks on social media, ICWSM 2021). The accounts of suspect groups
are compared, as a share of the topic's voices, with the trailing days (volume.py); they come in groups, which the
variance allows for (volume.compare). Where such groups are usual they raise no warning.

What does not belong here: any judgement on who is behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.findings import Finding, Tested
from aidran_pipeline.signal.inputs import ASKED, DayInputs, Evidence
from aidran_pipeline.store.db import Connection

VERSION = "coordinated-1"
LEAST_ACCOUNTS = 5
SUSPECT_SHARE = 0.5
YOUNG_DAYS = 7
# "First seen" says nothing until the source has so many days that could have shown the account.
TELLING_DAYS = 14
# What is known of the size of such groups where none was seen: five accounts and more.
LEAST_CLUMPING = 5.0

# Groups of posts by day, each account at its earliest copy; `since` is the account's first day in all that is stored.
GROUPS = f"""
WITH {ASKED}, posts AS (
    SELECT h.*, dm.group_id FROM here h JOIN duplicate_members dm ON dm.record_id = h.id
    WHERE h.platform <> 'news' AND h.analysed
), shared AS (
    SELECT group_id, day FROM posts GROUP BY group_id, day HAVING count(DISTINCT author_key) >= 2
), accounts AS (
    SELECT DISTINCT ON (p.group_id, p.day, p.author_key) p.* FROM posts p JOIN shared USING (group_id, day)
    ORDER BY p.group_id, p.day, p.author_key, p.published_at, p.platform, p.native_id COLLATE "C"
)
SELECT a.group_id, a.day, a.id, a.platform, a.native_id, a.source_id, a.author_key, a.topic, a.published_at,
       (SELECT min(o.day) FROM records o
        WHERE o.platform = a.platform AND o.first_seen_at <= %(now)s
          AND (o.author_key = a.author_key OR o.author_key IN (
              SELECT k.author_key FROM keyed_authors k WHERE k.keyed = a.author_key))) AS since,
       EXISTS (SELECT FROM duplicate_members dm JOIN records n ON n.id = dm.record_id
               WHERE dm.group_id = a.group_id AND n.platform = 'news' AND n.first_seen_at <= %(now)s) AS news
FROM accounts a ORDER BY a.day, a.published_at, a.platform, a.native_id COLLATE "C"
"""


@dataclass(frozen=True)
class Group:
    """Near-identical posts of one day. rows: one an account, earliest first; suspects: young and linked ones."""

    rows: tuple[Mapping[str, Any], ...]
    young: int
    linked: int
    suspects: int

    @property
    def suspect(self) -> bool:
        """Whether it looks arranged."""
        enough = len(self.rows) >= LEAST_ACCOUNTS and self.suspects >= SUSPECT_SHARE * len(self.rows)
        return enough and not any(row["news"] for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """For `baselines.series`: no text, no account."""
        first = self.rows[0]
        minutes = (self.rows[-1]["published_at"] - first["published_at"]).total_seconds() / 60
        return {
            "accounts": len(self.rows), "young": self.young, "linked": self.linked, "minutes": round(minutes),
        }  # fmt: skip


@dataclass
class Loaded:
    """The suspect groups by topic and day, largest first."""

    groups: dict[tuple[str, date], list[Group]] = field(default_factory=lambda: defaultdict(list))
    clumping: float = LEAST_CLUMPING


class CoordinatedPosting:
    """Many young or linked accounts saying the same within a day."""

    name = "coordinated_posting"
    version = VERSION
    versions: tuple[str, ...] = (VERSION,)

    def load(self, conn: Connection, inputs: DayInputs) -> Loaded:
        """Groups of copies with their accounts, of all topics; judged here, as links reach over days."""
        loaded = Loaded()
        for group in judged(conn.execute(GROUPS, inputs.asked()).fetchall(), inputs.reached):
            if group.suspect and group.rows[0]["topic"] is not None:
                loaded.groups[group.rows[0]["topic"], group.rows[0]["day"]].append(group)
        for groups in loaded.groups.values():
            groups.sort(key=lambda g: (-len(g.rows), g.rows[0]["platform"], g.rows[0]["native_id"]))
        sizes = [len(g.rows) for (_, day), groups in loaded.groups.items() for g in groups if day != inputs.day]
        if sizes:
            clumps = sum(n * n for n in sizes) / sum(sizes) - 1
            loaded.clumping = round(max(LEAST_CLUMPING, clumps), 6)
        return loaded

    def series(self, inputs: DayInputs, loaded: Loaded, topic: str) -> list[dict[str, Any]]:
        """Accounts of suspect groups (count) by day beside the topic's voices; of the day itself its groups."""
        cells: dict[tuple[date, str], int] = defaultdict(int)
        for (own, day), groups in loaded.groups.items():
            for row in (row for group in groups for row in group.rows if own == topic):
                cells[day, row["source_id"]] += 1
        series = [day.as_dict() for day in inputs.shares(topic, cells, inputs.voices_of(topic))]
        groups = loaded.groups.get((topic, inputs.day), [])
        series[-1] |= {"clumping": loaded.clumping, "groups": [group.as_dict() for group in groups]}
        return series

    def detect(self, series: Sequence[Mapping[str, Any]], tests: Tested, version: str | None = None) -> Finding:
        """More of it than usual. Raises LookupError for a version that this release lacks."""
        if version not in (None, *self.versions):
            raise LookupError(f"{version}: this release cannot replay it, only {', '.join(self.versions)}")
        groups = series[-1]["groups"]
        subject = f"{groups[0]['accounts']} accounts, one text" if groups else None
        return volume.rise(series, tests, subject)

    def evidence(self, inputs: DayInputs, loaded: Loaded, topic: str, _finding: Finding | None) -> Evidence:
        """The posts, one an account: here each counts by itself, as it is their number that warns."""
        rows = [row for group in loaded.groups.get((topic, inputs.day), []) for row in group.rows]
        weights = [(row["id"], 1.0) for row in rows]
        keys = sorted((row["platform"], row["native_id"], 1.0) for row in rows)
        accounts = len({(row["platform"], row["author_key"]) for row in rows})
        return Evidence(weights, keys, len(rows), accounts, accounts)


def judged(rows: Sequence[Mapping[str, Any]], reached: Mapping[str, set[date]]) -> list[Group]:
    """Groups in order of day, with how many of their accounts are young, linked, or either.

    rows: see GROUPS; reached: by source, the days it reached.
    """
    grouped: dict[tuple[date, int], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["day"], row["group_id"]].append(row)
    earlier: dict[str, set[int]] = defaultdict(set)  # which groups an account posted in, on days before
    found: list[Group] = []
    for day in sorted({day for day, _ in grouped}):
        today = [(number, own) for (d, number), own in grouped.items() if d == day]
        for number, own in today:
            young = {row["author_key"] for row in own if _young(row["since"], day, reached[row["source_id"]])}
            linked = _linked([row["author_key"] for row in own], earlier, number)
            found.append(Group(tuple(own), len(young), len(linked), len(young | linked)))
        for number, own in today:
            for row in own:
                earlier[row["author_key"]].add(number)
    return found


def _young(since: date, day: date, reached: set[date]) -> bool:
    before = sum(d < day for d in reached)
    return before >= TELLING_DAYS and since >= day - timedelta(days=YOUNG_DAYS)


def _linked(authors: Sequence[str], earlier: Mapping[str, set[int]], number: int) -> set[str]:
    """Accounts that shared an earlier text with another of them."""
    shared: dict[int, set[str]] = defaultdict(set)
    for author in authors:
        for group in earlier.get(author, set()) - {number}:
            shared[group].add(author)
    return set().union(*(them for them in shared.values() if len(them) > 1)) if shared else set()
