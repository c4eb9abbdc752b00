"""Which records tell one event: only those whose actors, figures and dates agree, not those that merely sound alike."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from aidran_pipeline.analyze import continuity, storylines
from aidran_pipeline.analyze.storylines import Item, centrality, group, label_of, salient
from aidran_pipeline.text.embeddings import Vector, embed

DAY = date(2026, 6, 20)
# One event in two outlets' words.
SAME = [
    ("Lindqvist Institute opens 40-megawatt data centre in Aldmoor", "Aldmoor gets Lindqvist Institute's data centre of 40 megawatts"),
    ("Pelican Works sold to Corvo Travel for 46 million euros", "Corvo Travel buys agent start-up Pelican Works for €46m"),
    ("Judge Harlow lets copyright suit against Mimir Labs go on", "Copyright case against Mimir Labs may proceed, Judge Harlow rules"),
    ("Actors Guild North finds 1,200 members' voices in AI libraries", "1,200 members of Actors Guild North cloned by AI voice libraries"),
    ("Tallow survey: code review takes 31 percent longer with agents", "Code review slower by 31% where agents write, Tallow survey finds"),
]  # fmt: skip
# The same actors with other figures, or in another business.
OTHER = [
    ("Nordwind AI raises 30 million dollars from Brookfield", "Nordwind AI fined 2 million dollars over Brookfield data leak"),
    ("Verity Health buys Sano Labs for $80 million", "Verity Health sells Sano Labs for $310 million"),
    ("Drone maker Falk wins army order worth $90 million", "Drone maker Falk loses navy order worth $12 million"),
    ("Bluefin model tops coding benchmark with 71 percent", "Bluefin model falls in coding benchmark to 52 percent"),
]  # fmt: skip
# No figure tells these apart, only what was done, or where: nearness of meaning is high for all of them.
HARD = [
    ("Minister Osei opens Tamale chip school", "Minister Osei closes Tamale chip school after audit"),
    ("Kestrel Robotics recalls 4,000 delivery robots in Ghent", "Kestrel Robotics hires 4,000 couriers in Ghent"),
    ("Court in Oslo bans Argus face search", "Court in Madrid allows Argus face search"),
    ("Halden University bans chatbots in exams", "Marwick University allows chatbots in exams"),
    ("Studio Elbe sues Mimir Labs over cloned voices", "Studio Elbe signs Mimir Labs to license voices"),
    ("Ostra city council approves Datakraft hall", "Ostra city council rejects Datakraft tax"),
]  # fmt: skip
BACKGROUND = [
    "Memory prices rise as AI servers take what there is", "Hospitals test a model that reads scans at night",
    "Teachers ask for time, not for chatbots", "A benchmark for agents that book trains", "Regulators publish guidance on labels",
    "Why small models are enough for most offices", "Rural doctors share one triage line", "A union asks who trained the model",
    "Farmers let drones count their sheep", "A library lends out robots", "Insurers want to see the training data",
    "Translators compare four models on contracts", "A city counts its data halls", "Chip makers doubt the forecast",
    "Musicians ask streaming services for a label", "A start-up sells silence to open-plan offices", "Editors count machine-made books",
]  # fmt: skip


@cache
def vector(text: str) -> Vector:
    return embed(text)


def item(number: int, text: str, *, day: date = DAY, post: bool = False) -> Item:
    return Item.of(number, day, post, text, text, vector(text), (f"{day}T{number:04}", f"n{number}"))


def weights(items: list[Item]) -> dict[str, float]:
    background = Counter(stem for one in items for stem in one.stems)
    return storylines.idf(items, background, len(items))


def newsroom() -> list[Item]:
    texts = [t for pair in [*SAME, *OTHER, *HARD] for t in pair] + BACKGROUND
    return [item(i, text) for i, text in enumerate(texts)]


def together(groups: list[tuple[str, list[Item]]]) -> dict[str, int]:
    return {one.text: number for number, (_, members) in enumerate(groups) for one in members}


@pytest.fixture(scope="module")
def grouped() -> dict[str, int]:
    items = newsroom()
    return together(group(items, weights(items)))


@pytest.mark.parametrize(("a", "b"), OTHER, ids=[a[:40] for a, _ in OTHER])
def test_the_same_actors_in_another_event_are_another_storyline(grouped: dict[str, int], a: str, b: str) -> None:
    assert grouped[a] != grouped[b]


def test_events_that_differ_in_what_was_done_are_mostly_told_apart(grouped: dict[str, int]) -> None:
    assert [a for a, b in HARD if grouped[a] == grouped[b]][2:] == []


def test_one_event_in_two_outlets_is_mostly_one_storyline(grouped: dict[str, int]) -> None:
    """Precision comes first: a missed pair is a second paragraph, a wrong one a false story."""
    assert sum(grouped[a] == grouped[b] for a, b in SAME) >= len(SAME) - 1


def test_nothing_of_the_background_is_drawn_in(grouped: dict[str, int]) -> None:
    pairs = {text for pair in [*SAME, *OTHER, *HARD] for text in pair}
    ids = {grouped[text] for text in pairs}
    assert [text for text in BACKGROUND if grouped[text] in ids] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_groups_do_not_depend_on_ids(seed: int) -> None:
    """Record ids are handed out by arrival; the same texts under other ids make the same groups."""
    items = newsroom()
    usual = group(items, weights(items))
    numbers = list(range(len(items)))
    random.Random(seed).shuffle(numbers)
    for one, number in zip(items, numbers, strict=True):
        one.record_id = number
    assert [[m.text for m in g] for _, g in group(items, weights(items))] == [[m.text for m in g] for _, g in usual]


def test_every_record_is_in_one_group() -> None:
    items = newsroom()
    members = [m.record_id for _, g in group(items, weights(items)) for m in g]
    assert sorted(members) == [one.record_id for one in items]


def test_one_bridge_does_not_merge_two_events() -> None:
    texts = [
        "Pelican Works sold to Corvo Travel for 46 million euros", "Corvo Travel buys Pelican Works for 46 million euros",
        "Sano Labs sold to Verity Health for 80 million dollars", "Verity Health buys Sano Labs for 80 million dollars",
        "Pelican Works and Sano Labs were both sold this week, to Corvo Travel and Verity Health",
    ]  # fmt: skip
    items = [item(i, text) for i, text in enumerate([*texts, *BACKGROUND])]
    found = together(group(items, weights(items)))
    assert found[texts[0]] == found[texts[1]] and found[texts[2]] == found[texts[3]]
    assert found[texts[0]] != found[texts[2]]


def test_posts_join_the_event_they_speak_of_and_nothing_else() -> None:
    news = [item(i, text) for i, text in enumerate([SAME[0][0], SAME[0][1], SAME[1][0], *BACKGROUND])]
    about = item(
        90, "That 40-megawatt hall of the Lindqvist Institute in Aldmoor will warm the whole harbour.", post=True
    )
    chatter = item(91, "My cat walked over the keyboard and the agent shipped it.", post=True)
    items = [*news, about, chatter]
    found = together(group(items, weights(items)))
    assert found[about.text] == found[SAME[0][0]]
    assert [one.text for one in items if found[one.text] == found[chatter.text]] == [chatter.text]


def test_days_apart_makes_one_event_less_likely() -> None:
    a = item(1, SAME[0][0])
    near, far = item(2, SAME[0][1]), item(3, SAME[0][1], day=DAY + timedelta(days=2))
    items = [a, near, far, *(item(10 + i, t) for i, t in enumerate(BACKGROUND))]
    scores = storylines.event_scores(items, weights(items))
    assert scores[0, 1] > scores[0, 2] and np.allclose(scores, scores.T)


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_do_not_depend_on_the_order_of_items(seed: int) -> None:
    items = newsroom()
    usual = {frozenset(m.text for m in g) for _, g in group(items, weights(items))}
    random.Random(seed).shuffle(items)
    assert {frozenset(m.text for m in g) for _, g in group(items, weights(items))} == usual


def test_many_reports_are_grouped_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fit at once: the runs' groups still meet, and nobody is lost."""
    items = newsroom()
    monkeypatch.setattr(storylines, "MOST", 30)
    split = [
        items[i] for i in (*range(0, 2 * len(SAME), 2), *range(2 * len(SAME), len(items)), *range(1, 2 * len(SAME), 2))
    ]
    found = together(group(split, weights(split)))
    assert len(found) == len(items)
    assert sum(found[a] == found[b] for a, b in SAME) >= len(SAME) - 1
    assert [a for a, b in OTHER if found[a] == found[b]] == []


def test_a_group_goes_on_with_the_id_most_of_its_members_have() -> None:
    assert continuity.continued([]) is None
    assert continuity.continued([7, 3, 7]) == 7
    assert continuity.continued([9, 4, 4, 9]) == 4


def test_terms_and_label_come_from_the_members_own_words() -> None:
    members = [item(i, text) for i, text in enumerate(SAME[0])]
    terms = salient(members, weights(newsroom()))
    words = " ".join(m.text for m in members)
    assert terms and all(str(t["term"]) in words for t in terms if t["kind"] == "name")
    assert any(str(name) in label_of(terms, members) for name in ("Lindqvist", "Aldmoor"))
    strengths = [float(str(t["weight"])) for t in terms]
    assert strengths == sorted(strengths, reverse=True)


def test_centrality_is_a_share() -> None:
    members = [item(i, text) for i, text in enumerate([*SAME[0], BACKGROUND[0]])]
    values = centrality(members)
    assert all(0 <= v <= 1 for v in values) and values[2] == min(values)
    assert centrality(members[:1]) == [1.0]


def test_only_what_is_near_in_meaning_may_merge() -> None:
    told = [item(i, text) for i, text in enumerate(SAME[0])]
    assert storylines.akin(told[:1], told[1:])
    assert not storylines.akin(told, [item(5, BACKGROUND[0])])
