"""The page of the sources: how each fares, as of the newest edition. Public: no address, no message of a server.

What does not belong here: SQL (store.source_health), when a source is failing, blocked or quiet (ingest.health).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from aidran_pipeline.publish.words import iso
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.source_health import GAPS, VOLUME, source_health_at

# A state of the rows → the page's word for it and what it means.
STATES = {
    "ok": ("well", "answers, and brings new items"),
    "quiet": ("quiet", "answers, and has brought nothing new for 14 days"),
    "failing": ("failing", "the last attempts failed; it is asked again, ever less often"),
    "blocked": ("blocked", "refuses to be read: 401, 403 or 429, three times in a row"),
    "gone": ("gone", "its owner retired it (410); it is not asked again"),
    "unconfigured": ("unconfigured", "needs an account that this publication has not set up"),
}
ERRORS = {
    "timeout": "no answer in time",
    "connect": "no connection",
    "dns": "its name is not known",
    "tls": "no safe connection",
    "http_4xx": "not found or refused (4xx)",
    "http_5xx": "error of its server (5xx)",
    "rate_limited": "asked us to wait",
    "forbidden": "refused (401, 403)",
    "gone": "retired (410)",
    "too_large": "too large",
    "redirect": "redirects in a loop",
    "refused_address": "leads to an address that is not public",
    "not_a_feed": "answers with something else than a feed",
    "empty": "empty answer",
    "malformed": "broken answer",
    "unconfigured": "no account",
}
REASONS = {"clamped": "began later than asked", "too_old": "no longer kept what was asked for"}


def read_sources(conn: Connection, moment: datetime | None) -> dict[str, Any]:
    """What the page shows. moment: of the newest edition; None while there is none, and so nothing to show."""
    rows = [] if moment is None else source_health_at(conn, moment)
    counts = Counter(STATES[row["state"]][0] for row in rows)
    return {
        "moment": moment,
        "volume_days": VOLUME.days,
        "gap_days": GAPS.days,
        "sources": [_shown(row) for row in rows],
        "counts": [(word, meaning, counts[word]) for word, meaning in STATES.values()],
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    outlet = row["publisher"] if row["platform"] == "news" else None  # elsewhere it is the platform's name
    community = f"r/{row['community']}" if row["community"] else None
    return {
        **row,
        "name": community or outlet or row["id"],
        "word": STATES[row["state"]][0],
        "error": ERRORS.get(row["error_class"] or "", row["error_class"]),
        "asked_again": row["state"] != "gone",
        "gaps": [{**gap, "words": REASONS.get(gap["reason"], gap["reason"])} for gap in row["gaps"]],
    }


def sources_json(shown: dict[str, Any]) -> dict[str, Any]:
    """The same for machines."""
    names = ("last_attempt_at", "last_success_at", "last_new_at", "next_check_at")
    return {
        "as_of": shown["moment"] and iso(shown["moment"]),
        "sources": [
            {
                "id": row["id"],
                "platform": row["platform"],
                "name": row["name"],
                "state": row["word"],
                "since": iso(row["state_since"]),
                **{name: row[name] and iso(row[name]) for name in names},
                "consecutive_failures": row["consecutive_failures"],
                "error_class": row["error_class"],
                "records_7_days": row["volume"],
                "share_of_volume": row["share"],
                "gaps": [
                    {"since": iso(gap["since"]), "until": iso(gap["until"]), "reason": gap["reason"]}
                    for gap in row["gaps"]
                ],
            }
            for row in shown["sources"]
        ],
    }
