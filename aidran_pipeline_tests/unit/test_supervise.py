"""A parent that ends all it started: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# A child that starts a grandchild, which does not listen to SIGINT, and notes both.
CHILD = """
import os, signal, subprocess, sys, time
ignore = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
grandchild = subprocess.Popen([sys.executable, "-c", ignore])
with open(sys.argv[1] + ".part", "w") as file:
    file.write(f"{os.getpid()} {grandchild.pid}")
os.rename(sys.argv[1] + ".part", sys.argv[1])
try:
    time.sleep(600)
except KeyboardInterrupt:
    sys.exit(7)
"""


def _running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def _deaf() -> None:
    """Signals ignored, as a background job may find them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class Family:
    """The parent under test, its child and its grandchild."""

    def __init__(self, notes: Path) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-m", "aidran_pipeline.commands.supervise", sys.executable, "-c", CHILD, str(notes)],
            start_new_session=True,
            preexec_fn=_deaf,
        )
        ends = time.monotonic() + 20
        while not notes.exists():
            assert time.monotonic() < ends
            time.sleep(0.05)
        self.child, self.grandchild = map(int, notes.read_text().split())
        time.sleep(0.3)  # until the grandchild ignores SIGINT

    def wait_gone(self) -> None:
        """Until neither child nor grandchild runs."""
        ends = time.monotonic() + 20
        while _running(self.child) or _running(self.grandchild):
            assert time.monotonic() < ends
            time.sleep(0.05)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path / "pids")
    yield made
    for pid in (made.parent.pid, made.child, made.grandchild):
        if _running(pid):
            os.kill(pid, signal.SIGKILL)
    made.parent.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_interrupts_the_command_and_ends_what_that_left(family: Family, number: int) -> None:
    family.parent.send_signal(number)
    assert family.parent.wait(20) == 7
    family.wait_gone()


def test_ctrl_c_reaches_the_command_once(family: Family) -> None:
    os.killpg(family.parent.pid, signal.SIGINT)
    assert family.parent.wait(20) == 7
    family.wait_gone()


def test_a_command_that_is_killed_takes_its_own_with_it(family: Family) -> None:
    os.kill(family.child, signal.SIGKILL)
    assert family.parent.wait(20) == 128 + signal.SIGKILL
    family.wait_gone()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_when_it_is_killed_itself_the_command_is_interrupted(family: Family) -> None:
    family.parent.kill()
    family.parent.wait(10)
    ends = time.monotonic() + 10
    while _running(family.child):
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_the_commands_own_exit_code_is_passed_on() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aidran_pipeline.commands.supervise", sys.executable, "-c", "raise SystemExit(5)"],
        check=False,
        timeout=30,
    )
    assert done.returncode == 5
