"""The story so far: how loud the topic is, and today's page beside the latest published versions of earlier days.

The ids of those versions are inputs of the article. What does not belong here: what is told today (sections.py).
"""

from __future__ import annotations

from datetime import date

from aidran_pipeline.write import wording
from aidran_pipeline.write.builder import Builder, spell
from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.frames import day_name
from aidran_pipeline.write.gates.counts import volume_figures
from aidran_pipeline.write.material import Earlier, Storyline
from aidran_pipeline.write.select import Plan


def write_story_so_far(builder: Builder, plan: Plan, headline_at: int) -> list[int]:
    """Two to four sentences; returns the ids of the earlier versions they rest on."""
    material = builder.material
    earlier = material.earlier[:2]
    _why_today(builder, headline_at)
    if not earlier:
        _first_story(builder, headline_at)
        return []
    _earlier_stories(builder, earlier)
    latest = earlier[0]
    new = {u.source.record_id for s in builder.sentences for u in s.uses if u.source.record_id is not None}
    rows = [i for i, s in enumerate(builder.sentences) if s.uses]
    count = f"{spell(len(new))} records"
    facts = [CountFact(count, "records", len(new))]
    since = developing_since(plan.lead.storyline, material.day, latest.day)
    if since is not None:
        text = wording.TODAY[2].format(n=count, since=day_name(since))
        facts.append(CountFact(day_name(since), "lead_since", day_name(since)))
    else:
        text = wording.TODAY[1].format(n=count)
    builder.add(_told(text, rows, facts))
    return [e.version_id for e in earlier]


def developing_since(storyline: Storyline, day: date, latest: date) -> date | None:
    """Since when the lead develops, where an earlier story told it, or it is older than the latest one; else None."""
    older = storyline.told_on is not None or storyline.first_day <= latest
    return storyline.first_day if older and storyline.first_day < day else None


def write_frame(builder: Builder) -> list[int]:
    """What code tells before a model's own sentences: how loud the topic is, what the page before led with.

    Nothing of it when there is neither; returns the ids of the versions it rests on.
    """
    earlier = builder.material.earlier[:1]
    _why_today(builder, 0)
    if earlier:
        _earlier_stories(builder, earlier)
    return [e.version_id for e in earlier]


def write_first_story(builder: Builder) -> None:
    """That no earlier story stands, and how far back the evidence goes."""
    _first_story(builder, 0)


def _told(text: str, rests_on: list[int], facts: list[CountFact]) -> Sentence:
    return Sentence("story_so_far", text, 0, 1, "synthesis", rests_on=rests_on, facts=facts)


def _why_today(builder: Builder, headline_at: int) -> None:
    """The measured change that the page was written for; while a topic warms up, that there is none to measure yet."""
    material = builder.material
    figures = volume_figures(material.signals)
    history = int((material.baseline or {}).get("history_days", 0))
    day = day_name(material.day)
    if figures is not None:
        observed, expected = figures
        text = wording.LOUDER.format(
            label=material.label, date=day, observed=f"{observed} voices", history=f"{history} days", expected=expected
        )
        facts = [
            CountFact(f"{observed} voices", "observed", observed),
            CountFact(f"{history} days", "history_days", history),
            CountFact(expected, "expected", expected),
        ]
    elif not material.signals and history < builder.warm_up_days:
        days = f"{spell(history)} {'day' if history == 1 else 'days'}"
        text = wording.WARMING_UP.format(history=days, label=material.label)
        facts = [CountFact(days, "history_days", history)]
    else:
        return
    builder.add(_told(text, _of_the_day(builder, headline_at), facts))


def _of_the_day(builder: Builder, headline_at: int) -> list[int]:
    """Sentences that quote a record of the day itself, so that the date stands in what the sentence rests on."""
    day = builder.material.day
    rows = [i for i, s in enumerate(builder.sentences) if any(u.source.day == day for u in s.uses)]
    return rows or [headline_at]


def _earlier_stories(builder: Builder, earlier: tuple[Earlier, ...]) -> None:
    latest = earlier[0]
    gap = (builder.material.day - latest.day).days
    when = "" if gap == 1 else day_name(latest.day)
    text = wording.LED[1 if when else 0].format(days=when, q=f"“{latest.headline}”")
    builder.add(
        Sentence("story_so_far", text, 0, 1, "synthesis",
                 rests_on_earlier=[latest.headline_id], facts=_story_facts(latest.headline, when))
    )  # fmt: skip
    if len(earlier) > 1:
        before = earlier[1]
        text = wording.LED_BEFORE.format(days=day_name(before.day), q=f"“{before.headline}”")
        builder.add(
            Sentence("story_so_far", text, 0, 1, "synthesis", rests_on_earlier=[before.headline_id],
                     facts=_story_facts(before.headline, day_name(before.day)))
        )  # fmt: skip


def _story_facts(headline: str, when: str) -> list[CountFact]:
    facts = [CountFact(f"“{headline}”", "earlier_story", headline)]
    if when:
        facts.append(CountFact(when, "earlier_day", when))
    return facts


def _first_story(builder: Builder, headline_at: int) -> None:
    """Nothing earlier to tell: say so, and say how far back the evidence goes."""
    dated = [
        (u.source.day, i)
        for i, s in enumerate(builder.sentences)
        for u in s.uses
        if u.source.day and u.source.kind == "record"
    ]
    oldest, row = min(dated)
    label = builder.material.label
    text = wording.FIRST_STORY.format(label=label, days="thirty days", date=day_name(oldest))
    facts = [CountFact("thirty days", "days_looked_back", 30)]
    builder.add(_told(text, sorted({row, headline_at}), facts))
