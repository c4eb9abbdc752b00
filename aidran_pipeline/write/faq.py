"""The three questions: why it matters, what the sources advise or do, the strongest counter-argument.

Answers quote claims that were kept for them and stand nowhere else; where the evidence has no answer, the page says so.
"""

from __future__ import annotations

from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.frames import use_of
from aidran_pipeline.write.material import Claim
from aidran_pipeline.write.sections import Builder, spell
from aidran_pipeline.write.select import Plan
from aidran_pipeline.write.titles import title_terms

NOTHING = {
    "why": "None of the {n} records read for this story says in so many words why it matters; the sections above show "
    "who reported it and who took it up.",
    "advice": (
        "None of the {n} records read for this story gives advice or announces a next step that could be quoted here."
    ),
    "counter": "None of the {n} records read for this story argues the other side in words that could be quoted here.",
}


def write_questions(builder: Builder, plan: Plan, label: str) -> None:
    """Three questions with their answers, in the order of the page."""
    quotes = [u.quote for s in builder.sentences if s.section == 1 and s.part == "body" for u in s.uses]
    names = title_terms(plan.lead.storyline.terms, quotes, 2)
    subject = " and ".join(names) if names else "it"
    verb = "do" if len(names) > 1 else "does"
    ground = [
        i for i, s in enumerate(builder.sentences)
        if s.part == "body" and s.section == 1 and s.uses
        and (not names or any(n in u.quote for n in names for u in s.uses))
    ]  # fmt: skip
    questions = (
        ("why", f"Why {verb} {subject} matter?"),
        ("advice", f"What do the cited sources advise or do about {subject}?"),
        ("counter", "What is the strongest counter-argument in the records?"),
    )
    for number, (key, question) in enumerate(questions, start=1):
        builder.add(Sentence("question", question, number, 0, "synthesis", rests_on=ground[:4]))
        _answer(builder, plan.reserved.get(key, []), key, number, ground)


def _answer(builder: Builder, claims: list[Claim], key: str, number: int, ground: list[int]) -> None:
    """One or two quotations; else the honest sentence that there is none, which rests on the lead section."""
    printed = 0
    for claim in claims:
        builder.held.discard(claim.id)
        if not builder.fresh(claim):
            continue
        use = use_of(claim)
        text = builder.voice.attribute(claim, use, first=printed == 0)
        builder.add(Sentence("answer", text, number, 1, "cited", [use], storyline_id=claim.source.storyline_id))
        printed += 1
    if printed:
        return
    read = builder.material.records_read
    count = spell(read)
    builder.add(
        Sentence("answer", NOTHING[key].format(n=count), number, 1, "synthesis", rests_on=ground[:1],
                 facts=[CountFact(count, "records_read", read)])
    )  # fmt: skip
