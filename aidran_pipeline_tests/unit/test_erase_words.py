"""Words of what is erased, found however they are written; words that others say as well are left to them."""

from __future__ import annotations

import pytest

from aidran_pipeline.erase.words import BLANK, Erased, runs_of

TEXT = "Nobody asked the fishers before the intake pipe went in, and “the basin” is warming already."
ERASED = Erased([TEXT], ["voice5.sample.test"])


@pytest.mark.parametrize(
    "said",
    [
        TEXT,
        "2026-05-20-ai-science-nobody-asked-the-fishers-before",
        "asked the fishers before",
        "Headline told before: NOBODY ASKED THE FISHERS…",
        "and \\u201cthe basin\\u201d is",
        "and &ldquo;the basin&rdquo; is",
        "@voice5.sample.test wrote: something else",
    ],
)
def test_words_are_found_in(said: str) -> None:
    assert ERASED.in_text(said)


@pytest.mark.parametrize(
    "said", ["", "the fishers before", "the basin is cold", "A port opened a hall.", "voice55.sample.test"]
)
def test_words_are_not_found_in(said: str) -> None:
    assert not ERASED.in_text(said)


def test_what_a_source_that_stays_says_as_well_is_left_to_it() -> None:
    said = "Nobody asked the fishers"
    assert not ERASED.in_text(said, runs_of("Nobody asked the fishers, a union says"))
    assert ERASED.in_text(f"{said} before the intake pipe", runs_of("Nobody asked the fishers, a union says"))


def test_a_text_of_few_words_is_found_whole() -> None:
    few = Erased(["Zebra crossings hum"], [])
    assert few.in_text("They say zebra crossings hum at night")
    assert not few.in_text("zebra crossings")


def test_json_is_blanked_where_it_holds_words_and_nowhere_else() -> None:
    value = {"a": [1, TEXT, {"b": "kept"}], "detail": "kept as well", TEXT: True}
    assert ERASED.out_of(value) == ({"a": [1, BLANK, {"b": "kept"}], "detail": "kept as well", BLANK: True}, True)
    assert ERASED.out_of({"a": ["kept", 1, None]}) == ({"a": ["kept", 1, None]}, False)
