"""`aidran signals` and `replay-signals`: what was measured, whether it is so again. Not here: signal/ itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aidran_pipeline.commands.console import EXIT_FAILED, CommandError, choose_topics, emit_json, parse_day, say, table
from aidran_pipeline.config.settings import Settings

SUBJECT = 40  # characters of what a signal is about
SHOWN = 5  # records of a signal on the terminal; --json has all


def _newsroom() -> Any:
    from aidran_pipeline.defs.resources import Newsroom

    return Newsroom(settings=Settings())


def show_signals(day_text: str | None, topic: str | None, *, as_json: bool) -> None:
    """The measures of a day, the last one measured if none is given."""
    from aidran_pipeline.signal import latest_day, list_signals

    newsroom = _newsroom()
    if topic is not None:
        choose_topics([topic], newsroom.topics.slugs())
    with newsroom.connection() as conn:
        day = parse_day(day_text) if day_text else latest_day(conn)
        if day is None:
            raise CommandError("nothing was measured yet; `aidran run` makes an edition")
        rows = list_signals(conn, day, topic)
    if as_json:
        emit_json({"day": day, "signals": rows})
        return
    if not rows:
        raise CommandError(
            f"nothing was measured of {day}" + (f" and {topic}" if topic else "") + "; `aidran run --day` does"
        )
    say(f"{day}: {sum(r['outcome'] == 'signal' for r in rows)} signals in {len(rows)} measures of topics and kinds")
    table(
        ("topic", "kind", "about", "outcome", "counted", "expected", "score", "p", "sources reached", "days before"),
        [_line(row) for row in rows],
    )
    for row in rows:
        if row["evidence"]:
            _evidence(row)


def _line(row: Mapping[str, Any]) -> list[str]:
    outcome = row["severity"] if row["outcome"] == "signal" else row["outcome"].replace("_", " ")
    measured = row["expected"] is not None
    sources = f"{row['coverage'].get('reached', '?')} of {row['coverage'].get('sources', '?')}"
    counted = row["observed"] if measured else row["voices"]
    voices = "unknown" if counted is None else f"{counted:.4g}"
    return [
        row["topic"], row["kind"], (row["subject"] or "")[:SUBJECT], outcome, voices,
        f"{row['expected']:.1f}" if measured else "", f"{row['score']:.1f}" if measured else "",
        f"{row['p_value']:.2g}" if measured else "", sources,
        str(row["history_days"]),
    ]  # fmt: skip


def _evidence(row: Mapping[str, Any]) -> None:
    say()
    about = f", {row['subject']}" if row["subject"] else ""
    tested = f"p {row['p_value']:.2g} after {row['tests']} tests of the day"
    say(f"{row['kind']} of {row['topic']}{about}, {row['severity']}: {tested}")
    say(f"  {row['records']} voices of {row['authors']} authors in {row['families']} publisher families")
    for record in row["evidence"][:SHOWN]:
        text = " ".join(record["text"].split())[:80]
        say(f"  {record['weight']:.2f}  {record['platform']}  {record['publisher']}: {text}")
    if len(row["evidence"]) > SHOWN:
        say(f"  … and {len(row['evidence']) - SHOWN} more")


def replay_signals(first_text: str | None, last_text: str | None, *, records: bool, as_json: bool) -> int:
    """0 when the past is what is stored, or what sources changed since explains it; 1 on any other difference."""
    from aidran_pipeline.signal import latest_day, replay_days

    with _newsroom().connection() as conn:
        latest = latest_day(conn)
        if latest is None:
            raise CommandError("nothing was measured yet; `aidran run` makes an edition")
        last = parse_day(last_text, option="--to") if last_text else latest
        first = parse_day(first_text, option="--from") if first_text else last
        if first > last:
            raise CommandError(f"--from {first} lies after --to {last}")
        told = replay_days(conn, first, last, records=records)
    if as_json:
        emit_json({"from": first, "to": last, **told.as_dict()})
    else:
        explained = len(told.differences) - len(told.unexplained)
        for one in told.differences:
            said = f"{one.where}: {one.what} stored as {one.stored}, computed as {one.computed}"
            say(f"DIFFERS  {said}" if one.why is None else f"changed  {said}; since then {one.why}")
        for note in told.notes:
            say(f"note     {note}")
        say(
            f"{first} to {last}: {told.baselines} baselines and {told.signals} signals computed again, "
            f"{told.recounted} counted from records, {len(told.unexplained)} differences"
            + (f", {explained} explained by what sources changed since" if explained else "")
        )
    return EXIT_FAILED if told.unexplained else 0
