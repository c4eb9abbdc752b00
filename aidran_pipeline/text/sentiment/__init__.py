"""Tone and stance of a short English text, with their probabilities: a weak, measured method that may say nothing.

How far it can be trusted is measured by `python -m benchmarks.sentiment`, on texts that nothing was chosen on, and
stands in `trained().measured`. Where a probability is below its threshold the label is None: unclear. What does not
belong here: rows (analyze/sentiment.py), changes of a topic's tone (signal/).
"""

from __future__ import annotations

from dataclasses import dataclass

from aidran_pipeline.text.embeddings import Vector
from aidran_pipeline.text.sentiment.features import measured
from aidran_pipeline.text.sentiment.model import trained

CHARS = 420  # code points that are read: those that are embedded (analyze/storyline_store.py)


@dataclass(frozen=True)
class Reading:
    """sentiment: negative, neutral, positive; stance towards AI: critical, neutral, supportive; None where unclear.

    balance: probability of positive less that of negative, stance_balance: of supportive less that of critical, in
    thousandths, also where no label is given. Confidences are the probability of the likeliest label.
    """

    sentiment: str | None
    sentiment_confidence: float
    stance: str | None
    stance_confidence: float
    balance: int
    stance_balance: int


def sentiment_version() -> str:
    """Of the weights; the embedding model is part of it."""
    return f"sentiment-{trained().version}"


def read_sentiment(text: str, vector: Vector) -> Reading:
    """Tone and stance of the first CHARS of a text; vector: their embedding."""
    model = trained()
    standard = model.standard(measured(text[:CHARS], vector))
    tone, side = model.sentiment.probabilities(standard), model.stance.probabilities(standard)
    return Reading(
        sentiment=model.sentiment.given(tone),
        sentiment_confidence=max(tone),
        stance=model.stance.given(side),
        stance_confidence=max(side),
        balance=round(1000 * (tone[2] - tone[0])),
        stance_balance=round(1000 * (side[2] - side[0])),
    )
