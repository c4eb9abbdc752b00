"""The sentences that the engine may write in its own voice: each template passes its judge, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from aidran_pipeline.write import wording
from aidran_pipeline.write.draft import CountFact, Sentence
from aidran_pipeline.write.judge import foreign_facts, known_skeletons, own_words
from aidran_pipeline_tests.faults.clean_story import use

QUOTED = use(2, "Critics warn that the intake warms the basin")
FILLED = {
    "q": f"“{QUOTED.quote}”", "t": "[[1]]", "who": "Circuit Weekly", "site": "Circuit Weekly", "platform": "Bluesky",
    "sub": "Reddit", "places": "Bluesky and Reddit", "names": "Circuit Weekly [[1]]", "label": "AI in Healthcare",
    "date": "20 May", "verb": "wrote", "n": "#one", "outlets": "#two", "tail": "#three", "days": "#four", "outlet": "#five",
    "moment": "#six", "observed": "#seven", "expected": "#eight", "history": "#nine", "subject": "Critics", "a": "", "b": "",
    "since": "#ten",
}  # fmt: skip
FACTS = [CountFact(value, "records", 1) for value in FILLED.values() if value.startswith("#")]
# Words that say what a source did with the truth, or that something is not so.
LOADED = ("lied", "denied", "admitted", "falsely", "never", "wrongly", "reportedly", "again")


def templates() -> Iterator[str]:
    """Every template but the frame of two voices, which takes two sentences."""
    for name, value in vars(wording).items():
        if not name.isupper() or name in ("VERBS", "OTHER_VERBS", "POST_PAIR"):
            continue
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                yield item
            else:
                stack.extend(item.values() if isinstance(item, dict) else item)


TEMPLATES = sorted(set(templates()))


def sentence(text: str) -> Sentence:
    part = "question" if text.endswith("?") else "body"
    return Sentence(part, text, 1, 1, "synthesis", rests_on=[0], facts=list(FACTS))


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 40
    assert len(known_skeletons()) > len(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_passes_and_one_word_more_does_not(template: str) -> None:
    assert QUOTED.source.day == date(2026, 5, 20)
    text = template.format(**FILLED)
    assert own_words(sentence(text), [QUOTED], "AI in Healthcare") is None
    first, _, rest = template.partition(" ")
    for word in LOADED:
        altered = f"{first} {word} {rest}".format(**FILLED)
        assert own_words(sentence(altered), [QUOTED], "AI in Healthcare") is not None, word


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_word_of_a_template_is_taken_for_a_name(template: str) -> None:
    found = foreign_facts(sentence(template.format(**FILLED)), [QUOTED], "AI in Healthcare")
    assert set(found) <= {"Bluesky", "Reddit"}  # which a post of theirs would carry


def test_a_list_of_outlets_is_one() -> None:
    other = use(1, "The hall draws its cooling water from the harbour")
    text = "Reports to the same effect came from Circuit Weekly [[1]] and Harbour Ledger [[2]]."
    assert own_words(sentence(text), [QUOTED, other], "AI in Healthcare") is None
    assert own_words(sentence(text), [QUOTED], "AI in Healthcare") is not None


@pytest.mark.parametrize("joint", ["; ", ", and "])
def test_two_voices_share_a_sentence(joint: str) -> None:
    text = f"Circuit Weekly wrote “{QUOTED.quote}” [[1]]{joint}Circuit Weekly argued “{QUOTED.quote}” [[1]]."
    assert own_words(sentence(text), [QUOTED], "AI in Healthcare") is None
    assert own_words(sentence(text.replace("argued", "lied")), [QUOTED], "AI in Healthcare") is not None
