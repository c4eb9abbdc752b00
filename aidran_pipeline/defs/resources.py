"""What every asset is given: settings, publication, the database, and the clock.

What does not belong here: anything a stage decides. The clock stops here: a run carries its moment in the tag
`aidran/now`, or gets the real one; no asset asks the system for the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from aidran_pipeline.config.models import Role
from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.topics import Topics, load_topics
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.provenance import Progress, Run, content_hash

if TYPE_CHECKING:
    from aidran_pipeline.llm.models import OpenModels

NOW_TAG = "aidran/now"


def _real_now() -> datetime:
    return datetime.now(UTC)


def moment_from(tags: Mapping[str, str], default: Callable[[], datetime] = _real_now) -> datetime:
    """The moment a run stands for. Raises ValueError when its tag is not an ISO moment with a time zone."""
    text = tags.get(NOW_TAG)
    if text is None:
        return default()
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"run tag {NOW_TAG}: {text!r} has no time zone; write 2026-05-20T23:30:00+00:00")
    return moment.astimezone(UTC)


@dataclass
class Newsroom:
    """The newsroom of one process. Tests and the demo build their own; Dagster gets it as the resource `newsroom`.

    A plain object, not a ConfigurableResource: its settings come from the environment, once, and a run's own part
    (the moment) travels in the run's tags, so that there is nothing to type into the launchpad.
    """

    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], datetime] = _real_now
    progress: Progress | None = None
    _publication: Publication | None = None
    _topics: Topics | None = None
    _url: str | None = None

    @property
    def publication(self) -> Publication:
        """The publication file, read once. Raises ConfigError naming file and key."""
        if self._publication is None:
            self._publication = load_publication(self.settings.publication_file)
        return self._publication

    @property
    def topics(self) -> Topics:
        """The topics file, read once. Raises ConfigError naming file and key."""
        if self._topics is None:
            self._topics = load_topics(self.settings.topics_file)
        return self._topics

    @property
    def database_url(self) -> str:
        """URL of the migrated database; starts the embedded server when there is no external one."""
        if self._url is None:
            from aidran_pipeline.store.database import open_database

            self._url = open_database(self.settings)
        return self._url

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of its own. An embedded server that was restarted elsewhere meanwhile is found again."""
        try:
            conn = connect(self.database_url, application="aidran dagster")
        except psycopg.OperationalError:
            self._url = None
            conn = connect(self.database_url, application="aidran dagster")
        with conn:
            yield conn

    def run_of(self, run_id: str, tags: Mapping[str, str], say: Progress) -> Run:
        """The `Run` that a stage is handed: its lines go to Dagster's log and to whoever watches this process."""

        def tell(message: str) -> None:
            say(message)
            if self.progress is not None:
                self.progress(message)

        return Run(id=run_id, now=moment_from(tags, self.clock), progress=tell)

    @contextmanager
    def models(self, run: Run) -> Iterator[OpenModels | None]:
        """The models of a run when AIDRAN_ENGINE=model, else None: keys in the environment alone open nothing.

        Raises ConfigError naming the variable that is missing.
        """
        if self.settings.engine != "model":
            yield None
            return
        from aidran_pipeline.llm import open_models

        with open_models(self.settings, self.database_url, run) as models:
            yield models

    def today(self) -> date:
        """The current UTC day of this newsroom's clock."""
        return self.clock().astimezone(UTC).date()

    def sync(self, conn: Connection) -> None:
        """Bring topics and sources of the configuration into their tables. Cheap, and safe to repeat."""
        from aidran_pipeline.config.sources import load_sources
        from aidran_pipeline.ingest import sync_sources
        from aidran_pipeline.store.topics import sync_topics

        now = self.clock()
        sync_topics(conn, self.topics, now=now)
        sync_sources(conn, load_sources(self.settings.sources_file), now=now)

    def config_version(self) -> str:
        """Hash of what an article's making depends on besides rows: publication file, release, configured models."""
        from aidran_pipeline import __version__

        parts: list[Any] = [__version__, self.publication.model_dump(mode="json")]
        if self.settings.engine == "model":
            roles: tuple[Role, ...] = ("reader", "writer", "judge")
            parts += [self.settings.openai_base_url, *(self.settings.model_of(role) for role in roles)]
        return content_hash(*parts)
