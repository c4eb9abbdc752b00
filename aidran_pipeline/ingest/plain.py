"""Text of sources as plain text: markup out, entities decoded, paragraphs kept, cuts recognised.

Everything here is pure. What does not belong here: finding quotes or sentences in the result (package text).
"""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser

from aidran_pipeline.ingest.urls import http_url

LONGEST_TITLE = 500
LONGEST_BODY = 100_000
DROPPED = frozenset({"script", "style", "noscript", "template", "svg", "math", "iframe", "form", "head"})
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "audio",
        "b",
        "bdi",
        "bdo",
        "big",
        "body",
        "button",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "data",
        "del",
        "dfn",
        "em",
        "embed",
        "font",
        "html",
        "i",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "link",
        "mark",
        "meta",
        "meter",
        "optgroup",
        "option",
        "output",
        "param",
        "picture",
        "progress",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "select",
        "small",
        "source",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "textarea",
        "time",
        "title",
        "track",
        "tt",
        "u",
        "var",
        "video",
        "wbr",
        "br",
        *("applet", "area", "basefont", "bgsound", "blink", "canvas", "caption", "datalist", "dialog", "dir"),
        *("fieldset", "frame", "frameset", "hgroup", "keygen", "legend", "map", "marquee", "menu", "nobr"),
        *("noframes", "object", "slot"),  # its words stand in for an object: an unclosed one would swallow the rest
    ]
)
VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
MORE = re.compile(
    (
        r"\s*(?:\(?\b(?:read more|continue reading|read the full (?:story|article|post)"
        r"|read the rest)\b[^\n]{0,60})[.…»→)]*\s*$"
    ),
    re.IGNORECASE,
)
COUNTED = re.compile(r"\s*\[\+\s?\d+\s+chars\]\s*$")
ELLIPSIS = re.compile(r"(?:\[\s*(?:…|\.\.\.|&hellip;)\s*\]|…|\.\.\.)\s*$")
POSTED_IN = re.compile(r"\n*The post .{1,300} (?:appeared first on|first appeared on) .{1,120}$")


class _Stripper(HTMLParser):
    """Collects text and links. Tags that HTML does not know are text: "List<T>" is a title, not markup."""

    def __init__(self, base: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self.base, self.out, self.links, self.hidden = base, [""], [""], 0
        self.links.clear()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.hidden += 1
        elif self.hidden:
            return
        elif tag in BLOCKS:
            self.out.append("\n\n" if tag not in ("li", "tr", "td", "th", "dt", "dd") else "\n" if tag != "td" else " ")
        elif tag == "br":
            self.out.append("\n")
        elif tag == "a":
            self._link(dict(attrs).get("href"))
        elif tag not in INLINE and tag not in VOID:
            self.out.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DROPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self.hidden = max(0, self.hidden - 1)
        elif tag in BLOCKS and not self.hidden:
            self.out.append("\n\n" if tag not in ("li", "tr", "td", "th", "dt", "dd") else "\n" if tag != "td" else " ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.out.append(re.sub(r"\s+", " ", data))

    def _link(self, href: str | None) -> None:
        link = http_url(href, self.base)
        if link and link not in self.links:
            self.links.append(link)


def clean_text(text: str) -> str:
    """NFC without control characters, surrogates or direction overrides; at most one blank line between paragraphs."""
    text = CONTROL.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    )
    text = unicodedata.normalize("NFC", text)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def html_to_text(markup: str, base: str | None = None) -> tuple[str, list[str]]:
    """Plain text and the http(s) links of an HTML fragment. Script, style, forms and embedded frames are left out."""
    if "<" not in markup and "&" not in markup:
        return clean_text(markup)[:LONGEST_BODY].rstrip(), []
    stripper = _Stripper(base)
    try:
        stripper.feed(markup)
        stripper.close()
    except (AssertionError, ValueError):  # html.parser gives up on a few malformed declarations
        return clean_text(html.unescape(re.sub(r"<[^>]*>", " ", markup)))[:LONGEST_BODY].rstrip(), []
    return clean_text("".join(stripper.out))[:LONGEST_BODY].rstrip(), stripper.links


def one_line(markup: str | None, base: str | None = None) -> str:
    """A title: plain text on one line, at most LONGEST_TITLE characters."""
    text, _links = html_to_text(markup or "", base)
    return re.sub(r"\s+", " ", text)[:LONGEST_TITLE].strip()


def cut_title(title: str) -> bool:
    """Whether the source cut the title off: it ends in an ellipsis."""
    return title.endswith(("...", "…"))


def cut_body(body: str) -> tuple[str, bool]:
    """The body without the feed's own "read more" and "[+123 chars]", and whether the source cut it off.

    Known cuts: "[+123 chars]", "[…]", a closing ellipsis, "Read more", and 200 characters ending inside a word.
    """
    body = POSTED_IN.sub("", body)
    counted = COUNTED.sub("", body)
    kept = MORE.sub("", counted)
    mid_word = len(kept) == 200 and kept[-1].isalnum()
    return kept.rstrip(), kept != body or mid_word or bool(ELLIPSIS.search(kept))


def repeats_title(body: str, title: str) -> bool:
    """Whether the body says nothing beyond the title (or the start of it)."""
    said, named = (re.sub(r"[\W_]+", " ", part.casefold()).strip() for part in (body, title))
    return not said or named.startswith(said)


def markdown_to_text(source: str) -> tuple[str, list[str]]:
    """Plain text and links of the Markdown that Reddit posts are written in; emphasis and headings lose their marks."""
    links: list[str] = []

    def _named(match: re.Match[str]) -> str:
        link = http_url(match.group(2))
        if link and link not in links:
            links.append(link)
        return match.group(1)

    text = html.unescape(source).replace("\u200b", "")
    text = re.sub(r"!?\[([^\]\n]{0,500})\]\(\s*<?(\S{1,2000}?)>?(?:\s+\"[^\"\n]*\")?\s*\)", _named, text)
    text = re.sub(r"(?m)^[ \t]{0,3}(?:#{1,6}[ \t]+|>[> \t]*!?|[*+-][ \t]+|-{3,}[ \t]*$|={3,}[ \t]*$)", "", text)
    text = re.sub(r"(\*\*\*|\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])", r"\1", text)
    text = re.sub(r"`{1,3}", "", text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!~>-])", r"\1", text)
    return clean_text(text)[:LONGEST_BODY].rstrip(), links
