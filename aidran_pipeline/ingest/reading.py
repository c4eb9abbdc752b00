"""One reading of one source: the plan made before, the pages it brought. No database here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from aidran_pipeline.ingest.http import FetchResult
from aidran_pipeline.ingest.parsed import NotParsable, ParsedRecord


@dataclass(frozen=True)
class Thread:
    """A post with its figures. read: how many comments it had when its thread was read last; None: never."""

    native_id: str
    score: int
    comments: int
    read: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a reading needs to know beforehand, all of it from the database.

    token: bearer token of the source's host, if it needs one. since, until: the period a search asks for. known: native
    ids stored already, at which a listing may stop (empty after a failure, so that nothing in between is lost).
    last_reach: since when the newest body of a feed shows everything. address: where a feed has moved for good, asked
    in place of the configured one. Of a stream, cursor: time of the last event read (microseconds); authors: keys
    stored; private: those who asked not to be shown; wants: whether a text is on topic. Of a subreddit, edge: older
    posts are not listed; day: whose top threads are read; threads: posts of that day stored already.
    """

    source: Mapping[str, Any]
    now: datetime
    token: str | None = None
    api: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    known: frozenset[str] = frozenset()
    last_reach: datetime | None = None
    address: str | None = None
    cursor: int | None = None
    authors: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    wants: Callable[[str], bool] = bool
    edge: datetime | None = None
    day: date | None = None
    threads: tuple[Thread, ...] = ()

    @property
    def historical(self) -> bool:
        """Whether the period asked for ends before now, so that the source is still unread up to now."""
        return self.until is not None and self.until < self.now


@dataclass(frozen=True)
class Stream:
    """How far a stream was read. gap: (since, until, reason) that it no longer had. behind: more waits to be read.

    withdrawals: (kind, target, status, moment) of what was withdrawn there.
    """

    url: str
    cursor: int
    gap: tuple[datetime, datetime, str] | None = None
    withdrawals: tuple[tuple[str, str, str, datetime], ...] = ()
    behind: bool = False


@dataclass(frozen=True)
class Page:
    """One attempt of a reading with its records. failure: why an answered body is no good. stream: of a drained one.

    withdrawn: (native id, status) of posts that the body shows as deleted or removed. side: an attempt beside the
    source's own, such as one thread: its failure is a row of its own and leaves the source well.
    kept: what of the body may be stored, None for all of it; refused: records left out because they were erased.
    purpose: of the fetch row; labels keeps no body.
    """

    attempt: FetchResult
    records: list[ParsedRecord] = field(default_factory=list)
    failure: NotParsable | None = None
    reach_since: datetime | None = None
    reach_until: datetime | None = None
    stream: Stream | None = None
    withdrawn: tuple[tuple[str, str], ...] = ()
    side: bool = False
    kept: bytes | None = None
    refused: int = 0
    purpose: str = "source"

    @property
    def failed(self) -> bool:
        """Whether the attempt failed, outside or in its body."""
        return self.attempt.outcome == "failed" or self.failure is not None

    @property
    def error_class(self) -> str | None:
        """Class of the failure."""
        return self.failure.error_class if self.failure else self.attempt.error_class

    @property
    def error(self) -> str | None:
        """The failure in words."""
        return str(self.failure) if self.failure else self.attempt.error


@dataclass(frozen=True)
class Reading:
    """All pages of one source, in the order asked."""

    plan: Plan
    pages: list[Page]

    @property
    def last(self) -> Page | None:
        """The last page that is the source's own."""
        return next((page for page in reversed(self.pages) if not page.side), None)

    @property
    def failed(self) -> bool:
        """A reading fails with its last page: nothing after a failed page is asked."""
        return self.last is None or self.last.failed

    @property
    def unfinished(self) -> bool:
        """Whether the source is to be asked again at once: it was read up to a moment before now."""
        stream = self.last.stream if self.last else None
        return self.plan.historical or (stream is not None and stream.behind)


def crashed(plan: Plan, error: Exception) -> Reading:
    """The reading of a source whose reader broke down: one failed attempt, so that the other sources go on."""
    config = plan.source.get("config") or {}
    address = str(config.get("url") or config.get("host") or plan.source["id"])
    text = f"{type(error).__name__}: {error}"[:500]
    attempt = FetchResult(url=address, outcome="failed", error_class="malformed", error=text)
    return Reading(plan, [Page(attempt)])


def oldest(records: list[ParsedRecord]) -> datetime | None:
    """The earliest believable moment among records."""
    return min((record.published_at for record in records if record.published_at), default=None)


def search_window(
    covered: list[tuple[datetime, datetime]], day: date, now: datetime, *, reach_back: timedelta, overlap: timedelta
) -> tuple[datetime, datetime] | None:
    """The period a search source is asked for on behalf of a day, or None when that day is known whole.

    First time: reach_back before the end of the day (or now). Later: from the last moment reached, less an overlap for
    posts indexed late. A day in the middle that no reading covered is asked for by itself.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)
    end = min(start + timedelta(days=1), now)
    if start >= end:
        return None
    if not covered:
        return end - reach_back, end
    last = covered[-1][1]
    if end > last:
        return max(last - overlap, end - reach_back), end
    if any(since <= start and until >= end for since, until in covered):
        return None
    return start, end
