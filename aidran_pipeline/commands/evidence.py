"""`aidran trace`, `verify` and `why`: the analyst's answers on a terminal. Not here: lineage/ itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aidran_pipeline.commands.console import EXIT_FAILED, clean, emit_json, parse_day, say
from aidran_pipeline.config.settings import Settings

if TYPE_CHECKING:
    from aidran_pipeline.lineage.lines import Line

STYLES = {"head": "bold", "dim": "dim", "mark": "bold reverse", "good": "green", "bad": "bold red"}


def _newsroom() -> Any:
    from aidran_pipeline.defs.resources import Newsroom

    return Newsroom(settings=Settings())


def trace_citation(slug: str, marker: str, *, as_json: bool) -> None:
    """The chain of one citation. Raises LookupError naming what exists instead."""
    from aidran_pipeline.lineage import show_trace, trace

    with _newsroom().connection() as conn:
        chain = trace(conn, slug, marker)
    if as_json:
        emit_json(chain.as_dict())
        return
    show(show_trace(chain, _width()))


def verify_stories(slugs: list[str], *, as_json: bool) -> int:
    """0 when everything holds, 1 on any mismatch. Raises LookupError for an unknown slug."""
    from aidran_pipeline.lineage import show_report, verify

    newsroom, started = _newsroom(), time.monotonic()
    with newsroom.connection() as conn, _moving(quiet=as_json) as progress:
        report = verify(
            conn, slugs, publication=newsroom.publication, site_dir=newsroom.settings.site_dir, progress=progress
        )
    if as_json:
        emit_json(report.as_dict())
    else:
        show(show_report(report, _width(), time.monotonic() - started))
    return 0 if report.ok else EXIT_FAILED


@contextmanager
def _moving(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A moving line on a terminal that says what verify is at; nothing in a pipe."""
    if quiet or not sys.stdout.isatty():
        yield lambda _message: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console().status("reading what is published") as status:
        yield lambda message: status.update(Text(clean(message)[:110]))


def why_decided(day_text: str, topic: str | None, *, as_json: bool) -> None:
    """The decision in force of one topic and day; without a topic all of the day, the most newsworthy first."""
    from aidran_pipeline.commands.console import choose_topics
    from aidran_pipeline.lineage import in_order_of_worth, show_order, show_why, why

    newsroom = _newsroom()
    day = parse_day(day_text)
    if topic is None:
        with newsroom.connection() as conn:
            rows = in_order_of_worth(conn, day)
        if as_json:
            emit_json({"day": day, "decisions": rows})
        else:
            show(show_order(day, rows, _width()))
        return
    choose_topics([topic], newsroom.topics.slugs())
    with newsroom.connection() as conn:
        answer = why(conn, day, topic, newsroom.publication)
    if as_json:
        emit_json(answer.as_dict())
    else:
        show(show_why(answer, _width()))


def show(lines: Iterable[Line]) -> None:
    """Print lines: with colours on a terminal, as plain text into a pipe; a source's control characters are dropped."""
    if not sys.stdout.isatty():
        for line in lines:
            say(line.plain.rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        shown = Text()
        for style, text in line.parts:
            shown.append(clean(text), style=STYLES.get(style, ""))
        console.print(shown)


def _width() -> int:
    """Columns to wrap at: the terminal's, within what reads well; a pipe gets 100."""
    import shutil

    return min(120, shutil.get_terminal_size((100, 24)).columns)
