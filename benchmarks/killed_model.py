"""An edition by a model killed (kill -9) at its calls, then run once more: what was paid twice, what came of it.

A scripted server in this process plays a good model for an edition in another one (three days read, two stories
written) and kills it: when a call has arrived and is not answered, when half of its answer has left, or when all of it
has. It charges for every answer it makes, also where nobody hears it, and knows no idempotency keys. Then the edition
is run once more. Of each kill is measured

- which questions, by content, the server was asked twice, and whether the ledger had their answers at the kill: those
  must not be asked again, while a call under way at the kill is, as nobody knows what became of it;
- whether claims, readings, stories, decisions and kept replies equal those of an edition that nobody disturbed;
- that one more run asks nothing and changes no row, ids included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aidran_pipeline_tests.scripted_model import ChatRequest, Reply, ScriptedServer, serving
from aidran_pipeline_tests.scripted_model.players.reader import good as good_reader
from aidran_pipeline_tests.scripted_model.players.writer import good_writer
from benchmarks.report import finish, table

MOMENTS = ("before", "during", "after")
KEPT = {
    "claims": """SELECT r.native_id, v.number, c.start_at, c.end_at, c.quote, c.statement, c.kind, c.speaker, c.stance,
        c.engine_version, c.superseded_at FROM claims c JOIN record_versions v ON v.id = c.record_version_id
        JOIN records r ON r.id = v.record_id ORDER BY 1, 2, 3, 4, 10""",
    "readings": """SELECT r.native_id, v.number, g.engine_version, g.outcome, g.failure, g.asked, g.claims, g.dropped,
        g.changed FROM claim_readings g JOIN record_versions v ON v.id = g.record_version_id
        JOIN records r ON r.id = v.record_id ORDER BY 1, 2, 3""",
    "stories": """SELECT a.slug, v.number, v.engine, v.engine_version, v.content_hash FROM article_versions v
        JOIN articles a ON a.id = v.article_id ORDER BY 1, 2""",
    "decisions": """SELECT day, topic, decision, reasons, numbers ->> 'engine' AS engine, numbers -> 'fallback' AS why
        FROM editorial_decisions ORDER BY day, topic, id""",
    "replies": "SELECT request_key, content, finish_reason FROM model_completions ORDER BY 1",
    "servers": "SELECT base_url, model, mode, token_parameter, temperature FROM model_servers",
}
TABLES = ("claims", "claim_readings", "articles", "article_versions", "article_sentences", "citations",
          "editorial_decisions", "model_calls", "model_completions", "model_servers", "model_pauses")  # fmt: skip


def edition() -> None:
    """The edition that is killed, in a process of its own; database and server come from the environment."""
    from aidran_pipeline.analyze import extract_claims
    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.llm import open_models
    from aidran_pipeline.store.db import connect
    from aidran_pipeline.store.provenance import Run
    from aidran_pipeline.write import write_article
    from aidran_pipeline.write.model import compose, finish
    from aidran_pipeline_tests.material import DAY, DAYS, HEALTH, LAW, PUBLICATION
    from aidran_pipeline_tests.world import at

    # The test newsroom's stories are shorter than a newspaper's.
    compose.WORDS = finish.WORDS = (300, 1100)
    compose.LEAST_WORDS = 100
    settings, moment = Settings(), at(DAY, 23, 45)
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    with connect(url) as conn:
        run = Run(f"reading {os.getpid()}", moment)
        with open_models(settings, url, run) as models:
            extract_claims(conn, DAYS, run=run, models=models)
        for topic in (HEALTH, LAW):
            run = Run(f"writing {topic} {os.getpid()}", moment)
            with open_models(settings, url, run) as models:
                write_article(conn, DAY, topic, run=run, publication=PUBLICATION, models=models)


def model(request: ChatRequest) -> Reply:
    """A good reader and a good writer in one."""
    return good_writer(request) if request.role == "writer" else good_reader(request)


def content_of(request: ChatRequest) -> str:
    """Hash of what a request asks, whatever its headers say."""
    return hashlib.sha256(json.dumps(request.body, sort_keys=True).encode()).hexdigest()


@dataclass
class Killer:
    """Plays the model; kills the running edition at its n-th request, probes counted (0: never)."""

    at: int = 0
    moment: str = "before"
    running: subprocess.Popen[str] | None = None
    charged: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    arrived: int = 0

    def play(self, server: ScriptedServer, request: ChatRequest) -> Reply:
        """The reply, and death with it where its turn has come."""
        self.arrived += 1
        turn = self.arrived == self.at
        if turn and self.moment == "before":
            self.kill()
        reply = server.said_to_probe(request) if request.prompt.startswith("probe-") else model(request)
        content = content_of(request)
        self.charged[content] += 1
        self.keys[content] = request.key
        if turn and self.moment == "during":
            return replace(reply, stall=0.3, then=self.kill)
        return replace(reply, then=self.kill) if turn and self.moment == "after" else reply

    def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        assert self.running is not None
        self.running.send_signal(signal.SIGKILL)
        self.running.wait(30)


@dataclass
class World:
    """An embedded server with the test newsroom's three days, analysed and undecided, to be copied for each edition."""

    admin: str
    number: int = 0

    @property
    def base(self) -> str:
        """The server's address without a database."""
        return self.admin.rsplit("/", 1)[0]

    def prepare(self) -> None:
        """Make the template."""
        import psycopg

        from aidran_pipeline.store.db import connect
        from aidran_pipeline.store.migrate import migrate
        from aidran_pipeline_tests.material import prepare, tell

        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute("CREATE DATABASE undecided")
        migrate(f"{self.base}/undecided")
        with connect(f"{self.base}/undecided") as told:
            tell(told)
            prepare(told)

    def fresh(self) -> str:
        """URL of a new copy."""
        import psycopg

        self.number += 1
        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE edition_{self.number} TEMPLATE undecided")  # type: ignore[arg-type]
        return f"{self.base}/edition_{self.number}"


@contextmanager
def world(home: Path) -> Iterator[World]:
    """A world of its own, gone afterwards."""
    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.store.embedded import ensure_server, stop_server

    settings = Settings(AIDRAN_HOME=home, AIDRAN_DATABASE_URL=None)
    made = World(ensure_server(settings))
    try:
        made.prepare()
        yield made
    finally:
        stop_server(settings)


def run(url: str, server: ScriptedServer, killer: Killer) -> bool:
    """One edition in a process of its own. Whether it ended by itself. Raises RuntimeError when it failed."""
    environment = {
        **os.environ, "AIDRAN_DATABASE_URL": url, "AIDRAN_ENGINE": "model", "AIDRAN_MODEL": "scripted-1",
        "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-scripted",
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.killed_model", "--child"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        killer.running = child
        _, errors = child.communicate(timeout=600)
    if child.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the edition failed:\n{errors[-2000:]}")
    return child.returncode == 0


def kept_rows(url: str) -> dict[str, Any]:
    """What an edition leaves, without ids, runs and moments."""
    from aidran_pipeline.store.db import connect

    with connect(url) as conn:
        return {name: conn.execute(query).fetchall() for name, query in KEPT.items()}


def whole_rows(url: str) -> dict[str, list[Any]]:
    """Every row of the tables that an edition writes."""
    from aidran_pipeline.store.db import connect

    with connect(url) as conn:
        return {name: conn.execute(f"SELECT to_jsonb(t) AS r FROM {name} t ORDER BY 1").fetchall() for name in TABLES}


def answered_keys(url: str) -> set[str]:
    """Keys of the questions whose answers are in the ledger."""
    from aidran_pipeline.store.db import connect

    with connect(url) as conn:
        return {row["request_key"] for row in conn.execute("SELECT request_key FROM model_completions")}


@dataclass
class Found:
    """What came of one kill. twice: questions charged for twice; of them paid: those whose answers were kept."""

    at: int
    moment: str
    killed: bool
    kept_at_the_kill: int
    twice: int
    paid: int
    differing: list[str]
    rerun_calls: int
    rerun_changed: bool

    @property
    def held(self) -> bool:
        """Whether the design held."""
        return self.paid == 0 and not self.differing and self.rerun_calls == 0 and not self.rerun_changed


def killed_at(made: World, server: ScriptedServer, at: int, moment: str, undisturbed: dict[str, Any]) -> Found:
    """Kill an edition at its n-th request, run it once more, and once again."""
    url, killer = made.fresh(), Killer(at, moment)
    server.player = lambda request: killer.play(server, request)
    killed = not run(url, server, killer)
    time.sleep(0.5)  # for what was half said
    kept, before = answered_keys(url), Counter(killer.charged)
    killer.at = 0
    run(url, server, killer)
    again = [content for content in before if killer.charged[content] > before[content]]
    rows, asked, whole = kept_rows(url), killer.arrived, whole_rows(url)
    run(url, server, killer)
    return Found(
        at, moment, killed, len(kept),
        twice=sum(n > 1 for n in killer.charged.values()),
        paid=sum(killer.keys[content] in kept for content in again),
        differing=[name for name in rows if rows[name] != undisturbed[name]],
        rerun_calls=killer.arrived - asked,
        rerun_changed=whole_rows(url) != whole,
    )  # fmt: skip


def measure(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """All kills; returns the figures, and prints a row for each."""
    with world(home) as made, serving(model) as server:
        server.plays_probes, server.idempotent = True, False
        url, killer = made.fresh(), Killer()
        server.player = lambda request: killer.play(server, request)
        started = time.perf_counter()
        run(url, server, killer)
        seconds, calls, undisturbed = time.perf_counter() - started, killer.arrived, kept_rows(url)
        kills = [(at, moment) for at in range(1, calls + 1) for moment in MOMENTS]
        if options.kills < len(kills):
            kills = sorted(random.Random(options.seed).sample(kills, options.kills))  # noqa: S311
        found = []
        for at, moment in kills:
            found.append(killed_at(made, server, at, moment, undisturbed))
            print(f"call {at} of {calls}, {moment}: {'held' if found[-1].held else found[-1]}", file=sys.stderr)
    return {
        "calls": calls, "stories": len(undisturbed["stories"]), "claims": len(undisturbed["claims"]),
        "kills": len(found), "killed_at_work": sum(f.killed for f in found),
        "asked_twice": sum(f.twice for f in found), "paid_twice": sum(f.paid for f in found),
        "equal": not any(f.differing for f in found), "rerun_calls": sum(f.rerun_calls for f in found),
        "rerun_changed": sum(f.rerun_changed for f in found), "held": sum(f.held for f in found),
        "undisturbed_seconds": round(seconds, 1),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a kept answer was paid for twice, or rows differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=24, help="how many of all (call, moment) pairs, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    options = parser.parse_args(arguments)
    if options.child:
        edition()
        return 0
    with tempfile.TemporaryDirectory(prefix="aidran-killed-model-") as folder:
        figures = measure(options, Path(folder) / "home")
    print(table(["what", "value"], [[name.replace("_", " "), value] for name, value in figures.items()]))
    finish("killed_model", figures)
    return 0 if figures["held"] == figures["kills"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
