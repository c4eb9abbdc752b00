"""The judge of model prose: do the quotes carry the sentence? Deterministic, offline, always on.

Two questions. Did the sentence change what the quotes say (figures, names, negation, doubt, roles: `distortions.py`,
each a veto with its reason)? And how much of it do they carry (a trained score of 0 to 1, `model.py`)? "supported"
needs both. A paraphrase in other words may be refused; what is published must be findable. How well it does:
`python -m benchmarks.support`.
"""

from __future__ import annotations

from collections.abc import Sequence

from aidran_pipeline.text import facts_of, find_quotes
from aidran_pipeline.text.prose import foreign
from aidran_pipeline.write.support.attribution import unattributed
from aidran_pipeline.write.support.distortions import distortions
from aidran_pipeline.write.support.features import features
from aidran_pipeline.write.support.model import trained
from aidran_pipeline.write.support.reading import Reading, read, read_all, sentences_of
from aidran_pipeline.write.support.verdict import Verdict

__all__ = ["JUDGE", "JUDGE_VERSION", "TOO_LITTLE", "Verdict", "score_of", "support"]

JUDGE = "support"
JUDGE_VERSION = f"support-2.{trained().version}"
TOO_LITTLE = "says more than the quotes"
LOOSE = 0.0105  # the floor for what need not be findable word by word


def support(
    sentence: str,
    quotes: Sequence[str],
    context: Sequence[str] = (),
    *,
    metadata: Sequence[str] = (),
    loose: bool = False,
    titled: bool = False,
) -> Verdict:
    """Whether the union of the quotes supports a sentence. Pure and deterministic; the vetoes always hold.

    context: the texts around the quotes, which may take a quote back but carry nothing; metadata: what a sentence may
    state of its sources without quoting it (outlet, author, day); loose: for headings, questions and synthesis, which
    sum up in words of their own; titled: in a headline's capitals.
    """
    if not any(quote.strip() for quote in quotes):
        return Verdict("not", 0.0, ("no quotes",))
    if not sentence.strip():
        return Verdict("not", 0.0, ("no words",))
    reading, evidence = read(sentence), read_all(quotes)
    reasons = [f"not in the quotes: {words}" for words in _foreign(sentence, quotes, context, metadata, titled)]
    reasons += [words for _, words in distortions(reading, evidence)]
    reasons += [f"the quote's own sentence: {words}" for words in _taken_back(reading, quotes, context)]
    score = score_of(sentence, quotes, metadata)
    wanted = LOOSE if loose else trained().publish
    if score < wanted:
        reasons.append(TOO_LITTLE)
    if not reasons:
        return Verdict("supported", score)
    return Verdict("partly" if score >= trained().best else "not", score, tuple(reasons))


def score_of(sentence: str, quotes: Sequence[str], metadata: Sequence[str] = ()) -> float:
    """How much of a sentence the quotes carry, 0 to 1 in thousandths, whatever else is wrong with it."""
    evidence = read_all(quotes)
    if not evidence:
        return 0.0
    told = frozenset().union(*(read(text).stems for text in metadata))
    return trained().score(features(read(unattributed(sentence, told)), evidence, told))


def _taken_back(reading: Reading, quotes: Sequence[str], context: Sequence[str]) -> list[str]:
    """Denials, doubts and hearsay in the sentences around the quotes that the quotes leave out."""
    whole = [
        sentence.text
        for text in context
        for sentence in sentences_of(text)
        if any(quote != sentence.text and quote.strip(" .") in sentence.text for quote in quotes)
    ]
    kinds = ("negation", "hedge")
    return [words for kind, words in distortions(reading, read_all(whole)) if kind in kinds] if whole else []


def _foreign(
    sentence: str, quotes: Sequence[str], context: Sequence[str], metadata: Sequence[str], titled: bool
) -> list[str]:
    """Figures, dates, names, offices and quoted phrases that neither quotes nor metadata hold."""
    missing = foreign(sentence, quotes, " \n ".join(metadata), titled=titled, around=context)
    phrases = [fact.text for fact in facts_of(sentence) if fact.kind == "quoted"]
    return missing + [phrase for phrase in phrases if not any(find_quotes(quote, phrase) for quote in quotes)]
