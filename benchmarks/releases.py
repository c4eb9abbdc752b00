"""Whether the daily measure finds the days on which models were released, in real posts, and how often it cries wolf.

The measure is that of `topic_signals` at the severity "strong", whose limits were set before: p < 0.05 after correction
for windows, topics and the kinds of signals tested beside it, and 1.6 times the expected; a day that goes on with
yesterday's rise is not strong (volume.goes_on: chosen on the first five releases, up to 28 May 2025). A day without
posts is unknown. An alert is a strong day; a burst is a run of them (a gap of up to two days belongs to it). A release
is caught when a strong day lies on it or within two days after it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from pathlib import Path
from statistics import mean, pstdev

from aidran_pipeline.signal import volume
from aidran_pipeline.signal.kinds import correction_of
from benchmarks import report
from benchmarks.releases_data import Counts, Event, read_counts, read_events

FOLDER = Path("../shared/data/releases")
HISTORY = 28
WITHIN = 2
GAP = 2
MONTH = 30
ENOUGH = ("strong", "severe")
Rule = Callable[[Sequence[volume.DayCount], int], bool]


@dataclass(frozen=True)
class Outcome:
    """What a rule did. strong: places of alert days by group; tested: days with enough history, per group."""

    strong: dict[str, list[int]]
    tested: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns 2 where the data is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.releases", description=__doc__)
    parser.add_argument(
        "--posts", type=Path, default=FOLDER / "reddit_posts.jsonl.gz", help="JSONL: id, title, created"
    )
    parser.add_argument("--events", type=Path, default=FOLDER / "known_events.csv", help="CSV: topic, date, event")
    parser.add_argument("--terms", type=Path, default=FOLDER / "terms.json", help="JSON: group to regular expression")
    options = parser.parse_args(arguments)
    try:
        counts, events = read_counts(options.posts, options.terms), read_events(options.events)
    except (OSError, ValueError, LookupError) as failure:
        message = f"{type(failure).__name__}: {failure}; name the files with --posts, --events, --terms"
        print(message, file=sys.stderr)
        return 2
    known = testable(counts, events)
    if not known:
        print(f"no event of these groups has {HISTORY} days of posts before it (--events)", file=sys.stderr)
        return 2
    _measure(counts, known)
    return 0


def _measure(counts: Counts, events: Sequence[Event]) -> None:
    rules: dict[str, Rule] = {
        volume.VERSION: daily,
        "volume-nb-3": lambda s, n: volume.detect_windows(s, n).severity in ENOUGH,
        "volume-nb-2": lambda s, n: volume.detect_day(s, n).severity in ENOUGH,
        "z > 3, 3 posts": lambda s, _: z_score(s, 3),
        "z > 3": lambda s, _: z_score(s, 1),
    }
    outcomes = {name: run(counts, rule) for name, rule in rules.items()}
    rows = []
    for name, outcome in outcomes.items():
        share = len(caught(counts, outcome, events)) / len(events)
        rows.append([name, share, *wilson(share, len(events)), rate(outcome), *spread(outcome), days_rate(outcome)])
    head = ["measure", "caught", "from", "to", "bursts per group and month", "from", "to", "alerts"]
    print(report.table(head, rows))
    ours = outcomes[volume.VERSION]
    found = caught(counts, ours, events)
    print("\n" + report.table(["group", "release", "days late"], [[e.topic, e.name, _late(found, e)] for e in events]))
    report.finish(
        "releases",
        {
            "caught_share": round(rows[0][1], 4),
            "alerts_per_term_month": round(rows[0][7], 4),
            "bursts_per_term_month": round(rows[0][4], 4),
            "caught_share_95": [round(v, 4) for v in rows[0][2:4]],
            "bursts_per_term_month_95": [round(v, 4) for v in rows[0][5:7]],
            "events": len(events),
            "groups": len(counts.topics),
            "days_tested": ours.tested,
            "beside": {
                row[0]: {"caught_share": round(row[1], 4), "alerts": round(row[7], 4), "bursts": round(row[4], 4)}
                for row in rows[1:]
            },
        },
    )


def _late(found: dict[str, int], event: Event) -> str:
    return str(found.get(event.name, "not found"))


def daily(days: Sequence[volume.DayCount], topics: int) -> bool:
    """What topic_signals finds strong: corrected for so many topics and for the kinds that are tested beside it."""
    tests = correction_of("volume_spike", topics)
    return volume.detect(days, tests.number, tests.kinds).severity in ENOUGH


def testable(counts: Counts, events: Sequence[Event]) -> list[Event]:
    """Those with enough days of posts before them."""
    return [
        e for e in events
        if e.topic in counts.topics and e.day in counts.days
        and sum(t > 0 for t in counts.total[: counts.days.index(e.day)]) >= HISTORY
    ]  # fmt: skip


def series(counts: Counts, topic: str, place: int) -> list[volume.DayCount]:
    """The days up to one, as topic_signals compares them: the 28 known ones before it; its share from those."""
    known = [n for n in range(place) if counts.total[n]][-HISTORY:]
    mine = counts.topics[topic]
    smooth = 1 / len(known)  # as inputs.py: half a post of one over the whole window
    average = fsum(counts.total[n] for n in known) / len(known)
    share = (0.5 * smooth + fsum(mine[n] for n in known) / len(known)) / (smooth + average)
    return [
        volume.DayCount(str(counts.days[n]), mine[n], counts.total[n], round(share, 9), 1.0) for n in [*known, place]
    ]


def run(counts: Counts, rule: Rule) -> Outcome:
    """Every day of every group that has enough days before it."""
    before = [sum(t > 0 for t in counts.total[:n]) for n in range(len(counts.days))]
    places = [n for n, total in enumerate(counts.total) if total and before[n] >= HISTORY]
    strong = {
        topic: [n for n in places if rule(series(counts, topic, n), len(counts.topics))] for topic in counts.topics
    }
    return Outcome(strong, len(places))


def z_score(days: Sequence[volume.DayCount], least: int) -> bool:
    """The plain way: more than three standard deviations over the mean share of 28 days, and so many posts."""
    shares = [(d.count or 0) / (d.total or 1) for d in days]
    *past, today = shares
    return (days[-1].count or 0) >= least and today > mean(past) + 3 * pstdev(past)


def caught(counts: Counts, outcome: Outcome, events: Sequence[Event]) -> dict[str, int]:
    """By event found, how many days after it."""
    found = {}
    for event in events:
        start = counts.days.index(event.day)
        late = [n - start for n in outcome.strong[event.topic] if 0 <= n - start <= WITHIN]
        if late:
            found[event.name] = min(late)
    return found


def bursts(places: Sequence[int]) -> int:
    """How many runs of days."""
    return sum(1 for i, n in enumerate(places) if i == 0 or n - places[i - 1] > GAP + 1)


def rate(outcome: Outcome) -> float:
    """Bursts per group and month."""
    return fsum(bursts(p) for p in outcome.strong.values()) / (len(outcome.strong) * outcome.tested / MONTH)


def days_rate(outcome: Outcome) -> float:
    """Alerts, one a strong day, per group and month."""
    return fsum(len(p) for p in outcome.strong.values()) / (len(outcome.strong) * outcome.tested / MONTH)


def spread(outcome: Outcome, samples: int = 1000) -> tuple[float, float]:
    """95 % of the rates when the groups are drawn anew."""
    generator, numbers = random.Random(7), [bursts(p) for p in outcome.strong.values()]  # noqa: S311 - repeatable
    scale = len(numbers) * outcome.tested / MONTH
    drawn = sorted(sum(generator.choices(numbers, k=len(numbers))) / scale for _ in range(samples))
    return drawn[int(0.025 * samples)], drawn[int(0.975 * samples)]


def wilson(share: float, number: int) -> tuple[float, float]:
    """95 % of a share (Wilson, 1927)."""
    z = 1.96
    centre, whole = share + z * z / (2 * number), 1 + z * z / number
    half = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return max(0.0, (centre - half) / whole), min(1.0, (centre + half) / whole)


if __name__ == "__main__":
    raise SystemExit(main())
