"""Sentence splitting for posts and news: rules per line, offsets preserved, addresses masked.

Libraries were measured and left: one cuts addresses at a question mark, one rewrites contractions, one swallows
newlines.
"""

from __future__ import annotations

import re

from aidran_pipeline.text.spans import Span, trimmed

URL = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)+/\S*", re.I)
ABBREVIATIONS = frozenset(
    """dr mr mrs ms prof sen rep gov gen col lt sgt capt rev hon st jr sr vs etc inc ltd corp co no nos vol fig figs eq
    al approx dept est jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun e.g
    i.e cf ca u.s u.k u.n e.u a.i ph.d m.d b.a m.a a.m p.m d.c bn mn tr ed eds pp ch sec art nr bzw z.b d.h u.a sra
    sr.a""".split()
)
STOP = re.compile(r"""(?P<stop>[.!?…]+|[。！？])(?P<close>["'”’»)\]]*)(?P<gap>\s+|$)""")
LOWER_START = re.compile(r"[a-zà-öø-ÿ]")
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of a text, in order, without surrounding white space; they never overlap.

    A line break ends a sentence. A full stop does not when it belongs to an abbreviation, an initial, a number, a
    version or an address, nor when the next word starts in lower case.
    """
    spans: list[Span] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        spans.extend(_split_line(text, offset, offset + len(line)))
        offset += len(line)
    return spans


def _split_line(text: str, start: int, end: int) -> list[Span]:
    line = text[start:end]
    bullet = BULLET.match(line)
    begin = bullet.end() if bullet else 0
    masked = URL.sub(
        lambda m: "u" * len(m.group(0).rstrip(".!?,;:)")) + m.group(0)[len(m.group(0).rstrip(".!?,;:)")) :], line
    )
    found: list[Span] = []
    for match in STOP.finditer(masked, begin):
        if _ends(masked, begin, match):
            span = trimmed(text, start + begin, start + match.end("close"))
            if span:
                found.append(span)
            begin = match.end()
    for match in re.finditer(r"[。！？]", masked[begin:]):
        span = trimmed(text, start + begin, start + begin + match.end())
        if span:
            found.append(span)
            begin += match.end()
            break
    rest = trimmed(text, start + begin, end)
    if rest:
        found.append(rest)
    return found


def _ends(line: str, begin: int, match: re.Match[str]) -> bool:
    """Whether the stop ends a sentence."""
    stop, following = match.group("stop"), line[match.end() :]
    if not match.group("gap"):
        return True
    if LOWER_START.match(following) and stop[0] in ".…":
        return False
    if stop != ".":
        return True
    word = re.split(r"[\s(\[\"'“‘]", line[begin : match.start()])[-1].lower()
    if word in ABBREVIATIONS:
        return word in ("etc", "inc", "ltd", "corp", "a.m", "p.m", "u.s", "u.k", "e.u") and bool(
            re.match(r"(The|A|An|In|It|He|She|They|We|But|And|This|That|On|At|For)\b", following)
        )
    return not (len(word) == 1 and word.isalpha() and word != "i")
