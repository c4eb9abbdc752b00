"""`aidran dev`: Dagster's UI and daemon on our database. What does not belong here: the instance (defs/instance.py)."""

from __future__ import annotations

import os
import socket
import sys

from aidran_pipeline.commands import supervise
from aidran_pipeline.commands.console import CommandError, say
from aidran_pipeline.config.settings import Settings

HOST = "127.0.0.1"
# `dagster dev` advertises another package at every start. -W takes the beginning of a message, not a pattern.
QUIET = "ignore:Function `dev_command` is superseded"


def start(port: int) -> None:
    """Become the parent of `dagster dev`. The database runs on after it; `aidran db stop` ends it."""
    from aidran_pipeline.store.database import open_database

    settings = Settings()
    settings.require_models()
    _refuse_taken(port)
    url = open_database(settings)
    from aidran_pipeline.defs.instance import prepare, top_level_file

    home = prepare(settings, url)
    say(f"Dagster UI: http://{HOST}:{port} (first page after about half a minute; Ctrl-C stops it)")
    say(f"DAGSTER_HOME={home}")
    say("Ingest and edition schedules are off until you turn them on: UI, Automation.")
    say("The database runs on afterwards; `aidran db stop` ends it. Warnings and errors follow, the rest is in the UI.")
    arguments = ["-w", str(top_level_file("workspace.yaml")), "-h", HOST, "-p", str(port), "--log-level", "warning"]
    command = [sys.executable, "-W", QUIET, "-m", "dagster", "dev", *arguments]
    # In place of this process, which has grown large by now.
    parent = [sys.executable, "-m", supervise.__name__]
    os.execve(sys.executable, [*parent, *command], dict(os.environ))  # noqa: S606  no shell is wanted


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"port {port} is taken ({error.strerror}); name another: aidran dev --port {port + 1}"
            ) from None
