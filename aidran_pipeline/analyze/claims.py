"""Claims of the extractive engine: check-worthy sentences of the records that represent a topic, word for word.

English only: the rules of checkworthy.py know no other language. Copies of a text give no claims, their first does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.analyze.checkworthy import kind_of, score, speaker_of, stance_of
from aidran_pipeline.analyze.embeddings import embed_cached
from aidran_pipeline.llm import Models
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, StageResult, content_hash
from aidran_pipeline.text import Span, facts_of, split_sentences
from aidran_pipeline.text.quality import last_words_of, quote_problems
from aidran_pipeline.text.sentiment import CHARS, read_sentiment

ENGINE = "extractive"
VERSION = "claims-3"
PER_TOPIC = 60
PER_RECORD = 4
# A sentence of a report that does not end like one was cut off by the feed.
WHOLE = re.compile(r"[.!?][\"'”’)\]]*$")
LEAST_NEWS, LEAST_POST = 0.2, 0.12

REPRESENTATIVES = """
SELECT DISTINCT ON (x.record_id) x.* FROM (
    SELECT r.id AS record_id, r.platform, r.native_id, v.id AS version_id, v.title, v.text, v.text_sha256,
        v.title_truncated, v.body_truncated,
           t.topic, t.score, row_number() OVER (PARTITION BY t.topic, r.day
               ORDER BY t.rank, t.score DESC, r.platform, r.native_id) AS place
    FROM record_topics t JOIN records r ON r.id = t.record_id
        JOIN newest_record_versions v ON v.id = t.record_version_id
    JOIN record_analysis a ON a.record_version_id = v.id AND a.lang = 'en' AND a.about_ai
    WHERE r.day = %(day)s
      AND NOT EXISTS (SELECT 1 FROM duplicate_members dm JOIN duplicate_groups g ON g.id = dm.group_id
                      WHERE dm.record_id = r.id AND g.representative <> r.id)
) x WHERE x.place <= %(most)s ORDER BY x.record_id, x.place
"""


def extract_claims(
    conn: Connection, days: Sequence[date], *, run: Run, models: Models | None = None
) -> dict[date, StageResult]:
    """Claims of the days, one set a day: by the rules of this module, with models by the reader (reader_store.py).

    A version that had its claims taken by this engine version is not read again.
    """
    results = {}
    for day in sorted(set(days)):
        if models is not None:
            from aidran_pipeline.analyze.reader_store import read_day

            results[day] = read_day(conn, day, models, run)
        else:
            with conn.transaction():
                added, retired = _day(conn, day, run)
            results[day] = _result(conn, day, changed=bool(added or retired))
        run.progress(f"claims of {day}: {results[day].metadata['claims']}")
    return results


def claims_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims of one record version, best first, at most four and the headline. Pure; offsets are code points."""
    text, title = row["text"], row["title"] or ""
    post = row["platform"] != "news"
    title_end = len(title) if title and text.startswith(title) else 0
    found: list[dict[str, Any]] = []
    spans = split_sentences(text)
    if title_end and not post:
        spans = [Span(0, title_end), *[s for s in spans if s.start >= title_end]]
    end = last_words_of(text) if row["body_truncated"] else len(text) + 1
    for span in spans:
        sentence = span.of(text)
        in_title = span.start < title_end
        foreign = post and another_voice(text, span)
        if foreign or not (post or in_title or WHOLE.search(sentence)):
            continue
        cut = (row["title_truncated"] and in_title) or (span.end >= end and not in_title)
        if cut or _unfit(sentence, headline=in_title):
            continue
        worth = score(sentence)
        headline = in_title and not post
        if not headline and worth < (LEAST_POST if post else LEAST_NEWS):
            continue
        kind = kind_of(sentence, title=in_title, post=post)
        found.append({
            "start": span.start, "end": span.end, "quote": sentence, "kind": kind, "worth": worth,
            "headline": headline, "speaker": speaker_of(sentence), "stance": stance_of(sentence),
        })  # fmt: skip
    heads = [c for c in found if c["headline"]]
    rest = sorted((c for c in found if not c["headline"]), key=lambda c: (-c["worth"], c["start"]))[:PER_RECORD]
    return sorted(heads + rest, key=lambda c: c["start"])


def settled(conn: Connection, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims, without a stance that their tone does not bear out.

    Praising words alone are right about one time in four: they are often said of something else, or denied
    (`python -m benchmarks.sentiment`). supportive stays on a sentence whose tone is told to be positive, critical goes
    from such a one.
    """
    doubtful = {i: c["quote"][:CHARS] for i, c in enumerate(claims) if c["stance"] in ("supportive", "critical")}
    vectors = embed_cached(conn, doubtful) if doubtful else {}
    for place, text in doubtful.items():
        glad = read_sentiment(text, vectors[place]).sentiment == "positive"
        if glad != (claims[place]["stance"] == "supportive"):
            claims[place]["stance"] = None
    return claims


def another_voice(text: str, span: Span) -> bool:
    """Whether the span stands in a line that a post quotes from somebody else ("> …"): not its author's claim."""
    line = text.rfind("\n", 0, span.start) + 1
    return text[line : span.end].lstrip().startswith(">")


def _unfit(sentence: str, *, headline: bool) -> bool:
    """Sentences that no page would print; a headline may lack a verb."""
    problems = [p for p in quote_problems(sentence) if not (headline and p in ("no_verb", "unbalanced", "too_short"))]
    return bool(problems)


def _day(conn: Connection, day: date, run: Run) -> tuple[int, int]:
    rows = conn.execute(REPRESENTATIVES, {"day": day, "most": PER_TOPIC}).fetchall()
    read = {
        r["record_version_id"]
        for r in conn.execute(
            (
                "SELECT DISTINCT record_version_id FROM claims WHERE record_version_id = ANY(%s) "
                "AND engine_version = %s AND superseded_at IS NULL"
            ),
            ([row["version_id"] for row in rows], VERSION),
        )
    }
    retired = conn.execute(
        """UPDATE claims c SET superseded_at = %(now)s FROM record_versions v JOIN records r ON r.id = v.record_id
           WHERE c.record_version_id = v.id AND r.day = %(day)s AND c.superseded_at IS NULL
             AND (c.engine_version <> %(version)s OR EXISTS (SELECT 1 FROM record_versions n WHERE n.record_id = r.id
                 AND n.number > v.number))""",
        {"now": run.now, "day": day, "version": VERSION},
    ).rowcount
    fresh = [(row, claim) for row in rows if row["version_id"] not in read for claim in claims_of(row)]
    settled(conn, [claim for _, claim in fresh])
    values = [claim_row(row, claim, run) for row, claim in fresh]
    with conn.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO claims (record_version_id, start_at, end_at, quote, statement, kind, speaker, stance,
                checkworthiness, entities,
                   engine, engine_version, input_hash, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (record_version_id, start_at, end_at, engine_version) DO UPDATE SET superseded_at = NULL
               WHERE claims.superseded_at IS NOT NULL""",
            values,
        )
    return len(values), retired


def claim_row(row: dict[str, Any], claim: dict[str, Any], run: Run) -> tuple[Any, ...]:
    """A claim of this engine as the columns of the table, in the order of the INSERT."""
    entities = [{"text": f.text, "kind": f.kind} for f in facts_of(claim["quote"]) if f.kind != "quoted"]
    return (
        row["version_id"], claim["start"], claim["end"], claim["quote"], claim["quote"], claim["kind"],
        claim["speaker"], claim["stance"], claim["worth"],
        Jsonb(entities), ENGINE, VERSION, content_hash(row["text_sha256"], VERSION), run.id,
    )  # fmt: skip


def _result(conn: Connection, day: date, *, changed: bool) -> StageResult:
    rows = conn.execute(
        """SELECT r.platform, r.native_id, v.number, c.start_at, c.end_at, c.kind, c.stance FROM claims c
           JOIN record_versions v ON v.id = c.record_version_id JOIN records r ON r.id = v.record_id
           WHERE r.day = %s AND c.superseded_at IS NULL ORDER BY r.platform, r.native_id, c.start_at""",
        (day,),
    ).fetchall()
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
    metadata: dict[str, Any] = {
        "claims": len(rows),
        "records": len({(row["platform"], row["native_id"]) for row in rows}),
        "kinds": dict(sorted(kinds.items())),
        "stance_plain": sum(row["stance"] is not None for row in rows),
    }
    return StageResult(content_hash(rows), metadata, changed)
