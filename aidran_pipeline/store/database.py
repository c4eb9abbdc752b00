"""Which database to use: the one that AIDRAN_DATABASE_URL names, else the embedded one. Everything starts here.

What does not belong here: connections (db.py), the embedded server (embedded.py), tables (migrate.py).
"""

from __future__ import annotations

import psycopg

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store.embedded import ensure_server
from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.migrate import migrate

OLDEST_VERSION = 15


def database_url(settings: Settings) -> str:
    """URL of the database to use, a server that is ready; migrations are not run.

    AIDRAN_DATABASE_URL when set, checked; else the embedded server, started when needed. Raises StoreError whose
    message names the remedy and never the password.
    """
    if settings.database_url is None:
        return ensure_server(settings)
    url = settings.database_url.get_secret_value()
    check_external(url)
    return url


def open_database(settings: Settings) -> str:
    """URL of the database to use with this release's tables in it: `database_url`, then `migrate`."""
    url = database_url(settings)
    migrate(url)
    return url


def check_external(url: str) -> None:
    """Raise StoreError unless the URL leads to a UTF-8 database of PostgreSQL 15 or later with pgvector at hand."""
    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as conn:
            version = conn.info.server_version // 10_000
            encoding = conn.info.parameter_status("server_encoding")
            vector = conn.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    except psycopg.ProgrammingError:  # its message repeats the URL with the password
        raise StoreError("AIDRAN_DATABASE_URL is not a PostgreSQL URL such as postgresql://user@host/name.") from None
    except psycopg.Error as error:
        raise StoreError(
            f"The database of AIDRAN_DATABASE_URL cannot be reached: {str(error).strip()}\n"
            "Check the server, user, password and database, or unset the variable to use the embedded server."
        ) from None
    problem = shortcoming(version, encoding, has_vector=vector is not None)
    if problem:
        raise StoreError(problem)


def shortcoming(version: int, encoding: str | None, *, has_vector: bool) -> str | None:
    """What a server lacks, with the remedy; None when it will do. `version` is the major version."""
    if version < OLDEST_VERSION:
        return f"AIDRAN_DATABASE_URL is PostgreSQL {version}; {OLDEST_VERSION} or later is needed: upgrade it."
    if not has_vector:
        return (
            "The PostgreSQL of AIDRAN_DATABASE_URL has no pgvector: install its package on the server "
            f"(such as postgresql-{version}-pgvector), or unset the variable to use the embedded one."
        )
    if encoding != "UTF8":
        return f"The database of AIDRAN_DATABASE_URL is encoded in {encoding}; create one with ENCODING 'UTF8'."
    return None
