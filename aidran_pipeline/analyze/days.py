"""Whole days of records, all topics, in one run: language, duplicates, embeddings, topics, storylines.

Every step is a set.

Unchanged rows keep their first run id. What does not belong here: claims (claims.py), any decision on what is news.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.analyze.duplicates import Text, earlier_twins
from aidran_pipeline.analyze.embeddings import embed_cached
from aidran_pipeline.analyze.entities import read_entities
from aidran_pipeline.analyze.language import language_of
from aidran_pipeline.analyze.sentiment import read_sentiments, sentiment_figures
from aidran_pipeline.analyze.storyline_store import EMBED_CHARS, WINDOW_DAYS, store_storylines
from aidran_pipeline.analyze.topics import ABOUT_AI, TopicModel
from aidran_pipeline.config.topics import Topics, load_topics
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult, content_hash
from aidran_pipeline.text.embeddings import MODEL
from aidran_pipeline.text.sentiment import sentiment_version

ENGINE = "embedded"
VERSION = "analysis-3"
DUPLICATE_DAYS = 14

PENDING = """
SELECT r.id AS record_id, r.platform, r.native_id, r.community, r.published_at, r.day, v.id AS version_id, v.title,
    v.text, v.text_sha256,
       v.declared_lang, a.record_version_id AS analysed
FROM records r JOIN newest_record_versions v ON v.record_id = r.id
LEFT JOIN record_analysis a ON a.record_version_id = v.id AND a.engine_version = %(version)s
    AND a.input_hash = md5(v.text_sha256 || %(config)s)
WHERE r.day = ANY(%(days)s)
ORDER BY r.published_at, r.platform, r.native_id
"""
STATES = "SELECT state, count(*) AS n FROM storyline_days WHERE day = %s GROUP BY state ORDER BY state"


def analyze_days(
    conn: Connection, days: Sequence[date], *, run: Run, topics: Topics | None = None
) -> dict[date, StageResult]:
    """Analyse every record of the days that was not analysed yet; regroup the storylines of the days that changed."""
    topics = topics or load_topics()
    days = sorted(set(days))
    config = content_hash(topics.model_dump(mode="json"), MODEL)[:12]
    clock, spent = time.perf_counter(), {}
    rows = conn.execute(PENDING, {"days": days, "version": VERSION, "config": config}).fetchall()
    fresh = [row for row in rows if row["analysed"] is None]
    changed = sorted({row["day"] for row in fresh})
    if fresh:
        run.progress(f"analysing {len(fresh)} records of {len(changed)} days")
        model = TopicModel.of(topics, lambda texts: embed_cached(conn, texts))
        with conn.transaction():
            _duplicates(conn, changed, run)
            spent["duplicates"] = time.perf_counter() - clock
        _records(conn, fresh, model, config, run)
        spent["topics"] = time.perf_counter() - clock
    named = read_entities(conn, days, run) | read_sentiments(conn, days, run)
    window = _storyline_days(conn, changed, days)
    for day in window:
        with conn.transaction():
            store_storylines(conn, day, run)
    spent["storylines"] = time.perf_counter() - clock
    run.progress(f"storylines of {len(window)} days")
    return {
        day: _result(conn, day, changed=day in changed or day in named, seconds=spent if day in changed else {})
        for day in days
    }


def _storyline_days(conn: Connection, changed: Sequence[date], days: Sequence[date]) -> list[date]:
    """Days whose window holds a changed day, but none after the last day that has records."""
    if not changed:
        return []
    last = max(days)
    return sorted(
        {day + timedelta(days=i) for day in changed for i in range(WINDOW_DAYS) if day + timedelta(days=i) <= last}
    )


CROSSPOSTS = """
SELECT x.record_id, o.id AS origin
FROM record_relations x JOIN records r ON r.id = x.record_id
JOIN records o ON o.platform = r.platform AND o.native_id = x.target
WHERE x.kind = 'crosspost' AND x.record_id = ANY(%(ids)s) AND o.id = ANY(%(ids)s) AND o.id <> x.record_id
ORDER BY o.published_at, o.native_id COLLATE "C", r.published_at, r.native_id COLLATE "C"
"""


def _duplicates(conn: Connection, changed: Sequence[date], run: Run) -> None:
    """Groups of near-identical texts among the changed days and the fortnight before each.

    A post that passes another one on (a crosspost) is of its group, whatever its own title says. A group stays once it
    is made: its representative too, even when an earlier copy arrives later and joins.
    """
    first, last = min(changed) - timedelta(days=DUPLICATE_DAYS), max(changed)
    rows = conn.execute(
        """SELECT r.id, r.day, v.text FROM records r JOIN newest_record_versions v ON v.record_id = r.id
           WHERE r.day BETWEEN %s AND %s ORDER BY r.published_at, r.platform, r.native_id""",
        (first, last),
    ).fetchall()
    days = {row["id"]: row["day"] for row in rows}
    copies: dict[int, dict[int, float]] = {}
    for record, (root, similarity) in earlier_twins([Text(row["id"], row["text"]) for row in rows]).items():
        copies.setdefault(root, {root: 1.0})[record] = similarity
    roots = {record: root for root, members in copies.items() for record in members}
    for row in conn.execute(CROSSPOSTS, {"ids": list(days)}).fetchall():
        if row["record_id"] not in roots:
            origin: int = row["origin"]
            first_said = roots.get(origin, origin)
            copies.setdefault(first_said, {first_said: 1.0})[row["record_id"]] = 1.0
    placed = {
        row["record_id"]: row["group_id"]
        for row in conn.execute(
            "SELECT record_id, group_id FROM duplicate_members WHERE record_id = ANY(%s)",
            ([record for members in copies.values() for record in members],),
        )
    }
    for root, members in copies.items():
        missing = [(record, similarity) for record, similarity in members.items() if record not in placed]
        if missing:
            homes = [placed[record] for record in members if record in placed]
            _join(conn, min(homes) if homes else None, root, days[root], missing, run)


def _join(
    conn: Connection, group: int | None, root: int, day: date, members: list[tuple[int, float]], run: Run
) -> None:
    """Put records into a group, a new one represented by `root` where there is none yet."""
    if group is None:
        row = conn.execute(
            """INSERT INTO duplicate_groups (representative, first_day, size, engine_version, run_id)
               VALUES (%s, %s, 2, %s, %s) RETURNING id""",
            (root, day, VERSION, run.id),
        ).fetchone()
        assert row is not None
        group = row["id"]
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO duplicate_members (record_id, group_id, similarity) VALUES (%s, %s, %s)",
            [(record, group, similarity) for record, similarity in members],
        )
    conn.execute(
        """UPDATE duplicate_groups SET size = (SELECT count(*) FROM duplicate_members WHERE group_id = %(g)s)
           WHERE id = %(g)s""",
        {"g": group},
    )


def _records(conn: Connection, rows: Sequence[dict[str, Any]], model: TopicModel, config: str, run: Run) -> None:
    """Language, relevance and topics of each record; only what may be about AI is embedded."""
    relevance = {row["version_id"]: model.relevance(row["title"] or "", row["text"], row["community"]) for row in rows}
    wanted = {row["version_id"]: row["text"][:EMBED_CHARS] for row in rows if relevance[row["version_id"]] >= ABOUT_AI}
    vectors: dict[int, Any] = {}
    items = list(wanted.items())
    for start in range(0, len(items), 1000):
        vectors.update(embed_cached(conn, dict(items[start : start + 1000])))
        run.progress(f"embedded {min(start + 1000, len(items))} of {len(items)} texts")
    with conn.transaction(), conn.cursor() as cursor:
        analysis, assigned = [], []
        for row in rows:
            version, score = row["version_id"], relevance[row["version_id"]]
            about = score >= ABOUT_AI
            lang, confidence = language_of(row["text"], row["declared_lang"])
            digest = (VERSION, row["text_sha256"], config)
            analysis.append(
                (version, row["day"], lang, confidence, score, about, ENGINE, VERSION, digest[1] + digest[2], run.id)
            )
            if about:
                found = model.scores(row["title"] or "", row["text"], row["community"], vectors[version])
                assigned += [
                    (row["record_id"], t, version, row["day"], rank, s, VERSION, run.id)
                    for rank, (t, s) in enumerate(found, start=1)
                ]
        cursor.executemany(
            """INSERT INTO record_analysis (record_version_id, day, lang, lang_confidence, ai_score, about_ai, engine,
                engine_version, input_hash, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, md5(%s), %s)
               ON CONFLICT (record_version_id) DO UPDATE
                   SET lang = EXCLUDED.lang, lang_confidence = EXCLUDED.lang_confidence,
                   ai_score = EXCLUDED.ai_score, about_ai = EXCLUDED.about_ai, engine_version = EXCLUDED.engine_version,
                   input_hash = EXCLUDED.input_hash, run_id = EXCLUDED.run_id""",
            analysis,
        )
        cursor.execute("DELETE FROM record_topics WHERE record_id = ANY(%s)", ([row["record_id"] for row in rows],))
        cursor.executemany(
            (
                "INSERT INTO record_topics (record_id, topic, record_version_id, day, rank, score, "
                "engine_version, run_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            ),
            assigned,
        )


def _result(conn: Connection, day: date, *, changed: bool, seconds: dict[str, float]) -> StageResult:
    """Content and figures of one day."""
    rows = conn.execute(
        """SELECT r.platform, r.native_id, a.lang, a.about_ai, t.topic, t.rank, sr.storyline_id,
                  (SELECT array_agg(e.entity ORDER BY e.entity COLLATE "C") FROM record_entities e
                   WHERE e.record_id = r.id) AS entities,
                  (SELECT s.balance FROM record_sentiments s
                   WHERE s.record_version_id = v.id AND s.engine_version = %s) AS balance
           FROM records r JOIN newest_record_versions v ON v.record_id = r.id
               JOIN record_analysis a ON a.record_version_id = v.id
           LEFT JOIN record_topics t ON t.record_id = r.id LEFT JOIN storyline_records sr ON sr.record_id = r.id
           WHERE r.day = %s ORDER BY r.platform, r.native_id, t.rank""",
        (sentiment_version(), day),
    ).fetchall()
    first = {(row["platform"], row["native_id"]): row for row in reversed(rows)}
    counted = Counter(row["topic"] for row in rows if row["rank"] == 1)
    metadata: dict[str, Any] = {
        "records": len(first),
        "about_ai": sum(row["about_ai"] for row in first.values()),
        "with_topic": sum(counted.values()),
        "not_english": sum(row["lang"] != "en" for row in first.values()),
        "entities": len({name for row in first.values() for name in row["entities"] or ()}),
        "storylines": len({row["storyline_id"] for row in rows if row["storyline_id"]}),
        "topics": dict(sorted(counted.items())),
        "storyline_states": {row["state"]: row["n"] for row in conn.execute(STATES, (day,))},
    }
    metadata |= sentiment_figures(conn, day)
    metadata |= {f"seconds_{name}": round(value, 2) for name, value in seconds.items()}
    return StageResult(content_hash(rows), metadata, changed)
