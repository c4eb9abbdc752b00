"""Table source_moves: permanent redirects of feeds, seen and learned. When one is learned: ingest/moves.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aidran_pipeline.store.db import Connection


@dataclass(frozen=True)
class Move:
    """An open row: from_url leads to to_url for good, as so many answers have said since first_seen_at."""

    id: int
    from_url: str
    to_url: str
    answers: int
    first_seen_at: datetime
    learned_at: datetime | None


def open_moves(conn: Connection, source_id: str) -> tuple[Move | None, Move | None]:
    """(the learned move, the one that is being watched), each None when there is none."""
    rows = conn.execute(
        """SELECT id, from_url, to_url, answers, first_seen_at, learned_at FROM source_moves
           WHERE source_id = %s AND ended_at IS NULL""",
        (source_id,),
    ).fetchall()
    moves = [Move(**row) for row in rows]
    learned = next((move for move in moves if move.learned_at is not None), None)
    return learned, next((move for move in moves if move.learned_at is None), None)


def open_move(conn: Connection, source_id: str, from_url: str, to_url: str, now: datetime) -> None:
    """Note the first answer through a permanent redirect."""
    conn.execute(
        """INSERT INTO source_moves (source_id, from_url, to_url, answers, first_seen_at, last_seen_at)
           VALUES (%s, %s, %s, 1, %s, %s)""",
        (source_id, from_url, to_url, now, now),
    )


def count_answer(conn: Connection, move: Move, now: datetime) -> None:
    """Note one more answer through it."""
    conn.execute("UPDATE source_moves SET answers = answers + 1, last_seen_at = %s WHERE id = %s", (now, move.id))


def learn(conn: Connection, move: Move, now: datetime) -> None:
    """Its new address is asked from now on. A move learned before must have ended."""
    conn.execute("UPDATE source_moves SET learned_at = %s WHERE id = %s", (now, move.id))


def end_move(conn: Connection, move: Move, now: datetime, why: str) -> None:
    """It holds no more."""
    conn.execute("UPDATE source_moves SET ended_at = %s, ended_why = %s WHERE id = %s", (now, why[:500], move.id))


def end_moves(conn: Connection, source_id: str, now: datetime | None, why: str) -> None:
    """Whatever is open of a source holds no more. now: the transaction's moment by default."""
    conn.execute(
        """UPDATE source_moves SET ended_at = COALESCE(%s, now()), ended_why = %s
           WHERE source_id = %s AND ended_at IS NULL""",
        (now, why, source_id),
    )
