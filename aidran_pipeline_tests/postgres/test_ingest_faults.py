"""Every fault a server can answer with, at once, against a reader in a process of its own.

Each is refused within its deadline and 100 MB, with a fetch row that says why, and nothing asks an inner server.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline_tests.conftest import REPOSITORY, _create_database, _drop_database
from aidran_pipeline_tests.faulty_reader import LIMITS
from aidran_pipeline_tests.ingest_server import Server, cut_short, drip, drip_headers, item, reset, rss, serving
from aidran_pipeline_tests.readings import configure

NOON = datetime(2026, 7, 5, 12, tzinfo=UTC)
LATER = "Sun, 05 Jul 2026 18:00:00 GMT"  # six hours after NOON
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "laughs": f'<!DOCTYPE rss [<!ENTITY e0 "ha">{ENTITIES}]><rss version="2.0"><channel><title>&e9;</title></channel></rss>',
    "quadratic": f'<!DOCTYPE rss [<!ENTITY a "{"a" * 50_000}">]><rss version="2.0"><channel><title>{"&a;" * 50_000}</title>'
    "</channel></rss>",
    "cyclic": '<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]><rss version="2.0"><channel><title>&a;</title></channel></rss>',
    "external": '<!DOCTYPE rss [<!ENTITY a SYSTEM "http://INNER/xxe">]><rss version="2.0"><channel><title>&a;</title></channel></rss>',
    "outerdtd": '<!DOCTYPE rss SYSTEM "http://INNER/xxe.dtd"><rss version="2.0"><channel><title>t</title></channel></rss>',
}
# What each source must come to: class of the fetch row, and a word of its explanation.
EXPECTED = {
    **dict.fromkeys(BOMBS, ("malformed", "document type")),
    "utf16bomb": ("malformed", "document type"),
    "nested": ("malformed", "nested"),
    "items": ("too_large", "items"),
    "gzipbomb": ("too_large", "after decompression"),
    "endless": ("too_large", "bytes"),
    "drip": ("timeout", ""),
    "dripheaders": ("timeout", ""),
    "reset": ("connect", ""),
    "cut": ("malformed", ""),
    "empty": ("empty", "empty body"),
    "login": ("not_a_feed", "HTML"),
    "json": ("not_a_feed", "no feed"),
    "loop": ("redirect", "leads back"),
    "chain": ("redirect", "more than"),
    "file": ("redirect", "leads to"),
    "inner": ("refused_address", "not a public address"),
    "innername": ("refused_address", "not a public address"),
    "innermapped": ("refused_address", "not a public address"),
    "metadata": ("refused_address", "not a public address"),
    "link-local6": ("refused_address", "not a public address"),
    "limited": ("rate_limited", "429"),
    "limiteddate": ("rate_limited", "429"),
    "away": ("http_5xx", "503"),
    "awaydate": ("http_5xx", "503"),
    "gone": ("gone", "410"),
}
HEAVY = (
    "laughs",
    "quadratic",
    "external",
    "gzipbomb",
    "endless",
    "nested",
    "drip",
    "loop",
)  # `benchmarks.refusals`: all
WAITS = {"limited": 7200, "limiteddate": 21_600, "away": 7200, "awaydate": 21_600}


def endless(handler: Any) -> None:
    """More than any limit, as fast as it can be sent."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(64):
            handler.wfile.write(b"<!-- " + b"x" * 1_048_576 + b" -->")
    except OSError:
        return


def routes(inner: Server) -> dict[str, Any]:
    """An answer for each fault."""

    def to(location: str) -> Any:
        return 302, {"Location": location}, b""

    plain = {name: (200, {}, text.replace("INNER", f"127.0.0.1:{inner.port}").encode()) for name, text in BOMBS.items()}
    return {
        **plain,
        "utf16bomb": (200, {}, ('<?xml version="1.0" encoding="utf-16"?>' + BOMBS["laughs"]).encode("utf-16")),
        "nested": (200, {}, b'<rss version="2.0"><channel>' + b"<a>" * 250_000),
        "items": (200, {}, b'<rss version="2.0"><channel>' + b"<item/>" * 200_000),
        "gzipbomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 200_000_000, 6)),
        "endless": endless,
        "drip": drip(20),
        "dripheaders": drip_headers(20),
        "reset": reset,
        "cut": cut_short,
        "empty": (200, {}, b""),
        "login": (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><title>Sign in</title></html>"),
        "json": (200, {"Content-Type": "application/json"}, b'{"error": "sign in"}'),
        "loop": to("/loop2"),
        "loop2": to("/loop"),
        **{f"chain{n}": to(f"/chain{n + 1}") for n in range(9)},
        "chain": to("/chain0"),
        "file": to("file:///etc/passwd"),
        "inner": to(inner.url("/secret")),
        "innername": to(f"http://localhost:{inner.port}/secret"),
        "innermapped": to(f"http://[::ffff:127.0.0.1]:{inner.port}/secret"),
        "metadata": to("http://169.254.169.254/latest/meta-data/"),
        "link-local6": to("http://[fe80::1]/"),
        "limited": (429, {"Retry-After": "7200"}, b""),
        "limiteddate": (429, {"Retry-After": LATER}, b""),
        "away": (503, {"Retry-After": "7200"}, b""),
        "awaydate": (503, {"Retry-After": LATER}, b""),
        "gone": (410, {}, b""),
        "warm": (200, {}, rss(item("a", "A good item"))),
    }


@pytest.fixture(scope="module")
def read(server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """All faults read once by the process: its figures, the rows, and the requests of both servers."""
    url = _create_database(server_url, "faults", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with serving() as server, serving() as inner, connect(url) as conn:
        server.routes = {f"/{name}": answer for name, answer in routes(inner).items()}
        names = ["warm", *EXPECTED]
        entries = [f'{{id: {name}, kind: rss, url: "{server.url("/" + name)}"}}' for name in names]
        configure(conn, tmp_path_factory.mktemp("faults"), *entries)
        figures = reader(url, server)
        yield conn, figures, server, inner, url
    _drop_database(server_url, url)


def reader(url: str, server: Server, *only: str) -> dict[str, Any]:
    """One process that reads what is due, or only one source of it."""
    command = [
        sys.executable,
        "-m",
        "aidran_pipeline_tests.faulty_reader",
        url,
        f"127.0.0.1:{server.port}",
        "2026-07-05",
        *only,
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def fetched(conn: Connection) -> dict[str, dict[str, Any]]:
    rows = conn.execute("SELECT * FROM fetches WHERE run_id = 'all' ORDER BY id").fetchall()
    return {row["source_id"]: row for row in rows}


def test_every_fault_has_a_row_that_says_why(read: Any) -> None:
    conn, figures, *_ = read
    found = fetched(conn)
    assert figures["failed"] == len(EXPECTED) == len(found)
    assert {name: row["error_class"] for name, row in found.items()} == {
        name: want for name, (want, _) in EXPECTED.items()
    }
    silent = [name for name, (_, words) in EXPECTED.items() if words not in (found[name]["error"] or "")]
    assert silent == []
    assert conn.execute("SELECT count(*) AS n FROM records").fetchone() == {"n": 1}


def test_each_within_its_deadline_and_all_within_100_megabytes(read: Any) -> None:
    conn, figures, *_ = read
    late = {
        name: row["duration_ms"]
        for name, row in fetched(conn).items()
        if row["duration_ms"] > LIMITS.total * 1000 + 1500
    }
    print(figures)
    assert late == {}
    assert figures["peak"] - figures["warm"] < 100, figures


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_alone_in_a_fresh_process_stays_below_100_megabytes_in_all(
    server_url: str, template_url: str, tmp_path: Path
) -> None:
    """The whole process, imports included; beside it what the fault added to an idle one."""
    url = _create_database(server_url, "alone", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    found = {}
    try:
        with serving() as server, serving() as inner, connect(url) as conn:
            server.routes = {f"/{name}": answer for name, answer in routes(inner).items()}
            entries = [f'{{id: {name}, kind: rss, url: "{server.url("/" + name)}"}}' for name in ["warm", *HEAVY]]
            configure(conn, tmp_path, *entries)
            for name in HEAVY:
                figures = reader(url, server, name)
                assert figures["failed"] == 1, name
                found[name] = (figures["peak"], round(figures["peak"] - figures["idle"], 1))
    finally:
        _drop_database(server_url, url)
    for name, (peak, added) in sorted(found.items(), key=lambda item: -item[1][0]):
        print(f"{name:<14} {peak:>6.1f} MB in all, {added:>5.1f} MB above an idle process")
    assert {name: peak for name, (peak, _) in found.items() if peak >= 100} == {}


def test_the_inner_server_is_never_asked_and_each_fault_once(read: Any) -> None:
    _conn, _figures, server, inner, _url = read
    assert inner.requests == []
    asked = Counter(urlsplit(path).path.strip("/") for _method, path, _headers in server.requests)
    assert {name: asked[name] for name in EXPECTED} == dict.fromkeys(EXPECTED, 1)
    assert asked["loop2"] == 1 and asked["chain4"] == 1 and asked["chain6"] == 0
    assert all("aidran" in headers["user-agent"] for _m, _p, headers in server.requests)


def test_what_was_asked_for_in_retry_after_is_kept_and_410_retires(read: Any) -> None:
    conn, _figures, server, _inner, url = read
    rows = {row["id"]: row for row in conn.execute("SELECT * FROM sources")}
    for name, seconds in WAITS.items():
        assert rows[name]["next_check_at"] >= NOON + timedelta(seconds=seconds), name
    assert rows["gone"]["status"] == "gone"
    before = len(server.requests)
    conn.execute("UPDATE sources SET next_check_at = %s WHERE id = 'gone'", (NOON - timedelta(days=1),))
    reader(url, server)
    assert len(server.requests) == before, "nothing is due at the same moment, and what is gone is not asked again"


def test_recorded_hostile_files_are_refused(shared_data: Path) -> None:
    from aidran_pipeline.ingest.parsed import NotParsable
    from aidran_pipeline.ingest.rss import parse_feed

    files = sorted((shared_data / "data" / "hostile" / "xml").glob("*.x*"))
    assert len(files) >= 10
    for file in files:
        with pytest.raises(NotParsable):
            parse_feed(file.read_bytes(), url="http://a.test/f", content_type="text/xml", source={"id": "s"})
