"""Articles to rows and back. The only module that writes articles, versions, sentences, citations and decisions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, astuple
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run, content_hash
from aidran_pipeline.write.draft import CountFact, Draft, Sentence, Source, Use, Verdict
from aidran_pipeline.write.material import BORROWED_SCORE

SLUG_WORDS = 8

SENTENCES = """
SELECT id, ordinal, part, section, paragraph, kind, text, facts, storyline_id
FROM article_sentences WHERE article_version_id = %s ORDER BY ordinal
"""
RESTS = "SELECT sentence_id, on_sentence_id FROM sentence_rests_on WHERE article_version_id = %s ORDER BY 1, 2"
VERDICTS = """
SELECT sentence_id, judge, verdict, score FROM sentence_verdicts WHERE article_version_id = %s ORDER BY 1, 2
"""
USES = """
SELECT sc.sentence_id, sc.quote, sc.start_at, sc.end_at, sc.claim_id, sc.support, sc.score, c.kind, c.record_id,
       c.record_version_id, c.web_page_version_id, r.platform, r.publisher, r.publisher_family, r.author_key,
           r.author_name,
       r.community, r.published_at, r.day, rv.text, rv.title, rv.title_truncated, rv.body_truncated,
       wv.text AS page_text, wv.title AS page_title, wv.site_name, wv.published_at AS page_published, w.host,
       CASE c.kind WHEN 'record' THEN COALESCE(t.score, %(borrowed)s) ELSE 1 END AS topic_score, sr.storyline_id
FROM sentence_citations sc
JOIN citations c ON c.id = sc.citation_id
JOIN article_versions av ON av.id = sc.article_version_id
JOIN articles a ON a.id = av.article_id
LEFT JOIN records r ON r.id = c.record_id
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN record_topics t ON t.record_id = r.id AND t.topic = a.topic
LEFT JOIN LATERAL (SELECT m.storyline_id FROM storyline_members(a.day) m WHERE m.record_id = r.id) sr ON true
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
LEFT JOIN web_pages w ON w.id = wv.web_page_id
WHERE sc.article_version_id = %(version)s
ORDER BY sc.id
"""


def make_slug(day: date, topic: str, headline: str) -> str:
    """Day, topic and the first words of the first headline, in ASCII; unique because (day, topic) is."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))[:SLUG_WORDS]
    return "-".join([day.isoformat(), topic, *words])


def draft_hash(draft: Draft) -> str:
    """Hash of what a reader sees and what it rests on: wording, places, quotes with offsets, grounds, counts."""
    rows = [
        [
            s.part, s.section, s.paragraph, s.kind, s.text, s.rests_on, s.rests_on_earlier,
            [asdict(f) for f in s.facts],
            [
                [u.source.kind, u.source.version_id, u.quote, u.start, u.end, u.claim_id, u.support, round(u.score, 4)]
                for u in s.uses
            ],
            *[[v.judge, v.verdict, round(v.score, 4)] for v in s.verdicts],
        ]
        for s in draft.sentences
    ]  # fmt: skip
    form = [] if draft.form == "story" else [draft.form]  # stories of earlier releases keep their hash
    return content_hash(draft.day, draft.topic, rows, draft.records_read, draft.warming_up, *form)


def draft_as_json(draft: Draft) -> dict[str, Any]:
    """A withheld draft, kept with its decision for whoever asks why."""
    return {
        "form": draft.form,
        "records_read": draft.records_read,
        "warming_up": draft.warming_up,
        "sentences": [
            {
                "part": s.part, "section": s.section, "kind": s.kind, "text": s.text,
                "quotes": [{"record": u.source.record_id, "quote": u.quote} for u in s.uses],
            }
            for s in draft.sentences
        ],
    }  # fmt: skip


def store_version(
    conn: Connection, draft: Draft, *, run: Run, engine_version: str, judge: tuple[str, str], input_hash: str,
    withdraws: bool = False,
) -> tuple[int, str, int, bool]:  # fmt: skip
    """Append a version by the draft's engine. Returns (version id, slug, number, whether it is new).

    Equal content adds nothing, unless the version withdraws a source: then it follows the one that cited it.
    """
    digest = draft_hash(draft)
    article = conn.execute(
        "SELECT id, slug FROM articles WHERE day = %s AND topic = %s", (draft.day, draft.topic)
    ).fetchone()
    if article is None:
        article = conn.execute(
            "INSERT INTO articles (day, topic, slug) VALUES (%s, %s, %s) RETURNING id, slug",
            (draft.day, draft.topic, make_slug(draft.day, draft.topic, draft.one("headline"))),
        ).fetchone()
    assert article is not None
    same = conn.execute(
        "SELECT id, number FROM article_versions WHERE article_id = %s AND content_hash = %s", (article["id"], digest)
    ).fetchone()
    if same is not None and not withdraws:
        return same["id"], article["slug"], same["number"], False
    version = conn.execute(
        """INSERT INTO article_versions (article_id, number, gates_passed, published_at, records_read, records_cited,
               pages_cited, warming_up, inputs, engine, engine_version, judge, judge_version, input_hash,
                   content_hash, run_id, form, withdraws)
           SELECT %s, 1 + count(*), true, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
           FROM article_versions WHERE article_id = %s RETURNING id, number""",
        (article["id"], run.now, draft.records_read, len(draft.sources("record")), len(draft.sources("web")),
         draft.warming_up, Jsonb(draft.inputs), draft.engine, engine_version, *judge, input_hash, digest, run.id,
         draft.form, withdraws, article["id"]),
    ).fetchone()  # fmt: skip
    assert version is not None
    _store_sentences(conn, draft, version["id"], judge)
    return version["id"], article["slug"], version["number"], True


def _store_sentences(conn: Connection, draft: Draft, version_id: int, judge: tuple[str, str]) -> None:
    citations = _store_citations(conn, draft, version_id)
    ids: list[int] = []
    for ordinal, s in enumerate(draft.sentences, start=1):
        row = conn.execute(
            """INSERT INTO article_sentences (article_version_id, ordinal, part, section, paragraph, kind, text,
                facts, storyline_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
            (version_id, ordinal, s.part, s.section, s.paragraph, s.kind, s.text,
             Jsonb([asdict(f) for f in s.facts]), s.storyline_id),
        ).fetchone()  # fmt: skip
        assert row is not None
        ids.append(row["id"])
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sentence_rests_on (sentence_id, on_sentence_id, article_version_id) VALUES (%s, %s, %s)",
            [
                (ids[i], on, version_id)
                for i, s in enumerate(draft.sentences)
                for on in [*(ids[p] for p in s.rests_on), *s.rests_on_earlier]
            ],
        )
        cursor.executemany(
            """INSERT INTO sentence_citations (sentence_id, citation_id, article_version_id, claim_id, quote,
                start_at, end_at,
                   support, score, judge, judge_version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (
                    ids[i],
                    citations[u.source.key],
                    version_id,
                    u.claim_id,
                    u.quote,
                    u.start,
                    u.end,
                    u.support,
                    u.score,
                    *judge,
                )
                for i, s in enumerate(draft.sentences)
                for u in s.uses
            ],
        )
        cursor.executemany(
            """INSERT INTO sentence_verdicts (sentence_id, article_version_id, judge, verdict, score)
               VALUES (%s, %s, %s, %s, %s)""",
            [(ids[i], version_id, *astuple(v)) for i, s in enumerate(draft.sentences) for v in s.verdicts],
        )


def _store_citations(conn: Connection, draft: Draft, version_id: int) -> dict[tuple[str, int], int]:
    weights, stored = draft.weights(), {}
    sources = {source.key: source for source in draft.sources()}
    for key, number in draft.numbers().items():
        source = sources[key]
        record = source.kind == "record"
        row = conn.execute(
            """INSERT INTO citations (article_version_id, kind, number, record_id, record_version_id,
                web_page_version_id, weight)
               VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
            (version_id, source.kind, number, source.record_id if record else None,
             source.version_id if record else None, None if record else source.version_id, weights[key]),
        ).fetchone()  # fmt: skip
        assert row is not None
        stored[key] = row["id"]
    return stored


def store_decision(conn: Connection, **values: Any) -> None:
    """Append an editorial decision. The caller has seen that the one in force was made from other input."""
    columns = list(values)
    wrapped = [Jsonb(v) if k in ("reasons", "numbers", "draft") and v is not None else v for k, v in values.items()]
    conn.execute(
        f"INSERT INTO editorial_decisions ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
        wrapped,
    )


def load_draft(conn: Connection, article_version_id: int) -> Draft:
    """A stored version as a `Draft`, so that the gates can be run over the rows.

    Raises LookupError when there is none.
    """
    head = conn.execute(
        """SELECT a.day, a.topic, av.records_read, av.warming_up, av.inputs, av.engine, av.form FROM article_versions av
           JOIN articles a ON a.id = av.article_id WHERE av.id = %s""",
        (article_version_id,),
    ).fetchone()
    if head is None:
        raise LookupError(f"no article version {article_version_id}")
    rows = conn.execute(SENTENCES, (article_version_id,)).fetchall()
    place = {row["id"]: i for i, row in enumerate(rows)}
    sentences = [
        Sentence(row["part"], row["text"], row["section"], row["paragraph"], row["kind"],
                 facts=[CountFact(**fact) for fact in row["facts"]], storyline_id=row["storyline_id"])
        for row in rows
    ]  # fmt: skip
    for row in conn.execute(RESTS, (article_version_id,)):
        target = sentences[place[row["sentence_id"]]]
        if row["on_sentence_id"] in place:
            target.rests_on.append(place[row["on_sentence_id"]])
        else:
            target.rests_on_earlier.append(row["on_sentence_id"])
    for row in conn.execute(VERDICTS, (article_version_id,)):
        sentences[place[row["sentence_id"]]].verdicts += (Verdict(row["judge"], row["verdict"], float(row["score"])),)
    for row in conn.execute(USES, {"version": article_version_id, "borrowed": BORROWED_SCORE}):
        sentences[place[row["sentence_id"]]].uses.append(_use(row))
    return Draft(head["day"], head["topic"], sentences, head["records_read"], head["warming_up"], head["inputs"],
                 head["engine"], head["form"])  # fmt: skip


def _use(row: dict[str, Any]) -> Use:
    if row["kind"] == "record":
        source = Source(
            kind="record", version_id=row["record_version_id"], record_id=row["record_id"], text=row["text"],
            title=row["title"], platform=row["platform"], publisher=row["publisher"], family=row["publisher_family"],
            author_key=row["author_key"], author_name=row["author_name"], community=row["community"],
            published=row["published_at"], day=row["day"], title_truncated=row["title_truncated"],
            body_truncated=row["body_truncated"], topic_score=float(row["topic_score"]),
            storyline_id=row["storyline_id"],
        )  # fmt: skip
    else:
        name = row["site_name"] or row["host"]
        published = row["page_published"]
        source = Source(
            kind="web", version_id=row["web_page_version_id"], record_id=None, text=row["page_text"],
            title=row["page_title"], platform=None, publisher=name, family=name.lower(), author_key=row["host"],
            author_name=None, community=None, published=published, day=published.date() if published else None,
        )  # fmt: skip
    return Use(
        source, row["quote"], row["start_at"], row["end_at"], row["claim_id"], row["support"], float(row["score"])
    )
