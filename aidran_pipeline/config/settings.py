"""Settings from the environment, read once and passed on: nothing else in the package reads `os.environ`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from aidran_pipeline.config.models import ModelSettings


class Settings(ModelSettings):
    """Every handle of the environment that the project knows, with its default.

    Raises pydantic.ValidationError naming the variable when a value does not fit.
    """

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", case_sensitive=False)

    home: Path = Field(default=Path(".aidran"), validation_alias="AIDRAN_HOME")
    database_url: SecretStr | None = Field(default=None, validation_alias="AIDRAN_DATABASE_URL")
    sources_file: Path | None = Field(default=None, validation_alias="AIDRAN_SOURCES")
    topics_file: Path | None = Field(default=None, validation_alias="AIDRAN_TOPICS")
    publication_file: Path | None = Field(default=None, validation_alias="AIDRAN_PUBLICATION")
    executor: Literal["in_process", "multiprocess"] = Field(default="in_process", validation_alias="AIDRAN_EXECUTOR")
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default=(), validation_alias="AIDRAN_ALLOW_HOSTS")

    body_days: int = Field(default=30, ge=0, le=36_500, validation_alias="AIDRAN_BODY_DAYS")
    alert_webhook: SecretStr | None = Field(default=None, validation_alias="AIDRAN_ALERT_WEBHOOK")

    bluesky_handle: str | None = Field(default=None, validation_alias="BLUESKY_HANDLE")
    bluesky_app_password: SecretStr | None = Field(default=None, validation_alias="BLUESKY_APP_PASSWORD")
    reddit_client_id: str | None = Field(default=None, validation_alias="REDDIT_CLIENT_ID")
    reddit_client_secret: SecretStr | None = Field(default=None, validation_alias="REDDIT_CLIENT_SECRET")

    @field_validator("allow_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().lower().startswith(("http://", "https://")):
            raise ValueError("an http(s) address is needed")
        return value

    @property
    def dial(self) -> Mapping[str, tuple[str, int]]:
        """Host names that are dialled at a given (address, port). No variable sets it: only the bundled sample does."""
        return {}

    @property
    def search_reach_back(self) -> timedelta:
        """How far back a search is asked the first time. No variable sets it: only the sample's world is younger."""
        return timedelta(days=28)

    @property
    def site_dir(self) -> Path:
        """Where the static site is built."""
        return self.home / "site"

    @classmethod
    def forget_environment(cls, *keep: str) -> None:
        """Take every variable of the project, but those to keep, and every OpenAI one out of this process.

        For the demo: Dagster's definitions read the environment, too, and no key there may be spent.
        """
        known = {str(field.validation_alias) for field in cls.model_fields.values()} - set(keep)
        for name in [name for name in os.environ if name in known or name.startswith("OPENAI_")]:
            del os.environ[name]

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its local files; never the repository's root."""
        return self.home / "dagster"
