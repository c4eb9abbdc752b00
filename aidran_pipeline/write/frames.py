"""Attribution: the few words around a quotation, in enough shapes that a page does not sound like a form.

Frames state only what the source's metadata states: who, where, when. `Voice` deals them out in a fixed order that
starts at a place of the article's own, so that the same input gives the same page and two pages do not open alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from aidran_pipeline.text.clauses import CREDIT
from aidran_pipeline.write.draft import Source, Use, token
from aidran_pipeline.write.material import Claim

# “…” and a citation token where {q} and {t} stand; {who} is the speaker's name with its place.
NEWS_FIRST = (
    "{who} reported on {date}: {q} {t}.",
    "{q}, {who} reported on {date} {t}.",
    "On {date}, {who} wrote: {q} {t}.",
    "According to {who}, {q} {t}.",
)
NEWS_NEXT = (
    "{who} put it this way: {q} {t}.",
    "From {who}: {q} {t}.",
    "{q}, {who} noted {t}.",
    "{who} wrote: {q} {t}.",
    "In the words of {who}, {q} {t}.",
)
NEWS_TITLE = (
    "{who} reported on {date}: {q} {t}.",
    "{q}, {who} reported {t}.",
    "{who} headlined it {q} {t}.",
    "On {date}, {who} had it as {q} {t}.",
    "{q} was the headline at {who} {t}.",
    "At {who}, the line was {q} {t}.",
)
NEWS_AGAIN = (
    "It added: {q} {t}.",
    "The same report says: {q} {t}.",
    "{q}, it went on {t}.",
)
POST_FIRST = (
    "{place}, {who} {verb}: {q} {t}.",
    "{q}, {who} {verb} {place_low} {t}.",
)
POST_NEXT = (
    "{who} {verb}: {q} {t}.",
    "{q}, {verb} {who} {t}.",
    "{q}, {who} {verb} {t}.",
    "And {who}: {q} {t}.",
)
REDDIT = (
    "In {sub}, one post {verb_post}: {q} {t}.",
    "{q}, a post in {sub} {verb_post} {t}.",
    "A user of {sub} {verb}: {q} {t}.",
)
REDDIT_TITLE = (
    "In {sub}, a thread opened with {q} {t}.",
    "A thread in {sub} was headed {q} {t}.",
    "{q} was the title of a post in {sub} {t}.",
)
PAGE = (
    "The page at {site} goes into detail: {q} {t}.",
    "The linked text at {site} says: {q} {t}.",
    "{q}, reads the page at {site} {t}.",
    "Those who followed the link to {site} could read: {q} {t}.",
)
PAGE_OWN = (
    "The full report adds: {q} {t}.",
    "Its full text continues: {q} {t}.",
    "In the body of that report: {q} {t}.",
)
VERBS = {"opinion": "argued", "question": "asked"}
VERBS_POST = {"opinion": "argued", "question": "asked"}
AGGREGATED = re.compile(r"\((?:[^()/]+/)?([A-Z][^()/]{2,40})\)\s*$")


def day_name(day: date) -> str:
    """A date as a page prints it: 20 May."""
    return f"{day.day} {day:%B}"


def bare(quote: str) -> tuple[str, int]:
    """A quote without the full stop, comma or colon that ends it, and how many characters that took off."""
    trimmed = quote.rstrip(" .,;:")
    return trimmed, len(quote) - len(trimmed)


def use_of(claim: Claim, start: int | None = None, end: int | None = None) -> Use:
    """A claim, or a span within it, as quoted: the final stop left to the sentence that quotes."""
    start, end = claim.start if start is None else start, claim.end if end is None else end
    credit = CREDIT.search(claim.source.text[start:end])
    if credit and credit.start() > 20:
        end = start + credit.start()
    quote, cut = bare(claim.source.text[start:end])
    return Use(claim.source, quote, start, end - cut, claim.id)


@dataclass
class Voice:
    """Deals out frames. `offset` (any integer) makes an article start at another place of each list."""

    offset: int
    dealt: dict[int, int] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)
    last_family: str = ""

    def deal(self, frames: tuple[str, ...], quote: str) -> str:
        """The next frame of a list that can carry the quote: one that ends in ? or ! must close its sentence."""
        closing = quote.endswith(("?", "!"))
        for _ in range(len(frames)):
            key = id(frames)
            position = self.dealt.get(key, self.offset % len(frames))
            self.dealt[key] = (position + 1) % len(frames)
            frame = frames[position]
            if closing and not frame.endswith("{q} {t}."):
                continue
            return frame
        return "{who}: {q} {t}."

    def attribute(self, claim: Claim, use: Use, *, first: bool, again: bool = False) -> str:
        """The sentence that quotes a claim, with its provisional citation token."""
        source = claim.source
        if source.platform == "news":
            frames: tuple[str, ...] = (
                NEWS_AGAIN if again else NEWS_TITLE if claim.kind == "headline" else NEWS_FIRST if first else NEWS_NEXT
            )
        elif source.platform == "reddit":
            frames = REDDIT_TITLE if claim.kind == "headline" else REDDIT
        else:
            frames = POST_FIRST if first else POST_NEXT
        frame = self.deal(frames, use.quote)
        self.seen.add(source.key)
        return self.fill(frame, source, use, claim.kind)

    def page(self, source: Source, use: Use, own: bool) -> str:
        """The sentence that quotes a web page."""
        return self.fill(self.deal(PAGE_OWN if own else PAGE, use.quote), source, use, "statement")

    def fill(self, frame: str, source: Source, use: Use, kind: str) -> str:
        """Put the words in. Sentences open with a capital letter unless the name itself does not."""
        sub = f"r/{source.community}" if source.community else "Reddit"
        place = "On Bluesky" if source.platform == "bluesky" else f"In {sub}"
        text = frame.format(
            who=speaker_name(source), date=day_name(source.day) if source.day else "", q=f"“{use.quote}”",
            t=token(source), verb=VERBS.get(kind, "wrote"), verb_post=VERBS_POST.get(kind, "said"),
            place=place, place_low=place[0].lower() + place[1:], sub=sub, site=source.publisher,
        )  # fmt: skip
        return tidy(text, use)


def tidy(text: str, use: Use) -> str:
    """A quotation that ends in ? or ! closes the sentence itself."""
    if use.quote.endswith(("?", "!")) and text.endswith("."):
        text = text[:-1]
    return text


def speaker_name(source: Source) -> str:
    """How a source is named in running text. An aggregator's line names the outlet it summarises."""
    if source.platform == "bluesky":
        return "@" + (source.author_name or "unknown").lstrip("@")
    if source.platform == "reddit":
        return "a user"
    via = AGGREGATED.search(source.title or "")
    if via and source.publisher in ("Techmeme", "Biztoc.com"):
        return f"{source.publisher} (citing {via.group(1)})"
    return source.publisher
