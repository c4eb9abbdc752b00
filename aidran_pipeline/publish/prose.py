"""Sentences as HTML and as plain text: citation tokens become linked markers, everything else is escaped.

What does not belong here: where a sentence stands on the page (story.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from aidran_pipeline.publish.safe import clean, web_url
from aidran_pipeline.publish.story_rows import Body, Cite, Line

TOKEN = re.compile(r"\s*\[\[(w?\d+)\]\]")
QUOTED = re.compile(r"“[^”]*”")
Link = Callable[[str], str]
"""Address of the lineage page of a marker, from the page at hand."""


def plain(text: str | None) -> str:
    """The sentence without citation tokens."""
    return re.sub(r"\s+([.,;:?!)])", r"\1", TOKEN.sub("", clean(text))).strip()


def _marker(cite: Cite, link: Link) -> Markup:
    shown = f"[{cite.number}]" if cite.kind == "record" else cite.marker
    kind = "Citation" if cite.kind == "record" else "Web citation"
    return Markup('<sup class="cite"><a href="{}" aria-label="{} {}: {}">{}</a></sup>').format(
        link(cite.marker), kind, cite.marker, clean(cite.name), shown
    )


def _outbound(url: str, words: str) -> Markup:
    return Markup('<a class="out" href="{}" rel="nofollow noopener" referrerpolicy="no-referrer">{}</a>').format(
        url, clean(words)
    )


def _last_outside_quotes(text: str, name: str) -> int:
    """Where the name last stands outside quotation marks, as whole words; -1 when nowhere."""
    masked = QUOTED.sub(lambda m: "\x00" * len(m.group()), text)
    found = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", masked)] if name else []
    return found[-1] if found else -1


def _web(before: str, cite: Cite, link: Link) -> Markup:
    """Link the source where the words before its token name it, else name it in brackets after them."""
    url, name = web_url(cite.first["url"]), clean(cite.site)
    if url is None:
        return escape(before) + Markup(" ({})").format(name) + _marker(cite, link)
    at = _last_outside_quotes(before, name)
    if at < 0:
        return escape(before) + Markup(" ({})").format(_outbound(url, name)) + _marker(cite, link)
    return escape(before[:at]) + _outbound(url, name) + escape(before[at + len(name) :]) + _marker(cite, link)


def render(text: str, body: Body, link: Link) -> Markup:
    """A sentence's text as HTML. A token that names no citation of the version is left out: nothing dangles."""
    out, at, text = Markup(""), 0, clean(text)
    for match in TOKEN.finditer(text):
        before, at = text[at : match.start()], match.end()
        cite = body.cite(match.group(1))
        if cite is None:
            out += escape(before)
        elif cite.kind == "web":
            out += _web(before, cite, link)
        else:
            out += escape(before) + _marker(cite, link)
    return out + escape(text[at:])


def sentence(line: Line, body: Body, link: Link) -> Markup:
    """A sentence as a span with its id; synthesis carries a class and a title that says what it rests on."""
    inner = render(line.text, body, link)
    if line.kind == "cited":
        return Markup('<span id="s{}">{}</span>').format(line.ordinal, inner)
    return Markup(
        '<span id="s{}" class="synthesis" title="Synthesis: drawn from the cited sentences it rests on">{}</span>'
    ).format(line.ordinal, inner)


def paragraphs(lines: list[Line], body: Body, link: Link) -> list[Markup]:
    """Lines grouped by their paragraph number, each group one paragraph."""
    grouped: dict[int, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.paragraph, []).append(line)
    return [Markup(" ").join(sentence(line, body, link) for line in group) for group in grouped.values()]
