"""The three questions: why it matters, what the sources advise or do, the strongest counter-argument.

Answers quote claims that were kept for them, or a linked page, and stand nowhere else; where the evidence has no
answer, the page says so.
"""

from __future__ import annotations

from aidran_pipeline.write.builder import Builder, joined, spell
from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.frames import use_of
from aidran_pipeline.write.material import Claim
from aidran_pipeline.write.sections import best_page_quote
from aidran_pipeline.write.select import CUES, Plan
from aidran_pipeline.write.threads import Thread

NOTHING = {
    "why": "None of the {n} records read for this page says in quotable words why it matters; {carried}.",
    "advice": "No advice and no next step stands in quotable words in the {n} records read for this page.",
    "counter": "Nobody in the {n} records read for this page argues the other side in words that can be quoted.",
}


def write_questions(builder: Builder, plan: Plan) -> None:
    """Three questions with their answers, in the order of the page."""
    rows = [i for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == 1 and s.uses]
    quotes = {i: " \n ".join(u.quote for u in builder.sentences[i].uses) for i in rows}
    names = [n for n in plan.lead.names() if any(n in quote for quote in quotes.values())][:2]
    subject = joined(names) if names else "this"
    verb = "do" if len(names) > 1 else "does"
    ground = [i for i in rows if not names or any(name in quotes[i] for name in names)]
    questions = (
        ("why", f"Why {verb} {subject} matter?"),
        ("advice", f"What do the cited sources advise or do about {subject}?"),
        ("counter", "What is the strongest counter-argument in the records?"),
    )
    for number, (key, question) in enumerate(questions, start=1):
        builder.add(Sentence("question", question, number, 0, "synthesis", rests_on=ground[:6]))
        if not _answered(builder, plan.reserved.get(key, []), number) and not _from_page(builder, plan, key, number):
            _nothing(builder, key, number, ground)


def _answered(builder: Builder, claims: list[Claim], number: int) -> bool:
    """One or two quotations of claims; whether there was any."""
    printed = 0
    for claim in claims:
        builder.held.discard(claim.id)
        if not builder.fresh(claim):
            continue
        use = use_of(claim)
        text = builder.voice.attribute(claim, use, first=printed == 0)
        builder.add(Sentence("answer", text, number, 1, "cited", [use], storyline_id=claim.source.storyline_id))
        printed += 1
    return bool(printed)


def _from_page(builder: Builder, plan: Plan, key: str, number: int) -> bool:
    """A sentence of a page that the story's own storylines link to; whether there was one."""
    cue = dict(CUES)[key]
    threads: list[Thread] = [t for kind, group in plan.sections if kind == "storyline" for t in group]
    for thread in threads:
        for page in thread.pages:
            use = best_page_quote(builder, page, thread, cue)
            if use is not None:
                text = builder.voice.page(page.source, use, own=False, alone=bool(page.own_records))
                builder.add(Sentence("answer", text, number, 1, "cited", [use], storyline_id=thread.storyline.id))
                return True
    return False


def _nothing(builder: Builder, key: str, number: int, ground: list[int]) -> None:
    """The honest sentence that there is no answer, with how widely the lead was carried; it rests on the lead."""
    read = builder.material.records_read
    count = spell(read)
    facts = [CountFact(count, "records_read", read)]
    carried = ""
    if key == "why":
        sources = [u.source for i in ground for u in builder.sentences[i].uses if u.source.kind == "record"]
        outlets = len({s.family for s in sources if s.platform == "news"})
        people = len({s.key for s in sources if s.platform != "news"})
        kind, value, unit = ("families", outlets, "outlet") if outlets else ("posts", people, "post")
        words = f"{spell(value)} {unit}{'' if value == 1 else 's'}"
        facts.append(CountFact(words, kind, value))
        carried = f"{words} carried it" if outlets else f"{words} brought it up"
    text = NOTHING[key].format(n=count, carried=carried)
    builder.add(Sentence("answer", text, number, 1, "synthesis", rests_on=ground, facts=facts))
