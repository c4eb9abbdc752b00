"""A model as a second judge, where one is configured: it sees sentence, quotes and what stands around them, no more.

It is blind to the writer's prompt and to the verdict of the built-in judge, and is asked one sentence at a time, so
that no record speaks into the verdict on a sentence that does not cite it. It can only refuse: `both` says "supported"
when both judges do. Without an answer there is no second "yes".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from aidran_pipeline.llm import Answer, Models, Request
from aidran_pipeline.llm.prompts import prompt_text
from aidran_pipeline.text import find_quotes
from aidran_pipeline.write.support.verdict import Verdict

PROMPT = "judge-sentence-1"
AROUND = 500  # characters of a record on either side of a quote
MARK = 8
ORDER = ("not", "partly", "supported")


class Ruling(BaseModel):
    """The reply."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["supported", "partly", "not"]
    score: Annotated[float, Field(ge=0, le=1)]
    reason: Annotated[str, Field(max_length=400)]


@dataclass(frozen=True)
class Case:
    """A sentence without its markers, its quotes, the texts that they stand in, and what their metadata states."""

    sentence: str
    quotes: tuple[str, ...]
    context: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Second:
    """What came of asking: a verdict a case (None: no answer), the ledger rows, and why answers are missing."""

    verdicts: tuple[Verdict | None, ...]
    calls: tuple[int, ...]
    failures: tuple[str, ...]


def version(models: Models) -> str:
    """Name of the second judge as it is stored with its verdicts, "" when none is configured."""
    model = models.version("judge")
    return f"{PROMPT}:{model}" if model else ""


def judged(cases: Sequence[Case], models: Models, day: date, topic: str | None) -> Second:
    """The model's verdict on each case, asked side by side. Nothing is asked when no judge is configured."""
    if not version(models) or not cases:
        return Second((None,) * len(cases), (), ())
    answers = models.ask([request(case, day, topic) for case in cases])
    return Second(
        tuple(map(_verdict, answers)),
        tuple(sorted({call for answer in answers for call in answer.calls})),
        tuple(dict.fromkeys(answer.failure.kind for answer in answers if answer.failure)),
    )


def both(own: Verdict, other: Verdict | None) -> Verdict:
    """The weaker of two verdicts, with the reasons of both; without a second one there is no support."""
    if other is None:
        other = Verdict("partly", 0.0, ("the model judge gave no answer",))
    weaker = min(own.verdict, other.verdict, key=ORDER.index)
    return Verdict(weaker, min(own.score, other.score), own.reasons + other.reasons)


def request(case: Case, day: date, topic: str | None) -> Request[Ruling]:
    """The question: data alone, each line marked with an id that no text can know."""
    lines = [("sentence", case.sentence)]
    lines += [(f"quote {number}", quote) for number, quote in enumerate(case.quotes, start=1)]
    lines += [("around", text) for text in surroundings(case)]
    lines += [("source", text) for text in case.metadata]
    mark = hashlib.sha256("\0".join(text for _, text in lines).encode()).hexdigest()[:MARK]
    return Request(
        role="judge",
        prompt=PROMPT,
        system=prompt_text(PROMPT),
        user="\n".join(f"{mark} {kind}| {' '.join(text.split())}" for kind, text in lines),
        schema=Ruling,
        day=day,
        topic=topic,
        subject="sentence",
        max_tokens=300,
        check=contradictions,
    )


def surroundings(case: Case) -> list[str]:
    """What stands around each quote in the texts given, cut at AROUND characters on either side."""
    found: dict[str, None] = {}
    for text in case.context:
        for quote in case.quotes:
            for span in find_quotes(text, quote)[:1]:
                found[text[max(0, span.start - AROUND) : span.end + AROUND]] = None
    return [part for part in found if part not in case.quotes]


def contradictions(ruling: Ruling) -> list[str]:
    """What is wrong with a reply that has the right form."""
    found = []
    if (ruling.verdict == "supported" and ruling.score < 0.5) or (ruling.verdict == "not" and ruling.score > 0.5):
        found.append("verdict and score contradict each other")
    if ruling.verdict != "supported" and not ruling.reason.strip():
        found.append("a verdict other than supported needs a reason")
    return found


def _verdict(answer: Answer[Ruling]) -> Verdict | None:
    ruling = answer.value
    if ruling is None or contradictions(ruling):
        return None
    reasons = () if ruling.verdict == "supported" else (" ".join(ruling.reason.split()),)
    return Verdict(ruling.verdict, round(ruling.score, 3), reasons)
