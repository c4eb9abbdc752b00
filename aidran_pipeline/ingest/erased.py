"""What was erased does not come back: records of a fresh reading that have a tombstone, or whose author has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aidran_pipeline.ingest.parsed import ParsedRecord
from aidran_pipeline.ingest.reading import Page, Reading
from aidran_pipeline.ingest.redact import redacted
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.tombstones import erased_among


def leave_out_erased(
    conn: Connection, platform: str, reading: Reading, author_of: Callable[[ParsedRecord], str]
) -> Reading:
    """The reading without them: their records are left out and counted, and of each body that held one a copy is kept.

    author_of: the author key under which a record would be stored. The attempt itself stays as it is: validators and
    the hash of the body are those of what was fetched.
    """
    pairs = [(record.native_id, author_of(record)) for page in reading.pages for record in page.records]
    gone = {native_id for native_id, _ in erased_among(conn, platform, pairs)} if pairs else set()
    return replace(reading, pages=[_without(reading, page, gone) for page in reading.pages]) if gone else reading


def _without(reading: Reading, page: Page, gone: set[str]) -> Page:
    names = {record.locator for record in page.records if record.native_id in gone}
    if not names:
        return page
    attempt, source = page.attempt, reading.plan.source
    copy = redacted(
        str(source["kind"]), attempt.body, names, url=attempt.final_url or attempt.url,
        content_type=attempt.content_type, source=source,
    )  # fmt: skip
    kept = [record for record in page.records if record.locator not in names]
    return replace(page, records=kept, kept=copy, refused=len(page.records) - len(kept))
