"""Connections to PostgreSQL. What does not belong here: starting a server (embedded.py), migrations (migrate.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]


def connect(url: str, *, application: str = "aidran") -> Connection:
    """Open a connection whose rows are dicts, in UTC. The caller closes it or uses it as a context manager.

    Transactions are explicit: use `with conn.transaction():`. The connection is in autocommit mode outside of one.
    """
    return psycopg.connect(
        url, autocommit=True, row_factory=dict_row, application_name=application, options="-c timezone=UTC"
    )


@contextmanager
def advisory_lock(conn: Connection, name: str) -> Iterator[None]:
    """Hold a session-level advisory lock by name, waiting for it; released at the end or when the session dies."""
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (name,))
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))
