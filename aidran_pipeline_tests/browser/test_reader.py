"""A reader's walk in a real browser: home, topic, story, citation, lineage page, the link to the source.

Skips with a message where no Chromium is on PATH. The browser is kept off every network but the site itself.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aidran_pipeline.config.publication import load_publication
from aidran_pipeline.publish import build_site, make_server
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.newsroom import build_newsroom

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
if CHROMIUM is None:
    pytest.skip("no Chromium on PATH: browser tests need one", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: browser tests need it")
Browser, Page = sync_api.Browser, sync_api.Page

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CONTRAST = """() => {
  const lum = c => { const v = c.map(x => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 });
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] };
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const bad = [];
  for (const el of document.querySelectorAll('body *')) {
    const own = [...el.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !el.getClientRects().length || el.closest('svg')) continue;
    let back = el, paint = [0, 0, 0, 0];
    while (back && (paint = rgb(getComputedStyle(back).backgroundColor), paint[3] === 0)) back = back.parentElement;
    if (!back) continue;
    const a = lum(rgb(getComputedStyle(el).color)), b = lum(paint);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${el.tagName}.${el.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(bad)];
}"""


@pytest.fixture
def origin(conn: Connection, tmp_path: Path) -> Iterator[str]:
    """The test newsroom's site, served on loopback."""
    build_newsroom(conn)
    out = tmp_path / "site"
    build_site(conn, out, load_publication(), run=Run("browser", datetime(2026, 5, 20, 22, tzinfo=UTC)))
    server = make_server(out)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium with a fresh profile."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Watch:
    """A page whose console and requests are watched."""

    def __init__(self, browser: Browser, origin: str, width: int, scheme: str = "light") -> None:
        self.origin, self.trouble = origin, []  # type: ignore[var-annotated]
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.trouble.append(f"console: {message.type} {message.text}"))
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("request", self._request)

    def _request(self, request: sync_api.Request) -> None:  # type: ignore[name-defined]
        if not request.url.startswith(self.origin):
            self.trouble.append(f"off-origin: {request.url}")

    def check(self) -> None:
        """Nothing on the console, nothing off-origin, nothing wider than the window."""
        assert not self.trouble
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), self.page.url


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_home_page_to_the_source(browser: Browser, origin: str, width: int) -> None:
    watch = Watch(browser, origin, width)
    page = watch.page
    page.goto(origin)
    watch.check()
    page.get_by_role("main").get_by_role("link", name="AI & Geopolitics").first.click()
    page.wait_for_url("**/topics/ai-geopolitics/")
    assert page.locator("svg.chart rect.spike").count() == 1
    page.get_by_text("The same figures as a table").click()
    assert page.get_by_role("table").is_visible()
    watch.check()
    page.get_by_role("link", name="Gulf funds order 18 billion").click()
    assert page.title().startswith("Gulf funds and the race for power // ")
    assert page.locator("p.ai-label").bounding_box()["y"] < page.get_by_role("heading", level=1).bounding_box()["y"]  # type: ignore[index]
    watch.check()
    page.get_by_role("link", name="Citation 2: @gridwatch.example").first.click()
    page.wait_for_url("**/citations/2/")
    assert page.locator("mark").inner_text().startswith("The country that finishes its substations first")
    watch.check()
    source = page.get_by_role("link", name="Read the original")
    assert source.get_attribute("href") == "https://bsky-ai.example/bluegrid"
    assert source.get_attribute("rel") == "nofollow noopener"
    page.get_by_role("link", name="Where it stands").click()
    assert page.url.endswith("#s7") and page.locator("#s7").is_visible()
    watch.check()
    watch.context.close()


def test_keyboard_reaches_the_content_first(browser: Browser, origin: str) -> None:
    watch = Watch(browser, origin, 1280)
    watch.page.goto(origin)
    watch.page.keyboard.press("Tab")
    focused = watch.page.locator(":focus")
    assert focused.inner_text() == "Skip to the content" and focused.bounding_box()["x"] >= 0  # type: ignore[index]
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    watch.page.keyboard.press("Enter")
    assert watch.page.evaluate("document.activeElement.id") == "content"
    watch.check()
    watch.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_enough(browser: Browser, origin: str, scheme: str) -> None:
    watch = Watch(browser, origin, 1280, scheme)
    watch.page.goto(origin)
    story = watch.page.locator(".lead h3 a").first.get_attribute("href")
    for path in ("", "topics/ai-law/", story, f"{story}citations/1/", "methodology/"):
        watch.page.goto(origin + str(path).removeprefix("./"))
        assert watch.page.evaluate(CONTRAST) == [], path
        watch.check()
    watch.context.close()


def test_a_page_cannot_run_a_script(browser: Browser, origin: str) -> None:
    watch = Watch(browser, origin, 1280)
    watch.page.goto(origin)
    ran = watch.page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
                 document.body.append(s); return window.ran }"""
    )
    assert ran is None
    assert any("Content Security Policy" in line for line in watch.trouble)
    watch.context.close()
