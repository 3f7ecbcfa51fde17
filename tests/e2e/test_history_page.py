"""The viewer page of a server that records: one timeline over memory and disk, days, and cameras in step."""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Page

from skysentry_trio.base.frames import JpegFrame
from tests.e2e.browser import CHROMIUM, Server, cameras, wait_until
from tests.server.history.helpers import OpenFolder

from .test_pages import serious_problems, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
CAMERAS = ("a", "b", "c", "d")
GONE = "gone"
"""A camera of which there are recordings, and nothing else."""
FPS = 2
NOW = time.time()
YESTERDAY = (NOW - 26 * 3600, NOW - 26 * 3600 + 600)
"""When the cameras were recorded a day ago."""
TODAY = (NOW - 2400, NOW - 1800)
"""When they were recorded within the last hour."""
LEVELS = 28


def solid_jpeg(brightness: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (160, 90), (brightness,) * 3).save(written, "JPEG", quality=95)
    return written.getvalue()


def make_recordings(folder: Path) -> None:
    """Record four cameras; the brightness of a picture says the half second in which it was taken."""
    pictures = [solid_jpeg(16 + 8 * level) for level in range(LEVELS)]
    opened = OpenFolder(folder)
    for camera_id in (*CAMERAS, GONE):
        sequence = 0
        for begin, end in (YESTERDAY, TODAY):
            taken = list[JpegFrame]()
            for half_second in range(int(begin * FPS), int(end * FPS)):
                sequence += 1
                jpeg, at = pictures[half_second % LEVELS], half_second / FPS
                taken.append(JpegFrame(sequence, at, None, jpeg, 160, 90, at))
            opened.record(camera_id, taken)
    opened.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with recordings and four live cameras."""
    folder = tmp_path_factory.mktemp("history")
    make_recordings(folder)
    with ExitStack() as stack:
        running = stack.enter_context(Server("--history", str(folder), "--buffer-seconds", "20"))
        names = [(camera_id, f"Camera {camera_id}") for camera_id in CAMERAS]
        stack.enter_context(cameras(running, names, fps=5, size=(160, 90)))
        yield running


def moment(page: Page) -> float:
    """Return the moment in the address, at which the page stands still, in seconds since the epoch; 0 without one."""
    (at,) = parse_qs(page.evaluate("location.search.slice(1)")).get("at", [""])
    return datetime.fromisoformat(at).timestamp() if at else 0.0


def is_in(span: tuple[float, float], at: float) -> bool:
    return span[0] - 1 <= at <= span[1] + 1


def drag(page: Page, *parts: float) -> None:
    """Press the timeline at a part of its width, and move to others before letting go."""
    box = page.get_by_role("slider", name="Position").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + parts[0] * box["width"], middle)
    page.mouse.down()
    for part in parts[1:]:
        page.mouse.move(box["x"] + part * box["width"], middle, steps=8)
    page.mouse.up()


LEVELS_SHOWN = """() => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  [canvas.width, canvas.height] = [1, 1];
  return [...document.querySelectorAll(".sky-tile__place canvas")].map((picture) => {
    context.drawImage(picture, 0, 0, 1, 1);
    return Math.round((context.getImageData(0, 0, 1, 1).data[0] - 16) / 8);
  });
}"""
"""Which half second each picture of the wall shows, modulo 28."""


def test_one_drag_leads_from_live_into_yesterday_and_back(server: Server, open_page: OpenPage) -> None:
    """From the live picture through memory, over a gap, into another day, and back to live, without a reload."""
    page = open_page(f"{server.url}/?view=a")
    view = page.locator(".sky-view")
    wait_until(lambda: page.locator(".sky-timeline__covered").count(), "the recordings are on the timeline")
    wait_until(lambda: view.get_attribute("data-status") == "live", "live")
    page.evaluate("window.isSamePage = true")
    # The last hour is shown: a few seconds back, then into the recordings before the gap.
    drag(page, 0.999, 0.998)
    wait_until(lambda: moment(page) > NOW - 30, "in memory")
    drag(page, 0.998, 0.6, 0.4)
    wait_until(lambda: is_in(TODAY, moment(page)), "on disk")
    # In the gap, the nearest picture is shown.
    drag(page, 0.4, 0.5, 0.65)
    wait_until(lambda: moment(page) == pytest.approx(TODAY[1], abs=3), "before the gap")
    # The day before, over many hours without a recording.
    page.get_by_title("Show the whole timeline").click()
    drag(page, 0.98, 0.5, 0.003)
    # On the way there, the nearest picture is the last one of yesterday: wait for the end of the drag.
    wait_until(lambda: is_in(YESTERDAY, moment(page)) and moment(page) < YESTERDAY[1] - 60, "yesterday")
    assert re.search(r"\w+, \w+ \d+, ", page.locator('[data-figure="clock"]').inner_text())
    assert serious_problems(page) == []
    there = moment(page)
    page.keyboard.press("ArrowRight")
    wait_until(lambda: moment(page) == pytest.approx(there + 10, abs=2), "ten seconds later")
    page.keyboard.press("End")
    wait_until(lambda: view.get_attribute("data-status") == "live", "live again")
    # The recordings of a camera that the server does not know any more.
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name=f"Show the recordings of {GONE}").click()
    wait_until(lambda: moment(page) == pytest.approx(TODAY[1], abs=3), "its last picture")
    wait_until(lambda: page.locator(".sky-timeline__covered").count(), "its recordings are on the timeline")
    drag(page, 0.9, 0.5)
    wait_until(lambda: is_in(TODAY, moment(page)) and moment(page) < TODAY[1] - 5, "an earlier picture")
    page.go_back()
    wait_until(lambda: status(page, "a") == "live", "the wall with all cameras")
    assert page.evaluate("window.isSamePage")


def test_a_day_is_chosen_and_back_returns(server: Server, open_page: OpenPage) -> None:
    """The calendar leads to a day that was recorded; Back, a reload and the address lead where they should."""
    page = open_page(f"{server.url}/?view=b", timezone_id="Europe/Berlin")
    choose = page.get_by_role("button", name="Choose a day")
    wait_until(choose.is_visible, "the recordings are on the timeline")
    choose.click()
    day = datetime.fromtimestamp(YESTERDAY[0], ZoneInfo("Europe/Berlin"))
    label = f"{day:%b} {day.day}, "
    buttons = page.locator(".sky-calendar").get_by_role("button", name=label)
    if not buttons.count():
        page.get_by_role("button", name="Previous month").click()
    wait_until(buttons.is_enabled, "that day was recorded")
    assert serious_problems(page) == []
    buttons.click()
    wait_until(lambda: is_in(YESTERDAY, moment(page)), "yesterday")
    there = moment(page)
    page.reload()
    wait_until(lambda: page.locator(".sky-pill--playback").count(), "the past again")
    assert moment(page) == there
    page.go_back()
    wait_until(lambda: page.locator(".sky-view").get_attribute("data-status") == "live", "live, as before")


def test_four_cameras_show_the_same_moment_of_yesterday(server: Server, open_page: OpenPage) -> None:
    """All cameras of the wall play the recordings within one frame of each other, and go back to live together."""
    at = int(YESTERDAY[0]) + 60
    page = open_page(f"{server.url}/?at={datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}")
    replays = page.locator('.sky-tile[data-playback="true"]')
    wait_until(lambda: replays.count() == 4, "all are in the past")
    wait_until(lambda: len(set(page.evaluate(LEVELS_SHOWN))) == 1, "all stand still at the same frame")
    first = page.evaluate(LEVELS_SHOWN)[0]
    assert first == at * FPS % LEVELS
    page.get_by_role("button", name="Play all cameras").click()
    wait_until(lambda: (page.evaluate(LEVELS_SHOWN)[0] - first) % LEVELS > 4, "they play")
    for _ in range(5):
        levels = page.evaluate(LEVELS_SHOWN)
        steps = {(level - levels[0] + 14) % LEVELS - 14 for level in levels}
        assert max(steps) - min(steps) <= 1
    page.locator(".wall-bar").get_by_role("button", name="Go live").click()
    wait_until(lambda: all(status(page, camera_id) == "live" for camera_id in CAMERAS), "live again")


def test_two_cameras_are_exported_together(server: Server, open_page: OpenPage) -> None:
    """A part of yesterday of two cameras is one archive, whose manifest has the right hash of each picture."""
    at = datetime.fromtimestamp(int(YESTERDAY[0]) + 60, UTC)
    page = open_page(f"{server.url}/?cams=a,c&at={at:%Y-%m-%dT%H:%M:%SZ}")
    page.get_by_role("button", name="Clip").click()
    assert serious_problems(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    with ZipFile(download.value.path()) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        hashes = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    recorded = {camera["clientId"]: camera["frames"] for camera in manifest["cameras"]}
    assert {camera_id: len(frames) for camera_id, frames in recorded.items()} == {"a": 21, "c": 21}
    for frame in recorded["a"] + recorded["c"]:
        assert hashes[frame["file"]] == frame["sha256"]
