"""robots.txt of the hosts whose pages are read (RFC 9309). Sources are exempt: a feed is made to be read."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from aidran_pipeline.ingest.http import FetchResult, HttpClient

NAME = "aidran-pipeline"
LARGEST = 512 * 1024


class Robots:
    """The rules of one host, read on first need. Not thread-safe: each worker keeps its own."""

    def __init__(self, client: HttpClient, now: datetime) -> None:
        self._client, self._now = client, now
        self._rules: dict[str, RobotFileParser | FetchResult | None] = {}

    def refusal(self, url: str) -> tuple[str, str] | None:
        """(error class, words) when the page must not be read; None when it may.

        A missing file allows all; one that cannot be had because the host fails forbids all, with the host's failure.
        """
        parts = urlsplit(url)
        if self._client.backend.allows(parts.hostname or "", parts.port):
            return None
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = self._read(origin)
        rules = self._rules[origin]
        if isinstance(rules, FetchResult):
            return rules.error_class or "robots", f"robots.txt cannot be read: {rules.error}"
        if rules is not None and not rules.can_fetch(NAME, url):
            return "robots", "robots.txt of the host asks not to read this page"
        return None

    def _read(self, origin: str) -> RobotFileParser | FetchResult | None:
        attempt = self._client.get(f"{origin}/robots.txt", now=self._now)
        if attempt.outcome != "ok":
            settled = attempt.error_class in ("http_4xx", "forbidden", "gone", "empty", "redirect", "too_large")
            return None if settled else attempt
        rules = RobotFileParser()
        rules.parse(attempt.body[:LARGEST].decode("utf-8", "replace").replace("\x00", "").splitlines())
        return rules
