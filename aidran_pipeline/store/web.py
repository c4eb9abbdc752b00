"""Tables web_pages, web_page_versions and topic_web_pages: the pages that records link to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aidran_pipeline.store.db import Connection


@dataclass(frozen=True)
class Candidate:
    """A page that records of a topic link to.

    links: distinct linking authors. publisher: that of the record whose own page it is, if any.
    """

    url: str
    links: int
    publisher: str | None


def candidates(conn: Connection, day: date, topic: str, *, window_days: int, most: int) -> list[Candidate]:
    """Pages linked from the topic's records of the window that ends with `day`, the most linked first.

    Ranked by distinct linking authors, then by the best topic score of a linking record, then by address.
    """
    rows = conn.execute(
        """SELECT l.canonical_url AS url, count(DISTINCT r.author_key) AS links,
                  min(r.publisher) FILTER (WHERE l.kind = 'self') AS publisher
           FROM record_topics t JOIN records r ON r.id = t.record_id
           JOIN record_links l ON l.record_version_id = t.record_version_id
           WHERE t.topic = %(topic)s AND t.day > %(day)s::date - %(window)s::integer AND t.day <= %(day)s
           GROUP BY l.canonical_url
           ORDER BY links DESC, max(t.score) DESC, l.canonical_url COLLATE "C"
           LIMIT %(most)s""",
        {"topic": topic, "day": day, "window": window_days, "most": most},
    ).fetchall()
    return [Candidate(row["url"], row["links"], row["publisher"]) for row in rows]


def page_states(conn: Connection, urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    """For each known address: its id and when it may be asked again."""
    rows = conn.execute(
        "SELECT id, canonical_url, next_check_at FROM web_pages WHERE canonical_url = ANY(%s)", (list(urls),)
    ).fetchall()
    return {row["canonical_url"]: row for row in rows}


def note_page(conn: Connection, url: str, host: str, next_check_at: datetime) -> int:
    """The page's row, with the moment before which it is not asked again; returns its id."""
    row = conn.execute(
        """INSERT INTO web_pages (canonical_url, host, next_check_at) VALUES (%s, %s, %s)
           ON CONFLICT (canonical_url) DO UPDATE SET next_check_at = EXCLUDED.next_check_at RETURNING id""",
        (url, host, next_check_at),
    ).fetchone()
    assert row is not None
    return int(row["id"])


def save_page_version(conn: Connection, page_id: int, version: dict[str, Any]) -> bool:
    """Add the text as the page's next version, unless it had this very text before. Returns whether it was added.

    version: title, site_name, published_at, text, fetch_id, extractor, run_id.
    """
    sha256 = hashlib.sha256(version["text"].encode("utf-8")).hexdigest()
    return (
        conn.execute(
            """INSERT INTO web_page_versions (web_page_id, number, title, site_name, published_at, text, text_sha256,
                                              fetch_id, extractor, run_id)
               SELECT %(page)s, COALESCE((SELECT max(number) FROM web_page_versions
                   WHERE web_page_id = %(page)s), 0) + 1,
                      %(title)s, %(site_name)s, %(published_at)s, %(text)s, %(sha256)s, %(fetch_id)s, %(extractor)s,
                          %(run_id)s
               ON CONFLICT (web_page_id, text_sha256) DO NOTHING""",
            {**version, "page": page_id, "sha256": sha256},
        ).rowcount
        > 0
    )


def readable_pages(conn: Connection, urls: Sequence[str]) -> dict[str, tuple[int, str]]:
    """(page id, hash of its newest text) for each address that has a version."""
    rows = conn.execute(
        """SELECT DISTINCT ON (p.id) p.canonical_url, p.id, v.text_sha256
           FROM web_pages p JOIN web_page_versions v ON v.web_page_id = p.id
           WHERE p.canonical_url = ANY(%s) ORDER BY p.id, v.number DESC""",
        (list(urls),),
    ).fetchall()
    return {row["canonical_url"]: (row["id"], row["text_sha256"]) for row in rows}


def set_topic_pages(conn: Connection, day: date, topic: str, pages: Sequence[tuple[int, int]]) -> bool:
    """Make (page id, links), in rank order, the topic's pages of a day. Returns whether that changed a row."""
    wanted = [(number, page, links) for number, (page, links) in enumerate(pages, start=1)]
    with conn.transaction():
        there = conn.execute(
            "SELECT rank, web_page_id, links FROM topic_web_pages WHERE day = %s AND topic = %s ORDER BY rank",
            (day, topic),
        ).fetchall()
        if [(row["rank"], row["web_page_id"], row["links"]) for row in there] == wanted:
            return False
        conn.execute("DELETE FROM topic_web_pages WHERE day = %s AND topic = %s", (day, topic))
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO topic_web_pages (day, topic, web_page_id, rank, links) VALUES (%s, %s, %s, %s, %s)",
                [(day, topic, page, rank, links) for rank, page, links in wanted],
            )
    return True
