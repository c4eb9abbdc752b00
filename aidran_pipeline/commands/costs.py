"""`aidran costs`: what the models cost. What does not belong here: prices and budgets themselves (config/, llm/)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aidran_pipeline.commands.console import choose_topics, emit_json, parse_day, say, table
from aidran_pipeline.config.settings import Settings

TITLES = {"editions": "By edition", "articles": "By article", "models": "By role and model"}
NAMES = {"editions": ("day",), "articles": ("day", "topic"), "models": ("role", "model", "server")}
SHOWN = ("calls", "cached", "tokens", "cost", "failures", "interrupted")


def show_costs(day_text: str | None, topic: str | None, *, as_json: bool) -> None:
    """Every edition, or one, in three tables, and what is left of the budgets. Asks nobody, imports no model client."""
    from aidran_pipeline.defs.resources import Newsroom
    from aidran_pipeline.store.model_calls import Budget
    from aidran_pipeline.store.model_costs import GROUPS, budgets_left, costs_by
    from aidran_pipeline.store.model_pauses import pauses_at

    settings = Settings()
    newsroom = Newsroom(settings=settings)
    day = parse_day(day_text) if day_text is not None else None
    if topic is not None:
        choose_topics([topic], newsroom.topics.slugs())
    today = datetime.now(UTC).date()
    budget = Budget(
        edition_usd=settings.edition_budget_usd,
        edition_tokens=settings.edition_budget_tokens,
        day_usd=settings.day_budget_usd,
        day_tokens=settings.day_budget_tokens,
    )
    with newsroom.connection() as conn:
        found = {group: costs_by(conn, group, day, topic) for group in GROUPS}
        left = budgets_left(conn, budget, day=day or today, today=today)
        paused = pauses_at(conn, datetime.now(UTC))
    if as_json:
        emit_json({**{group: [_plain(row) for row in rows] for group, rows in found.items()},
                   "budgets": [_plain(row) for row in left], "given_up": paused})  # fmt: skip
        return
    if not found["editions"]:
        say("No model was asked" + (f" for the edition of {day}" if day else "") + ".")
    for group, rows in found.items():
        if rows:
            _show(group, rows)
    _notes(found["editions"])
    for row in paused:
        say(f"given up until {row['until']:%Y-%m-%d %H:%M} UTC: the {row['role']} {row['model']}, as {row['reason']}")
    for row in left:
        name = f"the edition of {row['day']}" if row["budget"] == "edition" else f"the UTC day {row['day']}"
        usd = f"{row['usd_left']:.2f} of {row['usd']:.2f} USD"
        say(f"left for {name}: {usd}, {row['tokens_left']:,} of {row['tokens']:,} tokens")


def _show(group: str, rows: list[dict[str, Any]]) -> None:
    say(TITLES[group])
    table(
        [*NAMES[group], *SHOWN, *(["story"] if group == "articles" else [])],
        [
            [
                *(row[name] if row[name] is not None else "(all topics)" for name in NAMES[group]),
                row["calls"],
                row["cached"],
                f"{row['tokens']:,}",
                cost_in_words(row["cost_usd"]),
                row["failures"],
                row["interrupted"],
                *([row["slug"] or ""] if group == "articles" else []),
            ]
            for row in rows
        ],
    )
    say()


def _notes(editions: list[dict[str, Any]]) -> None:
    """What the columns do not say by themselves."""
    unpriced = sum(row["unpriced"] for row in editions)
    unsettled = sum(row["unsettled_tokens"] for row in editions)
    if unpriced:
        say(f"{unpriced} answers have no price: name their model in the file of AIDRAN_PRICES. Tokens bound them.")
    if unsettled:
        say(f"Of calls that broke off no bill came; the budgets count them at their worst: {unsettled:,} tokens.")


def cost_in_words(cost: Decimal | None) -> str:
    """USD with four places, or that it is not known."""
    return "unknown" if cost is None else f"{cost:.4f} USD"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """For JSON: money as a number, an unknown cost as null and in words."""
    said = {"cost": cost_in_words(row["cost_usd"])} if "cost_usd" in row else {}
    return {key: float(value) if isinstance(value, Decimal) else value for key, value in row.items()} | said
