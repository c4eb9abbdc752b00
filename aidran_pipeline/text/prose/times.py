"""Days, months, years and relative times in running prose, and whether quotes or the moments of their sources carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aidran_pipeline.text.common import MONTHS, WEEKDAYS
from aidran_pipeline.text.facts import DATE

NAMES = "|".join(sorted((m for m in MONTHS if len(m) > 3 or m == "may"), key=len, reverse=True))
MONTH_ALONE = re.compile(
    rf"\b(?:in|of|since|until|till|by|from|before|after|last|this|next|early|late|mid|during|for|and|to|through)[ -](?P<m>{'|'.join(n.capitalize() for n in NAMES.split('|'))})\b"
    rf"|\b(?P<m2>{'|'.join(n.capitalize() for n in NAMES.split('|') if n not in ('may', 'march'))})\b"
)
YEAR = re.compile(r"(?<![\w$€£.,-])(?P<y>(?:19|20)\d{2})(?:s\b)?(?![\w%]|[.,]\d)")
WEEKDAY = re.compile(r"\b(" + "|".join(day.capitalize() for day in sorted(WEEKDAYS)) + r")s?\b")
UNIT = r"week|weekend|month|year|quarter|spring|summer|autumn|fall|winter|term|semester|night|decade|century"
RELATIVE = re.compile(
    rf"\b(?P<w>last|past|previous|this|current|next|coming|following)\s+(?P<u>{UNIT})\b|\b(?P<d>yesterday|tomorrow|tonight)\b",
    re.I,
)
SEASON = re.compile(
    r"\b(?:until|till|in|by|from|since|before|after|through|for|this|next|last)\s+(?:the\s+)?(?:early\s+|late\s+|mid-)?(?P<s>spring|summer|autumn|winter)\b(?!\s+(?:in|of)\b)",
    re.I,
)
TURNS = {"past": "last", "previous": "last", "coming": "next", "following": "next", "current": "this"}
REPORTING = re.compile(
    r"\b(?:report\w*|wrote|writes|said|says|post\w*|publish\w*|argu\w*|warn\w*|told|note[ds]?|carried|ran|put|asked|complained|claim\w*|"
    r"dated?|describ\w*|observ\w*|comment\w*|respond\w*|repl\w+|add(?:ed|s)|according|account|Bluesky|Reddit)\b", re.I)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """kind: day, month, year, weekday, relative or season; norm makes equal things equal."""

    start: int
    end: int
    text: str
    kind: str
    norm: str


@lru_cache(maxsize=4096)
def moments_of(text: str) -> tuple[Moment, ...]:
    """All moments of a text; one stretch is one moment."""
    found: list[Moment] = []

    def free(start: int, end: int) -> bool:
        return not any(m.start < end and start < m.end for m in found)

    for moment in _all(text):
        if free(moment.start, moment.end):
            found.append(moment)
    return tuple(sorted(found, key=lambda m: m.start))


def _all(text: str) -> Iterator[Moment]:
    for match in DATE.finditer(text):
        yield _date(match)
    for match in RELATIVE.finditer(text):
        if match.group("d"):
            yield Moment(*match.span(), match.group(0), "relative", match.group("d").lower())
        else:
            turn = match.group("w").lower()
            yield Moment(
                *match.span(), match.group(0), "relative", f"{TURNS.get(turn, turn)} {match.group('u').lower()}"
            )
    for match in MONTH_ALONE.finditer(text):
        group = "m" if match.group("m") else "m2"
        yield Moment(*match.span(group), match.group(group), "month", str(MONTHS[match.group(group).lower()]))
    for match in YEAR.finditer(text):
        yield Moment(*match.span(), match.group(0), "year", match.group("y"))
    for match in WEEKDAY.finditer(text):
        yield Moment(*match.span(), match.group(0), "weekday", match.group(1).lower())
    for match in SEASON.finditer(text):
        yield Moment(*match.span(), match.group(0), "season", match.group("s").lower())


def _date(match: re.Match[str]) -> Moment:
    parts = {key: value for key, value in match.groupdict().items() if value}
    day = next((int(value) for key, value in parts.items() if key[0] == "d"), 0)
    name = next(value for key, value in parts.items() if key[0] == "m")
    month = int(name) if name.isdigit() else MONTHS[name.lower()]
    year = next((value for key, value in parts.items() if key[0] == "y"), "")
    return Moment(*match.span(), match.group(0), "day", f"{month}-{day}" + (f"-{year}" if year else ""))


def masked(text: str) -> str:
    """The text with its days and years blanked, so that none is taken for a count. Same length."""
    for moment in moments_of(text):
        if moment.kind in ("day", "year"):
            text = text[: moment.start] + "·" * (moment.end - moment.start) + text[moment.end :]
    return text


def times_missing(sentence: str, quotes: Sequence[str], told: str) -> list[str]:
    """Moments of a sentence that neither the quotes nor (for the saying itself) the moments of their sources carry."""
    given = [moment for quote in quotes for moment in moments_of(quote)]
    meta = moments_of(told)
    return [m.text for m in moments_of(sentence) if not _carried(m, given) and not _told(m, given, meta, sentence)]


def _carried(wanted: Moment, given: Sequence[Moment]) -> bool:
    if wanted.kind == "day":
        return any(g.kind == "day" and _days_agree(wanted.norm, g.norm) for g in given)
    if wanted.kind == "month":
        return any(
            (g.kind == "month" and g.norm == wanted.norm) or (g.kind == "day" and g.norm.split("-")[0] == wanted.norm)
            for g in given
        )
    if wanted.kind == "year":
        return any(
            (g.kind == "year" and g.norm == wanted.norm) or (g.kind == "day" and g.norm.endswith(f"-{wanted.norm}"))
            for g in given
        )
    if wanted.kind == "season":
        # Seasons are a way of speaking: only another one than the quotes name is another time.
        return any(wanted.norm in g.norm for g in given) or not any(_season(g) for g in given)
    if wanted.kind == "relative" and any(g.norm == wanted.norm for g in given):
        return True
    return any(g.kind == wanted.kind and g.norm == wanted.norm for g in given)


def _days_agree(wanted: str, given: str) -> bool:
    return wanted == given or given.startswith(wanted + "-")


def _season(moment: Moment) -> bool:
    return any(name in moment.norm for name in ("spring", "summer", "autumn", "winter", "fall"))


def _told(wanted: Moment, given: Sequence[Moment], meta: Sequence[Moment], sentence: str) -> bool:
    """The day of a source: free where the quotes name no other of its kind, or where the saying is what is dated."""
    if wanted.kind == "relative":
        unit = wanted.norm.split()[-1]
        rivals = [g for g in given if g.kind == "relative" and g.norm.split()[-1] == unit]
        return wanted.norm.startswith("this ") and not rivals
    if not _carried(wanted, meta):
        return False
    rivals = [
        g
        for g in given
        if g.kind == wanted.kind or (wanted.kind in ("day", "weekday") and g.kind in ("day", "weekday"))
    ]
    return not rivals or bool(REPORTING.search(sentence[max(0, wanted.start - 40) : wanted.start]))
