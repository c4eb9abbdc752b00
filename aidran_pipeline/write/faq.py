"""The three questions: why it matters, what the sources advise or do, the strongest counter-argument.

Answers quote claims that were kept for them, or a linked page, and stand nowhere else; where the evidence has no
answer, the page says so.
"""

from __future__ import annotations

import re

from aidran_pipeline.write import wording
from aidran_pipeline.write.builder import Builder, joined, spell
from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.frames import use_of
from aidran_pipeline.write.material import Claim
from aidran_pipeline.write.sections import best_page_quote
from aidran_pipeline.write.select import CUES, Plan
from aidran_pipeline.write.threads import Thread

INSTITUTION = re.compile(
    r"\b(?:Commission|Union|Department|Office|House|Court|Council|Agency|Institute|Ministry|Bank|University|Senate|"
    r"Parliament|Pentagon|Nations|Kingdom|States)$"
)


def write_questions(builder: Builder, plan: Plan) -> None:
    """Three questions with their answers, in the order of the page."""
    rows = [i for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == 1 and s.uses]
    quotes = {i: " \n ".join(u.quote for u in builder.sentences[i].uses) for i in rows}
    names = [n for n in plan.lead.names() if any(n in quote for quote in quotes.values())][:2]
    ground = [i for i in rows if not names or any(name in quotes[i] for name in names)]
    subject = joined([with_article(name) for name in names]) if names else ""
    why = wording.QUESTIONS["why"][2 if not names else int(len(names) > 1)]
    questions = (
        ("why", why.format(subject=subject)),
        ("advice", wording.QUESTIONS["advice"][0 if names else 1].format(subject=subject)),
        ("counter", wording.QUESTIONS["counter"][0]),
    )
    for number, (key, question) in enumerate(questions, start=1):
        builder.add(Sentence("question", question, number, 0, "synthesis", rests_on=ground[:6]))
        if not _answered(builder, plan.reserved.get(key, []), number) and not _from_page(builder, plan, key, number):
            _nothing(builder, key, number, ground)


def with_article(name: str) -> str:
    """An institution's name as it stands in a sentence: the European Commission."""
    return f"the {name}" if INSTITUTION.search(name) else name


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
    threads: list[Thread] = [plan.lead]
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
    frame, words = wording.NOTHING[key][0], ""
    if key == "why":
        sources = [u.source for i in ground for u in builder.sentences[i].uses if u.source.kind == "record"]
        outlets = len({s.family for s in sources if s.platform == "news"})
        people = len({s.key for s in sources if s.platform != "news"})
        kind, value, unit = ("families", outlets, "outlet") if outlets else ("posts", people, "post")
        words = f"{spell(value)} {unit}{'' if value == 1 else 's'}"
        facts.append(CountFact(words, kind, value))
        frame = wording.NOTHING[key][0 if outlets else 1]
    text = frame.format(n=count, outlets=words)
    builder.add(Sentence("answer", text, number, 1, "synthesis", rests_on=ground, facts=facts))
