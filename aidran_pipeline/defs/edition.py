"""One edition on the Dagster instance, in this process: what `aidran run` and the demo do.

What belongs here: which partitions of which asset run, in which order, and what came of it. What does not: what a stage
does (its package), how it is shown (commands/). The runs are ordinary Dagster runs of the jobs the UI shows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from dagster import AssetKey, DagsterEventType, DagsterInstance, Definitions, ExecuteInProcessResult

from aidran_pipeline.defs.assets.ingest import FIGURES
from aidran_pipeline.defs.build import build_definitions
from aidran_pipeline.defs.inputs import stale_topics, story_inputs
from aidran_pipeline.defs.partitions import (
    FIRST_DAY,
    RANGE_END,
    RANGE_START,
    TOPIC_SLUGS,
    day_ranges,
    key_of,
    topic_ranges,
)
from aidran_pipeline.defs.presence import STARTED_BY, bury_dead_runs
from aidran_pipeline.defs.resources import NOW_TAG, Newsroom
from aidran_pipeline.defs.sensors import EDITION_TAG
from aidran_pipeline.store.db import Connection

HISTORY_DAYS = 92  # records older than this are kept, and left out of analysis: no baseline reaches back so far
BRIDGE_DAYS = 3  # working through three quiet days costs less than another run
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Watcher(Protocol):
    """Who is told what happens; the command line prints it."""

    def started(self, stage: str, what: str) -> None:
        """A stage begins; `what` says on which partitions."""

    def finished(self, stage: str, what: str, seconds: float, *, failed: bool) -> None:
        """A stage ended; `what` holds its counts or its error."""


@dataclass
class Outcome:
    """What came of an edition. sources: counts over all platforms of this edition's fetches."""

    day: date
    sources: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    withheld: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    changed: int = 0
    seconds: float = 0.0

    @property
    def every_source_failed(self) -> bool:
        """Whether sources were due and none answered. 304, unchanged and not due count as answers."""
        asked = self.sources.get("attempted", 0)
        return asked > 0 and self.sources.get("failed", 0) >= asked

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "day": self.day.isoformat(),
            "sources": self.sources,
            "published": self.published,
            "withheld": self.withheld,
            "stories_decided": self.written,
            "decisions_changed": self.changed,
            "failures": self.failures,
            "seconds": round(self.seconds, 1),
        }


class Editor:
    """Runs stages on an instance and tells the watcher. One per process; not safe for threads."""

    def __init__(self, newsroom: Newsroom, instance: DagsterInstance, watcher: Watcher) -> None:
        self.newsroom = newsroom
        self.instance = instance
        self.watcher = watcher
        self.definitions: Definitions = build_definitions(newsroom=newsroom)
        # Pool slots of an edition that was killed would keep this one waiting.
        with newsroom.connection() as conn:
            bury_dead_runs(instance, conn)

    # --- whole ways ---------------------------------------------------------------------------------------------------

    def edition(self, day: date, topics: Iterable[str] | None = None) -> Outcome:
        """Ingest, analysis, signals, pages, stories and site of one day; `topics` limits the last four to some."""
        started = time.monotonic()
        chosen = [slug for slug in TOPIC_SLUGS if topics is None or slug in set(topics)]
        outcome = Outcome(day)
        self.ingest(day, outcome)
        if not outcome.every_source_failed and self.analyze(day, outcome):
            self.publish_day(day, chosen, outcome)
            self.site(outcome)
        self.summarise(outcome, chosen)
        outcome.seconds = time.monotonic() - started
        return outcome

    def publish_day(self, day: date, topics: list[str], outcome: Outcome) -> None:
        """Signals, pages and stories of a day whose analysis stands."""
        if self._measure("signals", "signals_job", "topic_signals", day, topics, outcome):
            self._measure("pages", "web_pages_job", "web_pages", day, topics, outcome)
            self.stories(day, topics, outcome)

    # --- stages -------------------------------------------------------------------------------------------------------

    def ingest(self, day: date, outcome: Outcome, *, now: datetime | None = None) -> None:
        """Every due source of every platform, in one run."""
        with self._stage("ingest", str(day), outcome) as stage:
            result = self._run("ingest_job", outcome.day, day.isoformat(), now=now)
            stage.took(result)
            counts = dict.fromkeys(FIGURES, 0)
            for event in result.get_asset_materialization_events():
                for name, value in event.materialization.metadata.items():
                    if name in counts and isinstance(value.value, int):
                        counts[name] += value.value
            for name, number in counts.items():
                outcome.sources[name] = outcome.sources.get(name, 0) + number
            with self.newsroom.connection() as conn:
                brought = _brought(conn, result.run_id)
            stage.says(f"{brought} new records; sources: {_counted(counts)}")

    def analyze(self, day: date, outcome: Outcome) -> bool:
        """Days with records that wait for analysis, then the claims of the window. False when it failed."""
        with self.newsroom.connection() as conn:
            waiting = waiting_days(
                conn, since=max(FIRST_DAY, day - timedelta(days=HISTORY_DAYS)), until=self._last_day()
            )
        for first, last in day_ranges(waiting, bridge=BRIDGE_DAYS):
            if not self._days("analyze", "analyzed_records", first, last, outcome):
                return False
        first = max(FIRST_DAY, day - timedelta(days=self.newsroom.publication.window_days - 1))
        return self._days("claims", "claims", first, day, outcome)

    def stories(self, day: date, topics: list[str], outcome: Outcome) -> None:
        """A run per topic whose inputs changed, the most newsworthy first; topics without a record share runs."""
        from aidran_pipeline.write import in_order

        config, window = self.newsroom.config_version(), self.newsroom.publication.window_days
        wanted = story_inputs(self.instance, day, topics, window_days=window, config=config)
        stale = stale_topics(self.instance, day, wanted)
        with self._stage("stories", f"{len(stale)} of {len(topics)} topics have new input", outcome) as stage:
            with self.newsroom.connection() as conn:
                busy = topics_with_records(conn, day, window)
                # Who comes first may use what two topics share, and the budget for models.
                ordered = in_order(conn, day, [t for t in stale if t in busy], self.newsroom.publication)
            for first, last in topic_ranges([slug for slug in stale if slug not in busy]):
                stage.took(self._run("articles_job", outcome.day, key_of(day, first), key_of(day, last)))
            for slug in ordered:
                self.newsroom_says(f"writing {slug}")
                stage.took(self._run("articles_job", outcome.day, key_of(day, slug)))
            outcome.written += stage.count
            outcome.changed += stage.changed
            stage.says(f"{stage.count} decided, {stage.changed} changed, {len(topics) - len(stale)} as they were")

    def site(self, outcome: Outcome) -> None:
        """The site, from the database."""
        with self._stage("site", str(self.newsroom.settings.site_dir), outcome) as stage:
            stage.took(self._run("site_job", outcome.day))

    def summarise(self, outcome: Outcome, topics: list[str]) -> None:
        """Fill in the decisions in force of the day."""
        with self.newsroom.connection() as conn:
            for row in decisions(conn, outcome.day, topics):
                (outcome.published if row["decision"] == "published" else outcome.withheld).append(row)

    # --- one run ------------------------------------------------------------------------------------------------------

    def newsroom_says(self, message: str) -> None:
        """A line of progress between runs."""
        if self.newsroom.progress is not None:
            self.newsroom.progress(message)

    def _days(self, stage_name: str, asset: str, first: date, last: date, outcome: Outcome) -> bool:
        with self._stage(stage_name, str(first) if first == last else f"{first} to {last}", outcome) as stage:
            stage.took(self._run("analyze_job", outcome.day, first.isoformat(), last.isoformat(), assets=[asset]))
        return not stage.failed

    def _measure(self, name: str, job: str, asset: str, day: date, topics: list[str], outcome: Outcome) -> bool:
        with self._stage(name, f"{day}, {len(topics)} topics", outcome) as stage:
            for first, last in topic_ranges(topics):
                stage.took(self._run(job, outcome.day, key_of(day, first), key_of(day, last), assets=[asset]))
            if stage.outcomes:  # figures of several topics' histories make no sum
                stage.says(f"{stage.count} topics: {_counted(dict(stage.outcomes.most_common()))}")
        return not stage.failed

    def _run(
        self,
        job: str,
        edition: date,
        first: str | None = None,
        last: str | None = None,
        *,
        assets: list[str] | None = None,
        now: datetime | None = None,
    ) -> ExecuteInProcessResult:
        """Execute one job on partition `first`, or on the rectangle from `first` to `last`. A failed run is a result.

        Every run of an edition carries its day, so that the UI's run list can be filtered by it.
        """
        moment = (now or self.newsroom.clock()).isoformat()
        ranged = first is not None and last is not None and first != last
        span = {RANGE_START: str(first), RANGE_END: str(last)} if ranged else {}
        partition = None if ranged else first
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[AssetKey(name) for name in assets] if assets else None,
            run_id=self.run_id_for(job, partition or f"{first} to {last}", *(assets or []), moment),
            tags={**span, EDITION_TAG: edition.isoformat(), NOW_TAG: moment, STARTED_BY: "aidran run"},
            run_config=QUIET,
            raise_on_error=False,
        )

    def run_id_for(self, *_what: str) -> str | None:
        """The id of a run, from what it works on; None: Dagster draws one. The demo's are the same on each machine."""
        return None

    def _stage(self, name: str, what: str, outcome: Outcome) -> _Stage:
        return _Stage(name, what, outcome, self.watcher)

    def _last_day(self) -> date:
        return self.newsroom.today()


class _Stage:
    """One line of the edition: timed, counted, and failed when one of its runs failed."""

    def __init__(self, name: str, what: str, outcome: Outcome, watcher: Watcher) -> None:
        self.name, self.what, self.outcome, self.watcher = name, what, outcome, watcher
        self.failed = False
        self.failures: list[str] = []
        self.count = 0
        self.changed = 0
        self.outcomes: Counter[str] = Counter()
        self._figures: dict[str, int] = {}
        self._line: str | None = None
        self._started = time.monotonic()

    def __enter__(self) -> _Stage:
        self.watcher.started(self.name, self.what)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        line = self._line or _counted(self._figures) or self.what
        if error is not None:
            self.failed, line = True, f"{type(error).__name__}: {error}"
        if self.failures:
            line = f"{self.failures[-1]}" + (f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else "")
        self.watcher.finished(self.name, line, time.monotonic() - self._started, failed=self.failed)

    def says(self, line: str) -> None:
        """What the stage's line says in place of its summed figures."""
        self._line = line

    def took(self, result: ExecuteInProcessResult) -> None:
        """Add a run's figures, summed over its partitions, or its failure."""
        for event in result.get_asset_materialization_events():
            self.count += 1
            for name, value in event.materialization.metadata.items():
                if name == "changed":
                    self.changed += bool(value.value)
                elif name == "outcome":  # volume_spike: quiet, …
                    self.outcomes.update(part.rpartition(": ")[2] for part in str(value.value).split(", "))
                elif isinstance(value.value, int) and not isinstance(value.value, bool):
                    self._figures[name] = self._figures.get(name, 0) + value.value
        if not result.success:
            self.failed = True
            self.failures += failure_reasons(result)
            self.outcome.failures += [f"{self.name}: {reason}" for reason in failure_reasons(result)]


def failure_reasons(result: ExecuteInProcessResult) -> list[str]:
    """Why steps failed, one line each, the innermost cause."""
    reasons: list[str] = []
    for event in result.all_events:
        if event.event_type != DagsterEventType.STEP_FAILURE:
            continue
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        said = " ".join((error.message if error else "").split())
        where = result.dagster_run.tags.get("dagster/partition") or event.step_key or "step"
        reasons.append(f"{where}: {said}"[:300])
    return reasons or [f"run {result.run_id} failed; its log in `aidran dev` says why"]


def waiting_days(conn: Connection, *, since: date, until: date) -> list[date]:
    """Days with a record whose newest version was not analysed, ascending."""
    rows = conn.execute(
        """SELECT DISTINCT r.day FROM records r JOIN newest_record_versions v ON v.record_id = r.id
           WHERE r.day BETWEEN %s AND %s
             AND NOT EXISTS (SELECT 1 FROM record_analysis a WHERE a.record_version_id = v.id) ORDER BY r.day""",
        (since, until),
    ).fetchall()
    return [row["day"] for row in rows]


def topics_with_records(conn: Connection, day: date, window_days: int) -> set[str]:
    """Topics with at least one record in the evidence window of `day`."""
    rows = conn.execute(
        "SELECT DISTINCT topic FROM record_topics WHERE day BETWEEN %s AND %s",
        (day - timedelta(days=window_days - 1), day),
    ).fetchall()
    return {row["topic"] for row in rows}


def decisions(conn: Connection, day: date, topics: list[str]) -> list[dict[str, Any]]:
    """The decisions in force of a day: topic, decision, slug, headline, version, gates that withheld it."""
    return conn.execute(
        """SELECT d.topic, d.decision, a.slug, v.number AS version, s.text AS headline, d.reasons
           FROM current_decisions d
           LEFT JOIN article_versions v ON v.id = d.article_version_id
           LEFT JOIN articles a ON a.id = v.article_id
           LEFT JOIN article_sentences s ON s.article_version_id = v.id AND s.part = 'headline'
           JOIN topics t ON t.slug = d.topic
           WHERE d.day = %s AND d.topic = ANY(%s) ORDER BY t.position, d.topic""",
        (day, topics),
    ).fetchall()


def _brought(conn: Connection, run_id: str) -> int:
    row = conn.execute("SELECT count(*) AS n FROM records WHERE run_id = %s", (run_id,)).fetchone()
    return int(row["n"]) if row else 0


def _counted(counts: Mapping[str, int]) -> str:
    """Non-zero figures in words, at most six."""
    shown = [f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(shown[:6])
