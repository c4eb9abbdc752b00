"""The record's own rows and what was derived from it: blanked, keyed or gone. Not here: stories, bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from aidran_pipeline.erase.words import BLANK, Erased
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.tombstones import PREFIX, Keyed

EMBEDDED = 420  # characters of a text that its embedding is of (analyze)

TEXTS = """
SELECT v.id, v.title, v.text FROM record_versions v WHERE v.record_id = %s AND v.erased_at IS NULL ORDER BY v.number
"""
# Another text that begins alike keeps its vector: it would be computed again.
EMBEDDINGS = """
DELETE FROM record_embeddings e USING record_versions v
WHERE v.record_id = %(record)s AND e.text_sha256 = encode(sha256(convert_to(left(v.text, %(length)s), 'UTF8')), 'hex')
  AND NOT EXISTS (
    SELECT FROM duplicate_members own JOIN duplicate_members other ON other.group_id = own.group_id
    JOIN record_versions w ON w.record_id = other.record_id AND w.erased_at IS NULL
    WHERE own.record_id = v.record_id AND other.record_id <> v.record_id
      AND left(w.text, %(length)s) = left(v.text, %(length)s))
"""
STORYLINES = """
SELECT s.id, s.label, s.terms FROM storylines s
WHERE s.id IN (SELECT storyline_id FROM storyline_records WHERE record_id = %(record)s
               UNION SELECT from_storyline FROM storyline_moves WHERE record_id = %(record)s)
"""
STORYLINE_TEXTS = """
SELECT v.text FROM storyline_records sr JOIN newest_record_versions v ON v.record_id = sr.record_id
WHERE sr.storyline_id = %(storyline)s AND sr.record_id <> %(record)s
"""
OWN_PAGES = """
SELECT w.id, w.canonical_url, v.id AS version_id, v.title, v.text FROM web_pages w
LEFT JOIN web_page_versions v ON v.web_page_id = w.id AND v.erased_at IS NULL
WHERE %(platform)s = 'news' AND (w.canonical_url IN (%(url)s, %(canonical)s) OR w.id IN (
    SELECT p.web_page_id FROM record_page_texts t JOIN record_versions r ON r.id = t.record_version_id
    JOIN web_page_versions p ON p.id = t.web_page_version_id WHERE r.record_id = %(record)s))
ORDER BY w.id, v.number
"""


def texts_of(conn: Connection, record: dict[str, Any], pages: list[dict[str, Any]]) -> Erased:
    """The words of every version of a record and of its own page, and the names of whoever posted it."""
    rows = conn.execute(TEXTS, (record["id"],)).fetchall()
    texts = [part for row in [*rows, *pages] for part in (row["title"], row["text"]) if part]
    names = [] if record["platform"] == "news" else [record["author_name"] or ""]
    if record["platform"] == "bluesky":
        names.append(urlsplit(record["url"]).path.removeprefix("/profile/").split("/")[0])
        names.append(record["author_key"])
    return Erased(texts, names)


def own_pages(conn: Connection, record: dict[str, Any]) -> list[dict[str, Any]]:
    """The article's own page with its versions: what it says, the erased article said. Posts have none."""
    asked = {"platform": record["platform"], "url": record["url"], "canonical": record["canonical_url"]}
    asked["record"] = record["id"]
    return conn.execute(OWN_PAGES, asked).fetchall()


def blank_record(
    conn: Connection, record: dict[str, Any], keyed: Keyed, erased: Erased, *, now: datetime
) -> dict[str, int]:
    """Blank the record, its versions and what was made of them; returns rows by kind. Uses are gone already."""
    record_id = record["id"]
    name = PREFIX + keyed.record(record["platform"], record["native_id"])
    author = PREFIX + keyed.author(record["platform"], record["author_key"])
    figures = {"embeddings": _execute(conn, EMBEDDINGS, record=record_id, length=EMBEDDED)}
    _storylines(conn, record_id, erased)
    own = "(SELECT id FROM record_versions WHERE record_id = %(record)s)"
    for table in ("claims", "claim_readings", "record_links"):
        figures[table] = _execute(conn, f"DELETE FROM {table} WHERE record_version_id IN {own}", record=record_id)
    _execute(conn, "DELETE FROM record_relations WHERE record_id = %(record)s", record=record_id)
    _execute(
        conn, f"UPDATE record_observations SET locator = %(name)s WHERE record_version_id IN {own}", name=name,
        record=record_id,
    )  # fmt: skip
    for version in conn.execute(
        "SELECT id, text_sha256 FROM record_versions WHERE record_id = %s", (record_id,)
    ).fetchall():
        conn.execute(
            """UPDATE record_versions SET text = '', title = NULL, text_sha256 = %s, erased_at = %s
               WHERE id = %s AND erased_at IS NULL""",
            (keyed.hash("text", version["text_sha256"]), now, version["id"]),
        )
        figures["versions"] = figures.get("versions", 0) + 1
    _execute(
        conn, """UPDATE records SET native_id = %(name)s, author_key = %(author)s, author_name = NULL, url = '',
                     canonical_url = '', published_raw = NULL, erased_at = %(now)s WHERE id = %(record)s""",
        name=name, author=author, now=now, record=record_id,
    )  # fmt: skip
    _same_author(conn, record, author)
    _execute(
        conn, """UPDATE source_withdrawals SET target = %(name)s WHERE platform = %(platform)s AND kind = 'post'
                 AND target = %(native)s""",
        name=name, platform=record["platform"], native=record["native_id"],
    )  # fmt: skip
    if record["platform"] == "bluesky":  # look-ups of labels name posts in their addresses
        _execute(
            conn, """UPDATE fetches SET url = split_part(url, '?', 1), final_url = NULL WHERE purpose = 'labels'
                     AND requested_at >= (SELECT first_seen_at FROM records WHERE id = %(record)s) - interval '2 days'
                     AND requested_at <= (SELECT first_seen_at FROM records WHERE id = %(record)s) + interval '2 days'
                     AND position(%(native)s IN url) > 0""",
            record=record_id, native=record["native_id"],
        )  # fmt: skip
    return figures


def _same_author(conn: Connection, record: dict[str, Any], keyed_author: str) -> None:
    """While other records of the author are left, signals must go on counting both as one author's."""
    asked = {"platform": record["platform"], "author": record["author_key"], "keyed": keyed_author}
    left = "EXISTS (SELECT FROM records WHERE platform = %(platform)s AND author_key = %(author)s)"
    _execute(
        conn, f"""INSERT INTO keyed_authors SELECT %(platform)s, %(author)s, %(keyed)s WHERE {left}
                  ON CONFLICT DO NOTHING""", **asked
    )  # fmt: skip
    _execute(
        conn, f"""DELETE FROM keyed_authors WHERE platform = %(platform)s AND author_key = %(author)s
                  AND NOT {left}""", **asked
    )  # fmt: skip


def blank_author(conn: Connection, platform: str, author_key: str, keyed: Keyed) -> None:
    """Key what is noted of an author's account, once no record of the author is left."""
    name = PREFIX + keyed.author(platform, author_key)
    _execute(
        conn, """UPDATE source_withdrawals SET target = %(name)s WHERE platform = %(platform)s AND kind = 'account'
                 AND target = %(key)s""",
        name=name, platform=platform, key=author_key,
    )  # fmt: skip


def blank_pages(conn: Connection, pages: list[dict[str, Any]], keyed: Keyed, *, now: datetime) -> int:
    """Blank an article's own page: its texts, and the words of its address."""
    for page in pages:
        if page["version_id"] is not None:
            conn.execute(
                """UPDATE web_page_versions SET text = '', title = NULL, erased_at = %s, text_sha256 = %s
                   WHERE id = %s AND erased_at IS NULL""",
                (now, keyed.hash("page", str(page["version_id"])), page["version_id"]),
            )
    for page_id, url in {page["id"]: page["canonical_url"] for page in pages}.items():
        hashed = keyed.hash("page", url)
        address = f"https://erased.invalid/{hashed}"
        conn.execute(
            "UPDATE fetches SET url = %s, final_url = NULL WHERE purpose = 'page' AND url = %s", (address, url)
        )
        conn.execute("UPDATE web_pages SET canonical_url = %s WHERE id = %s", (address, page_id))
    return len(pages)


def _storylines(conn: Connection, record_id: int, erased: Erased) -> None:
    """Labels and terms that no other member of the storyline says are blanked; membership stays."""
    for row in conn.execute(STORYLINES, {"record": record_id}).fetchall():
        others = conn.execute(STORYLINE_TEXTS, {"storyline": row["id"], "record": record_id}).fetchall()
        said = "\n".join(other["text"] for other in others).casefold()
        terms = [term for term in row["terms"] if str(term.get("term", "")).casefold() in said]
        label = row["label"]
        if label.casefold() not in said and not _all_said(label, said):
            label = str(terms[0]["term"]) if terms else BLANK
        if (label, terms) != (row["label"], row["terms"]):
            conn.execute("UPDATE storylines SET label = %s, terms = %s WHERE id = %s", (label, Jsonb(terms), row["id"]))


def _all_said(label: str, said: str) -> bool:
    """Whether each part of a label of several terms is said by somebody else."""
    parts = [part.strip() for part in label.split(" and ") if part.strip()]
    return len(parts) > 1 and all(part.casefold() in said for part in parts)


def _execute(conn: Connection, query: str, **values: Any) -> int:
    return conn.execute(query, values).rowcount
