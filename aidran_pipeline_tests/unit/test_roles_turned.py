"""Who did what to whom: the parser of acts, and pairs of a turned sentence and its clean twin."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aidran_pipeline.text import split_sentences
from aidran_pipeline.text.prose.acts import acts_of
from aidran_pipeline.text.prose.turned import roles_turned
from benchmarks.wice import lines

PAIRS = Path(__file__).resolve().parents[2] / "benchmarks" / "support_data" / "roles.jsonl"
# By set: (pairs, at least caught). "seen": the rules were made with them; "held": only counted meanwhile; "fresh":
# written and measured afterwards.
CAUGHT = {"seen": (28, 27), "held": (36, 31), "fresh": (24, 22)}


@pytest.mark.parametrize(
    ("text", "verb", "doer", "done_to"),
    [
        ("Delfin was sued by Harrow in March.", "sue", "harrow", "delfin"),
        ("The museum sued by the heirs has closed.", "sue", "heir", "museum"),
        ("Palisade, fined 4 million euros by the watchdog, had scraped faces.", "fine", "watchdog", "palisad"),
        ("Vantis, which Hollin funds, opened an office.", "fund", "hollin", "vanti"),
        ("The judge told Loomly to refund the buyers.", "refund", "loom", "buyer"),
        ("The court dismissed a complaint by Tessel against the ministry.", "deed:complaint", "tessel", "ministri"),
        ("Wren, a start-up, accused Gable of copying it.", "accuse", "wren", "gabl"),
    ],
)
def test_an_act_names_its_doer_and_its_object(text: str, verb: str, doer: str, done_to: str) -> None:
    act = next(act for act in acts_of(text) if act.verb == verb)
    assert doer in act.doer
    assert done_to in act.others()
    assert done_to not in act.doer
    assert doer not in act.others()


def test_turned_sentences_are_found_and_no_clean_twin_is_stopped() -> None:
    rows = lines(PAIRS)
    caught, pairs, stopped = Counter[str](), Counter[str](), []
    for row in rows:
        quotes = [span.of(quote) for quote in row["quotes"] for span in split_sentences(quote)]
        found = roles_turned(row["sentence"], quotes)
        if row["fault"]:
            pairs[row["set"]] += 1
            caught[row["set"]] += bool(found)
        elif found:
            stopped.append(row["sentence"])
    assert stopped == []
    assert {name: pairs[name] for name in pairs} == {name: count for name, (count, _) in CAUGHT.items()}
    assert all(caught[name] >= least for name, (_, least) in CAUGHT.items()), caught


def test_a_party_under_another_name_is_no_evidence() -> None:
    assert roles_turned("The regulator fined the chipmaker.", ["Ofcom fined Nvidia on Tuesday."]) == []
    assert roles_turned("It sued the firm.", ["Harrow sued Delfin."]) == []
