"""Headline, short title, dek and section headings, from the words that the cited sentences quote.

A title never says more than a quotation: it is a clause of one, or names that stand in several. What it rests on is
named.
"""

from __future__ import annotations

import re

from aidran_pipeline.text import Span, clause_spans
from aidran_pipeline.text.quality import quote_problems
from aidran_pipeline.write.draft import CountFact, Sentence, Use
from aidran_pipeline.write.frames import speaker_name
from aidran_pipeline.write.sections import Builder, joined, spell
from aidran_pipeline.write.select import Thread, similarity

HEADLINE_LENGTH = (24, 100)
HEADING_LENGTH = (12, 68)
SHORT_LENGTH = 42
NAME = re.compile(r"[A-Z]|\d")
# Names too general to tell a reader what a section is about.
GENERAL = frozenset(
    """ai a.i ai-generated ai-powered ai-related ai-driven ai-native us u.s usa eu uk u.k ceo cto cfo llm llms gpu gpus
    api apis agi genai tech america american americans china chinese europe european british indian japanese korean
    russian german french israeli english western internet web silicon valley big tech ipo app apps ml ios mac pc pcs
    sci-fi bluesky reddit techmeme he she they we i it the company""".split()
)


def clauses(use: Use) -> list[str]:
    """A quotation and the clauses in it that stand alone, longest first, without a final stop."""
    spans = clause_spans(use.source.text, Span(use.start, use.end))
    texts = {use.quote} | {use.source.text[s.start : s.end].rstrip(" .,;:") for s in spans}
    return sorted((t for t in texts if t and t in use.quote), key=lambda t: (-len(t), t))


def _candidates(rows: list[tuple[int, Sentence]], low: int, high: int) -> list[tuple[int, Use, str]]:
    return [
        (position, use, clause)
        for position, sentence in rows
        for use in sentence.uses
        if sentence.kind == "cited"
        for clause in clauses(use)
        if low <= len(clause) <= high and clause[0].isupper() | clause[0].isdigit() and not _blemish(clause)
    ]


def _blemish(clause: str) -> list[str]:
    return [p for p in quote_problems(clause) if p not in ("too_short", "no_verb")]


def title_terms(thread_terms: tuple[str, ...], quotes: list[str], most: int = 2) -> list[str]:
    """The storyline's names that stand in the quotations, strongest first, none within another."""
    whole = " \n ".join(quotes)
    found: list[str] = []
    for term in thread_terms:
        inside = any(term.lower() in other.lower() or other.lower() in term.lower() for other in found)
        if NAME.search(term) and term in whole and not inside and 2 < len(term) <= 32 and not general(term):
            found.append(term)
        if len(found) == most:
            break
    return found


def general(term: str) -> bool:
    """Whether a term says nothing of its own: a general name, a bare figure, a word with a hyphenated suffix."""
    words = term.lower().replace("’", "'").split()
    return (
        all(w in GENERAL for w in words)
        or term.replace("%", "").replace(".", "").isdigit()
        or term.lower().startswith(("ai-", "usd ", "eur "))
    )


def headline(builder: Builder, thread: Thread) -> tuple[str, int]:
    """The lead's clause that says most in a line, and the position of the sentence that quotes it."""
    rows = [(i, s) for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == 1]
    best: tuple[float, str, int] | None = None
    central = " ".join(c.quote for c in thread.claims)
    for position, use, clause in _candidates(rows, *HEADLINE_LENGTH):
        value = similarity(clause, central)
        value += 0.5 if use.source.platform == "news" else 0.0
        value += 0.2 * len(title_terms(thread.storyline.terms, [clause]))
        value += 0.15 if re.search(r"\d", clause) else 0.0
        value -= 0.4 if clause.endswith("?") else 0.0
        value -= 0.3 if "(" in clause or len(clause) < 40 else 0.0
        value -= abs(len(clause) - 72) / 150 + position / 100
        if best is None or (value, clause) > (best[0], best[1]):
            best = (value, clause, position)
    if best is None:
        return "", -1
    return best[1], best[2]


def short_title(thread: Thread, headline_text: str, label: str) -> str:
    """For the browser's tab: the lead's names, else the first words of the headline."""
    terms = title_terms(thread.storyline.terms, [headline_text], 2)
    text = " and ".join(terms)
    if not terms or len(text) > SHORT_LENGTH:
        words = headline_text.split()
        text = ""
        for word in words:
            if len(text) + len(word) + 1 > SHORT_LENGTH - 6:
                break
            text = f"{text} {word}".strip()
        text = re.sub(r"[\s,;:–—-]+(?:\w{1,3})?$", "", text) if len(words) > 4 else text
    return text or label


def heading(builder: Builder, section: int, threads: list[Thread], taken: set[str]) -> tuple[str, list[int]]:
    """A clause of the section that tells what it holds, else its names; with the sentences it rests on."""
    rows = [(i, s) for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == section]
    quotes = [u.quote for _, s in rows for u in s.uses]
    if len(threads) > 1:
        names, grounds = _group_names(rows, threads)
        if len(names) >= 2 and len(joined(names[:3])) <= HEADING_LENGTH[1]:
            return joined(names[:3]), grounds[:3]
    words = [(len(c), c, i) for i, _, c in _candidates(rows, *HEADING_LENGTH) if _new(c, taken) and not c.endswith("?")]
    wanted = sorted(words, key=lambda w: (abs(w[0] - 44), w[1]))
    if wanted:
        return wanted[0][1], [wanted[0][2]]
    names = title_terms(threads[0].storyline.terms, quotes, 2)
    if names:
        grounds = [i for i, s in rows if any(name in u.quote for name in names for u in s.uses)]
        return joined(names), grounds
    longest = sorted((len(c), c, i) for i, _, c in _candidates(rows, HEADING_LENGTH[0], 88) if _new(c, taken))
    return (longest[0][1], [longest[0][2]]) if longest else ("", [])


def _new(clause: str, taken: set[str]) -> bool:
    return all(similarity(clause, other) < 0.7 for other in taken)


def _group_names(rows: list[tuple[int, Sentence]], threads: list[Thread]) -> tuple[list[str], list[int]]:
    """One name a storyline, in their order, with the sentences that hold it."""
    names: list[str] = []
    grounds: list[int] = []
    for thread in threads:
        own = [(i, s) for i, s in rows if s.storyline_id == thread.storyline.id]
        found = title_terms(thread.storyline.terms, [u.quote for _, s in own for u in s.uses], 1)
        if found and found[0] not in names:
            names.append(found[0])
            grounds.append(next(i for i, s in own if any(found[0] in u.quote for u in s.uses)))
    return names, grounds


def dek(builder: Builder, lead_position: int) -> Sentence:
    """Whose words the headline is, what else the page holds, and how much stands behind it."""
    lead = builder.sentences[lead_position].uses[0]
    source = lead.source
    who = speaker_name(source) if source.platform != "reddit" else f"a post in r/{source.community}"
    body = [i for i, s in enumerate(builder.sentences) if s.part == "body" and s.uses]
    records = {u.source.key for i in body for u in builder.sentences[i].uses if u.source.kind == "record"}
    outlets = {u.source.family for i in body for u in builder.sentences[i].uses if u.source.platform == "news"}
    posts = {
        k
        for k in records
        if k not in {u.source.key for i in body for u in builder.sentences[i].uses if u.source.platform == "news"}
    }
    facts, shares = [], []
    if outlets:
        text = f"{spell(len(outlets))} {'outlet' if len(outlets) == 1 else 'outlets'}"
        shares.append(text)
        facts.append(CountFact(text, "families", len(outlets)))
    if posts:
        text = f"{spell(len(posts))} {'post' if len(posts) == 1 else 'posts'}"
        shares.append(text)
        facts.append(CountFact(text, "posts", len(posts)))
    other = _second_line(builder)
    text = f"The words are those of {who}; the story draws on {joined(shares)}"
    rests = [lead_position, *[i for i in body if i != lead_position]]
    text += f" and turns next to “{other[1]}”." if other else "."
    return Sentence("dek", text, 0, 0, "synthesis", rests_on=rests, facts=facts)


def _second_line(builder: Builder) -> tuple[int, str] | None:
    """A short clause of the second section, to tell what else the page holds."""
    rows = [(i, s) for i, s in enumerate(builder.sentences) if s.part == "body" and s.section == 2]
    found = sorted((abs(len(c) - 60), c, i) for i, _, c in _candidates(rows, 24, 84) if not c.endswith("?"))
    return (found[0][2], found[0][1]) if found else None
