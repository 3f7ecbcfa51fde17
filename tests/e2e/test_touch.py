"""The pages under a finger: what can be touched on a phone is large enough, and nothing is cut off at the side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from skysentry_trio.sources.drawing import MORNING
from tests.e2e.browser import CHROMIUM, Server, cameras, moving_pictures, registered, wait_for_frames

from .test_capture_page import CAMERA
from .test_pages import overflow

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
# The ends of a clip may be close to each other, so they are narrower.
SMALL = """() => [...document.querySelectorAll("button, select, summary, input:not([type=range], [type=checkbox])")]
  .filter((one) => !one.closest("[inert], .sky-visually-hidden, .sky-choice") && !one.matches(".sky-timeline__end"))
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((one) => [one.className || one.name || one.textContent, one.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 1 && (width < 43.5 || height < 43.5))
  .map(([name, { width, height }]) => `${name}: ${Math.round(width)} x ${Math.round(height)}`)"""
"""What is smaller than 44 pixels in either direction."""
CUT_OFF = """() => [...document.querySelectorAll(".sky-pill, .sky-tile__note, .sky-tile__choices button, .sky-chip")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((one) => [one.textContent, one.getBoundingClientRect(), one.closest("article")?.getBoundingClientRect()])
  .filter(([, { left, right }, place]) => left < (place?.left ?? 0) - 1 || right > (place?.right ?? innerWidth) + 1)
  .map(([text]) => text)"""
"""The words that stick out of their tile or of the screen."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--buffer-seconds", "20") as running:
        yield running


def check(page: Page) -> None:
    page.wait_for_function("matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(SMALL) == []
    assert page.evaluate(CUT_OFF) == []
    assert overflow(page) == 0


def open_on_phone(open_page: OpenPage, address: str, before: str = "") -> Page:
    return open_page(address, before=before, size=(390, 844), has_touch=True, is_mobile=True, reduced_motion="reduce")


def test_a_finger_finds_everything_of_the_viewer(server: Server, open_page: OpenPage) -> None:
    """The wall with an offline camera in a small tile, panels, and a camera with a clip, upright and on its side."""
    names = [(f"cam-{index}", f"Camera {index}") for index in range(6)]
    with cameras(server, names, fps=5):
        with registered(server, "gone", "Gone") as gone:
            gone.send(moving_pictures("gone", MORNING, count=1)[0])
        page = open_on_phone(open_page, f"{server.url}/")
        page.locator('[data-camera="cam-5"][data-status="live"]').wait_for()
        page.locator('[data-camera="gone"][data-status="offline"]').wait_for()
        check(page)
        for panel in ("figures", "cameras", "add", "look", "keys"):
            page.goto(f"{server.url}/?panel={panel}")
            page.locator(".page-drawer").wait_for()
            check(page)
        wait_for_frames(server, "cam-1", 10)
        page.goto(f"{server.url}/?view=cam-1")
        page.locator(".sky-view__controls").wait_for()
        check(page)
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".sky-view")).to_have_attribute("data-playback", "true")
        page.keyboard.press("c")
        page.locator(".sky-clip__length").wait_for()
        check(page)
        page.set_viewport_size({"width": 844, "height": 390})
        check(page)
        box = page.locator(".sky-play").bounding_box()
        assert box is not None
        assert box["width"] == box["height"]
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{server.url}/?view=nosuch")
        page.locator(".sky-pill").wait_for()
        check(page)


def test_a_finger_finds_everything_of_the_camera(server: Server, open_page: OpenPage) -> None:
    """A live camera, its sheets, and the camera that it waits for."""
    address = f"{server.url}/capture?id=phone&autostart=1&width=320&demand=0"
    page = open_on_phone(open_page, address, before=CAMERA.replace("FAILURES", "0"))
    page.locator('[data-link="on-air"]').wait_for()
    check(page)
    for button, sheet in ((".sky-thumb__settings", "settings"), (".sky-chip--share", "share")):
        page.locator(button).click()
        page.locator(f'[data-sheet="{sheet}"]').wait_for()
        check(page)
        page.keyboard.press("Escape")
    page.evaluate("unplug(1000, 'NotFoundError')")
    expect(page.locator(".sky-client")).to_have_attribute("data-state", "waiting")
    check(page)
