"""In-process runs on a real database: ranges, data versions, the check on articles, the purge."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
)
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.defs.edition import QUIET, Editor, Outcome
from aidran_pipeline.defs.events import DATA_VERSION, figures, latest_tags, link, rates, topic_link
from aidran_pipeline.defs.housekeeping import purge
from aidran_pipeline.defs.partitions import RANGE_END, RANGE_START, TOPIC_SLUGS, key_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.sensors import EDITION_TAG
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.newsroom import DAY, Item
from aidran_pipeline_tests.newsroom import Newsroom as Rows

TEXTS = [
    "A court in Lisbon ruled that training an artificial intelligence model on novels needs a licence.",
    "Researchers report that a large language model solved 41 of 60 geometry problems without a hint.",
    "The city council wants to know which chatbots read the letters that citizens send.",
]


class Silent:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def started(self, stage: str, what: str) -> None:
        pass

    def finished(self, stage: str, what: str, seconds: float, *, failed: bool) -> None:
        self.lines.append((stage, what, failed))


def _three_days(conn: Connection) -> list[date]:
    rows = Rows(conn)
    rows.topic("ai-law", "AI & Law", "Courts and claims about artificial intelligence.", 0)
    days = [DAY - timedelta(days=back) for back in (2, 1, 0)]
    for number, day in enumerate(days):
        for part, text in enumerate(TEXTS):
            rows.add(
                Item(f"n{number}-{part}", "news", f"Paper {part}", day, f"{text} Day {number}.", text[:60]), "ai-law"
            )
    conn.execute("DELETE FROM record_topics")
    conn.execute("DELETE FROM record_analysis")
    return days


def _range(first: str, last: str) -> dict[str, str]:
    return {RANGE_START: first, RANGE_END: last}


def test_a_backfill_of_three_days_gives_each_day_its_own_version_and_repeats_without_a_change(
    conn: Connection, instance: DagsterInstance, definitions: Definitions
) -> None:
    days = _three_days(conn)
    keys = [day.isoformat() for day in days]
    job = definitions.resolve_job_def("backfill_job")
    result = job.execute_in_process(instance=instance, tags=_range(keys[0], keys[-1]), run_config=QUIET)
    assert result.success
    versions = latest_tags(instance, "analyzed_records", keys, DATA_VERSION)
    assert sorted(versions) == keys
    assert len(set(versions.values())) == 3
    assert sorted(latest_tags(instance, "claims", keys, DATA_VERSION)) == keys
    assert {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()} == {
        "every_record_is_analyzed": True,
        "quotes_are_verbatim": True,
    }
    before = conn.execute("SELECT * FROM record_analysis ORDER BY 1").fetchall()
    assert len(before) == 9
    assert job.execute_in_process(instance=instance, tags=_range(keys[0], keys[-1]), run_config=QUIET).success
    assert latest_tags(instance, "analyzed_records", keys, DATA_VERSION) == versions
    assert conn.execute("SELECT * FROM record_analysis ORDER BY 1").fetchall() == before


def test_a_ranged_run_says_what_it_was_made_from_so_that_only_a_change_upstream_makes_it_stale(
    conn: Connection, instance: DagsterInstance, definitions: Definitions
) -> None:
    days = _three_days(conn)
    keys = [day.isoformat() for day in days]

    def stale() -> set[str]:
        graph = definitions.resolve_asset_graph()
        context = LoadingContextForTest(instance)
        resolver = CachingStaleStatusResolver(instance, graph, context)
        status = {key: resolver.get_status(AssetKey("claims"), key) for key in keys}
        return {key for key, value in status.items() if value is not StaleStatus.FRESH}

    def run(job: str, asset: str, first: str, last: str) -> None:
        assert definitions.resolve_job_def(job).execute_in_process(
            instance=instance, tags=_range(first, last), asset_selection=[AssetKey(asset)], run_config=QUIET
        ).success  # fmt: skip

    run("analyze_job", "analyzed_records", keys[0], keys[-1])
    run("analyze_job", "claims", keys[0], keys[-1])
    assert stale() == set()
    run("analyze_job", "analyzed_records", keys[0], keys[-1])  # the same again, with the same versions
    assert stale() == set()
    rows = Rows(conn)
    text = "A judge in Porto asked the makers of a language model which books it had read."
    rows.add(Item("late", "news", "Paper 9", days[1], text, text[:40]), "ai-law")
    conn.execute("DELETE FROM record_topics")
    conn.execute("DELETE FROM record_analysis")
    run("analyze_job", "analyzed_records", keys[0], keys[-1])
    assert stale() == {keys[1]}


def test_a_rectangle_of_days_and_topics_is_one_run_with_an_event_each(
    conn: Connection, instance: DagsterInstance, definitions: Definitions
) -> None:
    _three_days(conn)
    first, last = key_of(DAY - timedelta(days=1), TOPIC_SLUGS[0]), key_of(DAY, TOPIC_SLUGS[2])
    result = definitions.resolve_job_def("signals_job").execute_in_process(
        instance=instance, tags=_range(first, last), run_config=QUIET
    )
    events = result.get_asset_materialization_events()
    expected = [key_of(day, slug) for day in (DAY - timedelta(days=1), DAY) for slug in TOPIC_SLUGS[:3]]
    assert sorted(str(event.partition) for event in events) == sorted(expected)
    assert instance.get_materialized_partitions(AssetKey("topic_signals")) == set(expected)
    dims = {str(e.partition): e.materialization.tags["dagster/partition/topic"] for e in events}  # type: ignore[index]
    assert all(key.endswith(f"|{topic}") for key, topic in dims.items())


def test_an_edition_decides_every_topic_and_a_second_one_decides_none(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    days = _three_days(conn)
    watcher = Silent()
    editor = Editor(newsroom, instance, watcher)
    first = Outcome(DAY)
    with newsroom.connection() as own:
        newsroom.sync(own)
    assert editor.analyze(DAY, first)
    editor.publish_day(DAY, list(TOPIC_SLUGS), first)
    editor.summarise(first, list(TOPIC_SLUGS))
    assert first.failures == []
    assert first.written == len(TOPIC_SLUGS)
    told = {stage: what for stage, what, _failed in watcher.lines}
    assert re.fullmatch(rf"{len(TOPIC_SLUGS)} topics: (\d+ [a-z ]+(, )?)+", told["signals"]), told
    assert len(first.published) + len(first.withheld) == len(TOPIC_SLUGS)
    assert {run.tags.get(EDITION_TAG) for run in instance.get_runs()} == {DAY.isoformat()}
    runs = instance.get_runs_count()
    second = Outcome(DAY)
    editor.publish_day(DAY, list(TOPIC_SLUGS), second)
    assert (second.written, second.changed, second.failures) == (0, 0, [])
    assert instance.get_runs_count() == runs + 2  # signals and pages looked, no story was written
    assert days[-1] == DAY


def test_an_edition_whose_stage_fails_says_which_and_goes_no_further(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    _three_days(conn)
    conn.execute("ALTER TABLE record_topics RENAME TO record_topics_gone")
    watcher = Silent()
    outcome = Outcome(DAY)
    assert not Editor(newsroom, instance, watcher).analyze(DAY, outcome)
    assert outcome.failures and outcome.failures[0].startswith("analyze: ")
    assert "record_topics" in outcome.failures[0]
    assert watcher.lines[-1][2]


def test_the_purge_takes_log_lines_and_leaves_materialisations(
    conn: Connection, instance: DagsterInstance, definitions: Definitions
) -> None:
    _three_days(conn)
    definitions.resolve_job_def("signals_job").execute_in_process(
        instance=instance, partition_key=key_of(DAY, "ai-law"), run_config=QUIET
    )
    (run,) = instance.get_runs()
    assert purge(instance, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    lines = len(instance.all_logs(run.run_id))
    gone = purge(instance, datetime.now(UTC) + timedelta(minutes=1))
    assert 0 < gone < lines
    assert instance.get_materialized_partitions(AssetKey("topic_signals")) == {key_of(DAY, "ai-law")}
    assert instance.get_latest_materialization_event(AssetKey("topic_signals")) is not None
    assert purge(instance, datetime.now(UTC) + timedelta(minutes=1)) == 0


def test_on_the_projects_own_instance_the_purge_leaves_what_the_ui_builds_partitions_from(
    conn: Connection, own_instance: DagsterInstance, definitions: Definitions
) -> None:
    _three_days(conn)
    good, bad = key_of(DAY, "ai-law"), key_of(DAY - timedelta(days=1), "ai-law")
    job = definitions.resolve_job_def("signals_job")
    assert job.execute_in_process(instance=own_instance, partition_key=good, run_config=QUIET).success
    conn.execute("ALTER TABLE record_topics RENAME TO record_topics_gone")
    failed = job.execute_in_process(instance=own_instance, partition_key=bad, run_config=QUIET, raise_on_error=False)
    assert not failed.success

    def failures() -> set[str]:
        storage = own_instance.event_log_storage
        return set(storage.get_latest_asset_partition_materialization_attempts_without_materializations(
            AssetKey("topic_signals")
        ))  # fmt: skip

    assert failures() == {bad}
    assert purge(own_instance, datetime.now(UTC) + timedelta(minutes=1)) > 0
    assert own_instance.get_materialized_partitions(AssetKey("topic_signals")) == {good}
    assert failures() == {bad}
    assert set(latest_tags(own_instance, "topic_signals", [good], DATA_VERSION)) == {good}


def test_figures_hold_no_nan_no_markup_and_no_foreign_link() -> None:
    data = figures(
        {"rate": float("nan"), "title": "**bold** [x](javascript:alert(1))", "none": None, "rows": [{"a": 1}]}
    )
    assert data["rate"].value == "nan"
    assert type(data["title"]).__name__ == "TextMetadataValue"
    assert "none" not in data
    assert type(data["rows"]).__name__ == "TableMetadataValue"


def test_counts_by_name_are_a_table_largest_first_and_shares_need_a_whole() -> None:
    data = figures({"topics": {"ai-law": 2, "ai-science": 7}, "empty": [], "mixed": {"a": 1, "b": "x"}})
    assert [record.data for record in data["topics"].records] == [
        {"name": "ai-science", "count": 7},
        {"name": "ai-law", "count": 2},
    ]
    assert data["empty"].value == "none"
    assert type(data["mixed"]).__name__ == "JsonMetadataValue"
    assert rates({"a": 1, "n": 8}, share=("a", "n"), gone=("b", "n"), void=("a", "m")) == {"share": 0.125}


def test_links_lead_to_the_web_or_nowhere() -> None:
    assert type(link("https://example.org/")).__name__ == "UrlMetadataValue"
    assert type(link("javascript:alert(1)")).__name__ == "TextMetadataValue"
    assert topic_link(load_publication(), "ai-law").value == "http://127.0.0.1:8000/topics/ai-law/"
