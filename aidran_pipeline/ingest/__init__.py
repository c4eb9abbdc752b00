"""Reading sources: fetch politely, parse purely, store once.

Belongs here: HTTP, the guard, one parser per format, the loop over due sources, the pages that records link to.
Does not belong here: deciding what a record means (analyze), SQL of the tables (store), Dagster (defs).

The names below load on first use: importing this package stays cheap for command lines that never fetch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aidran_pipeline.config.sources import load_sources
    from aidran_pipeline.ingest.extract import ExtractedPage, extract_page, extractor_name
    from aidran_pipeline.ingest.pages import fetch_web_pages
    from aidran_pipeline.ingest.parse import parse_body
    from aidran_pipeline.ingest.parsed import NotParsable, ParsedLink, ParsedRecord
    from aidran_pipeline.ingest.platform import IngestResult, ingest_platform, record_row
    from aidran_pipeline.store.sources import sync_sources

_HOMES = {
    "ExtractedPage": "aidran_pipeline.ingest.extract",
    "IngestResult": "aidran_pipeline.ingest.platform",
    "NotParsable": "aidran_pipeline.ingest.parsed",
    "ParsedLink": "aidran_pipeline.ingest.parsed",
    "ParsedRecord": "aidran_pipeline.ingest.parsed",
    "extract_page": "aidran_pipeline.ingest.extract",
    "extractor_name": "aidran_pipeline.ingest.extract",
    "fetch_web_pages": "aidran_pipeline.ingest.pages",
    "ingest_platform": "aidran_pipeline.ingest.platform",
    "load_sources": "aidran_pipeline.config.sources",
    "parse_body": "aidran_pipeline.ingest.parse",
    "record_row": "aidran_pipeline.ingest.platform",
    "sync_sources": "aidran_pipeline.store.sources",
}

__all__ = [
    "ExtractedPage",
    "IngestResult",
    "NotParsable",
    "ParsedLink",
    "ParsedRecord",
    "extract_page",
    "extractor_name",
    "fetch_web_pages",
    "ingest_platform",
    "load_sources",
    "parse_body",
    "record_row",
    "sync_sources",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
