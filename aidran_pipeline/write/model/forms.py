"""The forms of the writer's replies. A form states what code needs; what a reader needs stands in the prompts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(max_length=12)]
Words = Annotated[str, Field(max_length=900)]
Number = Annotated[int, Field(ge=1, le=200)]


class Form(BaseModel):
    """No other keys than those named."""

    model_config = ConfigDict(extra="forbid")


class PlannedSection(Form):
    """A section to come: its working title, what it argues, the evidence it uses."""

    title: Words
    angle: Words
    evidence: list[Id] = Field(max_length=30)


class PlannedAnswers(Form):
    """Evidence kept for the three questions."""

    why: list[Id] = Field(max_length=6)
    advice: list[Id] = Field(max_length=6)
    counter: list[Id] = Field(max_length=6)


class Outline(Form):
    """The plan of a story."""

    theme: Words
    tension: Words
    changed: Words
    sections: list[PlannedSection] = Field(min_length=3, max_length=3)
    answers: PlannedAnswers


class Line(Form):
    """A sentence: with the ids of the evidence it restates (`cites`), or the numbers of the sentences it draws from."""

    text: Words
    cites: list[Id] = Field(default_factory=list, max_length=6)
    rests_on: list[Number] = Field(default_factory=list, max_length=12)


class Paragraph(Form):
    """Sentences that belong together."""

    sentences: list[Line] = Field(min_length=1, max_length=12)


class SectionText(Form):
    """One section: its heading, and two paragraphs."""

    heading: Words
    heading_rests_on: list[Number] = Field(default_factory=list, max_length=12)
    paragraphs: list[Paragraph] = Field(min_length=1, max_length=3)


class Title(Form):
    """A line of the page's top and the numbers of the sentences it rests on."""

    text: Words
    rests_on: list[Number] = Field(max_length=12)


class Question(Form):
    """A question and its answer."""

    question: Words
    question_rests_on: list[Number] = Field(default_factory=list, max_length=12)
    answer: list[Line] = Field(min_length=1, max_length=4)


class SoFarLine(Form):
    """A sentence of the story so far: earlier sentences (`earlier`), today's evidence, or today's sentences."""

    text: Words
    cites: list[Id] = Field(default_factory=list, max_length=6)
    rests_on: list[Number] = Field(default_factory=list, max_length=12)
    earlier: list[Id] = Field(default_factory=list, max_length=6)


class Front(Form):
    """All but the sections."""

    headline: Title
    short_title: Title
    dek: Title
    why: Question
    advice: Question
    counter: Question
    so_far: list[SoFarLine] = Field(default_factory=list, max_length=4)


class Mend(Form):
    """A sentence written anew; an empty text gives it up."""

    number: Number
    text: Words
    cites: list[Id] = Field(default_factory=list, max_length=6)
    rests_on: list[Number] = Field(default_factory=list, max_length=12)


class Mends(Form):
    """One entry for each sentence that was refused."""

    sentences: list[Mend] = Field(max_length=60)
