"""Statements and fragments, titles of names alone, questions without an event, two judges' shared ground."""

from __future__ import annotations

import pytest

from aidran_pipeline.text.prose.clauses import has_verb
from aidran_pipeline.write.gates.craft import asks_nothing, only_names

QUOTES = ("The tests that Tallow ran in Bremen were deleted by agents, and SK Hynix said so to Tallow.",)


@pytest.mark.parametrize(
    "text",
    [
        "chips slow down when the memory passes 95 degrees",
        "when the cap is reached, the pull request stays open",
        "AI agents that perform well at launch don’t stay that way",
        "half the speed suffices for a country with plenty of cheap hydropower",
        "this became an impetus for galleries",
        "Oracle laid off 21,000 employees over the past year",
        "Meta cut 3,000 jobs",
        "it withheld the report",
    ],
)
def test_a_statement_has_a_verb_of_its_own(text: str) -> None:
    assert has_verb(text)


@pytest.mark.parametrize(
    "text",
    [
        "2 million lines of COBOL, ported by coding agents",
        "best news of the term for anyone who wants to see inside a GPU",
        "depends on who counts the savings of AI dubbing",
        "waiting times at a clinic with two imaging models on rented servers",
        "a register of AI systems for every town",
        "a cut of 3,000 jobs at the plant",
        "over those seven months, the value of the typical task",
    ],
)
def test_a_fragment_has_none(text: str) -> None:
    assert not has_verb(text)


def test_a_title_of_names_alone_says_nothing() -> None:
    assert only_names("Tallow and Bremen", QUOTES)
    assert only_names("SK Hynix", QUOTES)
    assert not only_names("Deleted Tests in Bremen", QUOTES)


def test_a_question_asks_after_an_event() -> None:
    assert asks_nothing("Why does Tallow matter?", QUOTES)
    assert asks_nothing("What speaks against SK Hynix?", QUOTES)
    assert not asks_nothing("Why does it matter that the tests of Tallow were deleted?", QUOTES)
    assert not asks_nothing("What happens next?", QUOTES)
