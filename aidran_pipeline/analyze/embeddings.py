"""Sentence embeddings (text/embeddings.py) cached by text in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from aidran_pipeline.store.db import Connection
from aidran_pipeline.text.embeddings import MODEL, Vector, embed_all


def text_key(text: str) -> str:
    """Cache key of a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def embed_cached(conn: Connection, texts: Mapping[Any, str]) -> dict[Any, Vector]:
    """Vectors of texts by the caller's keys; what the cache lacks is computed and stored."""
    from pgvector.psycopg import register_vector

    register_vector(conn)
    keys = {key: text_key(text) for key, text in texts.items()}
    known: dict[str, Vector] = {}
    wanted = sorted(set(keys.values()))
    for start in range(0, len(wanted), 5000):
        for row in conn.execute(
            "SELECT text_sha256, embedding FROM record_embeddings WHERE model = %s AND text_sha256 = ANY(%s)",
            (MODEL, wanted[start : start + 5000]),
        ):
            known[row["text_sha256"]] = _array(row["embedding"])
    missing = {keys[key]: text for key, text in texts.items() if keys[key] not in known}
    digests = sorted(missing)
    known.update(zip(digests, embed_all([missing[digest] for digest in digests]), strict=True))
    with conn.cursor() as cursor, conn.transaction():
        cursor.executemany(
            "INSERT INTO record_embeddings (text_sha256, model, embedding) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(digest, MODEL, known[digest]) for digest in digests],
        )
    return {key: known[digest] for key, digest in keys.items()}


def _array(value: Any) -> Vector:
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value, dtype=np.float32)
