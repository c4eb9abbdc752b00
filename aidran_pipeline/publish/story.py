"""One story as the template's context, its methodology block, its JSON and its JSON-LD.

What does not belong here: reading rows (story_rows.py), layout (templates/story.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from aidran_pipeline.publish.engines import EXTRACTIVE, engine_lines
from aidran_pipeline.publish.prose import Link, paragraphs, plain, render, sentence
from aidran_pipeline.publish.read import Head, Index
from aidran_pipeline.publish.safe import clean, web_url
from aidran_pipeline.publish.story_rows import Body
from aidran_pipeline.publish.words import SUPPORT, count, iso, platform, short_date, signal


@dataclass(frozen=True)
class Section:
    """A titled part of the story: heading (plain words), its id, its paragraphs as HTML."""

    anchor: str
    heading: str
    paragraphs: list[Markup]


def sections(body: Body, link: Link) -> list[Section]:
    """The titled sections in order."""
    found = []
    for number in sorted({line.section for line in body.part("body")}):
        heading = " ".join(plain(line.text) for line in body.part("heading", number))
        found.append(Section(f"section-{number}", heading, paragraphs(body.part("body", number), body, link)))
    return found


def questions(body: Body, link: Link) -> list[tuple[str, list[Markup]]]:
    """(question, paragraphs of its answer) in order."""
    return [
        (plain(line.text), paragraphs(body.part("answer", line.section), body, link)) for line in body.part("question")
    ]


def so_far(body: Body, link: Link, story_href: Any) -> list[Markup]:
    """The story so far, each sentence with links to the earlier stories that it rests on."""
    out = []
    for line in body.part("story_so_far"):
        html = sentence(line, body, link)
        for slug, headline, _day in line.earlier:
            linked = Markup('<a href="{}">{}</a>').format(story_href(slug), plain(headline))
            words = escape(plain(headline))
            html = html.replace(words, linked, 1) if words in html else html + Markup(" (see “{}”)").format(linked)
        out.append(html)
    return out


def methodology(index: Index, head: Head) -> list[str]:
    """The methodology block: sentences made from the version's rows and inputs, never from an article's text."""
    lines = [
        f"This {head.form} was generated automatically from {count(head.records_read, 'record')} that the pipeline "
        f"read on this topic; it cites {count(head.records_cited, 'record')} and "
        f"{count(head.pages_cited, 'web page')}.",
        *engine_lines(head),
    ]
    gates = [gate for gate in head.inputs.get("gates", []) if gate.get("passed")]
    if gates:
        lines.append(
            f"It passed {count(len(gates), 'gate')} before publication: "
            + ", ".join(clean(str(gate.get("gate"))).replace("_", " ") for gate in gates) + "."
        )  # fmt: skip
    window = head.inputs.get("window")
    if isinstance(window, list) and len(window) == 2:
        first, last = (short_date(date.fromisoformat(str(day)[:10])) for day in window)
        lines.append(f"Its evidence window runs from {first} to {last}.")
    lines.append(
        "A person took part in the decision to publish it."
        if head.article_id in index.human_articles
        else "No human edited it: every decision on it was made by the pipeline, and no correction has been recorded."
    )
    return lines


def why(head: Head) -> str:
    """What the version was written for, in a sentence."""
    # As they stood when it was written: within the day a signal is measured again.
    found = (head.inputs.get("reason") or {}).get("signals") or []
    if found:
        return (
            f"It was written because of {'; '.join(signal({**row, 'day': head.day}) for row in found)}.{_warned(head)}"
        )
    if head.warming_up:
        return (
            "This topic is warming up: it has too little history for a signal, so the story rests on breadth of "
            "evidence alone."
        )
    return "No signal is recorded among its inputs."


def _warned(head: Head) -> str:
    found = (head.inputs.get("reason") or {}).get("warnings") or []
    said = "; ".join(signal({**row, "day": head.day}) for row in found)
    return f" Take care: there was {said} as well, which may mean that the conversation was pushed." if said else ""


def platforms(head: Head) -> list[str]:
    """Badges: the platforms of the cited records, posts first."""
    return [platform(name) for name in ("bluesky", "reddit", "news") if name in head.platforms]


def story_json(index: Index, head: Head, body: Body, notes: list[str]) -> dict[str, Any]:
    """The story for machines: every sentence with its citations, every citation with its lineage in short."""
    url = index.url(head.path)
    return {
        "publication": index.publication.name,
        "ai_label": index.publication.ai_label,
        "ai_generated": True,
        "notice": index.publication.notice,
        "url": url,
        "slug": head.slug,
        "version": head.number,
        "form": head.form,
        "day": iso(head.day),
        "published_at": iso(head.published_at),
        "topic": {"slug": head.topic, "label": clean(head.label)},
        "platforms": platforms(head),
        "headline": plain(head.headline),
        "short_title": plain(head.short_title),
        "dek": plain(head.dek),
        "records_read": head.records_read,
        "records_cited": head.records_cited,
        "pages_cited": head.pages_cited,
        "content_hash": head.content_hash,
        "why": why(head),
        "methodology": notes,
        "sentences": [
            {
                "ordinal": line.ordinal, "part": line.part, "section": line.section, "paragraph": line.paragraph,
                "kind": line.kind, "text": plain(line.text), "rests_on": line.rests_on,
                "rests_on_stories": [index.url(f"stories/{slug}/") for slug, _, _ in line.earlier],
                "citations": [c.marker for c in body.cites if any(u["ordinal"] == line.ordinal for u in c.uses)],
            }
            for line in body.lines
        ],
        "citations": [
            {
                "marker": cite.marker, "kind": cite.kind, "source": cite.name, "platform": cite.platform,
                "url": web_url(cite.first["url"]), "published_at": iso(cite.published) if cite.published else None,
                "quotes": cite.quotes, "weight": round(float(cite.first["weight"]), 4),
                "support": SUPPORT[cite.support],
                "lineage": index.url(f"{head.path}citations/{cite.marker}/"),
                "fetched_at": iso(cite.first["fetched_at"]), "body_sha256": cite.first["payload_sha256"],
            }
            for cite in body.cites
        ],
    }  # fmt: skip


def story_ld(index: Index, head: Head, first: Head, body: Body) -> dict[str, Any]:
    """schema.org NewsArticle, marked as made by a machine."""
    source = "Algorithmic" if head.engine == EXTRACTIVE else "TrainedAlgorithmic"
    name = index.publication.name
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": plain(head.headline),
        "description": plain(head.dek),
        "datePublished": iso(first.published_at),
        "dateModified": iso(head.published_at),
        "inLanguage": index.publication.language,
        "articleSection": clean(head.label),
        "mainEntityOfPage": index.url(head.path),
        "author": {"@type": "Organization", "name": name, "description": index.publication.ai_label},
        "publisher": {"@type": "Organization", "name": name, "url": index.url()},
        "digitalSourceType": f"https://schema.org/{source}MediaDigitalSource",
        "creditText": index.publication.ai_label,
        "isBasedOn": sorted({url for cite in body.cites if (url := web_url(cite.first["url"]))}),
    }


def feed_html(body: Body, link: Link) -> Markup:
    """The story's sections as HTML for a feed reader, with absolute links."""
    out = Markup("")
    for line in body.part("dek"):
        out += Markup("<p><strong>{}</strong></p>").format(render(line.text, body, link))
    for section in sections(body, link):
        out += Markup("<h2>{}</h2>").format(section.heading)
        for paragraph in section.paragraphs:
            out += Markup("<p>{}</p>").format(paragraph)
    return out
