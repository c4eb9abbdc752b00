"""Gate 4: every sentence has a support verdict over the union of its quotes, and the verdict is "supported".

For a model's prose the last word is another than the writer's: its judge drops what it cannot find (`write.support`),
this gate stops what it can show to be distorted (distortion.py), or to have nothing to do with its quotes.
"""

from __future__ import annotations

import re

from aidran_pipeline.text import tokens
from aidran_pipeline.write.draft import Draft, Sentence, Use
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds, shown
from aidran_pipeline.write.gates.distortion import distortions_of
from aidran_pipeline.write.gates.prose import CLAUSE, foreign_in, without_counts
from aidran_pipeline.write.judge import judge, own_words, verdict

LOOSE = frozenset(("headline", "short_title", "dek", "heading", "question"))
HAPPENED = re.compile(
    r"\b(?:has|have|had) (?:\w+ly )?(?:\w+ed|\w+en|been|put|cut|set|won|lost|told|sold|made|begun|taken)\b", re.I
)
WORD = r"[^\W_]+(?:['’][^\W_]+)*"
ATTRIBUTING = frozenset(
    """says said say writes wrote reports reported argues argued objects objected answers answered adds added that on a
    user of according to by its full text in the it asks asked and""".split()
)
# Share of a cited sentence's words that its quotes or their metadata hold: below it, it speaks of something else.
ELSEWHERE = 0.2


def every_sentence_supported(draft: Draft, context: Context) -> list[GateFailure]:
    """The judge is asked again: a stored verdict that the words no longer earn is a failure too."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        union, told = grounds(draft, sentence), context.told_before(sentence)
        if not union and sentence.rests_on_earlier and not (draft.engine == "model" and told):
            # A statement about an earlier page: gates 1 and 9 hold its quotation and date to that page's rows.
            said = own_words(sentence, [], context.topic_label)
            if said:
                found.append(GateFailure("support", "says more than the earlier page", shown(said), position))
            continue
        for rule in _against(draft, sentence, union, context):
            found.append(GateFailure("support", rule, shown(sentence.plain()), position))
        if any(use.support != "supported" for use in sentence.uses):
            found.append(GateFailure("support", "stored verdict is not supported", shown(sentence.plain()), position))
        found += [
            GateFailure("support", f"{v.judge}: {v.verdict} supported ({v.score})", shown(sentence.plain()), position)
            for v in sentence.verdicts
            if v.verdict != "supported"
        ]
    return found


def _against(draft: Draft, sentence: Sentence, uses: list[Use], context: Context) -> list[str]:
    """What speaks against a sentence: of the extractive engine its judge, of a model every distortion that shows."""
    told = context.told_before(sentence)
    if draft.engine != "model":
        given, score = verdict(draft.engine, sentence, uses, context.topic_label, told)
        return [] if given == "supported" else [f"{given} supported ({score})"]
    if judge(sentence, uses, context.topic_label)[0] == "supported":
        return []
    if not uses and not told:
        return ["not supported (0.0)"]
    quotes = [*(use.quote for use in uses), *told]
    text = without_counts(sentence)
    loose = sentence.part in LOOSE or (sentence.kind == "synthesis" and not sentence.uses)
    found = [f"not in its quotes: {words}" for words in foreign_in(draft, sentence, context)]
    found += distortions_of(text, quotes, loose=loose) if not only_attributes(text, uses) else []
    if not loose and _share(text, quotes, uses) < ELSEWHERE:
        found.append("speaks of something else than its quotes")
    if sentence.part == "dek":
        found += _beyond(text, quotes)
    return found


def only_attributes(text: str, uses: list[Use]) -> bool:
    """Whether a sentence is its quotes, whole and word for word, and who says them: nothing that could be turned."""
    left = f" {' '.join(re.findall(WORD, text.lower()))} "
    for quote in dict.fromkeys(use.quote for use in uses):
        words = f" {' '.join(re.findall(WORD, quote.lower()))} "
        if words not in left:
            return False
        left = left.replace(words, " ", 1)
    told = {word for use in uses for word in re.findall(WORD, use.source.metadata_text().lower())}
    return bool(uses) and all(word in told or word in ATTRIBUTING for word in left.split())


def _share(text: str, quotes: list[str], uses: list[Use]) -> float:
    words = set(tokens(text))
    held = {t for quote in quotes for t in tokens(quote)} | {
        t for use in uses for t in tokens(use.source.metadata_text())
    }
    return len(words & held) / len(words) if words else 1.0


def _beyond(text: str, quotes: list[str]) -> list[str]:
    """Clauses of a dek that report a happening none of whose words the article's quotes hold."""
    held = {t for quote in quotes for t in tokens(quote)}
    found = []
    for clause in CLAUSE.split(text):
        words = set(tokens(clause))
        if HAPPENED.search(clause) and len(words & held) < 2 and len(words) > 1:
            found.append(f"names what the body does not: {clause.strip()[:60]}")
    return found
