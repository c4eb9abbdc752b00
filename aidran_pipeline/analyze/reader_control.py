"""A record of our own in every batch: what it says is known, so a reply that misreads it is not believed about others.

Text that takes a model over makes it drop, bend or replace what stands beside it. In a batch that shows in the control
record too, unless the text can tell it from the others, which its wording and place, taken from the hash of the batch,
keep it from. A batch whose control fails is read again, each record in a call of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from aidran_pipeline.analyze.reader_check import examine
from aidran_pipeline.analyze.reader_terms import Account, Shown

BODIES = ("Halvard Institute", "Council of Brennmoor", "Tessaly Hospital Group", "Port Authority of Ingersund",
          "Union of Calder Teachers", "Marrow Bay Insurance", "Oberland Court Service", "Vantor Rail")  # fmt: skip
PEOPLE = ("Mira Oduya", "Jonas Pell", "Ines Karvonen", "Tobias Renner", "Leila Santoro", "Arun Whitlock")
THINGS = ("letters", "scans", "forms", "invoices", "exam papers", "travel claims")
TOOLS = ("AI model", "chatbot", "AI tool", "language model")
CRITICAL = ("dangerous", "useless", "harmful", "misleading")
SUPPORTIVE = ("brilliant", "excellent", "impressive", "fantastic")
FIRST = (
    "The {body} said that its {tool} misread {few} of {many} {things} in {year}, and called it {bad}.",
    "{few} of {many} {things} were misread by a {bad} {tool} in {year}, the {body} said.",
    "In {year} the {body} counted {few} errors in {many} {things} and called the {tool} {bad}.",
)
SECOND = (
    "{person} of the staff council called a second {tool} {good} because it answered {quick} questions in an hour.",
    "A second {tool} that answered {quick} questions in an hour was {good}, {person} of the staff council said.",
)


def control_for(batch: Sequence[Shown]) -> tuple[Shown, int]:
    """The control record of a batch and the place among its records at which it is shown."""
    seed = sha256(" ".join(record.ident for record in batch).encode()).digest()
    return control_of(seed), seed[12] % (len(batch) + 1)


def control_of(seed: bytes) -> Shown:
    """A record of our own, its words chosen by the 32 bytes of a hash."""

    def pick(index: int, choices: Sequence[str]) -> str:
        return choices[seed[index] % len(choices)]

    words = {
        "body": pick(0, BODIES), "person": pick(1, PEOPLE), "things": pick(2, THINGS), "tool": pick(3, TOOLS),
        "bad": pick(4, CRITICAL), "good": pick(5, SUPPORTIVE), "few": 11 + seed[6] % 80, "many": 400 + seed[7],
        "year": 2020 + seed[8] % 6, "quick": 120 + seed[9],
    }  # fmt: skip
    sentences = [pick(10, FIRST).format(**words), pick(11, SECOND).format(**words)]
    text = " ".join(s[0].upper() + s[1:] for s in sentences)
    row: dict[str, Any] = {"platform": "news", "title": None, "text": text, "title_truncated": False,
                           "body_truncated": False, "metadata": ()}  # fmt: skip
    from aidran_pipeline.analyze.reader_prompt import sentences_of

    ident = sha256(seed + text.encode()).hexdigest()[:8]
    return Shown(row, ident, sentences_of(row))


def misread(control: Shown, account: Account | None, others: Sequence[Shown] = ()) -> str | None:
    """How an account of the control record is wrong, None when it is read as anyone would read it.

    It must claim at least one of the two sentences word for word, say of neither the opposite of its plain stance,
    invent no quote, and put nothing into a statement that the sentence does not say.
    """
    if account is None:
        return "not accounted for"
    found = examine(control, account, others)
    if not found.claims:
        return "no claim"
    if found.dropped["not found"] or found.signs:
        return "other words"
    if any(reason in found.changed for reason in ("stance against the words", "speaker not in the record")):
        return "bent"
    return None
