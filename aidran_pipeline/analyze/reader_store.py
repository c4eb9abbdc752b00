"""The claims of a day by a model: which records are still to be read, and the rows that come of it.

One engine's claims are in force per record version. Rows of another engine, or of another version of it, are
superseded, never deleted: citations refer to them, and whoever turns the engine back finds them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.analyze import claims as extractive
from aidran_pipeline.analyze.reader import read
from aidran_pipeline.analyze.reader_terms import Reading, Tally
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult, content_hash

ENGINE = "model"
VERSION = "reader-1"

ABOUT = """
SELECT r.id, r.publisher, r.author_name, r.community, r.published_at FROM records r WHERE r.id = ANY(%s)
"""

# In force for the day: what the model read, and the other engine's claims where it could not read.
RETIRE = """
UPDATE claims c SET superseded_at = %(now)s FROM record_versions v JOIN records r ON r.id = v.record_id
WHERE c.record_version_id = v.id AND r.day = %(day)s AND c.superseded_at IS NULL AND (
    EXISTS (SELECT 1 FROM record_versions n WHERE n.record_id = r.id AND n.number > v.number)
    OR NOT EXISTS (SELECT 1 FROM claim_readings g WHERE g.record_version_id = v.id AND g.engine_version = %(version)s
                   AND c.engine_version = CASE g.outcome WHEN 'read' THEN %(version)s ELSE %(other)s END))
"""

REVIVE = """
UPDATE claims c SET superseded_at = NULL FROM claim_readings g
WHERE g.record_version_id = c.record_version_id AND g.engine_version = %(version)s AND c.superseded_at IS NOT NULL
  AND c.engine_version = CASE g.outcome WHEN 'read' THEN %(version)s ELSE %(other)s END
  AND c.record_version_id = ANY(%(versions)s)
"""

INSERT = """
INSERT INTO claims (record_version_id, start_at, end_at, quote, statement, kind, speaker, stance, checkworthiness,
       entities, engine, engine_version, input_hash, run_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (record_version_id, start_at, end_at, engine_version) DO UPDATE SET superseded_at = NULL
WHERE claims.superseded_at IS NOT NULL
"""

KEEP_READING = """
INSERT INTO claim_readings (record_version_id, engine_version, outcome, failure, alone, asked, claims, dropped, changed,
       input_hash, run_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (record_version_id, engine_version) DO UPDATE SET (outcome, failure, alone, asked, claims, dropped, changed,
       input_hash, run_id) = (EXCLUDED.outcome, EXCLUDED.failure, EXCLUDED.alone, EXCLUDED.asked, EXCLUDED.claims,
       EXCLUDED.dropped, EXCLUDED.changed, EXCLUDED.input_hash, EXCLUDED.run_id)
WHERE claim_readings.outcome = 'unavailable' AND (claim_readings.outcome, claim_readings.failure)
      IS DISTINCT FROM (EXCLUDED.outcome, EXCLUDED.failure)
"""

IN_FORCE = """
SELECT r.platform, r.native_id, v.number, c.start_at, c.end_at, c.kind, c.stance, c.statement, c.speaker,
       c.engine_version
FROM claims c JOIN record_versions v ON v.id = c.record_version_id JOIN records r ON r.id = v.record_id
WHERE r.day = %s AND c.superseded_at IS NULL ORDER BY r.platform, r.native_id, c.start_at, c.engine_version
"""


def engine_version(models: Models) -> str:
    """Of the claims: this module's rules and prompt with the model behind them."""
    return f"{VERSION}:{models.version('reader')}"


def read_day(conn: Connection, day: date, models: Models, run: Run) -> StageResult:
    """The claims of a day's representatives by the model. No transaction is open while the model is asked.

    A version that was read, or that broke the contract by itself, is not asked about again; what a failing server left
    unread is, and what was not asked because the model was given up, once that pause is over (llm.models.PAUSE).
    """
    rows = _representatives(conn, day)
    version = engine_version(models)
    settled = {
        r["record_version_id"]
        for r in conn.execute(
            "SELECT record_version_id FROM claim_readings WHERE engine_version = %s AND outcome <> 'unavailable' "
            "AND record_version_id = ANY(%s)",
            (version, [row["version_id"] for row in rows]),
        )
    }
    unread = [row for row in rows if row["version_id"] not in settled]
    labels = {row["slug"]: row["label"] for row in conn.execute("SELECT slug, label FROM topics")}
    readings, tally = read(unread, day, models, labels)
    with conn.transaction():
        changed = _keep(conn, day, readings, [row["version_id"] for row in rows], version, run)
    return _result(conn, day, rows, readings, tally, version, changed=changed)


def _representatives(conn: Connection, day: date) -> list[dict[str, Any]]:
    """As the extractive engine takes them, in an order that depends on no key, with what is known of each record."""
    rows = conn.execute(extractive.REPRESENTATIVES, {"day": day, "most": extractive.PER_TOPIC}).fetchall()
    about = {r["id"]: r for r in conn.execute(ABOUT, ([row["record_id"] for row in rows],))}
    for row in rows:
        known = about[row["record_id"]]
        names = [known[key] for key in ("publisher", "author_name", "community") if known[key]]
        row["metadata"] = (*names, f"{known['published_at']:%-d %B %Y}")
    return sorted(rows, key=lambda row: (row["topic"], row["platform"], row["native_id"]))


def _keep(
    conn: Connection, day: date, readings: Sequence[Reading], versions: Sequence[int], version: str, run: Run
) -> bool:
    """Store readings and claims, retire what is no longer in force. Whether any claim changed."""
    kept, values = [], []
    for reading in readings:
        row, found = reading.shown.row, reading.examined
        digest = content_hash(row["text_sha256"], version)
        kept.append((
            row["version_id"], version, reading.outcome, reading.failure, list(reading.shown.alone), reading.asked,
            len(found.claims), Jsonb(dict(sorted(found.dropped.items()))), Jsonb(dict(sorted(found.changed.items()))),
            digest, run.id,
        ))  # fmt: skip
        if reading.outcome == "read":
            values += [_model_row(row["version_id"], claim, version, digest, run) for claim in found.claims]
        else:
            values += [
                extractive.claim_row(row, claim, run) for claim in extractive.settled(conn, extractive.claims_of(row))
            ]
    before = _claims_in_force(conn, day)
    with conn.cursor() as cursor:
        cursor.executemany(KEEP_READING, kept)
        cursor.executemany(INSERT, values)
    names = {"version": version, "other": extractive.VERSION, "versions": list(versions), "day": day, "now": run.now}
    conn.execute(REVIVE, names)
    conn.execute(RETIRE, names)
    return _claims_in_force(conn, day) != before


def _claims_in_force(conn: Connection, day: date) -> list[int]:
    return [
        row["id"]
        for row in conn.execute(
            "SELECT c.id FROM claims c JOIN record_versions v ON v.id = c.record_version_id JOIN records r "
            "ON r.id = v.record_id WHERE r.day = %s AND c.superseded_at IS NULL ORDER BY c.id",
            (day,),
        )
    ]


def _model_row(version_id: int, claim: dict[str, Any], version: str, digest: str, run: Run) -> tuple[Any, ...]:
    return (
        version_id, claim["start"], claim["end"], claim["quote"], claim["statement"], claim["kind"], claim["speaker"],
        claim["stance"], claim["worth"], Jsonb(claim["entities"]), ENGINE, version, digest, run.id,
    )  # fmt: skip


def _result(
    conn: Connection, day: date, rows: Sequence[dict[str, Any]], readings: Sequence[Reading], tally: Tally,
    version: str, *, changed: bool,
) -> StageResult:  # fmt: skip
    """Content hash and figures: of the day as it stands, and of this run's calls."""
    claims = conn.execute(IN_FORCE, (day,)).fetchall()
    kept = conn.execute(
        "SELECT outcome, claims, dropped, changed FROM claim_readings WHERE engine_version = %s "
        "AND record_version_id = ANY(%s) ORDER BY record_version_id",
        (version, [row["version_id"] for row in rows]),
    ).fetchall()
    dropped, altered = Counter[str](), Counter[str]()
    for reading in kept:
        dropped.update(reading["dropped"])
        altered.update(reading["changed"])
    outcomes = Counter(reading["outcome"] for reading in kept)
    metadata: dict[str, Any] = {
        "claims": len(claims),
        "records": len({(row["platform"], row["native_id"]) for row in claims}),
        "kinds": dict(sorted(Counter(row["kind"] for row in claims).items())),
        "stance_plain": sum(row["stance"] is not None for row in claims),
        "engine": version,
        "records_by_engine": {"model": outcomes["read"], "extractive": len(kept) - outcomes["read"]},
        "records_without_claims": sum(r["outcome"] == "read" and not r["claims"] for r in kept),
        "read_now": len(readings),
        "read_alone": tally.alone,
        "requests": tally.requests,
        "calls": len(tally.calls),
        "cached": tally.cached,
        "asked_again": tally.asked_again,
        "batches_split": tally.split,
        "batches_distrusted": tally.distrusted,
        "dropped": dict(sorted(dropped.items())),
        "changed": dict(sorted(altered.items())),
        "failures": dict(sorted(tally.failures.items())),
    }
    if tally.given_up:
        metadata["given_up"] = tally.given_up
    return StageResult(content_hash(claims), metadata, changed)
