"""The judge of model prose: a faithful paraphrase passes, each kind of distortion is refused with its reason."""

from __future__ import annotations

import pytest

from aidran_pipeline.write.support import support

BROWSER = ["OpenAI may launch its own browser next month, two people familiar with the plan said."]
SUED = ["Musk sued OpenAI in San Francisco on Monday."]
COUNCIL = ["The council rejected the plan to build a data centre near the river."]
RAISED = [
    "Anthropic raised $3.5 billion in March from investors led by Lightspeed.",
    "Some workers fear for their jobs.",
]
FINE = ["The regulator fined the firm 40 million euros.", "Its shares fell in late trading."]


@pytest.mark.parametrize(
    ("sentence", "quotes"),
    [
        ("OpenAI may launch a browser next month.", BROWSER),
        ("OpenAI might launch its own browser next month.", BROWSER),
        ("OpenAI was sued by Musk.", SUED),
        ("On Monday, Musk sued OpenAI.", SUED),
        ("The council rejected a plan for a data centre near the river.", COUNCIL),
        ("The council did not approve the plan to build the data centre.", COUNCIL),
        ("Anthropic raised 3.5 billion dollars from investors in March.", RAISED),
        ("Some workers fear for their jobs.", RAISED),
        ("A fine of 40 million euros was imposed on the firm by the regulator.", FINE),
    ],
)
def test_a_faithful_sentence_is_supported(sentence: str, quotes: list[str]) -> None:
    verdict = support(sentence, quotes)
    assert verdict.verdict == "supported", verdict


@pytest.mark.parametrize(
    ("sentence", "quotes", "reason"),
    [
        ("OpenAI launched its own browser.", BROWSER, "hedge"),
        ("OpenAI will launch its own browser next month.", BROWSER, "hedge"),
        ("Google may launch its own browser next month.", BROWSER, "Google"),
        ("OpenAI sued Musk in San Francisco on Monday.", SUED, "roles"),
        ("Musk was sued by OpenAI in San Francisco.", SUED, "roles"),
        ("The council approved the plan to build a data centre near the river.", COUNCIL, "approv"),
        ("Anthropic raised $3.5 million in March.", RAISED, "$3.5 million"),
        ("Anthropic raised $3.5 billion in May.", RAISED, "May"),
        ("Anthropic did not raise $3.5 billion from investors in March.", RAISED, "negation"),
        ("All workers fear for their jobs.", RAISED, "quantifier"),
        ("The shares of the firm fell because the regulator fined it 40 million euros.", FINE, "cause"),
        ("The treaty on fisheries was signed by ministers in Lisbon.", FINE, "says more"),
    ],
)
def test_a_distortion_is_refused_with_its_reason(sentence: str, quotes: list[str], reason: str) -> None:
    verdict = support(sentence, quotes)
    assert verdict.verdict != "supported"
    assert any(reason in given for given in verdict.reasons), verdict


def test_what_metadata_states_needs_no_quote() -> None:
    sentence = "The Guardian reported on 3 May that the council rejected the plan to build a data centre."
    assert support(sentence, COUNCIL).verdict != "supported"
    assert support(sentence, COUNCIL, metadata=["The Guardian · 3 May 2026 · Sunday"]).verdict == "supported"


def test_nothing_supports_without_quotes() -> None:
    assert support("The council rejected the plan.", []).verdict == "not"
    assert support("The council rejected the plan.", ["  "]).verdict == "not"
    assert support(" ", COUNCIL).verdict == "not"
