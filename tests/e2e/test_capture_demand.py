"""A capture page sends what is needed and what its uplink carries, in a real browser behind a link that changes."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from attrs import Factory, define, frozen
from playwright.sync_api import Page
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.browser import CHROMIUM, Server, wait_for_frames, wait_until
from tests.e2e.narrow_link import Way, narrow_link_in_thread

from .conftest import OpenPage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

Record = Callable[[str, object], None]


@frozen
class Sighting:
    """A frame at a viewer."""

    at: float
    """Seconds since the epoch."""
    age: float
    """Seconds since it was taken."""


@define
class Viewer:
    """What has been seen so far."""

    sightings: list[Sighting] = Factory(list)

    def since(self, at: float) -> list[Sighting]:
        return [sighting for sighting in list(self.sightings) if sighting.at >= at]

    def fps(self, seconds: float) -> float:
        """Return the rate over the last seconds."""
        return len(self.since(time.time() - seconds)) / seconds

    def oldest(self, seconds: float) -> float:
        """Return the greatest age in the last seconds but for a tenth of the frames: a machine may be busy."""
        ages = sorted(sighting.age for sighting in self.since(time.time() - seconds))
        return ages[len(ages) * 9 // 10] if ages else float("inf")


@contextmanager
def watching(server: Server, camera_id: str) -> Iterator[Viewer]:
    """Watch a camera from a thread, beside the link that the page has."""
    viewer = Viewer()

    def follow(connection: ClientConnection) -> None:
        try:
            for message in connection:
                now = time.time()
                if isinstance(message, bytes):
                    header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
                    captured_at = header["capturedAt"]
                    age = float("inf") if captured_at is None else now - captured_at / 1000
                    viewer.sightings.append(Sighting(now, age))
        except ConnectionClosed:
            return

    address = f"ws://127.0.0.1:{server.port}/stream/ws?client={camera_id}"
    with connect(address, compression=None, max_size=None) as connection:
        follower = threading.Thread(target=follow, args=(connection,), daemon=True)
        follower.start()
        yield viewer
        connection.close()
    follower.join(10)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def on_air(page: Page) -> bool:
    return page.locator(".sky-link").get_attribute("data-link") == "on-air"


def words(page: Page) -> str:
    """Return what the page says of what it sends."""
    return " ".join(page.locator(".sky-sending").all_inner_texts())


def frames_of(server: Server, camera_id: str) -> int:
    """Return how many frames the server has got from a camera."""
    camera = server.camera(camera_id)
    assert camera is not None
    return int(camera["frameCount"])


def rate(way: Way, seconds: float) -> float:
    """Return how many bytes a second go a way."""
    before, began = way.carried, time.monotonic()
    time.sleep(seconds)
    return (way.carried - before) / (time.monotonic() - began)


@pytest.mark.timed
def test_a_page_sends_only_while_somebody_watches(server: Server, open_page: OpenPage, record_property: Record) -> None:
    """With nobody watching, less than a twentieth is sent within 2 s; a viewer has 20 fps within a second or two."""
    with narrow_link_in_thread(server.port) as link:
        page = open_page(f"http://localhost:{link.port}/capture?autostart=1&id=cam&fps=30&width=640")
        wait_until(lambda: on_air(page), "the camera is on the air")
        with watching(server, "cam") as viewer:
            wait_until(lambda: viewer.fps(1) >= 20, "frames flow")
            watched = rate(link.up, 2)
            assert re.match(r"\d+ fps · 640 px", words(page))
        wait_until(lambda: "Nobody watches, so few pictures are sent." in words(page), "nobody watches")
        alone = rate(link.up, 6)
        record_property("bytes a second, watched and alone", (round(watched), round(alone)))
        assert 0 < alone < 0.05 * watched
        assert "one picture every 5 s" in words(page)
        assert "Nobody watches, so few pictures are sent." in words(page)
        with watching(server, "cam") as viewer:
            waited = wait_until(lambda: viewer.fps(0.5) >= 20, "a viewer that comes sees the full rate", patience=3)
        record_property("seconds until 20 fps", round(waited, 2))


def test_a_page_that_is_told_to_sends_always(server: Server, open_page: OpenPage) -> None:
    """With the switch off, by the address or by hand, nothing changes while nobody watches."""
    page = open_page(f"{server.url}/capture?autostart=1&id=cam&fps=10&width=320&demand=0")
    wait_until(lambda: on_air(page), "the camera is on the air")
    # At one picture every 5 s, these would need more time than there is.
    wait_for_frames(server, "cam", 20)
    assert re.match(r"[\d.]+ fps · 320 px", words(page))
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Send only what is needed").check()
    wait_until(lambda: "one picture every 5 s" in words(page), "it obeys")
    before = frames_of(server, "cam")
    time.sleep(2)
    assert frames_of(server, "cam") <= before + 2
    page.get_by_label("Send only what is needed").uncheck()
    wait_for_frames(server, "cam", 20)
    assert re.match(r"[\d.]+ fps · 320 px", words(page))


@pytest.mark.timed
def test_a_page_adapts_to_a_narrow_uplink(server: Server, open_page: OpenPage, record_property: Record) -> None:
    """At a quarter of what it needs the page gives up quality and stays fresh; freed, it takes all of it back."""
    with (
        narrow_link_in_thread(server.port, up=Way(delay=0.01), down=Way(delay=0.01)) as link,
        watching(server, "cam") as viewer,
    ):
        page = open_page(f"http://localhost:{link.port}/capture?autostart=1&id=cam&fps=30&width=640")
        wait_until(lambda: viewer.fps(1) >= 20, "frames flow")
        wait_until(lambda: viewer.fps(3) >= 20, "frames have flown for three seconds")
        needed = rate(link.up, 2)
        before = viewer.fps(3)
        assert viewer.oldest(3) < 0.5
        assert "narrow" not in words(page)

        link.up.rate = needed / 4
        narrow = wait_until(lambda: "narrow" in words(page), "the page says that the uplink is narrow", patience=5)
        record_property("seconds until it adapted", round(narrow, 1))
        record_property("worst while it adapts", max(sighting.age for sighting in viewer.since(time.time() - narrow)))
        wait_until(
            lambda: viewer.oldest(1.5) < 0.5 and viewer.fps(1.5) > before / 2, "pictures are fresh again", patience=8
        )
        goal = len(viewer.sightings) + round(5 * before / 2)
        wait_until(lambda: len(viewer.sightings) >= goal, "frames flow at half the rate at least")
        record_property("age and rate then", (round(viewer.oldest(5), 3), round(viewer.fps(5), 1), words(page)))
        assert viewer.oldest(5) < 0.5
        assert viewer.fps(5) > before / 2

        link.up.rate = 4 * needed
        freed = wait_until(lambda: "narrow" not in words(page), "it has taken everything back", patience=45)
        record_property("seconds until it was back", round(freed, 1))
        wait_until(lambda: viewer.fps(2) > 0.8 * before, "the rate is back")
        assert rate(link.up, 2) > 0.7 * needed
