"""Migrations: the plain SQL files of `sql/migrations`, applied in order by yoyo. What does not belong here: the SQL.

yoyo reads and orders the files and keeps its tables; three things are done here because it does not do them:

- one PostgreSQL advisory lock for the whole run, which dies with its holder (yoyo's lock is a row that a killed process
  leaves behind and that blocks everybody after it);
- each migration and its mark in one transaction (yoyo commits the mark apart: killed between, it would fail for ever);
- a refusal to work on a database that a newer release has migrated.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import MigrationList

from aidran_pipeline.store.db import advisory_lock, connect
from aidran_pipeline.store.errors import StoreError

LOCK_NAME = "aidran:migrations"
MIGRATION_TABLE = "_yoyo_migration"


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's PostgreSQL backend over a libpq URL as it is, without asking for the user's or the host's name.

    Both questions fail or wait in containers (a user id without an account, a resolver that does not answer).
    """

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, "", {}), MIGRATION_TABLE)

    def connect(self, dburi: DatabaseURI) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True, application_name="aidran migrate")

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": "aidran",
            "hostname": "",
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),  # yoyo's column has no time zone
            "operation": operation,
        }


def migrations_folder() -> Path:
    """Folder of the migration files: `_sql/migrations` in an installed wheel, `sql/migrations` in a checkout.

    Raises StoreError when neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_sql" / "migrations", package.parent / "sql" / "migrations"):
        if folder.is_dir():
            return folder
    raise StoreError(f"The migrations are missing from {package}: install the package again.")


def migrate(url: str, folder: Path | None = None) -> list[str]:
    """Bring a database to this release's tables (or those of another folder); the ids applied now, in order.

    Twice, at the same time, or after a killed attempt: each migration is applied once and as a whole. Raises StoreError
    when the database is ahead of this release, psycopg.Error when a migration fails (it is rolled back).
    """
    known = read_migrations(str(folder or migrations_folder()))
    with connect(url, application="aidran migrate") as conn, advisory_lock(conn, LOCK_NAME), _Backend(url) as backend:
        with suppress(psycopg.Error):  # a killed client's statement ends within a second, where the system can tell
            backend.execute("SET client_connection_check_interval = '1s'")
        return _apply(backend, known)


def pending(url: str) -> list[str]:
    """Ids of the migrations that `migrate` would apply; an empty database is not touched."""
    known = [migration.id for migration in read_migrations(str(migrations_folder()))]
    with connect(url, application="aidran migrate") as conn:
        if conn.execute("SELECT to_regclass(%s) AS t", (MIGRATION_TABLE,)).fetchone() == {"t": None}:
            return known
        rows = conn.execute(f"SELECT migration_id FROM {MIGRATION_TABLE}").fetchall()
    return [name for name in known if name not in {row["migration_id"] for row in rows}]


def _apply(backend: _Backend, known: MigrationList) -> list[str]:
    if backend.lock_table not in backend.list_tables():
        backend.create_lock_table()
    backend.break_lock()  # the advisory lock is held: a row here was left by a process that is dead
    backend.ensure_internal_schema_updated()
    query = f"SELECT migration_id FROM {MIGRATION_TABLE} ORDER BY migration_id"
    refuse_unknown([row[0] for row in backend.execute(query).fetchall()], known)
    applied = []
    for migration in backend.to_apply(known):
        migration.load()
        if not migration.use_transactions:
            raise StoreError(f"{migration.id} asks to run outside a transaction: a killed run could not be repeated.")
        with backend.transaction():
            migration.process_steps(backend, "apply")
            backend.log_migration(migration, "apply")
            backend.mark_one(migration, log=False)
        applied.append(migration.id)
    return applied


def refuse_unknown(applied: list[str], known: MigrationList | None = None) -> None:
    """Raise StoreError when a database has migrations that this release does not know."""
    if known is None:
        known = read_migrations(str(migrations_folder()))
    names = {migration.id for migration in known}
    unknown = sorted(name for name in applied if name not in names)
    if unknown:
        raise StoreError(
            f"The database was migrated by a newer release (it has {', '.join(unknown)}). Update the project; "
            "data is never migrated backwards."
        )
