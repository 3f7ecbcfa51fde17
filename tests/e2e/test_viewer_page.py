"""The viewer page in a real browser: what it asks the server for, what it says of the time, and how it looks back."""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from playwright.sync_api import Page
from websockets.sync.client import ClientConnection

from skysentry_trio.sources.drawing import DUSK
from tests.e2e.browser import (
    CHROMIUM,
    Server,
    cameras,
    feeding,
    moving_pictures,
    registered,
    silent_for,
    wait_for_frames,
    wait_until,
)

from .test_pages import HOSTILE, figure, number, open_panel, serious_problems, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
Record = Callable[[str, object], None]


@pytest.fixture
def server() -> Iterator[Server]:
    # What a test looks back at must not leave the ring before a busy machine is done with it.
    with Server("--buffer-seconds", "120") as running:
        yield running


def demand(server: Server, camera_id: str) -> dict[str, Any]:
    """Return what the server asks of a camera."""
    camera = server.camera(camera_id)
    assert camera is not None
    asked: dict[str, Any] = camera["demand"]
    return asked


def test_only_what_is_seen_is_sent_and_no_larger(server: Server, open_page: OpenPage) -> None:
    """Cameras out of view, or behind one in full size, have no viewer, and are not called live."""
    names = [(f"cam-{index:02}", f"Camera {index}") for index in range(24)]
    first, last = names[0][0], names[-1][0]

    def watched() -> int:
        return sum(demand(server, name)["viewers"] for name, _ in names)

    with cameras(server, names, fps=5, size=(320, 180)):
        page = open_page(f"{server.url}/", size=(390, 560))
        wait_until(lambda: page.locator("article").count() == 24, "all are there")
        wait_until(lambda: demand(server, last)["viewers"] == 0, "nobody sees the last")
        wait_until(lambda: status(page, first) == "live", "the first is live")
        assert status(page, last) == "unknown"
        needed = {"viewers": 1, "maxFps": None, "maxWidth": 320, "quality": None}
        wait_until(lambda: demand(server, first) == needed, "the first is asked for as it is shown")
        page.locator("article").last.scroll_into_view_if_needed()
        wait_until(lambda: demand(server, last)["viewers"] == 1, "the last is seen")
        wait_until(lambda: demand(server, first)["viewers"] == 0, "the first is not")
        page.set_viewport_size({"width": 844, "height": 390})
        page.locator(f'[data-camera="{last}"] .sky-tile__open').click()
        wait_until(lambda: watched() == 1, "one fills the page")
        wait_until(lambda: page.locator(".page-count").inner_text() == "1 of 24 live", "the others are not live")
        page.keyboard.press("Escape")
        wait_until(lambda: watched() > 1, "others are seen again")


def test_what_is_zoomed_in_on_is_asked_for_as_large_as_it_is_shown(server: Server, open_page: OpenPage) -> None:
    """The wheel zooms in at the pointer and lifts the limit on the width; 0 shows the whole picture again."""
    with cameras(server, [("cam", "Cam")], fps=5):
        page = open_page(f"{server.url}/?view=cam")
        place = page.locator(".sky-view__place")
        wait_until(lambda: demand(server, "cam")["maxWidth"] == 1920, "as wide as the window")
        page.mouse.move(1000, 300)
        page.mouse.wheel(0, -600)
        wait_until(lambda: demand(server, "cam")["maxWidth"] is None, "wider than the window")
        assert place.evaluate("(element) => element.getBoundingClientRect().width") > 2 * 1440
        assert page.locator(".sky-minimap").is_visible()
        page.keyboard.press("0")
        wait_until(lambda: demand(server, "cam")["maxWidth"] == 1920, "as wide as the window again")
        assert place.bounding_box() == {"x": 0, "y": 0, "width": 1440, "height": 900}


@pytest.mark.timed
def test_a_slow_detector_does_not_delay_the_picture(
    server: Server, open_page: OpenPage, record_property: Record
) -> None:
    """Boxes that come 350 ms after their frame cost the live picture nothing, unless exact boxes are asked for."""
    with found_later(server, fps=12, delay=0.35):
        page = open_page(f"{server.url}/?view=cam")
        exact = page.get_by_role("button", name="Exact")
        wait_until(exact.is_visible, "the page knows of results")
        wait_for_frames(server, "cam", 24)
        page.keyboard.press("i")

        def latency() -> float:
            said = page.locator('.sky-view__figures [data-figure="latency"]').inner_text()
            return number(said) if said.endswith("ms") else 1000 * number(said)

        wait_until(lambda: 0 < latency() < 250, "the picture is fresh")
        record_property("latency with a detector in ms", latency())
        exact.click()
        wait_until(lambda: "+0." in page.locator(".sky-pill").inner_text(), "it says what exact boxes cost")


def test_a_camera_that_hangs_is_never_called_live(server: Server, open_page: OpenPage) -> None:
    """A camera whose last picture is 5 s old when the page is opened is never live, until it sends again."""
    with registered(server, "cam") as camera:
        pictures = moving_pictures("cam", DUSK)
        camera.send(pictures[0])
        wait_until(lambda: server.camera("cam") is not None, "the server has a picture")
        wait_until(lambda: silent_for(server, "cam") > 5, "the picture is old")
        page = open_page(f"{server.url}/", before=STATES)
        wait_until(lambda: status(page, "cam") == "stalled", "it is late")
        assert "live" not in page.evaluate("() => window.states")
        assert "no new picture for" in page.locator('[data-camera="cam"]').inner_text()
        camera.send(pictures[1])
        wait_until(lambda: status(page, "cam") == "live", "it is live with a new picture")


STATES = """
  window.states = [];
  new MutationObserver(() => {
    for (const tile of document.querySelectorAll("article")) window.states.push(tile.dataset.status);
  }).observe(document, { subtree: true, childList: true, attributes: true });
"""
"""Notes every state that a tile ever had."""


def test_the_past_of_a_camera_that_left_is_shown(server: Server, open_page: OpenPage) -> None:
    """Ten seconds back works on a camera that is offline, in full brightness, and nothing says that it is live."""
    with cameras(server, [("cam", "Cam")], fps=10):
        wait_for_frames(server, "cam", 30)
    wait_until(lambda: silent_for(server, "cam") > 4, "the camera has been gone for a while")
    page = open_page(f"{server.url}/")
    wait_until(lambda: status(page, "cam") == "offline", "it is offline")
    page.get_by_role("button", name="Play back", exact=True).click()
    wait_until(lambda: page.locator(".sky-timeline").count(), "the timeline is there")
    assert page.locator(".sky-live").get_attribute("data-live") == "false"
    page.keyboard.press("ArrowLeft")
    wait_until(lambda: back(page) > 2, "it is in the past")
    assert page.locator(".sky-view canvas").evaluate("(canvas) => getComputedStyle(canvas).opacity") == "1"
    assert "filter" not in page.locator(".sky-view canvas").evaluate("(canvas) => canvas.style.cssText")


def test_the_address_limits_the_rate(server: Server, open_page: OpenPage) -> None:
    """With ?maxFps= the page gets so many frames of each camera, and calls none of the others dropped."""
    with cameras(server, [("cam", "Cam")], fps=15):
        page = open_page(f"{server.url}/?maxFps=3")
        wait_until(lambda: status(page, "cam") == "live", "live")
        wait_until(lambda: demand(server, "cam")["maxFps"] == 3, "the server asks for as many")
        wait_until(lambda: 2 < number(figure(page, "fps")) < 4.5, "2 to 4.5 frames a second are painted")
        open_panel(page, "Performance")
        # Twelve frames a second are left out; a busy machine may drop one that was wanted.
        assert number(figure(page, "total-drops")) < 5


def test_the_latency_is_shown_with_its_stages(server: Server, open_page: OpenPage, record_property: Record) -> None:
    """The tile tells the time to the screen, the panel where it goes, and the server knows it too."""
    with cameras(server, [("cam", "Cam")], fps=15):
        page = open_page(f"{server.url}/")
        open_panel(page, "Performance")
        row = page.locator(".page-slow")
        wait_until(lambda: row.count() == 1, "the server tells the latency")
        stages = row.locator("dd").all_inner_texts()
        record_property("latency", stages)
        assert row.locator("bdi").inner_text() == "Cam"
        # This camera does not say when it took its pictures.
        assert not number(stages[0])
        assert all(stage.endswith(" ms") for stage in stages[1:])
        assert row.locator("polyline").count() == 1
        assert figure(page, "latency").endswith("ms")
        wait_until(lambda: (server.camera("cam") or {}).get("latency"), "the server knows the latency")
        page.locator(".sky-tile__open").click(position={"x": 20, "y": 20})
        page.locator(".sky-view").wait_for()
        page.keyboard.press("i")
        page.locator(".sky-view .sky-stages").wait_for()
        assert page.locator("canvas").evaluate("(canvas) => getComputedStyle(canvas).opacity") == "1"


def shown(page: Page, scene: list[str]) -> int:
    """Return which of the pictures with these hashes is on the screen."""
    with page.expect_download() as download:
        page.keyboard.press("s")
    return scene.index(sha256(Path(download.value.path()).read_bytes()).hexdigest())


def back(page: Page) -> float:
    """Return how many seconds back the page says the picture is; 0 if it is live."""
    # All at once: it may go while we ask.
    said = page.locator('[data-figure="back"]').all_inner_texts()
    return number(said[0]) if said else 0.0


def test_the_past_is_shown_frame_by_frame(server: Server, open_page: OpenPage) -> None:
    """Keys go back five seconds, pause, step and play; what is shown is what was sent, and said to be old."""
    scene = [sha256(jpeg).hexdigest() for jpeg in moving_pictures("cam", DUSK, size=(640, 360))]
    with cameras(server, [("cam", "Cam")], fps=10), cameras(server, [("other", "Other")], fps=10):
        page = open_page(f"{server.url}/")
        wait_until(lambda: status(page, "cam") == "live", "live")
        page.locator('[data-camera="cam"] .sky-tile__open').click()
        wait_until(lambda: page.locator(".sky-timeline").count(), "the timeline is there")
        wait_for_frames(server, "cam", 40)
        page.keyboard.press("ArrowLeft")
        wait_until(lambda: 3 < back(page) < 13, "it is ten seconds back, or as far as there is")
        page.keyboard.press(" ")
        wait_until(lambda: "paused" in page.locator(".sky-pill").inner_text(), "it stands still")
        clock = page.locator('[data-figure="clock"]').inner_text()
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d", clock)
        # The page says "paused" a moment before the picture stands still.
        wait_until(lambda: shown(page, scene) == shown(page, scene), "the picture stands still")
        before = shown(page, scene)
        wait_for_frames(server, "cam", 10)
        assert shown(page, scene) == before
        # Forward first: the picture may be the oldest that there is.
        for _ in range(3):
            page.keyboard.press(".")
        wait_until(lambda: shown(page, scene) == (before + 3) % len(scene), "three frames on")
        page.keyboard.press(",")
        wait_until(lambda: shown(page, scene) == (before + 2) % len(scene), "one frame back")
        assert serious_problems(page) == []
        was = back(page)
        page.keyboard.press(" ")
        wait_for_frames(server, "cam", 20)
        assert back(page) == pytest.approx(was, abs=1.5)
        page.get_by_role("button", name="Go live").click()
        wait_until(lambda: back(page) == 0, "it is live again")
        wait_until(lambda: page.locator(".sky-view").get_attribute("data-status") == "live", "and says so")


def test_a_hand_on_the_timeline(server: Server, open_page: OpenPage) -> None:
    """The timeline is dragged on a phone, and leaving the full size leaves the past."""
    with cameras(server, [("cam", "Cam")], fps=10):
        page = open_page(f"{server.url}/", size=(390, 844), has_touch=True, is_mobile=True)
        wait_until(lambda: status(page, "cam") == "live", "live")
        wait_for_frames(server, "cam", 40)
        page.locator(".sky-tile__open").tap()
        slider = page.get_by_role("slider", name="Position")
        wait_until(slider.is_visible, "the timeline is there")
        box = slider.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < 390
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        wait_until(lambda: back(page) > 1, "it is in the past")
        page.get_by_role("button", name="Back to all cameras").tap()
        page.locator(".sky-tile__open").tap()
        wait_until(slider.is_visible, "the timeline is there again")
        assert back(page) == 0


SAMPLE = """(milliseconds) => new Promise((resolve) => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const samples = [];
  const started = performance.now();
  const look = (at) => {
    const picture = document.querySelector(".sky-view__place canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    context.drawImage(picture, 0, 0);
    // Boxes are drawn in the pixels of the screen, so a picture with boxes is larger than its frame of 320 pixels.
    const scale = picture.width / 320;
    const pixel = (x, y) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
    samples.push([pixel(10 * scale, 10 * scale), pixel(100 * scale, 140 * scale)]);
    if (at - started < milliseconds) requestAnimationFrame(look);
    else resolve(samples);
  };
  requestAnimationFrame(look);
})"""
"""What is seen of the picture, and at the left edge of the box, at each repaint."""


def level(sequence: int) -> int:
    """Return how bright a frame is, by which it is known again."""
    return 16 + 8 * (sequence % 28)


@contextmanager
def found_later(server: Server, fps: float, delay: float) -> Iterator[None]:
    """Have a camera and a program that posts a box for each of its frames, coloured like it, after a while."""
    pictures = {brightness: solid_jpeg(brightness) for brightness in map(level, range(28))}
    over = threading.Event()

    def feed(connection: ClientConnection) -> None:
        started = time.monotonic()
        frames = [(started + sequence / fps, sequence, False) for sequence in range(1, 1000)]
        boxes = [(when + delay, sequence, True) for when, sequence, _ in frames]
        for when, sequence, is_box in sorted(frames + boxes):
            if over.wait(max(0.0, when - time.monotonic())):
                return
            if is_box:
                post_box(server, sequence)
            else:
                connection.send(pictures[level(sequence)])

    with registered(server, "cam", "Cam") as connection, feeding(feed, connection, over):
        yield


def solid_jpeg(brightness: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (320, 240), (brightness,) * 3).save(written, "JPEG", quality=95)
    return written.getvalue()


def post_box(server: Server, sequence: int) -> None:
    box = {"x": 100, "y": 100, "width": 120, "height": 80, "label": HOSTILE, "score": 0.9}
    found = {"sequence": sequence, "boxes": [{**box, "color": f"#{level(sequence):02x}00ff"}]}
    request = urllib.request.Request(
        f"{server.url}/api/clients/cam/results", json.dumps(found).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def test_boxes_are_drawn_on_their_own_frame(server: Server, open_page: OpenPage, record_property: Record) -> None:
    """Boxes that come 100 ms after their frame are seen with that frame and no other, and can be switched off."""
    with found_later(server, fps=12, delay=0.1):
        page = open_page(f"{server.url}/")
        wait_until(lambda: status(page, "cam") == "live", "live")
        page.locator(".sky-tile__open").click(position={"x": 20, "y": 20})
        switch = page.get_by_role("button", name="Boxes on the pictures")
        wait_until(switch.is_visible, "the page knows of results")
        page.get_by_role("button", name="Exact").click()
        wait_for_frames(server, "cam", 12)
        samples = page.evaluate(SAMPLE, 4000)
        boxed = [(picture, edge) for picture, edge in samples if edge[2] > 200 and edge[1] < 60]
        record_property("repaints with a box, of all", (len(boxed), len(samples)))
        astray = [(picture, edge) for picture, edge in boxed if abs(picture[0] - edge[0]) > 3]
        assert astray == []
        assert len({picture[0] for picture, _ in boxed}) > 10
        assert page.evaluate("() => window.hacked") is None
        switch.click()
        assert switch.get_attribute("aria-pressed") == "false"

        def no_boxes() -> bool:
            return all(max(edge) - min(edge) < 20 for _, edge in page.evaluate(SAMPLE, 500))

        wait_until(no_boxes, "no box is drawn")
        assert no_boxes()


def test_a_clip_is_saved_and_played(server: Server, open_page: OpenPage) -> None:
    """The chosen part of what the server keeps is downloaded as MP4 or as an archive, and the page plays the MP4."""
    with cameras(server, [("cam", "Cam")], fps=10):
        page = open_page(f"{server.url}/")
        wait_until(lambda: status(page, "cam") == "live", "live")
        wait_for_frames(server, "cam", 40)
        page.locator(".sky-tile__open").click()
        page.get_by_role("button", name="Back 10 seconds").click()
        wait_until(lambda: back(page) > 2, "it is in the past")
        begun = time.monotonic()
        page.keyboard.press("[")
        wait_for_frames(server, "cam", 15)
        page.keyboard.press("]")
        lasted = time.monotonic() - begun
        with page.expect_download() as download:
            page.get_by_role("button", name="Save MP4").click()
        assert re.fullmatch(r"cam_[\d_.-]+[+-]\d+\.mp4", download.value.suggested_filename)
        with av.open(str(download.value.path())) as film:
            assert film.streams.video[0].codec_context.name == "h264"
            assert 3 <= sum(1 for packet in film.demux(video=0) if packet.size) <= 10 * (lasted + 1)
        playing = "(video) => video.currentTime > 0 && video.loop"
        wait_until(lambda: page.locator("video").evaluate(playing), "the page plays what it has saved")
        assert serious_problems(page) == []
        with page.expect_download() as download:
            page.get_by_role("button", name="Other formats").click()
            page.get_by_role("button", name="ZIP").click()
        assert download.value.suggested_filename.endswith(".zip")


def seconds_apart(clocks: set[str]) -> int:
    """Return the time between the first and the last of these times of day."""
    parts = [[int(part) for part in clock.split(":")] for clock in clocks]
    seconds = [3600 * hours + 60 * minutes + second for hours, minutes, second in parts]
    return max(seconds) - min(seconds)


def test_a_wall_is_played_back_in_step(server: Server, open_page: OpenPage) -> None:
    """Two cameras show the same moment, the address keeps it, and a camera that is opened shows it too."""
    with cameras(server, [("a", "A"), ("b", "B")], fps=10):
        wait_for_frames(server, "a", 40)
        page = open_page(f"{server.url}/")
        wait_until(lambda: status(page, "a") == status(page, "b") == "live", "live")
        page.get_by_role("button", name="Play back all").click()
        page.get_by_role("button", name="All cameras back 10 seconds").click()
        page.get_by_role("button", name="Pause all cameras").click()
        replays = page.locator('.sky-tile[data-playback="true"]')
        wait_until(lambda: replays.count() == 2, "both are in the past")

        def clocks() -> set[str]:
            return set(page.locator(".sky-tile__note").all_inner_texts())

        # The page may round two frames of the same moment to different seconds.
        wait_until(lambda: seconds_apart(clocks()) <= 1, "both show the same moment")
        wait_until(lambda: "at=" in page.evaluate("location.search"), "the moment is in the address")
        assert serious_problems(page) == []
        shown = clocks()
        # None of them is live, so the head says the moment instead of their number.
        said = page.locator(".page-count").inner_text()
        assert seconds_apart({*shown, said.removeprefix("Replay · ")}) <= 1
        page.reload()
        wait_until(lambda: replays.count() == 2 and clocks() == shown, "the same moment again")
        page.locator('[data-camera="b"] .sky-tile__open').click()
        wait_until(lambda: page.locator('[data-figure="clock"]').count(), "the camera is in the past")
        assert page.locator('[data-figure="clock"]').inner_text()[:8] in shown
        page.get_by_role("button", name="Back to all cameras").click()
        wait_until(lambda: replays.count() == 2, "both are in the past again")
        page.locator(".wall-bar").get_by_role("button", name="Go live").click()
        wait_until(lambda: status(page, "a") == status(page, "b") == "live", "live again")
        assert replays.count() == 0


def test_marks_of_the_time_before_the_page(server: Server, open_page: OpenPage) -> None:
    """A page that is opened after something was found marks it on the timeline."""
    with cameras(server, [("cam", "Cam")], fps=10):
        wait_for_frames(server, "cam", 20)
        post_box(server, 10)
        page = open_page(f"{server.url}/?view=cam")
        wait_until(lambda: page.locator(".sky-timeline__mark").count() == 1, "the mark is there")
