"""A fresh Definitions object, with parts swapped on request. What does not belong here: the parts themselves."""

from __future__ import annotations

from dagster import (
    Definitions,
    ExecutorDefinition,
    Field,
    LoggerDefinition,
    colored_console_logger,
    in_process_executor,
    multiprocess_executor,
)

from aidran_pipeline.defs.alerts import source_alerts
from aidran_pipeline.defs.assets.analyze import analysis
from aidran_pipeline.defs.assets.ingest import INGEST_ASSETS
from aidran_pipeline.defs.assets.publish import site
from aidran_pipeline.defs.assets.signal import topic_signals
from aidran_pipeline.defs.assets.write import articles, web_pages
from aidran_pipeline.defs.checks import articles_hold_their_gates
from aidran_pipeline.defs.housekeeping import expire_job, purge_job, reconcile_job
from aidran_pipeline.defs.jobs import JOBS
from aidran_pipeline.defs.presence import newsroom_resource
from aidran_pipeline.defs.resources import Newsroom
from aidran_pipeline.defs.schedules import SCHEDULES
from aidran_pipeline.defs.sensors import SENSORS

# Warnings and errors of a run go to the terminal; the rest is in its log, and twenty lines a run would bury them.
CONSOLE = LoggerDefinition(
    colored_console_logger.logger_fn,
    description="Warnings and errors on the terminal.",
    config_schema={
        "log_level": Field(str, is_required=False, default_value="WARNING"),
        "name": Field(str, is_required=False, default_value="dagster"),
    },
)


def build_definitions(*, newsroom: Newsroom | None = None, executor: ExecutorDefinition | None = None) -> Definitions:
    """Everything Dagster knows of this project. Tests and `aidran run` pass a newsroom of their own."""
    newsroom = newsroom or Newsroom()
    return Definitions(
        assets=[*INGEST_ASSETS, analysis, topic_signals, web_pages, articles, site],
        asset_checks=[articles_hold_their_gates],
        jobs=[*JOBS, purge_job, expire_job, reconcile_job],
        schedules=SCHEDULES,
        sensors=[*SENSORS, source_alerts],
        resources={"newsroom": newsroom_resource(newsroom)},
        loggers={"console": CONSOLE},
        executor=executor or _executor(newsroom.settings.executor),
    )


def _executor(name: str) -> ExecutorDefinition:
    """In process by default: each step process would pay again for every import (measured: 20.6 s against 5.6 s)."""
    return multiprocess_executor if name == "multiprocess" else in_process_executor
