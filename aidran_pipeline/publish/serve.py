"""The built site on loopback, with the headers that a real host should send.

For reading and for tests; what does not belong here: serving the world.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aidran_pipeline.publish.pages import CSP

TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
    ".json": "application/json; charset=utf-8", ".xml": "application/xml; charset=utf-8",
}  # fmt: skip
NAMED_TYPES = {"feed.xml": "application/atom+xml; charset=utf-8", "feed.json": "application/feed+json; charset=utf-8"}


class _Handler(SimpleHTTPRequestHandler):
    """Files below one folder: no listings, no hidden files, our own page for what is missing."""

    server_version = "aidran"
    sys_version = ""

    def guess_type(self, path: Any) -> str:
        """Content type by name, never by the machine's tables."""
        name = Path(path).name
        return NAMED_TYPES.get(name) or TYPES.get(Path(name).suffix, "application/octet-stream")

    def end_headers(self) -> None:
        """The policy of the pages as headers, and no stale copies of a page being worked on."""
        self.send_header("Content-Security-Policy", CSP + "; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_head(self) -> Any:
        """Refuse hidden names before a file is looked for."""
        if any(part.startswith(".") for part in unquote(self.path.split("?")[0]).split("/") if part):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """A folder without a page is not found."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """404 as the site's own page."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", TYPES[".html"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the reader's requests are nobody's business."""


def make_server(out: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server bound to 127.0.0.1 (port 0: any free one, see `server_port`); the caller runs and closes it."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(out)))


def serve(out: Path, port: int) -> None:
    """Serve the built site on loopback until interrupted."""
    with make_server(out, port) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
