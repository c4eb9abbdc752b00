"""Small wording for pages: dates, counts, reasons. Filters of the templates.

What does not belong here: sentences of articles (write composes them, prose.py prints them).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from aidran_pipeline.publish.safe import clean

PLATFORMS = {"bluesky": "Bluesky", "reddit": "Reddit", "news": "News"}
SIGNALS = {
    "volume_spike": "volume spike", "novelty": "novelty", "sentiment_shift": "shift in sentiment",
    "platform_divergence": "divergence between platforms", "entity_surge": "surge of a name",
    "narrative_shift": "shift of the narrative", "cross_platform_spread": "spread across platforms",
    "coordinated_posting": "coordinated posting",
}  # fmt: skip
OUTCOMES = {
    "signal": "a change, with its evidence", "quiet": "no change", "thin": "a change, without enough evidence",
    "warming_up": "too little history to tell", "unknown": "unknown: sources did not reach the day",
}  # fmt: skip
GATES = {
    "quotes": "a quotation did not match its source",
    "synthesis": "too much rested on no citation",
    "facts": "a fact was not in its quotations",
    "support": "a sentence was not carried by its quotations",
    "origin": "something did not come from the sources",
    "evidence": "not enough evidence",
    "language": "the text was not fit to print",
    "repeats": "it would have repeated an earlier story",
    "counts": "a printed count did not match",
}
RULES = {
    "source withdrawn": "a source of it was withdrawn",
    "no signal": "nothing new",
    "not newsworthy": "nothing new enough",
    "sources unknown": "sources could not be reached",
    "signals not computed": "not measured yet",
}
SUPPORT = {"supported": "supported", "partly": "partly supported", "not": "not supported"}


def long_date(value: date | datetime) -> str:
    """Wednesday, 20 May 2026."""
    return f"{value:%A}, {value.day} {value:%B} {value.year}"


def short_date(value: date | datetime) -> str:
    """20 May 2026."""
    return f"{value.day} {value:%B} {value.year}"


def tiny_date(value: date) -> str:
    """20 May."""
    return f"{value.day} {value:%b}"


def moment(value: datetime) -> str:
    """20 May 2026, 06:40 UTC."""
    value = value.astimezone(UTC)
    return f"{short_date(value)}, {value:%H:%M} UTC"


def brief(value: datetime, beside: datetime) -> str:
    """20 May, 06:40; a bare date when it is of another year than the moment beside it."""
    value = value.astimezone(UTC)
    return f"{tiny_date(value)}, {value:%H:%M}" if value.year == beside.year else short_date(value)


def iso(value: date | datetime) -> str:
    """For machines: RFC 3339 in UTC, or a plain date."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value.isoformat()


def count(number: int, one: str, many: str | None = None) -> str:
    """1 record, 2 records."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def reason(reasons: list[dict[str, Any]]) -> str:
    """Why a topic was withheld, in a few words: the rule that says most to a reader, else the first gate."""
    for item in reasons:
        if item.get("rule") in RULES:
            return RULES[item["rule"]]
    return GATES.get(str(reasons[0].get("gate")), str(reasons[0].get("gate"))) if reasons else ""


def detail(item: dict[str, Any]) -> str:
    """A reason's figures in a line; other gates' details may quote a draft: not for print."""
    return clean(str(item.get("detail", ""))).removeprefix("nothing new: ").replace("'", "’")


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"


# What a kind observes and expects, where it is counted in something; shares and distances are plain figures.
UNITS = {
    "volume_spike": "voices counted",
    "entity_surge": "voices named it",
    "cross_platform_spread": "voices that crossed over",
    "novelty": "voices on new matters",
    "narrative_shift": "bits of divergence",
    "sentiment_shift": "mean tone from -1 to 1",
}


def signal(row: dict[str, Any]) -> str:
    """A signal with its figures: a strong volume spike on 20 May 2026 (41 voices counted, 17.3 expected, …)."""
    chance = f"{_p(row['p_uncorrected'])}, corrected for all that was tested that day {_p(row['p_value'])}"
    # A name out of the configured table; other kinds' subjects are words of a source: only a citation prints those.
    named = row["kind"] == "entity_surge" and row.get("subject")
    subject = f" of “{clean(str(row['subject']))}”" if named else ""
    name = SIGNALS.get(row["kind"], row["kind"]).removesuffix(" of a name" if subject else "")
    return (
        f"a {row['severity']} {name}{subject} on {short_date(row['day'])} "
        f"({row['observed']:.4g} {UNITS.get(row['kind'], 'observed')}, {row['expected']:.3g} expected, {chance})"
    )


def platform(name: str) -> str:
    """Bluesky, Reddit or News."""
    return PLATFORMS.get(name, name)
