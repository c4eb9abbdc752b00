"""The ingest benchmark on a little data of its own."""

from __future__ import annotations

import gzip
import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from aidran_pipeline_tests.ingest_server import item, rss
from aidran_pipeline_tests.jetstream_server import DID, event
from benchmarks import ingest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One body of each platform."""
    for name in ("feeds", "reddit_api", "bluesky/made_json", "bluesky/jetstream_corpus"):
        (tmp_path / name).mkdir(parents=True)
    body = rss(item("a", "One", "Words."), item("b", "Two", "Words."))
    with tarfile.open(tmp_path / "feeds" / "fastfeedparser_smallweb_feeds.tar.gz", "w:gz") as packed:
        entry = tarfile.TarInfo("benchmark_data/one")
        entry.size = len(body)
        packed.addfile(entry, BytesIO(body))
    post = {"kind": "t3", "data": {"name": "t3_a", "id": "a", "title": "A post", "selftext": "", "author": "x",
                                   "created_utc": 1783000000, "permalink": "/r/x/comments/a/a/", "subreddit": "x"}}  # fmt: skip
    exchange = [{"body": {"kind": "Listing", "data": {"children": [post]}}}]
    (tmp_path / "reddit_api" / "AListing.json.gz").write_bytes(gzip.compress(json.dumps(exchange).encode()))
    view = {"uri": f"at://{DID}/app.bsky.feed.post/a", "cid": "c", "indexedAt": "2026-07-05T11:00:00Z",
            "author": {"did": DID, "handle": "a.test"},
            "record": {"$type": "app.bsky.feed.post", "text": "Words", "createdAt": "2026-07-05T11:00:00Z"}}  # fmt: skip
    (tmp_path / "bluesky" / "made_json" / "search.json").write_text(json.dumps({"posts": [view]}))
    lines = [event(1, "create", "a", "A chatbot"), event(2, "create", "b", "Dinner")]
    compact = [json.dumps(json.loads(line), separators=(",", ":")) for line in lines]
    (tmp_path / "bluesky" / "jetstream_corpus" / "expected_v1.jsonl").write_text("\n".join(compact))
    return tmp_path


def test_ingest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest.main(["--data", str(folder), "--seconds", "0.01"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "ingest" and found["peak_mb"] > 10
    for platform, items in (("rss", 2), ("reddit", 1), ("bluesky", 1)):
        assert found[platform]["items"] == items
        assert found[platform]["records_per_s"] > 0 and found[platform]["alone_per_s"] > 0
    assert found["jetstream"]["kept"] == 1 and found["jetstream"]["events_per_s"] > 0


def test_missing_data_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest.main(["--data", str(tmp_path), "--only", "rss"]) == 2
    assert "--data" in capsys.readouterr().err
