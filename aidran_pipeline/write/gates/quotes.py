"""Gate 1: every quote is found exactly in its record or page version; nothing is quoted up to a cut."""

from __future__ import annotations

from functools import lru_cache

from aidran_pipeline.text import Span, split_sentences
from aidran_pipeline.text.clauses import CREDIT
from aidran_pipeline.text.quality import last_words_of
from aidran_pipeline.write.draft import MARKER, Draft, Source, Use
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds, shown
from aidran_pipeline.write.judge import QUOTED, whole_words


def quotes_are_verbatim(draft: Draft, context: Context) -> list[GateFailure]:
    """Exact offsets, quotation marks only around words that stand in a source, and no quotation that ends at a cut."""
    found: list[GateFailure] = []
    for position, sentence in enumerate(draft.sentences):
        for use in sentence.uses:
            if use.source.text[use.start : use.end] != use.quote or not use.quote:
                found.append(GateFailure("quotes", "not verbatim", shown(use.quote), position))
            elif cut_off(use):
                found.append(GateFailure("quotes", "quoted to a cut", shown(use.quote), position))
            elif not whole_sentence(use):
                found.append(GateFailure("quotes", "quoted in part", shown(use.quote), position))
        text = MARKER.sub("", sentence.text)
        allowed = [use.quote for use in grounds(draft, sentence)]
        allowed += [
            headline
            for headline, _ in (context.earlier_headlines.get(i, ("", None)) for i in sentence.rests_on_earlier)
        ]
        for phrase in QUOTED.findall(text):
            if not any(whole_words(phrase, quote) for quote in allowed):
                found.append(GateFailure("quotes", "quotation marks around other words", shown(phrase), position))
        if text.count("“") != text.count("”"):
            found.append(GateFailure("quotes", "unbalanced quotation marks", shown(text), position))
    return found


def whole_sentence(use: Use) -> bool:
    """Whether the quote is a whole sentence or title, but for the stop and the credit at its end.

    A part can lose its negation, its hedge or whose words it repeats; half a word or half a figure says something else.
    """
    text, title_end = use.source.text, len(use.source.title or "")
    spans = sentences_of(text)
    if title_end and text.startswith(use.source.title or ""):
        spans = (*spans, Span(0, title_end))
    for span in spans:
        if span.start == use.start and use.end <= span.end:
            rest = text[use.end : span.end]
            if not rest.strip(" .,;:") or CREDIT.fullmatch(rest.rstrip(" .")):
                return True
    return False


@lru_cache(maxsize=512)
def sentences_of(text: str) -> tuple[Span, ...]:
    """The sentences of a source, once per text."""
    return tuple(split_sentences(text))


def cut_off(use: Use) -> bool:
    """Whether the quote runs into text that its source cut: the end of a cut title or the last line of a cut body."""
    source: Source = use.source
    title_end = len(source.title or "")
    if source.title_truncated and use.start < title_end and use.end >= last_words_of(source.text[:title_end]):
        return True
    return source.body_truncated and use.end > title_end and use.end >= last_words_of(source.text)
