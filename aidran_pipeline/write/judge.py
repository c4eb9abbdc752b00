"""The judge of the extractive engine, `verbatim`: a sentence is supported when it says nothing but its quotes.

A sentence consists of quotations, each an exact use, and of a frame around them. The frame may state only what the
metadata of the quoted sources states (who, where, when), counts that the gates take again, and names that stand in the
quotes; for the rest it is made of the few words that the engine's frames are made of (`FRAME_WORDS`). A title is a
clause of a quotation, whole words of it. Anything else is "not" or "partly" supported: this judge never guesses what a
paraphrase means.
"""

from __future__ import annotations

import re

from aidran_pipeline.text import facts_of, supports_facts
from aidran_pipeline.write.draft import MARKER, Sentence, Use
from aidran_pipeline.write.fit import clauses

JUDGE = "verbatim"
JUDGE_VERSION = "verbatim-2"
QUOTED = re.compile(r"“([^”]*)”")
TITLES = frozenset(("headline", "short_title", "heading"))
# Every word that frames.py, sections.py, titles.py, faq.py and sofar.py may write in the engine's own voice. A test
# holds the list against them. No word here says anything of the world that a count or a source does not.
FRAME_WORDS = frozenset(
    """a about according added advice advise against and apart argued argues as asked at away be before bluesky
    breadth brought by came can carried cited citing could counter-argument dates day days detail do does down
    each earlier earliest effect evidence first followed follows for from full further gives had has headed
    headline headlines here history in is it its lead leads led link linked louder matter matters measure more
    news next no nobody none not nothing of oldest on opened or other outlet outlets own page people person post
    posts put quotable quoted ran read record records reddit report reported reports rests said same say says
    share side sources spoke stand stands step stood story storyline strongest text than that the
    their there these they this thread title to today’s up used user usual utc view voices was way well
    went what where whoever why with words wrote yet""".split()
)
WORD = re.compile(r"[^\W_][\w’'.-]*", re.U)


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


def foreign_words(sentence: Sentence, grounds: list[Use], topic_label: str) -> list[str]:
    """Words of the frame that are neither metadata, nor names out of the quotes, nor of the engine's frames."""
    frame = QUOTED.sub(" ", frame_of(sentence))
    if sentence.part in TITLES and _is_clause(frame.strip(), grounds, begun=sentence.part == "short_title"):
        return []
    told = sorted(
        {topic_label, *(word for use in grounds for word in _told_by(use))}, key=lambda words: (-len(words), words)
    )
    for words in told:
        frame = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", frame)
    quotes = " \n ".join(use.quote for use in grounds)
    for fact in facts_of(frame):
        if fact.kind == "name" and whole_words(fact.text, quotes):
            frame = frame.replace(fact.text, " ")
    return [word for word in WORD.findall(frame) if not _known(word, quotes)]


def _known(word: str, quotes: str) -> bool:
    """A word of the frames, or a capitalised one (part of a name) that stands so in the quotes."""
    return word.lower().rstrip(".'’-") in FRAME_WORDS or (word[0].isupper() and whole_words(word, quotes))


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
    told = {source.publisher, *(word for word in (source.author_name,) if word)}
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
    via = re.search(r"\((?:[^()/]+/)?([A-Z][^()/]{2,40})\)\s*$", source.title or "")
    return told | ({via.group(1)} if via else set())


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
    if foreign_facts(sentence, grounds, topic_label) or foreign_words(sentence, grounds, topic_label):
        return "partly", 0.5
    return "supported", 1.0
