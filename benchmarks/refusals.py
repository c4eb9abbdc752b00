"""What each hostile answer costs the reader: megabytes, in a process of its own, and how its fetch row explains it.

Every fault that the tests' server knows (bombs, drips, resets, loops, redirects inwards …) is answered to
one reader started for it alone. Printed: the most memory that process held in all, and above what it held idle, with
everything imported and connected. A refusal must stay below 100 MB in all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import finish, table

LIMIT = 100


def measure(folder: Path) -> list[tuple[str, str, float, float]]:
    """(fault, class of its fetch row, megabytes in all, megabytes above an idle process), the dearest first."""
    import psycopg

    from aidran_pipeline.config.settings import Settings
    from aidran_pipeline.store.db import connect
    from aidran_pipeline.store.embedded import ensure_server, stop_server
    from aidran_pipeline.store.migrate import migrate
    from aidran_pipeline_tests.ingest_server import serving
    from aidran_pipeline_tests.postgres.test_ingest_faults import EXPECTED, reader, routes
    from aidran_pipeline_tests.readings import configure

    settings = Settings(AIDRAN_HOME=folder / "home", AIDRAN_DATABASE_URL=None)
    admin = ensure_server(settings)
    found = []
    try:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute("CREATE DATABASE refusals")
        url = admin.rsplit("/", 1)[0] + "/refusals"
        migrate(url)
        with serving() as server, serving() as inner, connect(url) as conn:
            server.routes = {f"/{name}": answer for name, answer in routes(inner).items()}
            names = ["warm", *EXPECTED]
            configure(conn, folder, *(f'{{id: {n}, kind: rss, url: "{server.url("/" + n)}"}}' for n in names))
            for name in EXPECTED:
                figures = reader(url, server, name)
                row = conn.execute("SELECT error_class FROM fetches WHERE source_id = %s", (name,)).fetchone()
                told = str(row["error_class"]) if row and figures["failed"] == 1 else "not refused"
                found.append((name, told, figures["peak"], round(figures["peak"] - figures["idle"], 1)))
                print(f"{name}: {figures}", file=sys.stderr)
    finally:
        stop_server(settings)
    return sorted(found, key=lambda row: -row[2])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a fault is not refused, or not below the limit."""
    argparse.ArgumentParser(prog="python -m benchmarks.refusals", description=__doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="aidran-refusals-") as folder:
        found = measure(Path(folder))
    print(table(["fault", "refused as", "MB in all", "MB above idle"], found))
    over = [name for name, _, peak, _ in found if peak >= LIMIT]
    passed = [name for name, told, _, _ in found if told == "not refused"]
    finish("refusals", {
        "faults": len(found), "most_mb": found[0][2], "most_mb_above_idle": max(row[3] for row in found),
        "over_limit": over, "not_refused": passed,
    })  # fmt: skip
    return 1 if over or passed else 0


if __name__ == "__main__":
    raise SystemExit(main())
