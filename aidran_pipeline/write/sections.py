"""The sections' paragraphs: reports of an event, who else carried it, its pages, the voices on it, several small ones.

What does not belong here: choosing (select.py), attribution (frames.py), titles (titles.py), questions (faq.py), and
what the article remembers while it is written (builder.py).
"""

from __future__ import annotations

import re

from aidran_pipeline.text import split_sentences
from aidran_pipeline.write import wording
from aidran_pipeline.write.builder import Builder, joined, spell
from aidran_pipeline.write.draft import CountFact, Sentence, Use, earliest, moment_name, token
from aidran_pipeline.write.fit import SAME_WORDS, headline_clauses, opens, printable, similarity
from aidran_pipeline.write.frames import AGGREGATORS, bare, speaker_name, use_of
from aidran_pipeline.write.material import Claim, Page
from aidran_pipeline.write.threads import Thread

PAIR_LENGTH = 110
REPORTS, REPORTS_ALONE, PAGES, REACTIONS = 4, 6, 3, 8
PAGE_NEAR = 0.15


def write_storyline(builder: Builder, thread: Thread, section: int, *, voices: bool) -> None:
    """One storyline: what outlets report, its pages, who else carried it; then, when asked, what people say of it."""
    news, posts = thread.news(), thread.posts()
    if news:
        _reports(builder, news, section, 1, most=REPORTS if posts and voices else REPORTS_ALONE)
        _pages(builder, thread, section, 1, most=PAGES)
        _corroboration(builder, news, section, 1)
        _earliest(builder, section, 1)
    if posts and voices:
        _posts(builder, posts, section, 2 if news else 1, most=REACTIONS, opener=wording.REACTIONS_OPEN if news else ())


def write_reactions(builder: Builder, thread: Thread, section: int) -> None:
    """The voices on the lead, in a section of their own."""
    _posts(builder, thread.posts(), section, 1, most=REACTIONS, opener=wording.REACTIONS_OPEN)


def write_roundup(builder: Builder, threads: list[Thread], section: int) -> None:
    """Several small storylines side by side: a line or two each, introduced by what they are."""
    place = builder.hold(section, 1)
    for thread in threads:
        claim = next((c for c in thread.news() if builder.fresh(c) and opens(c)), None)
        if claim is None:
            continue
        builder.quote(claim, section, 1, first=True, brief=True)
        more = next(
            (
                c
                for c in thread.news()
                if c.source.key == claim.source.key and c.kind != "headline" and builder.fresh(c)
            ),
            None,
        )
        if more is not None:
            builder.quote(more, section, 1, first=False, again=True)
        _pages(builder, thread, section, 1, most=1)
    _open(builder, place, wording.ROUNDUP_OPEN)


def write_voices(builder: Builder, threads: list[Thread], section: int) -> None:
    """Posts of several small threads: one claim an author."""
    _posts(builder, [c for t in threads for c in t.posts()[:2]], section, 1, most=REACTIONS, opener=wording.VOICES_OPEN)


def _reports(builder: Builder, news: list[Claim], section: int, paragraph: int, most: int) -> None:
    """Quotations of outlets: the best one, then others that add something; a second sentence of a report follows it."""
    printed, last = 0, None
    for claim in _opening_first(news):
        if printed >= most or not builder.fresh(claim) or not (opens(claim) or printed):
            continue
        same = last is not None and claim.source.key == last
        builder.quote(claim, section, paragraph, first=printed == 0, again=same)
        last, printed = claim.source.key, printed + 1
        more = next((c for c in news if c.source.key == last and c.kind != "headline" and builder.fresh(c)), None)
        if more is not None and printed < most:
            builder.quote(more, section, paragraph, first=False, again=True)
            printed += 1


def _opening_first(news: list[Claim]) -> list[Claim]:
    """The claims with one in front that tells the event in a line, from an outlet of its own if there is one."""
    opening = next((c for c in news if headline_clauses(c) and c.source.publisher not in AGGREGATORS), None)
    opening = opening or next((c for c in news if headline_clauses(c)), None)
    return [opening, *(c for c in news if c is not opening)] if opening else news


def _corroboration(builder: Builder, news: list[Claim], section: int, paragraph: int) -> None:
    """Outlets whose claims repeat what was quoted: named and cited, not quoted once more."""
    ground = builder.rows(section, paragraph)
    # The statement it names is the first: an outlet that repeats another one does not carry "the same news".
    quoted = [u.quote for i in ground[:1] for u in builder.sentences[i].uses]
    named = {u.source.publisher for i in ground for u in builder.sentences[i].uses}
    uses: list[Use] = []
    for claim in news:
        known = claim.source.record_id in builder.records or claim.id in builder.held
        if known or claim.source.publisher in named or len(builder.records) + len(uses) >= builder.budget:
            continue
        if any(similarity(claim.quote, q) >= SAME_WORDS for q in quoted) and len(uses) < 4:
            uses.append(use_of(claim))
            named.add(claim.source.publisher)
    if not uses or not builder.room_for_synthesis(section):
        return
    names = [f"{speaker_name(u.source)} {token(u.source)}" for u in uses]
    text = wording.CARRIED[(builder.voice.offset + section) % len(wording.CARRIED)].format(names=joined(names))
    sentence = Sentence("body", text, section, paragraph, "synthesis", uses, rests_on=ground[:1])
    sentence.storyline_id = news[0].source.storyline_id
    builder.add(sentence)


def _earliest(builder: Builder, section: int, paragraph: int) -> None:
    """How many outlets reported it and whose report is the earliest cited here, by its own publication moment."""
    rows = builder.rows(section, paragraph)
    sources = {
        u.source.key: u.source for i in rows for u in builder.sentences[i].uses
        if u.source.kind == "record" and u.source.platform == "news" and u.source.published
    }  # fmt: skip
    families = {s.family for s in sources.values()}
    # A page says no moment of its own: with one of a further outlet nobody can be called the earliest.
    pages = {u.source.publisher for i in rows for u in builder.sentences[i].uses if u.source.kind == "web"}
    further = pages - {s.publisher for s in sources.values()}
    if len(families) < 3 or further or not builder.room_for_synthesis(section):
        return
    first = earliest(sources.values())
    if first is None or first.published is None:
        return
    count = f"{spell(len(families))} outlets"
    moment = moment_name(first.published)
    text = wording.EARLIEST.format(n=count, outlet=first.publisher, moment=moment)
    facts = [
        CountFact(count, "families", len(families)),
        CountFact(first.publisher, "earliest_outlet", first.publisher),
        CountFact(moment, "earliest_moment", moment),
    ]
    sentence = Sentence("body", text, section, paragraph, "synthesis", rests_on=rows, facts=facts)
    sentence.storyline_id = first.storyline_id
    builder.add(sentence)


def _posts(
    builder: Builder, posts: list[Claim], section: int, paragraph: int, most: int, *, opener: tuple[str, ...]
) -> None:
    """Voices: one claim an author; a critical one last; short neighbours share a sentence now and then."""
    chosen: list[Claim] = []
    authors: set[str] = set()
    for claim in posts:
        repeated = any(similarity(claim.quote, c.quote) >= SAME_WORDS for c in chosen)
        room = len(chosen) < most and len(builder.records) + len(chosen) < builder.budget
        if room and not repeated and claim.source.author_key not in authors and builder.fresh(claim):
            chosen.append(claim)
            authors.add(claim.source.author_key)
    chosen.sort(key=lambda c: c.stance == "critical")
    if not chosen:
        return
    place = builder.hold(section, paragraph) if opener and len(chosen) >= 2 else None
    position = 0
    while position < len(chosen):
        pair = chosen[position : position + 2]
        if position % 3 == 1 and _pairable(pair):
            builder.quote_pair(pair[0], pair[1], section, paragraph)
            position += 2
            continue
        builder.quote(chosen[position], section, paragraph, first=position == 0 and place is None)
        position += 1
    if place is not None:
        _open(builder, place, opener)


def _pairable(pair: list[Claim]) -> bool:
    """Whether two posts fit into one sentence: both short Bluesky posts, neither a question nor an exclamation."""
    return len(pair) == 2 and all(
        c.source.platform == "bluesky" and len(c.quote) <= PAIR_LENGTH and not c.quote.endswith(("?", "!"))
        for c in pair
    )


def _open(builder: Builder, place: int, frames: tuple[str, ...]) -> None:
    """Write the opening sentence of a paragraph, now that it is known what it introduces; or drop it."""
    held = builder.sentences[place]
    rows = [i for i in builder.rows(held.section, held.paragraph) if i != place]
    uses = [u for i in rows for u in builder.sentences[i].uses if u.source.kind == "record"]
    count, facts = "", []
    outlets = len({u.source.family for u in uses if u.source.platform == "news"})
    if "{outlets}" in frames[0]:
        records = len({u.source.key for u in uses})
        count, kind, value = spell(records), "records", records
        shown = f"{spell(outlets)} {'outlet' if outlets == 1 else 'outlets'}"
        facts.append(CountFact(shown, "families", outlets))
    else:
        people = len({u.source.author_key for u in uses})
        count, kind, value = spell(people), "authors", people
        shown = ""
    if value < 2 or not rows or not builder.room_for_synthesis(held.section):
        builder.drop(place)
        return
    places = sorted(
        {"Bluesky" if u.source.platform == "bluesky" else "Reddit" for u in uses if u.source.platform != "news"}
    )
    words = {"n": count, "label": builder.material.label, "outlets": shown, "places": joined(places) if places else ""}
    first, said = builder.voice.offset + held.section, {s.text for s in builder.sentences}
    turns = (frames[(first + turn) % len(frames)].format(**words) for turn in range(len(frames)))
    text = next((t for t in (t[0].upper() + t[1:] for t in turns) if t not in said), "")
    if not text:  # three sections need three frames; a fourth paragraph goes without
        builder.drop(place)
        return
    stated = count.capitalize() if text.startswith(count.capitalize()) else count
    builder.sentences[place] = Sentence(
        "body", text, held.section, held.paragraph, "synthesis", rests_on=rows,
        facts=[CountFact(stated, kind, value), *facts],
    )  # fmt: skip


def _pages(builder: Builder, thread: Thread, section: int, paragraph: int, most: int) -> None:
    """The best sentence of a linked page that says something new."""
    printed = 0
    for page in thread.pages:
        if printed == most:
            return
        use = best_page_quote(builder, page, thread)
        if use is None:
            continue
        last = builder.sentences[-1] if builder.sentences else None
        own = bool(last and last.uses and last.uses[-1].source.record_id in page.own_records)
        text = builder.voice.page(page.source, use, own=own, alone=bool(page.own_records))
        sentence = Sentence("body", text, section, paragraph, "cited", [use], storyline_id=thread.storyline.id)
        builder.add(sentence)
        printed += 1


def best_page_quote(builder: Builder, page: Page, thread: Thread, cue: re.Pattern[str] | None = None) -> Use | None:
    """A sentence of the page that shares words with the storyline, repeats nothing, and may be printed.

    cue: a pattern that the sentence must hold, for answers.
    """
    words = " ".join(c.quote for c in thread.claims[:6])
    best: tuple[float, Use] | None = None
    for span in split_sentences(page.source.text)[:60]:
        quote = page.source.text[span.start : span.end]
        if not 60 <= len(quote) <= 260 or not printable(quote) or (cue and not cue.search(quote)):
            continue
        near = similarity(quote, words)
        in_record = any(quote in c.source.text for c in thread.claims)
        if near < PAGE_NEAR or builder.said(quote) or in_record or page.heads(quote):
            continue
        kept, cut = bare(quote)
        value = near + (0.3 if any(ch.isdigit() for ch in quote) else 0.0) - span.start / 20000
        if best is None or value > best[0]:
            best = (value, Use(page.source, kept, span.start, span.end - cut))
    return best[1] if best else None
