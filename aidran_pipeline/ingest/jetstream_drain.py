"""Draining a Jetstream from the stored cursor to now, within bounds, through the guard. What is kept: jetstream."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore

from aidran_pipeline.ingest.atproto_syntax import COLLECTION
from aidran_pipeline.ingest.http import FetchResult, HttpClient
from aidran_pipeline.ingest.jetstream import PROFILES, Sieve, micros_of, moment_of, parse_stream, withdrawals
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.post_labels import look_up
from aidran_pipeline.ingest.reading import Page, Plan, Reading, Stream

FIRST_REACH = timedelta(hours=1)  # what a new source asks for: the whole network is some 50 posts a second
SILENCE = timedelta(minutes=1)  # a stream that begins later than this after its cursor has dropped what was between


@dataclass(frozen=True)
class Bounds:
    """Of one drain: seconds in total and without an event (its end is reached then), bytes kept and of one message."""

    total: float = 90.0
    idle: float = 3.0
    kept: int = 16 * 1024 * 1024
    message: int = 1024 * 1024


BOUNDS = Bounds()


class _Refused(Exception):
    """The server did not open the stream."""

    def __init__(self, attempt: FetchResult, *, too_old: bool) -> None:
        super().__init__(attempt.error)
        self.attempt, self.too_old = attempt, too_old


def read_jetstream(client: HttpClient, pacer: HostPacer, plan: Plan, bounds: Bounds | None = None) -> Reading:
    """One drain. A stream that breaks off keeps what it brought: a page that succeeded, then the failure."""
    url, now_us = str(plan.source["config"]["url"]), micros_of(plan.now)
    recent = micros_of(plan.now - FIRST_REACH)
    asked = plan.cursor if plan.cursor is not None else recent
    sieve = Sieve(plan.wants, plan.known, plan.authors, plan.private, after=plan.cursor or 0)
    started, too_old = time.monotonic(), False
    try:
        failure = _drain(client, url, asked, now_us, sieve, bounds or BOUNDS)
    except _Refused as refused:
        if not refused.too_old:
            return Reading(plan, [Page(refused.attempt)])
        too_old = True
        try:
            failure = _drain(client, url, recent, now_us, sieve, bounds or BOUNDS)
        except _Refused as again:
            return Reading(plan, [Page(again.attempt)])
    took = int((time.monotonic() - started) * 1000)
    if failure is not None and sieve.last_us is None:
        return Reading(plan, [Page(_failed(url, failure, took))])
    posts = sieve.posts_kept()
    shown = look_up(client, pacer, plan, posts)
    if shown.failed is not None:  # nobody is published whose wish is not known: the stream is asked again from here
        return Reading(plan, [*shown.pages, shown.failed])
    sieve.leave_out(shown.hidden | shown.unsettled)
    first_unsettled = min((posts[name] for name in shown.unsettled), default=None)
    pages = shown.pages
    pages += [_page(plan, url, asked, sieve, took, too_old=too_old, behind=failure == BEHIND, before=first_unsettled)]
    if failure not in (None, BEHIND):
        pages.append(Page(_failed(url, failure, 0)))
    return Reading(plan, pages)


BEHIND = ("behind", "")
_Failure = tuple[str, str] | None


def _drain(client: HttpClient, url: str, cursor: int, until: int, sieve: Sieve, bounds: Bounds) -> _Failure:
    """Feed the sieve up to `until` (microseconds), the end of the stream, or a bound.

    Returns None when it was read to now, BEHIND when a bound came first, class and words when it broke off.
    """
    from websockets.exceptions import ConnectionClosed

    ends = time.monotonic() + bounds.total
    connection = _open(client, url, cursor, bounds)
    try:
        while (sieve.last_us or 0) < until:
            left = ends - time.monotonic()
            if left <= 0 or sieve.kept_bytes > bounds.kept:
                return BEHIND
            try:
                sieve.take(connection.recv(timeout=min(bounds.idle, left), decode=False))
            except TimeoutError:
                return None if left > bounds.idle else BEHIND
            except ConnectionClosed as closed:
                return "connect", f"the stream was closed: {closed}"[:300]
        return None
    finally:
        connection.socket.close()  # no closing handshake: a server that drips would hold the run
        connection.recv_events_thread.join(timeout=1.0)


def _open(client: HttpClient, url: str, cursor: int, bounds: Bounds) -> Any:
    """The stream, dialled through the guard. Raises _Refused."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    query = [("wantedCollections", COLLECTION), ("wantedCollections", PROFILES), ("cursor", str(cursor))]
    address = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    try:
        dialled: socket.socket = client.backend.connect_tcp(
            parts.hostname or "", parts.port or (443 if secure else 80), client.limits.connect
        ).get_extra_info("socket")
        connection = connect(
            address,
            sock=dialled,
            ssl=ssl.create_default_context() if secure else None,
            user_agent_header=client.user_agent,
            proxy=None,
            open_timeout=client.limits.connect,
            close_timeout=1.0,
            ping_interval=None,
            max_size=bounds.message,
        )
        return connection.__enter__()
    except (httpcore.NetworkError, httpcore.TimeoutException, WebSocketException, OSError, ValueError) as error:
        answer = _answer(error)
        if answer is None:
            raise _Refused(client.explain(url, "GET", error, None), too_old=False) from error
        too_old = answer.status_code == 400 and b"CursorTooOld" in bytes(answer.body or b"")
        raise _Refused(client.explain(url, "GET", error, answer.status_code), too_old=too_old) from error


def _answer(error: BaseException | None) -> Any:
    """The HTTP answer that stands behind an error: a redirect is refused with another error on top."""
    while error is not None:
        answer = getattr(error, "response", None)
        if answer is not None:
            return answer
        error = error.__cause__ or error.__context__
    return None


def _page(
    plan: Plan, url: str, asked: int, sieve: Sieve, took: int, *, too_old: bool, behind: bool, before: int | None
) -> Page:
    """The page of a drain. before: the first event that must be asked for again (microseconds), if any."""
    body = sieve.body(url=url, cursor=asked)
    attempt = FetchResult(
        url=url, outcome="ok", final_url=url, http_status=101, content_type="application/x-ndjson", body=body,
        duration_ms=took,
    )  # fmt: skip
    gap = _gap(plan, asked, sieve, too_old=too_old)
    since = gap[1] if gap else moment_of(asked) if plan.cursor is not None else _first(sieve)
    until = moment_of(sieve.last_us) if behind and sieve.last_us else plan.now
    # The position moves no further than what was seen: what comes late is asked for again.
    position = max(sieve.last_us or 0, plan.cursor or 0) or asked
    position = min(position, before - 1) if before is not None else position
    stream = Stream(url, position, gap, tuple(withdrawals(body)), behind)
    records = parse_stream(body, url=url, content_type=None, source=plan.source)
    reach = (since, until) if since is not None and since < until else (None, None)
    return Page(attempt, records, reach_since=reach[0], reach_until=reach[1], stream=stream)


def _first(sieve: Sieve) -> Any:
    return moment_of(sieve.first_us) if sieve.first_us is not None else None


def _gap(plan: Plan, asked: int, sieve: Sieve, *, too_old: bool) -> Any:
    """What lies between the stored cursor and the first event, when the stream dropped it."""
    if plan.cursor is None:
        return None
    begins = moment_of(sieve.first_us) if sieve.first_us is not None else plan.now if too_old else None
    if begins is None or begins <= moment_of(asked):
        return None
    if too_old:
        return moment_of(asked), begins, "too_old"
    return (moment_of(asked), begins, "clamped") if begins - moment_of(asked) > SILENCE else None


def _failed(url: str, failure: _Failure, took: int) -> FetchResult:
    error_class, words = failure or ("connect", "")
    return FetchResult(url=url, outcome="failed", error_class=error_class, error=words, duration_ms=took)
