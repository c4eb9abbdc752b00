"""What a feed, a listing and a search of the sample answer at a moment, in the formats of the real services. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from aidran_pipeline.sample.days import REDDIT, Item, Sample

FEED_ITEMS = 40
LANGUAGES = {"kurier-am-markt": "de", "el-faro-digital": "es"}
LINK = re.compile(r"\{([a-z0-9-]+)(?:\|([^{}]+))?\}")
SETTLED = timedelta(hours=26)  # after that long, votes and likes have reached the figure of the texts
DAWN = datetime(2026, 1, 1, tzinfo=UTC)
BASE32 = "234567abcdefghijklmnopqrstuvwxyz"


def feed(sample: Sample, outlet: str, now: datetime, *, atom: bool) -> bytes:
    """An outlet's newest reports, newest first, with their whole text."""
    shown = [item for item in sample.of("news") if item.who == outlet and item.visible(now)]
    newest = sorted(shown, key=lambda item: (item.published, item.key), reverse=True)[:FEED_ITEMS]
    make = _atom if atom else _rss
    return make(sample, outlet, newest, now).encode()


def _rss(sample: Sample, outlet: str, items: list[Item], now: datetime) -> str:
    entries = []
    for item in items:
        words, url = item.at(now), sample.item_url(item)
        creator = f"<dc:creator>{escape(item.byline)}</dc:creator>" if item.byline else ""
        entries.append(
            f"<item><title>{escape(words.title)}</title><link>{escape(url)}</link>"
            f'<guid isPermaLink="false">{item.mark}</guid><pubDate>{format_datetime(item.published)}</pubDate>{creator}'
            f"<description>{escape(_markup(sample, words.body))}</description></item>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{escape(sample.outlets[outlet])}</title><link>http://{outlet}.example/</link>"
        "<description>Sample data of the AIDRAN pipeline</description>"
        f"<language>{LANGUAGES.get(outlet, 'en')}</language>"
        f"{''.join(entries)}</channel></rss>\n"
    )


def _atom(sample: Sample, outlet: str, items: list[Item], now: datetime) -> str:
    entries = []
    for item in items:
        words, url = item.at(now), sample.item_url(item)
        author = f"<author><name>{escape(item.byline)}</name></author>" if item.byline else ""
        entries.append(
            f"<entry><id>tag:{outlet}.example,2026:{item.mark}</id><title>{escape(words.title)}</title>"
            f"<link href={quoteattr(url)}/><published>{item.published.isoformat()}</published>"
            f"<updated>{words.since.isoformat()}</updated>{author}"
            f'<content type="html">{escape(_markup(sample, words.body))}</content></entry>'
        )
    updated = max((item.at(now).since for item in items), default=DAWN)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
        f"<id>http://{outlet}.example/</id><title>{escape(sample.outlets[outlet])}</title>"
        f'<link href="http://{outlet}.example/"/><updated>{updated.isoformat()}</updated>{"".join(entries)}</feed>\n'
    )


def _markup(sample: Sample, body: str) -> str:
    """Paragraphs as HTML, with their links."""

    def anchor(match: re.Match[str]) -> str:
        slug = match.group(1)
        words = match.group(2) or sample.pages[slug].title
        return f"<a href={quoteattr(sample.page_url(slug))}>{words}</a>"

    return "".join(f"<p>{LINK.sub(anchor, escape(part))}</p>" for part in re.split(r"\n\s*\n", body))


def listing(sample: Sample, community: str, now: datetime, *, limit: int, after: str | None) -> bytes:
    """A page of a community's newest threads, as the OAuth interface gives it. after: the name of the last one seen."""
    shown = [item for item in sample.of("reddit") if item.where == community and item.visible(now)]
    newest = sorted(shown, key=lambda item: (item.published, item.key), reverse=True)
    names = [thread_name(item) for item in newest]
    start = names.index(after) + 1 if after in names else 0
    page = newest[start : start + limit]
    more = names[start + limit - 1] if start + limit < len(newest) else None
    children = [{"kind": "t3", "data": _thread(sample, item, now)} for item in page]
    return _json({"kind": "Listing", "data": {"after": more, "before": None, "dist": len(page), "children": children}})


def thread(sample: Sample, community: str, number: str, now: datetime) -> bytes | None:
    """A thread as the OAuth interface gives it, the post and what was answered; None for one that is not there.

    The sample's threads are counted as answered, but their answers were not invented.
    """
    for item in sample.of("reddit"):
        if item.where == community and item.visible(now) and thread_name(item) == f"t3_{number}":
            post = [{"kind": "t3", "data": _thread(sample, item, now)}]
            parts = ({"after": None, "before": None, "children": children} for children in (post, []))
            return _json([{"kind": "Listing", "data": part} for part in parts])
    return None


def thread_name(item: Item) -> str:
    """Reddit's full name of a thread."""
    return "t3_s" + item.mark[:7]


def _thread(sample: Sample, item: Item, now: datetime) -> dict[str, Any]:
    words, name = item.at(now), thread_name(item)
    score = _grown(item, item.figures.get("score", 3 + int(item.mark[:4], 16) % 90), now)
    comments = _grown(item, item.figures.get("comments", item.figures.get("score", 30) // 6), now)

    def linked(match: re.Match[str]) -> str:
        slug = match.group(1)
        return f"[{match.group(2) or sample.pages[slug].title}]({sample.page_url(slug)})"

    own = f"http://{REDDIT}/r/{item.where}/comments/{name[3:]}/"
    address = sample.page_url(item.links[0]) if item.links else own
    data = {
        "name": name,
        "id": name[3:],
        "subreddit": item.where,
        "author": item.who,
        "title": words.title,
        "selftext": LINK.sub(linked, words.body),
        "permalink": own,
        "url": address,
        "is_self": not item.links,
        "created_utc": item.published.timestamp(),
        "score": score,
        "num_comments": comments,
        "over_18": False,
        "quarantine": False,
    }
    return {**data, "url_overridden_by_dest": address} if item.links else data


def search(
    sample: Sample, query: str, now: datetime, *, since: datetime, until: datetime, limit: int, start: int
) -> bytes:
    """A page of the posts that hold every word of the query, newest first. start: how many were seen already."""
    wanted = [re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE) for word in query.split()]
    found = [
        item
        for item in sample.of("bluesky")
        if item.visible(now)
        and since <= item.published < until
        and all(word.search(item.at(now).body) for word in wanted)
    ]
    newest = sorted(found, key=lambda item: (item.published, item.key), reverse=True)
    answer: dict[str, Any] = {"posts": [_post(sample, item, now) for item in newest[start : start + limit]]}
    if start + limit < len(newest):
        answer["cursor"] = str(start + limit)
    return _json(answer)


def _post(sample: Sample, item: Item, now: datetime) -> dict[str, Any]:
    text, facets = _post_text(sample, item.at(now).body)
    stamp = item.published.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    did = "did:plc:" + _base32(item.who, 24)
    record: dict[str, Any] = {
        "$type": "app.bsky.feed.post",
        "text": text,
        "createdAt": stamp,
        "langs": [item.language],
    }
    if facets:
        record["facets"] = facets
    if item.links:
        page = sample.pages[item.links[0]]
        card = {"uri": sample.page_url(page.slug), "title": page.title, "description": page.paragraphs[0][:200]}
        record["embed"] = {"$type": "app.bsky.embed.external", "external": card}
    likes = _grown(item, item.figures.get("likes", int(item.mark[:4], 16) % 45), now)
    return {
        "uri": f"at://{did}/app.bsky.feed.post/{_base32(item.key, 13)}",
        "cid": "bafyrei" + _base32("cid " + item.key + text, 52),
        "author": {"did": did, "handle": f"{item.who}.example", "labels": []},
        "record": record,
        "replyCount": likes // 9,
        "repostCount": likes // 6,
        "likeCount": likes,
        "quoteCount": 0,
        "indexedAt": stamp,
        "labels": [],
    }


def _post_text(sample: Sample, body: str) -> tuple[str, list[dict[str, Any]]]:
    """The text with links shortened as the app shows them, and a facet for each: its place counts UTF-8 bytes."""
    text, facets, at = "", [], 0
    for match in LINK.finditer(body):
        text += body[at : match.start()]
        url = sample.page_url(match.group(1))
        shown = url.removeprefix("http://")[:27] + "..."
        first = len(text.encode())
        place = {"byteStart": first, "byteEnd": first + len(shown.encode())}
        facets.append({"index": place, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": url}]})
        text, at = text + shown, match.end()
    return text + body[at:], facets


def _grown(item: Item, figure: int, now: datetime) -> int:
    """A figure on the first evening, and later: votes go on for a day."""
    return figure if now - item.published >= SETTLED else figure * 4 // 5


def session(handle: str) -> bytes:
    """The answer to a sign-in: tokens that hold until the year 2100, the same at each sign-in."""
    head, body = _part({"alg": "none"}), _part({"sub": "did:plc:" + _base32(handle, 24), "exp": 4_102_444_800})
    token = f"{head}.{body}.sample"
    answer = {"accessJwt": token, "refreshJwt": token, "handle": handle, "did": "did:plc:" + _base32(handle, 24)}
    return _json({**answer, "active": True})


def token_of(answer: bytes) -> str:
    """The bearer token in such an answer."""
    return str(json.loads(answer)["accessJwt"])


def _part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _base32(text: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha512(text.encode()).digest(), "big")
    digits = []
    for _place in range(length):
        number, digit = divmod(number, 32)
        digits.append(BASE32[digit])
    return "".join(digits)


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
