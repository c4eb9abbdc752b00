"""What a page says of sources that were erased: their tombstones, never a word of them.

What does not belong here: erasing (erase), the rest of a story's page (story.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aidran_pipeline.store.db import Connection

# A page of its own goes with the article whose page it is: its citation has that article's tombstone.
LOST = """
SELECT c.kind, c.number, COALESCE(rv.erased_at, wv.erased_at) AS erased_at, r.platform, r.day, t.cause
FROM citations c
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN records r ON r.id = c.record_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
LEFT JOIN tombstones t ON t.record_id = c.record_id
WHERE c.article_version_id = %s AND COALESCE(rv.erased_at, wv.erased_at) IS NOT NULL
ORDER BY c.kind, c.number
"""
CAUSES = {
    "source": "It was deleted or taken down at its source.",
    "request": "It was erased here on request.",
}


@dataclass(frozen=True)
class Lost:
    """A citation whose source was erased. day: of its publication, for records."""

    kind: str
    number: int
    erased_at: datetime
    platform: str | None
    day: Any
    cause: str | None

    @property
    def marker(self) -> str:
        """As in paths: 3, or w1."""
        return str(self.number) if self.kind == "record" else f"w{self.number}"

    @property
    def why(self) -> str:
        """Why it is gone, in a sentence."""
        return CAUSES.get(self.cause or "", "It went with the article whose page it was.")


def read_lost(conn: Connection, version_id: int) -> list[Lost]:
    """The erased sources of a version: those it cited, or those that the version before lost."""
    return [Lost(**row) for row in conn.execute(LOST, (version_id,)).fetchall()]


def lost_json(lost: list[Lost]) -> list[dict[str, Any]]:
    """For index.json."""
    return [
        {"marker": each.marker, "platform": each.platform, "erased_at": each.erased_at.isoformat(), "why": each.why}
        for each in lost
    ]
