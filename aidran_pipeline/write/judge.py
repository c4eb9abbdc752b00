"""The judge of the extractive engine, `verbatim`: a sentence is supported when it says nothing but its quotes.

A cited sentence consists of quotations, each an exact use, and of a frame around them. The frame may state only what
the metadata of the quoted sources states (who, where, when). A synthesis sentence may state only declared counts, which
the gates compute again. Anything else is "not" supported: this judge never guesses what a paraphrase means.
"""

from __future__ import annotations

import re

from aidran_pipeline.text import facts_of
from aidran_pipeline.write.draft import MARKER, Sentence, Use

JUDGE = "verbatim"
JUDGE_VERSION = "verbatim-1"
QUOTED = re.compile(r"“([^”]*)”")


def frame_of(sentence: Sentence) -> str:
    """The words around the quotations: what the writer said in its own voice."""
    text = MARKER.sub("", sentence.text)
    for use in sorted(sentence.uses, key=lambda u: -len(u.quote)):
        text = text.replace(f"“{use.quote}”", " “” ").replace(use.quote, " ") if use.quote in text else text
    for fact in sorted(sentence.facts, key=lambda f: -len(f.text)):
        text = text.replace(fact.text, " ")
    return text


def foreign_facts(sentence: Sentence, grounds: list[Use], topic_label: str) -> list[str]:
    """Numbers, dates, names and quoted phrases of the frame that neither quotes nor metadata of the grounds hold."""
    from aidran_pipeline.text import supports_facts

    allowed = " \n ".join(
        [use.quote for use in grounds] + [use.source.metadata_text() for use in grounds] + [topic_label]
    )
    frame = frame_of(sentence)
    missing = supports_facts(facts_of(frame), facts_of(allowed))
    lowered = allowed.lower()
    return [fact.text for fact in missing if fact.text.strip("@“” ").lower() not in lowered]


def judge(sentence: Sentence, grounds: list[Use], topic_label: str) -> tuple[str, float]:
    """Verdict and score (0 to 1) over the union of the quotes a sentence rests on."""
    if not grounds:
        return "not", 0.0
    for phrase in QUOTED.findall(MARKER.sub("", sentence.text)):
        if not any(phrase == use.quote or phrase in use.quote for use in grounds):
            return "not", 0.0
    if sentence.uses and sentence.kind == "cited":
        missing = [use for use in sentence.uses if use.quote not in sentence.text]
        if missing:
            return "partly", round(1 - len(missing) / len(sentence.uses), 4)
    if foreign_facts(sentence, grounds, topic_label):
        return "partly", 0.5
    return "supported", 1.0
