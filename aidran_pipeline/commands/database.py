"""`aidran db …`. What does not belong here: the server (store/embedded.py), migrations, backups (store/)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from aidran_pipeline.commands.console import EXIT_FAILED, CommandError, emit_json, say
from aidran_pipeline.config.settings import Settings


def start() -> None:
    """Start or reach the database and migrate it."""
    from aidran_pipeline.store.database import open_database

    settings = Settings()
    address = without_password(open_database(settings))
    say(f"{_kind(settings)} database ready at {address}")


def stop() -> None:
    """Stop the embedded server; an external one is not ours to stop."""
    from aidran_pipeline.store.embedded import stop_server

    settings = Settings()
    if settings.database_url is not None:
        raise CommandError("AIDRAN_DATABASE_URL names an external server; stop it where it runs, or unset the variable")
    say("stopped" if stop_server(settings) else "the embedded server was not running")


def status(*, as_json: bool) -> int:
    """Exit code 0 when the database answers, else 1."""
    settings = Settings()
    found = _external_status(settings) if settings.database_url is not None else _embedded_status(settings)
    if as_json:
        emit_json(found)
    else:
        for key, value in found.items():
            if value is not None:
                say(f"{key.replace('_', ' '):<20}{', '.join(value) if isinstance(value, list) else value}")
    return 0 if found["running"] else EXIT_FAILED


def _embedded_status(settings: Settings) -> dict[str, object]:
    from aidran_pipeline.store.embedded import server_status
    from aidran_pipeline.store.migrate import pending

    server = server_status(settings)
    return {
        "database": "embedded",
        "running": server.running,
        "address": without_password(server.url) if server.url else None,
        "pid": server.pid,
        "data": str(server.data),
        "log": str(server.log),
        "migrations_waiting": pending(server.url) if server.url else None,
    }


def _external_status(settings: Settings) -> dict[str, object]:
    from aidran_pipeline.store.database import check_external
    from aidran_pipeline.store.errors import StoreError
    from aidran_pipeline.store.migrate import pending

    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    try:
        check_external(url)
    except StoreError as error:
        return {"database": "external", "running": False, "address": without_password(url), "problem": str(error)}
    return {
        "database": "external",
        "running": True,
        "address": without_password(url),
        "migrations_waiting": pending(url),
    }


def url() -> None:
    """The URL itself on stdout, for `psql "$(aidran db url)"`."""
    from aidran_pipeline.store.database import database_url

    say(database_url(Settings()))


def backup_to(file: Path) -> None:
    """Write a backup."""
    from aidran_pipeline.store.backup import backup
    from aidran_pipeline.store.database import database_url

    written = backup(database_url(Settings()), file)
    say(f"{written}: {written.stat().st_size / 1e6:.1f} MB. It holds everything that was read: keep it private.")


def restore_from(file: Path, *, force: bool) -> None:
    """Read a backup."""
    from aidran_pipeline.store.backup import restore
    from aidran_pipeline.store.database import database_url

    applied = restore(database_url(Settings()), file, force=force)
    say(f"restored from {file}" + (f"; migrated by {', '.join(applied)}" if applied else ""))
    say("Sign-ins of sources were not in it; they sign in again by themselves. Build the site: aidran site")


def migrate_now() -> None:
    """Apply waiting migrations."""
    from aidran_pipeline.store.database import database_url
    from aidran_pipeline.store.migrate import migrate

    applied = migrate(database_url(Settings()))
    say("\n".join(f"applied {name}" for name in applied) or "nothing to apply: the tables are those of this release")


def without_password(url: str) -> str:
    """The URL with its password left out, for people and logs."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=f"{host}{parts.netloc.rpartition('@')[2]}").geturl()


def _kind(settings: Settings) -> str:
    return "embedded" if settings.database_url is None else "external"
