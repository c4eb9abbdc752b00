"""How often a host may be asked, shared by all workers through table host_pacing."""

from __future__ import annotations

import threading

import psycopg

from aidran_pipeline.store.db import Connection, connect

SPACING = {"www.reddit.com": 6.0, "oauth.reddit.com": 0.7, "bsky.social": 0.3, "public.api.bsky.app": 0.3}
DEFAULT_SPACING = 1.0
LONGEST_WAIT = 60.0


class HostBusy(RuntimeError):
    """The host must not be asked for longer than a fetch waits."""


class HostPacer:
    """Reserves the next slot of a host. Thread-safe; uses a connection of its own, opened on first need.

    The reservation commits at once: what a killed worker reserved is lost time, never a second request.
    """

    def __init__(self, conn: Connection) -> None:
        self._origin = conn
        self._own: Connection | None = None
        self._lock = threading.Lock()

    def wait_for(self, host: str) -> float:
        """Seconds to wait before asking the host; the slot is reserved. Raises HostBusy beyond LONGEST_WAIT."""
        spacing = SPACING.get(host, DEFAULT_SPACING)
        with self._lock:
            row = (
                self._connection()
                .execute(
                    """INSERT INTO host_pacing AS h (host, next_allowed_at)
                       VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(spacing)s))
                       ON CONFLICT (host) DO UPDATE SET next_allowed_at =
                           GREATEST(h.next_allowed_at, clock_timestamp()) + make_interval(secs => %(spacing)s)
                           WHERE h.next_allowed_at <= clock_timestamp() + make_interval(secs => %(longest)s)
                       RETURNING extract(epoch FROM next_allowed_at - clock_timestamp()) - %(spacing)s AS wait""",
                    {"host": host, "spacing": spacing, "longest": LONGEST_WAIT},
                )
                .fetchone()
            )
        if row is None:
            raise HostBusy(f"{host} asked to be left alone for more than {LONGEST_WAIT:.0f} s")
        return max(0.0, float(row["wait"]))

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for a while: Retry-After, or a rate limit used up."""
        with self._lock:
            self._connection().execute(
                """INSERT INTO host_pacing AS h (host, next_allowed_at)
                   VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(seconds)s))
                   ON CONFLICT (host) DO UPDATE SET next_allowed_at = GREATEST(h.next_allowed_at,
                       EXCLUDED.next_allowed_at)""",
                {"host": host, "seconds": min(seconds, 86_400.0)},
            )

    def close(self) -> None:
        """Close the connection, if one was opened."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _connection(self) -> Connection:
        if self._own is None or self._own.closed:
            self._own = beside(self._origin)
        return self._own


def beside(conn: Connection) -> Connection:
    """A second connection to the same database."""
    info = conn.info
    return connect(psycopg.conninfo.make_conninfo(info.dsn, password=info.password), application="aidran-pacing")
