"""The HTTP client against a real server that misbehaves."""

from __future__ import annotations

import gzip
import random
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from aidran_pipeline.ingest.guard import is_public
from aidran_pipeline.ingest.http import PIECE, FetchResult, HttpClient, Limits, _unzipped, retry_after
from aidran_pipeline.ingest.pacing import HostBusy
from aidran_pipeline_tests.ingest_server import Server, cut_short, drip, drip_headers, reset, serving

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def client() -> Iterator[HttpClient]:
    limits = Limits(connect=2.0, total=0.8, wire=200_000, body=1_000_000)
    with HttpClient(("127.0.0.1",), limits=limits) as made:
        yield made


def get(client: HttpClient, url: str, **headers: str) -> FetchResult:
    return client.get(url, now=NOW, headers=headers)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, "http_5xx"),
        (503, "http_5xx"),
        (404, "http_4xx"),
        (410, "gone"),
        (429, "rate_limited"),
        (403, "forbidden"),
        (401, "forbidden"),
        (451, "forbidden"),
        (418, "http_4xx"),
        (300, "redirect"),
    ],
)
def test_each_bad_status_is_named(server: Server, client: HttpClient, status: int, expected: str) -> None:
    server.routes["/feed"] = (status, {}, b"sorry")
    result = get(client, server.url("/feed"))
    assert (result.outcome, result.error_class, result.http_status) == ("failed", expected, status)
    assert result.body == b""


def test_the_client_says_who_it_is_and_returns_validators_as_given(server: Server, client: HttpClient) -> None:
    tag = 'W/"  odd \t tag"'
    server.routes["/feed"] = (200, {"ETag": tag, "Last-Modified": "yesterday, roughly"}, b"body")
    result = get(client, server.url("/feed"))
    assert (result.outcome, result.body, result.etag, result.last_modified) == (
        "ok",
        b"body",
        tag,
        "yesterday, roughly",
    )
    assert "aidran" in server.asked("/feed")[0]["user-agent"]
    get(client, server.url("/feed"), **{"If-None-Match": result.etag or ""})
    assert server.asked("/feed")[1]["if-none-match"] == tag


def test_304_is_no_failure(server: Server, client: HttpClient) -> None:
    server.routes["/feed"] = (304, {"ETag": '"a"'}, b"")
    assert get(client, server.url("/feed")).outcome == "not_modified"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 05 Jul 2026 12:01:30 GMT", 90.0),
        ("Sun, 05 Jul 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("999999999", 86_400.0),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_retry_after_reaches_the_result(server: Server, client: HttpClient) -> None:
    server.routes["/feed"] = (429, {"Retry-After": "120"}, b"")
    assert get(client, server.url("/feed")).retry_after == 120.0


@pytest.mark.parametrize("slow", [drip, drip_headers])
def test_a_dripping_answer_ends_at_the_total_deadline(server: Server, client: HttpClient, slow: object) -> None:
    server.routes["/slow"] = slow(10)  # type: ignore[operator]
    started = time.monotonic()
    result = get(client, server.url("/slow"))
    assert result.error_class == "timeout"
    assert time.monotonic() - started < 2.0


def test_a_redirect_does_not_start_the_clock_again(server: Server, client: HttpClient) -> None:
    def slow_hop(handler: object) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.5)
        return 302, {"Location": "/slow"}, b""

    server.routes["/hop"] = slow_hop
    server.routes["/slow"] = drip(5)
    started = time.monotonic()
    assert get(client, server.url("/hop")).error_class == "timeout"
    assert time.monotonic() - started < 1.3


def test_a_reset_and_a_cut_body_are_failures(server: Server, client: HttpClient) -> None:
    server.routes |= {"/reset": reset, "/cut": cut_short, "/empty": (200, {}, b"")}
    assert get(client, server.url("/reset")).error_class == "connect"
    assert get(client, server.url("/cut")).error_class == "malformed"
    assert get(client, server.url("/empty")).error_class == "empty"


def test_nobody_listening_and_no_such_name(client: HttpClient) -> None:
    assert get(client, "http://127.0.0.1:1/").error_class == "connect"
    assert get(client, "http://no-such-host.invalid/").error_class == "dns"


def test_compressed_bodies_are_read(server: Server, client: HttpClient) -> None:
    plain = b"<rss>" + b"words " * 1000
    server.routes["/gzip"] = (
        200,
        {"Content-Encoding": "gzip"},
        gzip.compress(plain[:100]) + gzip.compress(plain[100:]),
    )
    server.routes["/zlib"] = (200, {"Content-Encoding": "deflate"}, zlib.compress(plain))
    raw = zlib.compressobj(wbits=-15)
    server.routes["/raw"] = (200, {"Content-Encoding": "deflate"}, raw.compress(plain) + raw.flush())
    assert [get(client, server.url(path)).body for path in ("/gzip", "/zlib", "/raw")] == [plain] * 3


def test_compression_gone_wrong_is_a_failure(server: Server, client: HttpClient) -> None:
    server.routes["/cut"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"words " * 5000)[:-20])
    server.routes["/lie"] = (200, {"Content-Encoding": "gzip"}, b"not gzip at all")
    server.routes["/br"] = (200, {"Content-Encoding": "br"}, b"\x0b\x02\x80")
    assert [get(client, server.url(path)).error_class for path in ("/cut", "/lie", "/br")] == ["malformed"] * 3


def test_a_bomb_is_not_unpacked(server: Server, client: HttpClient) -> None:
    server.routes["/bomb"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 100_000_000, 9))
    result = get(client, server.url("/bomb"))
    assert result.error_class == "too_large"
    assert result.body == b""


def test_too_much_on_the_wire_is_not_read(server: Server, client: HttpClient) -> None:
    server.routes["/big"] = (200, {}, b"x" * 300_000)
    server.routes["/chunks"] = _endless
    assert get(client, server.url("/big")).error_class == "too_large"
    assert get(client, server.url("/chunks")).error_class == "too_large"


def _endless(handler: object) -> None:
    handler.send_response(200)  # type: ignore[attr-defined]
    handler.end_headers()  # type: ignore[attr-defined]
    handler.close_connection = True  # type: ignore[attr-defined]
    for _ in range(1000):
        handler.wfile.write(b"y" * 10_000)  # type: ignore[attr-defined]


def test_redirects_are_followed_to_a_limit(server: Server, client: HttpClient) -> None:
    server.routes["/loop"] = (302, {"Location": "/loop"}, b"")
    server.routes |= {f"/hop{n}": (301, {"Location": f"/hop{n + 1}"}, b"") for n in range(9)}
    server.routes |= {"/moved": (308, {"Location": "/there"}, b""), "/there": (200, {}, b"here")}
    assert get(client, server.url("/loop")).error_class == "redirect"
    assert get(client, server.url("/hop0")).error_class == "redirect"
    moved = get(client, server.url("/moved"))
    assert (moved.body, moved.final_url, moved.url) == (b"here", server.url("/there"), server.url("/moved"))


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]:{port}/secret",
        "http://localhost:{port}/secret",
        "http://2130706433:{port}/secret",
        "http://[::1]:{port}/secret",
        "http://0.0.0.0:{port}/secret",
        "http://10.0.0.1/",
    ],
)
def test_a_redirect_to_an_inner_address_is_refused(server: Server, client: HttpClient, target: str) -> None:
    server.routes["/secret"] = (200, {}, b"secret")
    server.routes["/out"] = (302, {"Location": target.format(port=server.port)}, b"")
    result = get(client, server.url("/out"))
    assert result.error_class == "refused_address", result
    assert not server.asked("/secret")


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)", "http://a:b@127.0.0.1/"]
)
def test_a_redirect_to_another_scheme_is_refused(server: Server, client: HttpClient, target: str) -> None:
    server.routes["/out"] = (302, {"Location": target}, b"")
    assert get(client, server.url("/out")).error_class == "redirect"


def test_a_local_address_needs_permission(server: Server) -> None:
    server.routes["/feed"] = (200, {}, b"x")
    with HttpClient() as guarded:
        refused = get(guarded, server.url("/feed"))
    assert refused.error_class == "refused_address"
    assert "AIDRAN_ALLOW_HOSTS" in (refused.error or "")
    with HttpClient((f"127.0.0.1:{server.port}",)) as permitted:
        assert get(permitted, server.url("/feed")).outcome == "ok"


def test_credentials_do_not_follow_to_another_host(server: Server) -> None:
    with serving() as other, HttpClient(("127.0.0.1",)) as client:
        other.routes["/there"] = (200, {}, b"x")
        server.routes["/out"] = (302, {"Location": other.url("/there")}, b"")
        get(client, server.url("/out"), Authorization="Bearer secret")
        assert server.asked("/out")[0]["authorization"] == "Bearer secret"
        assert "authorization" not in other.asked("/there")[0]


def test_pacing_that_refuses_is_a_rate_limit() -> None:
    def busy(host: str) -> float:
        raise HostBusy(f"{host} is busy")

    with HttpClient(pace=busy) as client:
        assert get(client, "http://203.0.113.7/").error_class == "rate_limited"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2001:db8::1", False),
        ("x", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "size", [0, 1, *range(PIECE - 3, PIECE + 4), 4 * PIECE, 5 * PIECE + 7, *range(PIECE + 250, PIECE + 262)]
)
@pytest.mark.parametrize("chunk", [1000, 65_536])
def test_bodies_are_inflated_in_small_pieces_and_whole(size: int, chunk: int) -> None:
    for plain in (b"a" * size, random.Random(size).randbytes(size)):
        bare = zlib.compressobj(wbits=-15)
        for packed in (gzip.compress(plain), zlib.compress(plain), bare.compress(plain) + bare.flush()):
            pieces = list(_unzipped((packed[at : at + chunk] for at in range(0, len(packed), chunk)), raw_allowed=True))
            assert b"".join(pieces) == plain
            assert max(map(len, pieces)) <= PIECE
