"""Gate 9: the counts printed equal the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aidran_pipeline.write.draft import NUMBER_WORDS, CountFact, Draft, Sentence, earliest, moment_name
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds


def counts_equal_rows(draft: Draft, context: Context) -> list[GateFailure]:
    """Each stated count is taken again from the rows the sentence rests on; each text must state its own value."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        for fact in sentence.facts:
            if fact.text not in sentence.text:
                found.append(GateFailure("counts", "count not in its sentence", fact.text, position))
            expected = recount(fact, sentence, draft, context)
            if expected != fact.value:
                found.append(
                    GateFailure(
                        "counts", f"{fact.kind} recounted", f"{fact.value!r} printed, {expected!r} counted", position
                    )
                )
            elif isinstance(fact.value, int) and not states(fact.text, fact.value):
                found.append(
                    GateFailure("counts", "words and value differ", f"{fact.text!r} is not {fact.value}", position)
                )
    if draft.records_read != context.records_read:
        found.append(
            GateFailure("counts", "records read", f"{draft.records_read} printed, {context.records_read} counted")
        )
    return found


def states(text: str, value: int) -> bool:
    """Whether the words contain the value, as digits or spelled out."""
    words = text.lower().replace(",", "").split()
    return (
        str(value) in words
        or (value < len(NUMBER_WORDS) and NUMBER_WORDS[value] in words)
        or (value == 30 and "thirty" in words)
    )


def recount(fact: CountFact, sentence: Sentence, draft: Draft, context: Context) -> int | str:
    """The value of a declared count, from the rows."""
    if fact.kind in _OF_THE_TOPIC:
        return _OF_THE_TOPIC[fact.kind](context)
    if fact.kind in ("earlier_story", "earlier_day"):
        return _earlier(fact, sentence, context)
    if fact.kind == "lead_since":
        since = context.storyline_since.get(draft.inputs.get("lead_storyline", 0))
        return f"{since.day} {since:%B}" if since else "no such storyline"
    sources = {use.source.key: use.source for use in grounds(draft, sentence) if use.source.kind == "record"}.values()
    outlets = [s for s in sources if s.platform == "news"]
    first = earliest(outlets)
    counted: dict[str, int | str] = {
        "records": len(sources),
        "posts": len(sources) - len(outlets),
        "families": len({s.family for s in outlets}),
        "authors": len({s.author_key for s in sources}),
        "platforms": len({s.platform for s in sources}),
        "earliest_outlet": first.publisher if first else "no report",
        "earliest_moment": moment_name(first.published) if first and first.published else "no report",
    }
    return counted.get(fact.kind, f"unknown kind {fact.kind}")


def _earlier(fact: CountFact, sentence: Sentence, context: Context) -> int | str:
    earlier = [context.earlier_headlines.get(i, ("", None)) for i in sentence.rests_on_earlier]
    if fact.kind == "earlier_story":
        return next((headline for headline, _ in earlier if headline == fact.value), "no such earlier headline")
    days = [f"{day.day} {day:%B}" for _, day in earlier if day is not None]
    return str(fact.value) if fact.value in days else "no such earlier day"


def volume_figures(signals: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Observed and expected of the volume signal as a page prints them: whole voices, and one decimal; None without."""
    found = next((s for s in signals if s["kind"] == "volume_spike"), None)
    return (f"{float(found['observed']):.0f}", f"{float(found['expected']):.1f}") if found else None


def _volume(context: Context, place: int) -> int | str:
    figures = volume_figures(context.signal_rows)
    return figures[place] if figures else "no volume signal"


_OF_THE_TOPIC: dict[str, Callable[[Context], int | str]] = {
    "records_read": lambda context: context.records_read,
    "days_looked_back": lambda context: 30,
    "history_days": lambda context: int((context.baseline or {}).get("history_days", 0)),
    "observed": lambda context: _volume(context, 0),
    "expected": lambda context: _volume(context, 1),
}
