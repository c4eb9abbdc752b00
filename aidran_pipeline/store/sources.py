"""Table sources: what is configured, and how each source fares. No fetching here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.config.sources import Source
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import content_hash
from aidran_pipeline.store.source_moves import end_moves


def sync_sources(conn: Connection, sources: Iterable[Source], *, now: datetime | None = None) -> dict[str, int]:
    """Bring the table in line with the configured sources; returns counts: added, changed, removed, unchanged.

    A source that left the configuration is marked removed, its rows stay. One whose address changed forgets its
    validators and where it moved, and may be asked at once; health is kept otherwise. now: moment of the removal mark
    (the transaction's by default). One transaction; a second call changes nothing.
    """
    rows = [_row(source) for source in sources]
    with conn.transaction():
        known = {
            row["id"]: row for row in conn.execute("SELECT id, config, config_hash, removed_at FROM sources FOR UPDATE")
        }
        counts = {"added": 0, "changed": 0, "removed": 0, "unchanged": 0}
        for row in rows:
            old = known.get(row["id"])
            if old is None:
                counts["added"] += 1
            elif old["config_hash"] != row["config_hash"] or old["removed_at"] is not None:
                counts["changed"] += 1
            else:
                counts["unchanged"] += 1
                continue
            conn.execute(_UPSERT, row)
            if old is not None and old["config"] != row["config"].obj:
                end_moves(conn, row["id"], now, "the configured address changed")
        gone = sorted(set(known) - {row["id"] for row in rows})
        counts["removed"] = conn.execute(
            "UPDATE sources SET removed_at = COALESCE(%s, now()) WHERE id = ANY(%s) AND removed_at IS NULL", (now, gone)
        ).rowcount
    return counts


_UPSERT = """
INSERT INTO sources AS s (id, kind, platform, config, config_hash, publisher, publisher_family, enabled)
VALUES (%(id)s, %(kind)s, %(platform)s, %(config)s, %(config_hash)s, %(publisher)s, %(publisher_family)s, %(enabled)s)
ON CONFLICT (id) DO UPDATE SET
    kind = EXCLUDED.kind, platform = EXCLUDED.platform, config = EXCLUDED.config, config_hash = EXCLUDED.config_hash,
    publisher = EXCLUDED.publisher, publisher_family = EXCLUDED.publisher_family, enabled = EXCLUDED.enabled,
    removed_at = NULL,
    etag = CASE WHEN s.config = EXCLUDED.config THEN s.etag END,
    last_modified = CASE WHEN s.config = EXCLUDED.config THEN s.last_modified END,
    next_check_at = CASE WHEN s.config = EXCLUDED.config THEN s.next_check_at END,
    check_seconds = CASE WHEN s.config = EXCLUDED.config THEN s.check_seconds END,
    check_why = CASE WHEN s.config = EXCLUDED.config THEN s.check_why END,
    consecutive_failures = CASE WHEN s.config = EXCLUDED.config THEN s.consecutive_failures ELSE 0 END,
    status = CASE WHEN s.config = EXCLUDED.config THEN s.status ELSE 'new' END
"""


def _row(source: Source) -> dict[str, Any]:
    config = source.address()
    described = {
        "id": source.id,
        "kind": source.kind,
        "platform": source.platform,
        "publisher": source.publisher,
        "publisher_family": source.publisher_family,
        "enabled": source.enabled,
    }
    return {**described, "config": Jsonb(config), "config_hash": content_hash(described, config)}


def platform_sources(conn: Connection, platform: str) -> list[dict[str, Any]]:
    """Enabled, configured sources of a platform, by id: the order in which they are written."""
    return conn.execute(
        """SELECT * FROM sources WHERE platform = %s AND enabled AND removed_at IS NULL ORDER BY id COLLATE "C" """,
        (platform,),
    ).fetchall()


def save_health(conn: Connection, source_id: str, health: Mapping[str, Any], *, now: datetime) -> None:
    """Write the health columns given, and note a change of state. now: the moment of the reading.

    Inside the caller's transaction, so that validators commit with the records.
    """
    columns = sorted(health)
    unknown = set(columns) - _HEALTH
    if unknown:
        raise ValueError(f"not health columns of sources: {sorted(unknown)}")
    if columns:
        conn.execute(
            f"UPDATE sources SET {', '.join(f'{name} = %({name})s' for name in columns)} WHERE id = %(id)s",
            {**health, "id": source_id},
        )
    conn.execute(_NOTE_STATE, {"id": source_id, "now": now})


_HEALTH = {
    "etag", "last_modified", "last_body_sha256", "last_attempt_at", "last_success_at", "last_new_at", "next_check_at",
    "check_seconds", "check_why", "consecutive_failures", "status", "last_error_class", "last_error",
}  # fmt: skip
_NOTE_STATE = """
INSERT INTO source_states (source_id, state, error_class, since)
SELECT id, status, last_error_class, %(now)s FROM sources s
WHERE id = %(id)s AND status <> 'new' AND status IS DISTINCT FROM
    (SELECT state FROM source_states WHERE source_id = s.id ORDER BY id DESC LIMIT 1)
"""


def load_session(conn: Connection, host: str, account: str) -> str | None:
    """A kept sign-in, or None."""
    row = conn.execute(
        "SELECT session FROM source_sessions WHERE host = %s AND account = %s", (host, account)
    ).fetchone()
    return None if row is None else str(row["session"])


def save_session(conn: Connection, host: str, account: str, session: str, now: datetime) -> None:
    """Keep a sign-in for the next run. A secret: it must not be printed or published."""
    conn.execute(
        """INSERT INTO source_sessions (host, account, session, updated_at) VALUES (%s, %s, %s, %s)
           ON CONFLICT (host, account) DO UPDATE SET session = EXCLUDED.session, updated_at = EXCLUDED.updated_at""",
        (host, account, session, now),
    )


def drop_session(conn: Connection, host: str, account: str) -> None:
    """Forget a sign-in that the host no longer accepts."""
    conn.execute("DELETE FROM source_sessions WHERE host = %s AND account = %s", (host, account))
