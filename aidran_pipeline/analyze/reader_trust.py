"""Whether a model reads at all: after some useless replies in a row it is given a record of our own, alone.

A reply to our own record shows the model, not the world: no text of a source stands in the question, so that no source
can turn the reader off. What does not belong here: what a reply is worth (reader.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from aidran_pipeline.analyze.reader_control import control_of, misread
from aidran_pipeline.analyze.reader_terms import Accounts, Shown, Tally
from aidran_pipeline.llm import Answer, Models

# Useless replies in a row before the model is tried: one record that spoils every question it stands in explains four,
# the batch of eight down to the record alone; whoever asks on after that asks on because of the model.
PATIENCE = 4
# Records of our own that it must all misread: the weakest model that is of use copies four quotes of five.
TRIALS = 2
MOST_SIDE_BY_SIDE = 64  # as many as calls may be configured to run at once


class Trust:
    """Counts useless replies in the order of the questions; a model that misreads our own records is given up."""

    def __init__(self, models: Models, tally: Tally) -> None:
        self._models, self._tally = models, tally
        self._row, self._patience = 0, PATIENCE
        self._lost = False
        self.in_the_streak: list[str] = []  # ids of the records behind the useless replies
        self.side_by_side = 1

    def note(self, calls: Sequence[int], idents: Iterable[str], *, usable: bool | None) -> None:
        """Take a reply into account: usable or not, None when it shows nothing. calls: ledger rows behind it."""
        if usable:
            self._row, self.in_the_streak = 0, []
            self.side_by_side = min(2 * self.side_by_side, MOST_SIDE_BY_SIDE)
        elif usable is False:
            self.side_by_side = max(1, self.side_by_side // 2)
            if self._models.counts("reader", calls):
                self._row += 1
                self.in_the_streak += [ident for ident in idents if ident not in self.in_the_streak]

    @property
    def in_doubt(self) -> bool:
        """Whether the model must be tried before it is asked on."""
        return self._row >= self._patience and not self._lost

    def own_records(self) -> list[Shown]:
        """The records of our own of this trial: others each time, so that no kept reply answers for today's model."""
        seed = " ".join(self.in_the_streak)
        return [control_of(sha256(f"trial {number} {seed}".encode()).digest()) for number in range(TRIALS)]

    def lost(self, answers: Sequence[Answer[Accounts]]) -> bool:
        """Whether the model failed the trial; then it is given up. A server that does not answer fails no model."""
        own = self.own_records()
        readable = [self._reads(record, answer) for record, answer in zip(own, answers, strict=True)]
        self._lost = all(reads is False for reads in readable)
        if self._lost:
            said = f"{self._row} replies in a row could not be used, and it misread {TRIALS} records of our own"
            self._models.give_up("reader", said)
            self.side_by_side = MOST_SIDE_BY_SIDE  # what is left is answered without a call
        else:
            self._row, self.in_the_streak = 0, []
            self._patience *= 2  # it reads, if badly: trials must not become most of what is asked
        return self._lost

    @staticmethod
    def _reads(record: Shown, answer: Answer[Accounts]) -> bool | None:
        if answer.value is not None:
            accounts = {account.id: account for account in answer.value.records}
            return misread(record, accounts.get(record.ident)) is None
        return False if answer.failure and answer.failure.kind in ("contract", "refused") else None
