"""A small newsroom at work: five feeds on loopback, the command line in processes of its own, `aidran dev` on its instance.

What is real here: HTTP, the embedded PostgreSQL, Dagster's webserver, daemon and run processes. What is small: three
days, three topics, two dozen reports.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.rows import dict_row

from aidran_pipeline.config import topics as topics_module
from aidran_pipeline_tests.conftest import REPOSITORY
from aidran_pipeline_tests.ingest_server import Server, item, rss, serving
from aidran_pipeline_tests.office_texts import OUTLETS, REPORTS

TOPICS = ("ai-law", "ai-hardware-compute", "ai-healthcare")
START_SECONDS = 150  # the first page takes 20 to 40 s, more on a busy machine


@dataclass
class Office:
    """Home, environment and days of the newsroom. days: the three that are reported on, oldest first."""

    home: Path
    server: Server
    days: list[date]
    environment: dict[str, str] = field(default_factory=dict)

    def aidran(self, *words: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user would; its output is kept."""
        return subprocess.run(
            self.command(*words), cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """The command line at work, for a test that kills it."""
        return subprocess.Popen(
            self.command(*words), cwd=self.home, env=self.environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def report_late(self, key: str, headline: str, text: str, day: date) -> None:
        """One more report in the first feed, of noon of any day; every feed may be asked again at once."""
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        self.server.routes["/feed0"] = feed(0, self.days, item(key, headline, text, date=format_datetime(at)))
        self.rows("UPDATE sources SET next_check_at = NULL RETURNING id")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the newsroom's own database."""
        url = self.aidran("db", "url").stdout.strip()
        with psycopg.connect(url, row_factory=dict_row) as conn:
            return conn.execute(sql, values).fetchall()  # type: ignore[arg-type]

    @staticmethod
    def command(*words: str) -> list[str]:
        """The command line of this checkout."""
        return [sys.executable, "-m", "aidran_pipeline.cli", *words]


@contextmanager
def office(folder: Path, database_url: str | None = None) -> Iterator[Office]:
    """The newsroom in a folder of its own, on a database of its own (stopped at the end) or the one that is named."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    days = [yesterday - timedelta(days=back) for back in (2, 1, 0)]
    home = folder / "home"
    home.mkdir(parents=True)
    with serving() as server:
        for number in range(len(OUTLETS)):
            server.routes[f"/feed{number}"] = feed(number, days)
        sources = [
            {"id": f"outlet-{number}", "kind": "rss", "url": server.url(f"/feed{number}"), "publisher": name,
             "publisher_family": f"family-{number}"}
            for number, name in enumerate(OUTLETS)
        ]  # fmt: skip
        (folder / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}))
        packaged = yaml.safe_load(Path(topics_module.__file__).with_name("topics.yaml").read_text())
        packaged["topics"] = [topic for topic in packaged["topics"] if topic["slug"] in TOPICS]
        (folder / "topics.yaml").write_text(yaml.safe_dump(packaged))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIDRAN_", "DAGSTER_"))},
            "AIDRAN_HOME": str(home),
            "AIDRAN_SOURCES": str(folder / "sources.yaml"),
            "AIDRAN_TOPICS": str(folder / "topics.yaml"),
            "AIDRAN_ALLOW_HOSTS": "127.0.0.1",
            **({"AIDRAN_DATABASE_URL": database_url} if database_url else {}),
            "PYTHONPATH": str(REPOSITORY),
        }
        made = Office(home, server, days, environment)
        try:
            yield made
        finally:
            if database_url is None:
                made.aidran("db", "stop")


def feed(number: int, days: list[date], *further: str) -> Any:
    """The answer of one outlet's feed: its reports of the three days, and further <item>s."""
    entries = list(further)
    for place, (ago, outlet, headline, text) in enumerate(REPORTS):
        if outlet == number:
            at = datetime(days[3 - ago].year, days[3 - ago].month, days[3 - ago].day, 6, place % 60, tzinfo=UTC)
            entries.append(item(f"report-{place}", headline, text, date=format_datetime(at)))
    return 200, {"Content-Type": "application/rss+xml"}, rss(*entries, title=OUTLETS[number])


class Dev:
    """`aidran dev` in a process group of its own, with a GraphQL client for its webserver."""

    def __init__(self, office: Office, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "aidran_pipeline.cli", "dev", "--port", str(self.port)],
                cwd=office.home, env=office.environment, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.groups = {self.process.pid}

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of one GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        assert not found.get("errors"), found["errors"]
        return found["data"]

    def wait_until(self, what: str, met: Callable[[], Any], seconds: float) -> Any:
        """Poll until `met` gives something true; an error while starting counts as not yet."""
        ends, last = time.monotonic() + seconds, "nothing"
        while time.monotonic() < ends:
            assert self.process.poll() is None, f"aidran dev ended: {self.log.read_text()[-3000:]}"
            try:
                if found := met():
                    return found
            except (urllib.error.URLError, OSError) as error:
                last = str(error)
            time.sleep(1)
        raise AssertionError(f"no {what} after {seconds} s; {last}; {self.log.read_text()[-3000:]}")

    def wait_ready(self) -> None:
        """Until the code location is loaded and every daemon has sent a heartbeat."""
        self.wait_until("code location", self._loaded, START_SECONDS)
        self.wait_until("healthy daemon", lambda: not self.unhealthy_daemons(), START_SECONDS)

    def _loaded(self) -> bool:
        found = self.ask(
            """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
                 locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
        )["workspaceOrError"]["locationEntries"]
        (location,) = found
        kind = location["locationOrLoadError"]
        assert kind is None or kind["__typename"] == "RepositoryLocation", kind
        return location["name"] == "aidran" and kind is not None

    def unhealthy_daemons(self) -> list[str]:
        """Required daemons that do not report health."""
        found = self.ask("{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }")
        statuses = found["instance"]["daemonHealth"]["allDaemonStatuses"]
        return [one["daemonType"] for one in statuses if one["required"] and not one["healthy"]]

    def stop(self, number: int, seconds: float = 60) -> int:
        """Send a signal to its process group, as a terminal does, and wait for its end; the exit code."""
        self._note_groups()
        os.killpg(self.process.pid, number)
        return self.process.wait(seconds)

    def left_over(self) -> list[str]:
        """What still runs of the process, or of those it started, by pid and command."""
        self._note_groups()
        return [f"{pid} {command}" for pid, _, group, state, command in _processes()
                if group in self.groups and not state.startswith("Z")]  # fmt: skip

    def wait_gone(self, seconds: float) -> None:
        """Until nothing of it runs."""
        ends = time.monotonic() + seconds
        while left := self.left_over():
            assert time.monotonic() < ends, left
            time.sleep(0.5)

    def _note_groups(self) -> None:
        """Its process group and those of its children; a child keeps its group when it loses its parent."""
        self.groups |= {group for _, parent, group, _, _ in _processes() if parent == self.process.pid}

    def end(self) -> None:
        """Whatever happened: nothing of it runs on."""
        self._note_groups()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        for line in self.left_over():
            os.kill(int(line.split()[0]), signal.SIGKILL)


def _processes() -> list[tuple[int, int, int, str, str]]:
    """pid, parent, group, state and command of every process."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid=,pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 4) for line in listed.splitlines())
    return [(int(row[0]), int(row[1]), int(row[2]), row[3], row[4]) for row in rows if len(row) == 5]
