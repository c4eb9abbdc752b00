"""What is left of a citation whose source was erased: its tombstone and the fetches, never a word.

What does not belong here: citations that stand (trace.py), erasing (erase).
"""

from __future__ import annotations

from typing import Any

from aidran_pipeline.store.db import Connection

LOST = """
SELECT c.kind, c.number, c.record_id, c.record_version_id, c.web_page_version_id, r.platform, r.day,
       COALESCE(rv.erased_at, wv.erased_at) AS erased_at, t.keyed_hash, t.cause, t.reason, t.figures,
       t.run_id, COALESCE(rv.first_fetch_id, wv.fetch_id) AS fetch_id, COALESCE(rv.run_id, wv.run_id) AS stored_by
FROM citations c
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN records r ON r.id = c.record_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
LEFT JOIN tombstones t ON t.record_id = c.record_id
WHERE c.article_version_id = %(version)s AND CASE c.kind WHEN 'web' THEN 'w' ELSE '' END || c.number = %(marker)s
  AND COALESCE(rv.erased_at, wv.erased_at) IS NOT NULL
"""
FETCHES = """
SELECT f.id, f.requested_at, f.http_status, f.payload_sha256, f.run_id, p.redacted_at, p.expired_at
FROM fetches f LEFT JOIN payloads p ON p.sha256 = f.payload_sha256
WHERE f.id = %(fetch)s OR f.id IN (SELECT fetch_id FROM record_observations WHERE record_version_id = %(version)s)
ORDER BY f.id
"""


def lost_citation(conn: Connection, version_id: int, marker: str) -> dict[str, Any] | None:
    """A version's citation whose source was erased, or None when it stands.

    kind, number, platform, day, erased_at, cause, reason, keyed_hash, figures (rows blanked), run_id (of the erasure),
    stored_by (run that had stored it), fetches: [{id, requested_at, http_status, payload_sha256, redacted_at, …}].
    """
    row = conn.execute(LOST, {"version": version_id, "marker": marker}).fetchone()
    if row is None:
        return None
    fetches = conn.execute(FETCHES, {"fetch": row["fetch_id"], "version": row["record_version_id"]}).fetchall()
    shown = {name: value for name, value in row.items() if name not in ("record_version_id", "web_page_version_id")}
    return {**shown, "fetches": fetches}
