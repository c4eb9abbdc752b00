"""The embedded PostgreSQL: a server of the project's own in AIDRAN_HOME, started when needed and left running.

What belongs here: the life of that server (make, start, find, stop). What does not: finding the programs and the
identity they run under (postgres_programs.py), deciding between this server and an external one (database.py),
tables (migrate.py).

How it holds together, each point covered by a test:

- one file lock lets one process at a time create, start or stop; whoever waits finds the server ready;
- a cluster is made in a side folder and renamed when it is whole, so a killed `initdb` leaves nothing to trip over;
- PostgreSQL's own postmaster.pid says where the server listens. It is believed only when its process is a PostgreSQL
  process of this very folder and the server answers with our password and our data folder;
- every process of the server inherits a second file lock, so that a start from where they cannot be seen (another
  container on the same volume) is refused instead of ruining the data;
- the server listens on 127.0.0.1 only (no socket file, whose path may be at most 107 bytes long) and asks for a random
  password, kept in AIDRAN_HOME with mode 0600;
- nothing outside AIDRAN_HOME is written, chowned or chmodded, and no account is made.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.postgres_programs import (
    Launcher,
    alive,
    choose_launcher,
    program,
    server_processes,
)

ROLE = "aidran"
DATABASE = "aidran"
MAJOR_VERSION = "18"
START_SECONDS = 90.0
LOCK_SECONDS = 180.0
CLAIM_SECONDS = 10.0
LOG_LIMIT_BYTES = 10_000_000

# Sized for a laptop. Parallel plans stay off: their shared memory lives in /dev/shm, which containers make tiny.
SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log holds no row and no statement: what is erased later must not stand in it.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class ServerStatus:
    """What is known about the embedded server without starting it."""

    running: bool
    url: str | None = field(repr=False)  # holds the password
    pid: int | None
    data: Path
    log: Path


@dataclass(frozen=True)
class _PidFile:
    """The lines of postmaster.pid that matter; port is None while the server has not written it yet."""

    pid: int
    port: int | None


def ensure_server(settings: Settings) -> str:
    """URL of the embedded server's `aidran` database; the server is made and started when needed.

    Safe to call from several processes at once. Migrations are not run. Raises StoreError with the remedy.
    """
    cluster = Cluster(settings.home)
    if (url := cluster.live_url()) is not None:
        return url
    try:
        cluster.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"AIDRAN_HOME ({cluster.home}) cannot be made: {error}. Choose another folder.") from error
    with cluster.locked():
        return cluster.start()


def server_status(settings: Settings) -> ServerStatus:
    """State of the embedded server; nothing is started or changed."""
    cluster = Cluster(settings.home)
    url = cluster.live_url()
    pid = cluster.pid_file()
    return ServerStatus(url is not None, url, pid.pid if url and pid else None, cluster.data, cluster.log)


def stop_server(settings: Settings) -> bool:
    """Stop the embedded server (sessions are ended, transactions rolled back). False when it was not running."""
    cluster = Cluster(settings.home)
    if not cluster.folder.exists():
        return False
    with cluster.locked():
        return cluster.stop()


class Cluster:
    """One PostgreSQL cluster in `<AIDRAN_HOME>/postgres`, with its password and its log."""

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self.folder = self.home / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.password_file = self.folder / "password"

    # --- what is there ------------------------------------------------------------------------------------------------

    def pid_file(self) -> _PidFile | None:
        """The server's pid file, or None when it is absent, cut short or about another folder."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            port = int(lines[3]) if len(lines) > 3 else None
        except (OSError, ValueError, IndexError):
            return None
        return _PidFile(pid, port) if pid > 1 else None

    def live_url(self) -> str | None:
        """URL of the `aidran` database when this cluster's own server answers, else None."""
        pid = self.pid_file()
        if pid is None or not self._is_ours(pid.pid):
            return None
        return self._answering_url(pid.port)

    def _is_ours(self, pid: int) -> bool:
        """Whether a process id is this cluster's server (where there is no /proc: whether it is alive)."""
        if not Path("/proc/self").exists():
            return alive(pid)
        return pid in server_processes(self.data)

    def _url(self, port: int, database: str) -> str:
        try:
            password = self.password_file.read_text().strip()
        except OSError as error:
            raise StoreError(f"The password of the embedded PostgreSQL cannot be read: {error}") from error
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{database}"

    def _answering_url(self, port: int | None) -> str | None:
        """URL of the `aidran` database when the server at the port lets us in and works in our folder."""
        if port is None:
            return None
        try:
            url = self._url(port, DATABASE)
            with psycopg.connect(url, connect_timeout=5, autocommit=True) as conn:
                row = conn.execute("SHOW data_directory").fetchone()
        except (psycopg.Error, OSError):
            return None
        return url if row is not None and Path(str(row[0])) == self.data else None

    # --- start --------------------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock file; the kernel drops it when the holder dies. Raises StoreError after LOCK_SECONDS."""
        try:
            handle = os.open(self.home / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"AIDRAN_HOME ({self.home}) is not writable: {error}. Choose another folder.") from error
        try:
            if os.geteuid() == 0:  # root in somebody's folder must not lock its owner out
                owner = self.home.stat()
                os.fchown(handle, owner.st_uid, owner.st_gid)
            if not _wait(lambda: _flock(handle), LOCK_SECONDS):
                raise StoreError(f"Another process has been starting or stopping the server in {self.home} for long.")
            yield
        finally:
            os.close(handle)

    def start(self) -> str:
        """Make the cluster if there is none, start it if it does not run, and wait until it answers. Needs the lock."""
        self._refuse_unquotable_path()
        launcher = choose_launcher(self.folder, self.home)
        for remains in sorted(self.home.glob("postgres.new-*")):  # of a killed attempt: we hold the lock
            shutil.rmtree(remains, ignore_errors=True)
        if not self.folder.exists() or not any(self.folder.iterdir()):
            # A server whose folder was removed under it lives on for up to a minute, and writes its control file by
            # path: into the new cluster, which then cannot start.
            self._end_processes(signal.SIGQUIT)
            self._create(launcher)
        self._check_version()
        deadline = time.monotonic() + START_SECONDS
        while True:
            pid = self.pid_file()
            if pid is not None and self._is_ours(pid.pid):
                url = self._wait_until_ready(deadline)
            else:
                self._end_processes()  # what no valid pid file names: orphans, or a server whose file was damaged
                url = self._launch(launcher)
            if url is not None:
                return url
            if time.monotonic() > deadline:
                raise StoreError(f"The embedded PostgreSQL did not start. The end of {self.log}:\n{_tail(self.log)}")
            time.sleep(0.3)

    def _refuse_unquotable_path(self) -> None:
        """pg_ctl hands the path to a shell in double quotes."""
        if set(str(self.data)) & set('"$`\\\n'):
            raise StoreError(f"AIDRAN_HOME ({self.home}) must not contain quotes, $, backslashes or line breaks.")

    def _check_version(self) -> None:
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise StoreError(
                f"{self.folder} is not a whole cluster ({error}). Move it away to start afresh."
            ) from error
        if version != MAJOR_VERSION:
            raise StoreError(
                f"{self.data} was made by PostgreSQL {version}, this release has {MAJOR_VERSION}: make a backup with "
                "the release that made it (aidran db backup), move the folder away, and restore."
            )

    def _create(self, launcher: Launcher) -> None:
        """Run initdb in a side folder and rename it when it is whole."""
        side = self.home / f"postgres.new-{secrets.token_hex(4)}"
        side.mkdir(mode=0o700)
        password = side / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        if os.geteuid() == 0:
            os.chown(side, launcher.uid, launcher.gid)
            os.chown(password, launcher.uid, launcher.gid)
        output = side / "server.log"
        argv = [str(program("initdb")), "-D", str(side / "data"), "-U", ROLE, f"--pwfile={password}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        # The same order and case rules on every machine, whatever locales it has.
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        for name, value in SERVER_OPTIONS.items():
            argv += ["--set", f"{name}={value}"]
        code = launcher.run(argv, output, timeout=START_SECONDS)
        if code != 0:
            tail = _tail(output)
            shutil.rmtree(side, ignore_errors=True)
            raise StoreError(f"initdb failed in {self.home} (exit code {code}):\n{tail}")
        if os.geteuid() == 0:
            os.chown(output, launcher.uid, launcher.gid)
        side.rename(self.folder)

    def _launch(self, launcher: Launcher) -> str | None:
        """Start the server; None when it did not come up but another attempt may succeed."""
        running = self._claim()
        try:
            self._drop_misleading_pid_file()
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            before = self.log.stat().st_size if self.log.exists() else 0
            port = self._free_port()
            argv = [str(program("pg_ctl")), "start", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60"]
            argv += ["-o", f"-p {port} -c listen_addresses=127.0.0.1"]
            code = launcher.run(argv, self.folder / "pg_ctl.log", timeout=START_SECONDS, keep_open=[running])
        finally:
            os.close(running)  # the server's processes keep it open, and with it the lock
        if code == 0:
            self._make_database(port)
            return self._answering_url(port)
        said = _tail(self.log, start=before)
        passing = ("could not bind", "lock file", "pre-existing shared memory", "starting up")
        if any(word in said for word in passing) or not said:
            return None
        raise StoreError(f"The embedded PostgreSQL did not start. The end of {self.log}:\n{said}")

    def _claim(self) -> int:
        """The file descriptor of the lock that a running server holds. Raises StoreError when one holds it unseen."""
        handle = os.open(self.folder / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _wait(lambda: _flock(handle), CLAIM_SECONDS):
                raise StoreError(
                    f"{self.folder} is in use by a server that cannot be seen from here, such as one in another "
                    "container. Give each its own AIDRAN_HOME, or let both use one AIDRAN_DATABASE_URL."
                )
        except StoreError:
            os.close(handle)
            raise
        return handle

    def _free_port(self) -> int:
        """The port of the last start when it is free, so that long-running clients find the server again."""
        try:
            words = shlex.split((self.data / "postmaster.opts").read_text())
            last = int(words[words.index("-p") + 1])
        except (OSError, ValueError, IndexError):
            last = 0
        for port in (last, 0):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise StoreError("There is no free port on 127.0.0.1.")

    def _make_database(self, port: int) -> None:
        with psycopg.connect(self._url(port, "postgres"), connect_timeout=10, autocommit=True) as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(f'CREATE DATABASE "{DATABASE}"')

    def _wait_until_ready(self, deadline: float) -> str | None:
        """Wait for a server that somebody else has started; None when it ended meanwhile."""
        while time.monotonic() < deadline:
            pid = self.pid_file()
            if pid is None or not self._is_ours(pid.pid):
                return None
            if pid.port is not None:
                try:
                    self._make_database(pid.port)
                except psycopg.Error as error:  # still starting up, or in recovery after a crash
                    if "password authentication failed" in str(error):
                        raise StoreError(f"{self.password_file} does not hold the server's password.") from None
                else:
                    return self._answering_url(pid.port)
            time.sleep(0.2)
        raise StoreError(f"The embedded PostgreSQL runs but does not answer. The end of {self.log}:\n{_tail(self.log)}")

    def _drop_misleading_pid_file(self) -> None:
        """Remove a pid file that PostgreSQL would refuse for ever: one cut short, or whose id is another program's.

        A file with a dead id is left: PostgreSQL itself checks it together with the old shared memory.
        """
        pid = self.pid_file()
        if pid is None or (alive(pid.pid) and not self._is_ours(pid.pid)):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    # --- stop ---------------------------------------------------------------------------------------------------------

    def stop(self) -> bool:
        """Stop the server and wait for its end. Needs the lock. False when it was not running."""
        if Path("/proc/self").exists():
            return self._end_processes()
        pid = self.pid_file()
        if pid is None or not alive(pid.pid):
            return False
        os.kill(pid.pid, signal.SIGINT)
        _wait(lambda: not alive(pid.pid), 60)
        return True

    def _end_processes(self, first: signal.Signals = signal.SIGINT) -> bool:
        """End this cluster's processes: fast shutdown, after 30 s immediate shutdown. False when there were none.

        first: SIGQUIT for those that have nothing left to save.
        """
        if not server_processes(self.data):
            return False
        for request, patience in ((first, 30.0), (signal.SIGQUIT, 15.0)):
            for pid in server_processes(self.data):
                _send(pid, request)
            if _wait(lambda: not server_processes(self.data), patience):
                return True
        raise StoreError(f"Processes {server_processes(self.data)} of the embedded PostgreSQL do not end.")


def _flock(handle: int) -> bool:
    """Whether the lock of an open file could be taken now. The kernel drops it when the last holder dies."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _send(pid: int, request: signal.Signals) -> None:
    try:
        os.kill(pid, request)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise StoreError(f"Process {pid} of the embedded PostgreSQL belongs to another user: {error}") from error


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition comes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _tail(path: Path, *, start: int = 0, limit: int = 2000) -> str:
    """The end of a text file, at most `limit` bytes of what comes after byte `start`."""
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(start, size - limit))
            return handle.read().decode(errors="replace").strip()
    except OSError:
        return ""
