"""Reconcile: what is withdrawn at its source is erased here, by what sources said by themselves and by asking them.

Sources tell of deleted posts and of accounts that went (source_withdrawals); posts that stories cite are looked for in
turn as well. What does not belong here: asking (ingest.lookups), blanking (erasing.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.erase.erasing import Erasure, erase_records
from aidran_pipeline.erase.rows import blank_author
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.ingest.lookups import Found, look_for
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.streams import note_withdrawn
from aidran_pipeline.store.tombstones import PREFIX, Keyed, unfinished_authors

GONE = ("deleted", "takendown", "suspended", "deactivated", "private")  # not "other": a host that stumbles is no wish
MOST_LOOKUPS = 400  # of a run: 16 requests to Bluesky, 4 to Reddit
# A source that suddenly knows nothing of most of what is asked has a fault, or another answer than it should.
PLAUSIBLE, FEW = 0.5, 8
AGES = ((timedelta(days=3), timedelta(hours=6)), (timedelta(days=30), timedelta(days=1)))
RARELY = timedelta(days=7)

PENDING = """
WITH latest AS (
    SELECT DISTINCT ON (platform, kind, target) platform, kind, target, status FROM source_withdrawals
    ORDER BY platform, kind, target, happened_at DESC, id DESC)
SELECT r.id, l.kind, l.status FROM latest l JOIN records r ON r.platform = l.platform AND r.erased_at IS NULL
    AND CASE l.kind WHEN 'post' THEN r.native_id ELSE r.author_key END = l.target
WHERE l.status = ANY(%s) ORDER BY r.id, l.kind
"""
ACCOUNTS = """
SELECT DISTINCT w.platform, w.target FROM source_withdrawals w
WHERE w.kind = 'account' AND w.status = ANY(%s) AND w.target NOT LIKE %s
  AND NOT EXISTS (SELECT FROM records r WHERE r.platform = w.platform AND r.author_key = w.target)
"""
DUE = """
SELECT r.id, r.platform, r.native_id, r.source_id, r.published_at FROM records r
LEFT JOIN source_lookups l ON l.record_id = r.id
WHERE r.erased_at IS NULL AND r.platform IN ('bluesky', 'reddit') AND COALESCE(l.next_at <= %(now)s, true)
  AND EXISTS (SELECT FROM citations c JOIN current_article_versions v ON v.id = c.article_version_id
              WHERE c.record_id = r.id)
ORDER BY l.next_at NULLS FIRST, r.published_at DESC, r.id LIMIT %(most)s
"""
NOTE = """
INSERT INTO source_lookups (record_id, asked_at, answer, next_at, fetch_id)
VALUES (%(record)s, %(now)s, %(answer)s, %(next)s, %(fetch)s)
ON CONFLICT (record_id) DO UPDATE SET asked_at = EXCLUDED.asked_at, answer = EXCLUDED.answer,
    next_at = EXCLUDED.next_at, fetch_id = EXCLUDED.fetch_id
"""


@dataclass
class Reconciled:
    """What a run came to. looked_up: posts by answer; told: records that sources had withdrawn by themselves.

    doubted: posts whose absence was not believed, as too many were away at once. failures: of look-ups.
    """

    erasure: Erasure = field(default_factory=Erasure)
    told: int = 0
    looked_up: dict[str, int] = field(default_factory=dict)
    doubted: int = 0
    failures: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON and metadata."""
        return asdict(self)


def reconcile(
    conn: Connection, *, run: Run, settings: Settings, publication: Publication, models: Models | None = None,
    ask: bool = True, limits: Limits | None = None,
) -> Reconciled:  # fmt: skip
    """Look for cited posts that are due, then erase all that is withdrawn. Twice in a row, the second changes nothing.

    ask: whether sources are asked at all. A source that fails is a row and a line of `failures`, never an exception.
    """
    done = Reconciled()
    done.told = len(conn.execute(PENDING, (list(GONE),)).fetchall())
    if ask:
        _look_up(conn, run, settings, limits, done)
    for author, records in _unfinished(conn).items():
        done.erasure.merge(erase_records(conn, records, cause="request", reason="author", run=run,
                                         publication=publication, models=models, author=author))  # fmt: skip
    reasons: dict[int, str] = {}
    for row in conn.execute(PENDING, (list(GONE),)).fetchall():
        reasons.setdefault(row["id"], row["status"] if row["kind"] == "post" else f"account {row['status']}")
    by_reason: dict[str, list[int]] = defaultdict(list)
    for record_id, reason in reasons.items():
        by_reason[reason].append(record_id)
    for reason, records in sorted(by_reason.items()):
        erased = erase_records(conn, records, cause="source", reason=reason, run=run, publication=publication,
                               models=models)  # fmt: skip
        done.erasure.merge(erased)
    _forget_accounts(conn)
    return done


def _forget_accounts(conn: Connection) -> None:
    """Key what is noted of accounts that are gone, of which no record is left."""
    rows = conn.execute(ACCOUNTS, (list(GONE), PREFIX + "%")).fetchall()
    keyed = Keyed.of(conn) if rows else None
    for row in rows:
        assert keyed is not None
        blank_author(conn, row["platform"], row["target"], keyed)


def _unfinished(conn: Connection) -> dict[tuple[str, str], list[int]]:
    """What is left of authors whose erasure was interrupted."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for record_id, author in unfinished_authors(conn).items():
        found[author].append(record_id)
    return found


def _look_up(conn: Connection, run: Run, settings: Settings, limits: Limits | None, done: Reconciled) -> None:
    rows = conn.execute(DUE, {"now": run.now, "most": MOST_LOOKUPS}).fetchall()
    if not rows:
        return
    ids = [row["source_id"] for row in rows]
    sources = {row["id"]: row for row in conn.execute("SELECT * FROM sources WHERE id = ANY(%s)", (ids,)).fetchall()}
    for platform in ("bluesky", "reddit"):
        mine = {row["native_id"]: row for row in rows if row["platform"] == platform}
        posts: dict[str, list[str]] = defaultdict(list)
        for name, row in mine.items():
            posts[row["source_id"]].append(name)
        if not posts:
            continue
        run.progress(f"{platform}: {len(mine)} cited posts are looked for")
        found = look_for(conn, platform, posts, run=run, settings=settings, sources=sources, limits=limits)
        done.failures += found.failures
        _believe(found, done)
        with conn.transaction():
            for name, answer in found.answers.items():
                done.looked_up[answer] = done.looked_up.get(answer, 0) + 1
                asked = {"record": mine[name]["id"], "now": run.now, "answer": answer, "fetch": found.fetches.get(name)}
                conn.execute(NOTE, {**asked, "next": _next(mine[name]["published_at"], run.now)})
            for name, status in found.withdrawn.items():
                note_withdrawn(conn, platform, [(name, status)], fetch_id=found.fetches[name], now=run.now)


def _believe(found: Found, done: Reconciled) -> None:
    """Take back what too large a share of the answers says is gone; it is asked again at the next turn."""
    gone = [name for name, answer in found.answers.items() if answer == "gone"]
    known = sum(answer != "unknown" for answer in found.answers.values())
    if len(gone) >= FEW and len(gone) > PLAUSIBLE * known:
        found.answers |= dict.fromkeys(gone, "unknown")
        found.withdrawn.clear()
        done.doubted += len(gone)
        done.failures.append(f"{len(gone)} of {known} posts were said to be gone at once: not believed")


def _next(published: datetime, now: datetime) -> datetime:
    """Young posts are looked for often: most that are deleted are deleted soon."""
    return now + next((step for age, step in AGES if now - published <= age), RARELY)
