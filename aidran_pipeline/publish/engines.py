"""The methodology's lines on who wrote what: engines, models, what became of the model's sentences, what it cost.

From the version's row, its inputs and the ledger, never from an article's text. What does not belong here: the rest of
the methodology (story.py).
"""

from __future__ import annotations

from typing import Any

from aidran_pipeline.publish.read import Head
from aidran_pipeline.publish.safe import clean
from aidran_pipeline.publish.words import count

EXTRACTIVE = "extractive"
FAILURES = {
    "unreachable": "the model's server could not be reached",
    "timeout": "the model's server did not answer in time",
    "key": "the model's server did not accept the key",
    "quota": "the model's server had no quota left",
    "refused": "the model declined to answer",
    "contract": "the model's answers did not keep to their form",
    "budget": "the budget for models was used up: this edition is partial",
    "given_up": "the model had so often answered in no usable form, or not in time, that it was not asked any more",
    "withdrawn": "it was told again after one of its sources was withdrawn",
    "thin": "there was too little evidence for prose of its length",
}


def engine_lines(head: Head) -> list[str]:
    """Which engine and models wrote the story, how its sentences were checked, what its calls cost."""
    engines = head.inputs.get("engines") or {}
    judge = f"each sentence was checked against its quotations by the judge “{head.judge}” ({head.judge_version})"
    if head.engine == EXTRACTIVE:
        if not engines:
            return [
                f"Engine: {head.engine} ({head.engine_version}), which arranges verbatim quotations and uses no "
                f"language model; models: none; cost: 0; {judge}."
            ]
        return [
            f"Engine: {head.engine} ({head.engine_version}), which arranges verbatim quotations; {judge}.",
            _instead(engines),
            *_readers(engines),
            _cost(head),
        ]
    return [
        f"Engine: {head.engine} ({clean(head.engine_version)}): the language model "
        f"{clean(_of(engines, 'writer', 'model')) or 'unnamed'} wrote its sentences from statements whose words were "
        "found in the sources; markers, names, links, counts and quotations were set by code.",
        *_readers(engines),
        *_sentences(head),
        f"Judge: {judge}{_second_judge(engines)}.",
        _cost(head),
    ]


def _of(engines: dict[str, Any], role: str, key: str) -> str:
    part = engines.get(role)
    return str(part.get(key) or "") if isinstance(part, dict) else ""


def _instead(engines: dict[str, Any]) -> str:
    failure = (engines.get("writer") or {}).get("failure") or {}
    why = FAILURES.get(str(failure.get("kind")), "the model could not write it")
    return f"A language model was to write this story; {why}, so that it is made of quotations."


def _readers(engines: dict[str, Any]) -> list[str]:
    """Who read: what stands between two colons of a reader's version is its prompt, after them its model."""
    found = engines.get("reader") or []
    versions = [clean(str(each.get("version"))) for each in found if each.get("engine") == "model"]
    unread = {kind: int(n) for kind, n in sorted((engines.get("unread") or {}).items())}
    why = "".join(
        f" Of {count(n, 'cited source')}: {FAILURES.get(kind, 'the model could not read it')}."
        for kind, n in unread.items()
    )
    if not versions:
        return [f"The statements were taken from the sources by rules, without a language model.{why}"]
    rules = " and, where no model did, by rules" if len(versions) < len(found) else ""
    return [f"The statements were taken from the sources by {', '.join(versions)}{rules}.{why}"]


def _sentences(head: Head) -> list[str]:
    """What became of the sentences that the model wrote."""
    writing = head.inputs.get("writing") or {}
    if not writing.get("written"):
        return []
    kept = int(writing["written"]) - int(writing.get("dropped", 0)) - int(writing.get("trimmed", 0))
    said = (
        f"Of {count(int(writing['written']), 'sentence')} that the model wrote, {kept} stand: "
        f"{int(writing.get('refused', 0))} were refused at first, {int(writing.get('mended', 0))} of them mended, "
        f"{int(writing.get('dropped', 0))} dropped."
    )
    share = float(writing.get("synthesis", 0))
    return [f"{said} {share:.0%} of the sections' sentences are synthesis, underlined on this page."]


def _second_judge(engines: dict[str, Any]) -> str:
    model = _of(engines, "judge", "model")
    return f", and by the language model {clean(model)}" if model else ""


def _cost(head: Head) -> str:
    """Calls, tokens and cost of the article; an unknown price is said to be unknown."""
    if head.cost is None:
        return "Model calls for this story: none; cost: 0."
    made, cost = head.cost, head.cost.cost
    calls = count(made.calls, "call") + (f" and {count(made.cached, 'answer')} from the cache" if made.cached else "")
    money = "unknown (no price is configured for the model)" if cost is None else f"{cost:.4f} USD"
    return f"Model calls for this story: {calls}, {made.tokens} tokens; cost: {money}."
