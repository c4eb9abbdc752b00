"""A clean article in memory, written by hand, that passes every gate: the twin of each seeded fault."""

from __future__ import annotations

from datetime import UTC, date, datetime

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.write.draft import CountFact, Draft, Sentence, Source, Use, number_tokens, token
from aidran_pipeline.write.gates import Context

DAY = date(2026, 5, 20)
TEXTS = {
    1: ("news", "Harbour Ledger", "Port of Aldmoor opens a 40-megawatt data hall\n\nThe Port of Aldmoor opened a 40-megawatt data hall on "
        "Tuesday, and leased half of it to the regional health service. The hall draws its cooling water from the harbour."),
    2: ("news", "Circuit Weekly", "Aldmoor bets on harbour cooling\n\nHarbour water cuts the hall's cooling bill by 22 percent, the port says. "
        "Critics warn that the intake warms the basin."),
    3: ("news", "Nordlicht Tech", "Aldmoor data hall opens at the port\n\nThe Port of Aldmoor opened a 40-megawatt data hall this week."),
    4: ("bluesky", "Bluesky", "A data hall at the harbour is a sensible use of waste cold, and the health service needs the capacity."),
    5: ("bluesky", "Bluesky", "Nobody asked the fishers before the intake pipe went in, and the basin is warming already."),
    6: ("reddit", "Reddit", "Aldmoor leases servers to hospitals\n\nOur clinic moved two imaging models there, and the waiting time fell by a third."),
    7: ("news", "Meridian Post", "Parliament asks who owns the cooling rights\n\nA committee of the regional parliament asked on Monday who owns "
        "the cooling rights of the harbour."),
}  # fmt: skip


def source(number: int, **changes: object) -> Source:
    """Source number n of the story."""
    platform, publisher, text = TEXTS[number]
    title = text.split("\n\n")[0] if "\n\n" in text else None
    values: dict[str, object] = {
        "kind": "record", "version_id": 100 + number, "record_id": number, "text": text, "title": title,
        "platform": platform, "publisher": publisher, "family": publisher.lower(), "author_key": f"author-{number}",
        "author_name": f"voice{number}.sample.test" if platform == "bluesky" else None,
        "community": "hospitaltech" if platform == "reddit" else None,
        "published": datetime(2026, 5, 20, 9, number, tzinfo=UTC), "day": DAY, "storyline_id": 1 if number < 6 else 2,
    }  # fmt: skip
    return Source(**{**values, **changes})  # type: ignore[arg-type]


def use(number: int, quote: str, **changes: object) -> Use:
    """A verbatim use of source n."""
    where = source(number)
    start = where.text.index(quote)
    values: dict[str, object] = {
        "source": where,
        "quote": quote,
        "start": start,
        "end": start + len(quote),
        "claim_id": 1000 + number,
    }
    return Use(**{**values, **changes})  # type: ignore[arg-type]


def cited(part: str, section: int, paragraph: int, before: str, one: Use, after: str = "") -> Sentence:
    """A sentence that quotes one use."""
    text = f"{before}“{one.quote}”{after} {token(one.source)}."
    return Sentence(part, text, section, paragraph, "cited", [one], storyline_id=one.source.storyline_id)  # type: ignore[arg-type]


def clean_draft() -> Draft:
    """The article: three sections, story so far, three questions."""
    lead = use(
        1,
        "The Port of Aldmoor opened a 40-megawatt data hall on Tuesday, and leased half of it to the regional health service",
    )
    same = use(3, "Aldmoor data hall opens at the port")
    sentences = [
        Sentence("headline", "The Port of Aldmoor opened a 40-megawatt data hall on Tuesday", kind="synthesis", rests_on=[4]),
        Sentence("short_title", "Port of Aldmoor", kind="synthesis", rests_on=[4]),
        Sentence("dek", "Harbour Ledger had it on 20 May; the records it cites come from four outlets and two posts.", kind="synthesis",
                 rests_on=[4, 5, 7, 8, 9, 11, 12], facts=[CountFact("four outlets", "families", 4), CountFact("two posts", "posts", 2)]),
        Sentence("heading", "Port of Aldmoor", 1, kind="synthesis", rests_on=[4]),
        cited("body", 1, 1, "Harbour Ledger reported on 20 May: ", lead),
        cited("body", 1, 1, "Nordlicht Tech ran it as ", same),
        Sentence("heading", "Critics warn that the intake warms the basin", 2, kind="synthesis", rests_on=[8]),
        cited("body", 2, 1, "Circuit Weekly wrote: ", use(2, "Harbour water cuts the hall's cooling bill by 22 percent, the port says")),
        cited("body", 2, 1, "It added: ", use(2, "Critics warn that the intake warms the basin")),
        cited("body", 2, 2, "On Bluesky, @voice5.sample.test argued: ",
              use(5, "Nobody asked the fishers before the intake pipe went in, and the basin is warming already")),
        Sentence("heading", "Our clinic moved two imaging models there", 3, kind="synthesis", rests_on=[11]),
        cited("body", 3, 1, "In r/hospitaltech, a user wrote: ",
              use(6, "Our clinic moved two imaging models there, and the waiting time fell by a third")),
        cited("body", 3, 2, "On 20 May, Meridian Post wrote: ",
              use(7, "A committee of the regional parliament asked on Monday who owns the cooling rights of the harbour")),
        Sentence("story_so_far", "No earlier story on AI in Healthcare stands within thirty days; the oldest record cited dates from 20 May.",
                 0, 1, "synthesis", rests_on=[4], facts=[CountFact("thirty days", "days_looked_back", 30)]),
        Sentence("question", "Why does Port of Aldmoor matter?", 1, kind="synthesis", rests_on=[4]),
        cited("answer", 1, 1, "@voice4.sample.test wrote: ",
              use(4, "A data hall at the harbour is a sensible use of waste cold, and the health service needs the capacity")),
        Sentence("question", "What do the cited sources advise or do about this?", 2, kind="synthesis", rests_on=[4]),
        cited("answer", 2, 1, "Harbour Ledger wrote: ", use(1, "The hall draws its cooling water from the harbour")),
        Sentence("question", "What is the strongest counter-argument in the records?", 3, kind="synthesis", rests_on=[4]),
        Sentence("answer", "No argument against it was found on this matter beyond the quotations above; nine records were read.",
                 3, 1, "synthesis", rests_on=[4], facts=[CountFact("nine", "records_read", 9)]),
    ]  # fmt: skip
    draft = Draft(DAY, "ai-healthcare", sentences, records_read=9, warming_up=True)
    number_tokens(draft)
    return draft


def clean_context(**changes: object) -> Context:
    """What the gates compare it with."""
    values: dict[str, object] = {
        "publication": load_publication(), "topic_label": "AI in Healthcare", "records_read": 9, "signals": (),
        "baseline": {"history_days": 3, "coverage": {"healthy": True}}, "storyline_topics": {1: "ai-healthcare", 2: "ai-healthcare"},
    }  # fmt: skip
    return Context(**{**values, **changes})  # type: ignore[arg-type]
