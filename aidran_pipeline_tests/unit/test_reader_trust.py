"""When a reader is put to the test, and when it is given up: no server, no database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aidran_pipeline.analyze.reader_terms import Account, Accounts, SaidClaim, Shown, Tally
from aidran_pipeline.analyze.reader_trust import MOST_SIDE_BY_SIDE, PATIENCE, TRIALS, Trust
from aidran_pipeline.llm import Answer, Failure, Request, Role


class Fake:
    """Models that remember who was given up. old: ids of calls that do not count any more."""

    def __init__(self, old: Sequence[int] = ()) -> None:
        self.old, self.given_up = old, dict[str, str]()

    def ask(self, requests: Sequence[Request[Any]]) -> list[Answer[Any]]:
        raise AssertionError("trust asks nobody by itself")

    def version(self, role: Role) -> str:
        return "m@h"

    def counts(self, role: Role, calls: Sequence[int]) -> bool:
        return any(call not in self.old for call in calls)

    def give_up(self, role: Role, reason: str, *, passing: bool = False) -> None:
        self.given_up[role] = reason


def useless(trust: Trust, number: int, first: int = 0) -> None:
    for n in range(first, first + number):
        trust.note([n], [f"r{n}"], usable=False)


def read_well(record: Shown) -> Answer[Accounts]:
    quote = record.sentences[0].of(record.text)
    claim = SaidClaim(sentence=1, quote=quote, statement=quote)
    return Answer(Accounts(records=[Account(id=record.ident, claims=[claim])]))


def read_nothing(record: Shown) -> Answer[Accounts]:
    return Answer(Accounts(records=[Account(id=record.ident, claims=[])]))


def test_four_useless_replies_in_a_row_raise_doubt_and_a_good_one_ends_the_row() -> None:
    trust = Trust(Fake(), Tally())
    useless(trust, PATIENCE - 1)
    trust.note([8], ["r"], usable=None)
    assert not trust.in_doubt
    trust.note([9], ["r"], usable=True)
    useless(trust, PATIENCE - 1)
    assert not trust.in_doubt
    useless(trust, 1)
    assert trust.in_doubt


def test_the_first_question_goes_out_alone_then_twice_as_many_while_all_is_well() -> None:
    trust = Trust(Fake(), Tally())
    assert trust.side_by_side == 1
    for _ in range(9):
        trust.note([1], ["r"], usable=True)
    assert trust.side_by_side == MOST_SIDE_BY_SIDE
    useless(trust, 2)
    assert trust.side_by_side == MOST_SIDE_BY_SIDE // 4


def test_a_model_that_misreads_both_our_records_is_given_up_and_told_why() -> None:
    models = Fake()
    trust = Trust(models, Tally())
    useless(trust, PATIENCE)
    own = trust.own_records()
    assert len(own) == TRIALS and len({record.ident for record in own}) == TRIALS
    assert trust.lost([read_nothing(own[0]), Answer(None, Failure("contract", "x"))])
    assert "misread" in models.given_up["reader"] and trust.in_the_streak == [f"r{n}" for n in range(PATIENCE)]
    useless(trust, 2 * PATIENCE)
    assert not trust.in_doubt, "it is given up once"


def test_a_model_that_reads_one_of_them_goes_on_and_is_tried_less_often() -> None:
    models = Fake()
    trust = Trust(models, Tally())
    useless(trust, PATIENCE)
    own = trust.own_records()
    assert not trust.lost([read_nothing(own[0]), read_well(own[1])]) and not models.given_up
    useless(trust, 2 * PATIENCE - 1, 100)
    assert not trust.in_doubt
    useless(trust, 1, 200)
    assert trust.in_doubt and {r.ident for r in trust.own_records()}.isdisjoint(r.ident for r in own)


def test_a_server_that_does_not_answer_the_trial_fails_no_model() -> None:
    models = Fake()
    trust = Trust(models, Tally())
    useless(trust, PATIENCE)
    own = trust.own_records()
    assert not trust.lost([read_nothing(own[0]), Answer(None, Failure("timeout", "x"))]) and not models.given_up


def test_replies_that_led_to_an_earlier_pause_are_no_reason_again() -> None:
    trust = Trust(Fake(old=range(100)), Tally())
    useless(trust, 3 * PATIENCE)
    assert not trust.in_doubt
    useless(trust, PATIENCE, 100)
    assert trust.in_doubt
