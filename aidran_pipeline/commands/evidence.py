"""`aidran trace`, `verify` and `why`: the analyst's answers on a terminal. Not here: lineage/ itself."""

from __future__ import annotations

from typing import Any

from aidran_pipeline.commands.console import EXIT_FAILED, emit_json, pairs, parse_day, say
from aidran_pipeline.config.settings import Settings


def _newsroom() -> Any:
    from aidran_pipeline.defs.resources import Newsroom

    return Newsroom(settings=Settings())


def trace_citation(slug: str, marker: str, *, as_json: bool) -> None:
    """The chain of one citation. Raises LookupError naming what exists instead."""
    from aidran_pipeline.lineage import trace

    with _newsroom().connection() as conn:
        chain = trace(conn, slug, marker)
    if as_json:
        emit_json(chain.as_dict())
        return
    show(chain.as_dict())


def verify_stories(slugs: list[str], *, as_json: bool) -> int:
    """0 when everything holds, 1 on any mismatch."""
    from aidran_pipeline.lineage import verify

    newsroom = _newsroom()
    with newsroom.connection() as conn:
        report = verify(conn, slugs, publication=newsroom.publication, site_dir=newsroom.settings.site_dir)
    data = report.as_dict()
    if as_json:
        emit_json(data)
    else:
        show(data)
    return 0 if data.get("ok", not data.get("mismatches")) else EXIT_FAILED


def why_decided(day_text: str, topic: str, *, as_json: bool) -> None:
    """The decision in force of one topic and day."""
    from aidran_pipeline.commands.console import choose_topics
    from aidran_pipeline.lineage import why

    newsroom = _newsroom()
    day = parse_day(day_text)
    choose_topics([topic], newsroom.topics.slugs())
    with newsroom.connection() as conn:
        answer = why(conn, day, topic)
    if as_json:
        emit_json(answer.as_dict())
    else:
        show(answer.as_dict())


def show(data: dict[str, Any]) -> None:
    """A nested document for a person: plain values first, then each part under its name."""
    pairs({key: value for key, value in data.items() if not isinstance(value, dict | list)}, indent=0)
    for key, value in data.items():
        if isinstance(value, dict) and value:
            say(f"\n{key.replace('_', ' ')}")
            pairs(value)
        elif isinstance(value, list) and value:
            say(f"\n{key.replace('_', ' ')}")
            for item in value:
                if isinstance(item, dict):
                    pairs(item)
                    say()
                else:
                    say(f"  {item}")
