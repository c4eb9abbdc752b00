"""The housekeeping jobs over the real code: what was withdrawn is erased and shown nowhere, old bodies expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, Definitions

from aidran_pipeline.defs.build import build_definitions
from aidran_pipeline.defs.edition import QUIET
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.publish import build_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import save_payload
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.newsroom import DAY, build_newsroom

NOW = datetime(2026, 5, 20, 15, 0, tzinfo=UTC)


def test_reconcile_erases_what_its_source_withdrew_and_builds_the_site_again(
    conn: Connection, instance: DagsterInstance, definitions: Definitions, newsroom: Newsroom
) -> None:
    build_newsroom(conn)
    site = newsroom.settings.site_dir
    site.parent.mkdir(parents=True)
    build_site(conn, site, newsroom.publication, run=Run("run-site", NOW))
    row = conn.execute(
        """SELECT r.id, r.native_id, u.quote FROM records r JOIN citations c ON c.record_id = r.id
           JOIN sentence_citations u ON u.citation_id = c.id WHERE r.platform = 'bluesky' AND r.day = %s
           ORDER BY r.id LIMIT 1""",
        (DAY,),
    ).fetchone()
    assert row is not None
    conn.execute(
        """INSERT INTO source_withdrawals (platform, kind, target, status, happened_at, fetch_id, noted_at)
           SELECT 'bluesky', 'post', %s, 'deleted', %s, min(id), %s FROM fetches""",
        (row["native_id"], NOW, NOW),
    )

    def shown() -> bool:
        return any(row["quote"] in path.read_text() for path in site.rglob("index.json"))

    assert shown()
    done = definitions.resolve_job_def("reconcile_job").execute_in_process(
        instance=instance,
        run_config={**QUIET, "ops": {"erase_what_is_withdrawn": {"config": {"ask": False}}}},
    )
    assert done.success
    assert conn.execute("SELECT reason FROM tombstones WHERE record_id = %s", (row["id"],)).fetchone() == {
        "reason": "deleted"
    }
    assert not shown()
    said = [entry.user_message for entry in instance.all_logs(done.run_id)]
    assert any("1 records erased" in line for line in said)


def test_bodies_expire_by_the_clock_of_the_run_and_the_days_of_the_settings(
    conn: Connection, instance: DagsterInstance, newsroom: Newsroom
) -> None:
    for age in (29, 31):
        save_payload(conn, f"body {age}".encode(), media_type=None, now=NOW - timedelta(days=age))

    def kept(days: int) -> int:
        newsroom.settings = newsroom.settings.model_copy(update={"body_days": days})
        job = build_definitions(newsroom=newsroom).resolve_job_def("expire_job")
        assert job.execute_in_process(instance=instance, run_config=QUIET).success
        row = conn.execute("SELECT count(*) AS n FROM payloads WHERE body IS NOT NULL").fetchone()
        assert row is not None
        return int(row["n"])

    assert (kept(0), kept(30), kept(30), kept(28)) == (2, 1, 1, 0)
