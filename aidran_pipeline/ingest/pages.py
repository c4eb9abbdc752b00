"""The web pages that a topic's records link to most: chosen by SQL, fetched through the guard, extracted, stored.

A page that was tried is left alone until its next check, whether it succeeded or not, so that a second run asks
nothing and changes nothing. What does not belong here: quoting pages (write), extracting text (extract).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import publisher_of_host
from aidran_pipeline.ingest.extract import ExtractedPage, default_site, extract_page, extractor_name
from aidran_pipeline.ingest.http import FetchResult, HttpClient, Limits
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.ingest.robots import Robots
from aidran_pipeline.ingest.urls import host_of, http_url
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.fetches import save_fetch
from aidran_pipeline.store.payloads import save_payload
from aidran_pipeline.store.provenance import Run, StageResult, content_hash
from aidran_pipeline.store.tombstones import erased_pages
from aidran_pipeline.store.web import (
    Candidate,
    candidates,
    note_page,
    page_states,
    readable_pages,
    save_page_version,
    set_topic_pages,
)

WORKERS = 6
STAGE_SECONDS = 60.0
PAGE_LIMITS = Limits(connect=5.0, total=15.0, wire=4 * 1024 * 1024, body=8 * 1024 * 1024)
SPARE = 5  # candidates beyond the number wanted, in the place of pages that cannot be read
AGAIN_AFTER = timedelta(days=7)
AGAIN_AFTER_FAILURE = timedelta(days=1)
LASTING = frozenset({"gone", "robots", "not_html", "http_4xx", "refused_address", "forbidden"})
DEAD = frozenset({"dns", "connect", "timeout", "tls", "refused_address"})
NOT_PAGES = re.compile(
    r"\.(?:pdf|png|jpe?g|gif|webp|svg|avif|mp[34]|m4[av]|mov|avi|webm|ogg|wav|zip|gz|tgz|xz|7z|exe|dmg|pkg|deb|rpm|iso|"
    r"docx?|xlsx?|pptx?|csv|json|xml|rss|atom|epub|ics)$",
    re.IGNORECASE,
)
# Conversations and videos hold no text of their own to quote; aggregators are not the page they point to.
SKIPPED_HOSTS = frozenset(
    [
        "bsky.app",
        "bsky.social",
        "reddit.com",
        "redd.it",
        "x.com",
        "twitter.com",
        "t.co",
        "youtube.com",
        "youtu.be",
        "facebook.com",
        "instagram.com",
        "tiktok.com",
        "threads.net",
        "threads.com",
        "linkedin.com",
        "lnkd.in",
        "mastodon.social",
        "pinterest.com",
        "twitch.tv",
        "vimeo.com",
        "discord.com",
        "discord.gg",
        "t.me",
        "telegram.me",
        "whatsapp.com",
        "imgur.com",
        "giphy.com",
        "tenor.com",
        "spotify.com",
        "podcasts.apple.com",
        "soundcloud.com",
        "news.google.com",
        "google.com",
        "bing.com",
        "duckduckgo.com",
        "news.yahoo.com",
        "techmeme.com",
        "memeorandum.com",
        "news.ycombinator.com",
        "lobste.rs",
        "flipboard.com",
        "feedly.com",
        "slashdot.org",
        "biztoc.com",
        "digg.com",
        "msn.com",
        "smartnews.com",
        "newsbreak.com",
        "archive.ph",
        "archive.is",
        "archive.today",
        "web.archive.org",
        "bit.ly",
        "tinyurl.com",
        "ow.ly",
        "buff.ly",
        "dlvr.it",
        "ift.tt",
    ]
)

Partition = tuple[date, str]


@dataclass(frozen=True)
class _Visit:
    """What came of a candidate. attempt None: its host is known to be dead, or the stage's time was up."""

    attempt: FetchResult | None
    page: ExtractedPage | None = None
    failure: NotParsable | None = None


def worth_reading(url: str) -> bool:
    """Whether a linked address may be a page with text of its own: no conversation, video, aggregator or file."""
    host = host_of(url)
    labels = host.split(".")
    known = {".".join(labels[start:]) for start in range(len(labels))}
    return http_url(url) is not None and not (known & SKIPPED_HOSTS) and not NOT_PAGES.search(urlsplit(url).path)


def fetch_web_pages(
    conn: Connection,
    partitions: Iterable[Partition],
    *,
    run: Run,
    settings: Settings,
    publication: Publication,
    seconds: float = STAGE_SECONDS,
    limits: Limits = PAGE_LIMITS,
) -> dict[Partition, StageResult]:
    """Fetch and extract the pages that each (day, topic)'s records link to most; at most web_pages_per_topic each.

    Every attempt is a fetch row with purpose page. Bounded by `seconds` as a whole: what is left then waits for the
    next day. Returns, per partition, a hash of its pages and texts; changed says whether a row changed.
    """
    asked = sorted(set(partitions))
    chosen = {partition: _chosen(conn, partition, publication) for partition in asked}
    names: dict[str, str | None] = {}
    for found in chosen.values():
        for candidate in found:
            names[candidate.url] = names.get(candidate.url) or candidate.publisher
    states = page_states(conn, list(names))
    due = [url for url in names if url not in states or (states[url]["next_check_at"] or run.now) <= run.now]
    added = fetch_pages(conn, due, names, run, settings, seconds, limits)
    return {partition: _assign(conn, partition, chosen[partition], added, publication) for partition in asked}


def reassign_pages(conn: Connection, partitions: Iterable[Partition], publication: Publication) -> None:
    """Make the pages of partitions anew from what is stored, where there are any; nothing is fetched."""
    for day, topic in sorted(set(partitions)):
        row = conn.execute("SELECT FROM topic_web_pages WHERE day = %s AND topic = %s LIMIT 1", (day, topic)).fetchone()
        if row is not None:
            _assign(conn, (day, topic), _chosen(conn, (day, topic), publication), set(), publication)


def _chosen(conn: Connection, partition: Partition, publication: Publication) -> list[Candidate]:
    """The candidates of a partition, a few more than wanted: some will not be readable."""
    most = publication.web_pages_per_topic
    if most == 0:
        return []
    day, topic = partition
    found = candidates(conn, day, topic, window_days=publication.window_days, most=max(200, most * 20))
    erased = erased_pages(conn, [candidate.url for candidate in found])
    found = [candidate for candidate in found if candidate.url not in erased]
    return [candidate for candidate in found if worth_reading(candidate.url)][: most + SPARE]


def fetch_pages(
    conn: Connection,
    due: list[str],
    names: dict[str, str | None],
    run: Run,
    settings: Settings,
    seconds: float,
    limits: Limits,
) -> set[str]:
    """Fetch, extract and store pages; returns the addresses that got a new version.

    due: canonical addresses. names: by address the publisher that a record gives for it. Bounded by `seconds`.
    """
    added: set[str] = set()
    if not due:
        return added
    pacer = HostPacer(conn)
    try:
        with HttpClient(settings.allow_hosts, limits=limits, pace=pacer.wait_for, dial=settings.dial) as client:
            for number, (url, visit) in enumerate(_visits(client, due, run, seconds), start=1):
                if _save(conn, url, visit, names[url], run):
                    added.add(url)
                if number % 50 == 0 or number == len(due):
                    run.progress(f"web pages: {number} of {len(due)} read")
    finally:
        pacer.close()
    return added


def _visits(client: HttpClient, due: list[str], run: Run, seconds: float) -> Iterator[tuple[str, _Visit]]:
    """Visits in the order asked. One worker holds one host at a time, so that a dead one costs one attempt."""
    by_host: dict[str, list[str]] = {}
    for url in due:
        by_host.setdefault(host_of(url) + f":{urlsplit(url).port or ''}", []).append(url)
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="pages") as pool:
        futures: dict[str, Future[dict[str, _Visit]]] = {}
        for group in _shared_out(by_host, client):
            future = pool.submit(_visit_host, client, group, run, ends)
            futures |= dict.fromkeys(group, future)
        for url in due:
            yield url, futures[url].result()[url]


def _shared_out(by_host: dict[str, list[str]], client: HttpClient) -> Iterator[list[str]]:
    """The pages of a host are one worker's; those of an allowed host, which needs no pacing, are shared out."""
    for urls in by_host.values():
        parts = urlsplit(urls[0])
        step = 10 if client.backend.ours(parts.hostname or "", parts.port) else len(urls)
        yield from (urls[start : start + step] for start in range(0, len(urls), step))


def _visit_host(client: HttpClient, urls: list[str], run: Run, ends: float) -> dict[str, _Visit]:
    """Visit the pages of one host one after the other; after it proved dead, or in the end, the rest is not tried."""
    robots, visits, dead = Robots(client, run.now), {}, False
    for url in urls:
        if dead or time.monotonic() > ends:
            visits[url] = _Visit(None)
            continue
        visit = visits[url] = _visit(client, robots, url, run)
        dead = visit.attempt is not None and visit.attempt.error_class in DEAD
    return visits


def _visit(client: HttpClient, robots: Robots, url: str, run: Run) -> _Visit:
    refusal = robots.refusal(url)
    if refusal is not None:
        return _Visit(FetchResult(url=url, outcome="failed", error_class=refusal[0], error=refusal[1]))
    attempt = client.get(url, now=run.now, headers={"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"})
    if attempt.outcome != "ok":
        return _Visit(attempt)
    try:
        return _Visit(
            attempt, extract_page(attempt.body, url=attempt.final_url or url, content_type=attempt.content_type)
        )
    except NotParsable as failure:
        return _Visit(attempt, failure=failure)
    except Exception as error:  # extraction runs third-party parsers on hostile markup
        return _Visit(attempt, failure=NotParsable("malformed", f"{type(error).__name__}: {error}"[:300]))


def _save(conn: Connection, url: str, visit: _Visit, publisher: str | None, run: Run) -> bool:
    """Store one visit in one transaction; returns whether it made a new version."""
    attempt, failure = visit.attempt, visit.failure
    error_class = failure.error_class if failure else attempt.error_class if attempt else None
    good = visit.page is not None
    again = AGAIN_AFTER if good or error_class in LASTING else AGAIN_AFTER_FAILURE
    with conn.transaction():
        page_id = note_page(conn, url, host_of(url), run.now + again)
        if attempt is None:
            return False
        columns: dict[str, Any] = {"next_check_at": run.now + again}
        if attempt.body and good:
            sha256 = save_payload(conn, attempt.body, media_type=attempt.content_type, now=run.now)
            columns |= {"payload_sha256": sha256, "byte_length": len(attempt.body)}
        if failure is not None:
            columns |= {"outcome": "failed", "error_class": failure.error_class, "error": str(failure)}
        elif attempt.outcome == "not_modified":  # nothing was sent that could be unmodified
            columns |= {"outcome": "failed", "error_class": "malformed", "error": "HTTP 304 without being asked"}
        fetch_id = save_fetch(conn, attempt, purpose="page", run_id=run.id, requested_at=run.now, **columns)
        if visit.page is None:
            return False
        version = {
            "title": visit.page.title,
            "site_name": visit.page.site_name or publisher or publisher_of_host(host_of(url)) or default_site(url),
            "published_at": visit.page.published_at,
            "text": visit.page.text,
            "fetch_id": fetch_id,
            "extractor": extractor_name(),
            "run_id": run.id,
        }
        return save_page_version(conn, page_id, version)


def _assign(
    conn: Connection, partition: Partition, chosen: list[Candidate], added: set[str], publication: Publication
) -> StageResult:
    """Write the partition's pages: the first readable candidates in rank order."""
    day, topic = partition
    readable = readable_pages(conn, [candidate.url for candidate in chosen])
    kept = [candidate for candidate in chosen if candidate.url in readable][: publication.web_pages_per_topic]
    changed = set_topic_pages(conn, day, topic, [(readable[each.url][0], each.links) for each in kept])
    figures = {"candidates": len(chosen), "readable": len(readable), "pages": len(kept)}
    version = content_hash([(each.url, each.links, readable[each.url][1]) for each in kept])
    return StageResult(version, figures, changed=changed or any(each.url in added for each in kept))
