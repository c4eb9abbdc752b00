"""Records as marked data: what a model is shown of them and what it is asked.

Every line of a record begins with its id, made from the hash of its content: no text can begin a line of its own,
close its record or name another one. What no page could quote (addresses, markup, what speaks to an assistant beyond
doubt) is not shown at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from aidran_pipeline.analyze.claims import another_voice
from aidran_pipeline.analyze.reader_terms import Accounts, Shown
from aidran_pipeline.llm import Request
from aidran_pipeline.llm.prompts import prompt_text
from aidran_pipeline.text import Span, split_sentences
from aidran_pipeline.text.addressed import is_addressed, speaks_to_assistant
from aidran_pipeline.text.quality import quote_problems

PROMPT = "read-claims-1"
# Of one record: reports say early what they say, and a long text must not push the others out.
MOST_SENTENCES, MOST_CHARACTERS, LONGEST = 40, 5000, 600
# Problems of a sentence for which it is not shown: it could carry a link or markup, and never a claim.
HIDDEN = ("address", "code or markup", "addressed to a model")
# Of one batch.
BATCH_RECORDS, BATCH_CHARACTERS = 8, 9000
TOKENS_PER_RECORD, TOKENS_FIXED = 450, 300


def shown(row: dict[str, Any]) -> Shown:
    """A record with its sentences, its id and the rules that make it read alone."""
    return Shown(row, ident_of(row["text_sha256"]), sentences_of(row), tuple(speaks_to_assistant(row["text"])))


def sentences_of(row: dict[str, Any]) -> tuple[Span, ...]:
    """The sentences of a record that are offered: title first, no words of others that a post repeats ("> …")."""
    text, title = row["text"], row["title"] or ""
    post = row["platform"] != "news"
    spans = split_sentences(text)
    if title and text.startswith(title) and not post:
        spans = [Span(0, len(title)), *[s for s in spans if s.start >= len(title)]]
    found: list[Span] = []
    size = 0
    for span in spans:
        length = span.end - span.start
        if length > LONGEST or (post and another_voice(text, span)) or _withheld(span.of(text)):
            continue
        if len(found) == MOST_SENTENCES or size + length > MOST_CHARACTERS:
            break
        found.append(span)
        size += length
    return tuple(found)


def _withheld(sentence: str) -> bool:
    return is_addressed(sentence) or any(p in HIDDEN for p in quote_problems(sentence))


def batches(records: Sequence[Shown]) -> list[tuple[Shown, ...]]:
    """Records in groups that are asked together, in their order; one that speaks to an assistant is a group of one."""
    found: list[tuple[Shown, ...]] = [(record,) for record in records if record.alone]
    group: list[Shown] = []
    size = 0
    for record in records:
        if record.alone:
            continue
        length = sum(s.end - s.start for s in record.sentences)
        if group and (len(group) == BATCH_RECORDS or size + length > BATCH_CHARACTERS):
            found.append(tuple(group))
            group, size = [], 0
        group.append(record)
        size += length
    return [*found, tuple(group)] if group else found


def request(
    records: Sequence[Shown], day: date, topic: str, label: str, notes: Sequence[str] = (), *, own: bool = False
) -> Request[Accounts]:
    """The question about some records of one topic. notes: what was wrong with an earlier reply, never in its words.

    own: the record is one of our own, asked to see whether the model reads at all.
    """
    idents = [record.ident for record in records]
    count = "our own record" if own else f"{len(records)} record" + ("s" if len(records) > 1 else "")
    return Request(
        role="reader", prompt=PROMPT, system=prompt_text(PROMPT), user=_question(records, label, notes),
        schema=Accounts, day=day, topic=topic, subject=count + (", asked again" if notes else ""),
        max_tokens=TOKENS_FIXED + TOKENS_PER_RECORD * len(records), check=accounted(idents),
    )  # fmt: skip


def accounted(idents: Sequence[str]) -> Callable[[Accounts], list[str]]:
    """The rule that no schema can state: each record accounted for, once, and no other. Reasons repeat no reply."""

    def check(reply: Accounts) -> list[str]:
        given = [account.id for account in reply.records]
        missing = [ident for ident in idents if ident not in given]
        unknown = sum(ident not in idents for ident in given)
        twice = len(given) - len(set(given))
        found = [f"no account for the ids {', '.join(missing)}"] if missing else []
        found += [f"{unknown} accounts of ids that were not asked for"] if unknown else []
        return found + ([f"{twice} ids accounted for more than once"] if twice else [])

    return check


def _question(records: Sequence[Shown], label: str, notes: Sequence[str]) -> str:
    lines = [f"Topic: {label}", f"Ids to account for: {', '.join(record.ident for record in records)}", ""]
    for record in records:
        kind = "report" if record.row["platform"] == "news" else "post"
        lines.append(f"Record {record.ident}, a {kind}:")
        lines += [f"{record.ident}.{n}| {visible(s.of(record.text))}" for n, s in enumerate(record.sentences, start=1)]
        lines.append("")
    if notes:
        lines += ["An earlier reply about this record could not be used:", *(f"- {note}" for note in notes), ""]
    lines.append(f"Account for: {', '.join(record.ident for record in records)}")
    return "\n".join(lines)


def visible(text: str) -> str:
    """The characters that people see: control, format and tag characters out, all white space as a plain space."""
    kept = (" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    return " ".join("".join(kept).split())


def ident_of(text_sha256: str) -> str:
    """Eight letters and digits from a hash of the content's hash: nobody can write a text that holds its own."""
    return sha256(f"record {text_sha256}".encode()).hexdigest()[:8]
