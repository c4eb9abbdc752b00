"""Whether posts that stories cite are still at their source: asked for by id, many at once.

A post is gone when its source answers and leaves it out, or shows it as deleted or removed; a source that does not
answer, or answers something else, says nothing. News are not looked for: a page that is away (404, 410, a paywall) is
no wish of its author. What does not belong here: which posts are due, and what follows (erase).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.ingest.answers import heed
from aidran_pipeline.ingest.http import FetchResult, HttpClient, Limits
from aidran_pipeline.ingest.pacing import HostPacer
from aidran_pipeline.ingest.parsed import NotParsable
from aidran_pipeline.ingest.post_labels import INDEX, batches, is_hidden, views_of
from aidran_pipeline.ingest.reddit import listing, withdrawn_posts
from aidran_pipeline.ingest.sessions import sign_in
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.fetches import save_fetch
from aidran_pipeline.store.provenance import Run

REDDIT_API = "https://oauth.reddit.com"
REDDIT_AT_ONCE = 100


@dataclass
class Found:
    """What a look-up said. answers: native id → there, gone or unknown; withdrawn: of the gone, the status to note.

    fetches: native id → id of the fetch row that told it. failures: "class: words" of attempts that failed.
    """

    answers: dict[str, str] = field(default_factory=dict)
    withdrawn: dict[str, str] = field(default_factory=dict)
    fetches: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def look_for(
    conn: Connection, platform: str, posts: Mapping[str, Sequence[str]], *, run: Run, settings: Settings,
    sources: Mapping[str, Mapping[str, Any]], limits: Limits | None = None,
) -> Found:  # fmt: skip
    """Ask the source about posts. posts: source id → native ids; sources: their rows. Every attempt is a fetch row.

    What a first answer leaves out is asked for once more, by itself, before it counts as gone.
    """
    found, pacer = Found(), HostPacer(conn)
    try:
        with HttpClient(settings.allow_hosts, limits=limits, pace=pacer.wait_for, dial=settings.dial) as client:
            for source_id, names in sorted(posts.items()):
                asker = _Asker(conn, client, pacer, run, settings, sources[source_id], found)
                (asker.bluesky if platform == "bluesky" else asker.reddit)(sorted(names))
    finally:
        pacer.close()
    return found


class _Asker:
    """Asks about the posts of one source."""

    def __init__(
        self, conn: Connection, client: HttpClient, pacer: HostPacer, run: Run, settings: Settings,
        source: Mapping[str, Any], found: Found,
    ) -> None:  # fmt: skip
        self.conn, self.client, self.pacer, self.run = conn, client, pacer, run
        self.settings, self.source, self.found = settings, source, found

    def bluesky(self, names: Sequence[str]) -> None:
        """The public index, without an account: app.bsky.feed.getPosts leaves out what is deleted or taken down."""
        config = self.source["config"]
        host = str(config.get("labels") or config.get("host") or INDEX).rstrip("/")
        missing = self._posts(host, names)
        for name in missing:
            if self._posts(host, [name]):
                self._note([name], "gone", "deleted")

    def _posts(self, host: str, names: Sequence[str]) -> list[str]:
        """Note what is there or unknown; what was left out is returned."""
        missing: list[str] = []
        for asked in batches(names):
            query = urlencode([("uris", name) for name in asked], safe=":/")
            attempt = self._ask(f"{host}/xrpc/app.bsky.feed.getPosts?{query}", {}, asked)
            views = views_of(attempt)
            if views is None:
                self._note(asked, "unknown")
                continue
            self._note([name for name in asked if name in views and not is_hidden(views[name])], "there")
            self._note([name for name in asked if name in views and is_hidden(views[name])], "gone", "takendown")
            missing += [name for name in asked if name not in views]
        return missing

    def reddit(self, names: Sequence[str]) -> None:
        """/api/info with the application's token; it shows what became of a post, and what it leaves out is unknown."""
        signed = sign_in(self.conn, self.client, dict(self.source), run=self.run, settings=self.settings)
        if signed.token is None:
            self._note(names, "unknown")
            return
        host = str(self.source["config"].get("host") or REDDIT_API).rstrip("/")
        headers = {"Authorization": f"Bearer {signed.token}"}
        for start in range(0, len(names), REDDIT_AT_ONCE):
            asked = names[start : start + REDDIT_AT_ONCE]
            query = urlencode({"id": ",".join(asked), "raw_json": "1"}, safe=",")
            attempt = self._ask(f"{host}/api/info.json?{query}", headers, asked)
            try:
                children = listing(attempt.body)["children"] if attempt.outcome == "ok" else None
                gone = dict(withdrawn_posts(attempt.body)) if children is not None else {}
            except NotParsable:
                children, gone = None, {}
            shown = {str((child.get("data") or {}).get("name")) for child in children or [] if isinstance(child, dict)}
            for name in asked:
                if name in gone:
                    self._note([name], "gone", gone[name])
                else:
                    self._note([name], "there" if name in shown else "unknown")

    def _ask(self, url: str, headers: Mapping[str, str], names: Sequence[str]) -> FetchResult:
        """One attempt with its row: without the names asked for, and without its body, which may hold their words."""
        attempt = self.client.get(url, now=self.run.now, headers=headers)
        heed(self.client, self.pacer, attempt, self.run.now)
        bare = replace(attempt, url=url.partition("?")[0], final_url=None, body=b"")
        if attempt.outcome == "not_modified":
            bare = replace(bare, outcome="failed", error_class="malformed", error="HTTP 304 without being asked")
        if bare.outcome == "failed":
            self.found.failures.append(f"{bare.error_class}: {bare.error}")
        fetch = save_fetch(self.conn, bare, purpose="lookup", source_id=self.source["id"], run_id=self.run.id,
                           requested_at=self.run.now)  # fmt: skip
        self.found.fetches |= dict.fromkeys(names, fetch)
        return attempt

    def _note(self, names: Sequence[str], answer: str, status: str | None = None) -> None:
        self.found.answers |= dict.fromkeys(names, answer)
        if status is not None:
            self.found.withdrawn |= dict.fromkeys(names, status)
