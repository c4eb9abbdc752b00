"""Tables model_calls, model_completions and model_servers: what models were asked, for how much, with what answer.

What does not belong here: HTTP, prices, prompts (llm/). A call is under way while its key's advisory lock is held; the
lock dies with its process, so a reservation without one is a call that was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection

_BUDGET_LOCK = "aidran:model budget"
_KEY_LOCK = "'aidran:model call ' || {}"
# Whether somebody holds the lock of a row's key: pg_locks shows a 64-bit key in two halves.
UNDER_WAY = f"""EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database()
      AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended({_KEY_LOCK.format("c.request_key")}, 0))"""
# Calls whose bill never came: they were interrupted, or the connection broke after the question had left.
INTERRUPTED = f"(c.status = 'interrupted' OR (c.status = 'reserved' AND NOT {UNDER_WAY}))"
UNSETTLED = f"""(c.held_tokens > 0 AND (c.status = 'failed' OR {INTERRUPTED}
    OR (c.status = 'answered' AND c.input_tokens IS NULL)))"""


@dataclass(frozen=True)
class Budget:
    """The most that one edition and one UTC day may cost, in USD (where prices are known) and in tokens."""

    edition_usd: Decimal
    edition_tokens: int
    day_usd: Decimal
    day_tokens: int


@dataclass(frozen=True)
class NewCall:
    """A call about to be made. reserved_tokens: its worst case; reserved_usd: None when the price is unknown."""

    request_key: str
    day: date
    topic: str | None
    spent_on: date
    role: str
    prompt: str
    subject: str
    model: str
    server: str
    started_at: datetime
    reserved_tokens: int
    reserved_usd: Decimal | None
    price: Mapping[str, Any] | None
    run_id: str


@dataclass(frozen=True)
class Bill:
    """What a call came to. held_*: what counts against the budgets from now on; None of a count is unknown."""

    status: str
    held_tokens: int
    held_usd: Decimal | None
    latency_ms: int
    attempts: int
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    failure: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Completion:
    """A reply that was paid for. call_id: the ledger row that paid; day, topic: the edition it belonged to."""

    call_id: int
    content: str
    finish_reason: str
    refusal: str | None
    day: date | None = None
    topic: str | None = None


@dataclass(frozen=True)
class Cost:
    """What a day, a topic or an article cost. cost is None when the price of an answered call is unknown.

    unsettled: calls that were interrupted or whose bill never came; unsettled_tokens: their worst case.
    """

    calls: int
    cached: int
    tokens: int
    cost: Decimal | None
    failures: int
    unsettled: int = 0
    unsettled_tokens: int = 0


def hold_key(conn: Connection, key: str) -> bool:
    """Take the lock of a request without waiting; whether it was free. It is held until `release_key`."""
    return _truth(conn, f"SELECT pg_try_advisory_lock(hashtextextended({_KEY_LOCK.format('%s')}, 0)) AS it", key)


def release_key(conn: Connection, key: str) -> None:
    """Give the lock of a request back."""
    _truth(conn, f"SELECT pg_advisory_unlock(hashtextextended({_KEY_LOCK.format('%s')}, 0)) AS it", key)


def _truth(conn: Connection, query: str, key: str) -> bool:
    row = conn.execute(query, (key,)).fetchone()
    return bool(row and row["it"])


def give_up_dead_calls(conn: Connection) -> int:
    """Mark the calls whose process died; how many there were. What they reserved stays spent."""
    return conn.execute(
        f"UPDATE model_calls c SET status = 'interrupted' WHERE c.status = 'reserved' AND NOT {UNDER_WAY}"
    ).rowcount


def reserve(conn: Connection, call: NewCall, budget: Budget) -> int | str:
    """Put the call on record if its worst case fits every budget: the row's id, or what it does not fit into.

    Safe for any number of processes: one at a time looks and reserves. The caller holds the key's lock, so that an
    older reservation of the same key is a dead one.
    """
    values = {**asdict(call), **asdict(budget), "price": None if call.price is None else Jsonb(dict(call.price))}
    with conn.transaction():
        # A statement of its own: the next one must see what others committed while this one waited.
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (_BUDGET_LOCK,))
        conn.execute(
            "UPDATE model_calls SET status = 'interrupted' WHERE request_key = %s AND status = 'reserved'",
            (call.request_key,),
        )
        row = conn.execute(
            """INSERT INTO model_calls (request_key, status, day, topic, spent_on, role, prompt, subject, model, server,
                   started_at, reserved_tokens, held_tokens, held_usd, price, run_id)
               SELECT %(request_key)s, 'reserved', %(day)s, %(topic)s, %(spent_on)s, %(role)s, %(prompt)s, %(subject)s,
                   %(model)s, %(server)s, %(started_at)s, %(reserved_tokens)s, %(reserved_tokens)s, %(reserved_usd)s,
                   %(price)s, %(run_id)s
               FROM (SELECT COALESCE(sum(held_tokens), 0) AS tokens, COALESCE(sum(held_usd), 0) AS usd
                     FROM model_calls WHERE day = %(day)s) AS edition,
                    (SELECT COALESCE(sum(held_tokens), 0) AS tokens, COALESCE(sum(held_usd), 0) AS usd
                     FROM model_calls WHERE spent_on = %(spent_on)s) AS today
               WHERE edition.tokens + %(reserved_tokens)s <= %(edition_tokens)s
                 AND today.tokens + %(reserved_tokens)s <= %(day_tokens)s
                 AND (%(reserved_usd)s::numeric IS NULL
                      OR (edition.usd + %(reserved_usd)s <= %(edition_usd)s
                          AND today.usd + %(reserved_usd)s <= %(day_usd)s))
               RETURNING id""",
            values,
        ).fetchone()
        return int(row["id"]) if row else _what_is_short(conn, call, budget)


def _what_is_short(conn: Connection, call: NewCall, budget: Budget) -> str:
    """Which budget a call does not fit into, in words with the numbers."""
    scopes = (
        ("day", call.day, f"the edition of {call.day}", budget.edition_tokens, budget.edition_usd),
        ("spent_on", call.spent_on, f"the UTC day {call.spent_on}", budget.day_tokens, budget.day_usd),
    )
    for column, value, name, tokens, usd in scopes:
        held_tokens, held_usd = held_for(conn, column, value)
        left, left_usd = max(0, tokens - held_tokens), max(Decimal(0), usd - held_usd)
        if call.reserved_tokens > left:
            return f"{name} has {left} of {tokens} tokens left, the call may take {call.reserved_tokens}"
        if call.reserved_usd is not None and call.reserved_usd > left_usd:
            return f"{name} has {left_usd:.4f} of {usd} USD left, the call may cost {call.reserved_usd:.4f}"
    return "another run took what was left"


def held_for(conn: Connection, column: str, value: date) -> tuple[int, Decimal]:
    """Tokens and USD that count against a budget. column: day (an edition) or spent_on (a UTC day)."""
    assert column in ("day", "spent_on")
    row = conn.execute(
        f"""SELECT COALESCE(sum(held_tokens), 0)::bigint AS tokens, COALESCE(sum(held_usd), 0) AS usd
            FROM model_calls WHERE {column} = %s""",
        (value,),
    ).fetchone()
    assert row is not None
    return int(row["tokens"]), Decimal(row["usd"])


def settle(conn: Connection, call_id: int, bill: Bill, completion: Completion | None = None) -> None:
    """Write what a call came to and, in the same transaction, its reply: what is paid for is kept."""
    values = {**asdict(bill), "id": call_id}
    with conn.transaction():
        conn.execute(
            f"UPDATE model_calls SET {', '.join(f'{name} = %({name})s' for name in asdict(bill))} WHERE id = %(id)s",
            values,
        )
        if completion is not None:
            conn.execute(
                """INSERT INTO model_completions (request_key, call_id, content, finish_reason, refusal)
                   SELECT request_key, id, %s, %s, %s FROM model_calls WHERE id = %s
                   ON CONFLICT (request_key) DO NOTHING""",
                (completion.content, completion.finish_reason, completion.refusal, call_id),
            )


def note_failure(conn: Connection, call_id: int, failure: str, detail: str) -> None:
    """Say why a completion was not acceptable; a row that says so already stays untouched."""
    conn.execute(
        "UPDATE model_calls SET failure = %s, detail = %s WHERE id = %s AND failure IS NULL", (failure, detail, call_id)
    )


def completion_of(conn: Connection, key: str) -> Completion | None:
    """The kept reply to a request."""
    row = conn.execute(
        """SELECT m.call_id, m.content, m.finish_reason, m.refusal, c.day, c.topic
           FROM model_completions m JOIN model_calls c ON c.id = m.call_id WHERE m.request_key = %s""",
        (key,),
    ).fetchone()
    return Completion(**row) if row else None


def note_cached(conn: Connection, call: NewCall, paid_by: int) -> None:
    """Put on record that an edition used an answer that another one paid for; once, however often it is used."""
    conn.execute(
        """INSERT INTO model_calls (request_key, status, day, topic, spent_on, role, prompt, subject, model, server,
               started_at, reserved_tokens, held_tokens, paid_by, run_id)
           VALUES (%(request_key)s, 'cached', %(day)s, %(topic)s, %(spent_on)s, %(role)s, %(prompt)s, %(subject)s,
               %(model)s, %(server)s, %(started_at)s, 0, 0, %(paid_by)s, %(run_id)s)
           ON CONFLICT (paid_by, day, (COALESCE(topic, ''))) WHERE status = 'cached' DO NOTHING""",
        {**asdict(call), "price": None, "paid_by": paid_by},
    )


def stopped_run(conn: Connection, run_id: str, server: str) -> tuple[str, str] | None:
    """Failure and words of the call after which a run asks a server nothing more: a bad key, an empty account."""
    row = conn.execute(
        """SELECT failure, detail FROM model_calls
           WHERE run_id = %s AND server = %s AND failure IN ('key', 'quota') AND status = 'failed'
           ORDER BY id DESC LIMIT 1""",
        (run_id, server),
    ).fetchone()
    return (row["failure"], row["detail"] or "") if row else None


def server_of(conn: Connection, base_url: str, model: str, *, since: datetime) -> dict[str, Any] | None:
    """What a probe since a moment found: mode, token_parameter, temperature; and probed_at."""
    return conn.execute(
        """SELECT mode, token_parameter, temperature, probed_at FROM model_servers
           WHERE base_url = %s AND model = %s AND probed_at >= %s""",
        (base_url, model, since),
    ).fetchone()


def note_server(conn: Connection, base_url: str, model: str, found: Mapping[str, Any], *, now: datetime) -> None:
    """Keep what a probe found."""
    conn.execute(
        """INSERT INTO model_servers (base_url, model, mode, token_parameter, temperature, probed_at)
           VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (base_url, model) DO UPDATE SET mode = EXCLUDED.mode,
               token_parameter = EXCLUDED.token_parameter, temperature = EXCLUDED.temperature,
               probed_at = EXCLUDED.probed_at""",
        (base_url, model, found["mode"], found["token_parameter"], found["temperature"], now),
    )


def cost_of(
    conn: Connection, day: date | None = None, topic: str | None = None, article_version_id: int | None = None
) -> Cost:
    """What an edition, a topic of it or one article version cost; the whole ledger when nothing is named.

    The calls of an article version are those that its row names: inputs->'calls', ids of the ledger.
    """
    row = conn.execute(
        f"""SELECT count(*) FILTER (WHERE status <> 'cached') AS calls,
                   count(*) FILTER (WHERE status = 'cached') AS cached,
                   COALESCE(sum(input_tokens + output_tokens), 0)::bigint AS tokens,
                   CASE WHEN bool_or(status = 'answered' AND cost_usd IS NULL) THEN NULL
                        ELSE COALESCE(sum(cost_usd), 0) END AS cost,
                   count(*) FILTER (WHERE failure IS NOT NULL) AS failures,
                   count(*) FILTER (WHERE {UNSETTLED}) AS unsettled,
                   COALESCE(sum(held_tokens) FILTER (WHERE {UNSETTLED}), 0)::bigint AS unsettled_tokens
            FROM model_calls c
            WHERE (%(day)s::date IS NULL OR day = %(day)s) AND (%(topic)s::text IS NULL OR topic = %(topic)s)
              AND (%(version)s::bigint IS NULL OR id IN (
                   SELECT x.id::bigint FROM article_versions a,
                       jsonb_array_elements_text(COALESCE(a.inputs->'calls', '[]')) AS x(id)
                   WHERE a.id = %(version)s))""",
        {"day": day, "topic": topic, "version": article_version_id},
    ).fetchone()
    assert row is not None
    return Cost(**row)
