"""Which database is used, what is asked of an external one, and backups of either."""

from __future__ import annotations

import zipfile
from pathlib import Path

import psycopg
import pytest

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.store.backup import backup, restore
from aidran_pipeline.store.database import database_url as choose_database
from aidran_pipeline.store.database import open_database, shortcoming
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.errors import StoreError
from aidran_pipeline.store.migrate import pending


def external(url: str) -> Settings:
    return Settings.model_validate({"AIDRAN_HOME": "/nowhere", "AIDRAN_DATABASE_URL": url})


def test_external_database_is_used_and_migrated(empty_database_url: str) -> None:
    assert open_database(external(empty_database_url)) == empty_database_url
    assert pending(empty_database_url) == []


def test_unreachable_database_names_the_remedy_and_keeps_the_password() -> None:
    with pytest.raises(StoreError, match="AIDRAN_DATABASE_URL cannot be reached") as caught:
        choose_database(external("postgresql://reader:s3cret@127.0.0.1:1/aidran"))
    assert "unset" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_url_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(StoreError, match="not a PostgreSQL URL") as caught:
        choose_database(external("postgresql://reader:s3cret@[half/aidran"))
    assert "s3cret" not in str(caught.value)


def test_other_encodings_are_refused(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(
            "CREATE DATABASE latin_test TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc"
        )
        try:
            with pytest.raises(StoreError, match="SQL_ASCII"):
                choose_database(external(server_url.rsplit("/", 1)[0] + "/latin_test"))
        finally:
            admin.execute("DROP DATABASE latin_test WITH (FORCE)")


def test_shortcomings_name_their_remedy() -> None:
    assert shortcoming(15, "UTF8", has_vector=True) is None
    assert "15 or later" in str(shortcoming(14, "UTF8", has_vector=True))
    assert "postgresql-17-pgvector" in str(shortcoming(17, "UTF8", has_vector=False))


# --- backups ----------------------------------------------------------------------------------------------------------


def fill(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO topics (slug, label, description, config_hash, position) VALUES ('ai-science', 'Ä', 'd', 'h', 1)"
    )
    conn.execute(
        "INSERT INTO source_sessions (host, account, session, updated_at) VALUES ('h', 'a', 'token-7f3', now())"
    )


def topics(url: str) -> list[str]:
    with connect(url) as conn:
        return [row["label"] for row in conn.execute("SELECT label FROM topics ORDER BY slug").fetchall()]


def test_backup_comes_back_without_the_kept_sign_ins(
    conn: Connection, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    fill(conn)
    file = backup(database_url, tmp_path / "aidran.backup")
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["aidran.backup"]
    assert restore(empty_database_url, file, force=False) == []
    assert topics(empty_database_url) == ["Ä"]
    with connect(empty_database_url) as other:
        assert other.execute("SELECT count(*) AS n FROM source_sessions").fetchone() == {"n": 0}


def test_restore_replaces_data_only_when_forced(conn: Connection, database_url: str, tmp_path: Path) -> None:
    fill(conn)
    file = backup(database_url, tmp_path / "aidran.backup")
    conn.execute("UPDATE topics SET label = 'changed'")
    conn.execute("CREATE SCHEMA elsewhere CREATE TABLE later (id int)")
    with pytest.raises(StoreError, match="--force"):
        restore(database_url, file, force=False)
    assert topics(database_url) == ["changed"]
    restore(database_url, file, force=True)
    assert topics(database_url) == ["Ä"]
    assert conn.execute("SELECT to_regnamespace('elsewhere') AS s").fetchone() == {"s": None}


def test_broken_backup_changes_nothing(conn: Connection, database_url: str, tmp_path: Path) -> None:
    fill(conn)
    file = backup(database_url, tmp_path / "aidran.backup")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(StoreError):
        restore(database_url, file, force=True)
    assert topics(database_url) == ["Ä"]


def test_other_files_are_refused(database_url: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as handle:
        handle.writestr("a", "b")
    with pytest.raises(StoreError, match="pg_restore failed"):
        restore(database_url, archive, force=True)
    with pytest.raises(StoreError, match="no backup file"):
        restore(database_url, tmp_path / "absent", force=True)
    with pytest.raises(StoreError, match="does not exist"):
        backup(database_url, tmp_path / "absent" / "file")


def test_backup_of_another_project_is_refused(empty_database_url: str, database_url: str, tmp_path: Path) -> None:
    with connect(empty_database_url) as other:
        other.execute("CREATE TABLE letters (id int)")
    file = backup(empty_database_url, tmp_path / "letters.backup")
    with pytest.raises(StoreError, match="not a backup of this project"):
        restore(database_url, file, force=True)


def test_backup_of_a_newer_release_is_refused_before_anything_changes(
    conn: Connection, database_url: str, tmp_path: Path
) -> None:
    fill(conn)
    conn.execute(
        "INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('f', '9999.later', now())"
    )
    file = backup(database_url, tmp_path / "later.backup")
    conn.execute("UPDATE topics SET label = 'kept'")
    with pytest.raises(StoreError, match="newer release"):
        restore(database_url, file, force=True)
    assert topics(database_url) == ["kept"]
