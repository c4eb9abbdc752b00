"""Ingest killed at random moments (kill -9), then run once more: its rows must be those of an undisturbed run.

Needs recorded sources served over HTTP: `--serve` names a program that takes `--port`, `--as-of` and `--write-sources`
and answers /__log with its requests. A run ingests every platform as of one moment, so that a source that is done is
not due again. Each life of the killed run ends a random moment after a random number of further sources has committed,
so that the kills spread over the whole ingest. After every kill the sources that have committed are noted, with how
often their server was asked: nobody may ask them again before their next check.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.report import finish, table

SERVE = Path(__file__).resolve().parents[1].parent / "shared" / "replay" / "serve.py"
CREDENTIALS = {
    "BLUESKY_HANDLE": "reader.test",
    "BLUESKY_APP_PASSWORD": "x",
    "REDDIT_CLIENT_ID": "x",
    "REDDIT_CLIENT_SECRET": "x",
    "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
}
RECORDS = """
SELECT r.platform, r.native_id, r.source_id, r.author_key, r.publisher, r.published_at, r.day, v.number, v.text_sha256,
       (SELECT count(*) FROM record_links l WHERE l.record_version_id = v.id) AS links,
       (SELECT count(*) FROM record_observations o WHERE o.record_version_id = v.id) AS observations,
       (SELECT array_agg((m.score, m.comments, m.likes)::text) FROM record_metrics m
            WHERE m.record_id = r.id) AS metrics
FROM records r JOIN record_versions v ON v.record_id = r.id ORDER BY 1, 2, v.number
"""


def ingest_once(moment: str) -> None:
    """One whole ingest as of a moment, into AIDRAN_DATABASE_URL. The process that is killed."""
    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.config.sources import load_sources
    from aidran_pipeline.ingest import ingest_platform, pacing, sync_sources
    from aidran_pipeline.store.db import connect
    from aidran_pipeline.store.provenance import Run

    import_module("feedparser")  # what ingest imports when it needs it: kills are to meet work, not imports
    import_module("aidran_pipeline.ingest.rss")
    pacing.DEFAULT_SPACING = 0.0  # one server on loopback stands for three hundred hosts
    settings, now = Settings(), datetime.fromisoformat(moment)
    assert settings.database_url is not None
    with connect(settings.database_url.get_secret_value()) as conn:
        sync_sources(conn, load_sources(settings.sources_file), now=now)
        print("begun", flush=True)
        for platform in ("news", "reddit", "bluesky"):
            ingest_platform(conn, platform, now.date(), run=Run("killed", now), settings=settings)
    print("done", flush=True)


def live(
    environment: dict[str, str], moment: str, seconds: float | None, far: Callable[[], bool] | None = None
) -> bool:
    """Start an ingest and kill it so many seconds after `far` held (None: let it end). Returns whether it ended."""
    command = [sys.executable, "-m", "benchmarks.killed", "--child", moment]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout is not None
        if child.stdout.readline() != "begun\n":
            raise RuntimeError("the ingest did not begin; its error stands above")
        if seconds is None:
            if child.wait() != 0:
                raise RuntimeError("the undisturbed ingest failed; its error stands above")
            return True
        while far is not None and child.poll() is None and not far():
            time.sleep(0.01)
        time.sleep(seconds)
        ended = child.poll() is not None
        if not ended:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return ended


def asked(base: str) -> Counter[str]:
    """How often the server was asked for each path and query that belongs to one source."""
    with urllib.request.urlopen(f"{base}/__log", timeout=30) as answer:  # noqa: S310
        log = json.load(answer)
    return Counter(urlsplit(entry["path"]).path for entry in log if "/feeds/" in entry["path"])


def committed(conn: Any, now: datetime) -> dict[str, str]:
    """Feed sources that nobody may ask before a later moment: id → path of the address."""
    return {
        row["id"]: urlsplit(row["config"]["url"]).path
        for row in conn.execute("SELECT id, config FROM sources WHERE kind = 'rss' AND next_check_at > %s", (now,))
    }


def attempted(conn: Any, now: datetime) -> int:
    """How many sources of any kind have committed what they brought."""
    return int(conn.execute("SELECT count(*) AS n FROM sources WHERE last_attempt_at = %s", (now,)).fetchone()["n"])


def reached(conn: Any, now: datetime, goal: int) -> bool:
    """Whether so many have."""
    return attempted(conn, now) >= goal


@contextmanager
def served(program: Path, as_of: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The replay server on a free port: its base address and its sources file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sources = folder / f"sources-{port}.yaml"
    command = [sys.executable, str(program), "--port", str(port), "--as-of", as_of, "--write-sources", str(sources)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            base = f"http://127.0.0.1:{port}"
            ends = time.monotonic() + 240  # it reads its recordings first
            while not _answers(base):
                if server.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"{program.name} did not begin to serve; run it by hand to see why")
                time.sleep(0.1)
            yield base, sources
        finally:
            server.kill()


def _answers(base: str) -> bool:
    try:
        asked(base)
    except OSError:
        return False
    return True


def few(sources: Path, most: int | None) -> None:
    """Keep every n-th entry of a sources file, so that a short run meets all kinds.

    Articles are not completed from their pages: those stand on the publishers' own hosts, outside the recording.
    """
    text = sources.read_text(encoding="utf-8")
    sources.write_text(text.replace("kind: rss,", "kind: rss, full_text: never,"), encoding="utf-8")
    if most is None:
        return
    lines = sources.read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.lstrip().startswith("- ")]
    step = max(1, len(entries) // most)
    sources.write_text("\n".join(["sources:", *entries[::step]]) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 1 when rows differ or a source was asked again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=Path, default=SERVE, help="the program that serves recorded sources")
    parser.add_argument("--as-of", default="2026-06-20", help="the moment served and ingested")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--sources", type=int, help="how many of the sources to use; all by default")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    options = parser.parse_args(arguments)
    if options.child:
        ingest_once(options.child)
        return 0
    if not options.serve.exists():
        print(f"There is no {options.serve.name} to serve recorded sources; name one with --serve.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="aidran-killed-") as folder:
        figures = measure(options, Path(folder))
    print(table(["what", "value"], [[name.replace("_", " "), value] for name, value in figures.items()]))
    finish("killed", figures)
    return 0 if figures["equal"] and not figures["repeated"] else 1


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both runs on an embedded server of their own; returns the figures."""
    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.store.db import connect
    from aidran_pipeline.store.embedded import ensure_server, stop_server

    settings = Settings(AIDRAN_HOME=folder / "home", AIDRAN_DATABASE_URL=None)
    moment = f"{options.as_of}T20:00:00+00:00"
    now = datetime.fromisoformat(moment).astimezone(UTC)
    admin = ensure_server(settings)
    try:
        urls = [_database(admin, name) for name in ("undisturbed", "disturbed")]
        with served(options.serve, moment, folder) as (base, sources):
            few(sources, options.sources)
            environments = [
                {**os.environ, **CREDENTIALS, "AIDRAN_DATABASE_URL": url, "AIDRAN_SOURCES": str(sources)}
                for url in urls
            ]
            started = time.perf_counter()
            live(environments[0], moment, None)
            whole = time.perf_counter() - started
            chance, mid_work, repeated = random.Random(options.seed), 0, 0  # noqa: S311
            with connect(urls[0]) as other:
                total = attempted(other, now)
            most = max(1, total // options.kills)
            with connect(urls[1]) as conn:
                for number in range(options.kills):
                    done, before = committed(conn, now), asked(base)
                    goal = attempted(conn, now) + chance.randint(0, most)
                    far = partial(reached, conn, now, goal)
                    mid_work += not live(environments[1], moment, chance.uniform(0, whole / total), far)
                    after = asked(base)
                    repeated += sum(after[path] > before[path] for path in done.values())
                    print(f"kill {number + 1}: {attempted(conn, now)} of {total} sources done", file=sys.stderr)
                live(environments[1], moment, None)
                with connect(urls[0]) as other:
                    rows = [each.execute(RECORDS).fetchall() for each in (other, conn)]
                    sources_done = [len(committed(each, now)) for each in (other, conn)]
                fetches = conn.execute("SELECT count(*) AS n FROM fetches").fetchone()
    finally:
        stop_server(settings)
    return {
        "kills": options.kills, "killed_at_work": mid_work, "records": len(rows[0]), "equal": rows[0] == rows[1],
        "feeds": sources_done[0], "feeds_done_after": sources_done[1], "fetches": (fetches or {})["n"],
        "repeated": repeated, "undisturbed_seconds": round(whole, 1),
    }  # fmt: skip


def _database(admin: str, name: str) -> str:
    import psycopg

    from aidran_pipeline.store.migrate import migrate

    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = admin.rsplit("/", 1)[0] + "/" + name
    migrate(url)
    return url


if __name__ == "__main__":
    raise SystemExit(main())
