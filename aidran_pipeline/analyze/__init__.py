"""Analysis of records. The faces below are all that others may use; heavy libraries are imported when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from aidran_pipeline.config.topics import Topics
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult


def analyze_days(
    conn: Connection, days: Sequence[date], *, run: Run, topics: Topics | None = None
) -> dict[date, StageResult]:
    """See days.analyze_days."""
    from aidran_pipeline.analyze.days import analyze_days as face

    return face(conn, days, run=run, topics=topics)


def extract_claims(
    conn: Connection, days: Sequence[date], *, run: Run, models: Models | None = None
) -> dict[date, StageResult]:
    """See claims.extract_claims."""
    from aidran_pipeline.analyze.claims import extract_claims as face

    return face(conn, days, run=run, models=models)


def new_names(conn: Connection, first: date, last: date, *, records: int, families: int) -> list[dict[str, Any]]:
    """See entities.new_names."""
    from aidran_pipeline.analyze.entities import new_names as face

    return face(conn, first, last, records=records, families=families)


__all__ = ["analyze_days", "extract_claims", "new_names"]
