"""Sentence splitting: the hard cases one by one, and what must hold for any text at all."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidran_pipeline.text import split_sentences
from aidran_pipeline.text.sentences import BULLET
from benchmarks.sentences import Case, gold_cases, naive

CASES = list(gold_cases())
FRAGMENTS = st.sampled_from(
    ["Dr. ", "U.S. ", "e.g. ", "No. 5 ", "$2.5bn. ", "Inc. ", "… ", "... ", "?! ", "“", "” ", '"', "(", ") ", "\n", "\r\n",
     "- ", "1. ", "https://a.b/c?d=e. ", "#AI ", "@a.b ", "🎉 ", "👩‍🚀", "。", "」", "The ", "a", "A", "I", " ", "\u00a0",
     "\u2028", "é", "ß", "9", ".", "!", "\t", "\u200b", "\x00", "word ", "Word "]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.lists(FRAGMENTS, max_size=60).map("".join)
)


def test_there_are_enough_hard_cases() -> None:
    assert len(CASES) >= 60 and len({case.group for case in CASES}) >= 8


@pytest.mark.parametrize("case", CASES, ids=[f"{case.group}: {case.text[:40]!r}" for case in CASES])
def test_hard_cases(case: Case) -> None:
    assert [s.of(case.text) for s in split_sentences(case.text)] == [s.of(case.text) for s in case.spans]


def test_the_cases_are_hard() -> None:
    """The usual one-liner fails in many of them: the set tells splitters apart."""
    assert sum(tuple(naive(case.text)) != case.spans for case in CASES) > len(CASES) / 3


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_spans_are_ordered_disjoint_inside_and_trimmed(text: str) -> None:
    spans = split_sentences(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(s.of(text) == s.of(text).strip() for s in spans)


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_nothing_but_white_space_and_list_marks_is_lost(text: str) -> None:
    held = [False] * len(text)
    for span in split_sentences(text):
        held[span.start : span.end] = [True] * (span.end - span.start)
    offset = 0
    for line in text.splitlines(keepends=True):
        mark = BULLET.match(line)
        for i, char in enumerate(line, start=offset):
            assert held[i] or char.isspace() or (mark and i < offset + mark.end()), (char, line)
        offset += len(line)


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_a_line_break_ends_a_sentence_so_that_lines_do_not_depend_on_each_other(above: str, below: str) -> None:
    alone = [s.of(above) for s in split_sentences(above)] + [s.of(below) for s in split_sentences(below)]
    both = f"{above}\n{below}"
    assert [s.of(both) for s in split_sentences(both)] == alone


def test_offsets_count_code_points() -> None:
    text = "👩‍🚀🇫🇷 é\u0301 Ärger.  Ein Satz."
    assert [text[s.start : s.end] for s in split_sentences(text)][-1] == "Ein Satz."
    assert split_sentences("😀 Yes.")[-1].start == 2


HOSTILE = {
    "stops": ".", "abbreviations": "e.g. ", "dashes": "a-", "one word": "a", "tags": "#a ", "emoji": "🎉", "brackets": "(",
    "full brackets": "(a.) ", "quotes": "“", "straight quotes": '"', "marks": "!?", "initials": "A. ", "links": "http://",
    "hosts": "x.x/", "wide stops": "。」", "space": " ", "list": "1. ",
}  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_line_costs_no_more_than_its_length(piece: str) -> None:
    """Quadratic work on 50,000 characters would take minutes."""
    text = piece * (50_000 // len(piece)) + "x"
    started = time.perf_counter()
    split_sentences(text)
    assert time.perf_counter() - started < 5
