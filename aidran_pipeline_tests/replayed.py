"""The replay server beside the checkout, with a small world cut out of its recordings, for tests that move its clock."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode


@dataclass
class Replay:
    """A running server. Its sources file lists what its world holds at the moment it was started at."""

    base: str
    sources: Path

    def tell(self, route: str, /, **values: Any) -> Any:
        """Call one of its own routes, such as /__clock."""
        with urllib.request.urlopen(f"{self.base}{route}?{urlencode(values)}", timeout=60) as answer:
            return json.load(answer)

    def log(self) -> list[dict[str, Any]]:
        """Every request for a source so far: time, moment served (as_of), method, path, status, headers."""
        return [entry for entry in self.tell("/__log") if not entry["path"].startswith("/__")]


def small_world(whole: Path, folder: Path, *, publishers: Sequence[str], subreddits: Sequence[str], since: str) -> Path:
    """A world with these publishers and subreddits, and posts from a day on: quick to build anew at each moment."""
    folder.mkdir()
    (folder / "feeds").mkdir()
    chosen = {
        "news.jsonl.gz": lambda row: row["source"] in publishers,
        "reddit_posts.jsonl.gz": lambda row: row["subreddit"] in subreddits,
        "bluesky_posts.jsonl.gz": lambda row: row["created_at"] >= since,
        "forum_comments.jsonl.gz": lambda row: row["published"] >= since,
    }
    for name, wanted in chosen.items():
        with (
            gzip.open(whole / name, "rt", encoding="utf-8") as lines,
            gzip.open(folder / name, "wt", encoding="utf-8") as kept,
        ):
            kept.writelines(line for line in lines if wanted(json.loads(line)))
    return folder


@contextmanager
def replaying(program: Path, world: Path, as_of: str, folder: Path) -> Iterator[Replay]:
    """Start it on a free port; ended with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sources = folder / "replayed.yaml"
    command = [sys.executable, str(program), "--world", str(world), "--port", str(port), "--as-of", as_of]
    with subprocess.Popen([*command, "--write-sources", str(sources)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("serving "), "the replay server did not begin to serve"
            ends = time.monotonic() + 30
            replay = Replay(f"http://127.0.0.1:{port}", sources)
            while not _answers(replay):
                assert time.monotonic() < ends, "the replay server does not answer"
                time.sleep(0.05)
            yield replay
        finally:
            server.kill()


def _answers(replay: Replay) -> bool:
    try:
        replay.log()
    except OSError:
        return False
    return True
