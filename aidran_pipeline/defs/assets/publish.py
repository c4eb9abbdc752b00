"""The site, from the database alone. What does not belong here: pages and their templates (publish/)."""

from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, ResourceParam, asset

from aidran_pipeline import __version__
from aidran_pipeline.defs.events import OWNERS, link, result_of
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.store.provenance import StageResult


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
    with newsroom.connection() as conn:
        built = build_site(conn, newsroom.settings.site_dir, newsroom.publication, run=run)
    numbers = {"pages": built.pages, "files_written": built.changed, "files_removed": built.removed}
    more = {"folder": str(newsroom.settings.site_dir), "home": link(str(newsroom.publication.base_url))}
    changed = bool(built.changed or built.removed)
    return result_of("site", StageResult(built.data_version, numbers, changed), more=more)
