"""Finding a published story by what a person typed. Not here: what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.tombstones import renamed_story

VERSIONS = """
SELECT a.id AS article_id, a.slug, a.day, a.topic, t.label, av.id AS version_id, av.number, av.published_at,
       av.status, av.redacted_at, av.withdraws,
       av.records_read, av.records_cited, av.pages_cited, av.warming_up, av.inputs, av.engine, av.engine_version,
       av.judge, av.judge_version, av.content_hash, av.run_id,
       count(*) OVER (PARTITION BY a.id) AS versions,
       av.number = max(av.number) OVER (PARTITION BY a.id) AS newest,
       row_number() OVER (PARTITION BY a.id ORDER BY av.number) AS place
FROM articles a
LEFT JOIN topics t ON t.slug = a.topic
JOIN article_versions av ON av.article_id = a.id
WHERE %(slugs)s::text[] IS NULL OR a.slug = ANY(%(slugs)s)
ORDER BY a.day, a.slug, av.number
"""


def versions_of(conn: Connection, slugs: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Every version of the stories named (None: of all), by day, slug and number. `newest` marks the current one.

    The current one of a withdrawn story has status withdrawn and no sentence. Raises LookupError for a slug that no
    story has; the message names the nearest ones.
    """
    rows = conn.execute(VERSIONS, {"slugs": None if slugs is None else list(slugs)}).fetchall()
    known = {row["slug"] for row in rows}
    for slug in slugs or ():
        if slug not in known:
            raise LookupError(unknown_story(conn, slug))
    return rows


def current_version(conn: Connection, slug: str) -> dict[str, Any]:
    """The newest version of a story. Raises LookupError naming the nearest slugs."""
    return next(row for row in reversed(versions_of(conn, [slug])) if row["newest"])


def unknown_story(conn: Connection, slug: str) -> str:
    """What to say of a slug that does not exist."""
    renamed = renamed_story(conn, slug)
    if renamed is not None:
        return f"this story had to change its address, which held words of a withdrawn source\nit is {renamed} now"
    rows = conn.execute(
        """SELECT a.slug FROM articles a WHERE EXISTS (SELECT FROM article_versions v WHERE v.article_id = a.id)
           ORDER BY a.day DESC, a.slug"""
    ).fetchall()
    slugs = [row["slug"] for row in rows]
    if not slugs:
        return f"no story {slug[:80]!r}: nothing is published yet; `aidran run` makes an edition"
    near = nearest(slug, slugs)
    said = f"nearest: {', '.join(near)}" if near else f"the newest of {len(slugs)}: {', '.join(slugs[:3])}"
    return f"no published story {slug[:80]!r}\n{said}"


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """What a person may have meant: what holds the word, then what is spelled like it."""
    known, word = list(known), word[:200].lower().strip("/")
    holding = [name for name in known if word and (word in name or name in word)]
    return list(dict.fromkeys([*holding, *get_close_matches(word, known, n=most, cutoff=0.5)]))[:most]
