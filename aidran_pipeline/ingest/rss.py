"""RSS and Atom bodies, by feedparser, into records. Pure: bytes in, records out, no clock, no network."""

from __future__ import annotations

import calendar
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
from aidran_pipeline.ingest.plain import (
    LONGEST_TITLE,
    clean_text,
    cut_body,
    cut_title,
    html_to_text,
    one_line,
    repeats_title,
)
from aidran_pipeline.ingest.shape import check_shape
from aidran_pipeline.ingest.urls import bare_links, host_of, http_url

MOST_ITEMS = 5000
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
MOST_LINKS = 50
DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_feed(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """The items of a feed in its order. source: id and publisher of the configured source.

    Raises NotParsable: not_a_feed for HTML and anything else that is no feed (never an empty list), malformed for a
    document type declaration, which no feed needs and entity bombs do.
    """
    items = feed_items(body, url=url, content_type=content_type, source=source)
    return _distinct([item for item in items if item.title or item.body])


def feed_items(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """Every item as the feed shows it: also those without a word, which make no record, and repeated ones.

    Raises as parse_feed does.
    """
    feed = _read(body, content_type)
    base = http_url(feed.feed.get("link"), url) or url
    publisher = source.get("publisher") or one_line(str(feed.feed.get("title") or ""))[:80] or host_of(url)
    return [_item(entry, url, base, str(source["id"]), publisher) for entry in feed.entries[:MOST_ITEMS]]


def _read(body: bytes, content_type: str | None) -> Any:
    import feedparser

    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise NotParsable("not_a_feed", "the answer is an HTML page")
    if _declares_dtd(body):
        raise NotParsable("malformed", "the feed declares a document type, which is refused")
    check_shape(body)
    # Without content-location: feedparser would complete GUIDs with the address of the fetch, and a feed that moves
    # would bring every item a second time. Links are completed here.
    headers = {"content-type": content_type or "application/xml"}
    try:
        feed = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # feedparser lets errors of its parsers through on hostile input
        raise NotParsable("malformed", f"feedparser: {type(error).__name__}: {error}"[:300]) from error
    if not feed.get("version") and not feed.entries:
        raise NotParsable("not_a_feed", f"no feed in {len(body)} bytes of {(content_type or 'no type')[:60]}")
    return feed


def _declares_dtd(body: bytes) -> bool:
    """A document type before the root element, in any encoding whose ASCII is recognisable (UTF-16 included)."""
    start = body[:65536].replace(b"\x00", b"")
    outside = re.sub(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", b"", start, flags=re.DOTALL)
    root = re.search(rb"<[A-Za-z]", outside)
    return DOCTYPE.search(outside[: root.start()] if root else outside) is not None


def _item(entry: Any, url: str, base: str, source_id: str, publisher: str) -> ParsedRecord:
    """url: of the feed, which completes the item's own link; base: of its site, which completes those in its text."""
    title = one_line(entry.get("title"))
    body, links = _body(entry, base)
    link = _link(entry, url)
    title, body, cut = _tidy(title, body)
    published, raw = _moment(entry)
    author = _author(entry)
    name = _identity(entry, link, title, body)
    own = [ParsedLink("self", link)] if link else []
    seen = {link}
    for other in [*links, *bare_links(body or "")]:
        if other not in seen and len(own) < MOST_LINKS:
            seen.add(other)
            own.append(ParsedLink("body", other))
    return ParsedRecord(
        native_id=f"{source_id}|{name}",
        url=link or base,
        title=title or None,
        body=body or None,
        published_at=published,
        published_raw=raw,
        author_name=author,
        publisher=publisher,
        declared_lang=_language(entry),
        title_truncated=bool(title) and (cut_title(title) or len(title) >= LONGEST_TITLE),
        body_truncated=cut,
        links=tuple(own),
    )


def _tidy(title: str, body: str) -> tuple[str, str, bool]:
    kept, cut = cut_body(body) if body else ("", False)
    if title and kept and repeats_title(kept, title):
        return title, "", False
    return title, kept, cut and bool(kept)


def _value(detail: Any) -> str | None:
    return detail.get("value") if isinstance(detail, dict) else None


def _body(entry: Any, base: str) -> tuple[str, list[str]]:
    """The longest of content and summary, as plain text with its links."""
    found = [*(entry.get("content") or []), entry.get("summary_detail") or {"value": entry.get("summary") or ""}]
    best, links = "", []
    for part in found:
        text, there = html_to_text(_value(part) or "", http_url(part.get("base"), base) or base)
        if len(text) > len(best):
            best, links = text, there
    return best, links


def _link(entry: Any, base: str) -> str | None:
    """The item's own page: its link, else an alternate link, else a GUID that is an address.

    An alternate link comes before a link of another relation, such as an enclosure, whatever the parser made of them.
    """
    own = [link.get("href") for link in entry.get("links") or [] if link.get("rel", "alternate") == "alternate"]
    guid = str(entry.get("id") or "")
    first = entry.get("link")
    if first == guid and not guid.startswith(("http://", "https://", "/")):
        first = None  # the parser takes any GUID that is not said to be none for an address
    offered = [first, *own] if not own or first in own else [*own, first]
    offered.append(guid if guid.startswith(("http://", "https://")) else None)
    return next((kept for kept in (http_url(link, base) for link in offered if link) if kept), None)


def _identity(entry: Any, link: str | None, title: str, body: str) -> str:
    """GUID, else link, else a hash of the content: within one source the item's name."""
    guid = clean_text(str(entry.get("id") or "")).replace("\n", " ")
    if guid:
        return guid if len(guid) <= 500 else "sha256:" + hashlib.sha256(guid.encode("utf-8", "replace")).hexdigest()
    if link:
        return link
    return "sha256:" + hashlib.sha256(f"{title}\n\n{body}".encode("utf-8", "replace")).hexdigest()


def _moment(entry: Any) -> tuple[datetime | None, str | None]:
    """Publication moment, or None when absent or absurd, and the source's own characters for it.

    The first of published, updated and created that can be believed; the characters of the first given, if none can.
    """
    first = None
    for name in ("published", "updated", "created"):
        raw = entry.get(name) if name in entry else None
        if not raw:
            continue
        moment, shown = believable(entry.get(f"{name}_parsed")), clean_text(str(raw))[:100]
        if moment is not None:
            return moment, shown
        first = first or shown
    return None, first


def believable(parts: Any) -> datetime | None:
    """A parsed time as aware UTC; None before 1995 or when it is no time. The future is judged where it is stored."""
    try:
        moment = datetime.fromtimestamp(calendar.timegm(parts), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment if moment >= EARLIEST else None


def _author(entry: Any) -> str | None:
    detail = entry.get("author_detail") or {}
    name = one_line(str(detail.get("name") or entry.get("author") or ""))
    name = re.sub(r"\S+@\S+\s*\((.+)\)", r"\1", name)
    return None if not name or "@" in name else name[:120]


def _language(entry: Any) -> str | None:
    detail = entry.get("title_detail") or {}
    found = str(detail.get("language") or "").strip().lower()[:12]
    return found if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", found) else None


def _distinct(items: list[ParsedRecord]) -> list[ParsedRecord]:
    """One record per name.

    Items that share a GUID and lead to different pages are different: each gets its link's hash.

    Of items that share GUID and page, the first in the feed stands: feeds list the newest edit first.
    """
    pages: dict[str, set[str]] = {}
    for item in items:
        pages.setdefault(item.native_id, set()).add(item.url)
    taken: Counter[str] = Counter()
    kept = []
    for item in items:
        if len(pages[item.native_id]) > 1:
            tail = hashlib.sha256(item.url.encode("utf-8")).hexdigest()[:12]
            item = ParsedRecord(**{**vars(item), "native_id": f"{item.native_id}#{tail}"})
        taken[item.native_id] += 1
        if taken[item.native_id] == 1:
            kept.append(item)
    return kept
