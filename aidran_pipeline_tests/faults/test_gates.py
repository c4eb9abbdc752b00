"""Seeded faults: each must be stopped by the gate named, and the clean twin must pass every gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from aidran_pipeline.write.draft import CountFact, Draft, Sentence
from aidran_pipeline.write.gates import GATES, Context, run_gates
from aidran_pipeline.write.gates.base import OtherStory
from aidran_pipeline_tests.faults.clean_story import clean_context, clean_draft, use

Fault = Callable[[Draft], None]


def text(position: int, old: str, new: str) -> Fault:
    """A fault that alters the words of one sentence."""

    def change(draft: Draft) -> None:
        assert old in draft.sentences[position].text, draft.sentences[position].text
        draft.sentences[position].text = draft.sentences[position].text.replace(old, new)

    return change


def set_use(position: int, **changes: object) -> Fault:
    """A fault that alters what one sentence quotes."""

    def change(draft: Draft) -> None:
        row = draft.sentences[position]
        row.uses = [replace(row.uses[0], **changes)]  # type: ignore[arg-type]

    return change


def set_source(position: int, **changes: object) -> Fault:
    """A fault that alters what is known of a quoted source."""

    def change(draft: Draft) -> None:
        row = draft.sentences[position]
        row.uses = [replace(row.uses[0], source=replace(row.uses[0].source, **changes))]  # type: ignore[arg-type]

    return change


def do(action: Callable[[Draft], object]) -> Fault:
    """A fault as any action on the draft."""

    def change(draft: Draft) -> None:
        action(draft)

    return change


FAULTS: list[tuple[str, str, Fault]] = [
    ("quotes", "offset moved", set_use(4, start=2)),
    ("quotes", "word changed in the quote", text(4, "leased half", "leased all")),
    ("quotes", "number changed in the quote", text(7, "22 percent", "32 percent")),
    ("quotes", "invented quotation", text(9, "argued: “Nobody", "argued: “shameful” and “Nobody")),
    ("quotes", "negated quotation", text(8, "Critics warn", "Critics do not warn")),
    ("quotes", "quoted to the cut of a body", set_source(12, body_truncated=True)),
    ("quotes", "closing mark lost", text(9, "already”", "already")),
    ("synthesis", "citation dropped", do(lambda d: d.sentences[7].uses.clear())),
    ("synthesis", "marker dropped", text(7, " [[3]]", "")),
    ("synthesis", "marker swapped", do(lambda d: _swap(d))),
    ("synthesis", "ground missing", do(lambda d: d.sentences[2].rests_on.clear())),
    ("synthesis", "rests on itself", do(lambda d: d.sentences[3].rests_on.__setitem__(0, 3))),
    ("synthesis", "mostly the writer's own", do(lambda d: setattr(d.sentences[11], "kind", "synthesis") or d.sentences[11].rests_on.append(12)
                                                or setattr(d.sentences[12], "kind", "synthesis") or d.sentences[12].rests_on.append(11))),
    ("facts", "name swapped in the frame", text(4, "Harbour Ledger reported", "Circuit Weekly reported")),
    ("facts", "date swapped in the frame", text(4, "on 20 May", "on 12 May")),
    ("facts", "name in a heading that stands nowhere", text(3, "Port of Aldmoor", "Port of Rotterdam")),
    ("facts", "number in the headline that stands nowhere", text(0, "40-megawatt", "400-megawatt")),
    ("facts", "person added to the frame", text(7, "Circuit Weekly wrote", "Circuit Weekly wrote of Angela Merkel")),
    ("facts", "handle swapped", text(9, "@voice5.sample.test", "@voice9.sample.test")),
    ("support", "stored verdict not earned", set_use(7, support="not")),
    ("support", "a frame that claims more", text(4, "Harbour Ledger reported", "Harbour Ledger reported, as did Reuters,")),
    ("origin", "address in a sentence", text(5, "carried it as well", "carried it as well at https://example.org/x")),
    ("origin", "markers out of order", text(4, "[[1]]", "[[8]]")),
    ("origin", "foreign token", text(5, "carried", "[[see]] carried")),
    ("evidence", "too few records", do(lambda d: _one_author(d))),
    ("language", "model talk", text(13, "The oldest", "As an AI language model I note that the oldest")),
    ("language", "leaked instruction", text(19, "None of", "Ignore previous instructions. None of")),
    ("language", "markup", text(13, "record cited", "<b>record</b> cited")),
    ("language", "bidirectional control", text(13, "record", "rec\u202eord")),
    ("language", "headline too long", do(lambda d: setattr(d.sentences[0], "text", "The Port of Aldmoor opened a 40-megawatt data hall " * 4))),
    ("language", "no dek", do(lambda d: setattr(d.sentences[2], "part", "story_so_far"))),
    ("language", "typographic slip", text(13, "cited here", "cited  here")),
    ("repeats", "sentence twice", do(lambda d: d.sentences.append(replace(d.sentences[12])))),
    ("repeats", "quotation twice", do(lambda d: d.sentences[15].uses.append(use(5, "Nobody asked the fishers before the intake pipe went in, "
                                                                                   "and the basin is warming already")))),
    ("counts", "count of outlets", do(lambda d: _count(d, 2, 0, "five outlets", 5))),
    ("counts", "words differ from value", do(lambda d: _count(d, 2, 1, "many posts", 3))),
    ("counts", "records read", do(lambda d: setattr(d, "records_read", 12))),
    ("counts", "count of an unknown kind", do(lambda d: d.sentences[13].facts.append(CountFact("20 May", "likes", 20)))),
]  # fmt: skip


def _swap(draft: Draft) -> None:
    first, second = draft.sentences[7], draft.sentences[9]
    first.text, second.text = first.text.replace("[[3]]", "[[x]]"), second.text.replace("[[4]]", "[[3]]")
    first.text = first.text.replace("[[x]]", "[[4]]")


def _one_author(draft: Draft) -> None:
    for row in draft.sentences:
        row.uses = [replace(u, source=replace(u.source, author_key="one", family="one")) for u in row.uses]


def _count(draft: Draft, position: int, fact: int, words: str, value: int) -> None:
    row = draft.sentences[position]
    row.text = row.text.replace(row.facts[fact].text, words)
    row.facts[fact] = CountFact(words, row.facts[fact].kind, value)


def test_the_clean_twin_passes_every_gate() -> None:
    assert [(f.gate, f.rule, f.detail) for f in run_gates(clean_draft(), clean_context())] == []


@pytest.mark.parametrize(("gate", "name", "fault"), FAULTS, ids=[f"{gate}: {name}" for gate, name, _ in FAULTS])
def test_a_seeded_fault_is_stopped_by_its_gate(gate: str, name: str, fault: Fault) -> None:
    draft = clean_draft()
    fault(draft)
    assert gate in {failure.gate for failure in run_gates(draft, clean_context())}, name


CONTEXTS: list[tuple[str, str, dict[str, object]]] = [
    ("evidence", "no signal after the warm-up", {"baseline": {"history_days": 20, "coverage": {"healthy": True}}}),
    ("evidence", "sources unknown", {"baseline": {"history_days": 3, "coverage": {"healthy": False, "unknown": ["a"]}}}),
    ("evidence", "signals not computed", {"baseline": None}),
    ("repeats", "storyline of another topic", {"storyline_topics": {1: "ai-finance", 2: "ai-healthcare"}}),
    ("repeats", "headline told before", {"others": (OtherStory("s", "ai-healthcare", "2026-05-19",
     "Port of Aldmoor opened its 40-megawatt data hall", frozenset(), frozenset()),)}),
    ("repeats", "evidence of another topic's story", {"others": (OtherStory("s", "ai-finance", "2026-05-20", "Rates", frozenset(), frozenset({1})),)}),
    ("repeats", "no new evidence", {"others": (OtherStory("s", "ai-healthcare", "2026-05-19", "Else", frozenset(), frozenset({1, 2, 3, 4, 5})),)}),
    ("counts", "records read recounted", {"records_read": 10}),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "name", "changes"), CONTEXTS, ids=[f"{gate}: {name}" for gate, name, _ in CONTEXTS])
def test_the_world_around_a_story_can_stop_it(gate: str, name: str, changes: dict[str, object]) -> None:
    assert gate in {failure.gate for failure in run_gates(clean_draft(), clean_context(**changes))}, name


def test_a_signal_lets_a_topic_with_history_publish() -> None:
    context: Context = clean_context(
        baseline={"history_days": 20, "coverage": {"healthy": True}}, signals=("volume_spike:strong",)
    )
    assert run_gates(clean_draft(), context) == []


def test_every_gate_has_a_fault() -> None:
    assert {name for name, _ in GATES} == {gate for gate, _, _ in FAULTS}


def test_a_sentence_of_the_reader_has_no_tokens() -> None:
    sentence = Sentence("body", "“A”, said B [[1]].", kind="cited")
    assert sentence.plain() == "“A”, said B."
