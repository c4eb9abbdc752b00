"""The story so far: today's body beside the latest published versions of earlier days, whose ids are inputs."""

from __future__ import annotations

from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.frames import day_name
from aidran_pipeline.write.sections import Builder, spell
from aidran_pipeline.write.select import Plan


def write_story_so_far(builder: Builder, plan: Plan, label: str, headline_at: int) -> list[int]:
    """Two to four sentences; returns the ids of the earlier versions they rest on."""
    material = builder.material
    earlier = material.earlier[:2]
    lead = builder.sentences[headline_at]
    if not earlier:
        _first_story(builder, label, headline_at)
        return []
    latest = earlier[0]
    gap = (material.day - latest.day).days
    when = "The day before" if gap == 1 else f"On {day_name(latest.day)}"
    builder.add(
        Sentence("story_so_far", f"{when}, this page led with “{latest.headline}”.", 0, 1, "synthesis",
                 rests_on_earlier=[latest.headline_id], facts=_story_facts(latest.headline, when))
    )  # fmt: skip
    if len(earlier) > 1:
        before = earlier[1]
        text = f"Before that, on {day_name(before.day)}, it was “{before.headline}”."
        builder.add(
            Sentence("story_so_far", text, 0, 1, "synthesis", rests_on_earlier=[before.headline_id],
                     facts=_story_facts(before.headline, day_name(before.day)))
        )  # fmt: skip
    new = sorted({u.source.record_id for s in builder.sentences for u in s.uses if u.source.record_id is not None})
    rows = [i for i, s in enumerate(builder.sentences) if s.uses]
    continuing = plan.lead.storyline.first_day < material.window[0] or plan.lead.storyline.first_day <= latest.day
    tail = "the same storyline, followed further" if continuing else "a storyline that it had not led with"
    count = f"{spell(len(new))} records"
    builder.add(
        Sentence("story_so_far", f"Today’s page rests on {count} that no earlier story used and leads with {tail}.",
                 0, 1, "synthesis", rests_on=rows, facts=[CountFact(count, "records", len(new))])
    )  # fmt: skip
    assert lead.part == "body"
    return [e.version_id for e in earlier]


def _story_facts(headline: str, when: str) -> list[CountFact]:
    facts = [CountFact(f"“{headline}”", "earlier_story", headline)]
    if when != "The day before":
        facts.append(CountFact(when.removeprefix("On "), "earlier_day", when.removeprefix("On ")))
    return facts


def _first_story(builder: Builder, label: str, headline_at: int) -> None:
    """Nothing earlier to tell: say so, and say how far back the evidence goes."""
    dated = [
        (u.source.day, i)
        for i, s in enumerate(builder.sentences)
        for u in s.uses
        if u.source.day and u.source.kind == "record"
    ]
    oldest, row = min(dated)
    builder.add(
        Sentence("story_so_far", f"This is the first story in thirty days on {label}.", 0, 1, "synthesis",
                 rests_on=[headline_at], facts=[CountFact("thirty days", "days_looked_back", 30)])
    )  # fmt: skip
    builder.add(
        Sentence(
            "story_so_far",
            f"The oldest record cited here dates from {day_name(oldest)}.",
            0,
            1,
            "synthesis",
            rests_on=[row],
        )
    )
