"""The volume chart of a topic as numbers ready to draw: a bar a day, the baseline, and marked spikes.

Drawn by a template as SVG without inline style (the policy forbids it). Readable without colour: a spike is hatched and
labelled, a day of unknown coverage is an outline with a question mark. What does not belong here: computing signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 250, 52, 6, 30, 34


@dataclass(frozen=True)
class Bar:
    """One day. x, y, width, height in SVG units; share in percent of all monitored voices, None when unknown.

    label: its date is printed; alt: but not on a narrow screen.
    """

    day: date
    count: int | None
    total: int | None
    share: float | None
    known: bool
    spike: str | None
    x: float
    y: float
    width: float
    height: float
    label: bool
    alt: bool


@dataclass(frozen=True)
class Chart:
    """A drawing of the trailing days.

    baseline in percent: what the signal expected of the last day (`expected`), else the mean share of the days before
    it. ticks: (y, words).
    """

    bars: list[Bar]
    baseline: float | None
    baseline_y: float | None
    ticks: list[tuple[float, str]]
    expected: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def _known(item: dict[str, Any]) -> bool:
    coverage = item.get("coverage", 1)
    if isinstance(coverage, dict):
        return bool(coverage.get("healthy", True))
    return item.get("count") is not None and coverage is not None and coverage is not False and float(coverage) > 0


def _share(item: dict[str, Any]) -> float | None:
    total = item.get("total") or 0
    return 100.0 * (item.get("count") or 0) / total if _known(item) and total else None


def _nice(top: float) -> float:
    for step in (1, 2, 5, 10, 20, 25, 40, 50, 60, 80, 100):
        if top <= step:
            return float(step)
    return 100.0


def _from_first_known(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The series without the days before anything was monitored."""
    return next((series[i:] for i, item in enumerate(series) if _share(item) is not None), [])


def make_chart(series: list[dict[str, Any]], spikes: dict[date, str], expected: float | None = None) -> Chart | None:
    """Draw a baseline's series; None when there is nothing to draw.

    series: {"day", "count", "total", "coverage"}, oldest first. spikes: severity by day.
    expected: the voices that a signal of the last day expected, in the unit of count.
    """
    series = _from_first_known(series)
    if not series:
        return None
    shares = [_share(item) for item in series]
    past = [
        (item["count"] or 0, item["total"])
        for item, share in zip(series[:-1], shares[:-1], strict=True)
        if share is not None
    ]
    baseline = 100.0 * sum(c for c, _ in past) / sum(t for _, t in past) if past else None
    if expected is not None and series[-1]["total"]:
        baseline = 100.0 * expected / series[-1]["total"]
    top = _nice(1.1 * max([s for s in shares if s is not None] + [baseline or 0.0, 0.5]))
    plot, floor = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / len(series)
    every = max(1, -(-len(series) // 7))
    bars = []
    for i, (item, share) in enumerate(zip(series, shares, strict=True)):
        height = round(plot * (share or 0.0) / top, 1) if share is not None else float(plot)
        bars.append(
            Bar(
                day=(day := date.fromisoformat(str(item["day"])[:10])), count=item.get("count"),
                total=item.get("total"), share=share, known=share is not None, spike=spikes.get(day),
                x=round(LEFT + i * step + step * 0.14, 1),
                y=round(floor - height, 1), width=round(step * 0.72, 1), height=height,
                label=(len(series) - 1 - i) % every == 0, alt=(len(series) - 1 - i) % (2 * every) != 0,
            )
        )  # fmt: skip
    y = round(floor - plot * baseline / top, 1) if baseline is not None else None
    ticks = [(round(floor - plot * part, 1), f"{top * part:g} %") for part in (0, 0.5, 1)]
    return Chart(bars, baseline, y, ticks, expected is not None)
