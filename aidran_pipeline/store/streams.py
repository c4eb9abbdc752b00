"""Tables stream_positions, source_gaps and source_withdrawals. No stream is read here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aidran_pipeline.store.db import Connection

Withdrawal = tuple[str, str, str, datetime]  # kind, target, status, moment


def stream_position(conn: Connection, source_id: str, url: str) -> int | None:
    """Microseconds of the last event read of this stream; None when nothing of this address was read."""
    row = conn.execute(
        "SELECT cursor_us FROM stream_positions WHERE source_id = %s AND url = %s", (source_id, url)
    ).fetchone()
    return None if row is None else int(row["cursor_us"])


def save_position(conn: Connection, source_id: str, url: str, cursor_us: int, now: datetime) -> None:
    """Note how far a stream was read. Inside the transaction that stores what it brought."""
    conn.execute(
        """INSERT INTO stream_positions (source_id, url, cursor_us, moved_at) VALUES (%s, %s, %s, %s)
           ON CONFLICT (source_id) DO UPDATE SET url = EXCLUDED.url, cursor_us = EXCLUDED.cursor_us,
               moved_at = EXCLUDED.moved_at""",
        (source_id, url, cursor_us, now),
    )


def save_gap(conn: Connection, source_id: str, fetch_id: int, since: datetime, until: datetime, reason: str) -> None:
    """Note a period that the stream did not have any more."""
    conn.execute(
        """INSERT INTO source_gaps (source_id, fetch_id, since, until, reason) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT DO NOTHING""",
        (source_id, fetch_id, since, until, reason),
    )


def save_withdrawals(
    conn: Connection, platform: str, withdrawals: Iterable[Withdrawal], *, fetch_id: int, now: datetime
) -> int:
    """Note what was withdrawn at the source; returns how many are new. What is noted already stays as it is."""
    rows: list[Any] = [(platform, *withdrawal, fetch_id, now) for withdrawal in withdrawals]
    if not rows:
        return 0
    with conn.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO source_withdrawals (platform, kind, target, status, happened_at, fetch_id, noted_at)
               VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            rows,
        )
        return max(0, cursor.rowcount)


def note_withdrawn(
    conn: Connection, platform: str, withdrawn: Iterable[tuple[str, str]], *, fetch_id: int, now: datetime
) -> int:
    """Note (native id, status) of stored posts that a listing shows as withdrawn; returns how many are new.

    A listing tells no moment: that of the fetch stands. One that is noted with this status already is left alone.
    """
    rows = dict(withdrawn)
    if not rows:
        return 0
    done = conn.execute(
        """INSERT INTO source_withdrawals (platform, kind, target, status, happened_at, fetch_id, noted_at)
           SELECT r.platform, 'post', r.native_id, w.status, %(now)s, %(fetch)s, %(now)s
           FROM unnest(%(targets)s::text[], %(statuses)s::text[]) AS w (target, status)
           JOIN records r ON r.platform = %(platform)s AND r.native_id = w.target
           WHERE NOT EXISTS (SELECT FROM source_withdrawals s WHERE s.platform = r.platform AND s.kind = 'post'
                             AND s.target = r.native_id AND s.status = w.status)
           ON CONFLICT DO NOTHING""",
        {"platform": platform, "targets": list(rows), "statuses": list(rows.values()), "fetch": fetch_id, "now": now},
    )
    return max(0, done.rowcount)


def private_accounts(conn: Connection, platform: str) -> frozenset[str]:
    """Author keys whose latest word is that they ask not to be shown in public."""
    rows = conn.execute(
        """SELECT target FROM (SELECT DISTINCT ON (target) target, status FROM source_withdrawals
               WHERE platform = %s AND kind = 'account' ORDER BY target, happened_at DESC, id DESC) latest
           WHERE status = 'private'""",
        (platform,),
    ).fetchall()
    return frozenset(row["target"] for row in rows)


def known_posts(conn: Connection, platform: str) -> tuple[frozenset[str], frozenset[str]]:
    """Native ids and author keys stored of a platform: what a stream's deletions can be about."""
    rows = conn.execute("SELECT native_id, author_key FROM records WHERE platform = %s", (platform,)).fetchall()
    return frozenset(row["native_id"] for row in rows), frozenset(row["author_key"] for row in rows)
