"""What benchmarks/injection.py plants in: records of the recorded world or of the sample, a newsroom of sample days."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from aidran_pipeline.analyze import analyze_days, extract_claims
from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.ingest import ingest_platform, sync_sources
from aidran_pipeline.llm import Models
from aidran_pipeline.sample.days import SOURCES, moment_of
from aidran_pipeline.sample.newsroom import sample_settings
from aidran_pipeline.sample.server import serving
from aidran_pipeline.signal import compute_signals
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run

WORLD = Path(__file__).resolve().parents[2] / "shared" / "data" / "world"
SEED = 116
PLATFORMS = ("bluesky", "reddit", "news")
Row = dict[str, Any]


def record(number: int, text: str, title: str | None, platform: str) -> Row:
    """A record as the reader is handed it."""
    whole = f"{title}\n\n{text}" if title else text
    return {
        "record_id": number, "version_id": number, "native_id": f"{number:04}", "platform": platform, "title": title,
        "text": whole, "text_sha256": digest(whole), "title_truncated": False, "body_truncated": False,
        "topic": "ai-industry-business", "metadata": (),
    }  # fmt: skip


def digest(text: str) -> str:
    """As record versions have it."""
    return hashlib.sha256(text.encode()).hexdigest()


def recorded_records(most: int) -> list[Row]:
    """Reports and posts of the recorded world, half and half, drawn with a fixed seed; none where it is absent."""
    found: list[Row] = []
    rng = random.Random(SEED)  # noqa: S311 - a repeatable choice, not a secret
    for name, platform in (("news.jsonl.gz", "news"), ("forum_comments.jsonl.gz", "bluesky")):
        path = WORLD / name
        if not path.is_file():
            return []
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            items = [item for item in map(json.loads, lines) if 120 < len(item.get("text") or "") < 1500]
        for item in rng.sample(items, min(most // 2, len(items))):
            found.append(record(len(found), item["text"], item.get("title") if platform == "news" else None, platform))
    return found


def sample_records(conn: Connection, most: int) -> list[Row]:
    """The newest records of the sample newsroom, in a fixed order."""
    rows = conn.execute(
        "SELECT v.title, v.text, r.platform FROM newest_record_versions v JOIN records r ON r.id = v.record_id "
        "WHERE length(v.text) > 120 ORDER BY r.day DESC, r.platform, r.native_id LIMIT %s",
        (most,),
    ).fetchall()
    return [
        record(n, row["text"].removeprefix(row["title"] or "").strip(), row["title"], row["platform"])
        for n, row in enumerate(rows)
    ]


def build_newsroom(conn: Connection, home: Path, days: int) -> list[date]:
    """The last sample days ingested, analysed and measured, with no claims yet. Returns the days."""
    publication = load_publication()
    with serving() as server:
        settings = sample_settings(Settings(AIDRAN_HOME=home), server)
        sync_sources(conn, load_sources(SOURCES))
        chosen = list(server.sample.days)[-days:]
        for day in chosen:
            server.now = moment_of(day)
            run = Run("benchmark", server.now)
            for platform in PLATFORMS:
                ingest_platform(conn, platform, day, run=run, settings=settings)
            analyze_days(conn, [day], run=run)
            topics = [row["slug"] for row in conn.execute("SELECT slug FROM topics ORDER BY position")]
            compute_signals(conn, [(day, topic) for topic in topics], run=run, publication=publication)
    return chosen


def read_days(conn: Connection, days: Sequence[date], models: Models, run: Run) -> None:
    """Claims of the days by the model."""
    extract_claims(conn, days, run=run, models=models)
