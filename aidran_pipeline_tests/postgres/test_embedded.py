"""The embedded server against what really happens to it: killed processes, broken files, several starters at once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store import embedded, postgres_programs
from aidran_pipeline.store.embedded import Cluster, ensure_server, server_status, stop_server
from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.postgres_programs import Launcher, alive, candidates, server_processes

START = """
import sys
from pathlib import Path
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store.embedded import ensure_server
print(ensure_server(Settings(AIDRAN_HOME=Path(sys.argv[1]))))
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as several users")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with a home of this test's own, whose server is stopped and removed in the end."""
    home = Settings(AIDRAN_HOME=tmp_path / "home")
    yield home
    stop_server(home)
    shutil.rmtree(home.home, ignore_errors=True)


def starter(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(settings.home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=5) as conn:
        return conn.execute("SELECT 1").fetchone() == (1,)


def write_row(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS value")


def read_row(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT value FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def kill_server(settings: Settings) -> int:
    """Kill -9 the postmaster, as the kernel does when memory runs out; the id it had."""
    pid = server_status(settings).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    return pid


def test_first_start_is_private_and_on_loopback_only(settings: Settings, tmp_path: Path) -> None:
    modes = {path: path.stat().st_mode for path in (tmp_path, *tmp_path.parents)}
    accounts = Path("/etc/passwd").read_bytes()

    url = ensure_server(settings)

    assert answers(url)
    assert {path: path.stat().st_mode for path in modes} == modes
    assert Path("/etc/passwd").read_bytes() == accounts
    cluster = Cluster(settings.home)
    assert cluster.folder.stat().st_mode & 0o077 == 0
    assert cluster.password_file.stat().st_mode & 0o077 == 0
    with psycopg.connect(url) as conn:
        shown = {name: conn.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "fsync")}
        assert shown == {"listen_addresses": ("127.0.0.1",), "fsync": ("on",)}
        assert conn.execute("SHOW unix_socket_directories").fetchone() == ("",)
        conn.execute("CREATE EXTENSION vector")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(cluster.password_file.read_text().strip(), "wrong"))
    port = int(url.rpartition(":")[2].split("/")[0])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=2).close()
    assert "wrong" not in repr(server_status(settings))
    assert cluster.password_file.read_text().strip() not in repr(server_status(settings))


def test_server_outlives_its_starter_and_is_found_again(settings: Settings) -> None:
    process = starter(settings)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert ensure_server(settings) == out.strip()
    assert server_status(settings).running


def test_five_first_starts_at_once_give_one_server(settings: Settings) -> None:
    processes = [starter(settings) for _ in range(5)]
    results = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for _, _, code in results] == [0] * 5, results
    assert len({out for out, _, _ in results}) == 1
    assert sorted(path.name for path in settings.home.iterdir()) == ["postgres", "postgres.lock"]


def test_stop_ends_every_process_and_a_restart_keeps_port_and_data(settings: Settings) -> None:
    url = ensure_server(settings)
    write_row(url)
    assert stop_server(settings) is True
    assert server_processes(Cluster(settings.home).data) == []
    assert stop_server(settings) is False
    assert not server_status(settings).running
    again = ensure_server(settings)
    assert again == url
    assert read_row(again) == 42


def test_stop_without_a_server_makes_nothing(tmp_path: Path) -> None:
    settings = Settings(AIDRAN_HOME=tmp_path / "nothing")
    assert stop_server(settings) is False
    assert not settings.home.exists()


def test_taken_port_is_replaced(settings: Settings) -> None:
    url = ensure_server(settings)
    stop_server(settings)
    port = int(url.rpartition(":")[2].split("/")[0])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        other = ensure_server(settings)
    assert other != url
    assert answers(other)


def test_killed_server_starts_again_with_what_was_committed(settings: Settings) -> None:
    url = ensure_server(settings)
    write_row(url)
    kill_server(settings)
    assert read_row(ensure_server(settings)) == 42


def test_home_removed_under_a_running_server_is_made_anew_without_it(settings: Settings) -> None:
    """The old server writes its control file by path: left alive, it would spoil the new cluster of that path."""
    write_row(ensure_server(settings))
    cluster = Cluster(settings.home)
    old = server_processes(cluster.data)
    assert old
    shutil.rmtree(settings.home)
    url = ensure_server(settings)
    assert not [pid for pid in old if alive(pid)]
    write_row(url)
    assert stop_server(settings) and read_row(ensure_server(settings)) == 42


def test_pid_file_with_a_reused_id_is_not_believed(settings: Settings) -> None:
    write_row(ensure_server(settings))
    old = kill_server(settings)
    file = Cluster(settings.home).data / "postmaster.pid"
    wait_for(lambda: not server_processes(file.parent))
    file.write_text(file.read_text().replace(str(old), str(os.getpid()), 1))
    assert read_row(ensure_server(settings)) == 42


@pytest.mark.parametrize("content", ["", "12", "not a number\n"])
def test_damaged_pid_file_of_a_dead_server(settings: Settings, content: str) -> None:
    write_row(ensure_server(settings))
    kill_server(settings)
    (Cluster(settings.home).data / "postmaster.pid").write_text(content)
    assert read_row(ensure_server(settings)) == 42


def test_damaged_pid_file_of_a_live_server_gives_one_server(settings: Settings) -> None:
    write_row(ensure_server(settings))
    old = server_status(settings).pid
    data = Cluster(settings.home).data
    (data / "postmaster.pid").write_text("")
    assert read_row(ensure_server(settings)) == 42
    assert old is not None
    assert not alive(old)


@pytest.mark.parametrize(
    "sign", ["postgres.new-*/data/base", "postgres.new-*/data/global/pg_control", "postgres/data/postmaster.pid"]
)
def test_starter_killed_half_way(settings: Settings, sign: str) -> None:
    process = starter(settings)
    wait_for(lambda: list(settings.home.glob(sign)) or process.poll() is not None, 60)
    process.kill()
    process.communicate()
    assert answers(ensure_server(settings))
    left = {path.name for path in settings.home.iterdir() if not path.name.startswith("postgres.new-")}
    assert left == {"postgres", "postgres.lock"}


def test_remains_of_a_half_finished_initdb_are_removed(settings: Settings) -> None:
    remains = settings.home / "postgres.new-0123"
    (remains / "data").mkdir(parents=True)
    (remains / "data" / "PG_VERSION").write_text("18\n")
    assert answers(ensure_server(settings))
    assert not remains.exists()


def test_long_home_with_spaces_and_an_apostrophe(tmp_path: Path) -> None:
    settings = Settings(AIDRAN_HOME=tmp_path / ("reader's folder " * 8) / ("x" * 120))
    try:
        assert answers(ensure_server(settings))
    finally:
        stop_server(settings)


def test_home_that_a_shell_would_expand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="must not contain"):
        ensure_server(Settings(AIDRAN_HOME=tmp_path / "$HOME"))


def test_foreign_folder_is_left_alone(settings: Settings) -> None:
    folder = settings.home / "postgres"
    folder.mkdir(parents=True)
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(StoreError, match="not a whole cluster"):
        ensure_server(settings)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_cluster_of_another_major_version_is_named(settings: Settings) -> None:
    ensure_server(settings)
    stop_server(settings)
    (Cluster(settings.home).data / "PG_VERSION").write_text("17\n")
    with pytest.raises(StoreError, match="made by PostgreSQL 17"):
        ensure_server(settings)


def test_server_that_cannot_be_seen_is_not_doubled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers on one volume see neither each other's processes nor each other's loopback."""
    ensure_server(settings)
    pid = server_status(settings).pid
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(embedded, "server_processes", lambda data: [])
        elsewhere.setattr(embedded, "CLAIM_SECONDS", 0.2)
        with pytest.raises(StoreError, match="in use by a server that cannot be seen"):
            ensure_server(settings)
    assert server_status(settings).pid == pid


def test_lost_password_is_named(settings: Settings) -> None:
    ensure_server(settings)
    password = Cluster(settings.home).password_file
    kept = password.read_text()
    password.write_text("guessed\n")
    with pytest.raises(StoreError, match="does not hold the server's password"):
        ensure_server(settings)
    password.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        ensure_server(settings)
    password.write_text(kept)


def test_home_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        ensure_server(Settings(AIDRAN_HOME=tmp_path / "file" / "home"))


# --- identities -------------------------------------------------------------------------------------------------------


@as_root
def test_root_without_user_namespaces_uses_another_account_and_changes_no_mode(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fallback = [launcher for launcher in candidates() if launcher.name == "setpriv"]
    assert fallback, "setpriv is part of util-linux"
    monkeypatch.setattr(postgres_programs, "candidates", lambda: fallback)
    tmp_path.chmod(0o700)
    modes = {path: (path.stat().st_mode, path.stat().st_uid) for path in (tmp_path, *tmp_path.parents)}

    write_row(ensure_server(settings))

    pid = server_status(settings).pid
    assert pid is not None
    assert Path(f"/proc/{pid}").stat().st_uid == fallback[0].uid != 0
    assert {path: (path.stat().st_mode, path.stat().st_uid) for path in modes} == modes
    monkeypatch.undo()
    assert stop_server(settings) is True
    assert read_row(ensure_server(settings)) == 42  # the cluster keeps its owner


@as_root
def test_root_starts_the_cluster_of_an_ordinary_user_as_that_user(settings: Settings) -> None:
    write_row(ensure_server(settings))
    stop_server(settings)
    daemon = 1
    for path in [settings.home, *settings.home.rglob("*")]:
        os.chown(path, daemon, daemon)
    assert read_row(ensure_server(settings)) == 42
    pid = server_status(settings).pid
    assert pid is not None
    assert Path(f"/proc/{pid}").stat().st_uid == daemon
    foreign = [path for path in Cluster(settings.home).data.rglob("*") if path.stat().st_uid != daemon]
    assert foreign == []


@as_root
def test_ordinary_user_is_told_whose_cluster_it_is(settings: Settings) -> None:
    ensure_server(settings)
    cluster = Cluster(settings.home).folder
    script = (
        "import os, sys; from pathlib import Path\n"
        "from aidran_pipeline.store.postgres_programs import choose_launcher\n"
        "cluster = Path(sys.argv[1]); os.chdir(cluster.parent); os.seteuid(65534)\n"
        "choose_launcher(Path('postgres'), Path('.'))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(cluster)], capture_output=True, text=True, check=False)
    assert "belongs to root" in done.stderr


@as_root
def test_refusal_names_the_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = Launcher("unshare", ("sh", "-c", "echo unshare failed: Operation not permitted >&2; exit 1"), 0, 0)
    monkeypatch.setattr(postgres_programs, "candidates", lambda: [forbidden])
    with pytest.raises(StoreError, match=r"not permitted.*AIDRAN_DATABASE_URL"):
        ensure_server(settings)
    assert not (settings.home / "postgres").exists()
