"""Shared fixtures: a real PostgreSQL, migrated once, copied for each test that asks for it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.embedded import ensure_server, stop_server
from aidran_pipeline.store.migrate import migrate

REPOSITORY = Path(__file__).resolve().parent.parent
SERVER_VARIABLE = "AIDRAN_TEST_DATABASE_URL"
_FOLDER_MARKERS = ("postgres", "dagster", "browser")


def pytest_configure(config: pytest.Config) -> None:
    """Take the caller's settings and keys out of the environment: no test may depend on them or spend them."""
    for field in Settings.model_fields.values():
        os.environ.pop(str(field.validation_alias), None)
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AIDRAN_", "DAGSTER_", "PG")) and name != SERVER_VARIABLE:
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of postgres/, dagster/ and browser/ by their folder."""
    for item in items:
        folder = item.path.parent.name
        if folder in _FOLDER_MARKERS:
            item.add_marker(folder)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL whose role may create databases: AIDRAN_TEST_DATABASE_URL, else an embedded one."""
    if configured := os.environ.get(SERVER_VARIABLE):
        yield configured
        return
    settings = Settings(AIDRAN_HOME=tmp_path_factory.mktemp("home"))
    try:
        yield ensure_server(settings)
    finally:
        stop_server(settings)


@pytest.fixture(scope="session")
def template_url(server_url: str) -> Iterator[str]:
    """A migrated database to copy from."""
    url = _create_database(server_url, "template")
    migrate(url)
    yield url
    _drop_database(server_url, url)


@pytest.fixture
def database_url(server_url: str, template_url: str) -> Iterator[str]:
    """A fresh, migrated, empty database of this test's own."""
    url = _create_database(server_url, "test", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    yield url
    _drop_database(server_url, url)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A fresh database without any table."""
    url = _create_database(server_url, "empty")
    yield url
    _drop_database(server_url, url)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A connection to this test's own database."""
    with connect(database_url) as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of recorded sources beside the checkout; tests that need it are skipped where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no recorded sources beside the checkout (../shared)")
    return folder


def _create_database(server_url: str, prefix: str, options: str = "") -> str:
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} {options}")
    return server_url.rsplit("/", 1)[0] + "/" + name


def _drop_database(server_url: str, url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")
