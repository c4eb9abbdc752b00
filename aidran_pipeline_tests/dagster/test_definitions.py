"""The shape of the graph, as the design fixes it: a change here is a change of contract."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml
from dagster import (
    AssetKey,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    MultiPartitionsDefinition,
    build_schedule_context,
)
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from aidran_pipeline.defs.partitions import (
    DAY_TOPIC,
    DAYS,
    RANGE_END,
    RANGE_START,
    TOPIC_SLUGS,
    day_ranges,
    key_of,
    parts_of,
    topic_ranges,
)
from aidran_pipeline.defs.resources import Newsroom, moment_from
from aidran_pipeline.defs.schedules import edition_schedule, ingest_schedule
from aidran_pipeline_tests.conftest import REPOSITORY

GRAPH = {
    "bluesky_posts": ("ingest", "day", []),
    "reddit_posts": ("ingest", "day", []),
    "news_articles": ("ingest", "day", []),
    "analyzed_records": ("analyze", "day", ["bluesky_posts", "news_articles", "reddit_posts"]),
    "claims": ("analyze", "day", ["analyzed_records"]),
    "topic_signals": ("signal", "day|topic", ["analyzed_records"]),
    "web_pages": ("write", "day|topic", ["analyzed_records"]),
    "articles": ("write", "day|topic", ["claims", "topic_signals", "web_pages"]),
    "site": ("publish", None, ["articles"]),
}


def _shape(definitions: Definitions) -> dict[str, tuple[str | None, str | None, list[str]]]:
    graph = definitions.resolve_asset_graph()
    kinds: dict[Any, str | None] = {
        DailyPartitionsDefinition: "day",
        MultiPartitionsDefinition: "day|topic",
        type(None): None,
    }
    return {
        key.to_user_string(): (
            graph.get(key).group_name,
            kinds[type(graph.get(key).partitions_def)],
            sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
        )
        for key in graph.get_all_asset_keys()
    }


def test_the_graph_is_that_of_the_design(definitions: Definitions) -> None:
    Definitions.validate_loadable(definitions)
    assert _shape(definitions) == GRAPH


def test_every_asset_says_what_it_is_and_whose(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description and node.owners and node.kinds, key
        assert node.code_version, key


CHECKS = {
    ("bluesky_posts", "sources_answer", False),
    ("bluesky_posts", "sources_are_well", False),
    ("reddit_posts", "sources_answer", False),
    ("reddit_posts", "sources_are_well", False),
    ("news_articles", "sources_answer", False),
    ("news_articles", "sources_are_well", False),
    ("analyzed_records", "every_record_is_analyzed", False),
    ("claims", "quotes_are_verbatim", False),
    ("articles", "articles_hold_their_gates", True),
}
JOBS = {
    "ingest_job": {"bluesky_posts", "reddit_posts", "news_articles"},
    "analyze_job": {"analyzed_records", "claims"},
    "signals_job": {"topic_signals"},
    "web_pages_job": {"web_pages"},
    "edition_job": {"topic_signals", "web_pages"},
    "articles_job": {"articles"},
    "site_job": {"site"},
    "backfill_job": {"analyzed_records", "claims"},
    "purge_job": set(),
    "expire_job": set(),
    "reconcile_job": set(),
}
SCHEDULES = {
    "ingest_schedule": ("ingest_job", "*/30 * * * *", "STOPPED"),
    "edition_schedule": ("edition_job", "30 5 * * *", "STOPPED"),
    "purge_schedule": ("purge_job", "15 4 * * 0", "RUNNING"),
    "expire_schedule": ("expire_job", "45 3 * * *", "RUNNING"),
    "reconcile_schedule": ("reconcile_job", "10 */3 * * *", "STOPPED"),
}
SENSORS = {
    "new_volume": ({"signals_job"}, 300, "RUNNING"),
    "stories_after_signals": ({"articles_job"}, 30, "RUNNING"),
    "site_after_stories": ({"site_job"}, 30, "RUNNING"),
    "dead_runs": (set(), 60, "RUNNING"),
    "source_alerts": (set(), 120, "RUNNING"),
    "analysis_automation": (set(), 30, "RUNNING"),
}


def test_checks_by_asset_and_whether_they_have_partitions(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        (key.asset_key.to_user_string(), key.name, graph.get(key).partitions_def is not None)
        for key in graph.asset_check_keys
    }
    assert found == CHECKS
    assert not any(graph.get(key).blocking for key in graph.asset_check_keys)


def test_jobs_by_what_they_select(definitions: Definitions) -> None:
    found = {
        job.name: {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
        for job in definitions.get_repository_def().get_all_jobs()
        if not job.name.startswith("__")
    }
    assert found == JOBS


def test_the_gates_are_part_of_the_run_that_writes(definitions: Definitions) -> None:
    job = definitions.resolve_job_def("articles_job")
    assert {key.name for key in job.asset_layer.asset_graph.asset_check_keys} == {"articles_hold_their_gates"}


def test_schedules_and_sensors_by_what_they_start(definitions: Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {
        one.name: (one.job_name, one.cron_schedule, one.default_status.value) for one in repository.schedule_defs
    } == SCHEDULES
    assert all(one.execution_timezone == "UTC" for one in repository.schedule_defs)
    assert {
        one.name: ({target.job_name for target in one.targets if one.has_jobs}, one.minimum_interval_seconds,
                   one.default_status.value)
        for one in repository.sensor_defs
    } == SENSORS  # fmt: skip
    assert all(one.description for one in (*repository.schedule_defs, *repository.sensor_defs))


def test_what_asks_sources_and_what_writes_has_a_pool(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    pools = {key.to_user_string(): set(graph.get(key).pools or ()) for key in graph.get_all_asset_keys()}
    assert {name: pool for name, pool in pools.items() if pool} == {
        "bluesky_posts": {"sources"},
        "reddit_posts": {"sources"},
        "news_articles": {"sources"},
        "web_pages": {"sources"},
        "articles": {"articles"},
    }


def test_set_based_assets_take_a_range_in_one_run_others_a_run_each(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    most = {
        key.to_user_string(): policy.max_partitions_per_run
        for key in graph.get_all_asset_keys()
        if (policy := graph.get(key).backfill_policy) is not None
    }
    a_run_each = {"bluesky_posts", "reddit_posts", "news_articles", "articles"}
    assert most == {name: 1 if name in a_run_each else None for name in GRAPH if name != "site"}


def test_three_days_of_records_are_three_days_of_everything_downstream(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    days = ["2026-05-18", "2026-05-19", "2026-05-20"]
    root = AssetGraphSubset(partitions_subsets_by_asset_key={
        AssetKey("news_articles"): DAYS.subset_with_partition_keys(days)
    })  # fmt: skip
    with partition_loading_context():
        reached = graph.bfs_filter_subsets(lambda key, _: graph.get(key).is_partitioned, root)
    keys = {key.to_user_string(): set(reached.get_partitions_subset(key).get_partition_keys())
            for key in reached.asset_keys}  # fmt: skip
    stories = {f"{day}|{slug}" for day in days for slug in TOPIC_SLUGS}
    assert keys == {
        "news_articles": set(days), "analyzed_records": set(days), "claims": set(days),
        "topic_signals": stories, "web_pages": stories, "articles": stories,
    }  # fmt: skip


def test_keys_are_day_bar_topic_and_read_back() -> None:
    assert key_of(date(2026, 5, 20), "ai-geopolitics") == "2026-05-20|ai-geopolitics"
    assert parts_of("2026-05-20|ai-geopolitics") == (date(2026, 5, 20), "ai-geopolitics")
    assert DAY_TOPIC.has_partition_key(key_of(date(2026, 5, 20), TOPIC_SLUGS[0]))
    with pytest.raises(ValueError, match="not a partition"):
        parts_of("2026-05-20")


def test_today_is_a_partition() -> None:
    today = datetime.now(UTC).date()
    assert DAY_TOPIC.has_partition_key(key_of(today, TOPIC_SLUGS[0]))


def test_ranges_cover_exactly_what_was_asked_for_unless_bridged() -> None:
    days = [date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 5)]
    assert day_ranges(days) == [(days[0], days[1]), (days[2], days[2])]
    assert day_ranges(days, bridge=2) == [(days[0], days[2])]
    order = ["a", "b", "c", "d"]
    assert topic_ranges(["d", "b", "a"], order) == [("a", "b"), ("d", "d")]
    assert topic_ranges([], order) == []


def test_a_run_carries_its_moment_and_a_naive_one_is_refused() -> None:
    tags = {"aidran/now": "2026-05-20T23:30:00+02:00"}
    assert moment_from(tags) == datetime(2026, 5, 20, 21, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time zone"):
        moment_from({"aidran/now": "2026-05-20T23:30:00"})


def test_the_edition_is_that_of_the_day_before_and_ingest_that_of_today() -> None:
    at = datetime(2026, 5, 21, 5, 30, tzinfo=UTC)
    edition = edition_schedule(build_schedule_context(scheduled_execution_time=at))
    assert edition.tags[RANGE_START] == f"2026-05-20|{TOPIC_SLUGS[0]}"
    assert edition.tags[RANGE_END] == f"2026-05-20|{TOPIC_SLUGS[-1]}"
    assert ingest_schedule(build_schedule_context(scheduled_execution_time=at)).partition_key == "2026-05-21"


def test_the_code_location_keeps_its_name() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"] == {
        "module_name": "aidran_pipeline.definitions",
        "location_name": "aidran",
    }


def test_the_instance_keeps_its_tables_in_a_schema_of_its_own(
    newsroom: Newsroom, own_instance: DagsterInstance
) -> None:
    assert own_instance.telemetry_enabled is False
    assert own_instance.nux_enabled is False
    with newsroom.connection() as conn:
        found = conn.execute("SELECT schemaname FROM pg_tables WHERE tablename IN ('event_logs', 'runs')").fetchall()
    assert [row["schemaname"] for row in found] == ["dagster", "dagster"]


def test_the_instance_has_pools_retention_and_a_watch_on_runs(own_instance: DagsterInstance) -> None:
    told = own_instance.info_dict()
    assert own_instance.get_concurrency_config().pool_config.default_pool_limit == 2
    assert told["concurrency"]["runs"]["max_concurrent_runs"] == 4
    assert own_instance.run_monitoring_enabled
    assert own_instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 300
    assert own_instance.get_tick_retention_settings(InstigatorType.SCHEDULE)[TickStatus.SUCCESS] == 30
    assert own_instance.get_tick_retention_settings(InstigatorType.SENSOR)[TickStatus.SKIPPED] == 2
