"""A real HTTP server on loopback that misbehaves on request, for the tests of fetching. Standard library only."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]
Route = Answer | Callable[[BaseHTTPRequestHandler], Answer | None]


class Server:
    """routes: path (without query) to an answer, or to a function that writes its own. requests: (method, path, headers)."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                return None

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.do_GET()

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.requests.append((self.command, self.path, headers))
                route = owner.routes.get(urlsplit(self.path).path, (404, {}, b"no such page"))
                answer = route(self) if callable(route) else route
                if answer is None:
                    return
                status, head, body = answer
                self.send_response(status)
                for name, value in head.items():
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name in head):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                return None

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.port = int(self.http.server_address[1])
        self.base = f"http://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """Address of a path here."""
        return self.base + path

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of each request for a path."""
        return [headers for _method, asked, headers in self.requests if urlsplit(asked).path == path]


@contextmanager
def serving() -> Iterator[Server]:
    """A server for the duration of a test."""
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/rss+xml")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"<rss><channel><item><title>cut")
    handler.close_connection = True


def drip(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Send a byte every 50 ms, each well within a read timeout."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        _dribble(handler, seconds)

    return answer


def drip_headers(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Never finish the header."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        _dribble(handler, seconds)

    return answer


def _dribble(handler: BaseHTTPRequestHandler, seconds: float) -> None:
    ends = time.monotonic() + seconds
    handler.close_connection = True
    while time.monotonic() < ends:
        try:
            handler.wfile.write(b".")
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.05)


def rss(*items: str, title: str = "The Daily Test", link: str = "https://daily.test/") -> bytes:
    """A feed of <item> fragments."""
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>{title}</title><link>{link}</link>'
    )
    return f"{head}<description>d</description>{''.join(items)}</channel></rss>".encode()


def item(guid: str, title: str, body: str = "", *, date: str = "Fri, 03 Jul 2026 10:00:00 GMT", link: str = "") -> str:
    """One <item>; body is escaped markup."""
    link = link or f"https://daily.test/{guid}"
    body = body.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title><link>{link}</link>"
        f"<pubDate>{date}</pubDate><description>{body}</description></item>"
    )
