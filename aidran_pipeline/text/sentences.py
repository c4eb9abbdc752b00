"""Sentence splitting for posts and news: rules per line, offsets preserved.

Libraries were measured and left: one cuts addresses at a question mark, one rewrites contractions, one swallows
newlines. A full stop ends a sentence unless it belongs to an abbreviation; where it may be both, what follows decides
(Grefenstette and Tapanainen, What is a word, what is a sentence?, 1994). Accuracy and speed:
`python -m benchmarks.sentences`. What does not belong here: whether a sentence may be printed (quality.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from aidran_pipeline.text.spans import Span, trimmed

# Possessive where a run could be tried again from each of its characters: a hostile line costs no more than any other.
# A stop counts only with white space behind it, so that addresses, versions and decimals need no rule.
STOP = re.compile(
    r"(?<![.!?…؟।۔])(?P<stop>[.!?…؟।۔]++)(?P<close>[\"'”’»)\]]*+)(?=\s|$)|(?P<wide>[。！？｡]+)[」』）”’\"]*"
    r"|(?<=[a-z]{3})\.(?=[A-Z][a-z]*\s)"
)
BULLET = re.compile(r"\s*(?:[-*•‣▪►–—]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+(?=\S)")
EMOJI = (
    "(?:[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b05-\u2b55\u203c\u2049]"
    "[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff]*)"
)
EMOJIS = re.compile(rf"\s*{EMOJI}+(?:\s+{EMOJI}+)*(?=\s|$)\s*")
PICTURE = re.compile(f"{EMOJI}|[\ufe0e\ufe0f\u200d\u20e3]")
LINK = re.compile(r"\(?(?:https?://|www\.)\S+", re.I)
TOKEN = re.compile(r"\S+")
TAG = re.compile(r"#[^\s#]+$")
LOWER = re.compile(r"[a-zà-öø-ÿ]")
BRAND = re.compile(r"[a-z]{1,2}[A-Z]")  # iPhone, xAI: a capital for our purposes
DIGIT = re.compile(r"[(#$€£]?\d")
FIRST_LETTER = re.compile(r"(?<![@#\w])[^\W\d_]")
WORD_BREAK = re.compile(r"[\s(\[\"'“‘«]")
SPACE = re.compile(r"\s*")
LOOK_BACK = 80  # characters; words before a stop are shorter
ENUMERATOR = re.compile(r"(?:^|[:;.!?])\s*\(?\d{1,2}$")
PLAIN = re.compile(r"[^\W_][\w'’%-]*")
SPLICED = re.compile(r"(?:com|org|net|io|ai|co|gov|edu)\b")

# Never the end of a sentence.
NEVER = frozenset(
    """dr mr mrs ms messrs mx prof sen sens rep reps gov gen col lt sgt cpl capt cmdr adm maj rev hon pres supt insp st
    ste mt ft e.g eg i.e ie cf vs viz approx ca z.b d.h u.a bzw a.k.a sra sr.a incl excl esp dipl ing""".split()
)
# An abbreviation before a figure, a word of its own elsewhere ("Was it safe? No. It was not.").
BEFORE_FIGURES = frozenset(
    """no nos nr vol fig figs eq eqs art sec secs ch chap para pt pp ver est jan feb mar apr jun jul aug sep sept oct
    nov dec mon tue tues wed thu thur thurs fri sat sun""".split()
)
# May end a sentence: it does when the next word is one that opens sentences.
MAYBE = frozenset(
    """inc ltd corp co llc plc bros gmbh jr sr al dept univ assn assoc govt intl natl calif conn fla minn wash ariz
    colo okla tenn ave blvd rd""".split()
)
DOTTED = re.compile(r"(?:[a-z]{1,2}\.)+[a-z]{1,2}")
STARTERS = re.compile(
    r"[\"'“‘(]?(?:The|A|An|In|It|Its|He|His|She|Her|They|Their|We|Our|You|Your|I|But|And|Or|So|Yet|Nor|This|That|These|"
    r"Those|There|Here|Then|Now|On|At|By|For|From|With|Without|After|Before|Since|During|Under|Over|As|If|When|While|"
    r"Where|Who|Whose|What|Why|How|Not|No|Nobody|Nothing|None|One|Two|Both|Some|Many|Most|All|Each|Every|Other|Others|"
    r"Another|Even|Only|Still|Also|However|Instead|Meanwhile|Because|Although|Though|Unlike|According|Just|Last|Next|"
    r"Is|Are|Was|Were|Do|Does|Did|Has|Have|Had|Can|Could|Will|Would|Should|May|Must|Let|To|Of)\b(?!\.)"
)
GERMAN_DATE = re.compile(r"\b(?:am|vom|bis|ab|der|den|zum|dem) \d{1,2}$", re.I)
EXCLAIMED = frozenset("yahoo jeopardy yum".split())  # names that carry their mark with them
PAIRS = (
    ("“", "”", 400), ("«", "»", 400), ("「", "」", 400), ("『", "』", 400),
    ("(", ")", 200), ("（", "）", 200), ("[", "]", 200),
)  # fmt: skip
STRAIGHT = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))\"[^\"\n]{1,400}?(?<=\S)\"")


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of a text, in order, without surrounding white space; they never overlap.

    A line break ends a sentence. A full stop does not when it belongs to an abbreviation, an initial, a figure, a
    version or an address, nor inside of brackets or quotation marks that close soon. Only white space and the marks of
    lists stay outside of the spans; links, tags and emoji at the edge of a sentence are spans of their own, so that the
    sentence beside them can be quoted.
    """
    spans: list[Span] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        spans.extend(_split_line(text, line, offset))
        offset += len(line)
    return spans


def _split_line(text: str, line: str, offset: int) -> Iterator[Span]:
    bullet = BULLET.match(line)
    cuts = [bullet.end() if bullet else 0]
    for cut in _cuts(line, cuts[0]):
        cuts.append(cut)
        if emoji := EMOJIS.match(line, cut):
            cuts.append(emoji.end())
    cuts.extend([*_furniture(line, cuts[-1]), len(line)])
    for start, end in pairwise(sorted(set(cuts))):
        span = trimmed(text, offset + start, offset + end)
        if span:
            yield span


def _cuts(line: str, begin: int) -> Iterator[int]:
    """Places where a sentence ends, and where emoji that open the line do."""
    if opening := EMOJIS.match(line, begin):
        yield opening.end()
    inside, casual = _inside(line), _casual(line, begin)
    for match in STOP.finditer(line, begin):
        end = match.end()
        if inside[end - 1]:
            continue
        if _wide_ends(line, end) if match.group("wide") else _ends(line, begin, match, casual=casual):
            yield end
            begin = end


def _wide_ends(line: str, end: int) -> bool:
    """A full-width stop ends its sentence, but for 「…。」と: there the quotation is part of the sentence."""
    return line[end - 1] not in "」』" or line[end : end + 1].strip() == ""


def _furniture(line: str, begin: int) -> list[int]:
    """Cuts before the links, tags (from two on) and emoji that end a line and are no part of its last sentence."""
    cuts, tags = [], []
    for match in reversed(list(TOKEN.finditer(line, begin))):
        token = match.group(0)
        words = _without_pictures(token)
        if TAG.match(token):
            tags.append(match.start())
            continue
        if len(tags) > 1:
            cuts.append(tags[-1])
        elif tags:
            break
        tags = []
        if LINK.fullmatch(token):
            words = 0
        if words < len(token):
            cuts.append(match.start() + words)
        if words:
            break
    return [*cuts, *tags[-1:]] if len(tags) > 1 else cuts


def _without_pictures(token: str) -> int:
    """Length of a token without the emoji at its end."""
    end = len(token)
    while end and PICTURE.match(token, end - 1):
        end -= 1
    return end


def _inside(line: str) -> bytearray:
    """By position: 1 within brackets and quotation marks that close in the same line, not too far away."""
    found = [match.span() for match in STRAIGHT.finditer(line)] if line.count('"') % 2 == 0 else []
    for opening, closing, most in PAIRS:
        at = line.find(opening)
        while at >= 0:
            close = line.find(closing, at + 1, at + most)
            if close >= 0:
                found.append((at, close + 1))
            at = line.find(opening, max(at, close) + 1)
    inside = bytearray(len(line))
    for start, end in found:
        inside[start + 1 : end - 1] = b"\1" * (end - start - 2)
    return inside


def _casual(line: str, begin: int) -> bool:
    """Whether a line is written without capitals: its first letter is a small one."""
    first = FIRST_LETTER.search(line, begin)
    return bool(first and LOWER.match(first.group(0)) and not BRAND.match(line, first.start()))


def _ends(line: str, begin: int, match: re.Match[str], *, casual: bool) -> bool:
    """Whether a stop ends a sentence, by the word before it and what comes after."""
    stop, close = match.group("stop"), match.group("close")
    if stop is None:  # no white space behind it
        return bool(STARTERS.match(line, match.end()))
    gap = SPACE.match(line, match.end())
    following = gap.end() if gap else match.end()
    if following >= len(line):
        return True
    before = line[max(begin, match.start() - LOOK_BACK) : match.start()]
    word = WORD_BREAK.split(before)[-1].lower()
    if LOWER.match(line, following) and not BRAND.match(line, following):
        return not close and _ends_before_small_letter(stop, word, line, following, casual=casual)
    return stop != "." or _full_stop_ends(before, word, line, following)


def _ends_before_small_letter(stop: str, word: str, line: str, following: int, *, casual: bool) -> bool:
    if stop[0] in "!?":
        return word not in EXCLAIMED
    if stop != "." or word in NEVER | MAYBE or word == "etc" or SPLICED.match(line, following):
        return False
    return PLAIN.fullmatch(word) is not None and (len(word) > 1 or word == "i" if casual else len(word) > 4)


def _full_stop_ends(before: str, word: str, line: str, following: int) -> bool:
    """For a single full stop before a capital, a figure or a mark."""
    if not word:
        return before.strip() != "" and not before[-1:].isspace()
    if word in NEVER or ENUMERATOR.search(before) or GERMAN_DATE.search(before):
        return False
    if word in BEFORE_FIGURES:
        return not DIGIT.match(line, following)
    initial = len(word) == 1 and word.isalpha() and word != "i"
    if initial or word in MAYBE or DOTTED.fullmatch(word):
        return bool(STARTERS.match(line, following))
    return True
