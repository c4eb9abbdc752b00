"""Ingest: records a second from a body to rows ready to store, and peak memory, per platform, beside the parser alone.

Each platform runs in a process of its own, twice over the same bodies: once with this project's parsing (parse_body and
record_row: text without markup, links, identity, dates, publisher), once with the library alone (feedparser, atproto's
models, json). A stream: events a second decoded and filtered by the topics' words, beside json alone. Seconds are of
processor time on one core, so that a busy machine shows the same. No socket and no database: tests have those. Then
feedparser's own cases, where they are.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import finish, peak_megabytes, table

DEFAULT = Path("../shared/data")
NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
KINDS = {"rss": "news", "reddit": "reddit", "bluesky": "bluesky"}
SOURCE: dict[str, Any] = {
    "id": "s", "publisher": "An Outlet", "publisher_family": None,
    "config": {"url": "https://a.test/", "subreddit": "x"},
}  # fmt: skip
Bodies = list[bytes]


class NoData(Exception):
    """The folder holds no recorded bodies."""


def feeds(folder: Path) -> Bodies:
    """Cached feeds of small sites."""
    with tarfile.open(folder / "feeds" / "fastfeedparser_smallweb_feeds.tar.gz") as packed:
        members = [m for m in packed.getmembers() if m.isfile() and m.name.startswith("benchmark_data/")]
        streams = [packed.extractfile(member) for member in members]
        return [stream.read() for stream in streams if stream is not None]


def listings(folder: Path) -> Bodies:
    """Listings of posts, out of recorded exchanges."""
    found = []
    for file in sorted((folder / "reddit_api").glob("*Listing*.json.gz")):
        for exchange in json.loads(gzip.decompress(file.read_bytes())):
            body = exchange.get("body")
            children = body.get("data", {}).get("children") if isinstance(body, dict) else None
            if children and children[0].get("kind") == "t3":
                found.append(json.dumps(body).encode())
    return found


def searches(folder: Path) -> Bodies:
    """Pages of search results."""
    files = sorted((folder / "bluesky").glob("*_json/*search*.json"))
    return [file.read_bytes() for file in files if b'"posts"' in file.read_bytes()[:200_000]]


def events(folder: Path) -> Bodies:
    """Events of the network, one each."""
    return (folder / "bluesky" / "jetstream_corpus" / "expected_v1.jsonl").read_bytes().splitlines()


INPUTS: dict[str, Callable[[Path], Bodies]] = {
    "rss": feeds, "reddit": listings, "bluesky": searches, "jetstream": events,
}  # fmt: skip


def ours(platform: str) -> Callable[[bytes], int]:
    """Records of a body, made ready to store."""
    from aidran_pipeline.ingest import NotParsable, parse_body, record_row

    kind = {"rss": "rss", "reddit": "reddit", "bluesky": "bluesky_search"}[platform]

    def read(body: bytes) -> int:
        try:
            found = parse_body(kind, body, url="https://a.test/feed", content_type=None, source=SOURCE)
        except NotParsable:
            return 0
        return len([record_row(record, 1, KINDS[platform], SOURCE, NOW) for record in found])

    return read


def alone(platform: str) -> Callable[[bytes], int]:
    """Items of a body as the library gives them."""
    if platform == "rss":
        import feedparser

        return lambda body: len(feedparser.parse(io.BytesIO(body)).entries)
    if platform == "reddit":
        return lambda body: len(json.loads(body)["data"]["children"])
    from atproto_client import models
    from atproto_client.exceptions import ModelError
    from atproto_client.models.utils import get_or_create

    def posts(body: bytes) -> int:
        found = 0
        for view in json.loads(body).get("posts", []):
            try:
                get_or_create(view, models.AppBskyFeedDefs.PostView)
                found += 1
            except (ModelError, ValueError, TypeError):
                continue
        return found

    return posts


def rate(read: Callable[[bytes], int], bodies: Bodies, seconds: float) -> tuple[float, int]:
    """(items a second, items of one pass); the bodies are read again until the time is up."""
    first = sum(read(body) for body in bodies)
    total, started = 0, time.process_time()
    while (took := time.process_time() - started) < seconds:
        total += sum(read(body) for body in bodies)
    return total / took, first


def sieve_rate(bodies: Bodies, seconds: float, *, posts_only: bool) -> tuple[float, int]:
    """(events a second through the sieve, events kept of one pass)."""
    from aidran_pipeline.config.topics import load_topics
    from aidran_pipeline.ingest.jetstream import Sieve, about

    wants = about(load_topics().relevance)
    chosen = [body for body in bodies if b'"collection":"app.bsky.feed.post"' in body] if posts_only else bodies
    kept, total, started = 0, 0, time.process_time()
    while (took := time.process_time() - started) < seconds:
        sieve = Sieve(wants)
        for body in chosen:
            sieve.take(body)
        total, kept = total + sieve.events, len(sieve.kept)
    return total / took, kept


def measure(platform: str, folder: Path, seconds: float) -> dict[str, Any]:
    """The figures of one platform. Raises NoData."""
    try:
        bodies = INPUTS[platform](folder)
    except OSError as failure:
        raise NoData(str(failure)) from failure
    if not bodies:
        raise NoData(f"{folder}: nothing recorded for {platform}")
    size = sum(map(len, bodies))
    if platform == "jetstream":
        whole, kept = sieve_rate(bodies, seconds, posts_only=False)
        posts, _ = sieve_rate(bodies, seconds, posts_only=True)
        found = {"events_per_s": round(whole), "posts_per_s": round(posts), "kept": kept, "items": len(bodies)}
        peak = peak_megabytes()
        beside, _ = rate(lambda body: bool(json.loads(body)), bodies, seconds)
    else:
        speed, items = rate(ours(platform), bodies, seconds)
        found = {"records_per_s": round(speed), "items": items}
        peak = peak_megabytes()
        beside, _ = rate(alone(platform), bodies, seconds)
    return {
        **found,
        "alone_per_s": round(beside),
        "bodies": len(bodies),
        "megabytes": round(size / 1e6, 2),
        "peak_mb": peak,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns 2 where the data is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=DEFAULT, help="folder of recorded bodies: feeds, reddit_api, bluesky"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--only", choices=sorted(INPUTS), help="one platform, in this process, as a line of JSON")
    options = parser.parse_args(arguments)
    if options.only:
        try:
            print(json.dumps(measure(options.only, options.data, options.seconds)))
        except NoData as failure:
            print(f"{failure}; name a folder with --data DIR", file=sys.stderr)
            return 2
        return 0
    found = {}
    for platform in INPUTS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest", "--only", platform, "--data", str(options.data),
             "--seconds", str(options.seconds)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            print(done.stderr.strip()[-500:], file=sys.stderr)
            return done.returncode
        found[platform] = json.loads(done.stdout.splitlines()[-1])
    show(found)
    finish("ingest", {**found, **cases(options.data), "peak_mb": max(each["peak_mb"] for each in found.values())})
    return 0


def show(found: dict[str, dict[str, Any]]) -> None:
    """For a person."""
    beside = {"rss": "feedparser", "reddit": "json", "bluesky": "atproto models", "jetstream": "json"}
    rows = [
        [
            platform,
            figures["items"],
            figures.get("records_per_s", figures.get("events_per_s")),
            beside[platform],
            figures["alone_per_s"],
            figures["peak_mb"],
        ]
        for platform, figures in found.items()
    ]
    print(table(["platform", "records", "a second", "beside", "alone a second", "peak MB"], rows))


def cases(folder: Path) -> dict[str, Any]:
    """Feedparser's own cases, where they are."""
    archive = folder / "feeds" / "feedparser_tests.tar.gz"
    if not archive.is_file():
        return {}
    from benchmarks.feedcases import run

    tally = run(archive)
    print(f"\nfeedparser's cases: {tally.held} expectations on stored fields hold, {len(tally.missed)} do not; others:")
    print(table(["reason", "expectations"], [[reason, number] for reason, number in tally.left.most_common()]))
    return {"cases": {"held": tally.held, "missed": len(tally.missed), "left": sum(tally.left.values())}}


if __name__ == "__main__":
    sys.exit(main())
