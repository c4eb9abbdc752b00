"""`aidran demo`: the bundled sample days, from the server on loopback to a finished site.

What belongs here: which day's stages run next, and what is told about them. What does not: the texts and their server
(sample/), the stages and their order within an edition (defs/edition.py).
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aidran_pipeline.commands.console import EXIT_FAILED, EXIT_SOURCES, CommandError, say
from aidran_pipeline.commands.run import Progress
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.sample.days import moment_of
from aidran_pipeline.sample.newsroom import sample_settings
from aidran_pipeline.sample.server import SampleServer, serving

if TYPE_CHECKING:
    from aidran_pipeline.defs.edition import Editor, Outcome
    from aidran_pipeline.store.db import Connection

PUBLISHED_DAYS = 3
RUN_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/AIDRAN/aidran-pipeline#sample")


def play() -> int:
    """Ingest and analyse the sample days, publish the last three, build the site; what is done already is left alone.

    Exit code 0, 1 when a stage failed, 3 when no source of a day answered.
    """
    started = time.monotonic()
    Settings.forget_environment("AIDRAN_HOME", "AIDRAN_DATABASE_URL")
    live, progress = Settings(), Progress()
    progress.note("sample days: made-up posts and reports, read from a server on this machine; no key, no network")
    with serving() as server:
        settings = sample_settings(live, server)
        with _editor(settings, progress, server) as at_work:
            outcome = play_days(at_work, server, progress)
            with at_work.newsroom.connection() as conn:
                published = _published(conn, server.sample.days)
    _tell(outcome, published, settings, time.monotonic() - started)
    if outcome.every_source_failed:
        return EXIT_SOURCES
    return EXIT_FAILED if outcome.failures else 0


@contextmanager
def _editor(settings: Settings, progress: Progress, server: SampleServer) -> Iterator[Editor]:
    """An editor whose clock is the sample's and whose runs have the same ids on every machine."""
    from aidran_pipeline.defs.edition import Editor
    from aidran_pipeline.defs.instance import open_instance
    from aidran_pipeline.defs.resources import Newsroom

    class SampleEditor(Editor):
        def run_id_for(self, *what: str) -> str | None:
            names = (str(uuid.uuid5(RUN_IDS, f"{what} {attempt}")) for attempt in range(10_000))
            return next((name for name in names if not self.instance.has_run(name)), None)

    office = Newsroom(settings=settings, progress=progress.line, clock=lambda: server.now)
    progress.line("starting the database")
    instance = open_instance(settings, office.database_url)
    try:
        yield SampleEditor(office, instance, progress)
    finally:
        instance.dispose()


def play_days(at_work: Editor, server: SampleServer, progress: Progress) -> Outcome:
    """Every stage that still has something to do, day by day, and the site. Stops after the first day that fails."""
    from aidran_pipeline.defs.edition import Outcome

    days = server.sample.days
    outcome = Outcome(days[-1])
    for day in days:
        server.now = moment_of(day)
        if not _play_day(at_work, day, server, outcome, publish=day in days[-PUBLISHED_DAYS:], progress=progress):
            return outcome
    at_work.site(outcome)
    return outcome


def _play_day(
    at_work: Editor, day: date, server: SampleServer, outcome: Outcome, *, publish: bool, progress: Progress
) -> bool:
    """One day. False when a stage failed: what comes after it would be made of half a day."""
    from aidran_pipeline.defs.partitions import TOPIC_SLUGS

    ids = [source.id for source in server.sample.sources]
    with at_work.newsroom.connection() as conn:
        to_read = _sources_due(conn, ids, server.now)
        if to_read:
            _refuse_live_records(conn, ids)
        to_analyze = to_read or not _has_claims(at_work, day) or bool(_waiting(conn, day))
        to_publish = publish and _undecided(conn, day, TOPIC_SLUGS)
    if not (to_read or to_analyze or to_publish):
        progress.note(f"{day}  stands as it was made before")
        return True
    progress.note(f"{day}")
    if to_read:
        at_work.ingest(day, outcome, now=server.now)
        if outcome.sources.get("failed"):
            outcome.failures.append(f"ingest: {outcome.sources['failed']} of the sample's sources did not answer")
    if to_analyze and not outcome.failures:
        at_work.analyze(day, outcome)
    if to_publish and not outcome.failures:
        at_work.publish_day(day, list(TOPIC_SLUGS), outcome)
    return not outcome.failures


def _refuse_live_records(conn: Connection, ids: list[str]) -> None:
    """A newsroom at work is no place for the sample: reading it would mark the live sources removed."""
    if conn.execute("SELECT FROM records WHERE source_id <> ALL(%s) LIMIT 1", (ids,)).fetchone() is not None:
        raise CommandError(
            "this database holds records of live sources, and the demo would mix the sample with them; "
            "play it elsewhere: AIDRAN_HOME=.aidran-demo aidran demo (without AIDRAN_DATABASE_URL)"
        )


def _sources_due(conn: Connection, ids: list[str], now: datetime) -> bool:
    """Whether a source of the sample was never read, or not at this moment yet."""
    row = conn.execute(
        "SELECT count(*) AS n FROM sources WHERE id = ANY(%s) AND next_check_at > %s", (ids, now)
    ).fetchone()
    return row is None or row["n"] < len(ids)


def _has_claims(at_work: Editor, day: date) -> bool:
    from aidran_pipeline.defs.events import DATA_VERSION, latest_tags

    return day.isoformat() in latest_tags(at_work.instance, "claims", [day.isoformat()], DATA_VERSION)


def _waiting(conn: Connection, day: date) -> list[date]:
    from aidran_pipeline.defs.edition import HISTORY_DAYS, waiting_days

    return waiting_days(conn, since=day - timedelta(days=HISTORY_DAYS), until=day)


def _undecided(conn: Connection, day: date, topics: tuple[str, ...]) -> bool:
    """Whether a topic has no decision for the day.

    What was decided is not decided again: later days brought records that the edition of that day could not know.
    """
    row = conn.execute(
        "SELECT count(*) AS n FROM current_decisions WHERE day = %s AND topic = ANY(%s)", (day, list(topics))
    ).fetchone()
    return row is None or row["n"] < len(topics)


def _published(conn: Connection, days: tuple[date, ...]) -> list[dict[str, Any]]:
    """The stories of the sample days, newest day first, then by how many records they cite."""
    return conn.execute(
        """SELECT a.day, a.topic, a.slug, h.text AS headline, v.records_cited, v.pages_cited
           FROM articles a JOIN current_article_versions v ON v.article_id = a.id
           JOIN article_sentences h ON h.article_version_id = v.id AND h.part = 'headline'
           WHERE a.day BETWEEN %s AND %s ORDER BY a.day DESC, v.records_cited DESC, a.topic""",
        (days[0], days[-1]),
    ).fetchall()


def _tell(outcome: Outcome, published: list[dict[str, Any]], settings: Settings, seconds: float) -> None:
    """The stories, where the site is and how to go on."""
    say()
    for failure in outcome.failures:
        say(f"FAILED {failure}")
    day = None
    for story in published:
        if story["day"] != day:
            day = story["day"]
            say(f"{day}")
        say(f"  {story['topic']:<24} {story['headline']}")
    page = (settings.site_dir / "index.html").resolve()
    command = _command(settings)
    say()
    say(f"{len(published)} stories in {seconds:.0f} s. The site: {page}")
    say(f"  {command} site --serve   reads it at http://127.0.0.1:8000/")
    if published:
        say(f"  {command} trace {published[0]['slug']} 1   follows its first citation back to the stored bytes")
    say(f"  {command} dev            shows the runs and assets in Dagster's UI")
    say(f"  {command} db stop        stops the database" if settings.database_url is None else "")


def _command(settings: Settings) -> str:
    """How this program is called from here, with the home it was given."""
    program = Path(sys.argv[0])
    name = "aidran" if shutil.which("aidran") else os.path.relpath(program) if program.name == "aidran" else "aidran"
    home = settings.home
    return name if home == Path(".aidran") else f"AIDRAN_HOME={home} {name}"
