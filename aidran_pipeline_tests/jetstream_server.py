"""A Jetstream on loopback: serves given events from a cursor on, and misbehaves on request. A real WebSocket server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

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


def account(time_us: int, status: str | None, *, did: str = DID) -> bytes:
    """An account event; status None: active again."""
    said = {"active": status is None, "did": did, "seq": 1, **({"status": status} if status else {})}
    return json.dumps({"did": did, "time_us": time_us, "kind": "account", "account": said}).encode()


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
