"""What a story told is not told again without something new; with it, the story develops, and says since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aidran_pipeline.analyze import analyze_days, extract_claims
from aidran_pipeline.config.publication import Evidence
from aidran_pipeline.publish.read import SHARED
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import check_article, load_draft
from aidran_pipeline.write.article import make_context
from aidran_pipeline.write.gates.repeats import not_a_repeat
from aidran_pipeline.write.material import load_material
from aidran_pipeline.write.select import NotEnough, make_plan
from aidran_pipeline.write.threads import threads_of
from aidran_pipeline_tests.material import DAY, HEALTH, PUBLICATION, prepare, rows, write
from aidran_pipeline_tests.world import World, at

NEXT, AFTER = DAY + timedelta(days=1), DAY + timedelta(days=2)
SEQUEL = (
    ("harbour-ledger", "Aldmoor hospitals to publish how often the AI model for chest scans was overruled",
     "The nine hospitals of Aldmoor will publish every week how often radiologists overruled the AI model by Sano Labs that reads chest scans at night. The hospital group said that patients had asked for the figure."),
    ("circuit-weekly", "Sano Labs agrees to weekly figures on its AI model for chest scans in Aldmoor",
     "Sano Labs agrees that the nine hospitals of Aldmoor publish weekly figures on the AI model that reads chest scans at night. The first report lists 12 chest scans in which doctors overruled the model."),
    ("meridian-post", "Twelve chest scans overruled in first week of AI night reading in Aldmoor",
     "Radiologists in Aldmoor overruled the AI model by Sano Labs on 12 chest scans in its first week of night reading. The nine hospitals said that no patient was harmed because a doctor signs every scan."),
)  # fmt: skip
VOICES = (
    "Aldmoor publishes how often the AI model for chest scans by Sano Labs is overruled, and every hospital should.",
    "Twelve overruled chest scans in a week is the first honest figure on the AI model that Aldmoor hospitals run at night.",
    "If nine hospitals in Aldmoor can count how often their AI model for chest scans is wrong, so can the ministry.",
    "I signed night scans in Aldmoor for years and nobody ever counted how often I was overruled, the AI model is luckier.",
)  # fmt: skip


def more(conn: Connection, day: date) -> None:
    """Three reports, four people, on the event that the first day led with."""
    outlets = [outlet for outlet, _, _ in SEQUEL]
    world = World(conn, {name: ("rss", name.replace("-", " ").title()) for name in outlets})
    world.sources["bsky"] = ("bluesky_search", "Bluesky")
    for name in world.sources:
        world.fetches[name] = world.one("SELECT min(id) FROM fetches WHERE source_id = %s", name)
    for i, (outlet, title, text) in enumerate(SEQUEL):
        world.record(outlet, f"s{day.day}{i}", text, at(day, 7, i), title=title, author=f"{outlet}|s{i}")
    for i, text in enumerate(VOICES):
        world.record("bsky", f"v{day.day}{i}", text, at(day, 9, i), author=f"voice{i}.sample.test")


def read(conn: Connection, day: date) -> None:
    run = Run("more", at(day, 23, 30))
    analyze_days(conn, [day], run=run)
    extract_claims(conn, [day], run=run)


@pytest.fixture
def first(told: Connection) -> Connection:
    """The first day's story stands."""
    assert write(told).decision == "published"
    for name in [row["id"] for row in told.execute("SELECT id FROM sources ORDER BY id").fetchall()]:
        for day in (NEXT, AFTER):
            World(told).reach(name, day, day)
    return told


def related(conn: Connection, version: int, article: int) -> set[int]:
    """Articles that the page of a story shows beside it, by id."""
    rows_of = conn.execute(SHARED, {"version": version, "article": article}).fetchall()
    return {row["article_id"] for row in rows_of}


def open_heir(conn: Connection, lead: int) -> int:
    """A storyline of the same topic and days that another can go into."""
    return int(rows(conn, """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, engine_version,
                                 input_hash, run_id)
                             SELECT topic, kind, 'heir', terms, first_day, last_day, 'test', 'test', 'test'
                             FROM storylines WHERE id = %s RETURNING id""", lead)[0][0])  # fmt: skip


def lead_of(conn: Connection, version: int | None) -> int:
    return int(rows(conn, "SELECT inputs ->> 'lead_storyline' FROM article_versions WHERE id = %s", version)[0][0])


def test_the_next_day_with_nothing_new_tells_nothing(first: Connection) -> None:
    read(first, NEXT)
    material = load_material(first, NEXT, HEALTH, PUBLICATION)
    told = {s.id: s for s in material.storylines.values() if s.told_on == DAY}
    assert lead_of(first, 1) in told and {t.storyline.id for t in threads_of(material)}.isdisjoint(told)
    with pytest.raises(NotEnough) as refused:
        make_plan(replace(material, storylines=told))
    assert refused.value.reasons[0]["rule"] == "nothing new"
    assert f"{DAY} last" in refused.value.reasons[0]["detail"]
    result = write(first, day=NEXT)
    assert result.decision == "withheld" and rows(first, "SELECT count(*) FROM articles") == [(1,)]


def test_with_new_evidence_the_story_develops_and_says_since_when(first: Connection) -> None:
    lead = lead_of(first, 1)
    more(first, NEXT)
    read(first, NEXT)
    prepare(first, days=[NEXT])
    material = load_material(first, NEXT, HEALTH, PUBLICATION)
    thread = threads_of(material)[0]
    assert thread.storyline.id == lead and thread.storyline.told_on == DAY and thread.storyline.first_day == DAY
    assert thread.claims[0] in thread.new() and all(c.source.day == NEXT for c in thread.new())
    few = PUBLICATION.model_copy(update={"evidence": Evidence(records=3, authors=3, families=1)})
    result = write(first, day=NEXT, publication=few)
    assert result.decision == "published", (result.reasons, result.numbers)
    assert lead_of(first, result.article_version_id) == lead
    said = " ".join(
        t for (t,) in rows(first, "SELECT text FROM article_sentences WHERE article_version_id = %s AND part = 'story_so_far'",
                           result.article_version_id)
    )  # fmt: skip
    assert f"developing since {DAY.day} {DAY:%B}" in said
    assert check_article(first, result.article_version_id or 0, few) == []
    assert related(first, result.article_version_id or 0, 2) == {1}
    heir = open_heir(first, lead)
    first.execute(
        "UPDATE article_sentences SET storyline_id = %s WHERE article_version_id = 1 AND storyline_id IS NOT NULL",
        (heir,),
    )
    assert related(first, result.article_version_id or 0, 2) == set()
    with first.transaction(force_rollback=True):
        first.execute("UPDATE storylines SET merged_into = %s, merged_on = %s WHERE id = %s", (heir, AFTER, lead))
        assert related(first, result.article_version_id or 0, 2) == {1}
    first.execute("UPDATE article_sentences SET storyline_id = %s WHERE storyline_id = %s", (lead, heir))
    read(first, AFTER)
    assert write(first, day=AFTER).decision == "withheld", "and the third day has nothing new again"


def test_the_gate_refuses_a_lead_without_a_later_record(first: Connection) -> None:
    """A draft of the next day that cites what the first day had left, on the storyline that it led with."""
    draft = load_draft(first, 1)
    draft.day = NEXT
    found = [f.rule for f in not_a_repeat(draft, make_context(first, NEXT, HEALTH, PUBLICATION))]
    assert "nothing new on its storyline" in found
    lead = draft.inputs["lead_storyline"]
    for source in draft.sources("record"):
        if source.storyline_id == lead:
            object.__setattr__(source, "day", NEXT)
    again = [f.rule for f in not_a_repeat(draft, make_context(first, NEXT, HEALTH, PUBLICATION))]
    assert "nothing new on its storyline" not in again


def test_the_heir_of_what_was_told_was_told(first: Connection) -> None:
    """The storyline of yesterday's story merges into another: telling that one without anything new is a repeat."""
    lead = lead_of(first, 1)
    heir = open_heir(first, lead)
    first.execute(
        """WITH moved AS (UPDATE storyline_records SET storyline_id = %(heir)s WHERE storyline_id = %(lead)s RETURNING record_id)
           INSERT INTO storyline_moves (record_id, day, from_storyline, to_storyline, reason, run_id)
           SELECT record_id, %(day)s, %(lead)s, %(heir)s, 'merged', 'test' FROM moved""",
        {"heir": heir, "lead": lead, "day": NEXT},
    )
    first.execute("UPDATE storylines SET merged_into = %s, merged_on = %s WHERE id = %s", (heir, NEXT, lead))
    assert load_material(first, NEXT, HEALTH, PUBLICATION).storylines[heir].told_on == DAY
    assert load_material(first, DAY, HEALTH, PUBLICATION).storylines[lead].told_on is None
    assert heir not in load_material(first, DAY, HEALTH, PUBLICATION).storylines
    assert check_article(first, 1, PUBLICATION) == [], "and the story itself stands as it was"
