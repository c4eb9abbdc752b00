"""A published story whose every byte was fetched: the clean article of faults/ over feeds, a listing and a search.

What does not belong here: checks. The sources are real servers on loopback, read by the real ingest; the linked page is
fetched and extracted by the real stage; the article is stored and the site built by the real code. Only what lies
between (topics of records, claims, baseline) is written by hand, so that the story does not hang on the tuning of the
analysis.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.sources import load_sources
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.ingest import fetch_web_pages, ingest_platform, sync_sources
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.publish import build_site
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.topics import sync_topics
from aidran_pipeline.write.draft import Draft, Sentence, Source, Use, number_tokens, token
from aidran_pipeline.write.persist import store_decision, store_version
from aidran_pipeline_tests.faults.clean_story import DAY, TEXTS, clean_draft
from aidran_pipeline_tests.ingest_server import Server, item, rss

NOW = datetime(2026, 5, 20, 21, 30, tzinfo=UTC)
TOPIC = "ai-healthcare"
FAST = Limits(connect=2.0, total=4.0, wire=2_000_000, body=4_000_000)
DID = "did:plc:abcdefghijklmnopqrstuvw"
PAGE_WORDS = "The authority returns the water to the basin two degrees warmer than it came"
PAGE = f"""<!doctype html><html><head><title>Cooling water at the port</title>
<meta property="og:site_name" content="Port Authority"><meta property="article:published_time" content="2026-05-19T08:00:00+00:00">
</head><body><article><h1>Cooling water at the port</h1>
<p>{PAGE_WORDS}. Divers measure the temperature at three points every week.</p>
<p>The readings are put up at the harbour office &amp; on this page, where anybody may compare them.</p>
</article></body></html>"""
FEEDS = {"harbour": (1,), "circuit": (2,), "nordlicht": (3,), "meridian": (7,)}
UNCITED = (
    (
        "u1",
        "A machine reads the tide tables",
        "The harbour office tries an artificial intelligence on its tide tables.",
    ),
    ("u2", "Hospitals ask for more compute", "Two hospitals want to train artificial intelligence on their own scans."),
)


@dataclass
class Story:
    """What was published. version: the current one, a second version; records: record and version id by TEXTS number."""

    slug: str
    version: int
    first_version: int
    publication: Publication
    records: dict[int, tuple[int, int]]
    page_version: int


def serve_sources(server: Server) -> str:
    """Put the newsroom's sources on the server; returns the sources file that reads them."""
    link = f'<a href="{server.url("/authority")}">the port\'s own page</a>'
    for name, numbers in FEEDS.items():
        items = [_item(server, number, f"<p>{link}</p>" if number in (1, 2) else "") for number in numbers]
        if name == "circuit":
            items += [
                item(guid, title, body, date=_date(30), link=server.url(f"/{guid}")) for guid, title, body in UNCITED
            ]
        server.routes[f"/{name}.xml"] = (
            200, {"Content-Type": "application/rss+xml", "ETag": f'"{name}-1"'},
            rss(*items, title=TEXTS[numbers[0]][1], link=server.url("/")),
        )  # fmt: skip
    server.routes["/authority"] = (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.encode())
    _serve_bluesky(server)
    _serve_reddit(server)
    named = {"harbour": "Harbour Ledger", "nordlicht": "Nordlicht Tech", "meridian": "Meridian Post"}
    lines = [
        f'{{id: {name}, kind: rss, url: "{server.url(f"/{name}.xml")}"'
        + (f", publisher: {named[name]}" if name in named else "") + "}"
        for name in FEEDS
    ]  # fmt: skip
    lines.append(f'{{id: sky, kind: bluesky_search, query: AI, host: "{server.base}"}}')
    lines.append(f'{{id: clinic, kind: reddit, subreddit: hospitaltech, host: "{server.base}"}}')
    return "sources:\n" + "".join(f"  - {line}\n" for line in lines)


def _date(minute: int) -> str:
    return f"Wed, 20 May 2026 09:{minute:02d}:00 GMT"


def _item(server: Server, number: int, more: str = "") -> str:
    title, body = TEXTS[number][2].split("\n\n")
    return item(f"n{number}", title, f"<p>{body}</p>{more}", date=_date(number), link=server.url(f"/article/{number}"))


def _serve_bluesky(server: Server) -> None:
    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    expires = datetime.now(UTC) + timedelta(hours=2)
    jwt = f"{part({'alg': 'none'})}.{part({'exp': int(expires.timestamp()), 'sub': DID})}.x"
    session = {"accessJwt": jwt, "refreshJwt": jwt, "handle": "reader.test", "did": DID + "x", "active": True}
    answer = json.dumps({"posts": [_post(number) for number in (5, 4)]}).encode()
    kind = {"Content-Type": "application/json"}
    server.routes["/xrpc/com.atproto.server.createSession"] = (200, kind, json.dumps(session).encode())
    server.routes["/xrpc/app.bsky.feed.searchPosts"] = (200, kind, answer)


def _post(number: int) -> dict[str, Any]:
    stamp = f"2026-05-20T09:{number:02d}:00.000Z"
    return {
        "uri": f"at://{DID}{number}/app.bsky.feed.post/3kpost{number}",
        "cid": "bafyreifmoalth6n2byajjbvavazwh4u7ueczow2zz47z45zdzsuum7f3ve",
        "author": {"did": f"{DID}{number}", "handle": f"voice{number}.sample.test", "labels": []},
        "record": {"$type": "app.bsky.feed.post", "text": TEXTS[number][2], "createdAt": stamp, "langs": ["en"]},
        "indexedAt": stamp,
        "likeCount": 3,
        "labels": [],
    }


def _serve_reddit(server: Server) -> None:
    title, body = TEXTS[6][2].split("\n\n")
    post = {
        "name": "t3_0006", "title": title, "selftext": body, "author": "ward_six", "subreddit": "hospitaltech",
        "permalink": "/r/hospitaltech/comments/0006/", "created_utc": datetime(2026, 5, 20, 9, 6, tzinfo=UTC).timestamp(),
        "score": 7, "num_comments": 2, "is_self": True,
    }  # fmt: skip
    answer = {"kind": "Listing", "data": {"after": None, "children": [{"kind": "t3", "data": post}]}}
    server.routes["/api/v1/access_token"] = (
        200,
        {},
        json.dumps({"access_token": "s3same", "expires_in": 86400}).encode(),
    )

    def page(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if handler.headers.get("Authorization") != "Bearer s3same":
            return 401, {}, b"{}"
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    server.routes["/r/hospitaltech/new.json"] = page


def settings_for(home: Path) -> Settings:
    """Credentials of the loopback newsroom."""
    return Settings(
        AIDRAN_HOME=home, AIDRAN_ALLOW_HOSTS="127.0.0.1", BLUESKY_HANDLE="reader.test", BLUESKY_APP_PASSWORD="x",
        REDDIT_CLIENT_ID="id", REDDIT_CLIENT_SECRET="s",
    )  # type: ignore[arg-type]  # fmt: skip


def ingest_all(conn: Connection, settings: Settings, *, now: datetime = NOW, run: str = "run-ingest") -> None:
    """Read every due source."""
    for platform in ("bluesky", "reddit", "news"):
        result = ingest_platform(conn, platform, DAY, run=Run(run, now), settings=settings, limits=FAST)
        assert not result.failed, result.errors


def publish_story(conn: Connection, server: Server, home: Path) -> Story:
    """Ingest, write and build: two versions of one story, the site in home/site."""
    settings, publication = settings_for(home), load_publication()
    home.mkdir(parents=True, exist_ok=True)
    (home / "sources.yaml").write_text(serve_sources(server))
    sync_topics(conn, load_topics(), now=NOW)
    sync_sources(conn, load_sources(home / "sources.yaml"), now=NOW)
    ingest_all(conn, settings)
    records = _records(conn)
    _analysed(conn)
    fetch_web_pages(
        conn, [(DAY, TOPIC)], run=Run("run-pages", NOW), settings=settings, publication=publication, limits=FAST
    )
    page = _row(
        conn, "SELECT v.id, v.title, v.text, v.site_name, v.published_at FROM web_page_versions v JOIN web_pages w "
        "ON w.id = v.web_page_id WHERE w.canonical_url LIKE '%%/authority'",
    )  # fmt: skip
    storylines = [_storyline(conn, label) for label in ("Harbour cooling", "Servers for hospitals")]
    draft = _with_real_sources(conn, clean_draft(), records, storylines)
    first = _store(conn, draft, NOW - timedelta(hours=3))
    draft = _with_real_sources(conn, clean_draft(), records, storylines)
    draft.sentences.append(_web_sentence(page))
    number_tokens(draft)
    second = _store(conn, draft, NOW)
    build_site(conn, settings.site_dir, publication, run=Run("run-site", NOW))
    slug = _row(conn, "SELECT slug FROM articles")["slug"]
    return Story(slug, second, first, publication, records, page["id"])


def _row(conn: Connection, sql: str, *values: Any) -> dict[str, Any]:
    row = conn.execute(sql, values).fetchone()
    assert row is not None, sql
    return row


def _records(conn: Connection) -> dict[int, tuple[int, int]]:
    """Record and version id of each text, by its number. Two of them end with a link of their own."""
    rows = conn.execute("SELECT record_id, id, text FROM record_versions").fetchall()
    found = {
        number: (row["record_id"], row["id"])
        for number, (_, _, text) in TEXTS.items()
        for row in rows
        if row["text"].startswith(text)
    }
    assert sorted(found) == sorted(TEXTS), [row["text"][:60] for row in rows]
    return found


def _analysed(conn: Connection) -> None:
    """Topic, language and baseline, as the stages between ingest and writing would leave them."""
    for row in conn.execute(
        "SELECT v.id, v.record_id, r.day FROM record_versions v JOIN records r ON r.id = v.record_id"
    ):
        conn.execute(
            """INSERT INTO record_topics (record_id, topic, record_version_id, day, rank, score, engine_version, run_id)
               VALUES (%s, %s, %s, %s, 1, 0.8, 'analysis-test', 'run-analyze')""",
            (row["record_id"], TOPIC, row["id"], row["day"]),
        )
        conn.execute(
            """INSERT INTO record_analysis (record_version_id, day, lang, lang_confidence, ai_score, about_ai, engine,
                   engine_version, input_hash, run_id)
               VALUES (%s, %s, 'en', 1, 0.9, true, 'embedded', 'analysis-test', 'test', 'run-analyze')""",
            (row["id"], row["day"]),
        )
    conn.execute(
        """INSERT INTO baselines (topic, day, kind, series, history_days, tests, outcome, coverage, engine_version,
               input_hash, run_id)
           VALUES (%s, %s, 'volume_spike', %s, 3, 24, 'warming_up', %s, 'volume-test', 'test', 'run-signal')""",
        (TOPIC, DAY, Jsonb([{"day": str(DAY), "count": 9, "total": 30, "share": 0.2, "coverage": 1.0}]),
         Jsonb({"sources": 6, "reached": 6, "unknown": [], "healthy": True})),
    )  # fmt: skip


def _storyline(conn: Connection, label: str) -> int:
    return int(
        _row(
            conn, """INSERT INTO storylines (topic, kind, label, terms, first_day, last_day, engine_version, input_hash, run_id)
               VALUES (%s, 'event', %s, '[]', %s, %s, 'test', 'test', 'run-analyze') RETURNING id""",
            TOPIC, label, DAY, DAY,
        )["id"]
    )  # fmt: skip


def _with_real_sources(
    conn: Connection, draft: Draft, records: dict[int, tuple[int, int]], storylines: list[int]
) -> Draft:
    """The clean draft over the records that were ingested, each use with its claim."""
    for sentence in draft.sentences:
        sentence.uses = [_real_use(conn, use, records) for use in sentence.uses]
        if sentence.storyline_id is not None:
            sentence.storyline_id = storylines[sentence.storyline_id - 1]
    coverage = {"sources": 6, "reached": 6, "unknown": [], "healthy": True}
    draft.inputs = {
        "signals": [], "storylines": storylines, "earlier_versions": [],
        "window": [str(DAY - timedelta(days=2)), str(DAY)],
        "read": [row["id"] for row in conn.execute("SELECT id FROM records ORDER BY id")],
        "reason": {"baseline": {"history_days": 3, "coverage": coverage}, "signals": []},
    }  # fmt: skip
    return draft


def _real_use(conn: Connection, use: Use, records: dict[int, tuple[int, int]]) -> Use:
    assert use.source.record_id is not None
    record, version = records[use.source.record_id]
    row = _row(
        conn, "SELECT r.*, v.text FROM records r JOIN record_versions v ON v.record_id = r.id WHERE v.id = %s", version
    )
    source = replace(
        use.source, version_id=version, record_id=record, text=row["text"], publisher=row["publisher"], family=row["publisher_family"],
        author_key=row["author_key"], author_name=row["author_name"], community=row["community"],
        published=row["published_at"], day=row["day"], topic_score=0.8, storyline_id=None,
    )  # fmt: skip
    claim = _row(
        conn, """INSERT INTO claims AS c (record_version_id, start_at, end_at, quote, statement, kind, checkworthiness, engine,
               engine_version, input_hash, run_id)
           VALUES (%s, %s, %s, %s, %s, 'statement', 0.8, 'extractive', 'claims-test', 'test', 'run-claims')
           ON CONFLICT (record_version_id, start_at, end_at, engine_version) DO UPDATE SET kind = c.kind RETURNING id""",
        version, use.start, use.end, use.quote, use.quote,
    )  # fmt: skip
    return replace(use, source=source, claim_id=claim["id"])


def _web_sentence(page: dict[str, Any]) -> Sentence:
    source = Source(
        kind="web", version_id=page["id"], record_id=None, text=page["text"], title=page["title"], platform=None,
        publisher=page["site_name"], family=page["site_name"].lower(), author_key="127.0.0.1", author_name=None,
        community=None, published=page["published_at"], day=page["published_at"].date(),
    )  # fmt: skip
    start = page["text"].index(PAGE_WORDS)
    use = Use(source, PAGE_WORDS, start, start + len(PAGE_WORDS))
    return Sentence(
        "answer", f"The full report at Port Authority says: “{PAGE_WORDS}” {token(source)}.", 3, 2, "cited", [use]
    )


def _store(conn: Connection, draft: Draft, moment: datetime) -> int:
    run, digest = Run("run-write", moment), f"input-{moment.isoformat()}"
    with conn.transaction():
        version, _slug, _number, new = store_version(
            conn, draft, run=run, engine_version="extractive-test", judge=("verbatim", "verbatim-1"),
            input_hash=digest,
        )  # fmt: skip
        assert new
        store_decision(
            conn, day=DAY, topic=TOPIC, decision="published", reasons=[], numbers={"records_read": draft.records_read},
            draft=None, article_version_id=version, decided_at=moment, engine="extractive",
            engine_version="extractive-test", input_hash=digest, run_id="run-write",
        )  # fmt: skip
    return version
