"""The capture page helps itself: cameras that vanish, tabs that share an id, servers that refuse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page

from tests.e2e.browser import CHROMIUM, Proxy, Server, link, wait_for_frames, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]

# A camera that the test can unplug, mute and take for another program. `failures` is how often it cannot be opened.
CAMERA = """
// The empty page before the first one has no cameras.
const devices = navigator.mediaDevices ?? { getUserMedia() {} };
const real = devices.getUserMedia.bind(devices);
window.camera = { failures: FAILURES, name: "NotReadableError", asked: 0, track: null, listeners: [] };
devices.getUserMedia = async (options) => {
  camera.asked++;
  if (camera.failures > 0) {
    camera.failures--;
    throw new DOMException("not now", camera.name);
  }
  const stream = await real(options);
  const track = (camera.track = stream.getVideoTracks()[0]);
  // In Firefox, listeners of a track do not hear what a script dispatches.
  track.addEventListener = (type, listener) => camera.listeners.push([track, type, listener]);
  return stream;
};
window.signal = (signalled) => {
  for (const [track, type, listener] of camera.listeners)
    if (track === camera.track && type === signalled) listener(new Event(type));
};
window.unplug = (failures, name) => {
  Object.assign(camera, { failures, name });
  camera.track.stop();
  signal("ended");
};
"""


# A phone with a camera at each side; `sides` is which were opened.
TWO_SIDES = """
window.sides = [];
// The empty page before the first one has no cameras.
const devices = navigator.mediaDevices ?? { getUserMedia() {}, enumerateDevices() {} };
const real = devices.getUserMedia.bind(devices);
devices.getUserMedia = (options) => {
  sides.push(options.video.facingMode.ideal);
  return real(options);
};
const list = devices.enumerateDevices.bind(devices);
devices.enumerateDevices = async () => [
  ...(await list()),
  { kind: "videoinput", deviceId: "back", label: "Back" },
];
const match = window.matchMedia.bind(window);
window.matchMedia = (query) => match(query === "(pointer: coarse)" ? "all" : query);
"""


# A camera that sees a room; while `walking` is true, a figure walks through it.
ROOM = """
window.walking = false;
const room = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
const context = room.getContext("2d");
let at = 0;
setInterval(() => {
  context.fillStyle = "#aaa";
  context.fillRect(0, 0, 320, 180);
  if (walking) at = (at + 10) % 300;
  context.fillStyle = "#333";
  if (walking) context.fillRect(at, 40, 24, 110);
}, 100);
// The empty page before the first one has no cameras.
const devices = navigator.mediaDevices ?? { getUserMedia() {} };
devices.getUserMedia = async () => room.captureStream(10);
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def words(page: Page) -> str:
    return page.locator(".sky-link").inner_text()


def failure(page: Page) -> str | None:
    """Return the kind of the failure that the page shows."""
    notice = page.locator("[data-failure]")
    return notice.get_attribute("data-failure") if notice.count() else None


def type_name(page: Page, name: str) -> None:
    """Replace the name of the camera by hand; Firefox shows the page no input that Playwright fills in."""
    field = page.get_by_label("Name")
    field.press("ControlOrMeta+a")
    field.press_sequentially(name)
    field.press("Enter")


@pytest.mark.parametrize("name", ["NotReadableError", "AbortError", "NotFoundError"])
def test_a_camera_that_was_unplugged_is_opened_again(server: Server, open_page: OpenPage, name: str) -> None:
    """The page says that it waits, tries again with back-off, and goes on; nobody touches it."""
    page = open_page(
        f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0", before=CAMERA.replace("FAILURES", "0")
    )
    wait_for_frames(server, "cam", 5)
    page.evaluate("name => unplug(4, name)", name)
    wait_until(lambda: words(page) == "Waiting for the camera", "the page says that it waits")
    assert failure(page) in {"camera-lost", "camera-in-use", "no-camera"}
    wait_until(lambda: link(page) == "on-air", "it has the camera again")
    wait_for_frames(server, "cam", 10)
    assert failure(page) is None


def test_a_page_without_a_person_waits_for_its_first_camera(server: Server, open_page: OpenPage) -> None:
    """With autostart=1, a camera that is in use at first is opened as soon as it is free."""
    page = open_page(
        f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0", before=CAMERA.replace("FAILURES", "3")
    )
    wait_until(lambda: failure(page) == "camera-in-use", "the page says why it waits")
    wait_for_frames(server, "cam", 5)


def test_a_camera_that_comes_back_is_tried_at_once(server: Server, open_page: OpenPage) -> None:
    """The browser's report of a new device ends the wait."""
    page = open_page(
        f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0", before=CAMERA.replace("FAILURES", "0")
    )
    wait_for_frames(server, "cam", 5)
    page.evaluate("unplug(1000, 'NotFoundError')")
    wait_until(lambda: page.evaluate("camera.asked") > 6, "it has tried several times")
    page.evaluate("camera.failures = 0; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    wait_until(lambda: link(page) == "on-air", "it goes on at once")


def test_a_paused_camera_is_not_on_the_air(server: Server, open_page: OpenPage) -> None:
    """While the system has taken the camera away, the page does not claim to send."""
    page = open_page(
        f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0", before=CAMERA.replace("FAILURES", "0")
    )
    wait_for_frames(server, "cam", 5)
    page.evaluate("signal('mute')")
    wait_until(lambda: words(page) == "Waiting for the camera", "the page says that it waits")
    assert failure(page) == "camera-muted"
    assert page.locator(".sky-sending").inner_text().strip() == ""
    page.evaluate("signal('unmute')")
    wait_until(lambda: link(page) == "on-air", "it goes on")
    wait_for_frames(server, "cam", 5)


def test_two_tabs_of_one_browser_are_two_cameras(server: Server, open_page: OpenPage) -> None:
    """The second tab gets an id of its own; neither throws the other off, and a reload keeps the id."""
    first = open_page(f"{server.url}/capture")
    first.get_by_role("button", name="Go live").click()
    wait_until(lambda: link(first) == "on-air", "the first is on the air")
    second = first.context.new_page()
    second.goto(f"{server.url}/capture")
    second.get_by_role("button", name="Go live").click()
    wait_until(lambda: link(second) == "on-air", "the second is on the air")
    own, other = (page.get_by_label("Camera id").input_value() for page in (first, second))
    assert other == f"{own}-2"
    assert link(first) == "on-air"
    second.wait_for_function("id => location.search.includes(id)", arg=other)
    second.reload()
    assert second.get_by_label("Camera id").input_value() == other


def test_a_phone_shows_what_is_behind_it(server: Server, open_page: OpenPage) -> None:
    """The button for the other side opens that camera, and its pictures go on where the others were."""
    page = open_page(
        f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0", before=TWO_SIDES, size=(390, 844)
    )
    wait_for_frames(server, "cam", 5)
    page.get_by_role("button", name="Other side").click()
    wait_until(lambda: page.evaluate("sides") == ["environment", "user"], "the other camera is asked for")
    wait_for_frames(server, "cam", 10)
    assert link(page) == "on-air"
    assert failure(page) is None


def test_the_page_tells_refused_from_unreachable(server: Server, open_page: OpenPage) -> None:
    """Behind a proxy that changes the Host, the server refuses the page's origin; without a server nothing answers."""
    with Proxy(server, host="backend.localhost:8080") as proxy:
        page = open_page(f"{proxy.url}/capture?autostart=1&id=cam&fps=10&width=320")
        wait_until(lambda: failure(page) == "origin-refused", "the page says that it is refused")
        server.kill()
        wait_until(lambda: failure(page) == "server-gone", "the page says that nobody answers")


def test_pictures_that_are_too_large_become_smaller(open_page: OpenPage) -> None:
    """A page whose pictures the server refuses does not reconnect for ever."""
    with Server("--max-frame-size", "12kB") as server:
        page = open_page(
            f"{server.url}/capture?autostart=1&id=cam&fps=10&width=640&quality=1&demand=0",
            before="""
            window.sockets = 0;
            const Real = WebSocket;
            window.WebSocket = class extends Real { constructor(...all) { super(...all); sockets++; } };
            """,
        )
        wait_for_frames(server, "cam", 30)
        sockets = page.evaluate("sockets")
        assert sockets <= 6
        wait_for_frames(server, "cam", 30)
        assert page.evaluate("sockets") == sockets
        assert "takes no larger pictures" in page.locator(".sky-sending").inner_text()


def test_a_page_that_is_stopped_says_so(server: Server, open_page: OpenPage) -> None:
    """The server tells a camera that was stopped on purpose from one that was lost."""
    page = open_page(f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0")
    wait_for_frames(server, "cam", 5)
    page.get_by_role("button", name="Stop").click()
    wait_until(lambda: (server.camera("cam") or {}).get("stopped"), "the server knows that it was stopped")
    assert "The server knows that you stopped" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Go live again").click()
    wait_for_frames(server, "cam", 5)
    assert "stopped" not in (server.camera("cam") or {})
    page.context.close()
    wait_until(lambda: not (server.camera("cam") or {}).get("online"), "the camera is gone")
    assert "stopped" not in (server.camera("cam") or {})


@pytest.mark.parametrize(
    "missing",
    [
        "delete window.MediaStreamTrackProcessor",
        "delete window.MediaStreamTrackProcessor; delete window.OffscreenCanvas",
    ],
)
def test_the_first_picture_comes_at_once_in_lesser_browsers(server: Server, open_page: OpenPage, missing: str) -> None:
    """Even while nobody watches and only a picture in five seconds is wanted."""
    page = open_page(f"{server.url}/capture?autostart=1&id=cam&fps=15&width=320", before=missing)
    wait_until(lambda: link(page) == "on-air", "the camera is on the air")
    waited = wait_until(lambda: (server.camera("cam") or {}).get("frameCount"), "the first picture is there")
    assert waited < 5


def test_a_person_sees_the_picture_before_anybody_else(server: Server, open_page: OpenPage) -> None:
    """The preview sends nothing. It starts by itself only where the camera is allowed already, and without a name."""
    page = open_page(f"{server.url}/capture?width=320")
    page.get_by_role("button", name="Go live").wait_for()
    wait_until(lambda: page.locator("video").evaluate("(video) => video.videoWidth"), "the picture is there")
    assert link(page) == "off"
    assert server.get_json("/api/clients")["details"] == []
    type_name(page, "Front door")
    page.wait_for_function("() => location.search.includes('id=front-door-')")
    page.get_by_role("button", name="Go live").click()
    wait_until(lambda: link(page) == "on-air", "the camera is on the air")
    (details,) = server.get_json("/api/clients")["details"]
    assert details["name"] == "Front door"
    assert details["clientId"].startswith("front-door-")
    assert page.title().startswith("● Front door is live")
    type_name(page, "Back door")
    wait_until(lambda: (server.camera(details["clientId"]) or {}).get("name") == "Back door", "the name is new")
    shared = page.locator(".sky-watch a").first.get_attribute("href")
    assert shared == f"{server.url}/?client={details['clientId']}"
    viewer = open_page(shared)
    wait_until(lambda: page.locator(".sky-chip", has_text="1").count(), "the camera counts its viewer")
    assert viewer.url.startswith(server.url)


def test_a_camera_is_operated_with_the_keyboard_alone(server: Server, open_page: OpenPage) -> None:
    """Every control of a phone's page is reached with Tab, and Escape leaves each sheet to where one was."""
    page = open_page(f"{server.url}/capture?id=cam&width=320", size=(390, 844), has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Go live").wait_for()

    def tab_to(name: str) -> None:
        for _ in range(12):
            if page.evaluate("document.activeElement.textContent") == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {name}")

    def focused(name: str) -> bool:
        return bool(page.evaluate("document.activeElement.textContent") == name)

    tab_to("Go live")
    page.keyboard.press("Enter")
    wait_until(lambda: link(page) == "on-air", "the camera is on the air")
    for name in ("Settings", "Share"):
        tab_to(name)
        page.keyboard.press("Enter")
        page.locator(".sky-panel[data-sheet]").wait_for()
        page.keyboard.press("Escape")
        wait_until(lambda name=name: focused(name), f"the focus is on {name} again")  # type: ignore[misc]
    tab_to("Dark screen")
    page.keyboard.press("Enter")
    page.locator(".sky-dark").wait_for()
    wait_for_frames(server, "cam", 1)
    page.keyboard.press("Escape")
    wait_until(lambda: page.locator(".sky-dark").count() == 0, "the picture is back")
    tab_to("Stop")
    page.keyboard.press("Enter")
    wait_until(lambda: link(page) == "off", "the camera is off")


def test_a_live_camera_is_not_closed_by_accident(server: Server, open_page: OpenPage) -> None:
    """The browser asks before it leaves a page that sends, and not before it leaves a preview."""
    page = open_page(f"{server.url}/capture?id=cam&width=320")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.get_by_role("button", name="Go live").wait_for()
    page.reload()
    assert asked == []
    page.get_by_role("button", name="Go live").click()
    wait_until(lambda: link(page) == "on-air", "the camera is on the air")
    page.reload()
    assert asked == ["beforeunload"]


def test_every_state_has_a_reason_and_one_button(server: Server, open_page: OpenPage) -> None:
    """Refused and unreachable pages say so, and their only button does something."""
    refused = open_page(
        f"{server.url}/capture?id=cam", before=CAMERA.replace("FAILURES", "1").replace("NotReadable", "NotAllowed")
    )
    wait_until(lambda: failure(refused) == "permission-denied", "the page says that it is refused")
    assert "switch Camera on" in refused.get_by_role("alert").inner_text()
    refused.get_by_role("button", name="Ask again").click()
    refused.get_by_role("button", name="Go live").click()
    wait_until(lambda: link(refused) == "on-air", "the camera is on the air")
    server.kill()
    wait_until(lambda: failure(refused) == "server-gone", "the page says that nobody answers")
    refused.get_by_role("button", name="Retry now").click()
    server.start()
    wait_until(lambda: link(refused) == "on-air", "it is connected again")


def test_the_page_sees_motion_and_leaves_out_still_pictures(tmp_path: Path, open_page: OpenPage) -> None:
    """A figure that walks through a room makes one event, which ends; the empty room is sent once in ten seconds."""

    def events(running: Server) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = running.get_json("/api/clients/room/history/events")["events"]
        return found

    def camera(running: Server) -> dict[str, Any]:
        (found,) = running.get_json("/api/clients")["details"]
        return dict(found)

    with Server("--history", str(tmp_path), "--history-motion", "0.01", "--history-min-free", "0") as running:
        address = f"{running.url}/capture?autostart=1&id=room&fps=10&width=320&demand=0&skipStill=1"
        page = open_page(address, before=ROOM)
        wait_for_frames(running, "room", 15)
        still, size = camera(running), len(page.request.get(f"{running.url}/api/clients/room/latest.jpg").body())
        page.evaluate("walking = true")
        wait_until(lambda: [event["end"] for event in events(running)] == [None], "the event has begun")
        page.evaluate("walking = false")
        wait_until(lambda: len(events(running)) == 1 and events(running)[0]["end"] is not None, "the event has ended")

    assert still["byteCount"] < 0.2 * still["frameCount"] * size
