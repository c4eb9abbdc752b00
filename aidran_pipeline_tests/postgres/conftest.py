"""Fixtures of the lineage tests: one newsroom is published for all, each test works in a transaction of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aidran_pipeline.store.db import connect
from aidran_pipeline_tests.conftest import _create_database, _drop_database
from aidran_pipeline_tests.ingest_server import serving
from aidran_pipeline_tests.lineage_scene import Scene
from aidran_pipeline_tests.lineage_story import Story, publish_story


@pytest.fixture(scope="session")
def published(
    server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Story]]:
    """The database and home of the newsroom, made once."""
    home = tmp_path_factory.mktemp("lineage")
    url = _create_database(server_url, "lineage", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with serving() as server, connect(url) as conn:
        story = publish_story(conn, server, home)
    yield url, home, story
    _drop_database(server_url, url)


@pytest.fixture
def scene(published: tuple[str, Path, Story], tmp_path: Path) -> Iterator[Scene]:
    url, home, story = published
    shutil.copytree(home / "site", tmp_path / "site")
    with connect(url) as conn, conn.transaction(force_rollback=True):
        yield Scene(conn, tmp_path / "site", story)
