"""How the command line speaks: plain lines, tables, JSON, and errors in a line or two.

What does not belong here: what any command does. Everything from a source is printed as text, never as Rich markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn

import typer

FIRST_DAY = date(2026, 1, 1)
EXIT_FAILED, EXIT_USAGE, EXIT_SOURCES = 1, 2, 3


class UsageError(Exception):
    """The command was called with something it cannot take; exit code 2. The message names input, rule and remedy."""


class CommandError(Exception):
    """The command could not do its work; exit code 1. The message names the remedy."""


def fail(error: Exception) -> NoReturn:
    """Print the error in a line or two on stderr and leave with its code."""
    sys.stderr.write(f"aidran: {_message(error)}\n")
    raise typer.Exit(EXIT_USAGE if isinstance(error, UsageError) or _is_configuration(error) else EXIT_FAILED)


def _message(error: Exception) -> str:
    problems = getattr(error, "errors", None)
    if type(error).__name__ == "ValidationError" and callable(problems):
        first = problems()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']} (given: {str(first.get('input'))[:80]!r}); correct or unset the variable"
    text = str(error).strip() or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if _is_ours(error):
        return "\n  ".join(lines[:25])  # a file may have several faults, each with its line
    said = "\n  ".join(lines[:3])
    return f"{type(error).__name__}: {said}\n  Set AIDRAN_DEBUG=1 to see where this happened."


def _is_ours(error: Exception) -> bool:
    return isinstance(error, UsageError | CommandError) or (
        type(error).__module__.startswith("aidran_pipeline") or isinstance(error, LookupError)
    )


def _is_configuration(error: Exception) -> bool:
    return type(error).__name__ in ("ConfigError", "ValidationError")


def say(line: str = "") -> None:
    """A line on stdout. Control characters of untrusted text are dropped: they could rewrite the terminal."""
    sys.stdout.write(clean(line) + "\n")
    sys.stdout.flush()


def clean(text: str) -> str:
    """Text without terminal control sequences; line breaks and tabs stay."""
    return "".join(char for char in text if char in "\n\t" or (ord(char) >= 32 and not 127 <= ord(char) < 160))


def emit_json(data: Any) -> None:
    """One JSON document on stdout, moments in ISO form."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=_as_json, sort_keys=False) + "\n")


def _as_json(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as wide as the terminal; piped, one row a line, columns apart by two spaces and nothing cut off."""
    cells = [[clean("" if value is None else str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(len(str(name)), *(len(row[i]) for row in cells), 0) for i, name in enumerate(columns)]
        for row in [list(columns), *cells]:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        shown.add_column(name, overflow="fold")
    for row in cells:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, or how soon, in one unit."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if size >= length:
            return f"{size / length:.0f} {unit} ago" if seconds >= 0 else f"in {size / length:.0f} {unit}"
    return "now" if size < 1 else (f"{size:.0f} s ago" if seconds >= 0 else f"in {size:.0f} s")


def parse_day(text: str | None, *, today: date | None = None, option: str = "--day") -> date:
    """A day of the newsroom. Raises UsageError for what is no date, lies ahead, or lies before the first day.

    option: what the day was given as, for the message.
    """
    today = today or datetime.now(UTC).date()
    named = {None: today, "today": today, "yesterday": today - timedelta(days=1)}
    if text in named:
        return named[text]
    assert text is not None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a date; write YYYY-MM-DD, today or yesterday") from None
    if day > today:
        raise UsageError(f"{option} {day} lies ahead: today is {today} (UTC); name a day up to today")
    if day < FIRST_DAY:
        raise UsageError(f"{option} {day} is before the newsroom's first day; name a day from {FIRST_DAY} on")
    return day


def choose_topics(given: Sequence[str], known: Sequence[str]) -> list[str] | None:
    """The topics named, each once, or None for all. Raises UsageError for an unknown one, with its nearest name."""
    if not given:
        return None
    from difflib import get_close_matches

    for slug in given:
        if slug not in known:
            near = get_close_matches(slug, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"--topic {slug!r} is not a configured topic; {hint}")
    return list(dict.fromkeys(given))


def pairs(data: Mapping[str, Any], indent: int = 2) -> None:
    """Key and value a line, long text wrapped under its key; empty values are left out."""
    import shutil
    import textwrap

    width = max(60, min(shutil.get_terminal_size((120, 24)).columns, 140))
    shown = {key.replace("_", " "): value for key, value in data.items() if value not in (None, "", [], {})}
    left = max((len(key) for key in shown), default=0) + 2
    for key, value in shown.items():
        text = clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_as_json))
        text = text.strip('"') if not isinstance(value, str) else text
        lines: list[str] = []
        for part in text.splitlines() or [""]:
            lines += textwrap.wrap(part, width - indent - left) or [""]
        say(" " * indent + f"{key}".ljust(left) + lines[0])
        for line in lines[1:]:
            say(" " * (indent + left) + line)
