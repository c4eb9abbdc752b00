"""The sample's web pages as an outlet prints them: navigation, headline, byline, body, and what surrounds it. Pure."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import escape

from aidran_pipeline.sample.bodies import LANGUAGES, LINK
from aidran_pipeline.sample.days import Item, Page, Sample

CLOSED = frozenset({"evening-dispatch"})  # lets its feed be read, and asks robots to leave its pages alone
SECTIONS = ("World", "Business", "Technology", "Opinion")


def robots(outlet: str) -> bytes:
    """The outlet's robots.txt."""
    closed = "Disallow: /\nAllow: /feed.xml\n" if outlet in CLOSED else "Disallow: /search\n"
    return f"User-agent: *\n{closed}".encode()


def page_of(sample: Sample, outlet: str, path: str, now: datetime) -> bytes | None:
    """The page at an outlet's path at a moment, or None."""
    for page in sample.pages.values():
        if page.outlet == outlet and page.published <= now and _path(sample.page_url(page.slug)) == path:
            return _html(sample, page)
    for item in sample.of("news"):
        if item.who == outlet and not item.page and item.visible(now) and _path(sample.item_url(item)) == path:
            return _html(sample, _own_page(item, now))
    return None


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _own_page(item: Item, now: datetime) -> Page:
    """A report without a longer page shows there what its feed says."""
    words = item.at(now)
    paragraphs = tuple(LINK.sub(lambda link: link.group(2) or link.group(1), part) for part in words.body.split("\n\n"))
    return Page(item.slug, item.who, item.published, item.byline, words.title, paragraphs)


def _html(sample: Sample, page: Page) -> bytes:
    name, byline = sample.outlets[page.outlet], page.byline or "Staff"
    about = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": page.title,
        "datePublished": page.published.isoformat(),
        "author": {"@type": "Person", "name": byline},
    }
    others = [other for other in sample.pages.values() if other.outlet == page.outlet and other.slug != page.slug]
    related = "".join(
        f'<li><a href="{escape(sample.page_url(other.slug))}">{escape(other.title)}</a></li>'
        for other in sorted(others, key=lambda other: other.slug)
        if other.published <= page.published
    )
    sections = "".join(f'<li><a href="/{section.lower()}">{section}</a></li>' for section in SECTIONS)
    return f"""<!doctype html>
<html lang="{LANGUAGES.get(page.outlet, "en")}">
<head>
<meta charset="utf-8">
<title>{escape(page.title)} | {escape(name)}</title>
<meta property="og:type" content="article">
<meta property="og:title" content="{escape(page.title)}">
<meta property="og:site_name" content="{escape(name)}">
<meta property="article:published_time" content="{page.published.isoformat()}">
<script type="application/ld+json">{json.dumps(about, ensure_ascii=False).replace("<", "&lt;")}</script>
</head>
<body>
<header><a href="/">{escape(name)}</a><nav><ul>{sections}</ul></nav></header>
<main><article>
<h1>{escape(page.title)}</h1>
<p class="byline">By {escape(byline)} <time datetime="{page.published.isoformat()}">{page.published:%d %B %Y}</time></p>
{_paragraphs(page)}
</article></main>
<aside><h2>More from {escape(name)}</h2><ul>{related}</ul></aside>
<footer><p>Subscribe to our newsletter. All rights reserved. Sample data of the AIDRAN pipeline.</p></footer>
</body>
</html>
""".encode()


def _paragraphs(page: Page) -> str:
    parts = []
    for text in page.paragraphs:
        heading = re.fullmatch(r"## (.+)", text)
        parts.append(f"<h2>{escape(heading.group(1))}</h2>" if heading else f"<p>{escape(text)}</p>")
    return "\n".join(parts)
