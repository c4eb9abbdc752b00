"""Material for stories, made once a session and copied for each test that writes; a newsroom; a server to read from."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline_tests.conftest import _create_database, _drop_database
from aidran_pipeline_tests.ingest_server import Server, serving
from aidran_pipeline_tests.lineage_scene import Scene
from aidran_pipeline_tests.lineage_story import Story, publish_story
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


@pytest.fixture(scope="session")
def published(
    server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Story]]:
    """Database and home of a newsroom whose lineage is asked for, published once for all tests."""
    home = tmp_path_factory.mktemp("lineage")
    url = _create_database(server_url, "lineage", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with serving() as server, connect(url) as conn:
        story = publish_story(conn, server, home)
    yield url, home, story
    _drop_database(server_url, url)


@pytest.fixture
def scene(published: tuple[str, Path, Story], tmp_path: Path) -> Iterator[Scene]:
    """That newsroom within a transaction of the test's own, with a copy of its site."""
    url, home, story = published
    shutil.copytree(home / "site", tmp_path / "site")
    with connect(url) as conn, conn.transaction(force_rollback=True):
        yield Scene(conn, tmp_path / "site", story)
