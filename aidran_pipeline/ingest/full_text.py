"""Articles of which a feed has only a teaser, completed from their own pages.

The page is fetched as any linked page is (robots.txt, guard, limits, pace: pages) and kept as a web page version; the
article then gets a further version whose first fetch is the page's, so that the ledger says where each text came from.
Pages of what is not about AI are left alone, and so is a page that does not hold what the teaser says. What does not
belong here: how a page becomes text, and the two become one (extract).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.config.topics import load_topics
from aidran_pipeline.ingest.extract import completed
from aidran_pipeline.ingest.http import Limits
from aidran_pipeline.ingest.jetstream import about
from aidran_pipeline.ingest.pages import PAGE_LIMITS, fetch_pages, worth_reading
from aidran_pipeline.ingest.urls import host_of
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.page_texts import newest_pages, save_page_text, teasers
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.store.tombstones import erased_pages
from aidran_pipeline.store.web import page_states

PAGES_PER_RUN, PAGES_PER_HOST = 40, 5
SECONDS = 60.0
RECENT = timedelta(days=3)  # older articles are not completed: no evidence window reaches them
TEASER = 600  # code points below which a feed's text is taken for a teaser
LEAST_MORE = 200  # code points that a page must add
LEAST_SHARED = 0.5  # of the teaser's words that its page must hold
LEAST_WORDS = 4


def complete_articles(
    conn: Connection, *, run: Run, settings: Settings, seconds: float = SECONDS, limits: Limits = PAGE_LIMITS
) -> set[date]:
    """Complete recent teasers of the sources whose configuration says so; returns the days with a new version.

    Only articles about AI, by the words of the topics file. Bounded by `seconds` and PAGES_PER_RUN as a whole and by
    PAGES_PER_HOST of one host; what is left waits for the next run. A page that was tried is left alone until its own
    next check.
    """
    found = [row for row in teasers(conn, since=run.now - RECENT, shorter=TEASER) if worth_reading(row["page"])]
    gone = erased_pages(conn, [row["page"] for row in found])
    found = [row for row in found if row["page"] not in gone]
    if not found:
        return set()
    wants = about(load_topics(settings.topics_file).relevance)
    offered = [row for row in found if wants(row["text"])]
    states = page_states(conn, [row["page"] for row in offered])
    due = _within_bounds([row for row in offered if _is_due(states.get(row["page"]), run)])
    if due:
        names = {row["page"]: row["publisher"] for row in due}
        fetch_pages(conn, list(names), names, run, settings, seconds, limits)
    pages = newest_pages(conn, [row["page"] for row in offered])
    days = set()
    for row in offered:
        page = pages.get(row["page"])
        if page is not None and _complete(conn, row, page, run):
            days.add(row["day"])
    return days


def _is_due(state: Mapping[str, Any] | None, run: Run) -> bool:
    return state is None or (state["next_check_at"] or run.now) <= run.now


def _within_bounds(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each host, in their order, as many as one run may ask for."""
    hosts: Counter[str] = Counter()
    kept: dict[str, dict[str, Any]] = {}
    for row in rows:
        host = host_of(row["page"])
        if row["page"] not in kept and hosts[host] < PAGES_PER_HOST and len(kept) < PAGES_PER_RUN:
            hosts[host] += 1
            kept[row["page"]] = row
    return list(kept.values())


def _complete(conn: Connection, row: Mapping[str, Any], page: Mapping[str, Any], run: Run) -> bool:
    version = completed(row, title=page["title"], text=page["text"])
    body = version["text"][len(row["title"] or "") :]
    teaser = row["text"][len(row["title"] or "") :]
    if not fits(teaser.strip(), body.strip(), row["title"] or ""):
        return False
    return save_page_text(conn, row, page, version, run_id=run.id, now=run.now)


def fits(teaser: str, body: str, title: str) -> bool:
    """Whether a page's text goes on where the teaser ends: much longer, and in the same words (or in the title's)."""
    if len(body) < len(teaser) + LEAST_MORE:
        return False
    wanted = _words(teaser)
    if len(wanted) < LEAST_WORDS:
        wanted = _words(title)
    return bool(wanted) and len(wanted & _words(body)) >= LEAST_SHARED * len(wanted)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) >= LEAST_WORDS}
