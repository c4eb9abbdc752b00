"""Reddit bodies into records: OAuth listings as JSON, or a subreddit's Atom feed. Pure.

What does not belong here: tokens and paging (reddit_fetch).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
from aidran_pipeline.ingest.plain import clean_text, cut_body, cut_title, markdown_to_text, one_line
from aidran_pipeline.ingest.rss import parse_feed
from aidran_pipeline.ingest.urls import bare_links, host_of, http_url

WITHDRAWN = frozenset({"[deleted]", "[removed]", "[ removed by reddit ]", "[deleted by user]"})
SITE = "https://www.reddit.com"
OWN_HOSTS = ("reddit.com", "redd.it", "redditmedia.com")
SUBMITTED = re.compile(r"\s*submitted(?: by\s+/u/\S+.*)?$", re.DOTALL)


def listing(body: bytes) -> dict[str, Any]:
    """The data of a listing. Raises NotParsable when the body is something else, such as a login page."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = "not_a_feed" if body.lstrip()[:1] == b"<" else "malformed"
        raise NotParsable(kind, f"the answer is not JSON: {error}"[:200]) from error
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("children"), list):
        raise NotParsable("not_a_feed", "the answer is JSON, but no listing")
    return data


def parse_listing(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """The posts of a listing, or of the subreddit's Atom feed.

    Deleted, removed, adult and quarantined ones are left out.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _from_atom(body, url=url, content_type=content_type, source=source)
    found = (_post(child.get("data")) for child in listing(body)["children"] if isinstance(child, dict))
    unique: dict[str, ParsedRecord] = {}
    for record in found:
        if record is not None:
            unique.setdefault(record.native_id, record)
    return list(unique.values())


def _post(data: Any) -> ParsedRecord | None:
    if not isinstance(data, dict) or _withheld(data):
        return None
    name = str(data.get("name") or "")
    title = one_line(_text(data, "title")) if re.fullmatch(r"t3_[a-z0-9]{1,16}", name) else ""
    if not title:
        return None
    body, links = markdown_to_text(_text(data, "selftext"))
    body, cut = cut_body(body) if body else ("", False)
    author = clean_text(_text(data, "author"))
    return ParsedRecord(
        native_id=name,
        url=http_url(_text(data, "permalink"), SITE) or f"{SITE}/comments/{name[3:]}/",
        title=title,
        body=body or None,
        published_at=_moment(data.get("created_utc")),
        published_raw=str(data.get("created_utc"))[:100],
        author_name=author or None,
        author_key=author.lower() or None,
        community=_text(data, "subreddit") or None,
        title_truncated=cut_title(title),
        body_truncated=cut and bool(body),
        links=_links(data, links, body),
        metrics=_metrics(data),
    )


def _withheld(data: Mapping[str, Any]) -> bool:
    if data.get("over_18") or data.get("quarantine") or data.get("removed_by_category"):
        return True
    texts = {_text(data, name).strip().lower() for name in ("title", "selftext", "author")}
    return bool(texts & WITHDRAWN)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _metrics(data: Mapping[str, Any]) -> dict[str, int]:
    found = {"score": data.get("score"), "comments": data.get("num_comments")}
    return {name: value for name, value in found.items() if isinstance(value, int) and abs(value) < 2**31}


def _links(data: Mapping[str, Any], links: list[str], body: str) -> tuple[ParsedLink, ...]:
    """The page a link post submits is its card; links of the text follow."""
    kept: list[ParsedLink] = []
    card = None if data.get("is_self") else http_url(_text(data, "url_overridden_by_dest") or _text(data, "url"))
    if card and not host_of(card).endswith(OWN_HOSTS):
        kept.append(ParsedLink("card", card))
    for link in dict.fromkeys([*links, *bare_links(body)]):
        if link != card and len(kept) < 50:
            kept.append(ParsedLink("body", link))
    return tuple(kept)


def _from_atom(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """Posts of /r/SUB/.rss: the same identity and the same title as the listing gives, no scores."""
    community = str((source.get("config") or {}).get("subreddit") or "") or None
    kept = []
    for item in parse_feed(body, url=url, content_type=content_type, source={"id": "reddit", "publisher": "Reddit"}):
        name = item.native_id.rsplit("/", 1)[-1].removeprefix(
            "reddit|"
        )  # feedparser takes "t3_x" for a relative address
        author = (item.author_name or "").removeprefix("/u/").strip()
        text = SUBMITTED.sub("", item.body or "").strip()
        if not re.fullmatch(r"t3_[a-z0-9]{1,16}", name) or not item.title:
            continue
        if {item.title.lower(), author.lower(), text.lower()} & WITHDRAWN:
            continue
        outside = [link for link in item.links if link.kind == "body" and not host_of(link.url).endswith(OWN_HOSTS)]
        changed = {
            "native_id": name,
            "body": text or None,
            "author_name": author or None,
            "author_key": author.lower() or None,
            "publisher": None,
            "community": community,
            "links": tuple(outside),
            "body_truncated": item.body_truncated and bool(text),
        }
        kept.append(ParsedRecord(**{**vars(item), **changed}))
    return kept
