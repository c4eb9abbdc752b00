"""What readers make of an answer: its page, how far it reaches, and how long its host wants to be left alone.

What does not belong here: which addresses are asked (the readers), what a body means (the parsers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parse import parse_body
from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.ingest.reading import Page, Plan, oldest

LONGEST_HOLD = 900.0


def parsed(
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


def with_reach(pages: list[Page], since: datetime | None, until: datetime | None) -> list[Page]:
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
        known.append(replace(page, reach_since=start, reach_until=until if start else None))
    return known


def heed(client: HttpClient, pacer: HostPacer, attempt: FetchResult, now: datetime) -> float:
    """Leave the host alone as long as it asks: Retry-After, or a rate limit that is used up.

    Reddit's x-ratelimit-reset counts seconds, Bluesky's ratelimit-reset is a moment in seconds since 1970. Returns the
    seconds that it asks for, 0 when it does not.
    """
    asked = attempt.retry_after or 0.0 if attempt.http_status in (429, 503) else 0.0
    remaining, reset = (_number(attempt.headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
    if remaining is None and reset is None:
        remaining, reset = (_number(attempt.headers.get(f"ratelimit-{name}")) for name in ("remaining", "reset"))
        reset = max(0.0, reset - now.timestamp()) if reset else reset
    if reset and ((remaining is not None and remaining < 1) or (attempt.http_status == 429 and not asked)):
        asked = max(asked, min(reset, LONGEST_HOLD))
    parts = urlsplit(attempt.final_url or attempt.url)
    host = (parts.hostname or "").lower()
    if asked and host and not client.backend.ours(host, parts.port):
        pacer.hold(host, asked)
    return asked


def held_back(before: FetchResult, seconds: float) -> FetchResult:
    """The attempt that is not made, because after the one before the rate limit is used up."""
    words = f"the rate limit is used up; the host asks to wait {seconds:.0f} s"
    return FetchResult(
        url=before.url, outcome="failed", error_class="rate_limited", error=words, retry_after=seconds, duration_ms=0
    )


def _number(text: str | None) -> float | None:
    """A header's number; None when it is none, or no number to count with."""
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < 1e11 else None
