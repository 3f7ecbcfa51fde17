"""The viewer page in a real browser: what it asks the server for, what it says of the time, and how it looks back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from skysentry_trio.clients.sources.drawing import DUSK

from .browser import CHROMIUM, Server, cameras, moving_pictures, wait_until
from .test_pages import figure, number, serious_problems, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
Record = Callable[[str, object], None]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("--buffer-seconds", "20") as running:
        yield running


def demand(server: Server, client_id: str) -> dict[str, Any]:
    """Return what the server asks of a camera."""
    camera = server.camera(client_id)
    assert camera is not None
    asked: dict[str, Any] = camera["demand"]
    return asked


def test_only_what_is_seen_is_sent_and_no_larger(server: Server, open_page: OpenPage) -> None:
    """Cameras out of view, or behind one in full size, have no viewer, and yet count as live."""
    names = [(f"cam-{index:02}", f"Camera {index}") for index in range(12)]
    first, last = names[0][0], names[-1][0]
    with cameras(server, names, fps=5):
        page = open_page(f"{server.url}/", size=(390, 844))
        wait_until(lambda: page.locator('article[data-status="live"]').count() == 12, 15, "all are live")
        wait_until(lambda: demand(server, last)["viewers"] == 0, 5, "nobody sees the last")
        assert demand(server, first) == {"viewers": 1, "maxFps": None, "maxWidth": 640, "quality": None}
        page.locator("article").last.scroll_into_view_if_needed()
        wait_until(lambda: demand(server, last)["viewers"] == 1, 5, "the last is seen")
        wait_until(lambda: demand(server, first)["viewers"] == 0, 5, "the first is not")
        page.locator(f'[data-client="{last}"] .sky-tile__open').click()
        wait_until(lambda: sum(demand(server, name)["viewers"] for name, _ in names) == 1, 5, "one fills the page")
        # Long enough for what does not come to be called stalled, if it were.
        time.sleep(4)
        page.keyboard.press("Escape")
        assert page.locator(".page-count").inner_text() == "12 of 12 live"
        wait_until(lambda: sum(demand(server, name)["viewers"] for name, _ in names) > 1, 5, "others are seen again")


def test_the_address_limits_the_rate(server: Server, open_page: OpenPage) -> None:
    """With ?maxFps= the page gets so many frames of each camera, and calls none of the others dropped."""
    with cameras(server, [("cam", "Cam")], fps=15):
        page = open_page(f"{server.url}/?maxFps=3")
        wait_until(lambda: status(page, "cam") == "live", 10, "live")
        wait_until(lambda: demand(server, "cam")["maxFps"] == 3, 5, "the server asks for as many")
        wait_until(lambda: 2 < number(figure(page, "fps")) < 4.5, 10, "so many are painted")
        assert figure(page, "drops") == "0"


def test_the_latency_is_shown_with_its_hops(server: Server, open_page: OpenPage, record_property: Record) -> None:
    """The tile tells the time to the screen, the panel where it goes, and the server knows it too."""
    with cameras(server, [("cam", "Cam")], fps=15):
        page = open_page(f"{server.url}/")
        page.get_by_role("button", name="Performance").click()
        row = page.locator(".sky-table tbody tr")
        wait_until(lambda: row.count() == 1, 10, "the server tells the latency")
        cells = row.locator("th, td").all_inner_texts()
        record_property("latency", cells)
        assert cells[0] == "Cam"
        # This camera does not say when it took its pictures.
        assert not number(cells[1])
        assert all(number(cell) >= 0 and cell.endswith(" ms") for cell in cells[2:])
        assert figure(page, "latency").endswith("ms")
        camera = server.camera("cam")
        assert camera is not None
        assert camera["latency"]["frames"] > 0
        page.locator(".sky-tile__open").click()
        assert page.locator(".sky-hops").is_visible()
        assert page.locator("canvas").evaluate("(canvas) => getComputedStyle(canvas).opacity") == "1"


def shown(page: Page, scene: list[str]) -> int:
    """Return which of the pictures with these hashes is on the screen."""
    with page.expect_download() as download:
        page.keyboard.press("s")
    return scene.index(sha256(Path(download.value.path()).read_bytes()).hexdigest())


def back(page: Page) -> float:
    """Return how many seconds back the page says the picture is; 0 if it is live."""
    said = page.locator('[data-figure="back"]')
    # Without the sign, which is a typographic one.
    return number(said.inner_text()[1:]) if said.count() else 0.0


def test_the_past_is_shown_frame_by_frame(server: Server, open_page: OpenPage) -> None:
    """Keys go back five seconds, pause, step and play; what is shown is what was sent, and said to be old."""
    scene = [sha256(jpeg).hexdigest() for jpeg in moving_pictures("cam", DUSK, size=(640, 360))]
    with cameras(server, [("cam", "Cam")], fps=10), cameras(server, [("other", "Other")], fps=10):
        page = open_page(f"{server.url}/")
        wait_until(lambda: status(page, "cam") == "live", 10, "live")
        page.locator('[data-client="cam"] .sky-tile__open').click()
        wait_until(lambda: page.locator(".sky-timeline").count(), 5, "the timeline is there")
        time.sleep(7)
        page.keyboard.press("j")
        wait_until(lambda: 4 < back(page) < 8, 5, "it is five seconds back")
        page.keyboard.press(" ")
        wait_until(lambda: "paused" in page.locator(".sky-tile__replay").inner_text(), 5, "it stands still")
        time.sleep(0.5)
        before = shown(page, scene)
        time.sleep(1)
        assert shown(page, scene) == before
        page.keyboard.press("ArrowLeft")
        wait_until(lambda: shown(page, scene) == (before - 1) % len(scene), 5, "one frame back")
        time.sleep(1)
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        wait_until(lambda: shown(page, scene) == (before + 2) % len(scene), 5, "three frames on")
        assert serious_problems(page) == []
        was = back(page)
        page.keyboard.press(" ")
        time.sleep(2)
        assert back(page) == pytest.approx(was, abs=1.5)
        page.get_by_role("button", name="Live").click()
        wait_until(lambda: back(page) == 0, 5, "it is live again")
        wait_until(lambda: status(page, "cam") == "live", 5, "and says so")


def test_a_hand_on_the_timeline(server: Server, open_page: OpenPage) -> None:
    """The timeline is dragged on a phone, and leaving the full size leaves the past."""
    with cameras(server, [("cam", "Cam")], fps=10):
        page = open_page(f"{server.url}/", size=(390, 844), has_touch=True, is_mobile=True)
        wait_until(lambda: status(page, "cam") == "live", 10, "live")
        time.sleep(6)
        page.locator(".sky-tile__open").tap()
        slider = page.get_by_role("slider", name="Position")
        wait_until(slider.is_visible, 5, "the timeline is there")
        box = slider.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < 390
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        wait_until(lambda: back(page) > 1, 5, "it is in the past")
        page.get_by_role("button", name="Back to all cameras").tap()
        page.locator(".sky-tile__open").tap()
        wait_until(slider.is_visible, 5, "the timeline is there again")
        assert back(page) == 0
