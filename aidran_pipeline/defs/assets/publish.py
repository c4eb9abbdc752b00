"""The site, from the database alone. What does not belong here: pages and their templates (publish/)."""

from typing import Any

from dagster import AssetExecutionContext, AssetKey, DagsterInstance, MaterializeResult, ResourceParam, asset

from aidran_pipeline import __version__
from aidran_pipeline.defs.events import OWNERS, link, result_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.db import Connection, advisory_lock
from aidran_pipeline.store.provenance import StageResult

KNOWN = "newest_decision"
NO_STORY = "0"


@asset(
    deps=["articles"],
    group_name="publish",
    kinds={"python", "html"},
    owners=OWNERS,
    code_version=__version__,
    description="The static site, feeds and JSON, built from the database alone; only changed files are touched.",
)
def site(context: AssetExecutionContext, newsroom: ResourceParam[Newsroom]) -> MaterializeResult[Any]:
    """Every page of every published story."""
    from aidran_pipeline.publish import build_site

    run = newsroom.run_of(context.run.run_id, context.run.tags, context.log.info)
    # One build at a time: two that overlap could leave pages of the older one.
    with newsroom.connection() as conn, advisory_lock(conn, "site"):
        decided = stories_decided(conn)
        built = build_site(conn, newsroom.settings.site_dir, newsroom.publication, run=run)
    numbers = {"pages": built.pages, "files_written": built.changed, "files_removed": built.removed}
    more = {KNOWN: decided, "folder": str(newsroom.settings.site_dir), "home": link(str(newsroom.publication.base_url))}
    changed = bool(built.changed or built.removed)
    return result_of("site", StageResult(built.data_version, numbers, changed), more=more)


def stories_decided(conn: Connection) -> str:
    """The newest editorial decision's id, as text; NO_STORY when there is none."""
    row = conn.execute("SELECT COALESCE(max(id), 0) AS newest FROM editorial_decisions").fetchone()
    return str(row["newest"]) if row else NO_STORY


def known_to_site(instance: DagsterInstance) -> str:
    """What `stories_decided` said when the site was last built."""
    event = instance.get_latest_materialization_event(AssetKey("site"))
    made = event.asset_materialization if event else None
    known = made.metadata.get(KNOWN) if made else None
    return str(known.value) if known else NO_STORY
