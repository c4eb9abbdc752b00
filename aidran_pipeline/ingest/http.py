"""One polite HTTP client for everything that is fetched: sources, sessions, pages, robots.txt.

Every attempt ends in a `FetchResult`; no failure of the outside is raised to the caller. What does not belong here:
what a body means (the parsers), when a host may be asked again (pacing), the fetches table (store).
"""

from __future__ import annotations

import email.utils
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from aidran_pipeline import __version__
from aidran_pipeline.ingest.guard import Deadline, DeadlinePassed, GuardedBackend, RefusedAddress, UnknownHost
from aidran_pipeline.ingest.pacing import HostBusy
from aidran_pipeline.ingest.urls import http_url

USER_AGENT = f"aidran-pipeline/{__version__} (+https://github.com/AIDRAN/aidran-pipeline; reads feeds, cites sources)"
MOST_REDIRECTS = 5
PERMANENT = (301, 308)
WIRE_LIMIT = 8 * 1024 * 1024
BODY_LIMIT = 16 * 1024 * 1024
PIECE = 256 * 1024  # bytes inflated at a time
KEPT_HEADERS = ("x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-remaining", "ratelimit-reset")


@dataclass(frozen=True)
class Limits:
    """Bounds of one request: seconds to connect and in total, bytes on the wire and after decompression."""

    connect: float = 10.0
    total: float = 30.0
    wire: int = WIRE_LIMIT
    body: int = BODY_LIMIT


@dataclass(frozen=True)
class FetchResult:
    """One attempt. outcome: ok, not_modified or failed (then error_class and error say why).

    body: the bytes after decompression, only when ok. retry_after: seconds the server asks for. duration_ms: of the
    whole attempt, redirects included. moved_to: where permanent redirects (301, 308) led from the address asked, up to
    the first passing one; None without.
    """

    url: str
    outcome: str
    method: str = "GET"
    final_url: str | None = None
    moved_to: str | None = None
    http_status: int | None = None
    error_class: str | None = None
    error: str | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body: bytes = b""
    retry_after: float | None = None
    duration_ms: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class _Failure(Exception):
    """Ends an attempt with a class of the fetches table."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class _GuardedTransport(httpx.BaseTransport):
    """httpx over a connection pool that dials through the guard."""

    def __init__(self, backend: GuardedBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=16,
            max_keepalive_connections=8,
            keepalive_expiry=5.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class HttpClient:
    """Fetches with a guard, a wall-clock deadline, size limits and a hand that follows few redirects.

    pace: called with the host before each request, returns seconds to wait (see pacing). dial: see GuardedBackend.
    Thread-safe.
    """

    def __init__(
        self,
        allow_hosts: Iterable[str] = (),
        *,
        limits: Limits | None = None,
        pace: Callable[[str], float] | None = None,
        dial: Mapping[str, tuple[str, int]] | None = None,
        contact: str | None = None,
    ) -> None:
        self.deadline = Deadline()
        self.backend = GuardedBackend(allow_hosts, self.deadline, dial)
        self.limits = limits or Limits()
        self._pace = pace
        self.user_agent = USER_AGENT + (f" {contact}" if contact else "")
        self.transport = _GuardedTransport(self.backend)
        self._client = httpx.Client(
            transport=self.transport,
            follow_redirects=False,
            timeout=httpx.Timeout(self.limits.total, connect=self.limits.connect),
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def begin(self) -> None:
        """Start the clock for requests that another package makes over this client's transport in this thread."""
        self.deadline.at = time.monotonic() + self.limits.total

    def end(self) -> None:
        """Stop that clock."""
        self.deadline.at = None

    def explain(self, url: str, method: str, error: BaseException, status: int | None) -> FetchResult:
        """The failed attempt that an error of such a package means. Its text is kept, without what was sent."""
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        error_class = (_status_class(status) if status else None) or _class_of(cause)
        shown = f"HTTP {status}" if status else _describe(cause)
        return FetchResult(
            url=url, method=method, outcome="failed", http_status=status, error_class=error_class, error=shown
        )

    def get(self, url: str, *, now: datetime, headers: Mapping[str, str] | None = None) -> FetchResult:
        """GET an address. now: what a Retry-After date is measured against."""
        return self.request("GET", url, now=now, headers=headers)

    def request(
        self,
        method: str,
        url: str,
        *,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> FetchResult:
        """One attempt, redirects included. Never raises for what happens outside."""
        started = time.monotonic()
        waited = [0.0]
        self.deadline.at = started + self.limits.total
        try:
            result = self._follow(method, url, dict(headers or {}), data, now, waited)
        except _Failure as error:
            result = _failed(url, method, error.error_class, str(error))
        except Exception as error:  # the outside has more ways to fail than any list: each is named, none escapes
            result = _failed(url, method, _class_of(error), _describe(error))
        finally:
            self.deadline.at = None
        took = max(0.0, time.monotonic() - started - waited[0])
        return FetchResult(**{**vars(result), "duration_ms": int(took * 1000)})

    def _follow(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        data: Mapping[str, str] | None,
        now: datetime,
        waited: list[float],
    ) -> FetchResult:
        at, seen = url, {url}
        moved: str | None = None
        lasting = True
        for _hop in range(MOST_REDIRECTS + 1):
            self._wait(at, waited)
            result, target = self._once(method, at, headers, data, now)
            if target is None:
                return FetchResult(**{**vars(result), "url": url, "final_url": at, "moved_to": moved})
            if target in seen:
                raise _Failure("redirect", f"the redirect leads back to {target}")
            seen.add(target)
            if urlsplit(target).netloc != urlsplit(at).netloc:
                headers = {
                    key: value for key, value in headers.items() if key.lower() not in ("authorization", "cookie")
                }
            lasting = lasting and result.http_status in PERMANENT and _as_safe(at, target)
            moved = target if lasting else moved
            at = target
        raise _Failure("redirect", f"more than {MOST_REDIRECTS} redirects")

    def _wait(self, url: str, waited: list[float]) -> None:
        host = (urlsplit(url).hostname or "").lower()
        if self._pace is not None and not self.backend.ours(host, urlsplit(url).port):
            pause = self._pace(host)
            time.sleep(pause)
            waited[0] += pause
            self.deadline.at = (self.deadline.at or time.monotonic()) + pause  # waiting for a turn is not the server's

    def _once(
        self, method: str, url: str, headers: dict[str, str], data: Mapping[str, str] | None, now: datetime
    ) -> tuple[FetchResult, str | None]:
        """One hop: its result, or the address that it redirects to."""
        if http_url(url) is None:
            raise _Failure("refused_address", f"{url[:200]!r} is not an http(s) address")
        request = self._client.build_request(method, url, headers=headers, data=dict(data) if data else None)
        response = self._client.send(request, stream=True)
        try:
            if response.status_code in (301, 302, 303, 307, 308) and "location" in response.headers:
                target = http_url(urljoin(url, response.headers["location"]))
                if target is None:
                    raise _Failure("redirect", f"the redirect leads to {response.headers['location'][:200]!r}")
                passing = FetchResult(url, "failed", method, http_status=response.status_code, error_class="redirect")
                return passing, target
            return self._answer(method, url, response, now), None
        finally:
            response.close()

    def _answer(self, method: str, url: str, response: httpx.Response, now: datetime) -> FetchResult:
        head = response.headers
        status = response.status_code
        kept = {name: head[name] for name in KEPT_HEADERS if name in head}
        failure = _status_class(status)
        common = {
            "url": url,
            "method": method,
            "http_status": status,
            "content_type": head.get("content-type"),
            "etag": head.get("etag"),
            "last_modified": head.get("last-modified"),
            "retry_after": retry_after(head.get("retry-after"), now),
            "headers": kept,
        }
        if status == 304:
            return FetchResult(outcome="not_modified", **common)
        if failure:
            shown = f"HTTP {status} {response.reason_phrase}".strip()
            return FetchResult(outcome="failed", error_class=failure, error=shown, **common)
        try:
            body = b"".join(_inflated(_raw(response, self.limits.wire), head.get("content-encoding"), self.limits.body))
            if not body:
                raise _Failure("empty", f"HTTP {status} with an empty body")
        except _Failure as error:
            return FetchResult(outcome="failed", error_class=error.error_class, error=str(error), **common)
        except Exception as error:
            return FetchResult(outcome="failed", error_class=_class_of(error), error=_describe(error), **common)
        return FetchResult(outcome="ok", body=body, **common)


def _as_safe(before: str, after: str) -> bool:
    """Whether an address may take another's place for good: never plain HTTP that of HTTPS."""
    return urlsplit(before).scheme.lower() != "https" or urlsplit(after).scheme.lower() == "https"


def _raw(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """Bytes as they come over the wire. A declared length over the limit is not read at all."""
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _Failure("too_large", f"{declared} bytes declared, {limit} allowed")
    total = 0
    for chunk in response.iter_raw():
        total += len(chunk)
        if total > limit:
            raise _Failure("too_large", f"more than {limit} bytes on the wire")
        yield chunk


def _inflated(chunks: Iterator[bytes], encoding: str | None, limit: int) -> Iterator[bytes]:
    """The decoded bytes, in pieces, ended with too_large when they pass the limit."""
    name = (encoding or "identity").strip().lower()
    if name not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise _Failure("malformed", f"content encoding {name[:40]!r} was not asked for")
    pieces = chunks if name in ("identity", "") else _unzipped(chunks, raw_allowed=name == "deflate")
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise _Failure("too_large", f"more than {limit} bytes after decompression")
        yield piece


def _unzipped(chunks: Iterator[bytes], *, raw_allowed: bool) -> Iterator[bytes]:
    """Inflated in small pieces, so that a bomb is stopped at the limit and not a whole chunk beyond it."""
    engine, first = zlib.decompressobj(wbits=47), True
    for chunk in chunks:
        data, piece = chunk, b""
        while data or len(piece) == PIECE:  # a full piece: more may wait inside the engine
            try:
                piece = engine.decompress(data, PIECE)
            except zlib.error as error:
                if not (raw_allowed and first):
                    raise _Failure("malformed", f"broken compression: {error}") from error
                engine = zlib.decompressobj(wbits=-15)  # some servers send deflate without its zlib frame
                piece = engine.decompress(data, PIECE)
            first = False
            yield piece
            data = engine.unconsumed_tail
            if engine.eof:
                data, piece = engine.unused_data, b""
                if data:  # several gzip members in a row are one body
                    engine = zlib.decompressobj(wbits=47)
    if not engine.eof:
        raise _Failure("malformed", "the compressed body ended early")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After asks for: a number, or a date measured against now; at most a day, None if neither."""
    if not value:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(min(int(text), 86_400))
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return float(min(max((moment - now).total_seconds(), 0), 86_400))


def _status_class(status: int) -> str | None:
    if 200 <= status < 300 or status == 304:
        return None
    named = {401: "forbidden", 403: "forbidden", 451: "forbidden", 410: "gone", 429: "rate_limited"}
    if status in named:
        return named[status]
    return "http_4xx" if 400 <= status < 500 else "http_5xx" if status >= 500 else "redirect"


_CLASSES: tuple[tuple[type[BaseException], str], ...] = (
    (HostBusy, "rate_limited"),
    (RefusedAddress, "refused_address"),
    (UnknownHost, "dns"),
    (DeadlinePassed, "timeout"),
    (httpcore.TimeoutException, "timeout"),
    (httpx.TimeoutException, "timeout"),
    (ssl.SSLError, "tls"),
    (httpcore.RemoteProtocolError, "malformed"),
    (httpcore.LocalProtocolError, "malformed"),
    (httpcore.NetworkError, "connect"),
    (httpcore.ProtocolError, "malformed"),
    (httpx.InvalidURL, "redirect"),  # raised for a Location only: the first address was checked
    (OSError, "connect"),
    (zlib.error, "malformed"),
)


def _class_of(error: BaseException) -> str:
    """The class of a failure; a TLS failure hides as the cause of a connect error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return "tls"
        seen = seen.__cause__ or seen.__context__
    return next((name for kind, name in _CLASSES if isinstance(error, kind)), "malformed")


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip(": ")[:500]


def _failed(url: str, method: str, error_class: str, message: str) -> FetchResult:
    return FetchResult(url=url, method=method, outcome="failed", error_class=error_class, error=message)
