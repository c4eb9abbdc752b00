"""Named selections of assets, one job a stage. What does not belong here: when they run (schedules.py, sensors.py)."""

from __future__ import annotations

from dagster import AssetSelection, define_asset_job

from aidran_pipeline.defs.assets.ingest import PLATFORM_ASSETS

ingest_job = define_asset_job(
    "ingest_job",
    AssetSelection.assets(*PLATFORM_ASSETS.values()),
    description="Ask every due source of every platform.",
)
analyze_job = define_asset_job(
    "analyze_job",
    AssetSelection.assets("analyzed_records", "claims"),
    description="Analysis and claims of one or more days.",
)
signals_job = define_asset_job(
    "signals_job",
    AssetSelection.assets("topic_signals"),
    description="Signals of a day's topics.",
)
web_pages_job = define_asset_job(
    "web_pages_job",
    AssetSelection.assets("web_pages"),
    description="The pages that a day's topics link to.",
)
edition_job = define_asset_job(
    "edition_job",
    AssetSelection.assets("topic_signals", "web_pages"),
    description="The measured part of an edition: signals and pages of a day, every topic. Stories follow by sensor.",
)
articles_job = define_asset_job(
    "articles_job",
    AssetSelection.assets("articles"),
    description="One story, or the decision to withhold it.",
)
site_job = define_asset_job("site_job", AssetSelection.assets("site"), description="Build the site.")
# For days whose records are already here: a new release of the analysis, a topic that was added. An asset backfill in
# the UI can start from ingest as well.
backfill_job = define_asset_job(
    "backfill_job",
    AssetSelection.assets("analyzed_records", "claims"),
    tags={"aidran/backfill": "true"},
    description="Analyse stored records of past days again, one run over the range. Signals and stories stay sealed.",
)

JOBS = [
    ingest_job,
    analyze_job,
    signals_job,
    web_pages_job,
    edition_job,
    articles_job,
    site_job,
    backfill_job,
]
