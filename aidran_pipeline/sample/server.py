"""The sample's server on loopback: feeds, pages, a Reddit and a Bluesky, each by the host it is asked for.

It shows the world as of `now`, which the demo moves from day to day. What does not belong here: what an answer holds
(bodies.py, pages.py).
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from aidran_pipeline.sample import bodies, pages
from aidran_pipeline.sample.days import BLUESKY, REDDIT, Sample, load_sample, moment_of

HOST = "127.0.0.1"
ACCOUNT, PASSWORD = "reader.example", "sample"  # of the sample's own server, which keeps no secret
FEEDS = {"/feed.xml": ("application/rss+xml", False), "/atom.xml": ("application/atom+xml", True)}
REDDIT_TOKEN = "sample-token"  # noqa: S105


@dataclass(frozen=True)
class Ask:
    """One request: host without port, path, first value of each query parameter, lower-case headers."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def bearer(self) -> str:
        """The bearer token sent, or nothing."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Answer:
    """Status, body and its type; an etag makes it conditional."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    etag: str | None = None


NOT_FOUND = Answer(404, b"not found\n", "text/plain")
REFUSED = Answer(401, b'{"error":"AuthenticationRequired","message":"a token is needed"}')


@dataclass
class SampleServer:
    """A running server. now: the moment it shows. asked: (method, host and path) of every request, for tests."""

    sample: Sample
    port: int
    now: datetime
    asked: list[tuple[str, str]] = field(default_factory=list)

    def dial(self) -> dict[str, tuple[str, int]]:
        """Where each host of the sample is: for `Settings.dial`."""
        return dict.fromkeys(self.sample.hosts(), (HOST, self.port))

    def answer(self, ask: Ask) -> Answer:
        """What the world of the sample says."""
        if ask.host == REDDIT:
            return self._reddit(ask)
        if ask.host == BLUESKY:
            return self._bluesky(ask)
        outlet = ask.host.removesuffix(".example")
        return self._outlet(ask, outlet) if outlet in self.sample.outlets else NOT_FOUND

    def _outlet(self, ask: Ask, outlet: str) -> Answer:
        if ask.path == "/robots.txt":
            return Answer(200, pages.robots(outlet), "text/plain; charset=utf-8")
        if ask.path in FEEDS:
            kind, atom = FEEDS[ask.path]
            body = bodies.feed(self.sample, outlet, self.now, atom=atom)
            tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            return Answer(304, etag=tag) if ask.headers.get("if-none-match") == tag else Answer(200, body, kind, tag)
        page = pages.page_of(self.sample, outlet, ask.path, self.now)
        return NOT_FOUND if page is None else Answer(200, page, "text/html; charset=utf-8")

    def _reddit(self, ask: Ask) -> Answer:
        if (ask.method, ask.path) == ("POST", "/api/v1/access_token"):
            return Answer(200, f'{{"access_token":"{REDDIT_TOKEN}","token_type":"bearer","expires_in":86400}}'.encode())
        parts = ask.path.strip("/").split("/")
        threads = len(parts) == 4 and parts[2] == "comments"
        if parts[0] != "r" or not (threads or (len(parts) == 3 and parts[2] == "new.json")):
            return NOT_FOUND
        if ask.bearer != REDDIT_TOKEN:
            return REFUSED
        if threads:
            found = bodies.thread(self.sample, parts[1], parts[3].removesuffix(".json"), self.now)
            return NOT_FOUND if found is None else Answer(200, found)
        limit, after = int(ask.query.get("limit", "25")), ask.query.get("after")
        return Answer(200, bodies.listing(self.sample, parts[1], self.now, limit=limit, after=after))

    def _bluesky(self, ask: Ask) -> Answer:
        signed_in = bodies.session(ACCOUNT)
        if ask.path in ("/xrpc/com.atproto.server.createSession", "/xrpc/com.atproto.server.refreshSession"):
            return Answer(200, signed_in)
        if ask.path != "/xrpc/app.bsky.feed.searchPosts":
            return NOT_FOUND
        if ask.bearer != bodies.token_of(signed_in):
            return REFUSED
        found = bodies.search(
            self.sample,
            ask.query["q"],
            self.now,
            since=datetime.fromisoformat(ask.query["since"]).astimezone(UTC),
            until=datetime.fromisoformat(ask.query["until"]).astimezone(UTC),
            limit=int(ask.query.get("limit", "25")),
            start=int(ask.query.get("cursor", "0")),
        )
        return Answer(200, found)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "aidran-sample", ""
    world: SampleServer

    def do_GET(self) -> None:
        """Any request: the method is part of what is asked."""
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        parts = urlsplit(self.path)
        host = (self.headers.get("Host") or "").partition(":")[0].lower()
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.world.asked.append((self.command, host + parts.path))
        self._send(self.world.answer(Ask(self.command, host, parts.path, query, headers)))

    do_POST = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.content_type)
        if answer.etag:
            self.send_header("ETag", answer.etag)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: every request is a row of table fetches."""


class _Http(ThreadingHTTPServer):
    """Threads that end with the process; a client that hangs up is no error worth a traceback on a terminal."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Anything but a broken connection is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(sample: Sample | None = None) -> Iterator[SampleServer]:
    """A server on a free port of loopback, at the evening of the sample's first day, until the block ends."""
    sample = sample or load_sample()

    class Handler(_Handler):
        pass

    with _Http((HOST, 0), Handler) as http:
        world = SampleServer(sample, int(http.server_address[1]), moment_of(sample.days[0]))
        Handler.world = world
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield world
        finally:
            http.shutdown()
            thread.join()
