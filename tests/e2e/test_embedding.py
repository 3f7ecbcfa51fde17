"""Pages of other origins show ours in a frame if the operator allows it, and pages come compressed."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.e2e.browser import CHROMIUM, Proxy, Server, cameras, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
MAX_PAGE = 150_000
"""Bytes of the viewer page with everything that it loads, compressed."""


class Dashboard(ThreadingHTTPServer):
    """A page of another origin with one frame, or with other content."""

    frame = ""
    content = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _DashboardPage)
        self.url = f"http://localhost:{self.server_port}"


class _DashboardPage(BaseHTTPRequestHandler):
    server: Dashboard

    def do_GET(self) -> None:
        frame = f'<iframe src="{self.server.frame}" width="900" height="600"></iframe>'
        body = f"<!doctype html>{self.server.content or frame}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    with Dashboard() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("allowed", ["itself", "*", "http://localhost:*"])
def test_a_dashboard_that_is_allowed_shows_live_cameras(
    dashboard: Dashboard, open_page: OpenPage, allowed: str
) -> None:
    """By its address, by any port of its host, or as every page."""
    ancestor = dashboard.url if allowed == "itself" else allowed
    with Server("--frame-ancestors", ancestor) as server, cameras(server, [("front", "Front")], fps=5):
        dashboard.frame = f"{server.url}/"
        frame = open_page(dashboard.url).frame_locator("iframe")
        wait_until(lambda: frame.locator('article[data-status="live"]').count() == 1, "the camera is live")


def test_a_page_that_is_not_named_shows_nothing(dashboard: Dashboard, browser: Browser) -> None:
    """The browser refuses, and says in its console which directive is the reason."""
    with Server("--frame-ancestors", "http://ha.example:8123") as server:
        dashboard.frame = f"{server.url}/"
        said: list[str] = []
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(dashboard.url)
        wait_until(lambda: any("frame-ancestors" in text for text in said), "the console names the directive")
        assert page.frame_locator("iframe").locator("article").count() == 0
        page.close()


def test_the_element_says_that_its_page_is_not_allowed(dashboard: Dashboard, open_page: OpenPage) -> None:
    """It names the origin and the flag, instead of saying that the server cannot be reached."""
    with Server() as server:
        dashboard.content = (
            f'<script type="module" src="{server.url}/skysentry-viewer.js"></script>'
            f'<skysentry-viewer server="{server.url}/" client="front"></skysentry-viewer>'
        )
        caption = open_page(dashboard.url).locator("skysentry-viewer p")
        wait_until(lambda: caption.count() == 1 and "--cors-origin" in caption.inner_text(), "it names the flag")
        assert dashboard.url in caption.inner_text()


def test_the_viewer_page_is_compressed_and_small(browser: Browser) -> None:
    """Everything that one visit loads, as it comes over the network."""
    with Server("--max-fps", "30") as server:
        page = browser.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 # Playwright sets an attribute of it
        page.goto(f"{server.url}/", wait_until="networkidle")
        files = [answer for answer in answers if "/api/" not in answer.url and answer.status == 200]
        sizes = {answer.url: answer.request.sizes()["responseBodySize"] for answer in files}
        codings = {answer.url: answer.headers.get("content-encoding") for answer in files if answer.url.endswith("js")}
        page.close()

    assert len(codings) > 2
    assert set(codings.values()) == {"br"}
    assert sum(sizes.values()) <= MAX_PAGE, sizes


def test_curl_gets_what_it_can_read() -> None:
    """Plain without a word about compression; gzip if it asks for it; for HEAD the length and no body."""
    with Server("--max-fps", "30") as server:

        def curl(*arguments: str) -> bytes:
            return subprocess.run(
                ["curl", "-sS", *arguments, f"{server.url}/capture"], check=True, capture_output=True, timeout=20
            ).stdout

        plain = curl()
        assert plain.startswith(b"<!doctype html>")
        assert curl("--compressed") == plain
        compressed = curl("-H", "Accept-Encoding: gzip")
        assert compressed.startswith(b"\x1f\x8b")
        head = curl("-I", "-H", "Accept-Encoding: gzip").decode().lower()
        assert f"content-length: {len(compressed)}\r\n" in head
        assert "content-encoding: gzip\r\n" in head


def test_the_page_for_a_mistyped_address_leads_home_through_a_proxy(open_page: OpenPage) -> None:
    """The link stays below the prefix of the proxy."""
    with Server("--max-fps", "30") as server, Proxy(server, prefix="/sky") as proxy:
        page = open_page(f"{proxy.url}/camera/front")
        page.get_by_role("link", name="Watch the cameras").click()
        page.wait_for_url(f"{proxy.url}/")
        assert "Cameras" in page.title()
