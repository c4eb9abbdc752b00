"""What the article remembers while it is written: its sentences so far, what they quoted, what may not come again."""

from __future__ import annotations

from dataclasses import dataclass, field

from aidran_pipeline.write.draft import NUMBER_WORDS, Sentence
from aidran_pipeline.write.fit import repeats
from aidran_pipeline.write.frames import Voice, use_of
from aidran_pipeline.write.material import Claim, Material


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
    warm_up_days: int = 0
    synthesis_share: float = 0.4
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

    def hold(self, section: int, paragraph: int) -> int:
        """Keep a place for an opening sentence, to be written once it is known what it opens."""
        self.sentences.append(Sentence("body", "", section, paragraph, "synthesis"))
        return len(self.sentences) - 1

    def drop(self, place: int) -> None:
        """Give a held place up; what rests on later sentences moves with them."""
        del self.sentences[place]
        for sentence in self.sentences:
            sentence.rests_on = [i - (i > place) for i in sentence.rests_on if i != place]

    def rows(self, section: int, paragraph: int) -> list[int]:
        """Positions of the cited sentences of a paragraph, synthesis that cites for itself included."""
        return [
            i for i, s in enumerate(self.sentences)
            if s.part == "body" and s.section == section and s.paragraph == paragraph and s.uses
        ]  # fmt: skip

    def fresh(self, claim: Claim) -> bool:
        """Not used, not kept for a question, not a repetition, and within the number of records an article cites."""
        if claim.id in self.claims or claim.id in self.held:
            return False
        if claim.source.record_id not in self.records and len(self.records) >= self.budget:
            return False
        return not self.said(claim.quote)

    def said(self, quote: str) -> bool:
        """Whether an earlier quotation of the article says this already."""
        return any(repeats(quote, other) for other in self.quotes)

    def room_for_synthesis(self, section: int) -> bool:
        """Whether one more synthesis sentence keeps the section within its share; held places count."""
        rows = [s for s in self.sentences if s.part == "body" and s.section == section]
        own = sum(s.kind == "synthesis" and bool(s.text) for s in rows) + 1
        held = any(s.kind == "synthesis" and not s.text for s in rows)
        return own / (len(rows) + (0 if held else 1)) <= self.synthesis_share

    def quote(
        self, claim: Claim, section: int, paragraph: int, *, first: bool, again: bool = False, brief: bool = False
    ) -> int:
        """Add the attributed quotation of a claim."""
        use = use_of(claim)
        before = [u.start for s in self.sentences[-1:] for u in s.uses if u.source.key == claim.source.key]
        later = bool(before) and use.start > before[-1]
        text = self.voice.attribute(claim, use, first=first, again=again, brief=brief, later=later)
        sentence = Sentence("body", text, section, paragraph, "cited", [use], storyline_id=claim.source.storyline_id)
        return self.add(sentence)

    def quote_pair(self, left: Claim, right: Claim, section: int, paragraph: int) -> int:
        """Add two short voices in one sentence."""
        uses = (use_of(left), use_of(right))
        text = self.voice.pair(left, right, uses)
        same = left.source.storyline_id == right.source.storyline_id
        return self.add(
            Sentence(
                "body", text, section, paragraph, "cited", list(uses),
                storyline_id=left.source.storyline_id if same else None,
            )
        )  # fmt: skip
