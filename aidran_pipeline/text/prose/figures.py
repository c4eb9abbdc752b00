"""Figures in running prose: value, unit, bound, and whether other prose carries them.

"eight months" is "8 months" but not "8 weeks"; "22 percent" is not "22 percentage points"; "nearly 40" may stand for
38.9, "over 40" not. A figure is carried when its value, its unit and the thing it counts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aidran_pipeline.text.common import MULTIPLIERS, NUMBER_WORDS
from aidran_pipeline.text.facts import CURRENCY, NUMBER
from aidran_pipeline.text.prose.times import masked
from aidran_pipeline.text.words import STOP_WORDS, stem

ONES = "one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
WORDED = rf"(?:{'|'.join(TENS)})[- ](?:{'|'.join(ONES)})|{'|'.join(TENS + TEENS)}|{'|'.join(ONES[1:])}|dozen"
SCALE = r"hundred|thousand|million|billion|trillion|mn|bn|tn|[kKmMbB](?![\w-])"
SIGNS = r"[$€£¥]|US\$|A\$|C\$|USD|EUR|GBP"
COINS = r"dollars?|euros?|pounds?|yuan|yen|rupees?|francs?|kron(?:er|or)|USD|EUR|GBP|cents?"
FIGURE = re.compile(
    rf"(?P<sign>{SIGNS})?\s?(?<![\w.,-])(?P<n>{NUMBER}|\b(?:{WORDED})\b)(?:[\s\u00a0-]?(?P<s>{SCALE})\b)?"
    rf"(?:[\s\u00a0\u202f-]?(?P<pp>percentage[\s-]points?|(?:basis[\s-])points?)|[\s\u00a0\u202f-]?(?P<pc>%|per ?cent\b|percent\b|pct\b)"
    rf"|[\s\u00a0-](?P<coin>{COINS})\b|(?P<ord>st|nd|rd|th)\b)?",
    re.I,
)
ORDINALS = {
    word: number for number, word in enumerate("second third fourth fifth sixth seventh eighth ninth tenth".split(), 2)
}
ORDINAL = re.compile(rf"(?<!\d-)\b({'|'.join(ORDINALS)})\b", re.I)
RATIOS: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"\btwo[- ]thirds\b", re.I), 2 / 3),
    (re.compile(r"\bthree[- ]quarters\b", re.I), 0.75),
    (re.compile(r"\b(?:by|of|a|one|about|nearly|almost|another)[ -](?:a )?third\b(?! (?:of )?(?:party|time|person|country|way|man|woman|\w+ing\b))(?!-)", re.I), 1 / 3),
    (re.compile(r"\b(?:by|one|a)[ -](?:a )?quarter\b(?! (?:ended|earlier|later|ago|before|after))", re.I), 0.25),
    (re.compile(r"\b(?:half|halved?|halving)\b", re.I), 0.5),
    (re.compile(r"\b(?:twice|doubl(?:e|ed|es|ing)|two-?fold)\b", re.I), 2),
    (re.compile(r"\b(?:tripl(?:e|ed|es|ing)|threefold|three times)\b", re.I), 3),
    (re.compile(r"\b(?:quadrupl(?:e|ed|es|ing)|fourfold|four times)\b", re.I), 4),
    (re.compile(r"\b(?:tenfold|ten times)\b", re.I), 10),
)  # fmt: skip
UNITS = {
    form: unit
    for unit, forms in {
        "second": "second seconds sec secs", "minute": "minute minutes min mins", "hour": "hour hours hourly hr hrs",
        "day": "day days daily", "week": "week weeks weekly", "fortnight": "fortnight fortnights",
        "month": "month months monthly", "year": "year years yearly annual annually yr yrs",
        "decade": "decade decades", "century": "century centuries", "kw": "kw kilowatt kilowatts", "mw": "mw megawatt megawatts",
        "gw": "gw gigawatt gigawatts", "tw": "tw terawatt terawatts", "kwh": "kwh kilowatt-hours", "mwh": "mwh megawatt-hours",
        "gwh": "gwh gigawatt-hours", "twh": "twh terawatt-hours", "metre": "metre metres meter meters m",
        "km": "km kilometre kilometres kilometer kilometers", "mile": "mile miles", "foot": "foot feet ft",
        "tonne": "tonne tonnes ton tons", "kg": "kg kilogram kilograms kilo kilos", "litre": "litre litres liter liters",
        "gallon": "gallon gallons", "degree": "degree degrees °c", "token": "token tokens", "parameter": "parameter parameters",
        "kb": "kb kilobyte kilobytes", "mb": "mb megabyte megabytes", "gb": "gb gigabyte gigabytes", "tb": "tb terabyte terabytes",
        "pb": "pb petabyte petabytes", "nm": "nm nanometre nanometres nanometer nanometers", "mm": "mm millimetre millimetres millimeter millimeters",
        "hectare": "hectare hectares", "acre": "acre acres", "mph": "mph", "kmh": "km/h kmh", "hz": "hz hertz", "ghz": "ghz", "mhz": "mhz",
        "ms": "ms millisecond milliseconds", "gram": "gram grams g",
    }.items()
    for form in forms.split()
}  # fmt: skip
TIMES = frozenset("second minute hour day week fortnight month year decade century".split())
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0, "fortnight": 14 * 86400.0,
           "month": 365.25 / 12 * 86400.0, "year": 365.25 * 86400.0, "decade": 3652.5 * 86400.0, "century": 36525.0 * 86400.0}  # fmt: skip
HALF = re.compile(r"\bhalf (?:of )?(?:an?|the|this|last) (hour|day|year|decade|century)\b", re.I)
LIMIT = re.compile(r"\b(?:cap|caps|capped|capping|limit\w*|ceiling|maximum|minimum|floor|threshold)\b", re.I)
RATE = re.compile(r"\b(?:a|an|per|each|every)\s+(second|minute|hour|day|week|month|year|decade)\b|\b(hourly|daily|weekly|monthly|yearly|annual|annually)\b", re.I)  # fmt: skip
LOWER = re.compile(r"(?:more than|over|above|at least|no (?:fewer|less) than|exceed(?:s|ed|ing)?|upwards of|north of|just over)\s+(?:the |a |some )?$", re.I)  # fmt: skip
UPPER = re.compile(r"(?:less than|fewer than|under|below|at most|no more than|up to|as much as|as many as|as little as|nearly|almost|just under|close to)\s+(?:the |a |some )?$", re.I)  # fmt: skip
ABOUT = re.compile(r"(?:about|around|roughly|some|approximately|close to|nearly|almost|an estimated|estimated|circa)\s+(?:the |a )?$", re.I)  # fmt: skip
AT_MOST = re.compile(r"^\W*(?:\w+\W+)?(?:at (?:the )?most|or (?:less|fewer))\b", re.I)
AT_LEAST = re.compile(r"^\W*(?:\w+\W+)?(?:at (?:the )?least|or more)\b", re.I)
AFTER = re.compile(r"[^\W\d_][\w’'/-]*|[.;:!?—–]|°C", re.U)
# What a writer may count on the page itself: the voices behind a sentence, not the things they speak of.
VOICES = re.compile(
    r"(?:posts?|users?|outlets?|reports?|papers?|voices?|accounts?|commenters?|sources?|records?|articles?|threads?|"
    r"publications?|posters?|readers?|accounts|arguments?|views?|sides?|halves|questions?|things?|ways?|themes?|strands?|camps?|points?|answers?)\b", re.I)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """kind: number, percent, points, ordinal, ratio, or a currency; bound: -1 at most, 1 at least, 0 neither."""

    start: int
    end: int
    text: str
    kind: str
    value: float
    unit: str | None = None
    bound: int = 0
    about: bool = False
    limit: bool = False
    counted: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def figures_of(text: str) -> tuple[Figure, ...]:
    """The figures of a text, without its dates."""
    text = masked(text)
    found = [*_ratios(text)]
    taken = [(f.start, f.end) for f in found]
    found += [Figure(*m.span(), m.group(0), "number", 0.5, UNITS[m.group(1).lower()]) for m in HALF.finditer(text)]
    for figure in [*_numbers(text), *_ordinals(text)]:
        if not any(start < figure.end and figure.start < end for start, end in taken):
            found.append(figure)
    return tuple(sorted(found, key=lambda f: f.start))


def _ratios(text: str) -> Iterator[Figure]:
    for pattern, value in RATIOS:
        for match in pattern.finditer(text):
            yield Figure(match.start(), match.end(), match.group(0), "ratio", value)


def _ordinals(text: str) -> Iterator[Figure]:
    for match in ORDINAL.finditer(text):
        before, after = text[: match.start()].rstrip().lower(), text[match.end() :].lstrip()
        if VOICES.match(after) or (re.match(r"[, ]", after[:1]) and not after[:1].strip(" ")):
            continue
        if match.group(1).lower() == "second" and (
            re.search(r"\b(?:a|per|every|each|split)$", before) and not after[:1].isalpha()
        ):
            continue
        if match.start() and not text[match.end() :].startswith("-") and re.match(r"[,.;:]|$", after):
            continue  # "first, …; second, …": the writer's own order
        yield Figure(match.start(), match.end(), match.group(0), "ordinal", ORDINALS[match.group(1).lower()])


def _numbers(text: str) -> Iterator[Figure]:
    limit = LIMIT.search(text) is not None
    for match in FIGURE.finditer(text):
        value = _value(match.group("n"), match.group("s"))
        before, after = text[: match.start("n")], text[match.end() :]
        if match.group("sign"):
            before = text[: match.start()]
        kind = _kind(match)
        unit, counted = _counted(after) if kind in ("number", "ratio") else (None, ())
        if kind == "number" and re.search(
            r"[A-Za-z]-$|\b(?:No|Notice|Order|Article|Section|Act|Version|v)\.? $", before
        ):
            unit, counted = None, ()
        bound = (
            -1
            if UPPER.search(before) or AT_MOST.match(after)
            else 1
            if LOWER.search(before) or AT_LEAST.match(after)
            else 0
        )
        if unit in TIMES and re.search(r"\bover\s+(?:the |a )?$", before, re.I):
            bound = 0
        yield Figure(match.start("n") if not match.group("sign") else match.start("sign"), match.end(), match.group(0).strip(), kind, value,
                     unit, bound, bool(ABOUT.search(before)), limit, counted)  # fmt: skip


def _kind(match: re.Match[str]) -> str:
    if match.group("pp"):
        return "points"
    if match.group("pc"):
        return "percent"
    if match.group("sign") or match.group("coin"):
        name = (match.group("sign") or match.group("coin")).lower()
        return CURRENCY.get(name) or CURRENCY.get(name + "s") or name.rstrip("s")
    return "ordinal" if match.group("ord") else "number"


def _value(number: str, scale: str | None) -> float:
    lowered = number.lower().replace(",", "")
    parts = re.split(r"[- ]", lowered)
    value = sum(float(NUMBER_WORDS[part]) for part in parts) if parts[0] in NUMBER_WORDS else float(lowered)
    return value * MULTIPLIERS.get((scale or "").lower(), 1)


def _counted(after: str) -> tuple[str | None, tuple[str, ...]]:
    """The unit that follows a number, and the stems of the words that it may count."""
    words: list[str] = []
    unit = None
    for match in AFTER.finditer(after[:60]):
        word = match.group(0).lower()
        if not word[0].isalpha() and word != "°c":
            break
        if len(words) < 2 and unit is None and not (len(word) <= 2 and words):
            unit = UNITS.get(word) or UNITS.get(word.split("-")[0])
        if word not in STOP_WORDS:
            words.append(stem(word.removesuffix("’s").removesuffix("'s")))
        if len(words) == 3:
            break
    return unit, tuple(words)


def carried(wanted: Figure, given: Sequence[Figure], texts: Sequence[str]) -> bool:
    """Whether one of the given figures says the same."""
    return (
        any(_same(wanted, other) for other in given)
        and not _counts_another(wanted, given)
        and _unit_told(wanted, given, texts)
    )


def _same(wanted: Figure, given: Figure) -> bool:
    if not _kinds_agree(wanted, given):
        return False
    if wanted.unit and given.unit and wanted.unit != given.unit:
        return _lasts_as_long(wanted, given)
    if abs(wanted.value - given.value) < 1e-9 * max(1.0, abs(given.value)):
        return _bounds_agree(wanted, given)
    if {wanted.kind, given.kind} == {"ratio", "percent"}:
        share = wanted.value if wanted.kind == "ratio" else wanted.value / 100
        other = given.value if given.kind == "ratio" else given.value / 100
        return abs(share - other) < 0.008 or (wanted.about and abs(share - other) < 0.04)
    return _rounded(wanted, given)


def _kinds_agree(wanted: Figure, given: Figure) -> bool:
    if wanted.kind == given.kind or {wanted.kind, given.kind} == {"ratio", "percent"}:
        return True
    if {wanted.kind, given.kind} == {"ratio", "number"}:
        return wanted.value >= 2 and given.value >= 2
    # "the yen 300" and "300 (yen)": a plain number may stand for what carries its unit elsewhere, never the other way.
    return (
        wanted.kind == "number" and given.kind not in ("points", "percent", "ordinal", "ratio") and wanted.unit is None
    )


def _bounds_agree(wanted: Figure, given: Figure) -> bool:
    if wanted.bound == given.bound or (wanted.bound and given.limit and not given.bound):
        return True
    return wanted.about and not (wanted.bound and given.bound)


def _lasts_as_long(wanted: Figure, given: Figure) -> bool:
    """A decade is ten years, half a year six months."""
    if wanted.unit not in SECONDS or given.unit not in SECONDS:
        return False
    left, right = wanted.value * SECONDS[wanted.unit], given.value * SECONDS[given.unit]
    return abs(left - right) < 0.02 * right


def _rounded(wanted: Figure, given: Figure) -> bool:
    """A rounder figure, said to be one, on the right side of the exact one."""
    if not given.value or not (wanted.bound or wanted.about) or _digits(wanted.value) > _digits(given.value):
        return False
    ratio = wanted.value / given.value
    if wanted.bound > 0:
        return 0.85 <= ratio <= 1
    return 1 <= ratio <= 1.15 if wanted.bound < 0 and not wanted.about else 0.9 <= ratio <= 1.1


def _digits(value: float) -> int:
    return len(f"{value:.10g}".replace(".", "").strip("0").split("e")[0])


def _counts_another(wanted: Figure, given: Sequence[Figure]) -> bool:
    """Whether what the figure counts is counted by another figure of the quotes, and never by this one."""
    if wanted.kind != "number" or not wanted.counted:
        return False
    noun = wanted.counted[0]
    same = [g for g in given if g.kind == "number" and _same(wanted, g)]
    others = [g for g in given if g.kind == "number" and not _same(wanted, g)]
    return not any(set(wanted.counted) & set(g.counted) for g in same) and any(noun in g.counted[:2] for g in others)


def _unit_told(wanted: Figure, given: Sequence[Figure], texts: Sequence[str]) -> bool:
    """Whether a unit of measure that the wanted figure has stands in the quotes at all."""
    if wanted.unit is None or any(g.unit and _same(wanted, g) for g in given):
        return True
    return any(wanted.unit == UNITS.get(word) for text in texts for word in re.findall(r"[\w°/]+", text.lower()))


def rates_missing(sentence: str, texts: Sequence[str]) -> list[str]:
    """A month where the quotes speak of years: a rate whose unit stands in no quote."""
    told = {UNITS.get(word) for text in texts for word in re.findall(r"\w+", text.lower())}
    spans = [f for text in texts for f in figures_of(text) if f.unit in SECONDS]
    spoken = {unit for unit in told if unit in TIMES}
    found = []
    for match in RATE.finditer(sentence):
        unit = UNITS[(match.group(1) or match.group(2)).lower()]
        once = Figure(*match.span(), match.group(0), "number", 1.0, unit)
        if unit not in told and spoken and not any(_lasts_as_long(once, span) for span in spans):
            found.append(match.group(0))
    return found


def figures_missing(sentence: str, quotes: Sequence[str], voices: frozenset[int] = frozenset()) -> list[str]:
    """Figures of a sentence that no quote carries; `voices`: how many sources, quotes or sentences it rests on, which it may count."""
    given = [figure for quote in quotes for figure in figures_of(quote)]
    missing = []
    for figure in figures_of(sentence):
        if carried(figure, given, quotes) or (figure.kind == "ratio" and HALF.match(sentence[figure.start :])):
            continue
        if not _of_the_writer(figure, sentence, voices):
            missing.append(figure.text)
    return missing + rates_missing(sentence, quotes)


def _of_the_writer(figure: Figure, sentence: str, voices: frozenset[int]) -> bool:
    """A count of what the page itself names: "three posts" of three sources, "the two" of two things just named."""
    if figure.kind != "number" or figure.unit:
        return False
    after, before = sentence[figure.end :].lstrip(), sentence[: figure.start].rstrip().lower()
    if figure.value in voices and VOICES.match(after):
        return True
    return (
        figure.value == 2
        and before.endswith(("the", "these", "those"))
        and not re.match(r"(?!sides|parties|camps)\w+s\b", after)
    )
