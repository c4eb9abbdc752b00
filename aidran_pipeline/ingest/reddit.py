"""Reddit bodies into records: OAuth listings and threads as JSON, or a subreddit's Atom feed. Pure.

A thread is its post and its comments; what is deleted or removed makes no record, and is named by `withdrawn_posts`.
What does not belong here: tokens, paging and which threads are read (reddit_reader).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
from aidran_pipeline.ingest.plain import clean_text, cut_body, cut_title, markdown_to_text, one_line
from aidran_pipeline.ingest.rss import parse_feed
from aidran_pipeline.ingest.urls import bare_links, host_of, http_url

REMOVED = frozenset({"[removed]", "[ removed by reddit ]", "[ removed by moderator ]"})
DELETED = frozenset({"[deleted]", "[deleted by user]"})
WITHDRAWN = REMOVED | DELETED
BY_AUTHOR = frozenset({"deleted", "author"})  # values of removed_by_category that are the author's own deed
MOST_ITEMS = 5000
SITE = "https://www.reddit.com"
OWN_HOSTS = ("reddit.com", "redd.it", "redditmedia.com")
POST, COMMENT = re.compile(r"t3_[a-z0-9]{1,16}"), re.compile(r"t1_[a-z0-9]{1,16}")
NAME = re.compile(r"t[13]_[a-z0-9]{1,16}")
MEDIA = re.compile(r"!\[(?:gif|img|video)\]\([^)\n]*\)")  # a picture in a comment, not a word of it
SUBMITTED = re.compile(r"\s*submitted(?: by\s+/u/\S+.*)?$", re.DOTALL)


@dataclass(frozen=True)
class Stub:
    """Comments that a thread names without showing them. children: their ids; none: the rest below `parent`."""

    parent: str
    children: tuple[str, ...]


def listing(body: bytes) -> dict[str, Any]:
    """The data of a listing: children, and after for its next page. A thread and an answer with more comments are too.

    Raises NotParsable when the body is something else, such as a login page.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = "not_a_feed" if body.lstrip()[:1] == b"<" else "malformed"
        raise NotParsable(kind, f"the answer is not JSON: {error}"[:200]) from error
    if isinstance(found, list) and found:
        parts = [_listed(part) for part in found]
        if all(part is not None for part in parts):
            return {"children": [child for part in parts if part for child in part["children"]]}
    more = found.get("json") if isinstance(found, dict) else None
    things = (
        more.get("data", {}).get("things") if isinstance(more, dict) and isinstance(more.get("data"), dict) else None
    )
    data = {"children": things} if isinstance(things, list) else _listed(found)
    if data is None:
        raise NotParsable("not_a_feed", "the answer is JSON, but no listing")
    return data


def _listed(found: Any) -> dict[str, Any] | None:
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, dict) and isinstance(data.get("children"), list) else None


def _things(found: Any) -> dict[str, Any] | None:
    """Of an answer with more comments."""
    answer = found.get("json") if isinstance(found, dict) else None
    data = answer.get("data") if isinstance(answer, dict) else None
    things = data.get("things") if isinstance(data, dict) else None
    return {"children": things} if isinstance(things, list) else None


def parse_listing(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """The posts of a listing or of the subreddit's Atom feed, or the post and comments of a thread, in their order.

    Deleted and removed ones are left out; adult and quarantined ones too, unless the source's configuration says
    include_nsfw or include_quarantined.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        found: Iterable[ParsedRecord | None] = _from_atom(body, url=url, content_type=content_type, source=source)
    else:
        config, children = source.get("config") or {}, listing(body)["children"]
        kinds = {str(child.get("kind")) for child in children if isinstance(child, dict)}
        if kinds and not kinds & {"t1", "t3", "more"}:
            raise NotParsable("not_a_feed", f"a listing of {', '.join(sorted(kinds))[:60]}, not of posts")
        found = [_record(kind, data, config) for kind, data in _items(children)]
    unique: dict[str, ParsedRecord] = {}
    for record in found:
        if record is not None:
            unique.setdefault(record.native_id, record)
    return list(unique.values())


def withdrawn_posts(body: bytes) -> list[tuple[str, str]]:
    """(native id, status) of what a body shows as deleted by its author or taken down; it shows no text of them."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _gone_from_atom(body)
    found = ((str(data.get("name") or ""), _gone(data)) for _kind, data in _items(listing(body)["children"]))
    return [(name, status) for name, status in found if status and NAME.fullmatch(name)]


def stubs(body: bytes) -> list[Stub]:
    """What a thread's body leaves out, in its order: each is one more request."""
    found = []
    for _kind, data in _items(listing(body)["children"], kinds=("more",)):
        listed = data.get("children")
        children = tuple(
            each for each in (listed if isinstance(listed, list) else []) if re.fullmatch(r"[a-z0-9]{1,16}", str(each))
        )
        parent = _text(data, "parent_id")
        if NAME.fullmatch(parent):
            found.append(Stub(parent, children))
    return found


def _items(children: list[Any], kinds: tuple[str, ...] = ("t1", "t3")) -> Iterator[tuple[str, dict[str, Any]]]:
    """Posts and comments of nested listings, each before its answers, at most MOST_ITEMS."""
    waiting, seen = list(reversed(children)), 0
    while waiting and seen < MOST_ITEMS:
        child = waiting.pop()
        data = child.get("data") if isinstance(child, dict) else None
        if not isinstance(data, dict):
            continue
        seen += 1
        kind = str(child.get("kind"))
        if kind in kinds:
            yield kind, data
        below = _listed(data.get("replies"))
        if below is not None:
            waiting += reversed(below["children"])


def _record(kind: str, data: dict[str, Any], config: Mapping[str, Any]) -> ParsedRecord | None:
    if _gone(data) or (data.get("over_18") and not config.get("include_nsfw")):
        return None
    if data.get("quarantine") and not config.get("include_quarantined"):
        return None
    return _post(data) if kind == "t3" else _comment(data)


def _gone(data: Mapping[str, Any]) -> str | None:
    """How a post or comment was withdrawn: deleted by its author, takendown by others; None when it stands."""
    by = data.get("removed_by_category")
    if by:
        return "deleted" if by in BY_AUTHOR else "takendown"
    texts = {_text(data, name).strip().lower() for name in ("title", "selftext", "body", "author")}
    return "takendown" if texts & REMOVED else "deleted" if texts & DELETED else None


def _post(data: Mapping[str, Any]) -> ParsedRecord | None:
    """A crosspost is the voice of who passed it on, in its own title; the origin's text is not taken a second time."""
    name = str(data.get("name") or "")
    title = one_line(_text(data, "title")) if POST.fullmatch(name) else ""
    if not title:
        return None
    body, links = markdown_to_text(_text(data, "selftext"))
    body, cut = cut_body(body) if body else ("", False)
    author, origin = clean_text(_text(data, "author")), _text(data, "crosspost_parent")
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
        relations=(("crosspost", origin),) if POST.fullmatch(origin) else (),
    )


def _comment(data: Mapping[str, Any]) -> ParsedRecord | None:
    name, thread, parent = (_text(data, key) for key in ("name", "link_id", "parent_id"))
    body, links = markdown_to_text(MEDIA.sub("", _text(data, "body")))
    if not body or not COMMENT.fullmatch(name) or not POST.fullmatch(thread):
        return None
    author = clean_text(_text(data, "author"))
    return ParsedRecord(
        native_id=name,
        url=http_url(_text(data, "permalink"), SITE) or f"{SITE}/comments/{thread[3:]}/_/{name[3:]}/",
        title=None,
        body=body,
        published_at=_moment(data.get("created_utc")),
        published_raw=str(data.get("created_utc"))[:100],
        author_name=author or None,
        author_key=author.lower() or None,
        community=_text(data, "subreddit") or None,
        links=_links({"is_self": True}, links, body),
        metrics={key: value for key, value in _metrics(data).items() if key == "score"},
        relations=(("reply", parent if NAME.fullmatch(parent) else thread), ("thread", thread)),
    )


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


def _gone_from_atom(body: bytes) -> list[tuple[str, str]]:
    items = parse_feed(body, url=SITE, content_type=None, source={"id": "reddit", "publisher": "Reddit"})
    found = []
    for item in items:
        said = {(item.title or "").lower(), (item.author_name or "").removeprefix("/u/").strip().lower()}
        said.add(SUBMITTED.sub("", item.body or "").strip().lower())
        if said & WITHDRAWN:
            found.append((_atom_name(item), "takendown" if said & REMOVED else "deleted"))
    return [(name, status) for name, status in found if POST.fullmatch(name)]


def _atom_name(item: ParsedRecord) -> str:
    """The post's name: feedparser takes "t3_x" for a relative address."""
    return item.native_id.rsplit("/", 1)[-1].removeprefix("reddit|")


def _from_atom(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """Posts of /r/SUB/.rss: the same identity and the same title as the listing gives, no scores."""
    community = str((source.get("config") or {}).get("subreddit") or "") or None
    kept = []
    for item in parse_feed(body, url=url, content_type=content_type, source={"id": "reddit", "publisher": "Reddit"}):
        name = _atom_name(item)
        author = (item.author_name or "").removeprefix("/u/").strip()
        text = SUBMITTED.sub("", item.body or "").strip()
        if not POST.fullmatch(name) or not item.title:
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
