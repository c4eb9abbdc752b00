"""Facts in free prose: what a sentence states that its quotes and their metadata do not.

Stricter than `text.facts` where prose distorts (units, bounds, offices, relative times), and wider where it may move
(words for figures, roundings said to be some, demonyms, title case). Pure: no table of the world, only the texts given.
"""

from __future__ import annotations

from collections.abc import Sequence

from aidran_pipeline.text.prose.figures import figures_missing
from aidran_pipeline.text.prose.names import common, lower_words, names_missing
from aidran_pipeline.text.prose.offices import offices_missing
from aidran_pipeline.text.prose.times import times_missing


def foreign(
    sentence: str,
    quotes: Sequence[str],
    told: str = "",
    *,
    titled: bool = False,
    label: str = "",
    around: Sequence[str] = (),
    known: frozenset[str] = frozenset(),
    voices: frozenset[int] = frozenset(),
) -> list[str]:
    """Figures, moments, names and offices of a sentence that the quotes do not carry, as the sentence words them.

    told: metadata of the sources (outlet, author, day, title); titled: a headline or heading; label: the topic's;
    around: whole texts of the sources, which may give a person's office; known: words that stand in lower case in the
    article; voices: how many sources, quotes or sentences it rests on, which it may count.
    """
    allowed = [*quotes, told]
    return [
        *figures_missing(sentence, allowed, voices),
        *times_missing(sentence, quotes, told),
        *names_missing(sentence, quotes, told, titled=titled, label=label, known=known),
        *offices_missing(sentence, [*allowed, *around]),
    ]


__all__ = ["common", "foreign", "lower_words"]
