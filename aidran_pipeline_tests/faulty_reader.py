"""A process of its own that reads the sources of a database, so that its memory can be measured from outside.

`python -m aidran_pipeline_tests.faulty_reader URL ALLOWED DAY [SOURCE]`: one line of JSON: megabytes held at the most
when everything is imported and connected (idle), after a first reading of the source `warm` alone, and after all others
or only the one named.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest import ingest_platform
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.store.db import connect
from aidran_pipeline.store.provenance import Run
from benchmarks.report import peak_megabytes

LIMITS = Limits(connect=1.0, total=3.0)


def held_megabytes() -> float:
    """The most memory this program has held. getrusage also counts the process that started it, before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_megabytes()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


def main(url: str, allowed: str, day_text: str, only: str | None = None) -> None:
    """Two readings; prints the figures."""
    import_module("feedparser")  # otherwise imported by the first feed: an idle reader has it
    day = date.fromisoformat(day_text)
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    settings = Settings(AIDRAN_ALLOW_HOSTS=allowed)  # type: ignore[arg-type]
    with connect(url) as conn:
        idle = held_megabytes()
        conn.execute("UPDATE sources SET enabled = (id = 'warm')")
        ingest_platform(conn, "news", day, run=Run("warm", now), settings=settings, limits=LIMITS)
        warm = held_megabytes()
        conn.execute(
            "UPDATE sources SET enabled = id <> 'warm' AND (%(only)s::text IS NULL OR id = %(only)s)", {"only": only}
        )
        result = ingest_platform(conn, "news", day, run=Run("all", now), settings=settings, limits=LIMITS)
    print(json.dumps({"idle": idle, "warm": warm, "peak": held_megabytes(), "failed": result.failed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
