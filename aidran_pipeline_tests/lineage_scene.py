"""A published newsroom that somebody tampers with: SQL without triggers, other bytes under a key. For tests of verify."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aidran_pipeline.lineage import Report, verify
from aidran_pipeline.store.db import Connection
from aidran_pipeline_tests.lineage_story import Story


@dataclass
class Scene:
    """A newsroom of one test: a transaction that is rolled back, and a copy of the site."""

    conn: Connection
    site: Path
    story: Story

    def verify(self, *slugs: str) -> Report:
        return verify(self.conn, list(slugs), publication=self.story.publication, site_dir=self.site)

    def sql(self, query: str, **values: Any) -> int:
        """Alter rows as somebody would who has the database; returns how many."""
        self.conn.execute("SET LOCAL session_replication_role = replica")
        changed = self.conn.execute(query, values).rowcount
        self.conn.execute("SET LOCAL session_replication_role = DEFAULT")
        return changed

    def one(self, query: str, **values: Any) -> Any:
        row = self.conn.execute(query, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def payload_of(self, number: int) -> str:
        """Key of the body that the record of a text came from."""
        return str(
            self.one(
                """SELECT f.payload_sha256 FROM record_versions v JOIN fetches f ON f.id = v.first_fetch_id
                   WHERE v.id = %(version)s""",
                version=self.story.records[number][1],
            )
        )

    def body(self, key: str) -> bytes:
        return zlib.decompress(self.one("SELECT body FROM payloads WHERE sha256 = %(key)s", key=key))

    def put_body(self, key: str, body: bytes) -> None:
        """Store other bytes under a key, well compressed."""
        assert self.sql("UPDATE payloads SET body = %(body)s WHERE sha256 = %(key)s", body=zlib.compress(body), key=key)


def named(report: Report, kind: str, **where: Any) -> bool:
    """Whether a mismatch of this kind says it is there."""
    return any(
        each.kind == kind and all(each.where.get(key) == value for key, value in where.items())
        for each in report.mismatches
    )


def kinds(report: Report) -> set[str]:
    return {each.kind for each in report.mismatches}


def altered_text(scene: Scene, version: int, old: str, new: str, *, with_hash: bool) -> None:
    scene.conn.execute("ALTER TABLE record_versions DROP CONSTRAINT version_text_hash")
    changed = scene.sql(
        "UPDATE record_versions SET text = replace(text, %(old)s, %(new)s) WHERE id = %(id)s AND text LIKE %(like)s",
        old=old, new=new, id=version, like=f"%{old}%",
    )  # fmt: skip
    assert changed == 1
    if with_hash:
        scene.sql(
            """UPDATE record_versions SET text_sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')
               WHERE id = %(id)s""",
            id=version,
        )
