"""Facts that can be checked word for word: numbers, percentages, sums of money, dates, names, quoted phrases.

`norm` makes equal things equal ("30 %", "30 percent"; "$1.2B", "1,200 million dollars"). Names are runs of capitalised
words that are not ordinary words; in a headline set in title case only words outside the list of ordinary words count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aidran_pipeline.text.common import MONTHS, MULTIPLIERS, NUMBER_WORDS, ORDINARY, WEEKDAYS

Norm = Callable[[re.Match[str]], str]
Take = Callable[[int, int, str, str], None]

MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
SCALE = r"hundred|thousand|million|billion|trillion|mn|bn|tn|mio|[kKmMbBtT](?![\w-])"
DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{MONTH})\b\.?(?:,?\s+(?P<y1>\d{{4}}))?"
    rf"|(?P<m2>{MONTH})\b\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:%|percent))(?:,?\s+(?P<y2>\d{{4}}))?"
    r"|(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2})"
    rf"|(?P<m4>{MONTH})\.?\s+(?P<y4>(?:19|20)\d{{2}}))\b",
    re.I,
)
WEEKDAY = re.compile(r"\b(" + "|".join(WEEKDAYS) + r")\b", re.I)
MONEY = re.compile(
    rf"(?:(?P<c1>[$€£¥]|US\$|USD|EUR|GBP)\s?(?P<n1>{NUMBER})(?:\s?(?P<s1>{SCALE}))?"
    rf"|(?P<n2>{NUMBER})(?:\s?(?P<s2>{SCALE}))?\s?(?P<c2>dollars|euros|pounds|USD|EUR|GBP|yuan|yen|€))(?![\w])"
)
PERCENT = re.compile(
    rf"(?P<n>{NUMBER}|\b(?:{'|'.join(NUMBER_WORDS)}))[\s\u00a0\u202f-]?(?:%|per ?cent\b|percent\b|percentage points?\b|pct\b)",
    re.I,
)
PLAIN = re.compile(rf"(?<![\w.$€£-])(?P<n>{NUMBER})(?:[\s-]?(?P<s>{SCALE})\b)?(?P<ord>st|nd|rd|th)?(?![\w]|\.\d)")
WORDED = re.compile(rf"\b(?P<n>{'|'.join(sorted(set(NUMBER_WORDS) - {'one', 'zero'}, key=len, reverse=True))})\b(?:[\s-](?P<s>hundred|thousand|million|billion|trillion)\b)?", re.I)  # fmt: skip
QUOTED = re.compile(r"“([^“”]{2,400})”|\"([^\"\n]{2,400})\"")
HANDLE = re.compile(r"(?<![\w@])@[A-Za-z0-9][\w.-]*\w|\b[ur]/[A-Za-z0-9_]{2,}")
WORD = re.compile(r"[^\W\d_][\w’'&-]*(?:\.\d+)*(?:\.[A-Za-z](?=\.))*|\d+[A-Za-z][\w-]*", re.U)
JOINERS = frozenset(("of", "de", "la", "van", "von", "der", "for", "&", "the", "du", "al"))
CURRENCY = {"$": "usd", "us$": "usd", "usd": "usd", "dollars": "usd", "€": "eur", "eur": "eur", "euros": "eur", "£": "gbp",
            "gbp": "gbp", "pounds": "gbp", "¥": "yen", "yen": "yen", "yuan": "yuan"}  # fmt: skip


@dataclass(frozen=True, order=True)
class Fact:
    """kind: number, percent, money, date, name or quoted; text = source[start:end]; norm: what makes it equal to another."""

    start: int
    end: int
    kind: str
    text: str
    norm: str


def facts_of(text: str) -> list[Fact]:
    """All facts of a text in order of place; a stretch of text is one fact only (a date is not also a number)."""
    taken = [False] * len(text)
    found: list[Fact] = []

    def take(start: int, end: int, kind: str, norm: str) -> None:
        if not any(taken[start:end]):
            taken[start:end] = [True] * (end - start)
            found.append(Fact(start, end, kind, text[start:end], norm))

    def take_all(patterns: Iterable[tuple[re.Pattern[str], str, Norm]]) -> None:
        for pattern, kind, norm in patterns:
            for match in pattern.finditer(text):
                take(match.start(), match.end(), kind, norm(match))

    take_all(BEFORE_NAMES)
    _names(text, taken, take)
    take_all(AFTER_NAMES)
    for match in QUOTED.finditer(text):
        group = 1 if match.group(1) else 2
        found.append(
            Fact(match.start(group), match.end(group), "quoted", match.group(group), _fold(match.group(group)))
        )
    return sorted(found)


def _fold(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def _value(number: str, scale: str | None = None) -> float:
    lowered = number.lower().replace(",", "")
    value = float(NUMBER_WORDS[lowered]) if lowered in NUMBER_WORDS else float(lowered)
    return value * MULTIPLIERS.get((scale or "").lower(), 1)


def _money_norm(match: re.Match[str]) -> str:
    number, scale, sign = (match.group("n1"), match.group("s1"), match.group("c1")) if match.group("n1") else (
        match.group("n2"), match.group("s2"), match.group("c2"))  # fmt: skip
    return f"{CURRENCY.get(sign.lower(), sign.lower())} {_value(number, scale):.10g}"


def _date_norm(match: re.Match[str]) -> str:
    parts = {k: v for k, v in match.groupdict().items() if v}
    day = next((int(v) for k, v in parts.items() if k[0] == "d"), 0)
    month_text = next(v for k, v in parts.items() if k[0] == "m")
    month = int(month_text) if month_text.isdigit() else MONTHS[month_text.lower()]
    year = next((v for k, v in parts.items() if k[0] == "y"), "")
    return f"{month}-{day}" + (f"-{year}" if year else "")


def _number_norm(match: re.Match[str]) -> str:
    return f"{_value(match.group('n'), match.group('s')):.10g}"


def _percent_norm(match: re.Match[str]) -> str:
    return f"{_value(match.group('n')):g}%"


def _lowered(match: re.Match[str]) -> str:
    return match.group(0).lower()


# In this order: an earlier kind takes its place in the text from the later ones.
BEFORE_NAMES: tuple[tuple[re.Pattern[str], str, Norm], ...] = (
    (HANDLE, "name", _lowered),
    (DATE, "date", _date_norm),
    (MONEY, "money", _money_norm),
    (PERCENT, "percent", _percent_norm),
)
AFTER_NAMES: tuple[tuple[re.Pattern[str], str, Norm], ...] = (
    (PLAIN, "number", _number_norm),
    (WORDED, "number", _number_norm),
    (WEEKDAY, "date", _lowered),
)


def _capital(word: str) -> bool:
    return word[0].isupper() or any(ch.isupper() for ch in word[1:])


def _marked(word: str) -> bool:
    """A form no ordinary word has: an acronym, an inner capital, letters with digits."""
    core = word.replace("’", "'").removesuffix("'s").removesuffix("s")
    inner = any(ch.isupper() for ch in core[1:])
    return inner or (any(ch.isdigit() for ch in word) and any(ch.isalpha() for ch in word))


def title_cased(text: str) -> bool:
    """Whether most longer words of a line begin with a capital: a headline set in title case."""
    longer = re.findall(r"[^\W\d_]{4,}", text)
    return len(longer) >= 4 and sum(w[0].isupper() for w in longer) / len(longer) > 0.65


def _names(text: str, taken: list[bool], take: Take) -> None:
    offset = 0
    for line in text.splitlines(keepends=True):
        _names_of_line(text, offset, line, title_cased(line), taken, take)
        offset += len(line)


def _begins(before: str) -> bool:
    """Whether a sentence begins after this part of a line: a capital says nothing there."""
    return not before.strip(" “\"'‘(") or before.rstrip().endswith((".", "!", "?", ":", "“"))


def _trim(run: list[re.Match[str]]) -> None:
    """Take ordinary words off both ends of a run of capitalised words, and joining words off its end."""

    def ordinary(word: str) -> bool:
        return word.lower() in ORDINARY and not _marked(word)

    while run and (run[-1].group(0).lower() in JOINERS or ordinary(run[-1].group(0))):
        run.pop()
    while run and ordinary(run[0].group(0)):
        run.pop(0)


def _names_of_line(text: str, offset: int, line: str, titled: bool, taken: list[bool], take: Take) -> None:
    run: list[re.Match[str]] = []

    def close() -> None:
        _trim(run)
        if run:
            start, end = offset + run[0].start(), offset + run[-1].end()
            name = text[start:end]
            name_core = re.sub(r"[’']s$", "", name)
            take(start, start + len(name_core), "name", _name_norm(name_core))
        run.clear()

    last_end = 0
    for match in WORD.finditer(line):
        word = match.group(0)
        gap = line[last_end : match.start()]
        last_end = match.end()
        if run and gap.strip(" \u00a0") not in ("", "&"):
            close()
        if taken[offset + match.start()]:
            close()
            continue
        lowered = word.lower().replace("’", "'").removesuffix("'s")
        if (_capital(word) and len(word) > 1) or (word.isupper() and run):
            ordinary = (lowered in ORDINARY or lowered in WEEKDAYS or lowered in NUMBER_WORDS) and not _marked(word)
            if ordinary and (titled or (not run and _begins(line[: match.start()]))):
                close()
                continue
            run.append(match)
            if word.endswith(("'s", "’s")):
                close()
        elif run and lowered in JOINERS and not titled:
            run.append(match)
        else:
            close()
    close()


def _name_norm(name: str) -> str:
    folded = name.lower().replace("’", "'")
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s.&-]", "", folded)).strip(" .")


def names_agree(a: str, b: str) -> bool:
    """Whether two names may be the same: equal but for case, or one the last or first words of the other."""
    left, right = _name_norm(a), _name_norm(b)
    if left == right:
        return True
    short, long = sorted((left.split(), right.split()), key=len)
    if not short or len("".join(short)) < 3:
        return False
    return long[: len(short)] == short or long[-len(short) :] == short


def supports_facts(wanted: list[Fact], given: list[Fact]) -> list[Fact]:
    """The wanted facts that are not among the given ones: same norm for figures, agreeing names, contained phrases."""
    missing = []
    for fact in wanted:
        if fact.kind == "name":
            held = any(g.kind == "name" and names_agree(fact.text, g.text) for g in given)
        elif fact.kind == "quoted":
            held = any(g.kind == "quoted" and fact.norm in g.norm for g in given)
        elif fact.kind == "date":
            held = any(g.kind == "date" and (g.norm == fact.norm or g.norm.startswith(fact.norm + "-")) for g in given)
        else:
            held = any(g.norm == fact.norm for g in given)
        if not held:
            missing.append(fact)
    return missing
