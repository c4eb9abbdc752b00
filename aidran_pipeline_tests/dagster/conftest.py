"""A newsroom of the test's own database and clock, and a Dagster instance on disk (sensors need one to reload)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, Definitions

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.defs.build import build_definitions
from aidran_pipeline.defs.instance import open_instance
from aidran_pipeline.defs.resources import Newsroom

NOW = datetime(2026, 5, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def newsroom(database_url: str, tmp_path: Path) -> Newsroom:
    settings = Settings(AIDRAN_DATABASE_URL=database_url, AIDRAN_HOME=tmp_path / "home")
    return Newsroom(settings=settings, clock=lambda: NOW)


@pytest.fixture
def definitions(newsroom: Newsroom) -> Definitions:
    return build_definitions(newsroom=newsroom)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    quiet: dict[str, Any] = {
        "telemetry": {"enabled": False},
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    with DagsterInstance.local_temp(str(tmp_path), overrides=quiet) as made:
        yield made


@pytest.fixture
def own_instance(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """The instance that the command line and the UI use on this test's database: Dagster's tables in PostgreSQL."""
    for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "AIDRAN_SET_DAGSTER_URL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    opened = open_instance(Settings(AIDRAN_HOME=tmp_path / "own"), database_url)
    yield opened
    opened.dispose()
