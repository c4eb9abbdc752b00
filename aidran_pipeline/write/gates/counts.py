"""Gate 9: the counts printed equal the rows."""

from __future__ import annotations

from aidran_pipeline.write.draft import CountFact, Draft, Sentence
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


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
    return str(value) in words or (value < len(WORDS) and WORDS[value] in words) or (value == 30 and "thirty" in words)


def recount(fact: CountFact, sentence: Sentence, draft: Draft, context: Context) -> int | str:
    """The value of a declared count, from the rows."""
    sources = {use.source.key: use.source for use in grounds(draft, sentence) if use.source.kind == "record"}.values()
    earlier = [context.earlier_headlines.get(i, ("", None)) for i in sentence.rests_on_earlier]
    if fact.kind == "records_read":
        return context.records_read
    if fact.kind == "days_looked_back":
        return 30
    if fact.kind == "earlier_story":
        return next((headline for headline, _ in earlier if headline == fact.value), "no such earlier headline")
    if fact.kind == "earlier_day":
        days = [f"{day.day} {day:%B}" for _, day in earlier if day is not None]
        return str(fact.value) if fact.value in days else "no such earlier day"
    counted: dict[str, int] = {
        "records": len(sources),
        "posts": sum(s.platform != "news" for s in sources),
        "families": len({s.family for s in sources if s.platform == "news"}),
        "authors": len({s.author_key for s in sources}),
        "platforms": len({s.platform for s in sources}),
    }
    return counted.get(fact.kind, f"unknown kind {fact.kind}")
