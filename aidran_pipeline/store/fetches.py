"""Table fetches: every attempt to read something, append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from aidran_pipeline.store.db import Connection


class Attempt(Protocol):
    """What this table needs of an attempt; ingest.http.FetchResult is one."""

    @property
    def url(self) -> str:
        """The address asked for."""
        ...

    @property
    def method(self) -> str:
        """GET or POST."""
        ...

    @property
    def final_url(self) -> str | None:
        """After redirects."""
        ...

    @property
    def http_status(self) -> int | None:
        """None without an answer."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...

    @property
    def error_class(self) -> str | None:
        """Kind of failure."""
        ...

    @property
    def error(self) -> str | None:
        """What a person should read."""
        ...

    @property
    def content_type(self) -> str | None:
        """As declared."""
        ...

    @property
    def etag(self) -> str | None:
        """Validator, byte for byte."""
        ...

    @property
    def last_modified(self) -> str | None:
        """Validator, byte for byte."""
        ...

    @property
    def duration_ms(self) -> int:
        """Milliseconds."""
        ...


def save_fetch(
    conn: Connection,
    attempt: Attempt,
    *,
    purpose: str,
    run_id: str,
    requested_at: datetime,
    source_id: str | None = None,
    **columns: Any,
) -> int:
    """Add one row and return its id.

    columns: further columns (payload_sha256, byte_length, reach_since, outcome, …), which win over the attempt's own.
    """
    row: dict[str, Any] = {
        "source_id": source_id,
        "purpose": purpose,
        "method": attempt.method,
        "url": attempt.url,
        "final_url": attempt.final_url,
        "requested_at": requested_at,
        "duration_ms": attempt.duration_ms,
        "http_status": attempt.http_status,
        "outcome": attempt.outcome,
        "error_class": attempt.error_class,
        "error": _plain(attempt.error),
        "content_type": _plain(attempt.content_type),
        "etag": attempt.etag,
        "last_modified": attempt.last_modified,
        "run_id": run_id,
        **columns,
    }
    names = sorted(row)
    found = conn.execute(
        f"INSERT INTO fetches ({', '.join(names)}) VALUES ({', '.join(f'%({name})s' for name in names)}) RETURNING id",
        row,
    ).fetchone()
    assert found is not None
    return int(found["id"])


def _plain(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:1000]


def seen_body(conn: Connection, source_id: str, sha256: str) -> bool:
    """Whether an earlier fetch of this source read the same bytes: its records are stored already."""
    row = conn.execute(
        """SELECT EXISTS (SELECT FROM fetches WHERE source_id = %s AND payload_sha256 = %s
            AND outcome = 'ok') AS seen""",
        (source_id, sha256),
    ).fetchone()
    return bool(row and row["seen"])


def reached(conn: Connection, source_id: str) -> list[tuple[datetime, datetime]]:
    """The periods that a source has shown whole, merged and in order."""
    rows = conn.execute(
        """SELECT lower(r) AS since, upper(r) AS until FROM (
               SELECT unnest(range_agg(tstzrange(reach_since, reach_until))) AS r FROM fetches
               WHERE source_id = %s AND outcome <> 'failed' AND reach_since < reach_until) periods
           ORDER BY 1""",
        (source_id,),
    ).fetchall()
    return [(row["since"], row["until"]) for row in rows]


def last_reach_since(conn: Connection, source_id: str) -> datetime | None:
    """From when on the newest body of a feed shows everything: what a 304 says again."""
    row = conn.execute(
        """SELECT reach_since FROM fetches WHERE source_id = %s AND outcome <> 'failed' AND reach_since IS NOT NULL
           ORDER BY id DESC LIMIT 1""",
        (source_id,),
    ).fetchone()
    return None if row is None else row["reach_since"]
