"""Verify: every published story against stored bodies, texts, gates, counts and built pages. Never stops at the first.

The checks are in originals.py, rows.py, inputs.py, built.py and archive.py; what they find is in findings.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psycopg.pq import TransactionStatus

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.lineage.archive import check_archive
from aidran_pipeline.lineage.built import check_site
from aidran_pipeline.lineage.findings import Progress, Report, silent
from aidran_pipeline.lineage.inputs import check_inputs
from aidran_pipeline.lineage.originals import check_originals
from aidran_pipeline.lineage.rows import Stories, check_gates, check_uses, check_versions
from aidran_pipeline.lineage.stories import versions_of
from aidran_pipeline.store.db import Connection


def verify(
    conn: Connection,
    slugs: Sequence[str] | None = None,
    *,
    publication: Publication,
    site_dir: Path,
    progress: Progress = silent,
) -> Report:
    """Check the stories named, all versions of each; none named: all stories, the archive and the whole site.

    Reads in one snapshot and changes nothing. Gates are run over newest versions, everything else over every version.
    Corrupt rows and bodies are mismatches, never exceptions. Raises LookupError for an unknown slug, naming near ones.
    """
    report = Report()
    outer = conn.info.transaction_status is not TransactionStatus.IDLE
    with conn.transaction():
        if not outer:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        versions = versions_of(conn, list(dict.fromkeys(slugs)) if slugs else None)
        report.stories = list(dict.fromkeys(row["slug"] for row in versions))
        report.versions = len(versions)
        if not versions:
            report.note("nothing is published yet; `aidran run` makes an edition")
        progress(f"{len(report.stories)} stories in {report.versions} versions")
        stories = Stories(conn, versions)
        check_originals(conn, stories.cited(), report, progress)
        check_uses(stories, report)
        check_versions(conn, stories, report)
        check_inputs(conn, stories, report)
        check_gates(conn, stories, publication, report, progress)
        if not slugs:
            check_archive(conn, report, progress)
        check_site(conn, site_dir, publication, report.stories if slugs else None, report, progress)
    return report
