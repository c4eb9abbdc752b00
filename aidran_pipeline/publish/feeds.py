"""Atom, JSON Feed and sitemap of the newest stories. Absolute addresses, the AI label in the feed and in every entry.

What does not belong here: pages for people (pages.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from aidran_pipeline.publish.prose import plain
from aidran_pipeline.publish.read import Head, Index
from aidran_pipeline.publish.safe import clean, plain_json
from aidran_pipeline.publish.story import feed_html
from aidran_pipeline.publish.story_rows import read_body
from aidran_pipeline.publish.words import iso
from aidran_pipeline.store.db import Connection

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 40
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _bytes(root: Xml.Element) -> bytes:
    Xml.indent(root)
    return (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        + Xml.tostring(root, encoding="unicode").encode("utf-8", "replace")
        + b"\n"
    )


def _add(parent: Xml.Element, tag: str, text: str = "", **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, attributes)
    if text:
        element.text = text
    return element


def _content(conn: Connection, index: Index, head: Head) -> str:
    body = read_body(conn, head.version_id)
    html = feed_html(body, lambda marker: index.url(f"{head.path}citations/{marker}/"))
    from markupsafe import Markup

    label = Markup("<p><em>{}</em></p>").format(index.publication.ai_label)
    if index.publication.notice:
        label += Markup("<p><em>{}</em></p>").format(index.publication.notice)
    return str(label + html)


def feeds(conn: Connection, index: Index) -> list[tuple[str, bytes]]:
    """feed.xml and feed.json over the same entries, newest day first."""
    entries = [(head, _content(conn, index, head)) for edition in index.editions for head in edition.stories][:ENTRIES]
    return [("feed.json", json_feed(index, entries)), ("feed.xml", atom(index, entries))]


def atom(index: Index, entries: list[tuple[Head, str]]) -> bytes:
    """RFC 4287. The id of an entry is its address, which never changes; a new version is an update."""
    name, label = index.publication.name, index.publication.ai_label
    feed = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": index.publication.language})
    _add(feed, "title", name)
    _add(
        feed,
        "subtitle",
        " ".join(part for part in (index.publication.tagline, label, index.publication.notice) if part),
    )
    _add(feed, "id", index.url())
    _add(feed, "link", rel="self", type="application/atom+xml", href=index.url("feed.xml"))
    _add(feed, "link", rel="alternate", type="text/html", href=index.url())
    _add(feed, "updated", iso(max((head.published_at for head, _ in entries), default=NEVER)))
    author = _add(feed, "author")
    _add(author, "name", f"{name} (automated)")
    for head, content in entries:
        entry = _add(feed, "entry")
        _add(entry, "title", plain(head.headline))
        _add(entry, "id", index.url(head.path))
        _add(entry, "link", rel="alternate", type="text/html", href=index.url(head.path))
        _add(entry, "link", rel="alternate", type="application/json", href=index.url(head.path + "index.json"))
        _add(entry, "published", iso(index.by_article[head.article_id][0].published_at))
        _add(entry, "updated", iso(head.published_at))
        _add(entry, "category", term=head.topic, label=clean(head.label))
        _add(entry, "category", term="ai-generated", label="Written by a machine")
        _add(entry, "rights", label)
        _add(entry, "summary", f"{plain(head.dek)} — {label}", type="text")
        _add(entry, "content", content, type="html")
    return _bytes(feed)


def json_feed(index: Index, entries: list[tuple[Head, str]]) -> bytes:
    """JSON Feed 1.1; `_ai` is this publication's extension."""
    name, label = index.publication.name, index.publication.ai_label
    items: list[dict[str, Any]] = [
        {
            "id": index.url(head.path),
            "url": index.url(head.path),
            "title": plain(head.headline),
            "summary": plain(head.dek),
            "content_html": content,
            "date_published": iso(index.by_article[head.article_id][0].published_at),
            "date_modified": iso(head.published_at),
            "tags": [clean(head.label), "ai-generated"],
            "_ai": {"generated": True, "label": label, "engine": head.engine},
        }
        for head, content in entries
    ]
    return plain_json(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": name,
            "description": " ".join(
                part for part in (index.publication.tagline, label, index.publication.notice) if part
            ),
            "home_page_url": index.url(),
            "feed_url": index.url("feed.json"),
            "language": index.publication.language,
            "authors": [{"name": f"{name} (automated)"}],
            "_ai": {"generated": True, "label": label},
            "items": items,
        }
    )


def sitemap(index: Index) -> bytes:
    """Home, topics, current stories and the pages about the site; lineage pages are reached from their stories."""
    urlset = Xml.Element("urlset", {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"})

    def add(path: str, changed: datetime | None) -> None:
        url = _add(urlset, "url")
        _add(url, "loc", index.url(path))
        if changed is not None:
            _add(url, "lastmod", iso(changed))

    add("", index.updated)
    for topic in index.topics:
        stories = index.of_topic(topic.slug)
        add(topic.path, max((h.published_at for h in stories), default=None))
    for head in index.stories:
        add(head.path, head.published_at)
    add("methodology/", None)
    add("corrections/", None)
    add("sources/", index.updated)
    return _bytes(urlset)
