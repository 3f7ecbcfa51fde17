"""How much of a screen is picture: walls of several sizes, one camera, a phone on its side, and the capture page."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.browser import CHROMIUM, Server, cameras, wait_until

from .test_pages import open_panel

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]

NAMES: Final = [(f"cam-{index:02}", f"Camera {index}") for index in range(16)]
AMBER: Final = (233, 189, 98)
BEFORE: Final = {1: 915_849, 4: 675_684, 9: 470_939, 16: 794_131}
"""Square pixels of picture in a window of 1440 by 900 while each tile had a bar of figures below its picture, by the
number of cameras; measured once, with `AREA`. Of sixteen cameras, it showed twelve and parts of the others."""
LEAST_GROWTH: Final = {1: 1.1, 4: 1.6, 9: 2.0, 16: 1.35}
AREA: Final = """() => {
  let area = 0;
  for (const canvas of document.querySelectorAll("article canvas")) {
    const box = canvas.getBoundingClientRect();
    const seen = Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, 0));
    const aspect = canvas.width / canvas.height;
    const width = Math.min(box.width, box.height * aspect);
    area += width * Math.min(seen, width / aspect);
  }
  return Math.round(area);
}"""
"""Square pixels of picture that the window shows."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--buffer-seconds", "20") as running, cameras(running, NAMES, fps=2, size=(320, 180)):
        yield running


def show(page: Page, server: Server, count: int) -> None:
    """Open a wall of this many cameras, and wait until all have a picture."""
    page.goto(f"{server.url}/?cams={','.join(name for name, _ in NAMES[:count])}&view=")
    # On a busy machine, one of them may be late at any time.
    expect(page.locator('article:is([data-status="live"], [data-status="stalled"])')).to_have_count(count)


def test_a_wall_is_mostly_picture(server: Server, open_page: OpenPage) -> None:
    """A window of 1440 by 900 shows much more picture than it did with bars of figures, and never scrolls."""
    page = open_page("about:blank")
    for count, before in BEFORE.items():
        show(page, server, count)
        # The shape of a canvas is that of its picture a moment after the picture was painted.
        least = LEAST_GROWTH[count] * before
        wait_until(lambda least=least: page.evaluate(AREA) >= least, f"{count} pictures are large")  # type: ignore[misc]
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollHeight <= innerHeight && {root}.scrollWidth <= innerWidth"), count


@pytest.mark.parametrize("size", [(1440, 900), (844, 390)])
def test_a_camera_fills_the_window(server: Server, open_page: OpenPage, size: tuple[int, int]) -> None:
    """On a desktop and on a phone on its side, and the frame of a playback is seen above the picture."""
    page = open_page(f"{server.url}/?view=cam-00", size=size)
    view = page.locator(".sky-view")
    expect(view).to_have_attribute("data-status", "live")
    canvas = view.locator(".sky-view__place canvas")
    assert canvas.bounding_box() == {"x": 0, "y": 0, "width": size[0], "height": size[1]}
    assert canvas.evaluate("(canvas) => getComputedStyle(canvas).objectFit") == "contain"
    page.locator(".sky-timeline").wait_for()
    page.keyboard.press("ArrowLeft")
    expect(view).to_have_attribute("data-playback", "true")
    picture = Image.open(io.BytesIO(page.screenshot()))
    # The picture reaches two edges of the window, where its own colours would be.
    edges = {picture.getpixel(point) for point in ((1, size[1] // 2), (size[0] // 2, 1))}
    assert edges == {AMBER}


def test_the_timeline_shows_what_is_under_the_pointer(server: Server, open_page: OpenPage) -> None:
    """The time of day and a small picture, before anything is chosen."""
    page = open_page(f"{server.url}/?view=cam-00")
    page.locator(".sky-timeline__track").hover()
    preview = page.locator(".sky-timeline__preview")
    expect(preview).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    wait_until(lambda: preview.locator("img").evaluate("(image) => image.naturalWidth"), "the picture has come")


def test_a_drawer_moves_no_picture(server: Server, open_page: OpenPage) -> None:
    """Figures of eleven cameras lie over the wall, and on a phone nothing of them is cut off."""
    page = open_page("about:blank")
    show(page, server, 11)
    tiles = page.locator("article")
    before = tiles.evaluate_all("(all) => all.map((tile) => tile.getBoundingClientRect().toJSON())")
    open_panel(page, "Performance")
    drawer = page.locator(".page-drawer")
    expect(drawer).to_be_visible()
    assert tiles.evaluate_all("(all) => all.map((tile) => tile.getBoundingClientRect().toJSON())") == before
    page.keyboard.press("?")
    expect(page.locator(".page-keys").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    open_panel(page, "Performance")
    expect(page.locator(".page-slow").first).to_be_visible()
    assert drawer.evaluate("(drawer) => drawer.scrollWidth <= drawer.clientWidth")


def test_a_phone_that_captures_shows_nothing_but_its_picture(server: Server, open_page: OpenPage) -> None:
    """The preview covers the screen, upright and on its side."""
    page = open_page(f"{server.url}/capture?id=cam&width=320", size=(390, 844), has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Go live").wait_for()
    video = page.locator(".sky-preview__video")
    for width, height in ((390, 844), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        covers = {"x": 0, "y": 0, "width": width, "height": height}
        wait_until(lambda covers=covers: video.bounding_box() == covers, f"it covers {covers}")  # type: ignore[misc]
        assert video.evaluate("(video) => getComputedStyle(video).objectFit") == "cover"
