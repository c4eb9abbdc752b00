"""Tone and stance of analysed records, one row per wording and version of the method (text/sentiment).

Only English wordings about AI are read: the method knows nothing else. Wordings of the trailing days that no row of
this version has are read as well, or a new version would look like a change of tone. What does not belong here: claims
(claims.py), changes of a topic's tone (signal/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.analyze.embeddings import embed_cached
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.text.sentiment import CHARS, read_sentiment, sentiment_version
from aidran_pipeline.text.sentiment.model import trained

ENGINE = "embedded"
# Trailing days that signals compare with (signal/inputs.py).
TRAILING_DAYS = 28
BATCH = 1000

PENDING = """
SELECT v.id AS version_id, r.day, left(v.text, %(chars)s) AS text, v.text_sha256
FROM records r JOIN newest_record_versions v ON v.record_id = r.id
JOIN record_analysis a ON a.record_version_id = v.id AND a.lang = 'en' AND a.about_ai
WHERE r.day BETWEEN %(first)s AND %(last)s AND NOT EXISTS (
    SELECT FROM record_sentiments s WHERE s.record_version_id = v.id AND s.engine_version = %(version)s)
ORDER BY r.day, r.platform, r.native_id COLLATE "C"
"""

INSERT = """
INSERT INTO record_sentiments (record_version_id, engine_version, day, balance, sentiment, sentiment_confidence,
                               stance_balance, stance, stance_confidence, engine, input_hash, run_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, md5(%s), %s) ON CONFLICT DO NOTHING
"""

COUNTS = """
SELECT r.day, count(*) AS read, count(s.sentiment) AS told, count(s.stance) AS sides,
       round(avg(s.balance)) AS balance
FROM records r JOIN newest_record_versions v ON v.record_id = r.id
JOIN record_sentiments s ON s.record_version_id = v.id AND s.engine_version = %s
WHERE r.day = %s GROUP BY r.day
"""


def read_sentiments(conn: Connection, days: Sequence[date], run: Run) -> set[date]:
    """Read tone and stance of the days' records, and of trailing ones without. Returns the days that were read.

    Idempotent: a wording is read once by each version of the method.
    """
    if not days:
        return set()
    asked = {
        "first": min(days) - timedelta(days=TRAILING_DAYS), "last": max(days), "version": sentiment_version(),
        "chars": CHARS,
    }  # fmt: skip
    rows = conn.execute(PENDING, asked).fetchall()
    for start in range(0, len(rows), BATCH):
        _store(conn, rows[start : start + BATCH], run)
        run.progress(f"tone of {min(start + BATCH, len(rows))} of {len(rows)} records")
    return {row["day"] for row in rows}


def _store(conn: Connection, rows: Sequence[Mapping[str, Any]], run: Run) -> None:
    vectors = embed_cached(conn, {row["version_id"]: row["text"] for row in rows})
    version, values = sentiment_version(), []
    for row in rows:
        found = read_sentiment(row["text"], vectors[row["version_id"]])
        values.append((
            row["version_id"], version, row["day"], found.balance, found.sentiment, found.sentiment_confidence,
            found.stance_balance, found.stance, found.stance_confidence, ENGINE, row["text_sha256"] + version, run.id,
        ))  # fmt: skip
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(INSERT, values)


def sentiment_figures(conn: Connection, day: date) -> dict[str, Any]:
    """For the metadata of a day: how many wordings were read, how many were told, and how far to trust it."""
    row = conn.execute(COUNTS, (sentiment_version(), day)).fetchone()
    measured = trained().measured
    figures: dict[str, Any] = {"tone_read": row["read"] if row else 0}
    if row:
        figures |= {"tone_told": row["told"], "stance_told": row["sides"], "tone_balance": int(row["balance"]) / 1000}
    if "sentiment" in measured:
        given = measured["sentiment"]["given"]
        figures["tone_measured"] = (
            f"right in {measured['sentiment']['accuracy']:.0%} of {measured['texts']} hand-labelled texts; "
            f"in {given['accuracy'] or 0:.0%} of the {given['coverage']:.0%} where a label is given"
        )
    return figures
