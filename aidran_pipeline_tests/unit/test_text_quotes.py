"""Finding quotations through the normalising offset map: what matches, what must not, in whose characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.text import find_quote, find_quotes, normalise

FOUND = [
    ("curly quotes", "He said “it’s over” and left.", "\"it's over\"", "“it’s over”"),
    ("straight for curly", "He said \"it's over\" and left.", "“it’s over”", "\"it's over\""),
    ("guillemets", "Er sagte «genug» und ging.", '"genug"', "«genug»"),
    ("dashes", "Costs fell 10–12 percent — again.", "10-12 percent - again", "10–12 percent — again"),
    ("minus", "It was −5 degrees.", "-5 degrees", "−5 degrees"),
    ("non-breaking space", "It costs 30\u00a0% more.", "30 % more", "30\u00a0% more"),
    ("narrow space", "It costs 30\u202f% more.", "30 % more", "30\u202f% more"),
    ("line break in the source", "It costs\n  more than before.", "costs more than", "costs\n  more than"),
    ("full width", "ＡＩ is here.", "AI is here", "ＡＩ is here"),
    ("ligature", "The ﬁrst ofﬁce.", "first office", "ﬁrst ofﬁce"),
    ("composed for decomposed", "The cafe\u0301 opened.", "café opened", "cafe\u0301 opened"),
    ("decomposed for composed", "The café opened.", "cafe\u0301 opened", "café opened"),
    ("soft hyphen", "Arti\u00adficial minds.", "Artificial minds", "Arti\u00adficial minds"),
    ("zero width space", "open\u200bsource models", "opensource models", "open\u200bsource models"),
    ("capital for small", "But the model failed twice.", "The model failed", "the model failed"),
    ("small for capital", "The model failed twice.", "the model failed", "The model failed"),
    ("emoji with its selector", "We ❤️ this.", "We ❤", "We ❤️"),
    ("astral characters before it", "😀😀 Numbers matter.", "Numbers matter", "Numbers matter"),
    ("an ellipsis of the source's own", "It was… fine, he said.", "It was... fine", "It was… fine"),
    ("no spaces in the script", "これは速いが高い。", "速いが", "速いが"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "quote", "own"), [c[1:] for c in FOUND], ids=[c[0] for c in FOUND])
def test_typography_does_not_hide_a_quotation(text: str, quote: str, own: str) -> None:
    span = find_quote(text, quote)
    assert span is not None and span.of(text) == own


REFUSED = [
    ("a word left out", "The model did not fail.", "The model did fail"),
    ("an ellipsis that joins two places", "The model failed. It was not cheap.", "The model … was cheap"),
    ("three dots that join two places", "The model failed and it was cheap.", "The model... was cheap"),
    ("half of a word", "They were unable to pay.", "able to pay"),
    ("half of a word at the end", "They tested robots.", "They tested robot"),
    ("half of a figure", "It fell 45 percent.", "5 percent"),
    ("the decimals of a figure", "It fell 1.5 percent.", "5 percent"),
    ("the thousands of a figure", "They fired 12,000 people.", "They fired 12"),
    ("half of a ligature", "An oﬀ day", "An of"),
    ("a letter without its accent", "The resume\u0301 was read.", "The resume"),
    ("a composed letter without its accent", "The resumé was read.", "The resume"),
    ("half of a joined emoji", "An astronaut 👩‍🚀 speaks.", "An astronaut 👩"),
    ("another case inside", "The Model failed.", "The model failed"),
    ("twice", "It works. It works.", "It works"),
    ("nothing", "It works.", "  "),
    ("invisible", "It works.", "\u200b"),
    ("more than the text", "It works.", "It works. And it is cheap."),
    ("other figures", "It fell 45 percent.", "It fell 46 percent"),
]


@pytest.mark.parametrize(("text", "quote"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_the_source_does_not_say_is_not_found(text: str, quote: str) -> None:
    assert find_quote(text, quote) is None


def test_every_place_is_told() -> None:
    assert [s.start for s in find_quotes("It works. Yes, It works.", "It works")] == [0, 15]


def test_as_asked_comes_before_another_first_letter() -> None:
    text = "The end. Nobody saw the end."
    assert find_quote(text, "The end") == find_quotes(text, "The end")[0]
    assert find_quote(text, "the end").start == text.index("the end")  # type: ignore[union-attr]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_the_map_points_into_the_source_and_never_back(text: str) -> None:
    folded = normalise(text)
    assert len(folded.offsets) == len(folded.text) and folded.length == len(text)
    assert list(folded.offsets) == sorted(folded.offsets)
    assert all(0 <= o < max(1, len(text)) for o in folded.offsets)
    assert normalise(folded.text).text == folded.text, "folding twice changes nothing"
    assert "  " not in folded.text and folded.text == folded.text.strip()


WORDS = st.lists(st.sampled_from("the model failed “twice” in 2026 – it’s 30 % of cafés é ＡＩ ﬁrst".split()), min_size=3, max_size=20)  # fmt: skip


@given(WORDS, st.data())
@settings(max_examples=300, deadline=None)
def test_any_run_of_words_is_found_where_it_stands_however_it_is_typed(words: list[str], data: st.DataObject) -> None:
    """A plain retyping of some words of the text is found among the places, in the text's own characters."""
    text = " ".join(words)
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    own = " ".join(words[start:end])
    at = len(" ".join(words[:start])) + (1 if start else 0)
    typed = unicodedata.normalize("NFKD", own)
    for curly, straight in (("“", '"'), ("”", '"'), ("’", "'"), ("–", "-")):
        typed = typed.replace(curly, straight)
    assert (at, at + len(own)) in [(s.start, s.end) for s in find_quotes(text, typed)]


@given(TEXT, TEXT)
@settings(max_examples=300, deadline=None)
def test_what_is_found_says_what_was_asked(text: str, quote: str) -> None:
    """Nothing invented: a span folds to the quotation, but for the case of its first letter."""
    for span in find_quotes(text, quote):
        found, asked = normalise(span.of(text)).text, normalise(quote).text
        assert found[1:] == asked[1:] and found[:1].lower() == asked[:1].lower()
