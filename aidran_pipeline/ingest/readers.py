"""Reading one source of each kind: conditional feeds, paged listings, paged searches.

Runs in worker threads: everything a reader needs stands in its Plan, everything it finds goes into its Reading.
What does not belong here: SQL, sessions (sessions), what the bodies mean (the parsers).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.jetstream_drain import read_jetstream
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord
from aidran_pipeline.ingest.reading import Page, Plan, Reading, oldest

REDDIT_WEB, REDDIT_API, BLUESKY = "https://www.reddit.com", "https://oauth.reddit.com", "https://bsky.social"
REDDIT_PAGES = 10  # listings end near 1,000 posts
BLUESKY_PAGES = 40
FEED_TYPES = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"

Reader = Callable[[HttpClient, HostPacer, Plan], Reading]


def read_feed(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """A feed: one conditional GET with the validators of the last body, byte for byte."""
    source = plan.source
    return _one_feed(client, pacer, plan, str(source["config"]["url"]))


def read_reddit(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """A subreddit: the OAuth listing page by page, or its Atom feed (25 posts, no scores) without a token."""
    name, host = plan.source["config"]["subreddit"], plan.source["config"].get("host")
    if plan.token is None:
        return _one_feed(client, pacer, plan, f"{(host or REDDIT_WEB).rstrip('/')}/r/{name}/new/.rss")
    pages: list[Page] = []
    after: str | None = None
    for _number in range(REDDIT_PAGES):
        query = {"limit": "100", "raw_json": "1", **({"after": after} if after else {})}
        url = f"{(host or REDDIT_API).rstrip('/')}/r/{name}/new.json?{urlencode(query)}"
        attempt = client.get(url, now=plan.now, headers={"Authorization": f"Bearer {plan.token}"})
        _heed(client, pacer, attempt)
        page, data = _parsed(plan, attempt, _reddit_data)
        pages.append(page)
        after = data.get("after") if isinstance(data.get("after"), str) else None
        if page.failed or not after or _all_known(page.records, plan.known):
            break
    return Reading(plan, _with_reach(pages, plan, None, plan.now))


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
        _heed(client, pacer, attempt)
        page, data = _parsed(plan, attempt, _bluesky_data)
        pages.append(page)
        cursor = data.get("cursor") if isinstance(data.get("cursor"), str) else None
        if page.failed or not cursor or cursor in asked or not data.get("posts"):
            cursor = None
            break
        asked.add(cursor)
    return Reading(plan, _with_reach(pages, plan, None if cursor else plan.since, plan.until))


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
    _heed(client, pacer, attempt)
    if attempt.outcome == "not_modified":
        return Reading(plan, [Page(attempt, reach_since=plan.last_reach, reach_until=plan.now)])
    page, _data = _parsed(plan, attempt, None)
    return Reading(plan, _with_reach([page], plan, None, plan.now))


def _parsed(
    plan: Plan, attempt: FetchResult, decode: Callable[[bytes], dict[str, Any]] | None
) -> tuple[Page, dict[str, Any]]:
    """The page of an attempt, and the decoded envelope that paging reads."""
    if attempt.outcome != "ok":
        return Page(attempt), {}
    try:
        data = decode(attempt.body) if decode else {}
        records = parse_body(
            str(plan.source["kind"]),
            attempt.body,
            url=attempt.final_url or attempt.url,
            content_type=attempt.content_type,
            source=plan.source,
        )
    except NotParsable as failure:
        return Page(attempt, failure=failure), {}
    return Page(attempt, records), data


def _reddit_data(body: bytes) -> dict[str, Any]:
    from aidran_pipeline.ingest.reddit import listing

    return listing(body)


def _bluesky_data(body: bytes) -> dict[str, Any]:
    from aidran_pipeline.ingest.bluesky import search_page

    return search_page(body)


def _with_reach(pages: list[Page], plan: Plan, since: datetime | None, until: datetime | None) -> list[Page]:
    """Note what each page together with those before it shows; nothing when the reading broke off.

    since: the start of the period once it was read to its end; None: the oldest item seen is as far as it reaches.
    """
    if not pages or pages[-1].failed:
        return pages
    known, reached = [], None
    for number, page in enumerate(pages):
        first = oldest(page.records)
        reached = min((moment for moment in (reached, first) if moment), default=None)
        start = since if since is not None and number == len(pages) - 1 else reached
        if start is not None and until is not None and start > until:
            start = None
        known.append(Page(page.attempt, page.records, page.failure, start, until if start else None))
    return known


def _all_known(records: list[ParsedRecord], known: frozenset[str]) -> bool:
    return bool(records) and records[-1].native_id in known


def _heed(client: HttpClient, pacer: HostPacer, attempt: FetchResult) -> None:
    """Leave the host alone as long as it asks: Retry-After, or a rate limit that is used up."""
    parts = urlsplit(attempt.final_url or attempt.url)
    host = (parts.hostname or "").lower()
    if not host or client.backend.ours(host, parts.port):
        return
    if attempt.retry_after and attempt.http_status in (429, 503):
        pacer.hold(host, attempt.retry_after)
    remaining, reset = (_number(attempt.headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
    if remaining is not None and remaining < 1 and reset:
        pacer.hold(host, min(reset, 900.0))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
