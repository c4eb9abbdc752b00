"""Readings of the tests: sources configured, one platform read, what is stored afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.ingest import IngestResult, ingest_platform, sync_sources
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.ingest_server import Server

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
DAY = date(2026, 7, 5)
CREDENTIALS = {
    "BLUESKY_HANDLE": "reader.test",
    "BLUESKY_APP_PASSWORD": "x",
    "REDDIT_CLIENT_ID": "id",
    "REDDIT_CLIENT_SECRET": "s",
}
FAST = Limits(connect=2.0, total=1.0, wire=2_000_000, body=4_000_000)


def configure(conn: Connection, tmp_path: Path, *entries: str) -> dict[str, int]:
    path = tmp_path / "sources.yaml"
    path.write_text("sources:\n" + "".join(f"  - {entry}\n" for entry in entries))
    return sync_sources(conn, load_sources(path))


def ingest(
    conn: Connection, platform: str, *, now: datetime = NOW, day: date = DAY, run: str = "r1", **env: str
) -> IngestResult:
    settings = Settings(
        **{
            "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
            "BLUESKY_HANDLE": None,
            "BLUESKY_APP_PASSWORD": None,
            "REDDIT_CLIENT_ID": None,
            "REDDIT_CLIENT_SECRET": None,
            **env,
        }
    )  # type: ignore[arg-type]
    return ingest_platform(conn, platform, day, run=Run(run, now), settings=settings, limits=FAST)


def rows(conn: Connection, query: str) -> list[Any]:
    return [tuple(row.values()) for row in conn.execute(query).fetchall()]


def snapshot(conn: Connection) -> dict[str, list[Any]]:
    """Every table that a repeated run must leave alone, whole."""
    tables = ("records", "record_versions", "record_observations", "record_metrics", "record_links", "payloads")
    return {table: rows(conn, f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables}


def counts(result: IngestResult) -> dict[str, int]:
    names = ("attempted", "succeeded", "not_modified", "unchanged", "not_due", "failed", "unconfigured")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def rss_entry(server: Server, name: str = "feed", **extra: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in extra.items())
    return f'{{id: {name}, kind: rss, url: "{server.url("/" + name)}"{more}}}'
