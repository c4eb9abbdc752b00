"""Whether a feed's markup is small and flat enough to be parsed at all: a parser needs seconds and memory by its shape.

Two megabytes of nested elements cost feedparser a minute and a half and 400 MB, as many empty items 18 seconds.
Counting beforehand costs milliseconds. Real feeds: at most 59,000 tags, in the 2.5 MB of the largest of 127.
"""

from __future__ import annotations

import re

from aidran_pipeline.ingest.parsed import NotParsable

MOST_BYTES = 8 * 1024 * 1024  # one item of as much text costs twenty times that
MOST_TAGS = 300_000  # escaped ones included: they become markup again in an item's text
MOST_ITEMS_READ = 10_000
DEEPEST = 200
_TAG = re.compile(rb"<(/?)([A-Za-z_][\w:.-]*)((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)>")
_HIDDEN = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ITEM = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s/>]", re.IGNORECASE)
# What is never closed in the HTML that some feeds hold unescaped.
_VOID = frozenset((b"br", b"hr", b"img", b"input", b"link", b"meta", b"wbr", b"source", b"embed", b"p", b"li"))


def check_shape(body: bytes) -> None:
    """Raises NotParsable: too_large for more bytes, tags or items than a feed has, malformed for endless nesting."""
    if len(body) > MOST_BYTES:
        raise NotParsable("too_large", f"{len(body)} bytes; a feed of more than {MOST_BYTES} is not parsed")
    plain = body.replace(b"\x00", b"")  # UTF-16 and UTF-32 too
    tags = plain.count(b"<") + plain.count(b"&lt;") + plain.count(b"&#60;") + plain.count(b"&#x3")
    if tags > MOST_TAGS:
        raise NotParsable("too_large", f"{tags} tags; a feed of more than {MOST_TAGS} is not parsed")
    items = sum(1 for _ in _ITEM.finditer(plain))
    if items > MOST_ITEMS_READ:
        raise NotParsable("too_large", f"{items} items; a feed of more than {MOST_ITEMS_READ} is not parsed")
    if _depth(_HIDDEN.sub(b"", plain)) > DEEPEST:
        raise NotParsable("malformed", f"elements nested more than {DEEPEST} deep")


def _depth(text: bytes) -> int:
    """How deep elements nest, at most one beyond DEEPEST. A closing tag closes what was left open inside it."""
    stack: list[bytes] = []
    deepest = 0
    for found in _TAG.finditer(text):
        closing, name, rest = found.groups()
        name = name.lower()
        if closing:
            if name in stack[-DEEPEST:]:
                while stack.pop() != name:
                    pass
        elif not rest.endswith(b"/") and name not in _VOID:
            stack.append(name)
            deepest = max(deepest, len(stack))
            if deepest > DEEPEST:
                return deepest
    return deepest
