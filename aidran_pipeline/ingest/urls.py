"""Addresses: which links may be kept, and when two of them are the same page. No fetching here."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

LONGEST = 2000
TRACKING = re.compile(
    r"^(utm_.*|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|ref_src|ref_url|cmpid|ocid"
    r"|guccounter|guce_.*|at_medium|at_campaign|at_custom.*|ns_campaign|ns_mchannel|s_cid|smid|smtyp|sref|partner)$",
    re.IGNORECASE,
)
BARE_LINK = re.compile(r"https?://[^\s<>\"'“”‘’]+", re.IGNORECASE)
TRAILING = ".,;:!?…)]}*_~"


def http_url(link: str | None, base: str | None = None) -> str | None:
    """The absolute http(s) form of a link, or None: other schemes, credentials, blanks, absurd lengths are refused."""
    if not link or re.fullmatch(r"\s*https?:/*\s*", link, re.IGNORECASE):
        return None
    text = re.sub(r"[\x00-\x20\x7f]+", lambda found: "%20" if " " in found.group() else "", link.strip())
    try:
        joined = urljoin(base, text) if base else text
        parts = urlsplit(joined)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username is not None:
        return None
    if len(joined) > LONGEST or not re.fullmatch(r"[\w.:-]+", host):
        return None
    return urlunsplit(
        (
            parts.scheme.lower(),
            _netloc(parts, host, port),
            _ascii(parts.path),
            _ascii(parts.query),
            _ascii(parts.fragment),
        )
    )


def _netloc(parts: SplitResult, host: str, port: int | None) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = host
    shown = f"[{name}]" if ":" in name else name
    default = {"http": 80, "https": 443}.get(parts.scheme.lower())
    return shown if port in (None, default) else f"{shown}:{port}"


def _ascii(text: str) -> str:
    return quote(text, safe="/:?#[]@!$&'()*+,;=%~-._|") if not text.isascii() else text.replace("\\", "%5C")


def canonical_url(url: str) -> str:
    """The address under which two links to one page meet: without fragment, tracking parameters, default port."""
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.match(key)]
    query = parts.query if len(kept) == len(parse_qsl(parts.query, keep_blank_values=True)) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def host_of(url: str) -> str:
    """The host without a leading www., lower case; empty when there is none."""
    host = (urlsplit(url).hostname or "").lower()
    return host.removeprefix("www.")


def bare_links(text: str) -> list[str]:
    """http(s) links written out in plain text, without the punctuation that follows them."""
    found = []
    for match in BARE_LINK.finditer(text):
        link = match.group()
        while link and link[-1] in TRAILING and not (link[-1] == ")" and link.count("(") >= link.count(")")):
            link = link[:-1]
        kept = http_url(link)
        if kept:
            found.append(kept)
    return found
