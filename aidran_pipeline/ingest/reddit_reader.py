"""Reading a subreddit with a token: its listing page by page, then the comments of the day's top threads.

Runs in a worker thread, as all readers do. What does not belong here: what a body means (reddit), the token (sessions).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aidran_pipeline.ingest.answers import heed, held_back, parsed, with_reach
from aidran_pipeline.ingest.http import HttpClient
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parsed import ParsedRecord
from aidran_pipeline.ingest.reading import Page, Plan, Reading, Thread, oldest
from aidran_pipeline.ingest.reddit import POST, Stub, listing, stubs, withdrawn_posts

REDDIT_WEB, REDDIT_API = "https://www.reddit.com", "https://oauth.reddit.com"
MOST_PAGES = 10  # listings end near 1,000 posts
TOP_THREADS, THREAD_COMMENTS = 3, 200  # where the source's configuration says nothing
MORE_CALLS = 5  # requests for comments that a thread names without showing them
MORE_AT_ONCE = 100  # what one such request may ask for


def read_listing(client: HttpClient, pacer: HostPacer, plan: Plan) -> Reading:
    """The newest posts down to what is known or to the plan's edge, then the threads.

    A host whose rate limit is used up is asked no further: a listing that is thereby cut short has failed, so that the
    next one is read to its end.
    """
    asker = _Asker(client, pacer, plan)
    pages: list[Page] = []
    after: str | None = None
    for _number in range(MOST_PAGES):
        query = {"limit": "100", **({"after": after} if after else {})}
        page, data = asker.ask(f"r/{plan.source['config']['subreddit']}/new.json", query)
        pages.append(page)
        after = data.get("after") if isinstance(data.get("after"), str) and POST.fullmatch(data["after"]) else None
        if page.failed or not after or _seen_before(page.records, plan):
            break
        if asker.rest:
            pages.append(Page(held_back(page.attempt, asker.rest)))
            break
    pages = with_reach(pages, None, plan.now)
    if not pages[-1].failed:
        pages += _threads(asker, plan, [record for page in pages for record in page.records])
    return Reading(plan, pages)


class _Asker:
    """Asks Reddit's API for one source. rest: seconds that it wants to be left alone, as it last said."""

    def __init__(self, client: HttpClient, pacer: HostPacer, plan: Plan) -> None:
        self._client, self._pacer, self._plan, self.rest = client, pacer, plan, 0.0
        self._base = str(plan.source["config"].get("host") or REDDIT_API).rstrip("/")

    def ask(self, path: str, query: dict[str, str]) -> tuple[Page, dict[str, Any]]:
        """One request and its page."""
        url = f"{self._base}/{path}?{urlencode({**query, 'raw_json': '1'})}"
        attempt = self._client.get(url, now=self._plan.now, headers={"Authorization": f"Bearer {self._plan.token}"})
        self.rest = heed(self._client, self._pacer, attempt, self._plan.now)
        if attempt.http_status == 429 and self.rest and not attempt.retry_after:
            attempt = replace(attempt, retry_after=self.rest)
        page, data = parsed(self._plan, attempt, listing)
        if not page.failed:
            page = replace(page, withdrawn=tuple(withdrawn_posts(attempt.body)))
        return page, data


def _seen_before(records: list[ParsedRecord], plan: Plan) -> bool:
    """Whether a page ends among posts that are stored, or that are older than anyone asks for."""
    first = oldest(records)
    at_edge = plan.edge is not None and first is not None and first < plan.edge
    return at_edge or (bool(records) and records[-1].native_id in plan.known)


def _threads(asker: _Asker, plan: Plan, records: list[ParsedRecord]) -> list[Page]:
    """Pages of the day's top threads whose number of comments changed since they were read; all of them side pages."""
    pages: list[Page] = []
    for thread in top_threads(plan, records):
        if asker.rest or any(page.error_class in ("rate_limited", "forbidden") for page in pages):
            break
        if thread.comments and thread.comments != thread.read:
            pages += _thread(asker, plan, thread)
    return [replace(page, side=True) for page in pages]


def top_threads(plan: Plan, records: list[ParsedRecord]) -> list[Thread]:
    """The threads of the plan's day that rank highest by score or comments, as configured; of equals the older one."""
    config = plan.source["config"]
    found = {thread.native_id: thread for thread in plan.threads}
    for record in records:
        if (
            record.published_at is None
            or record.published_at.date() != plan.day
            or not POST.fullmatch(record.native_id)
        ):
            continue
        known = found.get(record.native_id)
        figures = {name: record.metrics.get(name, 0) for name in ("score", "comments")}
        found[record.native_id] = Thread(record.native_id, **figures, read=known.read if known else None)
    by = str(config.get("threads_by") or "score")
    ranked = sorted(found.values(), key=lambda each: (-getattr(each, by), len(each.native_id), each.native_id))
    return ranked[: int(config.get("top_threads", TOP_THREADS))]


def _thread(asker: _Asker, plan: Plan, thread: Thread) -> Iterator[Page]:
    """A thread's comments, best first, and some of those that it only names."""
    name, number = plan.source["config"]["subreddit"], thread.native_id[3:]
    most = int(plan.source["config"].get("thread_comments", THREAD_COMMENTS))
    page, _data = asker.ask(f"r/{name}/comments/{number}.json", {"limit": str(min(most, 500)), "sort": "top"})
    yield page
    shown = len(page.records)
    waiting = [] if page.failed else stubs(page.attempt.body)
    for _call in range(MORE_CALLS):
        if page.failed or asker.rest or shown >= most or not waiting:
            return
        stub = waiting.pop(0)
        if stub.children:
            page, rest = _more(asker, thread, stub)
            waiting = rest + waiting
        elif stub.parent != thread.native_id:
            page, _data = asker.ask(
                f"r/{name}/comments/{number}/_/{stub.parent[3:]}.json", {"limit": str(min(most, 500)), "sort": "top"}
            )
        else:
            continue
        yield page
        shown += len(page.records)


def _more(asker: _Asker, thread: Thread, stub: Stub) -> tuple[Page, list[Stub]]:
    asked, left = stub.children[:MORE_AT_ONCE], stub.children[MORE_AT_ONCE:]
    page, _data = asker.ask(
        "api/morechildren.json", {"api_type": "json", "link_id": thread.native_id, "children": ",".join(asked)}
    )
    further = [] if page.failed else stubs(page.attempt.body)
    return page, [*([Stub(stub.parent, left)] if left else []), *further]
