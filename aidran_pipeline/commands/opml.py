"""`aidran sources export` and `import`: OPML files out of the configured sources, and into a sources file."""

from __future__ import annotations

from pathlib import Path

from aidran_pipeline.commands.console import UsageError, emit_json, say
from aidran_pipeline.config.settings import Settings


def export_opml(file: Path | None, *, as_json: bool) -> None:
    """Write the configured feeds as OPML 2.0; an older file is replaced."""
    from aidran_pipeline.config.opml import write_opml
    from aidran_pipeline.config.publication import load_publication
    from aidran_pipeline.config.sources import load_sources

    target = _named(file, "export")
    settings = Settings()
    sources = load_sources(settings.sources_file)
    data, left_out = write_opml(sources, title=f"{load_publication(settings.publication_file).name}: sources")
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}; name a file in a folder of yours") from error
    finally:
        part.unlink(missing_ok=True)
    found = {"file": str(target), "feeds": len(sources) - len(left_out), "left_out": [each.id for each in left_out]}
    if as_json:
        emit_json(found)
        return
    say(f"{found['feeds']} feeds written to {target}")
    if left_out:
        say(f"left out, as no feeds: {', '.join(each.id for each in left_out)}")


def import_opml(file: Path | None, to: Path | None, *, as_json: bool) -> None:
    """Read an OPML file, all of it or nothing, into a new sources file or the one that AIDRAN_SOURCES names."""
    from aidran_pipeline.config.opml import address_of, read_opml
    from aidran_pipeline.config.sources import load_sources
    from aidran_pipeline.config.sources_text import add_to_file, new_file
    from aidran_pipeline.config.topics import load_topics

    source = _named(file, "import")
    settings = Settings()
    target = to or settings.sources_file
    if target is None:
        raise UsageError("import needs a sources file: name a new one with --to, or one of yours in AIDRAN_SOURCES")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}; name an OPML file") from error
    standing = [] if to is not None else load_sources(target)
    entries, already = read_opml(
        data,
        file=str(source),
        topics={topic.slug: topic.label for topic in load_topics(settings.topics_file).topics},
        taken=[each.id for each in standing],
        known=[url for each in standing if (url := address_of(each))],
    )
    if to is not None:
        new_file(to, entries)
    elif entries:
        add_to_file(target, entries)
    if as_json:
        emit_json({"file": str(target), "added": [each.entry for each in entries], "already": len(already)})
        return
    say(f"{len(entries)} feeds added to {target}, {len(already)} were there already")
    say("`aidran sources check` asks them and names those that are dead, stale or thin.")


def _named(file: Path | None, task: str) -> Path:
    if file is None:
        raise UsageError(f"sources {task} needs a file: aidran sources {task} FILE.opml")
    return file
