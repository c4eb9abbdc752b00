"""A fetched page as readable text: trafilatura for the text, the page's own metadata for title, site and date. Pure.

A date is taken from metadata only: guessing one from the text would depend on the day it is guessed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from typing import Any

from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.ingest.plain import clean_text, one_line
from aidran_pipeline.ingest.urls import host_of

HTML_TYPES = ("text/html", "application/xhtml+xml")
LONGEST_PAGE = 60_000
DATE_NAMES = ("article:published_time", "og:article:published_time", "datepublished", "date", "dc.date", "dcterms.date",
              "parsely-pub-date", "sailthru.date", "pubdate")  # fmt: skip


@dataclass(frozen=True)
class ExtractedPage:
    """text: title line, blank line, paragraphs set apart by blank lines. site_name None: the page names none."""

    text: str
    title: str | None
    site_name: str | None
    published_at: datetime | None


@lru_cache(maxsize=1)
def extractor_name() -> str:
    """Library and version: part of a page version's identity."""
    return f"trafilatura {metadata.version('trafilatura')}"


def extract_page(body: bytes, *, url: str, content_type: str | None) -> ExtractedPage:
    """Readable text of an HTML page. Raises NotParsable: not_html for other types, empty when no sentence is left."""
    declared = (content_type or "").split(";", 1)[0].strip().lower()
    if declared and declared not in HTML_TYPES:
        raise NotParsable("not_html", f"the page is {declared[:60]}, not HTML")
    tree = _tree(body)
    if tree is None:
        raise NotParsable("not_html", "the page holds no HTML")
    metas = _metas(tree)
    title = one_line(
        metas.get("og:title") or metas.get("twitter:title") or _first(tree, "//title") or _first(tree, "//h1")
    )
    text = _main_text(body, url)
    if title and not _starts_with(text, title):
        text = f"{title}\n\n{text}" if text else title
    text = clean_text(text)[:LONGEST_PAGE].rstrip()
    if len(re.findall(r"[^\W\d_]{2,}", text)) < 3:
        raise NotParsable("empty", "the page holds no readable sentence")
    site = one_line(metas.get("og:site_name") or metas.get("application-name"))[:80]
    return ExtractedPage(text, title or None, site or None, _published(tree, metas))


def _tree(body: bytes) -> Any:
    from trafilatura import load_html

    if b"\x00" in body[:1024] or b"<" not in body[:65536]:
        return None
    return load_html(body)


def _main_text(body: bytes, url: str) -> str:
    from trafilatura import bare_extraction

    found = bare_extraction(body, url=url, fast=True, include_comments=False, include_tables=False)
    text = getattr(found, "text", None) or ""
    return re.sub(r"\n+", "\n\n", text)


def _starts_with(text: str, title: str) -> bool:
    return _letters(text[: len(title) + 50]).startswith(_letters(title))


def _metas(tree: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in tree.iterfind(".//meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").strip().lower()
        content = element.get("content")
        if name and content:
            found.setdefault(name, content)
    return found


def _first(tree: Any, path: str) -> str | None:
    return next((" ".join(element.itertext()) for element in tree.xpath(path)), None)


def _published(tree: Any, metas: dict[str, str]) -> datetime | None:
    offered = [metas.get(name) for name in DATE_NAMES]
    offered += [_json_date(script.text or "") for script in tree.xpath("//script[@type='application/ld+json']")[:10]]
    offered += [element.get("datetime") for element in tree.xpath("//article//time[@datetime]")[:1]]
    return next((moment for moment in (_moment(text) for text in offered if text) if moment), None)


def _json_date(text: str) -> str | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    waiting, seen = [found], 0
    while waiting and seen < 200:
        seen += 1
        node = waiting.pop(0)
        if isinstance(node, dict):
            if isinstance(node.get("datePublished"), str):
                return str(node["datePublished"])
            waiting += [value for value in node.values() if isinstance(value, dict | list)]
        elif isinstance(node, list):
            waiting += node
    return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if 1995 <= moment.year <= 2200 else None


def completed(teaser: Mapping[str, Any], *, title: str | None, text: str) -> dict[str, Any]:
    """An article's version out of the feed's own and its page: the feed's title, a blank line, the page's text. Pure.

    teaser: title, title_truncated, declared_lang of the feed's version. title and text: of the page. Returns the
    columns of the version: title, text, title_truncated, body_truncated, declared_lang.
    """
    body = text
    for heading in (title, teaser["title"]):
        first, _, rest = body.partition("\n\n")
        if heading and _letters(first) == _letters(heading):
            body = rest
    return {
        "title": teaser["title"],
        "text": "\n\n".join(part for part in (teaser["title"], body) if part),
        "title_truncated": teaser["title_truncated"],
        "body_truncated": len(text) >= LONGEST_PAGE,
        "declared_lang": teaser["declared_lang"],
    }


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def default_site(url: str) -> str:
    """The name of a page's site when neither it nor a record gives one: its host."""
    return host_of(url) or url
