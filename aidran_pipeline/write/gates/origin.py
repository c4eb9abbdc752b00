"""Gate 5: no URL, name or count originates in a model; markers are numbered by code, from 1, by first use."""

from __future__ import annotations

import re

from aidran_pipeline.write.draft import TOKEN, Draft, citation_tokens
from aidran_pipeline.write.gates.base import Context, GateFailure, shown

ADDRESS = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|org|net|io|ai|co|gov|edu)/", re.I)


def nothing_from_a_model(draft: Draft, context: Context) -> list[GateFailure]:
    """Links live in rows, never in sentences; numbers run without a gap."""
    found: list[GateFailure] = []
    order: dict[str, list[int]] = {"record": [], "web": []}
    for position, sentence in enumerate(draft.sentences):
        if ADDRESS.search(TOKEN.sub("", sentence.text)):
            found.append(GateFailure("origin", "address in a sentence", shown(sentence.text), position))
        if "[[" in re.sub(r"\[\[w?\d+\]\]", "", sentence.text):
            found.append(GateFailure("origin", "token that is no citation", shown(sentence.text), position))
        for kind, number in citation_tokens(sentence.text):
            if number not in order[kind]:
                order[kind].append(number)
    for kind, numbers in order.items():
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(GateFailure("origin", "markers not numbered by first use", f"{kind}: {numbers}"))
    return found
