"""What the scripted writer knows of English: how a quote stands after "that", what a sentence is without who says it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from aidran_pipeline.text import facts_of
from aidran_pipeline.text.prose import common
from aidran_pipeline.text.prose.clauses import has_verb

Row = dict[str, Any]
SPOKEN = re.compile(
    r"(?:, | )(?:\w+ ){0,6}(?:say|says|said|writes?|wrote|warns?|warned|shows?|finds?|found|reports?|advises?|explained|explains?)$",
    re.I,
)
AGAINST = re.compile(
    r"\b(?:but|doubts?|critics?|wrong|cannot|never|still|without|not|no|nobody|worse|fails?|however|forgets?|forgot)\b",
    re.I,
)
# Where a sentence may end early and still be whole.
BREAK = re.compile(r",? (?:because|since|although|while|and|but|so that|until|unless)\b|[;:]")
LEANING = re.compile(
    r"\b(?:that way|such|the same|this|these|those|it|they|he|she|there|here)\b|^(?:The|Any|Both|That)\b", re.I
)


def rows(question: str, mark: str) -> list[Row]:
    """The JSON lines between two marks."""
    found = re.search(rf"<{mark}>\n(.*?)\n?</{mark}>", question, re.S)
    return [json.loads(line) for line in found.group(1).splitlines() if line.strip()] if found else []


def lowered(quote: str) -> str:
    """A quote as it stands after "that": a small first letter unless it begins with a name."""
    first = re.split(r"[\s,’'-]", quote, maxsplit=1)[0]
    plain = first[1:].islower() and first[:1].isupper() and (common(first) or first.endswith("ing"))
    return quote[0].lower() + quote[1:] if plain or first == "A" else quote


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[0].upper() + text[1:]


def is_post(row: Row) -> bool:
    """A voice on a platform."""
    return row["where"] in ("bluesky", "reddit")


def attributed(quote: str) -> bool:
    """Whether the quote says itself who says it."""
    return bool(SPOKEN.search(quote))


def reportable(quote: str) -> bool:
    """Whether a quote can stand after "that": a statement, no colon and no second sentence in it, no doubtful capital."""
    first = re.split(r"[\s,’'-]", quote, maxsplit=1)[0]
    sure = (
        lowered(quote) != quote
        or not first[1:].islower()
        or any(f.start == 0 for f in facts_of(quote))
        or first in ("AI",)
    )
    return has_verb(quote) and sure and ":" not in quote and "; " not in quote


def names_in(quotes: Sequence[str]) -> list[str]:
    """Names that stand in several quotes, most common first."""
    counted: dict[str, int] = {}
    for quote in quotes:
        inner = re.findall(r"(?<=[a-z,] )(?:[A-Z][\w’-]+|[a-z]?[A-Z]{2,}\w*)(?: [A-Z][\w’-]+)*", quote)
        for name in dict.fromkeys([*inner, *re.findall(r"^(?:[A-Z]{2,}\w*|[a-z][A-Z]\w+)", quote)]):
            if name not in ("AI", "US", "The") and not common(name):
                counted[name] = counted.get(name, 0) + 1
    return sorted((n for n in counted if counted[n] > 1), key=lambda n: (-counted[n], n))


def bare(text: str) -> str:
    """A body sentence without its attribution: the fact alone."""
    text = text.strip().rstrip(".")
    text = re.sub(r", (?:[A-Z][\w&’]*(?: [A-Z&][\w’]*)*) (?:reports|writes)$", "", text)
    text = re.sub(r", the same report says$", "", text)
    text = re.sub(r"^(?:It adds|[A-Z][\w&’ ]*? reports) that ", "", text)
    text = re.sub(r"^According to [A-Z][\w&’ ]*?, ", "", text)
    return capital(text)


def short(text: str) -> str:
    """The main clause at the beginning of a sentence: what it says in fewer words; whole where it cannot be cut."""
    whole = bare(text)
    for match in BREAK.finditer(whole):
        cut = bare(whole[: match.start()])
        begun = (
            cut.lower().startswith(("if ", "when ", "of ")) or cut.endswith((" only", " not", " both")) or "“" in cut
        )
        if len(cut.split()) >= 6 and has_verb(cut) and not begun:
            return cut
    return whole
