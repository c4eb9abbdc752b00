"""When a feed's permanent redirect is believed: slowly, and given up at once when its new address speaks against it.

An answer through 301 or 308 may be a mistake, a portal's or an attacker's. So the configured address goes on being
asked until many answers in a row, over days, led to one and the same place. What does not belong here: rows (store).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aidran_pipeline.ingest.reading import Reading
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.source_moves import Move, count_answer, end_move, learn, open_move, open_moves

LEARNED_ANSWERS = 10  # in a row, failures in between not counted
LEARNED_AFTER = timedelta(days=7)
# A timeout says nothing of an address, and the old one may be switched off by now: only several in a row end a move.
PASSING = frozenset({"timeout", "connect", "http_5xx", "rate_limited", "empty"})
PASSING_FAILURES = 3


def learned_address(conn: Connection, source_id: str) -> str | None:
    """The address to ask in place of the configured one."""
    learned, _seen = open_moves(conn, source_id)
    return None if learned is None else learned.to_url


def note_move(conn: Connection, reading: Reading, now: datetime) -> bool:
    """Note what a reading of a feed says of its address; whether a learned address was given up.

    Inside the transaction that stores the reading.
    """
    source = reading.plan.source
    learned, seen = open_moves(conn, str(source["id"]))
    configured = str(source["config"]["url"])
    asked = reading.plan.address or configured
    last = reading.pages[-1]
    if reading.failed:
        error_class = last.error_class or "malformed"
        failures = int(source["consecutive_failures"]) + 1
        if learned is None or (error_class in PASSING and failures < PASSING_FAILURES):
            return False
        _end(conn, [learned, seen], now, f"{error_class}: {last.error or ''}".rstrip(": "))
        return True
    target = last.attempt.moved_to
    if learned is not None and target in (configured, learned.from_url):
        _end(conn, [learned, seen], now, f"it leads back to {target}")
        return True
    if target is None or target == asked:
        _end(conn, [seen], now, "the feed answered at its own address")
    elif seen is None or (seen.from_url, seen.to_url) != (asked, target):
        _end(conn, [seen], now, f"the feed led to {target}")
        open_move(conn, str(source["id"]), asked, target, now)
    else:
        count_answer(conn, seen, now)
        if seen.answers + 1 >= LEARNED_ANSWERS and now - seen.first_seen_at >= LEARNED_AFTER:
            _end(conn, [learned], now, f"it moved on to {target}")
            learn(conn, seen, now)
    return False


def _end(conn: Connection, moves: list[Move | None], now: datetime, why: str) -> None:
    for move in moves:
        if move is not None:
            end_move(conn, move, now, why)
