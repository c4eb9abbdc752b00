"""Recorded days lived through one by one, as scheduled editions would: how many stories, how often nothing new, why.

Each day the sources are served and ingested as of its evening, analysed, measured, and every topic is decided by the
extractive engine, without web pages. Prints stories and dispatches a day, the share of decisions with "nothing new",
the signals by kind, and the strongest ones with the stories they led to, to be judged by a reader.

Needs recorded sources served over HTTP: `--serve` names a program that takes `--port`, `--as-of` and `--write-sources`
and moves its moment with /__clock. `--home` keeps the database, for a look with `aidran why` and `aidran signals`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.killed import CREDENTIALS, SERVE, served
from benchmarks.report import finish, table

EVENING = 20  # hours UTC at which a day is ingested; its signals are sealed by a computation after 23 hours
STRONGEST = """
SELECT s.day, s.topic, s.kind, s.subject, s.severity, s.observed, s.expected, s.p_uncorrected, s.p_value, s.records,
       d.decision, d.newsworthiness, h.text AS headline
FROM signals s JOIN topics t ON t.slug = s.topic
LEFT JOIN current_decisions d ON d.day = s.day AND d.topic = s.topic
LEFT JOIN article_sentences h ON h.article_version_id = d.article_version_id AND h.part = 'headline'
WHERE s.day BETWEEN %s AND %s ORDER BY s.p_value, s.p_uncorrected, s.score DESC, s.day, s.topic LIMIT %s
"""
DECIDED = """
SELECT d.day, d.topic, d.decision, d.worth, v.form, d.reasons -> 0 ->> 'rule' AS rule FROM current_decisions d
LEFT JOIN article_versions v ON v.id = d.article_version_id WHERE d.day BETWEEN %s AND %s
"""
OUTCOMES = """
SELECT kind, outcome, count(*) AS n FROM baselines WHERE day BETWEEN %s AND %s GROUP BY kind, outcome ORDER BY 1, 2
"""


def live(conn: Any, settings: Any, base: str, days: Sequence[date], published: date) -> None:
    """Ingest, analyse and measure each day as of its evening; from `published` on decide every topic of it."""
    from aidran_pipeline.analyze import analyze_days, extract_claims
    from aidran_pipeline.config.publication import load_publication
    from aidran_pipeline.config.sources import load_sources
    from aidran_pipeline.config.topics import load_topics
    from aidran_pipeline.defs.edition import waiting_days
    from aidran_pipeline.ingest import ingest_platform, pacing, sync_sources
    from aidran_pipeline.signal import compute_signals
    from aidran_pipeline.store.provenance import Run
    from aidran_pipeline.store.topics import sync_topics
    from aidran_pipeline.write import in_order, write_article

    pacing.DEFAULT_SPACING = 0.0  # one server on loopback stands for three hundred hosts
    publication, topics = load_publication(), load_topics(None)
    for day in days:
        started = time.perf_counter()
        evening = datetime(day.year, day.month, day.day, EVENING, tzinfo=UTC)
        night = evening.replace(hour=23, minute=30)
        urllib.request.urlopen(f"{base}/__clock?as_of={evening:%Y-%m-%dT%H:%M:%S}%2B00:00", timeout=60).read()  # noqa: S310
        sync_topics(conn, topics, now=evening)
        sync_sources(conn, load_sources(settings.sources_file), now=evening)
        for platform in ("news", "reddit", "bluesky"):
            ingest_platform(conn, platform, day, run=Run(f"ingest {day}", evening), settings=settings)
        waiting = waiting_days(conn, since=days[0] - timedelta(days=92), until=day)
        analyze_days(conn, waiting, run=Run(f"analyze {day}", night))
        parts = [(day, slug) for slug in topics.slugs()]
        window = [day - timedelta(days=back) for back in range(publication.window_days - 1, -1, -1)]
        extract_claims(conn, window, run=Run(f"claims {day}", night))
        compute_signals(conn, parts, run=Run(f"signals {day}", night), publication=publication)
        if day >= published:
            for topic in in_order(conn, day, topics.slugs(), publication):
                write_article(conn, day, topic, run=Run(f"write {day}", night), publication=publication)
        print(
            f"{day}: {len(waiting)} days analysed, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True
        )


def report(conn: Any, first: date, last: date, most: int) -> dict[str, Any]:
    """Print what came of the days; returns the figures."""
    decided = conn.execute(DECIDED, (first, last)).fetchall()
    days = (last - first).days + 1
    per_day: Counter[date] = Counter(row["day"] for row in decided if row["decision"] == "published")
    forms = Counter(row["form"] for row in decided if row["decision"] == "published")
    rules = Counter(row["rule"] for row in decided if row["decision"] == "withheld")
    outcomes = conn.execute(OUTCOMES, (first, last)).fetchall()
    print(table(["kind", "outcome", "topic-days"], [[r["kind"], r["outcome"], r["n"]] for r in outcomes]), "\n")
    print(table(["withheld for", "topic-days"], [[str(rule), n] for rule, n in rules.most_common()]), "\n")
    signals = conn.execute(STRONGEST, (first, last, most)).fetchall()
    for row in signals:
        subject = f" of {row['subject']}" if row["subject"] else ""
        print(
            f"{row['day']} {row['topic']}: {row['severity']} {row['kind']}{subject}, {row['observed']:.4g} observed, "
            f"{row['expected']:.3g} expected, p {row['p_uncorrected']:.2g} ({row['p_value']:.2g} corrected), "
            f"{row['records']} records\n    {row['decision']}: {row['headline'] or ''}"
        )
    counts = sorted(per_day[first + timedelta(days=i)] for i in range(days))
    return {
        "days": days, "stories": forms["story"], "dispatches": forms["dispatch"],
        "published_per_day": round(sum(counts) / days, 2), "published_least": counts[0],
        "published_median": counts[days // 2], "published_most": counts[-1],
        "nothing_new_share": round(rules["no signal"] / max(1, len(decided)), 3),
        "signals": {
            kind: sum(r["n"] for r in outcomes if r["kind"] == kind and r["outcome"] == "signal")
            for kind in sorted({r["kind"] for r in outcomes})
        },
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through the days and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", type=Path, default=SERVE, help="the program that serves recorded sources")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2026, 5, 27))
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date(2026, 7, 5))
    parser.add_argument("--history", type=int, default=22, help="days lived before the first that is published")
    parser.add_argument("--strongest", type=int, default=10, help="how many signals to print")
    parser.add_argument("--home", type=Path, help="keep the database in this folder (as AIDRAN_HOME)")
    options = parser.parse_args(arguments)
    if not options.serve.exists():
        print(f"There is no {options.serve.name} to serve recorded sources; name one with --serve.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="aidran-newsdays-") as folder:
        figures = measure(options, Path(folder))
    finish("newsdays", figures)
    return 0


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The days on an embedded server of their own; returns the figures."""
    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.store.database import open_database
    from aidran_pipeline.store.db import connect
    from aidran_pipeline.store.embedded import stop_server

    os.environ.update(CREDENTIALS)
    begin = options.first - timedelta(days=options.history)
    days = [begin + timedelta(days=i) for i in range((options.last - begin).days + 1)]
    with served(options.serve, f"{begin}T20:00:00+00:00", folder) as (base, sources):
        settings = Settings(
            AIDRAN_HOME=options.home or folder / "home", AIDRAN_DATABASE_URL=None, AIDRAN_SOURCES=sources
        )
        try:
            with connect(open_database(settings)) as conn:
                live(conn, settings, base, days, options.first)
                return report(conn, options.first, options.last, options.strongest)
        finally:
            stop_server(settings)


if __name__ == "__main__":
    raise SystemExit(main())
