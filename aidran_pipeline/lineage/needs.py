"""What would have to be otherwise for a withheld story to appear: words from its stored reasons and baselines. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aidran_pipeline.signal import replay

MOST_VOICES = 2000
VOLUME = "volume_spike"
MATERIAL = ("no usable claim", "headline", "three sections", "heading")


def needs_of(reasons: Any, baselines: Sequence[Mapping[str, Any]], day: date, topic: str, least: int = 1) -> list[str]:
    """A line for each kind of reason.

    reasons: as stored with the decision; baselines: as `why` gives them; least: the voices that a signal needs whatever
    its size.
    """
    said: list[str] = []
    for each in reasons if isinstance(reasons, list) else []:
        gate, rule, detail = (str(each.get(name)) for name in ("gate", "rule", "detail"))
        line = _need(rule, detail, baselines, day, topic, least) or f"needs a draft that holds gate {gate}: {rule}"
        if line not in said:
            said.append(line)
    return said


def _need(
    rule: str, detail: str, baselines: Sequence[Mapping[str, Any]], day: date, topic: str, least: int
) -> str | None:
    if rule == "not enough evidence" and (match := re.fullmatch(r"(\d+) (.+) cited, (\d+) needed", detail)):
        return f"needs {match[3]} {match[2]}, cited {match[1]}"
    if rule == "no signal":
        return _change_needed(_volume(baselines), least)
    if rule == "sources unknown":
        return _sources_needed(detail, _volume(baselines))
    if rule == "signals not computed":
        return f"needs the day's signals: `aidran run --day {day} --topic {topic}`"
    if rule in MATERIAL:
        return f"needs more or clearer material: {detail}"
    return None


def _volume(baselines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The plainest measure: of all kinds the one whose missing voices can be told."""
    return next((each for each in baselines if each["kind"] == VOLUME), None)


def _sources_needed(detail: str, baseline: Mapping[str, Any] | None) -> str:
    if baseline is None:
        return f"needs more sources that reached the day: {detail}"
    unknown = ", ".join(str(name) for name in baseline["unknown_sources"][:8])
    return (
        f"needs more sources that reached the day: {baseline['sources_reached']} of {baseline['sources']} did"
        + (f"; unknown: {unknown}" if unknown else "")
        + "; `aidran sources` says why"
    )


def _change_needed(baseline: Mapping[str, Any] | None, least: int) -> str:
    """The least number of voices that would have been a change, by replaying the stored series with more of them."""
    history = "needs a measured change against the topic's own history"
    series = [dict(each) for each in baseline["series"]] if baseline else []
    if baseline is None or not series or series[-1].get("count") is None:
        return history
    if baseline["outcome"] == "thin":
        return f"{history} that rests on enough voices: {series[-1]['count']} rose above what is usual, too few of them"
    last = series[-1]
    counted, total = int(last["count"]), int(last["total"])
    tests = {"tests": baseline["tests"], "kinds": baseline.get("kinds", 1)}
    expected = replay(series, VOLUME, **tests).expected
    counts = f"needs a measured change: {counted} voices counted, {expected:.1f} expected"
    for more in range(1, MOST_VOICES):
        series[-1] = {**last, "count": counted + more, "total": total + more}
        if counted + more < least:
            continue
        if replay(series, VOLUME, **tests).severity is not None:
            return f"{counts}; {counted + more} would have been a {VOLUME}"
    return counts
