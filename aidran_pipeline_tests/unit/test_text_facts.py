"""Facts: what counts as a number, a share, a sum, a date, a name or a quoted phrase, and when two of them are equal."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.text import facts_of, names_agree, supports_facts, tokens


def kinds(text: str) -> list[tuple[str, str]]:
    return [(f.kind, f.text) for f in facts_of(text)]


def norms(text: str, kind: str) -> list[str]:
    return [f.norm for f in facts_of(text) if f.kind == kind]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Rents rose 3.1% in a year.", "percent", "3.1%"),
        ("Rents rose 30 percent.", "percent", "30 percent"),
        ("Rents rose 30\u00a0% again.", "percent", "30\u00a0%"),
        ("The fund paid $2.5bn for it.", "money", "$2.5bn"),
        ("The fund paid 46 million euros.", "money", "46 million euros"),
        ("It costs €1,900 now.", "money", "€1,900"),
        ("A fine of £20m followed.", "money", "£20m"),
        ("It begins on 2 August 2026.", "date", "2 August 2026"),
        ("It begins on August 2, 2026.", "date", "August 2, 2026"),
        ("It begins on 2026-08-02.", "date", "2026-08-02"),
        ("They met on Monday.", "date", "Monday"),
        ("The list holds 1,200 voices.", "number", "1,200"),
        ("Two of seven models lied.", "number", "seven"),
        ("The court in Lisbon agreed.", "name", "Lisbon"),
        ("A letter by Ada Brandt went out.", "name", "Ada Brandt"),
        ("The tool runs on GPT-4 and Qwen2.5.", "name", "GPT-4"),
        ("Nobody told @mara.example.org of it.", "name", "@mara.example.org"),
        ("A thread in r/devworkshop says so.", "name", "r/devworkshop"),
        ("He called it “the end of work” twice.", "quoted", "the end of work"),
        ('He called it "the end of work" twice.', "quoted", "the end of work"),
    ],
)
def test_what_is_a_fact(text: str, kind: str, found: str) -> None:
    assert (kind, found) in kinds(text)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("percent", "It fell 30 %.", "It fell 30 percent."),
        ("percent", "It fell thirty percent.", "It fell 30%."),
        ("money", "It cost $1.2B.", "It cost 1,200 million dollars."),
        ("money", "It cost €3m.", "It cost 3 million euros."),
        ("number", "It took 1,200 cars.", "It took 1200 cars."),
        ("number", "Twelve firms agreed.", "All 12 firms agreed."),
        ("number", "It has 3 million users.", "It has 3,000,000 users."),
        ("date", "It ends on 5 June 2026.", "It ends on June 5, 2026."),
        ("date", "It ends on 5 June 2026.", "It ends on 2026-06-05."),
    ],
)
def test_equal_facts_have_equal_norms(kind: str, one: str, other: str) -> None:
    assert norms(one, kind) == norms(other, kind) != []


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("money", "It cost $3m.", "It cost €3m."),
        ("money", "It cost $3m.", "It cost $3bn."),
        ("percent", "It fell 3%.", "It fell 30%."),
        ("date", "It ends on 5 June 2026.", "It ends on 6 May 2026."),
        ("date", "It ends on 5 June 2026.", "It ends on 5 June 2025."),
        ("number", "It took 15 cars.", "It took 1.5 cars."),
    ],
)
def test_different_facts_have_different_norms(kind: str, one: str, other: str) -> None:
    assert norms(one, kind) != norms(other, kind)


@pytest.mark.parametrize(
    "text",
    [
        "This may be the first time that they said it.",
        "They march on. Nobody can say why.",
        "He sat down and read.",
        "And then it stopped.",
    ],
)
def test_ordinary_words_are_no_facts(text: str) -> None:
    assert kinds(text) == [] or {k for k, _ in kinds(text)} <= {"number"}


def test_a_date_is_not_also_a_number_nor_a_share_one() -> None:
    assert kinds("On 2 August 2026 it fell 30 percent.") == [("date", "2 August 2026"), ("percent", "30 percent")]


@pytest.mark.parametrize(
    ("wanted", "given", "missing"),
    [
        ("It fell 30 percent.", "The index fell 30% on Monday.", []),
        ("It fell 31 percent.", "The index fell 30% on Monday.", ["31 percent"]),
        ("So said Brandt.", "A letter by Ada Brandt went out.", []),
        ("So said Meyer.", "A letter by Ada Brandt went out.", ["Meyer"]),
        ("It begins on 2 August.", "It begins on 2 August 2026.", []),
        ("It begins on 2 August 2026.", "It begins on 2 August.", ["2 August 2026"]),
        ("It begins on 3 August.", "It begins on 2 August 2026.", ["3 August"]),
        ("He spoke of “the end”.", "He spoke of “the end of work”.", []),
        ("He spoke of “the end of play”.", "He spoke of “the end of work”.", ["the end of play"]),
    ],
)
def test_what_is_wanted_must_be_given(wanted: str, given: str, missing: list[str]) -> None:
    assert [f.text for f in supports_facts(facts_of(wanted), facts_of(given))] == missing


@pytest.mark.parametrize(
    ("a", "b", "agree"),
    [
        ("Ada Brandt", "Brandt", True),
        ("ADA BRANDT", "Ada Brandt", True),
        ("OpenAI", "Open", False),
        ("Ada Brandt", "Ada Meyer", False),
        ("Bank of England", "England", True),
        ("X", "Xavier", False),
    ],
)
def test_names_agree_when_one_is_the_start_or_end_of_the_other(a: str, b: str, agree: bool) -> None:
    assert names_agree(a, b) is agree and names_agree(b, a) is agree


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
PIECES = st.lists(
    st.sampled_from(["$2.5bn ", "30 % ", "5 June 2026 ", "Ada Brandt ", "“", "” ", '"', "GPT-4 ", "the ", "Inc. ", "@a.b ",
                     "1,2", "00 ", "May ", "\n", ". ", "🎉", "é", "٣", "²"]),
    max_size=40,
).map("".join)  # fmt: skip


@given(st.one_of(TEXT, PIECES))
@settings(max_examples=400, deadline=None)
def test_any_text_gives_facts_that_stand_where_they_say(text: str) -> None:
    facts = facts_of(text)
    assert facts == sorted(facts) == facts_of(text)
    assert all(text[f.start : f.end] == f.text and f.text for f in facts)
    plain = [f for f in facts if f.kind != "quoted"]
    assert all(a.end <= b.start for a, b in pairwise(plain)), "a stretch is one fact only"
    assert not supports_facts(facts, facts), "a text holds its own facts"


@pytest.mark.parametrize("piece", ["“", '"', "1,", "$1 ", "Aa ", "@a.", "May ", "5 ", "A-", "a" * 1000])
def test_a_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    text = piece * (30_000 // len(piece))
    started = time.perf_counter()
    facts_of(text)
    assert time.perf_counter() - started < 4


def test_tokens_are_stems_without_stop_words_links_and_handles() -> None:
    assert tokens("The models were trained at https://a.example/models by @mara.test") == tokens("model train")
    assert tokens("Regulators regulate.") == tokens("regulator regulating")
    assert tokens("OpenAI's chips") == tokens("openai’s chip")
    assert tokens("and of the in") == []
