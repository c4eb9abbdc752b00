"""Bluesky search bodies into records, through the models of the atproto package. Pure.

What does not belong here: sessions, windows and paging (bluesky_fetch). atproto takes seconds to import and is
imported by the functions that need it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aidran_pipeline.ingest.atproto_syntax import is_handle, moment, post_address
from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
from aidran_pipeline.ingest.plain import LONGEST_BODY, clean_text
from aidran_pipeline.ingest.urls import bare_links, http_url

PRIVATE_LABEL = "!no-unauthenticated"
HIDDEN_LABELS = frozenset({"!hide", "!takedown", "porn", "sexual"})  # labels of pictures alone leave the words alone
MODEL_TEXT = 300  # the schema's own bound, in graphemes; a server that allows more is read whole


def search_page(body: bytes) -> dict[str, Any]:
    """The decoded body of searchPosts. Raises NotParsable when it is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = "not_a_feed" if body.lstrip()[:1] == b"<" else "malformed"
        raise NotParsable(kind, f"the answer is not JSON: {error}"[:200]) from error
    if not isinstance(found, dict) or not isinstance(found.get("posts"), list):
        raise NotParsable("not_a_feed", "the answer is JSON, but holds no posts")
    return found


def parse_search(body: bytes, *, url: str, content_type: str | None, source: Mapping[str, Any]) -> list[ParsedRecord]:
    """The posts of one page of search results.

    A post that breaks its own schema, or asks not to be shown, is left out.
    """
    unique: dict[str, ParsedRecord] = {}
    for view in search_page(body)["posts"]:
        record = _post(view)
        if record is not None:
            unique.setdefault(record.native_id, record)
    return list(unique.values())


def _model(view: Any) -> Any:
    """The post as the package's model, or None. Its text is checked apart: length is the server's rule, not ours."""
    from atproto_client import models
    from atproto_client.exceptions import ModelError
    from atproto_client.models.utils import get_or_create

    words = _words(view)
    if words is None:
        return None
    try:
        short = {**view, "record": {**view["record"], "text": words[:MODEL_TEXT]}}
        found = get_or_create(short, models.AppBskyFeedDefs.PostView)
    except (ModelError, ValueError, TypeError):
        return None
    return found if isinstance(getattr(found, "record", None), models.AppBskyFeedPost.Record) else None


def _words(view: Any) -> str | None:
    record = view.get("record") if isinstance(view, dict) else None
    words = record.get("text") if isinstance(record, dict) else None
    return words if isinstance(words, str) else None


def _post(view: Any) -> ParsedRecord | None:
    post = _model(view)
    named = post_address(post.uri) if post is not None else None
    if post is None or named is None or _withheld(post):
        return None
    text = clean_text(_words(view) or "")[:LONGEST_BODY].rstrip()
    if not text:
        return None
    handle = post.author.handle.lower()
    did, key = named
    profile = handle if is_handle(handle) and handle != "handle.invalid" else did
    name = clean_text(post.author.display_name or "").replace("\n", " ")[:120]
    return ParsedRecord(
        native_id=post.uri,
        url=f"https://bsky.app/profile/{profile}/post/{key}",
        title=None,
        body=text,
        published_at=_date(post.record.created_at, post.indexed_at),
        published_raw=post.record.created_at[:100],
        author_name=name or handle,
        author_key=did,
        declared_lang=_language(post.record.langs),
        links=_links(post, text),
        metrics=_metrics(post),
    )


def _withheld(post: Any) -> bool:
    marks = {label.val for label in post.author.labels or [] if not label.neg}
    on_post = {label.val for label in post.labels or [] if not label.neg}
    return PRIVATE_LABEL in marks or bool((marks | on_post) & HIDDEN_LABELS)


def _date(created: str, indexed: str) -> datetime | None:
    """The earlier of both: an author may claim any date, the index saw the post no earlier than it was."""
    found = [each for each in (moment(created.strip()), moment(indexed.strip())) if each is not None]
    return min(found) if found else None


def _language(langs: list[str] | None) -> str | None:
    found = (langs or [""])[0].strip().lower()
    return found if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", found) else None


def _metrics(post: Any) -> dict[str, int]:
    found = {
        "likes": post.like_count,
        "reposts": post.repost_count,
        "replies": post.reply_count,
        "quotes": post.quote_count,
    }
    return {name: value for name, value in found.items() if isinstance(value, int) and 0 <= value < 2**31}


def _links(post: Any, text: str) -> tuple[ParsedLink, ...]:
    """Links of the facets, of the text where it writes one out, and of the embedded card."""
    links = [uri for facet in post.record.facets or [] for uri in _facet_links(facet)]
    kept: dict[str, ParsedLink] = {}
    for link in [*links, *bare_links(text)]:
        found = http_url(link)
        if found and len(kept) < 50 and not any(other.startswith(found.rstrip("/…")) for other in kept):
            kept[found] = ParsedLink("body", found)
    for part in (post.record.embed, getattr(post.record.embed, "media", None)):
        external = getattr(part, "external", None)
        card = http_url(getattr(external, "uri", None))
        if card:
            kept[card] = ParsedLink("card", card)
    return tuple(kept.values())


def _facet_links(facet: Any) -> list[str]:
    """Addresses of one facet. Its index counts UTF-8 bytes; only the address is used, so no offset is converted."""
    return [feature.uri for feature in facet.features if getattr(feature, "uri", None)]
