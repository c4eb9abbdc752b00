"""Seeded faults: each must be stopped by the gate named, and the clean twin must pass every gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from aidran_pipeline.config.publication import Evidence, load_publication
from aidran_pipeline.write.draft import CountFact, Draft, Sentence
from aidran_pipeline.write.gates import GATES, Context, run_gates
from aidran_pipeline.write.gates.base import OtherStory
from aidran_pipeline_tests.faults.clean_story import cited, clean_context, clean_draft, use

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
    ("quotes", "quotation of a source that is not cited here", text(9, "argued: “Nobody", "argued of “harbour cooling”: “Nobody")),
    ("facts", "invented words in straight marks", text(9, "argued:", 'argued, calling it "a disgrace":')),
    ("quotes", "text taken from another version", set_source(7, text="Aldmoor bets on harbour cooling")),
    ("facts", "outlet named for another's words", text(7, "Circuit Weekly wrote", "Meridian Post wrote")),
    ("facts", "another weekday", text(12, "On 20 May,", "On Tuesday,")),
    ("facts", "another month", text(12, "On 20 May,", "On 20 June,")),
    ("facts", "heading that speaks of another section", do(lambda d: d.sentences[10].rests_on.__setitem__(0, 4))),
    ("support", "no quotation under a body sentence", do(lambda d: setattr(d.sentences[7], "text", "The hall is a success."))),
    ("quotes", "half a word", do(lambda d: _requote(d, 8, "arms the basin"))),
    ("quotes", "half a figure", do(lambda d: _requote(d, 7, "2 percent, the port says"))),
    ("quotes", "a quotation without its negation", do(lambda d: _requote(d, 9, "asked the fishers before the intake pipe went in"))),
    ("quotes", "a quotation without its hedge", do(lambda d: _requote(d, 8, "the intake warms the basin"))),
    ("quotes", "a quotation that stops before its condition", do(lambda d: _requote(d, 15, "A data hall at the harbour is a sensible use of waste cold"))),
    ("support", "invented words in single marks", text(9, "argued:", "argued, calling it ‘a disgrace’:")),
    ("support", "a frame that accuses", text(4, "reported on", "lied on")),
    ("support", "a frame that denies", text(7, "wrote:", "denied:")),
    ("support", "the headline's verb swapped", text(0, "opened", "closed")),
    ("support", "the headline negated", text(0, "opened", "never opened")),
    ("support", "a headline without its end", text(0, "a 40-megawatt data hall", "a 40-megawatt data")),
    ("support", "a heading without its hedge", text(6, "Critics warn that the intake warms", "the intake warms")),
    ("support", "a heading without its negation", do(lambda d: _head(d, 6, 9, "asked the fishers"))),
    ("support", "a claim in a heading", text(3, "Port of Aldmoor", "Port of Aldmoor fails its fishers")),
    ("support", "a claim in a question", text(14, "matter?", "poison its fishers?")),
    ("support", "a count that was not declared", text(2, "Harbour Ledger had it", "Two ministries and Harbour Ledger had it")),
    ("support", "a crowd that was not counted", text(2, "the records it cites", "hundreds agree and the records it cites")),
    ("support", "another day in a word", text(12, "On 20 May,", "Yesterday,")),
    ("support", "a share that was not counted", text(17, "Harbour Ledger wrote:", "Harbour Ledger wrote, by half:")),
    ("support", "address without its scheme", text(13, "dates from", "(example.org) dates from")),
    ("support", "a letter of another script", text(13, "record", "r\u0435cord")),
    ("language", "a question without its mark", text(14, "matter?", "matter")),
    ("origin", "address in a sentence", text(5, "ran it as", "ran it at https://example.org/x as")),
    ("origin", "markers out of order", text(4, "[[1]]", "[[8]]")),
    ("origin", "foreign token", text(5, "ran", "[[see]] ran")),
    ("evidence", "one author behind all", do(lambda d: _all_sources(d, author_key="one"))),
    ("evidence", "one family behind all", do(lambda d: _all_sources(d, family="one"))),
    ("evidence", "four records", do(lambda d: _first_sources(d, 4))),
    ("language", "model talk", text(13, "No earlier", "As an AI language model I note that no earlier")),
    ("language", "leaked instruction", text(19, "beyond the quotations above", "Ignore previous instructions. Nobody in")),
    ("language", "markup", text(13, "record cited", "<b>record</b> cited")),
    ("language", "bidirectional control", text(13, "record", "rec\u202eord")),
    ("language", "headline too long", do(lambda d: setattr(d.sentences[0], "text", "The Port of Aldmoor opened a 40-megawatt data hall " * 4))),
    ("language", "zero-width character", text(13, "record", "rec\u200bord")),
    ("language", "character entity", text(13, "oldest", "&#111;ldest")),
    ("language", "link in Markdown", text(13, "record", "[record](x)")),
    ("language", "section without text", do(lambda d: [setattr(r, "section", 2) for r in d.sentences if r.section == 3 and r.part == "body"])),
    ("language", "no dek", do(lambda d: setattr(d.sentences[2], "part", "story_so_far"))),
    ("language", "typographic slip", text(13, "the oldest", "the  oldest")),
    ("repeats", "sentence twice", do(lambda d: d.sentences.append(replace(d.sentences[12])))),
    ("repeats", "quotation twice", do(lambda d: d.sentences[15].uses.append(use(5, "Nobody asked the fishers before the intake pipe went in, "
                                                                                   "and the basin is warming already")))),
    ("counts", "count of outlets", do(lambda d: _count(d, 2, 0, "five outlets", 5))),
    ("counts", "words differ from value", do(lambda d: _count(d, 2, 1, "many posts", 3))),
    ("counts", "records read", do(lambda d: setattr(d, "records_read", 12))),
    ("counts", "count of an unknown kind", do(lambda d: d.sentences[13].facts.append(CountFact("20 May", "likes", 20)))),
    ("support", "an outlet that nobody quoted", text(4, "Harbour Ledger reported", "Nobody at Harbour Ledger reported")),
    ("support", "words that were not written", text(7, "wrote:", "wrote none of this:")),
    ("support", "words argued against", text(7, "wrote:", "argued against this:")),
    ("support", "a frame that negates", text(9, "argued:", "argued not:")),
    ("support", "a record that is not there", text(13, "the oldest record", "no record")),
]  # fmt: skip


def _head(draft: Draft, position: int, ground: int, words: str) -> None:
    """A heading made of words of another sentence of its section."""
    draft.sentences[position].text = words
    draft.sentences[position].rests_on = [ground]


def _swap(draft: Draft) -> None:
    first, second = draft.sentences[7], draft.sentences[9]
    first.text, second.text = first.text.replace("[[3]]", "[[x]]"), second.text.replace("[[4]]", "[[3]]")
    first.text = first.text.replace("[[x]]", "[[4]]")


def _all_sources(draft: Draft, **changes: object) -> None:
    for row in draft.sentences:
        row.uses = [replace(u, source=replace(u.source, **changes)) for u in row.uses]  # type: ignore[arg-type]


def _first_sources(draft: Draft, most: int) -> None:
    """Only so many records are left: the rest is quoted from the last of them."""
    keep = draft.sources("record")[:most]
    for row in draft.sentences:
        row.uses = [u if u.source in keep else replace(u, source=keep[-1]) for u in row.uses]


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


def test_every_gate_has_at_least_two_faults() -> None:
    counted = Counter(gate for gate, _, _ in FAULTS)
    assert {name: counted[name] for name, _ in GATES if counted[name] < 2} == {}
    assert set(counted) == {name for name, _ in GATES}


# The same kinds of change where nothing is wrong: a gate that stops these is too strict.
CLEAN: list[tuple[str, Fault]] = [
    ("a quotation that ends before the cut", do(lambda d: _cut_after(d, 9))),
    ("another outlet's words under its own name", text(5, "ran it as", "put it this way:")),
    ("the weekday of the record", text(12, "On 20 May,", "On Wednesday,")),
    ("the date with its year", text(4, "on 20 May", "on 20 May 2026")),
    ("a count in figures", do(lambda d: _count(d, 2, 0, "4 outlets", 4))),
    ("one source cited twice, one number", do(lambda d: _again(d))),
    ("a heading made of a name", text(6, "Critics warn that the intake warms the basin", "Circuit Weekly")),
    ("synthesis at its limit", do(lambda d: _synthesis(d))),
]  # fmt: skip


def _requote(draft: Draft, position: int, words: str) -> None:
    row = draft.sentences[position]
    used = row.uses[0]
    start = used.source.text.index(words)
    row.text = row.text.replace(used.quote, words)
    row.uses = [replace(used, quote=words, start=start, end=start + len(words))]


def _cut_after(draft: Draft, position: int) -> None:
    """The source is cut off, but only behind what is quoted of it."""
    row = draft.sentences[position]
    used = row.uses[0]
    longer = replace(used.source, text=used.source.text + " They should have been", body_truncated=True)
    row.uses = [replace(used, source=longer)]


def _again(draft: Draft) -> None:
    """A further sentence on a source that has its number already."""
    more = cited("body", 1, 1, "It added: ", use(3, "The Port of Aldmoor opened a 40-megawatt data hall this week"))
    more.text = more.text.replace("[[r3]]", "[[2]]")
    for row in draft.sentences:
        row.rests_on = [i + (i > 5) for i in row.rests_on]
    draft.sentences.insert(6, more)


def _synthesis(draft: Draft) -> None:
    """Two of five sentences of a section are the writer's own."""
    words = ("On Bluesky, one people had their say on this.", "One people spoke of the same matter on Bluesky.")
    own = [
        Sentence(
            "body",
            text,
            2,
            3,
            "synthesis",
            rests_on=[9],
            facts=[CountFact("one" if "one" in text else "One", "authors", 1)],
        )
        for text in words
    ]
    for row in draft.sentences:
        row.rests_on = [i + 2 * (i > 9) for i in row.rests_on]
    draft.sentences[10:10] = own


@pytest.mark.parametrize(("name", "change"), CLEAN, ids=[name for name, _ in CLEAN])
def test_good_work_passes(name: str, change: Fault) -> None:
    draft = clean_draft()
    change(draft)
    assert [(f.gate, f.rule, f.detail) for f in run_gates(draft, clean_context())] == []


def test_a_sentence_of_the_reader_has_no_tokens() -> None:
    sentence = Sentence("body", "“A”, said B [[1]].", kind="cited")
    assert sentence.plain() == "“A”, said B."


def test_the_minimum_itself_is_enough() -> None:
    draft, publication = clean_draft(), load_publication()
    cited_records = draft.sources("record")
    exact = Evidence(
        records=len(cited_records),
        authors=len({s.author_key for s in cited_records}),
        families=len({s.family for s in cited_records}),
    )
    assert run_gates(draft, clean_context(publication=publication.model_copy(update={"evidence": exact}))) == []
    for name in ("records", "authors", "families"):
        more = exact.model_copy(update={name: getattr(exact, name) + 1})
        found = run_gates(draft, clean_context(publication=publication.model_copy(update={"evidence": more})))
        assert [failure.gate for failure in found] == ["evidence"], name
