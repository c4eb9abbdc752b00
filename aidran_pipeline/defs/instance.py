"""The Dagster instance: its home under AIDRAN_HOME, its tables in a schema of the same database.

What does not belong here: the database itself (store/), what runs on the instance (edition.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from dagster import DagsterInstance
from psycopg.conninfo import conninfo_to_dict

from aidran_pipeline.config.settings import Settings

SCHEMA = "dagster"


def dagster_url(url: str, schema: str = SCHEMA) -> str:
    """The SQLAlchemy URL of Dagster's tables: psycopg2 (dagster-postgres needs it), searching `schema` alone.

    A schema, not a database: an external server's role often may not create databases, and one backup holds both.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("AIDRAN_DATABASE_URL must be a URL, postgresql://user@host/name, for Dagster to use it")
    options = quote(f"-csearch_path={schema}", safe="")
    query = "&".join(part for part in (parts.query, f"options={options}") if part)
    return urlunsplit(("postgresql+psycopg2", parts.netloc, parts.path, query, ""))


def prepare(settings: Settings, url: str) -> Path:
    """Make DAGSTER_HOME ready and point this process, and those it starts, at it. Returns the folder.

    DAGSTER_HOME and DAGSTER_POSTGRES_URL that are set already are left as they are.
    """
    if not os.environ.get("DAGSTER_POSTGRES_URL") or os.environ.get("AIDRAN_SET_DAGSTER_URL"):
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        os.environ["DAGSTER_POSTGRES_URL"] = dagster_url(url)
        os.environ["AIDRAN_SET_DAGSTER_URL"] = "1"
    home = Path(os.environ.get("DAGSTER_HOME") or settings.dagster_home.expanduser().resolve())
    home.mkdir(parents=True, exist_ok=True)
    template, target = top_level_file("dagster.yaml").read_text(encoding="utf-8"), home / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != template:
        partial = home / f".dagster.yaml.{os.getpid()}"
        partial.write_text(template, encoding="utf-8")
        partial.replace(target)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    return home


def open_instance(settings: Settings, url: str) -> DagsterInstance:
    """The instance that `aidran dev` shows, too. Makes Dagster's tables on first use; the caller disposes of it.

    Its storage keeps connections open, as under the web server: otherwise it dials for each of the 90 statements of a
    small run, which took a third of an edition's time.
    """
    instance = DagsterInstance.from_config(str(prepare(settings, url)))
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=1800, max_overflow=8)  # 0: no timeout
    return instance


def top_level_file(name: str) -> Path:
    """dagster.yaml or workspace.yaml: at the top of a checkout, in `_dagster/` of an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_dagster", package.parent):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} is missing beside {package}: install the package again")


def server_part(url: str) -> str:
    """Host, port and database of a URL, without user and password, for people."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
