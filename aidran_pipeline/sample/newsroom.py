"""Settings of a newsroom that reads the bundled sample instead of the world."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import PrivateAttr, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.sample.days import SOURCES
from aidran_pipeline.sample.server import ACCOUNT, PASSWORD, SampleServer


class SampleSettings(Settings):
    """Settings that take nothing from the environment: no key there is used, and no host there is asked.

    Its names are dialled at the sample's server; every other name goes through the guard like any live one.
    """

    _dial: dict[str, tuple[str, int]] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given."""
        return (init_settings,)

    @property
    def dial(self) -> Mapping[str, tuple[str, int]]:
        """The hosts of the sample, at its server."""
        return self._dial

    @property
    def search_reach_back(self) -> timedelta:
        """One day: there was nothing before the first one, and a search that says so would count as a quiet month."""
        return timedelta(days=1)


def sample_settings(live: Settings, server: SampleServer | None) -> SampleSettings:
    """The home and the database of `live`, the sources of the sample; without a server nothing can be fetched."""
    given: dict[str, Any] = {
        "AIDRAN_HOME": live.home,
        "AIDRAN_DATABASE_URL": live.database_url,
        "AIDRAN_SOURCES": SOURCES,
        "BLUESKY_HANDLE": ACCOUNT,
        "BLUESKY_APP_PASSWORD": SecretStr(PASSWORD),
        "REDDIT_CLIENT_ID": ACCOUNT,
        "REDDIT_CLIENT_SECRET": SecretStr(PASSWORD),
    }
    made = SampleSettings(**given)
    made._dial = server.dial() if server else {}
    return made
