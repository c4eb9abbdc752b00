"""Table model_pauses: which model was given up in which role, until when. Why is for the stages to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aidran_pipeline.store.db import Connection


@dataclass(frozen=True)
class Pause:
    """A model given up in a role. last_call: newest ledger row at that moment, 0 when there was none."""

    since: datetime
    until: datetime
    reason: str
    last_call: int = 0


def pause_of(conn: Connection, role: str, model: str) -> Pause | None:
    """The last pause of a model in a role, over or not. model: name@host."""
    row = conn.execute(
        """SELECT since, until, reason, COALESCE(last_call, 0) AS last_call FROM model_pauses
           WHERE role = %s AND model = %s""",
        (role, model),
    ).fetchone()
    return Pause(**row) if row else None


def pauses_of(conn: Connection, models: Mapping[str, str]) -> dict[str, Pause]:
    """By role, the last pauses of the models of a run: {role: name@host} in."""
    found = {role: pause_of(conn, role, model) for role, model in models.items() if model}
    return {role: pause for role, pause in found.items() if pause is not None}


def pauses_at(conn: Connection, moment: datetime) -> list[dict[str, Any]]:
    """Who is given up at a moment: role, model, since, until, reason."""
    return conn.execute(
        """SELECT role, model, since, until AT TIME ZONE 'UTC' AS until, reason FROM model_pauses
           WHERE since <= %(moment)s AND until > %(moment)s ORDER BY role, model""",
        {"moment": moment},
    ).fetchall()


def store_pause(
    conn: Connection, role: str, model: str, *, since: datetime, until: datetime, reason: str, run_id: str
) -> Pause:
    """Put a pause on record in place of the model's last one."""
    conn.execute(
        """INSERT INTO model_pauses (role, model, since, until, reason, last_call, run_id)
           VALUES (%s, %s, %s, %s, %s, (SELECT max(id) FROM model_calls), %s)
           ON CONFLICT (role, model) DO UPDATE SET since = EXCLUDED.since, until = EXCLUDED.until,
               reason = EXCLUDED.reason, last_call = EXCLUDED.last_call, run_id = EXCLUDED.run_id""",
        (role, model, since, until, reason, run_id),
    )
    pause = pause_of(conn, role, model)
    assert pause is not None
    return pause
