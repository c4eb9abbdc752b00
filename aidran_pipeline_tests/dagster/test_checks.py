"""The check on articles, on stories in a real database: by partition, by range, by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    AssetSelection,
    DagsterInstance,
    Definitions,
    JobDefinition,
    define_asset_job,
)

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.defs.build import build_definitions
from aidran_pipeline.defs.checks import broken_gates
from aidran_pipeline.defs.edition import QUIET
from aidran_pipeline.defs.partitions import RANGE_END, RANGE_START, TOPIC_SLUGS, key_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.newsroom import DAY, build_newsroom

PARTITION = "dagster/partition"


@pytest.fixture
def only_check(newsroom: Newsroom) -> JobDefinition:
    """A job of the check alone."""
    job = define_asset_job(
        "only_check", AssetSelection.checks(AssetCheckKey(AssetKey("articles"), "articles_hold_their_gates"))
    )
    defs = build_definitions(newsroom=newsroom)
    return Definitions.merge(defs, Definitions(jobs=[job])).resolve_job_def("only_check")


def _evaluations(job: JobDefinition, instance: DagsterInstance, **tags: str) -> dict[str | None, AssetCheckEvaluation]:
    result = job.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
    assert result.success
    return {evaluation.partition: evaluation for evaluation in result.get_asset_check_evaluations()}


def _tamper(conn: Connection, slug: str) -> None:
    """One cited quote of the story no longer carries its sentence."""
    changed = conn.execute(
        """UPDATE article_sentences SET text = 'Officials in Ruritania counted 987,654 machines.' WHERE id = (
               SELECT s.id FROM article_sentences s JOIN article_versions v ON v.id = s.article_version_id
               JOIN articles a ON a.id = v.article_id WHERE a.slug = %s AND s.kind = 'cited' AND s.part = 'body'
               ORDER BY v.number DESC, s.ordinal LIMIT 1)""",
        (slug,),
    )
    assert changed.rowcount == 1


def test_a_withheld_topic_passes_and_a_published_story_that_breaks_a_gate_fails(
    conn: Connection, instance: DagsterInstance, only_check: JobDefinition
) -> None:
    built = build_newsroom(conn)
    withheld, lead = key_of(DAY, "ai-law"), key_of(DAY, "ai-geopolitics")
    found = _evaluations(only_check, instance, **{PARTITION: withheld})
    assert list(found) == [withheld]
    assert found[withheld].passed
    assert found[withheld].metadata["published"].value == 0
    before = broken_gates(conn, load_publication(), [lead])[lead]
    _tamper(conn, built.lead)
    broken = _evaluations(only_check, instance, **{PARTITION: lead})[lead]
    assert not broken.passed
    assert broken.metadata["failures"].value > len(before)
    assert "987,654" in str(broken.metadata["broken"].value)


def test_a_range_is_evaluated_partition_by_partition(
    conn: Connection, instance: DagsterInstance, only_check: JobDefinition
) -> None:
    build_newsroom(conn)
    first, last = key_of(DAY - timedelta(days=1), TOPIC_SLUGS[0]), key_of(DAY, TOPIC_SLUGS[1])
    found = _evaluations(only_check, instance, **{RANGE_START: first, RANGE_END: last})
    assert set(found) == {key_of(DAY - timedelta(days=back), slug) for back in (0, 1) for slug in TOPIC_SLUGS[:2]}
    published = broken_gates(conn, load_publication(), [str(key) for key in found])
    assert published
    for key, evaluation in found.items():
        assert evaluation.metadata["published"].value == (key in published)
        assert evaluation.passed == (not published.get(str(key)))


def test_executed_by_itself_it_checks_every_published_story_and_sums_up(
    conn: Connection, instance: DagsterInstance, only_check: JobDefinition
) -> None:
    built = build_newsroom(conn)
    _tamper(conn, built.lead)
    published = broken_gates(conn, load_publication(), None)
    assert len(published) == 3
    found = _evaluations(only_check, instance)
    assert set(found) == {*published, None}
    assert found[None].metadata["published"].value == 3
    assert found[None].metadata["failures"].value == sum(len(failures) for failures in published.values())
    assert not found[None].passed


def test_an_evaluation_names_the_materialisation_that_it_checked(
    conn: Connection, instance: DagsterInstance, only_check: JobDefinition
) -> None:
    build_newsroom(conn)
    lead, other = key_of(DAY, "ai-geopolitics"), key_of(DAY, "ai-law")
    for key in (lead, other):
        instance.report_runless_asset_event(AssetMaterialization("articles", partition=key))
    newest = {
        key: instance.get_latest_data_version_record(AssetKey("articles"), partition_key=key) for key in (lead, other)
    }
    for key, record in newest.items():
        target = _evaluations(only_check, instance, **{PARTITION: key})[key].target_materialization_data
        assert record is not None and target is not None
        assert target.storage_id == record.storage_id
