"""Sources files written: entries as lines of YAML, below those that stand. What they mean: config/sources.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from aidran_pipeline.config.opml import Entry
from aidran_pipeline.config.publication import ConfigError
from aidran_pipeline.config.sources import load_sources

HEAD = "# Sources, in the form of the packaged sources.yaml; AIDRAN_SOURCES names this file.\nsources:\n"


def new_file(path: Path, entries: Iterable[Entry]) -> None:
    """Write a sources file. Raises ConfigError when there is one already or its folder is missing."""
    if path.exists():
        raise ConfigError(f"{path}: the file exists; name a new one, or set AIDRAN_SOURCES to add to it")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist; make it first")
    _replace(path, HEAD + _lines(entries, "  "), expected=0)


def add_to_file(path: Path, entries: Iterable[Entry]) -> None:
    """Add entries at the end of a sources file; what stands there, comments included, stays byte for byte.

    Raises ConfigError, the file untouched, when its list cannot be continued line by line.
    """
    before = len(load_sources(path))
    text = path.read_text(encoding="utf-8")
    indent = re.search(r"^( *)- ", text, re.MULTILINE)
    if indent is None:
        raise ConfigError(f"{path}: the list is not written with a line per source; name a new file with --to")
    ending = "" if text.endswith("\n") else "\n"
    _replace(path, text + ending + _lines(entries, indent[1]), expected=before)


def _lines(entries: Iterable[Entry], indent: str) -> str:
    """A line an entry; a comment where another folder begins."""
    lines, folders = [], tuple[str, ...]()
    for each in entries:
        if each.folders != folders:
            folders = each.folders
            heading = " / ".join(folders) or "Without a folder"
            lines.append(f"{indent}# {''.join(char for char in heading if char.isprintable())}\n")
        shown = yaml.safe_dump(each.entry, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
        lines.append(f"{indent}- {shown.strip()}\n")
    return "".join(lines)


def _replace(path: Path, text: str, *, expected: int) -> None:
    """Write the file whole, by rename, after it was read back as a sources file with more than `expected` sources."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        try:
            found = len(load_sources(part))
        except ConfigError as error:
            raise ConfigError(f"{path}: it cannot be added to ({error}); name a new file with --to") from error
        if found <= expected:
            raise ConfigError(f"{path}: what is added at its end is not read; name a new file with --to")
        if path.exists():
            part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
