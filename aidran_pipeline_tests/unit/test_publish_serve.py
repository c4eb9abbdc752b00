"""The loopback server: types, headers, its own page for what is missing, nothing but the site."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aidran_pipeline.publish import make_server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[httpx.Client]:
    out = tmp_path / "site"
    (out / "topics").mkdir(parents=True)
    (out / "empty").mkdir()
    for name in ("index.html", "404.html", "style.css", "icon.svg", "feed.xml", "feed.json", "topics/index.html"):
        (out / name).write_text(f"this is {name}")
    (out / ".aidran-site").write_text("hidden")
    (tmp_path / "secret.txt").write_text("outside")
    server = make_server(out)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
        yield client
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/", "text/html; charset=utf-8"), ("/style.css", "text/css; charset=utf-8"), ("/icon.svg", "image/svg+xml"),
        ("/feed.xml", "application/atom+xml; charset=utf-8"), ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/topics/", "text/html; charset=utf-8"),
    ],
)  # fmt: skip
def test_types_and_policy(site: httpx.Client, path: str, media: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/empty/", "/.aidran-site", "/%2e%2e/secret.txt", "/%2eaidran-site", "/topics/..%2f..%2fsecret.txt"],
)
def test_what_is_not_the_site_is_not_found(site: httpx.Client, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.text) == (404, "this is 404.html")


def test_a_folder_is_completed_with_its_slash(site: httpx.Client) -> None:
    answer = site.get("/topics")
    assert (answer.status_code, answer.headers["location"]) == (301, "/topics/")


def test_only_loopback_is_bound(site: httpx.Client, tmp_path: Path) -> None:
    server = make_server(tmp_path)
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()
