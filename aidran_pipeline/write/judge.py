"""Whether a sentence says only what its quotes and their metadata say, by the engine that wrote it.

The extractive engine's judge is `verbatim`, below; the model engine's is write/support/. `verdict` asks the right one.
`verbatim`: a sentence is supported when it says nothing but its quotes.

A sentence consists of quotations, each an exact use, and of a frame around them. The frame is one of the templates of
wording.py, filled with what the metadata of the quoted sources states (who, where, when), with counts that the gates
take again, and with names that stand in the quotes. A title is a clause of a quotation, whole. Anything else is "not"
or "partly" supported: this judge never guesses what a paraphrase means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from aidran_pipeline.text import facts_of, supports_facts
from aidran_pipeline.write import wording
from aidran_pipeline.write.draft import MARKER, Sentence, Use
from aidran_pipeline.write.fit import clauses

if TYPE_CHECKING:
    from aidran_pipeline.write.support import Verdict

JUDGE = "verbatim"
JUDGE_VERSION = "verbatim-3"
QUOTED = re.compile(r"“([^”]*)”")
TITLES = frozenset(("headline", "short_title", "heading"))
LOOSE = frozenset(("headline", "short_title", "dek", "heading", "question"))
QUOTE, SAID, COUNTED = "‹quote›", "‹source›", "‹count›"
_FIELD = re.compile(r"\{(\w+)\}")
_METADATA = frozenset("who site platform sub places names label date subject".split())


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
    allowed = " \n ".join(
        [use.quote for use in grounds] + [use.source.metadata_text() for use in grounds] + [topic_label]
    )
    frame = frame_of(sentence)
    missing = supports_facts(facts_of(frame), facts_of(allowed))
    lowered = allowed.lower()
    return [fact.text for fact in missing if fact.text.strip("@“” ").lower() not in lowered]


def skeleton(text: str) -> str:
    """What is left of a sentence once its marks are set: lists of marks are one mark, credits and stops are dropped."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(rf"\b[Aa] user of {SAID}", SAID, text)
    text = re.sub(rf"{SAID} \(citing {SAID}\)", SAID, text)
    text = re.sub(rf"\bthe {SAID}", SAID, text)
    for mark in (SAID, COUNTED):
        text = re.sub(rf"{mark}(?:, {mark})* and {mark}", mark, text)
    text = text.replace(" .", ".").strip().rstrip(".")
    return text[:1].lower() + text[1:]


@lru_cache(maxsize=1)
def known_skeletons() -> frozenset[str]:
    """The skeleton of every template of wording.py, with each of its verbs."""

    def templates(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | tuple):
            for item in value.values() if isinstance(value, dict) else value:
                yield from templates(item)

    every = {t for name, value in vars(wording).items() if name.isupper() and name != "VERBS" for t in templates(value)}
    verbs = sorted({verb for choice in wording.VERBS.values() for verb in choice} | set(wording.OTHER_VERBS))
    voices = {f"{SAID} {verb} {QUOTE}" for verb in verbs}
    pairs = {p.format(a=a, b=b) for p in wording.POST_PAIR for a in voices for b in voices}
    filled = {t.replace("{verb}", verb) for t in every - set(wording.POST_PAIR) for verb in verbs}
    return frozenset(skeleton(_FIELD.sub(_mark, t.replace(" {t}", ""))) for t in filled | pairs)


def _mark(match: re.Match[str]) -> str:
    name = match.group(1)
    return QUOTE if name == "q" else SAID if name in _METADATA else COUNTED


def own_words(sentence: Sentence, grounds: list[Use], topic_label: str) -> str | None:
    """The skeleton of a sentence that is none of the engine's templates, None for one that is, or for a title's clause.

    The engine's own voice is a closed grammar: what a template does not say, it cannot say.
    """
    text = MARKER.sub("", sentence.text)
    if sentence.part in TITLES and _is_clause(text.strip(), grounds, begun=sentence.part == "short_title"):
        return None
    text = QUOTED.sub(QUOTE, re.sub(r"\s+([.,;:?!)])", r"\1", text))
    for fact in sorted(sentence.facts, key=lambda f: -len(f.text)):
        text = text.replace(fact.text, COUNTED)
    told = {topic_label, "Bluesky", "Reddit", *(word for use in grounds for word in _told_by(use))}
    for words in sorted(told, key=lambda words: (-len(words), words)):
        text = re.sub(rf"(?<![\w‹]){re.escape(words)}(?![\w›])", SAID, text)
    if sentence.part in ("question", "heading", "short_title"):
        text = _without_names(text, " \n ".join(use.quote for use in grounds))
    left = skeleton(text)
    named = sentence.part in ("heading", "short_title") and left == SAID.lower()
    return None if named or left in known_skeletons() else left


def _without_names(text: str, quotes: str) -> str:
    """Names that stand in the quotes, marked: runs of capitalised words, then what `facts_of` knows (xAI, iHBM)."""
    run = r"[A-ZÀ-Þ0-9][\w’'.&-]*(?: (?:of |for |de |van |von |& )?[A-ZÀ-Þ0-9][\w’'.&-]*)*"
    text = re.sub(
        rf"(?<![‹\w]){run}", lambda m: SAID if whole_words(m.group(0).rstrip(".'’"), quotes) else m.group(0), text
    )
    for fact in reversed(facts_of(text)):
        if fact.kind == "name" and whole_words(fact.text, quotes):
            text = text[: fact.start] + SAID + text[fact.end :]
    return text


def _is_clause(title: str, grounds: list[Use], *, begun: bool) -> bool:
    """Whether a title is a quotation or a clause of one that stands alone; for the tab's title, the first words of one.

    A run of words out of the middle could lose its hedge, its negation or its end.
    """
    whole = [clause for use in grounds for clause in clauses(use)]
    return title in whole or (begun and any(c.startswith(title) and whole_words(title, c) for c in whole))


def whole_words(part: str, text: str) -> bool:
    """Whether `part` stands in `text` without cutting a word or a figure at either end."""
    start = text.find(part)
    while part and start >= 0:
        before, after = text[:start][-1:], text[start + len(part) :][:1]
        if not (before.isalnum() and part[0].isalnum()) and not (after.isalnum() and part[-1].isalnum()):
            return True
        start = text.find(part, start + 1)
    return False


def _told_by(use: Use) -> set[str]:
    """What a frame may say of a source: its outlet, author, community, day, and the outlet an aggregator names."""
    source = use.source
    told = {source.publisher}
    if source.author_name:
        told.add("@" + source.author_name.lstrip("@"))
    if source.community:
        told |= {f"r/{source.community}", source.community}
    if source.day:
        told |= {
            f"{source.day.day} {source.day:%B} {source.day.year}",
            f"{source.day.day} {source.day:%B}",
            f"{source.day:%A}",
        }
    via = source.credited_outlet()
    return told | ({via} if via else set())


def judge(sentence: Sentence, grounds: list[Use], topic_label: str) -> tuple[str, float]:
    """Verdict and score (0 to 1) over the union of the quotes a sentence rests on."""
    if not grounds:
        return "not", 0.0
    for phrase in QUOTED.findall(MARKER.sub("", sentence.text)):
        if not any(whole_words(phrase, use.quote) for use in grounds):
            return "not", 0.0
    if sentence.uses and sentence.kind == "cited":
        missing = [use for use in sentence.uses if use.quote not in sentence.text]
        if missing:
            return "partly", round(1 - len(missing) / len(sentence.uses), 4)
    if foreign_facts(sentence, grounds, topic_label) or own_words(sentence, grounds, topic_label):
        return "partly", 0.5
    return "supported", 1.0


def judge_of(engine: str) -> tuple[str, str]:
    """Name and version of the judge that holds an engine's sentences."""
    if engine == "model":
        from aidran_pipeline.write import support

        return support.JUDGE, support.JUDGE_VERSION
    return JUDGE, JUDGE_VERSION


def verdict(
    engine: str, sentence: Sentence, grounds: list[Use], topic_label: str, told: Sequence[str] = ()
) -> tuple[str, float]:
    """Verdict (supported, partly or not) and score (0 to 1) of the engine's judge over the union of the grounds.

    told: sentences of earlier stories that the story so far rests on. What a model engine's draft says in a template of
    wording.py, or quotes word for word, is the stricter judge's to pass.
    """
    given = judge(sentence, grounds, topic_label)
    if engine != "model" or given[0] == "supported":
        return given
    if not grounds and told and own_words(sentence, [], topic_label) is None:
        return "supported", 1.0
    found = _supported(sentence, grounds, topic_label, told)
    return found.verdict, found.score


def reasons_against(sentence: Sentence, grounds: list[Use], topic_label: str, told: Sequence[str] = ()) -> list[str]:
    """Why the model engine's judge does not call a sentence supported, in words for its writer."""
    return list(_supported(sentence, grounds, topic_label, told).reasons)


def _supported(sentence: Sentence, grounds: list[Use], topic_label: str, told: Sequence[str]) -> Verdict:
    told_of = (*dict.fromkeys(use.source.metadata_text() for use in grounds), topic_label)
    quotes = (*dict.fromkeys(use.quote for use in grounds), *told)
    context = tuple(dict.fromkeys(around(use) for use in grounds))
    loose = sentence.part in LOOSE or (sentence.kind == "synthesis" and not sentence.uses)
    return _support(sentence.plain(), quotes, context, told_of, loose, sentence.part in TITLES)


@lru_cache(maxsize=4096)
def _support(
    text: str, quotes: tuple[str, ...], context: tuple[str, ...], metadata: tuple[str, ...], loose: bool, titled: bool
) -> Verdict:
    """The judge's verdict, once for equal words: an article is checked several times on its way.

    A named distortion always counts. Of the score a cited sentence needs the threshold for publishing, which was chosen
    for a precision of .85 on the calibration half (benchmarks/support); a title, question or synthesis next to nothing.
    """
    from aidran_pipeline.write.support import support

    return support(text, quotes, context, metadata=metadata, loose=loose, titled=titled)


def around(use: Use, most: int = 240) -> str:
    """The words of the source on either side of a quote: they may take it back."""
    text = use.source.text
    return text[max(0, use.start - most) : use.start] + text[use.end : use.end + most]
