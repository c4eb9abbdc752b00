"""The second judge, a model where one is configured: it sees a sentence with its quotes, and can only refuse.

Asked once the built-in judge and the gates let a sentence pass; what it refuses is dropped, and its verdict is stored
with each sentence that stands. A sentence whose grounds have changed since is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aidran_pipeline.llm import Failure
from aidran_pipeline.write.draft import Draft, Verdict
from aidran_pipeline.write.gates.base import grounds
from aidran_pipeline.write.model.asking import ModelFailure
from aidran_pipeline.write.model.lines import Line, without
from aidran_pipeline.write.support import model_judge

if TYPE_CHECKING:
    from aidran_pipeline.write.model.compose import Writing

ROUNDS = 3
UNANSWERED = 0.5  # of the sentences: more, and the story is not the model's to tell


def judge_again(writing: Writing) -> None:
    """Drop what the second judge refuses, until each of the model's sentences has its verdict on what it rests on now.

    Nothing without a configured judge. Raises ModelFailure when most sentences get no answer.
    """
    name = model_judge.version(writing.asking.models)
    if not name:
        return
    for _ in range(ROUNDS):
        lines, draft = writing.to_draft(writing.lines)
        cases = {n: _case(draft, n, writing) for n, line in enumerate(lines) if line.own is None}
        open_cases = {n: case for n, case in cases.items() if lines[n].judged_on != _key(case)}
        if not open_cases:
            return
        _ask(writing, lines, open_cases, name)
        refused = [line for line in (lines[n] for n in open_cases) if not _supported(line)]
        writing.tally.second += len(refused)
        writing.tally.dropped += len(refused)
        writing.lines = without(lines, refused)
    left, draft = writing.to_draft(writing.lines)
    late = [
        line for n, line in enumerate(left) if line.own is None and line.judged_on != _key(_case(draft, n, writing))
    ]
    writing.lines = without(left, late)


def _ask(writing: Writing, lines: Sequence[Line], cases: dict[int, model_judge.Case], name: str) -> None:
    material = writing.material
    second = model_judge.judged(list(cases.values()), writing.asking, material.day, material.topic)
    unanswered = sum(verdict is None for verdict in second.verdicts)
    if unanswered > UNANSWERED * len(cases) and second.failures:
        kind: Any = second.failures[0]
        raise ModelFailure(Failure(kind, f"{unanswered} of {len(cases)} sentences without a verdict"), "judge")
    for (n, case), given in zip(cases.items(), second.verdicts, strict=True):
        lines[n].judged_on = _key(case)
        lines[n].verdict = None if given is None else Verdict(name, given.verdict, given.score)


def _case(draft: Draft, position: int, writing: Writing) -> model_judge.Case:
    sentence = draft.sentences[position]
    uses = grounds(draft, sentence)
    return model_judge.Case(
        sentence.plain(),
        (*dict.fromkeys(use.quote for use in uses), *writing.context.told_before(sentence)),
        tuple(dict.fromkeys(use.source.text for use in uses)),
        tuple(dict.fromkeys(use.source.metadata_text() for use in uses)),
    )


def _supported(line: Line) -> bool:
    return line.verdict is not None and line.verdict.verdict == "supported"


def _key(case: model_judge.Case) -> tuple[str, tuple[str, ...]]:
    return case.sentence, case.quotes
