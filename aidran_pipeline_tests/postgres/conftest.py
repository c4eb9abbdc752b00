"""Material for stories, made once a session and copied for each test that writes; a newsroom; a server to read from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline_tests.ingest_server import Server, serving
from aidran_pipeline_tests.material import prepare, tell
from aidran_pipeline_tests.newsroom import Built, build_newsroom


@pytest.fixture(scope="session")
def material_url(server_url: str, template_url: str) -> Iterator[str]:
    """A database with material for two stories, prepared once and copied for each test."""
    name = f"material_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_url.rsplit('/', 1)[1]}")
    url = server_url.rsplit("/", 1)[0] + "/" + name
    with connect(url) as conn:
        tell(conn)
        prepare(conn)
    yield url
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def copy_url(server_url: str, material_url: str) -> Iterator[str]:
    name = f"copy_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {material_url.rsplit('/', 1)[1]}")
    yield server_url.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def told(copy_url: str) -> Iterator[Connection]:
    with connect(copy_url) as conn:
        yield conn


@pytest.fixture
def built(conn: Connection) -> Built:
    """The test newsroom with its published stories, in this test's own database."""
    return build_newsroom(conn)


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server on loopback that answers as the test says."""
    with serving() as running:
        yield running
