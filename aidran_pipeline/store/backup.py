"""Backups: one file made by pg_dump, read back by pg_restore. What does not belong here: the retention of payloads.

Kept sign-ins (`source_sessions`) are secrets and are left out; sources sign in again after a restore.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.migrate import MIGRATION_TABLE, migrate, refuse_unknown
from aidran_pipeline.store.postgres_programs import program, program_environment

SECRET_TABLES = ("source_sessions",)
_USER_SCHEMAS = (
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
)


def backup(url: str, file: Path) -> Path:
    """Write the whole database, without kept sign-ins, to a compressed file of mode 0600; an older file is replaced.

    The file appears when it is whole. Raises StoreError when pg_dump fails, as it does on a server newer than itself.
    """
    target = file.expanduser().resolve()
    if not target.parent.is_dir():
        raise StoreError(f"The folder {target.parent} does not exist.")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    excluded = [f"--exclude-table-data={table}" for table in SECRET_TABLES]
    try:
        partial.touch(mode=0o600)
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", *excluded, f"--file={partial}"], url)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def restore(url: str, file: Path, *, force: bool) -> list[str]:
    """Bring a backup into the database and migrate it to this release; the ids of migrations applied after it.

    The database must be empty, unless `force` says to replace all that is in it. All or nothing: when something fails,
    the database is as before. Raises StoreError when the file is no backup of this project, was made by a newer
    release, or the database holds tables and `force` is false.
    """
    source = file.expanduser().resolve()
    if not source.is_file():
        raise StoreError(f"There is no backup file {source}.")
    refuse_unknown(_migrations_in(source))
    if not force and _tables(url):
        raise StoreError("The database holds data. Restore with --force to replace all of it.")
    with tempfile.TemporaryDirectory(prefix="aidran-restore-") as folder:
        clean, script = Path(folder) / "clean.sql", Path(folder) / "restore.sql"
        clean.write_text(_clean_statements(url))
        _run(["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source)])
        # One transaction from a finished script: a pipe that breaks half way would commit what came through.
        psql = ["psql", "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        _run([*psql, f"--file={clean}", f"--file={script}"], url)
    return migrate(url)


def _clean_statements(url: str) -> str:
    """SQL that empties the database: every schema but PostgreSQL's own, and `public` made anew."""
    with psycopg.connect(url) as conn:
        names = [sql.Identifier(row[0]).as_string(conn) for row in conn.execute(_USER_SCHEMAS).fetchall()]
    lines = ["SET client_min_messages = warning;"]
    lines += [f"DROP SCHEMA {name} CASCADE;" for name in names]
    return "\n".join([*lines, "CREATE SCHEMA public;", ""])


def _tables(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'"
        ).fetchone()
    return int(row[0]) if row else 0


def _migrations_in(source: Path) -> list[str]:
    """Ids of the migrations that the backup's database had. Raises StoreError when it is no backup of this project."""
    text = _run(["pg_restore", "--data-only", f"--table={MIGRATION_TABLE}", "--file=-", str(source)])
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("COPY ") and MIGRATION_TABLE in line), None)
    if start is None:
        raise StoreError(f"{source} is not a backup of this project.")
    rows = lines[start + 1 : lines.index("\\.", start)]
    return [row.split("\t")[1] for row in rows]


def _run(argv: list[str], url: str | None = None) -> str:
    """Run one of PostgreSQL's client programs on a database; its output. The password goes by the environment."""
    environment = program_environment() | {"PGCLIENTENCODING": "UTF8"}
    command = [str(program(argv[0])), *argv[1:]]
    if url is not None:
        parameters = conninfo_to_dict(url)
        password = parameters.pop("password", None)
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        environment["HOME"] = str(Path("~").expanduser())  # where libpq looks for certificates and password files
        command.insert(1, "--dbname=" + make_conninfo("", **parameters))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        raise StoreError(f"{argv[0]} failed (exit code {done.returncode}): {done.stderr.strip()[-2000:]}")
    return done.stdout
