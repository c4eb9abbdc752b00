"""The reader: a model reads the records that represent a topic and notes claims; code keeps what the text itself says.

The defence against text that takes the model over, in the order in which it works:
1. a record that speaks to an assistant (text/addressed.py) is read in a call of its own, and only its own words count;
2. records are marked line by line with an id that no text can know (reader_prompt.py);
3. each record asked for must be accounted for, no other: a batch whose reply breaks that, or is refused, is split in
   two until the record that breaks it stands alone;
4. a batch in which the control record is misread (reader_control.py), a quote or a statement is of other words, or
   most accounts are empty though there is something to claim, is not believed: each record is read alone;
5. a record of a batch that lost its claims, or a quote of which was not found, is read again alone, told what was
   wrong in our words, never in the reply's, which another record may have written.
So the worst that a record can do is to cost calls and to add claims that are its own sentences, word for word.

A model that cannot read at all would make every batch be split to its last record. It is given up (reader_trust.py)
when it cannot read a record of our own either, so that no text of a source can bring that about.

What does not belong here: what is kept of one account (reader_check.py), rows (reader_store.py).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from aidran_pipeline.analyze.claims import claims_of
from aidran_pipeline.analyze.reader_check import MENDABLE, examine, notes_of
from aidran_pipeline.analyze.reader_control import control_for, misread
from aidran_pipeline.analyze.reader_prompt import batches, ident_of, request, shown
from aidran_pipeline.analyze.reader_terms import Account, Accounts, Examined, Outcome, Reading, Shown, Tally
from aidran_pipeline.analyze.reader_trust import Trust
from aidran_pipeline.llm import Answer, Models, Request

# Failures after which a smaller question may be answered. Anything else is the server's, not a record's.
OF_THE_QUESTION = ("contract", "refused")


@dataclass(frozen=True)
class Question:
    """Records that are asked together. first: what an earlier reply gave, where this one asks again (one record)."""

    topic: str
    records: tuple[Shown, ...]
    notes: tuple[str, ...] = ()
    first: Examined | None = None
    asked: int = 1


def read(
    rows: Sequence[dict[str, Any]], day: date, models: Models, labels: dict[str, str]
) -> tuple[list[Reading], Tally]:
    """What the model says of the records, one reading each in the order of the rows, and figures.

    rows: as claims.REPRESENTATIVES gives them, with `metadata`; labels: of the topics. The first question goes out
    alone, then more side by side while the replies can be used; what an answer makes necessary is asked next, so that a
    bad model shows on few records. Every record ends as read, as broken by itself, or as not read because the server
    failed or the model was given up. The order of the questions depends on the answers alone.
    """
    records = _distinct([shown(row) for row in rows])
    tally = Tally(alone=sum(bool(record.alone) for record in records))
    trust = Trust(models, tally)
    questions: deque[Question] = deque()
    for topic in dict.fromkeys(row["topic"] for row in rows):
        own = [record for record in records if record.row["topic"] == topic]
        questions += [Question(topic, batch) for batch in batches(own)]
    done: dict[str, Reading] = {}
    while questions:
        wave = [questions.popleft() for _ in range(min(trust.side_by_side, len(questions)))]
        controls = [control_for(q.records) if len(q.records) > 1 else None for q in wave]
        asked = [
            request(_with(q.records, control), day, q.topic, labels.get(q.topic, q.topic), q.notes)
            for q, control in zip(wave, controls, strict=True)
        ]
        following: list[Question] = []
        for question, control, answer in zip(wave, controls, _ask(asked, models, tally), strict=True):
            settled = settle(question, control[0] if control else None, answer, tally)
            done.update({reading.shown.ident: reading for reading in settled.readings})
            following += settled.more
            trust.note(answer.calls, [record.ident for record in question.records], usable=settled.usable)
        questions.extendleft(reversed(following))
        if trust.in_doubt:
            last = wave[-1].topic
            trials = [request((own,), day, last, labels.get(last, last), own=True) for own in trust.own_records()]
            if trust.lost(_ask(trials, models, tally)):
                done |= {ident: _unbelieved(done[ident], tally) for ident in trust.in_the_streak if ident in done}
    return [done[record.ident] for record in records], tally


def _ask(requests: list[Request[Accounts]], models: Models, tally: Tally) -> list[Answer[Accounts]]:
    answers = models.ask(requests)
    tally.requests += len(requests)
    for answer in answers:
        tally.calls.update(answer.calls)
        tally.cached += answer.cached
    return answers


def _unbelieved(reading: Reading, tally: Tally) -> Reading:
    """A record in which a model found nothing just before it was given up: it has not read that either."""
    if reading.outcome != "read" or reading.examined.claims:
        return reading
    tally.failures["contract"] += 1
    return replace(reading, outcome="contract", failure="contract")


@dataclass(frozen=True)
class Settled:
    """What an answer settles, and what must be asked because of it.

    usable: whether the reply shows a model that reads; None where it shows nothing of it either way.
    """

    readings: list[Reading] = field(default_factory=list)
    more: list[Question] = field(default_factory=list)
    usable: bool | None = None


def settle(question: Question, control: Shown | None, answer: Answer[Accounts], tally: Tally) -> Settled:
    """What comes of an answer to a question."""
    if answer.value is None:
        return _failed(question, answer, tally)
    accounts = {account.id: account for account in answer.value.records}
    if any(record.ident not in accounts for record in question.records):  # `check` forbids it; a cache may be older
        return _failed(question, answer, tally)
    if len(question.records) == 1:
        return _one(question, accounts, tally)
    assert control is not None
    found = {
        record.ident: examine(record, accounts[record.ident], [o for o in question.records if o is not record])
        for record in question.records
    }
    if misread(control, accounts.get(control.ident), question.records) or _distrusted(question, found, accounts):
        tally.distrusted += 1
        alone = [Question(question.topic, (r,), asked=question.asked + 1) for r in question.records]
        return Settled(more=alone, usable=False)
    readings, more = [], []
    for record in question.records:
        examined, notes = found[record.ident], tuple(notes_of(found[record.ident]))
        if notes or "emptied" in examined.signs:
            tally.asked_again += 1
            more.append(Question(question.topic, (record,), notes, examined, question.asked + 1))
        else:
            readings.append(Reading(record, "read", None, examined, question.asked))
    return Settled(readings, more, usable=any(examined.claims for examined in found.values()))


def _one(question: Question, accounts: dict[str, Account], tally: Tally) -> Settled:
    """The account of a record that was asked about alone; a quote that was not found is asked for once more.

    A record of which nothing holds that the model claims, asked twice, has broken the contract like any other.
    """
    record = question.records[0]
    examined = examine(record, accounts[record.ident])
    notes = tuple(notes_of(examined))
    if notes and question.first is None:
        tally.asked_again += 1
        return Settled(more=[replace(question, notes=notes, first=examined, asked=question.asked + 1)])
    if question.first is not None:
        examined = _better(question.first, examined)
    if notes and not examined.claims:
        tally.failures["contract"] += 1
        return Settled([Reading(record, "contract", "contract", examined, question.asked)], usable=False)
    usable = True if examined.claims else False if "emptied" in examined.signs else None
    return Settled([Reading(record, "read", None, examined, question.asked)], usable=usable)


def _failed(question: Question, answer: Answer[Accounts], tally: Tally) -> Settled:
    """Halves of a batch that could not be answered as it stands, else how its records ended."""
    kind = answer.failure.kind if answer.failure else "contract"
    if kind in OF_THE_QUESTION:
        if len(question.records) > 1:
            tally.split += 1
            middle = len(question.records) // 2
            halves = (question.records[:middle], question.records[middle:])
            more = [Question(question.topic, half, asked=question.asked + 1) for half in halves]
            return Settled(more=more, usable=False)
        if question.first is not None and question.first.claims:  # the first look stands, the second gave nothing
            return Settled([Reading(question.records[0], "read", None, question.first, question.asked)])
    tally.failures[kind] += len(question.records)
    if kind == "given_up" and answer.failure:
        tally.given_up = answer.failure.detail
    own = kind in OF_THE_QUESTION
    outcome: Outcome = "contract" if own else "unavailable"
    readings = [Reading(record, outcome, kind, Examined(), question.asked) for record in question.records]
    return Settled(readings, usable=False if own else None)


def _distrusted(question: Question, found: dict[str, Examined], accounts: dict[str, Account]) -> bool:
    """Whether a reply to a batch bears the marks of a text that took the model over."""
    if any(examined.signs - {"emptied"} for examined in found.values()):
        return True
    able = [record.ident for record in question.records if claims_of(record.row)]
    emptied = sum(not accounts[ident].claims for ident in able)
    return emptied >= 2 and emptied * 2 >= len(able)


def _better(first: Examined, second: Examined) -> Examined:
    """The claims of the second look and what the first had found beside them; quotes not found are counted once."""
    places = {(claim["start"], claim["end"]) for claim in second.claims}
    kept = [claim for claim in first.claims if (claim["start"], claim["end"]) not in places]
    mendable = Counter({reason: count for reason, count in first.dropped.items() if reason not in MENDABLE})
    return Examined(
        claims=sorted([*second.claims, *kept], key=lambda c: int(c["start"])), dropped=mendable + second.dropped,
        changed=first.changed + second.changed, signs=first.signs | second.signs, said=second.said,
    )  # fmt: skip


def _with(records: tuple[Shown, ...], control: tuple[Shown, int] | None) -> tuple[Shown, ...]:
    if control is None:
        return records
    place = control[1]
    return (*records[:place], control[0], *records[place:])


def _distinct(records: Sequence[Shown]) -> list[Shown]:
    """Records whose ids differ even where their texts are equal."""
    seen: Counter[str] = Counter()
    found = []
    for record in records:
        seen[record.ident] += 1
        if (times := seen[record.ident]) > 1:
            record = replace(record, ident=ident_of(f"{times} {record.row['text_sha256']}"))
        found.append(record)
    return found
