"""Reading one source of each kind: conditional feeds, paged searches; listings and threads stand in reddit_reader.

Runs in worker threads: everything a reader needs stands in its Plan, everything it finds goes into its Reading.
What does not belong here: SQL, sessions (sessions), what the bodies mean (the parsers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aidran_pipeline.ingest.answers import heed, held_back, parsed, with_reach
from aidran_pipeline.ingest.http import HttpClient
from aidran_pipeline.ingest.jetstream_drain import read_jetstream
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.reading import Page, Plan, Reading
from aidran_pipeline.ingest.reddit import withdrawn_posts
from aidran_pipeline.ingest.reddit_reader import REDDIT_WEB, read_listing

BLUESKY = "https://bsky.social"
BLUESKY_PAGES = 40
FEED_TYPES = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"

Reader = Callable[[HttpClient, HostPacer, Plan], Reading]


def read_feed(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """A feed: one conditional GET with the validators of the last body, byte for byte."""
    source = plan.source
    return _one_feed(client, pacer, plan, plan.address or str(source["config"]["url"]))


def read_reddit(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """A subreddit: its listing and top threads with a token, else its Atom feed (25 posts, no scores, no comments)."""
    if plan.token is not None:
        return read_listing(client, pacer, plan)
    name, host = plan.source["config"]["subreddit"], plan.source["config"].get("host")
    return _one_feed(client, pacer, plan, f"{(host or REDDIT_WEB).rstrip('/')}/r/{name}/new/.rss")


def read_bluesky(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """A search: its period newest first, page by page with the cursor.

    The atproto package decodes answers before handing them over and hides their bytes; the stored payload must be the
    body as fetched. So its session and its models are used, and this client for the GET.
    """
    assert plan.since is not None and plan.until is not None
    base = {
        "q": plan.source["config"]["query"],
        "sort": "latest",
        "since": _moment(plan.since),
        "until": _moment(plan.until),
        "limit": "100",
    }
    pages: list[Page] = []
    cursor, asked = None, set[str]()
    for _number in range(BLUESKY_PAGES):
        query = {**base, **({"cursor": cursor} if cursor else {})}
        url = f"{(plan.api or BLUESKY).rstrip('/')}/xrpc/app.bsky.feed.searchPosts?{urlencode(query)}"
        attempt = client.get(url, now=plan.now, headers={"Authorization": f"Bearer {plan.token}"})
        rest = heed(client, pacer, attempt, plan.now)
        page, data = parsed(plan, attempt, _bluesky_data)
        pages.append(page)
        cursor = data.get("cursor") if isinstance(data.get("cursor"), str) else None
        if page.failed or not cursor or cursor in asked or not data.get("posts"):
            cursor = None
            break
        asked.add(cursor)
        if rest:
            pages.append(Page(held_back(attempt, rest)))
            break
    return Reading(plan, with_reach(pages, None if cursor else plan.since, plan.until))


READERS: dict[str, Reader] = {
    "rss": read_feed,
    "reddit": read_reddit,
    "bluesky_search": read_bluesky,
    "bluesky_jetstream": read_jetstream,
}


def _one_feed(client: HttpClient, pacer: HostPacer, plan: Plan, url: str) -> Reading:
    headers = {"Accept": FEED_TYPES}
    if plan.source.get("etag"):
        headers["If-None-Match"] = plan.source["etag"]
    if plan.source.get("last_modified"):
        headers["If-Modified-Since"] = plan.source["last_modified"]
    attempt = client.get(url, now=plan.now, headers=headers)
    heed(client, pacer, attempt, plan.now)
    if attempt.outcome == "not_modified":
        return Reading(plan, [Page(attempt, reach_since=plan.last_reach, reach_until=plan.now)])
    page, _data = parsed(plan, attempt, None)
    if plan.source["kind"] == "reddit" and not page.failed:
        page = replace(page, withdrawn=tuple(withdrawn_posts(attempt.body)))
    return Reading(plan, with_reach([page], None, plan.now))


def _bluesky_data(body: bytes) -> dict[str, Any]:
    from aidran_pipeline.ingest.bluesky import search_page

    return search_page(body)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
