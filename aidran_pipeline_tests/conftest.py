"""Shared fixtures: a real PostgreSQL, migrated once, copied for each test that asks for it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.store.db import Connection, connect

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of a PostgreSQL whose role may create databases: AIDRAN_TEST_DATABASE_URL, else the embedded one."""
    yield os.environ["AIDRAN_TEST_DATABASE_URL"]


@pytest.fixture(scope="session")
def template_url(server_url: str) -> Iterator[str]:
    """A migrated database to copy from."""
    from yoyo import get_backend, read_migrations

    name = "template_" + uuid.uuid4().hex[:12]
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = server_url.rsplit("/", 1)[0] + "/" + name
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://"))
    migrations = read_migrations(str(REPOSITORY / "sql" / "migrations"))
    backend.apply_migrations(backend.to_apply(migrations))
    backend.connection.close()
    yield url
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: str, template_url: str) -> Iterator[str]:
    """A fresh, migrated, empty database of this test's own."""
    name = "test_" + uuid.uuid4().hex[:12]
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_url.rsplit('/', 1)[1]}")
    yield server_url.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A connection to this test's own database."""
    with connect(database_url) as connection:
        yield connection
