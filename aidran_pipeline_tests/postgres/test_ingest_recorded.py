"""The recorded feeds of small sites, read over HTTP into the database: every entry in, none twice."""

from __future__ import annotations

import tarfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import feedparser

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest import IngestResult, ingest_platform
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.ingest_server import Server
from aidran_pipeline_tests.readings import DAY, NOW, configure, rows, rss_entry, snapshot


def test_recorded_feeds_are_stored_whole_and_once(
    conn: Connection, server: Server, tmp_path: Path, shared_data: Path
) -> None:
    bodies = recorded(shared_data / "data" / "feeds" / "fastfeedparser_smallweb_feeds.tar.gz")
    assert len(bodies) == 127
    for name, body in bodies.items():
        server.routes[f"/{name}"] = (200, {"Content-Type": "application/xml"}, body)
    configure(conn, tmp_path, *(rss_entry(server, name) for name in bodies))
    started = time.monotonic()
    first = read(conn, NOW, "r1")
    seconds = time.monotonic() - started
    assert first.attempted == 127
    stored = {name: set[str]() for name in bodies}
    for source, native, url, title in rows(conn, "SELECT source_id, native_id, url, title FROM records JOIN "
                                                 "record_versions v ON v.record_id = records.id"):  # fmt: skip
        stored[source] |= {native.partition("|")[2].partition("#")[0], url, title or ""}
    entries, lost = 0, []
    for name, body in bodies.items():
        if name in first.errors:
            continue
        for entry in feedparser.parse(body).entries:
            if not (entry.get("title") or entry.get("summary") or entry.get("content")):
                continue
            entries += 1
            marks = {entry.get("id"), entry.get("link"), " ".join(entry.get("title", "").split())}
            if not marks & stored[name]:
                lost.append(f"{name}: {entry.get('id')} {entry.get('title')!r}")
    refused = {name: error.split(":")[0] for name, error in first.errors.items()}
    print(f"{entries} entries, {first.records} records, {len(refused)} feeds refused, {seconds:.1f} s")
    assert lost == []
    assert entries >= 2200 and len(refused) <= 8 and set(refused.values()) <= {"not_a_feed", "malformed"}
    before = snapshot(conn)
    again = read(conn, NOW + timedelta(hours=2), "r2")
    assert (again.records, again.versions, again.unchanged) == (0, 0, 127 - len(refused))
    assert snapshot(conn) == before
    assert rows(conn, "SELECT count(*) FROM (SELECT FROM records GROUP BY source_id, canonical_url, published_at, "
                      "native_id HAVING count(*) > 1) twice") == [(0,)]  # fmt: skip


def read(conn: Connection, now: datetime, run: str) -> IngestResult:
    """One run with the limits that operators have."""
    settings = Settings(AIDRAN_ALLOW_HOSTS="127.0.0.1")  # type: ignore[arg-type]
    return ingest_platform(conn, "news", DAY, run=Run(run, now), settings=settings)


def recorded(archive: Path) -> dict[str, bytes]:
    """Bodies by a name that a source may have."""
    found = {}
    with tarfile.open(archive) as packed:
        members = [
            member for member in packed.getmembers() if member.isfile() and member.name.startswith("benchmark_data/")
        ]
        for number, member in enumerate(members):
            stream = packed.extractfile(member)
            assert stream is not None
            found[f"f{number}"] = stream.read()
    return found
