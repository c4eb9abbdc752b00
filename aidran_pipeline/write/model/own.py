"""What code writes in a model's story: titles when the model's were refused, and the frame of the story so far.

In the templates and clauses of the extractive engine, which its stricter judge passes. What does not belong here: the
model's lines (lines.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.text.prose import common
from aidran_pipeline.write.builder import Builder
from aidran_pipeline.write.draft import Sentence
from aidran_pipeline.write.faq import write_questions
from aidran_pipeline.write.frames import Voice
from aidran_pipeline.write.gates.craft import asks_nothing
from aidran_pipeline.write.judge import verdict
from aidran_pipeline.write.material import Material
from aidran_pipeline.write.model.lines import Line, in_reading_order, to_sentences
from aidran_pipeline.write.model.offer import Item, Offer
from aidran_pipeline.write.select import NotEnough, Plan
from aidran_pipeline.write.sofar import write_first_story, write_frame
from aidran_pipeline.write.titles import dek, heading, headline, short_title

SHOWN_BY = re.compile(r", [^,]{3,60} (?:shows?|says?|finds?|reports?|warns?|suggests?)$")
# By section: the three questions of a page, about what its headline tells.
ASKED = (
    "Why does it matter that {told}?",
    "What do the sources advise or do, now that {told}?",
    "What speaks against the view that {told}?",
)


class Own:
    """Writes single lines of code's own over the lines that stand."""

    def __init__(self, material: Material, publication: Publication, offer: Offer, lines: Sequence[Line]) -> None:
        self.material, self.offer = material, offer
        self.headline = next((line for line in lines if line.part == "headline"), None)
        self.lines = in_reading_order([line for line in lines if line.part in ("body", "answer") and line.cited])
        offset = int(hashlib.sha256(f"{material.day}|{material.topic}".encode()).hexdigest(), 16) % 97
        self.builder = Builder(material, Voice(offset), publication.max_cited_records, publication.warm_up_days)
        for sentence in to_sentences(self.lines):
            self.builder.add(sentence)

    def line(self, sentence: Sentence) -> Line:
        """A sentence of the builder's as a line that refers to lines."""
        on = [self.lines[n] for n in sentence.rests_on if n < len(self.lines)]
        return Line(
            sentence.part, sentence.text, sentence.section, sentence.paragraph, on=on,
            earlier=list(sentence.rests_on_earlier), own=sentence,
        )  # fmt: skip

    def titles(self, wanted: Sequence[str], standing: str) -> list[Line]:
        """Headline, short title or dek, those wanted, from clauses of quotes. standing: the headline that is kept."""
        title, lead_at = headline(self.builder, self.offer.lead)
        if not title:
            raise NotEnough("headline", "no clause of the lead section can stand as a headline")
        made = {
            "headline": lambda: Sentence("headline", title, kind="synthesis", rests_on=[lead_at]),
            "short_title": lambda: Sentence(
                "short_title", short_title(title, self.material.label), kind="synthesis", rests_on=[lead_at]
            ),
            "dek": lambda: dek(self.builder, lead_at, standing or title),
        }
        return [self.line(made[part]()) for part in wanted]

    def heading(self, section: int, taken: set[str]) -> Line:
        """A section's heading from its quotes."""
        return self.line(heading(self.builder, section, [self.offer.lead], taken))

    def question(self, section: int) -> list[Line]:
        """One of the three questions with an answer that quotes, or the sentence that there is none."""
        plan = self.offer.plan or Plan(self.offer.lead, [("storyline", [self.offer.lead])])
        before = len(self.builder.sentences)
        write_questions(self.builder, plan)
        made = self.builder.sentences[before:]
        del self.builder.sentences[before:]
        return [self._asking(self.line(s)) for s in made if s.section == section]

    def _asking(self, line: Line) -> Line:
        """A question after a bare name asks after what the headline tells instead, where its quotes carry that."""
        quotes = [use.quote for other in line.on for use in other.uses()]
        title = self.headline
        if line.part != "question" or title is None or not asks_nothing(line.text, quotes):
            return line
        text = SHOWN_BY.sub("", title.text)
        told = text[0].lower() + text[1:] if common(text.split()[0]) else text
        asked = Sentence("question", ASKED[line.section - 1].format(told=told), line.section, 0, "synthesis")
        uses = [use for other in title.on for use in other.uses()]
        if verdict("model", asked, uses, self.material.label)[0] != "supported":
            return line
        return Line("question", asked.text, line.section, on=list(title.on), own=asked)

    def quotation(self, item: Item, section: int, paragraph: int) -> Line:
        """An attributed quotation of a piece of evidence."""
        before = len(self.builder.sentences)
        if item.claim is not None:
            self.builder.quote(item.claim, section, paragraph, first=False, brief=True)
            sentence = self.builder.sentences[before]
        else:
            text = self.builder.voice.page(item.use.source, item.use, own=False, alone=True)
            sentence = Sentence(
                "body", text, section, paragraph, "cited", [item.use], storyline_id=item.use.source.storyline_id
            )
        del self.builder.sentences[before:]
        return self.line(sentence)

    def so_far(self, *, alone: bool) -> tuple[list[Line], list[int]]:
        """The sentences on volume and on the page before; the ids of the versions they name.

        alone: the model has none of its own, so that at least one must stand here.
        """
        before = len(self.builder.sentences)
        ids = write_frame(self.builder)
        if alone and len(self.builder.sentences) == before:
            write_first_story(self.builder)
        made = self.builder.sentences[before:]
        del self.builder.sentences[before:]
        return [self.line(s) for s in made], ids
