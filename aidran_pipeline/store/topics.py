"""Table topics: the configured beats. A slug never changes and is never deleted; a topic that leaves is retired."""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb

from aidran_pipeline.config.topics import Topics
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import content_hash

_UPSERT = """
INSERT INTO topics AS t (slug, label, description, terms, config_hash, position)
VALUES (%(slug)s, %(label)s, %(description)s, %(terms)s, %(config_hash)s, %(position)s)
ON CONFLICT (slug) DO UPDATE SET
    label = EXCLUDED.label, description = EXCLUDED.description, terms = EXCLUDED.terms,
    config_hash = EXCLUDED.config_hash, position = EXCLUDED.position, retired_at = NULL
WHERE (t.config_hash, t.position) IS DISTINCT FROM (EXCLUDED.config_hash, EXCLUDED.position) OR t.retired_at IS NOT NULL
"""


def sync_topics(conn: Connection, topics: Topics, *, now: datetime | None = None) -> dict[str, int]:
    """Bring the table in line with the configuration; returns counts: written, retired.

    Unchanged rows are not touched, so a second call changes nothing. now: moment of the retirement mark (the
    transaction's by default). One transaction.
    """
    counts = {"written": 0, "retired": 0}
    with conn.transaction():
        for position, topic in enumerate(topics.topics):
            terms = topic.model_dump(mode="json", include={"include", "exclude", "subreddits"})
            row = {"slug": topic.slug, "label": topic.label, "description": topic.description, "position": position}
            digest = content_hash(topic.slug, topic.label, topic.description, terms)
            counts["written"] += conn.execute(_UPSERT, {**row, "terms": Jsonb(terms), "config_hash": digest}).rowcount
        counts["retired"] = conn.execute(
            "UPDATE topics SET retired_at = COALESCE(%s, now()) WHERE NOT slug = ANY(%s) AND retired_at IS NULL",
            (now, topics.slugs()),
        ).rowcount
    return counts
