"""Hostile text on its way to a reader: characters not to print, addresses not to link, JSON inside HTML.

Escaping itself is Jinja's (autoescape is always on). What does not belong here: wording, layout.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

# C0 and C1 controls but tab and line feed, surrogates and non-characters: XML 1.0 forbids most of them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Overrides, embeddings and isolates can make a line read as something else. Marks that scripts need (U+200E, U+200F,
# U+200D in emoji) stay; right-to-left text is laid out by dir="auto".
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HOST = re.compile(r"[\w.\-:\[\]]+\Z")  # letters of any script: addresses with international names are real


def clean(text: str | None) -> str:
    """Text that may be printed: control characters and bidirectional overrides taken out, the rest as it is."""
    return _BIDI.sub("", _CONTROL.sub("", text or ""))


def hidden_characters(text: str) -> int:
    """How many characters `clean` takes out; a page that shows a quote without them says so."""
    return len(text) - len(clean(text))


def web_url(url: str | None) -> str | None:
    """The address when it may stand in an href: http or https, with a host, no credentials, no control or space."""
    text = (url or "").strip()
    if not text or re.search(r"[\s\x00-\x20\x7f-\x9f\"<>\\^`{|}]", text) or hidden_characters(text):
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or not _HOST.match(parts.netloc):
        return None
    return text


def host_of(url: str | None) -> str:
    """The host of a web address without www., '' when it is none."""
    safe = web_url(url)
    return (urlsplit(safe).hostname or "").removeprefix("www.") if safe else ""


def plain_json(value: Any) -> bytes:
    """A JSON file: sorted keys, two spaces, readable characters, a line feed at the end."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, default=str) + "\n").encode(
        "utf-8", "replace"
    )


def json_ld(value: Any) -> Markup:
    """JSON for a script element: `json.dumps` leaves `</script>` alone, so <, > and & are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    for raw, escaped in (
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(raw, escaped)
    return Markup(text)  # noqa: S704 - escaped just above
