"""The ledger read for people: what editions, articles, roles and models cost. What does not belong here: writing it."""

from __future__ import annotations

from datetime import date
from typing import Any

from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.model_calls import INTERRUPTED, UNSETTLED, Budget, held_for

GROUPS = {
    "editions": "c.day",
    "articles": "c.day, c.topic",
    "models": "c.role, c.model, c.server",
}


def costs_by(conn: Connection, group: str, day: date | None = None, topic: str | None = None) -> list[dict[str, Any]]:
    """One row for each member of a group ("editions", "articles", "models"), in order.

    calls, cached, answered, tokens, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_usd (null when
    the cost of an answered call is unknown), unpriced (how many those are), failures, interrupted, under_way,
    unsettled_tokens (the worst case of calls whose bill never came), seconds (of the servers). Articles: slug.
    """
    columns = GROUPS[group]
    rows = conn.execute(
        f"""SELECT {columns}, count(*) FILTER (WHERE status <> 'cached') AS calls,
                   count(*) FILTER (WHERE status = 'cached') AS cached,
                   count(*) FILTER (WHERE status = 'answered') AS answered,
                   COALESCE(sum(input_tokens + output_tokens), 0)::bigint AS tokens,
                   COALESCE(sum(input_tokens), 0)::bigint AS input_tokens,
                   COALESCE(sum(cached_tokens), 0)::bigint AS cached_tokens,
                   COALESCE(sum(output_tokens), 0)::bigint AS output_tokens,
                   COALESCE(sum(reasoning_tokens), 0)::bigint AS reasoning_tokens,
                   CASE WHEN bool_or(status = 'answered' AND cost_usd IS NULL) THEN NULL
                        ELSE COALESCE(sum(cost_usd), 0) END AS cost_usd,
                   count(*) FILTER (WHERE status = 'answered' AND cost_usd IS NULL) AS unpriced,
                   count(*) FILTER (WHERE failure IS NOT NULL) AS failures,
                   count(*) FILTER (WHERE {INTERRUPTED}) AS interrupted,
                   count(*) FILTER (WHERE status = 'reserved' AND NOT {INTERRUPTED}) AS under_way,
                   COALESCE(sum(held_tokens) FILTER (WHERE {UNSETTLED}), 0)::bigint AS unsettled_tokens,
                   COALESCE(round(sum(latency_ms) / 1000.0, 1), 0)::float AS seconds
            FROM model_calls c
            WHERE (%(day)s::date IS NULL OR c.day = %(day)s) AND (%(topic)s::text IS NULL OR c.topic = %(topic)s)
            GROUP BY {columns} ORDER BY {columns}""",
        {"day": day, "topic": topic},
    ).fetchall()
    if group == "articles":
        slugs = {
            (row["day"], row["topic"]): row["slug"] for row in conn.execute("SELECT day, topic, slug FROM articles")
        }
        rows = [{**row, "slug": slugs.get((row["day"], row["topic"]))} for row in rows]
    return rows


def budgets_left(conn: Connection, budget: Budget, *, day: date, today: date) -> list[dict[str, Any]]:
    """What is left for an edition and for the current UTC day, reservations of calls under way taken off."""
    scopes = (
        ("edition", "day", day, budget.edition_tokens, budget.edition_usd),
        ("utc_day", "spent_on", today, budget.day_tokens, budget.day_usd),
    )
    left = []
    for name, column, value, tokens, usd in scopes:
        held, held_usd = held_for(conn, column, value)
        left.append(
            {
                "budget": name,
                "day": value,
                "tokens": tokens,
                "tokens_left": max(0, tokens - held),
                "usd": usd,
                "usd_left": max(usd - held_usd, usd * 0),
            }
        )
    return left
