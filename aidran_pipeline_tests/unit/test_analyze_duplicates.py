"""Near-duplicates as a pure function: what is a copy, what is not, and that all pairs of copies are found."""

from __future__ import annotations

import random
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.analyze.duplicates import SAME, Text, earlier_twins, jaccard, shingles

REPORT = (
    "The Lindqvist Institute opened a data centre in Aldmoor on Tuesday. The hall runs 12,000 graphics cards and was paid "
    "for by the port. Fishers fear that the water it returns will warm the harbour."
)


def twins(*texts: str) -> dict[int, int]:
    return {new: first for new, (first, _) in earlier_twins([Text(i, t) for i, t in enumerate(texts)]).items()}


@pytest.mark.parametrize(
    "copy",
    [
        REPORT, REPORT.upper(), REPORT.replace(".", " ."), REPORT + " https://example.org/x?utm=1", "RT " + REPORT,
        REPORT.replace("Tuesday", "Wednesday"), "“" + REPORT + "”", REPORT.replace(" ", "\n"), REPORT + " #AI #water",
    ],
)  # fmt: skip
def test_a_copy_is_found_although_it_was_dressed_up(copy: str) -> None:
    assert twins(REPORT, copy) == {1: 0}


@pytest.mark.parametrize(
    "other",
    [
        "Fishers in Aldmoor fear that the new data centre of the Lindqvist Institute will warm the harbour.",
        " ".join(REPORT.split()[: len(REPORT.split()) // 2]),
        "A wholly different text about graphics cards, ports and the price of water in the harbour of Aldmoor.",
        "",
        "ok",
    ],
)
def test_another_text_is_none(other: str) -> None:
    assert twins(REPORT, other) == {}


def test_short_remarks_are_nobodys_copy() -> None:
    assert twins("so true", "so true", "lol no way", "lol no way") == {}


def test_copies_of_copies_lead_to_the_first() -> None:
    second = REPORT.replace("Tuesday", "Wednesday")
    third = second.replace("12,000", "13,000")
    assert twins(REPORT, second, third) == {1: 0, 2: 0}


def test_nearly_all_copies_among_many_texts_are_found() -> None:
    """The signatures are a sieve: what they let through is verified, what they miss is counted here."""
    rng = random.Random(7)
    words = ["".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(800)]
    texts = [" ".join(rng.choices(words, k=40)) for _ in range(300)]
    copies = []
    for text in texts:
        parts = text.split()
        for _ in range(2):
            parts[rng.randrange(len(parts))] = rng.choice(words)
        copies.append(" ".join(parts))
    expected = [
        i for i, (a, b) in enumerate(zip(texts, copies, strict=True)) if jaccard(shingles(a), shingles(b)) >= SAME
    ]
    found = twins(*texts, *copies)
    missed = [i for i in expected if found.get(300 + i) != i]
    assert len(expected) > 150 and len(missed) <= 0.05 * len(expected)
    assert all(new >= 300 and first == new - 300 for new, first in found.items()), "and nothing else"


def test_a_flood_of_copies_costs_no_more_than_its_length() -> None:
    """A wire story or a swarm of accounts: three thousand copies, some of them dressed up a little."""
    flood = [REPORT + (f" #{i % 7}" if i % 3 else "") for i in range(3000)]
    started = time.perf_counter()
    found = twins(*flood)
    assert time.perf_counter() - started < 10
    assert set(found.values()) == {0} and len(found) == 2999


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_texts_are_compared_without_harm(texts: list[str]) -> None:
    found = earlier_twins([Text(i, t) for i, t in enumerate(texts)])
    assert all(first < new and SAME <= similarity <= 1 for new, (first, similarity) in found.items())
    assert all(first not in found for first, _ in found.values()), "the first of a group is nobody's copy"
