"""Headline, short title, dek and section headings, from the words that the cited sentences quote.

A title never says more than a quotation: it is a clause of one, or names that stand in several. What it rests on is
named. What does not belong here: which sentence is quoted (sections.py).
"""

from __future__ import annotations

import re

from aidran_pipeline.text.quality import HANGING_END
from aidran_pipeline.write import wording
from aidran_pipeline.write.builder import Builder, joined, spell
from aidran_pipeline.write.draft import CountFact, Sentence, Use
from aidran_pipeline.write.fit import (
    HEADLINE_LENGTH,
    SUBJECT,
    repeats,
    sentence_case,
    similarity,
    stands_alone,
    telling_clauses,
)
from aidran_pipeline.write.frames import day_name, speaker_name
from aidran_pipeline.write.threads import Thread

HEADING_LENGTH = (14, 74)
LONG_HEADING = (74, 90)
SHORT_LENGTH = 44
DEK_LENGTH = (40, 170)
# The tab's title does not stop at these: the sense is still to come.
UNFINISHED = re.compile(
    r"\d|[’']s$|n[’']t$|^(?:each|every|all|some|any|no|let|lets|first|new|its|than|up|out|off|draft)$|(?:ing|ed)$", re.I
)
Candidate = tuple[int, Use, str]


def _candidates(builder: Builder, section: int, low: int, high: int) -> list[Candidate]:
    """(position, use, clause) of the section's quotations that can stand as a title of this length."""
    return [
        (position, use, clause)
        for position, sentence in enumerate(builder.sentences)
        if sentence.part == "body" and sentence.section == section
        for use in sentence.uses
        if use.source.kind == "record"
        for clause in telling_clauses(use)
        if low <= len(clause) <= high and stands_alone(clause)
    ]


def _reported(found: list[Candidate]) -> list[Candidate]:
    """Those of outlets: what one person says is not set as a heading in the house's own voice."""
    return [one for one in found if one[1].source.platform == "news"]


def headline(builder: Builder, thread: Thread) -> tuple[str, int]:
    """The lead's clause that says most in a line, and the position of the sentence that quotes it; else ("", -1)."""
    best: tuple[float, str, int] | None = None
    central = " ".join(c.quote for c in thread.claims)
    names = thread.names()[:4]
    for position, use, clause in _candidates(builder, 1, *HEADLINE_LENGTH):
        value = similarity(clause, central) - abs(len(clause) - 70) / 150 - position / 100
        value += 0.5 if use.source.platform == "news" else 0.0
        value += 0.3 if builder.sentences[position].kind == "synthesis" else 0.0  # named, not printed in the body
        value += 0.15 * sum(name in clause for name in names) + (0.25 if SUBJECT.search(clause) else 0.0)
        value += 0.15 if re.search(r"\d", clause) else 0.0
        value += 0.3 if sentence_case(clause) else 0.0
        value -= 0.3 if "(" in clause or len(clause) < 40 else 0.0
        value -= 0.3 if ":" in clause or "…" in clause or ". " in clause else 0.0
        if best is None or (value, clause) > (best[0], best[1]):
            best = (value, clause, position)
    return (best[1], best[2]) if best else ("", -1)


def short_title(headline_text: str, label: str) -> str:
    """For the browser's tab: the first words of the headline that hold together."""
    words = headline_text.split()
    kept: list[str] = []
    for word in words:
        if len(" ".join([*kept, word])) > SHORT_LENGTH:
            break
        kept.append(word)
    while 2 < len(kept) < len(words) and (HANGING_END.search(kept[-1]) or UNFINISHED.search(kept[-1])):
        kept.pop()
    text = " ".join(kept).rstrip(" ,;:–—-")
    return text if len(kept) >= 2 else label


def heading(builder: Builder, section: int, threads: list[Thread], taken: set[str]) -> Sentence:
    """A clause of the section that tells what it holds, else its names, else how many speak in it."""
    found = [(c, i) for i, _, c in _reported(_candidates(builder, section, *HEADING_LENGTH)) if _new(c, taken)]
    if found:
        opening = min(i for _, i in found)
        best = min(found, key=lambda f: (not sentence_case(f[0]), abs(len(f[0]) - 46) + 6 * (f[1] - opening), f[0]))
        return _headed(best[0], section, [best[1]])
    told = _reported(_candidates(builder, section, HEADING_LENGTH[0], LONG_HEADING[1]))
    longer = sorted((len(c), c, i) for i, _, c in told if len(c) > HEADING_LENGTH[1] and _new(c, taken))
    rows = [i for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == section and s.uses]
    quotes = {i: " \n ".join(u.quote for u in builder.sentences[i].uses) for i in rows}
    names = [n for n in threads[0].names() if any(n in quote for quote in quotes.values())][:2]
    enough = len(names) > 1 or (" " in joined(names or [""]) and not longer)
    if enough and joined(names) not in taken:
        return _headed(joined(names), section, [i for i in rows if any(name in quotes[i] for name in names)])
    if longer:
        return _headed(longer[0][1], section, [longer[0][2]])
    return _counted(builder, section, rows)


def _headed(text: str, section: int, grounds: list[int], facts: list[CountFact] | None = None) -> Sentence:
    return Sentence("heading", text, section, 0, "synthesis", rests_on=grounds, facts=facts or [])


def _counted(builder: Builder, section: int, rows: list[int]) -> Sentence:
    """Where no clause can stand as a heading: how many outlets report, or how many people speak."""
    sources = {u.source.key: u.source for i in rows for u in builder.sentences[i].uses if u.source.kind == "record"}
    outlets = len({s.family for s in sources.values() if s.platform == "news"})
    people = len({s.author_key for s in sources.values()})
    if outlets:
        words = f"{spell(outlets)} {'outlet' if outlets == 1 else 'outlets'}"
        text, fact = wording.HEADINGS[outlets == 1].format(n=words), CountFact(words, "families", outlets)
    else:
        words = f"{spell(people)} {'person' if people == 1 else 'people'}"
        text, fact = wording.HEADINGS[2 + (people == 1)].format(n=words), CountFact(words, "authors", people)
    return _headed(text, section, rows, [fact])


def _new(clause: str, taken: set[str]) -> bool:
    return all(similarity(clause, other) < 0.7 for other in taken)


def dek(builder: Builder, lead_position: int, title: str) -> Sentence:
    """A second fact of the lead with its source, and how much stands behind the page."""
    body = [i for i, s in enumerate(builder.sentences) if s.part in ("body", "answer") and s.uses]
    tail, facts = _standing(builder, body)
    second = _second_fact(builder, title)
    if second is None:
        position, use = lead_position, builder.sentences[lead_position].uses[0]
        who, day = _capital(speaker_name(use.source)), use.source.day
        text = wording.DEK_PLAIN[0 if day else 1].format(who=who, date=day_name(day) if day else "", tail=tail)
    else:
        position, use, clause = second
        frame = wording.DEK_SECOND[0 if use.source.platform == "news" else 1]
        text = frame.format(q=f"“{clause}”", who=speaker_name(use.source), tail=tail)
    rests = [position, *[i for i in body if i != position]]
    return Sentence("dek", text, 0, 0, "synthesis", rests_on=rests, facts=facts)


def _standing(builder: Builder, body: list[int]) -> tuple[str, list[CountFact]]:
    """Outlets and posts of the body, in words, with their counts."""
    sources = {u.source.key: u.source for i in body for u in builder.sentences[i].uses if u.source.kind == "record"}
    outlets = len({s.family for s in sources.values() if s.platform == "news"})
    posts = sum(s.platform != "news" for s in sources.values())
    shares, facts = [], []
    for count, kind, one, many in ((outlets, "families", "outlet", "outlets"), (posts, "posts", "post", "posts")):
        if count:
            shares.append(f"{spell(count)} {one if count == 1 else many}")
            facts.append(CountFact(shares[-1], kind, count))
    return joined(shares), facts


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _second_fact(builder: Builder, title: str) -> Candidate | None:
    """A clause of the lead section that adds to the headline."""
    found = [(i, u, c) for i, u, c in _candidates(builder, 1, *DEK_LENGTH) if not repeats(c, title)]
    return min(
        found, key=lambda f: (similarity(f[2], title) > 0.6, abs(len(f[2]) - 110) + 10 * f[0], f[2]), default=None
    )
