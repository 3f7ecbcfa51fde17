"""A phone becomes a camera: scan the code, go past the warning, tap once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import CHROMIUM, wait_until
from tests.e2e.processes import Program, running
from tests.ports import free_port
from tests.qr_codes import read_qr

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
PHONE = (390, 844)
# What a network does that lets only HTTP through.
NO_WEBSOCKETS = """
const Real = WebSocket;
window.blocked = true;
window.WebSocket = function (url, protocols) {
  return new Real(window.blocked ? String(url).replace(/ws$/, "no-websocket") : url, protocols);
};
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with running("serve", "--phone", "--port", str(free_port()), "--state-dir", str(tmp_path)) as program:
        program.wait_for_line(r"To get rid of the warning|No phone can reach")
        yield program


def link(page: Page) -> str:
    return page.locator(".sky-link").get_attribute("data-link") or ""


def scan(server: Program) -> str:
    text = "".join(server.lines)
    if "No phone can reach" in text:
        pytest.skip("this machine has no address in a network")
    return read_qr(text)


def test_a_phone_goes_live_with_one_tap(server: Program, open_page: OpenPage) -> None:
    """The address of the code needs no sign-in, and counts for the first browser only."""
    address = scan(server)
    assert "/capture?link=" in address
    page = open_page(address, PHONE, ignore_https_errors=True, is_mobile=True, has_touch=True)
    page.get_by_role("button", name="Go live").tap()
    wait_until(lambda: link(page) == "on-air", 20, "live")
    assert "link=" not in page.url
    server.wait_for_line(r"camera registered")
    second = open_page(address, PHONE, ignore_https_errors=True)
    assert second.get_by_role("button", name="Go live").count() == 0


def test_without_websockets_a_phone_posts_its_pictures(server: Program, open_page: OpenPage) -> None:
    """One after the other; the page says so, and returns to the WebSocket when it gets one."""
    posted: list[str] = []
    page = open_page(
        scan(server), PHONE, before=NO_WEBSOCKETS, ignore_https_errors=True, is_mobile=True, has_touch=True
    )
    page.on("requestfinished", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Go live").tap()
    wait_until(lambda: link(page) == "on-air", 20, "live")
    wait_until(lambda: page.evaluate("1") and len(posted) > 10, 20, "pictures posted")
    assert "lets no WebSocket through" in page.inner_text("body")
    page.evaluate("window.blocked = false")
    wait_until(lambda: "lets no WebSocket through" not in page.inner_text("body"), 40, "back on the WebSocket")
    wait_until(lambda: link(page) == "on-air", 20, "live")
