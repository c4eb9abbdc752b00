"""Which posts of a stream may be shown: what the network's index says of each post and its author. No stream tells.

An author's wish not to be shown to people who are not signed in (!no-unauthenticated) is a label on the profile; labels
of moderation and takedowns are the index's. A look-up asks 25 posts at once, without an account. What does not belong
here: labels that authors put on a post itself (jetstream), the socket (jetstream_drain).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aidran_pipeline.ingest.answers import heed
from aidran_pipeline.ingest.bluesky import HIDDEN_LABELS, PRIVATE_LABEL
from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.jetstream import micros_of
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.reading import Page, Plan

INDEX = "https://public.api.bsky.app"
AT_ONCE = 25  # the most that app.bsky.feed.getPosts takes
LONGEST_QUERY = 1800  # characters of the names in one request
LONGEST_NAME = 600  # a longer one cannot be asked about, and is left out
MOST_BAD = 12  # requests of one drain that the index may call bad
SETTLED = timedelta(minutes=2)  # the index may not know a younger post yet


@dataclass
class Shown:
    """What a look-up said. pages: its attempts. hidden: posts that must not be kept.

    unsettled: posts that are too young to be known there. failed: the attempt that broke it off; nothing is known then.
    """

    pages: list[Page] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    failed: Page | None = None


def look_up(client: HttpClient, pacer: HostPacer, plan: Plan, posts: Mapping[str, int]) -> Shown:
    """Ask the index about posts, given with the time of their events (microseconds).

    A request that it calls bad is asked again in halves, so that one odd address costs its own post alone; an index
    that calls too many bad, or all of them, has failed.
    """
    found, base = Shown(), str(plan.source["config"].get("labels") or INDEX).rstrip("/")
    settled_until = micros_of(plan.now - SETTLED)
    found.hidden = {name for name in posts if len(name) > LONGEST_NAME}
    waiting, bad = deque(batches(sorted(posts.keys() - found.hidden))), 0
    while waiting:
        asked = waiting.popleft()
        query = urlencode([("uris", name) for name in asked], safe=":/")
        attempt = client.get(f"{base}/xrpc/app.bsky.feed.getPosts?{query}", now=plan.now)
        heed(client, pacer, attempt, plan.now)
        views = views_of(attempt)
        if attempt.http_status == 400 and bad < MOST_BAD:
            bad += 1
            found.pages.append(Page(attempt, side=True, purpose="labels"))
            if len(asked) == 1:
                found.hidden.update(asked)
            else:
                waiting.extendleft([asked[len(asked) // 2 :], asked[: len(asked) // 2]])
            continue
        if views is None:
            found.failed = Page(_named(attempt), purpose="labels")
            return found
        found.pages.append(Page(replace(attempt, body=b""), side=True, purpose="labels"))
        for name in asked:
            if name not in views:
                young = posts[name] > settled_until
                (found.unsettled if young else found.hidden).add(name)
            elif is_hidden(views[name]):
                found.hidden.add(name)
    if bad and all(page.failed for page in found.pages):
        found.failed = replace(found.pages.pop(), side=False)
    return found


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """As many names as one address may hold."""
    batch: list[str] = []
    for name in names:
        if len(batch) == AT_ONCE or sum(len(each) + 6 for each in [*batch, name]) > LONGEST_QUERY:
            yield batch
            batch = []
        batch.append(name)
    if batch:
        yield batch


def is_hidden(view: Mapping[str, Any]) -> bool:
    """Whether a post's view carries a label by which it, or its author, is not to be shown in public."""
    author = view.get("author")
    on_author = _labels(author.get("labels")) if isinstance(author, dict) else set()
    return PRIVATE_LABEL in on_author or bool((on_author | _labels(view.get("labels"))) & HIDDEN_LABELS)


def _labels(labels: Any) -> set[str]:
    listed: Sequence[Any] = labels if isinstance(labels, list) else []
    return {str(each.get("val")) for each in listed if isinstance(each, dict) and not each.get("neg")}


def views_of(attempt: FetchResult) -> dict[str, dict[str, Any]] | None:
    """Views of posts by address; None when the answer is no list of posts."""
    try:
        posts = json.loads(attempt.body)["posts"] if attempt.outcome == "ok" else None
        return {str(view["uri"]): view for view in posts} if isinstance(posts, list) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _named(attempt: FetchResult) -> FetchResult:
    if attempt.outcome == "failed":
        return attempt
    words = "the look-up of labels was answered with something else"
    return replace(attempt, outcome="failed", error_class="malformed", error=words, body=b"")
