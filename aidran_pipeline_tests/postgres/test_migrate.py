"""Migrations: once each, whole or not at all, whatever happens around them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.migrate import migrate, migrations_folder, pending

MIGRATE = """
import sys
from pathlib import Path
from aidran_pipeline.store.migrate import migrate
print(" ".join(migrate(sys.argv[1], Path(sys.argv[2]))))
"""


def names() -> list[str]:
    return sorted(path.stem for path in migrations_folder().glob("*.sql"))


def migrator(url: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def applied(url: str) -> list[str]:
    with connect(url) as conn:
        rows = conn.execute("SELECT migration_id FROM _yoyo_migration ORDER BY migration_id").fetchall()
    return [row["migration_id"] for row in rows]


def test_all_in_order_and_nothing_the_second_time(empty_database_url: str) -> None:
    assert pending(empty_database_url) == names()
    assert migrate(empty_database_url) == names()
    assert migrate(empty_database_url) == []
    assert pending(empty_database_url) == []
    assert applied(empty_database_url) == names()


def test_four_at_once_apply_each_once(empty_database_url: str) -> None:
    processes = [migrator(empty_database_url, migrations_folder()) for _ in range(4)]
    results = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for _, _, code in results] == [0] * 4, results
    assert sorted(name for out, _, _ in results for name in out.split()) == names()
    assert applied(empty_database_url) == names()


def test_lock_row_of_a_dead_process_does_not_block(conn: Connection, database_url: str) -> None:
    conn.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4194304)")
    conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", (names()[-1],))
    conn.execute("DROP VIEW IF EXISTS citation_lineage CASCADE")
    started = time.monotonic()
    try:
        migrate(database_url)
    except psycopg.Error:
        pass  # the last migration's objects may stand already: the lock is what matters here
    assert time.monotonic() - started < 5
    assert conn.execute("SELECT count(*) AS n FROM yoyo_lock").fetchone() == {"n": 0}


def test_killed_migration_is_repeated_as_a_whole(empty_database_url: str, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "0001.first.sql").write_text("CREATE TABLE first (id int);")
    (slow / "0002.second.sql").write_text(
        "-- depends: 0001.first\nCREATE TABLE second (id int);\nSELECT pg_sleep(60);\nCREATE TABLE third (id int);"
    )
    process = migrator(empty_database_url, slow)
    with connect(empty_database_url) as conn:
        deadline = time.monotonic() + 20
        query = (
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        while conn.execute(query).fetchone() == {"n": 0}:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    process.kill()
    process.communicate()
    assert applied(empty_database_url) == ["0001.first"]
    (slow / "0002.second.sql").write_text(
        "-- depends: 0001.first\nCREATE TABLE second (id int);\nCREATE TABLE third (id int);"
    )
    started = time.monotonic()
    assert migrate(empty_database_url, slow) == ["0002.second"]
    assert time.monotonic() - started < 20


def test_failing_migration_leaves_no_trace(empty_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001.broken.sql").write_text("CREATE TABLE half (id int);\nSELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_database_url, tmp_path)
    with connect(empty_database_url) as conn:
        assert conn.execute("SELECT to_regclass('half') AS t").fetchone() == {"t": None}
    assert applied(empty_database_url) == []


def test_database_of_a_newer_release_is_refused(conn: Connection, database_url: str) -> None:
    conn.execute(
        "INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('f', '9999.later', now())"
    )
    with pytest.raises(StoreError, match=r"newer release.*9999\.later"):
        migrate(database_url)


def test_migration_outside_a_transaction_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001.loose.sql").write_text("-- transactional: false\nCREATE TABLE loose (id int);")
    with pytest.raises(StoreError, match="outside a transaction"):
        migrate(empty_database_url, tmp_path)


def test_every_table_and_view_says_what_it_holds(conn: Connection) -> None:
    rows = conn.execute(
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
          AND relname NOT LIKE '%%yoyo%%' AND obj_description(oid, 'pg_class') IS NULL
        ORDER BY 1
        """
    ).fetchall()
    assert [row["relname"] for row in rows] == []
