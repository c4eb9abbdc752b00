"""The rest of the archive, when all stories are verified: hashes and offsets of what no story cites.

Signals and counts of records read rest on it. What no story cites is not parsed again: that would be a second ingest.
"""

from __future__ import annotations

from typing import Any

from aidran_pipeline.lineage.bodies import read_body
from aidran_pipeline.lineage.findings import Progress, Report, difference
from aidran_pipeline.store.db import Connection

# The hash is computed by the server: texts stay where they are.
TEXTS = """
SELECT v.id, v.record_id, v.number, r.native_id, v.text_sha256,
       encode(sha256(convert_to(v.text, 'UTF8')), 'hex') AS computed
FROM record_versions v LEFT JOIN records r ON r.id = v.record_id
WHERE v.erased_at IS NULL AND v.text_sha256 <> encode(sha256(convert_to(v.text, 'UTF8')), 'hex') ORDER BY v.id
"""
PAGES = """
SELECT v.id, w.canonical_url, v.number, v.text_sha256, encode(sha256(convert_to(v.text, 'UTF8')), 'hex') AS computed
FROM web_page_versions v LEFT JOIN web_pages w ON w.id = v.web_page_id
WHERE v.erased_at IS NULL AND v.text_sha256 <> encode(sha256(convert_to(v.text, 'UTF8')), 'hex') ORDER BY v.id
"""
CLAIMS = """
SELECT c.id, v.record_id, c.quote,
       substring(v.text FROM c.start_at + 1 FOR greatest(c.end_at - c.start_at, 0)) AS stands
FROM claims c LEFT JOIN record_versions v ON v.id = c.record_version_id
WHERE c.quote IS DISTINCT FROM substring(v.text FROM c.start_at + 1 FOR greatest(c.end_at - c.start_at, 0))
ORDER BY c.id
"""
SIZES = """
SELECT (SELECT count(*) FROM record_versions WHERE erased_at IS NULL)
       + (SELECT count(*) FROM web_page_versions WHERE erased_at IS NULL) AS texts,
       (SELECT count(*) FROM record_versions WHERE erased_at IS NOT NULL)
       + (SELECT count(*) FROM web_page_versions WHERE erased_at IS NOT NULL) AS erased,
       (SELECT count(*) FROM claims) AS claims,
       (SELECT count(*) FROM payloads WHERE redacted_at IS NOT NULL AND body IS NOT NULL) AS redacted,
       (SELECT count(*) FROM payloads WHERE body IS NULL) AS expired
"""


def check_archive(conn: Connection, report: Report, progress: Progress) -> None:
    """Every kept body, every stored text, every claim, cited or not; what was reported already is left out."""
    _bodies(conn, report, progress)
    sizes = conn.execute(SIZES).fetchone()
    assert sizes is not None
    report.checked["text"], report.checked["claim"] = sizes["texts"], sizes["claims"]
    report.redacted["text"], report.redacted["body"] = sizes["erased"], sizes["redacted"]
    if sizes["expired"]:
        report.note(f"{sizes['expired']} stored bodies expired: no story rests on them, their hashes are kept")
    progress(f"{sizes['texts']} texts and {sizes['claims']} claims")
    _hashes(conn, report)
    known = {mismatch.where.get("claim") for mismatch in report.mismatches if mismatch.kind == "claim"}
    for row in conn.execute(CLAIMS).fetchall():
        if row["id"] not in known:
            at, expected, found = difference(row["stands"], row["quote"])
            report.add(
                "claim",
                f"claim {row['id']} of record {row['record_id']}: its quote is not what stands at its offsets, from "
                f"its code point {at}", expected=expected, found=found, claim=row["id"], record_id=row["record_id"],
            )  # fmt: skip


def _hashes(conn: Connection, report: Report) -> None:
    texts = {(m.where.get("record_id"), m.where.get("record_version")) for m in report.mismatches if m.kind == "text"}
    for row in conn.execute(TEXTS).fetchall():
        if (row["record_id"], row["number"]) not in texts:
            _lost(report, f"record {row['record_id']}, version {row['number']}", row, record_id=row["record_id"],
                  record_version=row["number"], native_id=row["native_id"])  # fmt: skip
    pages = {(m.where.get("url"), m.where.get("page_version")) for m in report.mismatches if m.kind == "text"}
    for row in conn.execute(PAGES).fetchall():
        if (row["canonical_url"], row["number"]) not in pages:
            _lost(report, f"web page {row['canonical_url']}", row, url=row["canonical_url"], page_version=row["number"])


def _lost(report: Report, name: str, row: dict[str, Any], **where: Any) -> None:
    report.add(
        "text", f"{name}: its text no longer has the hash stored with it", expected=row["text_sha256"],
        found=row["computed"], **where,
    )  # fmt: skip


def _bodies(conn: Connection, report: Report, progress: Progress) -> None:
    known = {mismatch.where.get("payload") for mismatch in report.mismatches if mismatch.kind == "body"}
    keys = [row["sha256"] for row in conn.execute("SELECT sha256 FROM payloads WHERE body IS NOT NULL ORDER BY sha256")]
    report.checked["body"] = len(keys) + len([key for key in known if key not in set(keys)])
    for number, key in enumerate(keys, start=1):
        body = read_body(conn, key) if key not in known else None
        if body is not None and not body.holds:
            found = body.problem or f"sha256 {body.computed}, {len(body.data or b'')} bytes"
            report.add(
                "body", f"stored body {key} is not what was fetched; no story rests on it",
                expected=f"sha256 {key}, {body.byte_length} bytes", found=found, payload=key,
            )  # fmt: skip
        if number % 200 == 0 or number == len(keys):
            progress(f"{number} of {len(keys)} stored bodies hashed")
