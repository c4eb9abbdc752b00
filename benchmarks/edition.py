"""One edition: seconds per stage, wall time and peak memory of `aidran demo` (twice: the second recomputes nothing).

With --home an existing home is used and kept, else a new one is made and removed. Another command can be measured by
writing it behind `--`, for example `-- aidran run --day 2026-07-05`. Stages are read from what the command prints; peak
memory is that of the largest process of the command, without the database server.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import finish, table

STAGE = re.compile(r"^(?P<failed>FAILED )?(?P<stage>[a-z]+) +(?P<seconds>\d+\.\d) s\b")
PROGRAM = "aidran"


@dataclass
class Measured:
    """What one call took. stages: seconds by stage, summed over the days; runs: how often each ran."""

    code: int
    seconds: float
    stages: dict[str, float] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def measure(command: Sequence[str], home: Path) -> Measured:
    """Run a command with its home, passing on what it prints. Raises FileNotFoundError when there is none."""
    environment = {**os.environ, "AIDRAN_HOME": str(home)}
    started = time.perf_counter()
    found = Measured(0, 0.0)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="")
            if match := STAGE.match(line):
                stage = match.group("stage")
                found.stages[stage] = round(found.stages.get(stage, 0.0) + float(match.group("seconds")), 1)
                found.runs[stage] = found.runs.get(stage, 0) + 1
                if match.group("failed"):
                    found.failed.append(stage)
    found.code, found.seconds = process.returncode, round(time.perf_counter() - started, 1)
    return found


def children_megabytes() -> float:
    """The most memory any finished child process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def program() -> str:
    """`aidran` beside this Python, else on PATH."""
    beside = Path(sys.executable).with_name(PROGRAM)
    return str(beside) if beside.exists() else PROGRAM


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. The exit code is the command's own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="home to use and keep; a new one is made and removed without it")
    parser.add_argument("--times", type=int, default=2, help="how often the command runs")
    parser.add_argument("command", nargs="*", help="what to measure, behind --; aidran demo by default")
    options = parser.parse_args(arguments)
    command = options.command or [program(), "demo"]
    home = options.home or Path(tempfile.mkdtemp(prefix="aidran-benchmark-"))
    calls: list[Measured] = []
    try:
        for _ in range(options.times):
            calls.append(measure(command, home))
            if calls[-1].code:
                break
    finally:
        if options.home is None:
            stop = [program(), "db", "stop"]
            if (home / "postgres").exists() or any(home.iterdir()):
                subprocess.run(stop, env={**os.environ, "AIDRAN_HOME": str(home)}, check=False, capture_output=True)
            shutil.rmtree(home, ignore_errors=True)
    stages = list(dict.fromkeys(stage for call in calls for stage in call.stages))
    rows = [[s, calls[0].runs.get(s, 0), *(call.stages.get(s, 0.0) for call in calls)] for s in stages]
    rows.append(["all", 1, *(call.seconds for call in calls)])
    print("\n" + table(["stage", "runs", *(f"seconds, call {i}" for i in range(1, len(calls) + 1))], rows))
    print(f"peak memory of one process {children_megabytes():,.0f} MB")
    figures = [{"code": c.code, "seconds": c.seconds, "stages": c.stages, "failed": c.failed} for c in calls]
    finish("edition", {"command": [Path(command[0]).name, *command[1:]], "calls": figures,
                       "peak_megabytes": children_megabytes()})  # fmt: skip
    return calls[-1].code


if __name__ == "__main__":
    raise SystemExit(main())
