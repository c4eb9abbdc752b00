"""The three sections: a storyline of its own each, or several small storylines with a paragraph each.

What does not belong here: choosing (select.py), attribution (frames.py), titles (titles.py), questions (faq.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aidran_pipeline.text import split_sentences
from aidran_pipeline.text.quality import quote_problems
from aidran_pipeline.write.draft import CountFact, Sentence, Use, token
from aidran_pipeline.write.frames import Voice, bare, speaker_name, use_of
from aidran_pipeline.write.material import Claim, Material, Page
from aidran_pipeline.write.select import SAME_WORDS, SECTION_RECORDS, Thread, is_post, similarity

CARRIED = (
    "The same news stood at {names}.",
    "{names} carried it as well.",
    "Reports to the same effect came from {names}.",
)
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
POSTS_OPEN = (
    "{n} posts on {places} took up the subject.",
    "On {places}, {n} posts followed the same thread.",
    "The conversation on {places} ran alongside, in {n} posts cited here.",
)


def spell(number: int) -> str:
    """Small counts in words, as a page prints them."""
    return NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else str(number)


def joined(names: list[str]) -> str:
    """A, B and C."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


@dataclass
class Builder:
    """Collects sentences in reading order and remembers what was said, so that nothing is said twice."""

    material: Material
    voice: Voice
    budget: int
    sentences: list[Sentence] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    records: set[int] = field(default_factory=set)
    claims: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)

    def add(self, sentence: Sentence) -> int:
        """Append a sentence; its position is what others rest on."""
        self.sentences.append(sentence)
        for use in sentence.uses:
            self.quotes.append(use.quote)
            if use.source.record_id is not None:
                self.records.add(use.source.record_id)
            if use.claim_id is not None:
                self.claims.add(use.claim_id)
        return len(self.sentences) - 1

    def fresh(self, claim: Claim) -> bool:
        """Not used, not kept for a question, not a repetition, and within the number of records an article cites."""
        if claim.id in self.claims or claim.id in self.held:
            return False
        if claim.source.record_id not in self.records and len(self.records) >= self.budget:
            return False
        return not self.said(claim.quote)

    def said(self, quote: str) -> bool:
        """Whether an earlier quotation of the article says this already."""
        return any(similarity(quote, other) >= SAME_WORDS for other in self.quotes)

    def room_for_synthesis(self, section: int, more: int = 0) -> bool:
        """Whether one more synthesis sentence keeps the section within its share, given `more` cited ones to come."""
        rows = [s for s in self.sentences if s.part == "body" and s.section == section]
        own = sum(s.kind == "synthesis" for s in rows) + 1
        return own / (len(rows) + 1 + more) <= 0.4

    def quote(self, claim: Claim, section: int, paragraph: int, *, first: bool, again: bool = False) -> int:
        """Add the attributed quotation of a claim."""
        use = use_of(claim)
        text = self.voice.attribute(claim, use, first=first, again=again)
        return self.add(
            Sentence("body", text, section, paragraph, "cited", [use], storyline_id=claim.source.storyline_id)
        )


def write_storyline(builder: Builder, thread: Thread, section: int) -> None:
    """One storyline: what outlets report, who else carried it, its page; then what people say about it."""
    news, posts = thread.news(), thread.posts()
    paragraph, cap = 1, SECTION_RECORDS
    if news:
        _reports(builder, news, section, paragraph, most=3 if posts else 5)
        _pages(builder, thread, section, paragraph, most=2)
        _corroboration(builder, news, section, paragraph)
        paragraph += 1
    if posts:
        _posts(builder, posts, section, paragraph, most=cap - 3 if news else cap, opener=bool(news))
        paragraph += 1
    if news and any(builder.fresh(c) for c in news):
        _reports(builder, news, section, paragraph, most=2)


def write_group(builder: Builder, threads: list[Thread], section: int) -> None:
    """Several small storylines, a paragraph each: they stand side by side and are not told as one."""
    for paragraph, thread in enumerate(threads, start=1):
        news, posts = thread.news(), thread.posts()
        if news:
            _reports(builder, news, section, paragraph, most=2)
            _pages(builder, thread, section, paragraph, most=1)
            _corroboration(builder, news, section, paragraph)
        if posts:
            _posts(builder, posts, section, paragraph, most=2, opener=False)


def _reports(builder: Builder, news: list[Claim], section: int, paragraph: int, most: int) -> None:
    """Quotations of outlets: the best one, then others that add something; a second sentence of a report follows it."""
    printed, last = 0, None
    for claim in news:
        if printed >= most or not builder.fresh(claim):
            continue
        same = last is not None and claim.source.key == last
        builder.quote(claim, section, paragraph, first=printed == 0, again=same)
        last, printed = claim.source.key, printed + 1
        more = next((c for c in news if c.source.key == last and c.kind != "headline" and builder.fresh(c)), None)
        if more is not None and printed < most:
            builder.quote(more, section, paragraph, first=False, again=True)
            printed += 1


def _corroboration(builder: Builder, news: list[Claim], section: int, paragraph: int) -> None:
    """Outlets whose claims repeat what was quoted: named and cited, not quoted once more."""
    ground = [
        i
        for i, s in enumerate(builder.sentences)
        if s.section == section and s.paragraph == paragraph and s.part == "body"
    ]
    quoted = [u.quote for i in ground for u in builder.sentences[i].uses]
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
    text = CARRIED[(builder.voice.offset + section) % len(CARRIED)].format(names=joined(names))
    builder.add(
        Sentence("body", text, section, paragraph, "synthesis", uses, rests_on=ground[:1],
                 storyline_id=news[0].source.storyline_id)
    )  # fmt: skip


def _posts(builder: Builder, posts: list[Claim], section: int, paragraph: int, most: int, *, opener: bool) -> None:
    """Voices: one claim an author, opinions before chatter, a critical one last."""
    chosen: list[Claim] = []
    authors: set[str] = set()
    for claim in posts:
        repeated = any(similarity(claim.quote, c.quote) >= SAME_WORDS for c in chosen)
        room = len(chosen) < most and len(builder.records) + len(chosen) < builder.budget
        if room and claim.source.author_key not in authors and builder.fresh(claim) and not repeated:
            chosen.append(claim)
            authors.add(claim.source.author_key)
    chosen.sort(key=lambda c: c.stance == "critical")
    if not chosen:
        return
    place = len(builder.sentences)
    with_opener = opener and len(chosen) >= 2 and builder.room_for_synthesis(section, len(chosen))
    if with_opener:
        platforms = sorted({"Bluesky" if c.source.platform == "bluesky" else "Reddit" for c in chosen})
        count = spell(len(chosen))
        text = POSTS_OPEN[section % len(POSTS_OPEN)].format(n=count, places=joined(platforms))
        text = text[0].upper() + text[1:]
        stated = count.capitalize() if text.startswith(count.capitalize()) else count
        builder.add(
            Sentence("body", text, section, paragraph, "synthesis", facts=[CountFact(stated, "posts", len(chosen))],
                     storyline_id=chosen[0].source.storyline_id)
        )  # fmt: skip
    rows = [builder.quote(c, section, paragraph, first=i == 0 and not with_opener) for i, c in enumerate(chosen)]
    if with_opener:
        builder.sentences[place].rests_on = rows


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
        builder.add(
            Sentence("body", builder.voice.page(page.source, use, own), section, paragraph, "cited", [use],
                     storyline_id=thread.storyline.id)
        )  # fmt: skip
        printed += 1


def best_page_quote(builder: Builder, page: Page, thread: Thread) -> Use | None:
    """A sentence of the page that shares words with the storyline, repeats nothing, and may be printed."""
    words = " ".join(c.quote for c in thread.claims[:6])
    best: tuple[float, Use] | None = None
    for span in split_sentences(page.source.text)[:60]:
        quote = page.source.text[span.start : span.end]
        if any(mark in quote for mark in '“”"\n') or not 60 <= len(quote) <= 260 or quote_problems(quote):
            continue
        near = similarity(quote, words)
        if near < 0.15 or builder.said(quote) or quote.strip() == (page.source.title or "").strip():
            continue
        kept, cut = bare(quote)
        value = near + (0.3 if any(ch.isdigit() for ch in quote) else 0.0) - span.start / 20000
        if best is None or value > best[0]:
            best = (value, Use(page.source, kept, span.start, span.end - cut))
    return best[1] if best else None


def is_voice(sentence: Sentence) -> bool:
    """Whether a sentence quotes someone who posts."""
    return any(u.source.kind == "record" and u.source.platform != "news" for u in sentence.uses)


__all__ = ["Builder", "best_page_quote", "is_post", "joined", "spell", "write_group", "write_storyline"]
