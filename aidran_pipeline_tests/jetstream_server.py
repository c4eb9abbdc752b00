"""A Jetstream on loopback: serves given events from a cursor on, and misbehaves on request. A real WebSocket server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from aidran_pipeline_tests.ingest_server import Server

DID = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"


def event(time_us: int, operation: str, rkey: str, text: str = "", *, did: str = DID, **record: Any) -> bytes:
    """A post event."""
    commit: dict[str, Any] = {
        "rev": f"r{time_us}",
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": rkey,
    }
    if operation != "delete":
        plain = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-07-05T11:00:00Z", "langs": ["en"]}
        commit |= {"record": {**plain, **record}, "cid": f"c{time_us}"}
    return json.dumps({"did": did, "time_us": time_us, "kind": "commit", "commit": commit}).encode()


def profile(time_us: int, *labels: str, did: str = DID) -> bytes:
    """A profile's edit, with its author's labels."""
    record: dict[str, Any] = {"$type": "app.bsky.actor.profile", "displayName": "A name"}
    if labels:
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": each} for each in labels]}
    commit = {"operation": "update", "collection": "app.bsky.actor.profile", "rkey": "self", "record": record}
    return json.dumps({"did": did, "time_us": time_us, "kind": "commit", "commit": commit}).encode()


def account(time_us: int, status: str | None, *, did: str = DID) -> bytes:
    """An account event; status None: active again."""
    said = {"active": status is None, "did": did, "seq": 1, **({"status": status} if status else {})}
    return json.dumps({"did": did, "time_us": time_us, "kind": "account", "account": said}).encode()


class Index:
    """Answers getPosts on a server: every post that is asked for stands there, but for those that are said not to.

    labels: by post or author, the labels it carries. absent: posts that it does not know. bad, all_bad: requests
    with such an address, or any, are called bad. asked: how many at once.
    """

    def __init__(self, server: Server) -> None:
        self.labels: dict[str, list[str]] = {}
        self.absent: set[str] = set()
        self.bad: set[str] = set()
        self.all_bad = False
        self.asked: list[int] = []
        self.base = server.base
        server.routes["/xrpc/app.bsky.feed.getPosts"] = self.answer

    def answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        """The views of what is asked."""
        uris = parse_qs(urlsplit(handler.path).query)["uris"]
        self.asked.append(len(uris))
        if self.bad & set(uris) or self.all_bad:
            return 400, {}, b'{"error": "InvalidRequest"}'
        views = [self._view(uri) for uri in uris if uri not in self.absent]
        return 200, {"Content-Type": "application/json"}, json.dumps({"posts": views}).encode()

    def _view(self, uri: str) -> dict[str, Any]:
        did = uri.split("/")[2]
        marks = {name: [{"val": each} for each in self.labels.get(name, [])] for name in (uri, did)}
        return {"uri": uri, "author": {"did": did, "labels": marks[did]}, "labels": marks[uri]}


class Stream:
    """events: all there is. keeps_from: older ones are gone. too_old: refuse cursors before that instead of clamping.

    cut_after: close the connection after so many events. asked: the queries received.
    """

    def __init__(self, events: Sequence[bytes] = ()) -> None:
        self.events = list(events)
        self.keeps_from = 0
        self.too_old = False
        self.cut_after: int | None = None
        self.redirect: str | None = None
        self.asked: list[dict[str, list[str]]] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"ws://127.0.0.1:{self.port}/subscribe"

    def gate(self, connection: ServerConnection, request: Request) -> Response | None:
        """Before the connection opens."""
        query = parse_qs(urlsplit(request.path).query)
        self.asked.append(query)
        if self.redirect:
            answer = connection.respond(HTTPStatus.FOUND, "")
            answer.headers["Location"] = self.redirect
            return answer
        if self.too_old and int(query["cursor"][0]) < self.keeps_from:
            return connection.respond(HTTPStatus.BAD_REQUEST, '{"error":"CursorTooOld","message":"36 h"}')
        return None

    def handle(self, connection: ServerConnection) -> None:
        """Send what lies after the cursor, then wait for the client to leave."""
        cursor = max(int(self.asked[-1]["cursor"][0]), self.keeps_from)
        sent = 0
        for raw in self.events:
            if int(json.loads(raw)["time_us"]) < cursor:
                continue
            if sent == self.cut_after:
                connection.socket.close()
                return
            try:
                connection.send(raw.decode())
            except ConnectionClosed:
                return
            sent += 1
        with suppress(ConnectionClosed, TimeoutError):  # the client leaves without a handshake
            connection.recv(timeout=20)


@contextmanager
def streaming(events: Sequence[bytes] = ()) -> Iterator[Stream]:
    """A stream for the duration of a test."""
    stream = Stream(events)
    with serve(stream.handle, "127.0.0.1", 0, process_request=stream.gate, ping_interval=None) as server:
        stream.port = server.socket.getsockname()[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stream
