"""Attribution: the sentences around quotations, in turn, so that a page does not repeat itself.

A frame states only who, where and when: metadata of the quoted source. It never paraphrases. Which frame comes next is
decided by counting, never by chance; an offset made from day and topic lets pages open differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from aidran_pipeline.text.clauses import CREDIT
from aidran_pipeline.write import wording
from aidran_pipeline.write.draft import Source, Use, token
from aidran_pipeline.write.material import Claim

AGGREGATORS = frozenset(("Techmeme", "Biztoc.com"))


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
    verbs: dict[str, int] = field(default_factory=dict)

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

    def attribute(
        self, claim: Claim, use: Use, *, first: bool, again: bool = False, brief: bool = False, later: bool = True
    ) -> str:
        """The sentence that quotes a claim, with its provisional citation token.

        again: of the report just quoted; later: and from further down in it.
        """
        source, title = claim.source, claim.kind == "headline"
        if source.platform == "news":
            frames = _again(later=later) if again else wording.BRIEF if brief else _news(title=title, first=first)
        elif source.platform == "reddit":
            frames = wording.REDDIT_TITLE if _is_title(claim) else wording.REDDIT
        else:
            frames = wording.POST_FIRST if first else wording.POST_NEXT
        return self.fill(self.deal(frames, use.quote), source, use, claim.kind)

    def pair(self, left: Claim, right: Claim, uses: tuple[Use, Use]) -> str:
        """Two short voices of one platform in one sentence."""
        a = self.fill("{who} {verb} {q} {t}", left.source, uses[0], left.kind)
        b = self.fill("{who} {verb} {q} {t}", right.source, uses[1], right.kind)
        position = self.dealt.get(id(wording.POST_PAIR), self.offset % len(wording.POST_PAIR))
        self.dealt[id(wording.POST_PAIR)] = (position + 1) % len(wording.POST_PAIR)
        return wording.POST_PAIR[position].format(a=a, b=b)

    def page(self, source: Source, use: Use, *, own: bool, alone: bool) -> str:
        """The sentence that quotes a web page. own: of the report just quoted; alone: of a report not quoted yet."""
        frames = wording.PAGE_OWN if own else wording.PAGE_OF if alone else wording.PAGE
        return self.fill(self.deal(frames, use.quote), source, use, "statement")

    def fill(self, frame: str, source: Source, use: Use, kind: str) -> str:
        """Put the words in. A quotation that ends in ? or ! closes the sentence itself."""
        text = frame.format(
            who=speaker_name(source),
            date=day_name(source.day) if source.day else "",
            q=f"“{use.quote}”",
            t=token(source),
            verb=self._verb(kind) if "{verb}" in frame else "",
            platform="Bluesky" if source.platform == "bluesky" else "Reddit",
            sub=f"r/{source.community}" if source.community else "Reddit",
            site=source.publisher,
        )
        if use.quote.endswith(("?", "!")) and text.endswith("."):
            text = text[:-1]
        return text

    def _verb(self, kind: str) -> str:
        choice = wording.VERBS.get(kind, wording.OTHER_VERBS)
        place = self.verbs.get(kind, 0)
        self.verbs[kind] = place + 1
        return choice[place % len(choice)]


def _again(*, later: bool) -> tuple[str, ...]:
    return wording.NEWS_AGAIN if later else wording.NEWS_SAME


def _news(*, title: bool, first: bool) -> tuple[str, ...]:
    if title:
        return wording.TITLE_FIRST if first else wording.TITLE_NEXT
    return wording.NEWS_FIRST if first else wording.NEWS_NEXT


def _is_title(claim: Claim) -> bool:
    return bool(claim.source.title) and claim.end <= len(claim.source.title or "")


def speaker_name(source: Source) -> str:
    """How a source is named in running text. An aggregator's line names the outlet it summarises."""
    if source.platform == "bluesky":
        return "@" + (source.author_name or "unknown").lstrip("@")
    if source.platform == "reddit":
        return f"a user of r/{source.community}" if source.community else "a user of Reddit"
    via = source.credited_outlet()
    if via and source.publisher in AGGREGATORS:
        return f"{source.publisher} (citing {via})"
    return source.publisher
