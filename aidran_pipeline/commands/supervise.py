"""Keep a command and what it starts together: `python -m aidran_pipeline.commands.supervise COMMAND …`.

`dagster dev` starts a webserver, a daemon and code servers, and leaves them running when it is killed: a port stays
taken and sensors go on firing. This small parent ends them all, whichever of the two is killed. Standard library only,
since it stays in memory. What does not belong here: which command (dev.py).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

PATIENCE = 30.0  # seconds for what is left to end by itself, once asked
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run the command in a process group of its own until it ends or this process is told to. Returns its exit code."""
    parent = os.getpid()

    def end_with_parent() -> None:
        """Let the command hear its signals, and have the system interrupt it when this process dies (Linux only)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # a background job can inherit them ignored
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGINT)

    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=end_with_parent)

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    code = child.wait()
    _end_group(child.pid)
    return code if code >= 0 else 128 - code


def _end_group(group: int) -> None:
    """Ask what is left of the group to end, then make it."""
    ends = time.monotonic() + PATIENCE
    there = _signal_group(group, signal.SIGTERM)
    while there and time.monotonic() < ends:
        time.sleep(0.2)
        there = _signal_group(group, 0) and not _only_zombies(group)
    if there:
        _signal_group(group, signal.SIGKILL)


def _only_zombies(group: int) -> bool:
    """Whether all of the group have ended and only wait to be collected, as they may in a container for ever.

    Linux only: elsewhere nothing is known, and the patience above decides.
    """
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if len(fields) > 2 and fields[2] == str(group):
            states.append(fields[0])
    return bool(states) and all(state in "ZX" for state in states)


def _signal_group(group: int, number: int) -> bool:
    """Whether anybody of the group was there to be signalled."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
