"""Gate 5: no URL, name or count originates in a model; markers are numbered by code, from 1, by first use."""

from __future__ import annotations

import re

from aidran_pipeline.write.draft import TOKEN, Draft, Sentence, citation_tokens
from aidran_pipeline.write.gates import patterns
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds, shown

ADDRESS = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|org|net|io|ai|co|gov|edu)/", re.I)


def nothing_from_a_model(draft: Draft, context: Context) -> list[GateFailure]:
    """Links live in rows, never in sentences; numbers run without a gap."""
    found: list[GateFailure] = []
    order: dict[str, list[int]] = {"record": [], "web": []}
    for position, sentence in enumerate(draft.sentences):
        if draft.engine == "model":
            found += _of_a_model(draft, position, sentence)
        elif ADDRESS.search(TOKEN.sub("", sentence.text)):
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


def _of_a_model(draft: Draft, position: int, sentence: Sentence) -> list[GateFailure]:
    """Addresses in any spelling, unless a name that the quotes hold looks like one; markers that code did not set."""
    text = TOKEN.sub("", sentence.text)
    uses = grounds(draft, sentence)
    for name in {use.source.author_name or "" for use in uses} - {""}:
        text = text.replace(name.lstrip("@"), "someone")
    quotes = " \n ".join(f"{use.quote} {use.source.publisher}" for use in uses)
    found = []
    for match in patterns.ADDRESS.finditer(text):
        # "Character.AI" is a company; with a scheme or a path it is an address whoever wrote it first.
        if "/" in match.group(0) or "www" in match.group(0) or match.group(0).rstrip(".") not in quotes:
            found.append(GateFailure("origin", "address in a sentence", shown(sentence.text), position))
            break
    if patterns.BARE_MARKER.search(text):
        found.append(GateFailure("origin", "marker that code did not set", shown(sentence.text), position))
    known = {(use.source.kind, draft.numbers()[use.source.key]) for row in draft.sentences for use in row.uses}
    if any(marker not in known for marker in citation_tokens(sentence.text)):
        found.append(GateFailure("origin", "marker of no citation", shown(sentence.text), position))
    return found
