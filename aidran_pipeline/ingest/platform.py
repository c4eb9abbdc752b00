"""The loop over the due sources of one platform: fetch side by side, write one after the other.

Reading happens in a few threads; writing on the caller's connection, a transaction a source, in the order of source
ids, so that row ids do not depend on the network. What a source brings commits together with its fetch rows, its
payloads and its validators: a kill between any two statements loses nothing but the work since the last source.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import publisher_family
from aidran_pipeline.ingest.erased import leave_out_erased
from aidran_pipeline.ingest.full_text import complete_articles
from aidran_pipeline.ingest.health import TRAILING, Activity, after_failure, after_success, is_due
from aidran_pipeline.ingest.http import FetchResult, HttpClient, Limits
from aidran_pipeline.ingest.moves import learned_address, note_move
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parsed import ParsedRecord
from aidran_pipeline.ingest.readers import READERS
from aidran_pipeline.ingest.reading import Page, Plan, Reading, Stream, crashed, search_window
from aidran_pipeline.ingest.reddit_plan import reddit_plan
from aidran_pipeline.ingest.sessions import SignIn, needs, sign_in
from aidran_pipeline.ingest.urls import canonical_url, host_of
from aidran_pipeline.store.db import Connection, advisory_lock
from aidran_pipeline.store.fetches import last_reach_since, reached, save_fetch, seen_body
from aidran_pipeline.store.payloads import save_payload
from aidran_pipeline.store.provenance import Run, StageResult, content_hash
from aidran_pipeline.store.records import RecordRow, Stored, day_versions, store_records
from aidran_pipeline.store.source_activity import source_published
from aidran_pipeline.store.sources import drop_session, platform_sources, save_health
from aidran_pipeline.store.streams import (
    known_posts,
    note_withdrawn,
    private_accounts,
    save_gap,
    save_position,
    save_withdrawals,
    stream_position,
)

WORKERS = 6
AHEAD = 12
OVERLAP = timedelta(days=2)
NAMES = {"bluesky": "Bluesky", "reddit": "Reddit"}


@dataclass
class IngestResult:
    """What one run of a platform did.

    days: a StageResult for each day with a new record or version (changed is True), and for the day asked for.
    The counts are of sources: attempted = succeeded + not_modified + unchanged + failed; not_due and unconfigured ones
    were not asked. records, versions: new rows. errors: {source id: "class: words"}.
    """

    days: dict[date, StageResult] = field(default_factory=dict)
    attempted: int = 0
    succeeded: int = 0
    not_modified: int = 0
    unchanged: int = 0
    not_due: int = 0
    failed: int = 0
    unconfigured: int = 0
    records: int = 0
    versions: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def all_failed(self) -> bool:
        """Every source that was asked failed; 304 and not-due are success."""
        return self.attempted > 0 and self.failed == self.attempted


def ingest_platform(
    conn: Connection, platform: str, day: date, *, run: Run, settings: Settings, limits: Limits | None = None
) -> IngestResult:
    """Read every due source of a platform (bluesky, reddit or news) on behalf of a day.

    Failures of sources are rows and counts, never exceptions. Searches ask for the period up to the end of `day`;
    feeds and listings give what they have. Raises only for the database.
    """
    result = IngestResult()
    # Two runs at once (a backfill of several days) would both ask the same due sources: the second waits its turn.
    with advisory_lock(conn, f"ingest {platform}"):
        changed = _read_and_write(conn, platform, day, run, settings, limits, result)
        if platform == "news":
            changed |= complete_articles(conn, run=run, settings=settings)
    days = sorted(changed | {day})
    versions = day_versions(conn, platform, days)
    for each in days:
        figures = versions.get(each, {})
        metadata = {name: int(figures.get(name, 0)) for name in ("records", "versions", "authors")}
        version = figures.get("data_version") or content_hash(platform, each)
        result.days[each] = StageResult(str(version), metadata, changed=each in changed)
    return result


def _read_and_write(
    conn: Connection,
    platform: str,
    day: date,
    run: Run,
    settings: Settings,
    limits: Limits | None,
    result: IngestResult,
) -> set[date]:
    """Every due source, read and stored; returns the days with a new record or version."""
    changed: set[date] = set()
    pacer = HostPacer(conn)
    try:
        with HttpClient(settings.allow_hosts, limits=limits, pace=pacer.wait_for, dial=settings.dial) as client:
            plans = _plans(conn, client, platform, day, run, settings, result)
            for number, reading in enumerate(_read_all(client, pacer, plans), start=1):
                changed |= _write(conn, platform, reading, run, result).days
                if number % 25 == 0 or number == len(plans):
                    run.progress(f"{platform}: {number} of {len(plans)} sources, {result.records} new records")
    finally:
        pacer.close()
    return changed


def _plans(
    conn: Connection,
    client: HttpClient,
    platform: str,
    day: date,
    run: Run,
    settings: Settings,
    result: IngestResult,
) -> list[Plan | Reading]:
    """A plan for each due source; for one whose host refused the sign-in, the failed reading itself."""
    plans: list[Plan | Reading] = []
    signed: dict[tuple[str, str], SignIn] = {}
    for source in platform_sources(conn, platform):
        missing = needs(source, settings)
        if missing is not None:
            result.unconfigured += 1
            _mark_unconfigured(conn, source, missing, run.now)
            continue
        plan = _plan(conn, source, day, run, settings) if is_due(source, run.now) else None
        if plan is None:
            result.not_due += 1
            continue
        place = (source["kind"], str(source["config"].get("host") or ""))
        if place not in signed:
            signed[place] = sign_in(conn, client, source, run=run, settings=settings)
        plans.append(_signed(plan, signed[place]))
    return plans


def _signed(plan: Plan, signed: SignIn) -> Plan | Reading:
    if signed.failure is not None:
        return Reading(plan, [Page(FetchResult(**{**vars(signed.failure), "body": b""}))])
    return Plan(**{**vars(plan), "token": signed.token, "api": signed.api})


def _plan(conn: Connection, source: dict[str, Any], day: date, run: Run, settings: Settings) -> Plan | None:
    """What to ask a due source; None when the day it would be asked for is known whole."""
    if source["kind"] == "bluesky_search":
        back = settings.search_reach_back
        window = search_window(reached(conn, source["id"]), day, run.now, reach_back=back, overlap=OVERLAP)
        return None if window is None else Plan(source, run.now, since=window[0], until=window[1])
    if source["kind"] == "bluesky_jetstream":
        posts, authors = known_posts(conn, str(source["platform"]))
        cursor = stream_position(conn, source["id"], str(source["config"]["url"]))
        private, wants = private_accounts(conn, str(source["platform"])), _on_topic(settings)
        return Plan(source, run.now, cursor=cursor, known=posts, authors=authors, private=private, wants=wants)
    if source["kind"] == "reddit":
        return reddit_plan(conn, source, day, run.now, settings.search_reach_back)
    return Plan(
        source,
        run.now,
        last_reach=last_reach_since(conn, source["id"]),
        address=learned_address(conn, source["id"]),
    )


def _on_topic(settings: Settings) -> Callable[[str], bool]:
    from aidran_pipeline.config.topics import load_topics
    from aidran_pipeline.ingest.jetstream import about

    return about(load_topics(settings.topics_file).relevance)


def _mark_unconfigured(conn: Connection, source: Mapping[str, Any], missing: str, now: datetime) -> None:
    if (source["status"], source["last_error"]) != ("unconfigured", missing):
        health = {"status": "unconfigured", "last_error_class": "unconfigured", "last_error": missing}
        save_health(conn, source["id"], health, now=now)


def _read_all(client: HttpClient, pacer: HostPacer, plans: list[Plan | Reading]) -> Iterator[Reading]:
    """Readings in the order of the plans, a few of them under way at once."""
    waiting: deque[tuple[Plan, Future[Reading]] | Reading] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="ingest") as pool:
        for plan in plans:
            if isinstance(plan, Reading):
                waiting.append(plan)
            else:
                waiting.append((plan, pool.submit(READERS[plan.source["kind"]], client, pacer, plan)))
            if len(waiting) >= AHEAD:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)


def _next(waiting: deque[tuple[Plan, Future[Reading]] | Reading]) -> Reading:
    first = waiting.popleft()
    if isinstance(first, Reading):
        return first
    plan, future = first
    try:
        return future.result()
    except Exception as error:  # one source's crash is its own failed row
        return crashed(plan, error)


def _write(conn: Connection, platform: str, reading: Reading, run: Run, result: IngestResult) -> Stored:
    """Store one reading; when storing itself breaks on a source's content, the failure is stored instead."""
    import psycopg

    result.attempted += 1
    try:
        return _store(conn, platform, reading, run, result)
    except (psycopg.DataError, psycopg.IntegrityError, ValueError) as error:
        return _store(conn, platform, crashed(reading.plan, error), run, result)


def _store(conn: Connection, platform: str, reading: Reading, run: Run, result: IngestResult) -> Stored:
    source = reading.plan.source
    outcomes: list[str] = []
    with conn.transaction():
        reading = leave_out_erased(
            conn, platform, reading, lambda record: record_row(record, 0, platform, source, run.now).author_key
        )
        rows: list[RecordRow] = []
        seen: dict[int, int] = {}
        for page in reading.pages:
            fetch_id, outcome = _save_page(conn, reading.plan, page, run)
            outcomes.append(outcome)
            seen[fetch_id] = len(page.records)
            note_withdrawn(conn, platform, page.withdrawn, fetch_id=fetch_id, now=run.now)
            if page.stream is not None:
                _save_stream(conn, platform, source["id"], fetch_id, page.stream, run)
            if outcome == "ok":
                rows += [record_row(record, fetch_id, platform, source, run.now) for record in page.records]
        stored = store_records(conn, rows, platform=platform, source_id=source["id"], run_id=run.id, now=run.now)
        health = _health(conn, reading, stored, run.now)
        for fetch_id, count in seen.items():
            conn.execute(
                """UPDATE fetches SET records_seen = %s, records_new = %s, next_check_at = %s, consecutive_failures = %s
                   WHERE id = %s""",
                (
                    count,
                    stored.new_by_fetch.get(fetch_id, 0),
                    health["next_check_at"],
                    health["consecutive_failures"],
                    fetch_id,
                ),
            )
        save_health(conn, source["id"], health, now=run.now)
        if reading.plan.token and reading.failed and reading.last and reading.last.attempt.http_status in (400, 401):
            _forget_session(conn, reading.plan)
    _count(result, reading, outcomes, stored)
    return stored


def _save_stream(conn: Connection, platform: str, source_id: str, fetch_id: int, stream: Stream, run: Run) -> None:
    """Position, gap and withdrawals of a drain: in the transaction that stores its records, so that none is lost."""
    save_position(conn, source_id, stream.url, stream.cursor, run.now)
    if stream.gap is not None:
        save_gap(conn, source_id, fetch_id, *stream.gap)
    save_withdrawals(conn, platform, stream.withdrawals, fetch_id=fetch_id, now=run.now)


def _save_page(conn: Connection, plan: Plan, page: Page, run: Run) -> tuple[int, str]:
    """The fetch row of a page, with its payload; returns its id and the outcome decided."""
    attempt = page.attempt
    columns: dict[str, Any] = {"reach_since": page.reach_since, "reach_until": page.reach_until}
    columns["records_refused"] = page.refused
    outcome = "failed" if page.failed else attempt.outcome
    if attempt.body:
        sha256 = save_payload(conn, attempt.body, media_type=attempt.content_type, now=run.now, kept=page.kept)
        columns |= {"payload_sha256": sha256, "byte_length": len(attempt.body)}
        if outcome == "ok" and seen_body(conn, plan.source["id"], sha256):
            outcome = "unchanged"
    if page.failure is not None:
        columns |= {"error_class": page.error_class, "error": str(page.failure)[:1000]}
    fetch_id = save_fetch(
        conn,
        attempt,
        purpose=page.purpose,
        source_id=plan.source["id"],
        run_id=run.id,
        requested_at=run.now,
        outcome=outcome,
        **columns,
    )
    return fetch_id, outcome


def record_row(
    record: ParsedRecord, fetch_id: int, platform: str, source: Mapping[str, Any], now: datetime
) -> RecordRow:
    """A parsed record with what its source and the moment of the fetch add. Pure: verify asks the same again.

    source: id, config, publisher and publisher_family as configured. now: the moment of the fetch.
    """
    publisher = NAMES.get(platform) or source["publisher"] or record.publisher or host_of(record.url)
    family = platform if platform in NAMES else _family(source, publisher, record)
    byline = (record.author_name or "").casefold()
    published = record.published_at
    if published is None or published > latest_believed(now):
        published = now
    return RecordRow(
        fetch_id=fetch_id,
        observed=True,
        native_id=record.native_id,
        locator=record.locator,
        url=record.url,
        canonical_url=canonical_url(record.url),
        author_name=record.author_name,
        author_key=record.author_key or (f"{family}:{byline}" if byline else family),
        publisher=publisher,
        publisher_family=family,
        community=record.community,
        published_at=published,
        published_raw=record.published_raw,
        title=record.title,
        text=record.text,
        text_sha256=record.text_sha256,
        title_truncated=record.title_truncated,
        body_truncated=record.body_truncated,
        declared_lang=record.declared_lang,
        metrics=record.metrics,
        links=tuple((link.kind, link.url, canonical_url(link.url)) for link in record.links),
        relations=record.relations,
    )


def latest_believed(now: datetime) -> datetime:
    """The latest publication moment that is believed: a few minutes of wrong clocks are nobody's fault."""
    return now + timedelta(minutes=5)


def _family(source: Mapping[str, Any], publisher: str, record: ParsedRecord) -> str:
    if source["publisher_family"]:
        return str(source["publisher_family"])
    return publisher_family(publisher, host_of(record.url), host_of(str(source["config"].get("url") or "")))


def _health(conn: Connection, reading: Reading, stored: Stored, now: datetime) -> dict[str, Any]:
    source, last = reading.plan.source, reading.last or reading.pages[-1]
    back = source["kind"] == "rss" and note_move(conn, reading, now)
    if reading.failed:
        health = after_failure(
            source,
            now,
            error_class=last.error_class or "malformed",
            error=last.error,
            retry_after=last.attempt.retry_after,
            retires=reading.plan.address is None,
        )
        return health | ({"etag": None, "last_modified": None} if back else {})  # they were the other address's
    activity = source_published(conn, source["id"], now, trailing=TRAILING)
    health = after_success(
        source, now, new=stored.records, historical=reading.unfinished, activity=activity and Activity(*activity)
    )
    if last.attempt.outcome == "ok" and len(reading.pages) == 1:
        health |= {"etag": last.attempt.etag, "last_modified": last.attempt.last_modified}
        health["last_body_sha256"] = hashlib.sha256(last.attempt.body).hexdigest()
    return health


def _forget_session(conn: Connection, plan: Plan) -> None:
    """A host that refuses a kept token gets a fresh sign-in next time."""
    rows = conn.execute("SELECT host, account FROM source_sessions WHERE position(%s IN session) > 0", (plan.token,))
    for row in rows.fetchall():
        drop_session(conn, row["host"], row["account"])


def _count(result: IngestResult, reading: Reading, outcomes: list[str], stored: Stored) -> None:
    result.records += stored.records
    result.versions += stored.versions
    if reading.failed:
        result.failed += 1
        last = reading.last or reading.pages[-1]
        result.errors[reading.plan.source["id"]] = f"{last.error_class}: {last.error}"
    elif "ok" in outcomes:
        result.succeeded += 1
    elif outcomes == ["not_modified"]:
        result.not_modified += 1
    else:
        result.unchanged += 1
