"""`aidran run`: one edition with progress and a summary. What does not belong here: the edition (defs/edition.py)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aidran_pipeline.commands.console import (
    EXIT_FAILED,
    EXIT_SOURCES,
    choose_topics,
    clean,
    emit_json,
    parse_day,
    say,
)
from aidran_pipeline.config.settings import Settings

if TYPE_CHECKING:
    from aidran_pipeline.defs.edition import Editor, Outcome


class Progress:
    """A line per stage; on a terminal also a moving line with what the stage is at. quiet: nothing at all."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._moving: Any = None
        self._stage = ""
        if not quiet and sys.stdout.isatty():
            from rich.console import Console

            self._moving = Console().status("")

    def line(self, message: str) -> None:
        """What a stage is at: on the moving line of a terminal, else nowhere (Dagster's log has it)."""
        if self._moving is not None:
            from rich.text import Text

            self._moving.update(Text(f"{self._stage}: {clean(message)}"[:110]))

    def started(self, stage: str, what: str) -> None:
        """A stage begins."""
        self._stage = stage
        if self._moving is not None:
            self._moving.start()
            self.line(what)

    def finished(self, stage: str, what: str, seconds: float, *, failed: bool) -> None:
        """A stage ended."""
        if self._moving is not None:
            self._moving.stop()
        if not self._quiet:
            say(f"{'FAILED ' if failed else ''}{stage:<8} {seconds:6.1f} s  {what}")

    def note(self, message: str) -> None:
        """A line of its own."""
        if not self._quiet:
            say(message)


@contextmanager
def editor(settings: Settings, progress: Progress, **newsroom: Any) -> Iterator[Editor]:
    """An Editor on the project's Dagster instance, which is released at the end."""
    from aidran_pipeline.defs.resources import Newsroom

    office = Newsroom(settings=settings, progress=progress.line, **newsroom)
    url = office.database_url
    from aidran_pipeline.defs.edition import Editor
    from aidran_pipeline.defs.instance import open_instance

    instance = open_instance(settings, url)
    try:
        yield Editor(office, instance, progress)
    finally:
        instance.dispose()


def run_edition(day_text: str | None, topics: list[str], *, as_json: bool) -> int:
    """Exit code: 0, 1 when a stage failed, 3 when every due source failed. Usage errors raise."""
    from aidran_pipeline.config.topics import load_topics

    day = parse_day(day_text)
    settings = Settings()
    settings.require_models()
    chosen = choose_topics(topics, load_topics(settings.topics_file).slugs())
    progress = Progress(quiet=as_json)
    started = time.monotonic()
    progress.note(f"edition of {day}" + (f", {', '.join(chosen)}" if chosen else ""))
    with editor(settings, progress) as at_work:
        outcome = at_work.edition(day, chosen)
    outcome.seconds = time.monotonic() - started
    if as_json:
        emit_json({**outcome.as_dict(), "site": str(settings.site_dir / "index.html")})
    else:
        summary(outcome, settings)
    return exit_code(outcome)


def exit_code(outcome: Outcome) -> int:
    """What came of the edition, as the design numbers it."""
    if outcome.every_source_failed:
        return EXIT_SOURCES
    return EXIT_FAILED if outcome.failures else 0


def summary(outcome: Outcome, settings: Settings) -> None:
    """Stories, what was withheld by which gate, failures, and where the site is."""
    say()
    if outcome.every_source_failed:
        failed = outcome.sources["failed"]
        say(f"Every due source failed ({failed}); no edition was made. `aidran sources` says what each answered.")
        return
    say(f"{len(outcome.published)} published, {len(outcome.withheld)} withheld, {outcome.seconds:.0f} s")
    for story in outcome.published:
        version = f" (version {story['version']})" if story["version"] and story["version"] > 1 else ""
        say(f"  {story['topic']}: {story['headline']}{version}")
        say(f"    {story['slug']}")
    for gate, slugs in _by_gate(outcome.withheld).items():
        say(f"  withheld by {gate}: {', '.join(slugs)}")
    if outcome.withheld:
        say(f"  aidran why {outcome.day} TOPIC tells a decision's numbers")
    for failure in outcome.failures:
        say(f"  FAILED {failure}")
    say(f"site: {(settings.site_dir / 'index.html').resolve()}  (aidran site --serve)")


def _by_gate(withheld: list[dict[str, Any]]) -> dict[str, list[str]]:
    gates: dict[str, list[str]] = {}
    for story in withheld:
        for gate in dict.fromkeys(str(reason.get("gate", "?")) for reason in story["reasons"][:1]):
            gates.setdefault(gate, []).append(story["topic"])
    return dict(sorted(gates.items()))
