"""A camera on the command line sends what is needed: next to nothing while nobody watches, all when somebody does."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.client import Frame, Viewer
from tests.e2e.narrow_link import Way, narrow_link_in_thread
from tests.e2e.processes import PATIENCE, running, running_server

pytestmark = pytest.mark.e2e

FPS = 30


@contextmanager
def viewer(server: str) -> Iterator[ClientConnection]:
    """Watch the pattern."""
    with connect(f"ws://{server}/stream/ws?format=jpeg&client=pattern", close_timeout=1) as websocket:
        yield websocket


def frames_seen(websocket: ClientConnection, seconds: float) -> int:
    """Count the frames that a viewer gets in so many seconds."""
    deadline, frames = time.monotonic() + seconds, 0
    while (left := deadline - time.monotonic()) > 0:
        try:
            websocket.recv(left)
        except TimeoutError:
            break
        frames += 1
    return frames


def bytes_received(server: str, seconds: float) -> float:
    """Return the bytes that the camera sends in so many seconds; to read a picture would be a need of its own."""
    before = details(server)
    time.sleep(seconds)
    return details(server)["byteCount"] - before["byteCount"]


def details(server: str) -> dict[str, int]:
    cameras = httpx.get(f"http://{server}/api/clients").json()["details"]
    return dict(cameras[0]) if cameras else {"byteCount": 0}


@pytest.mark.timed
def test_traffic_follows_demand() -> None:
    """Below 5 % two seconds after the last viewer left, 20 frames a second and more one second after the next came."""
    with (
        running_server() as server,
        running("capture", "pattern", "--fps", str(FPS), "--width", "320", "--server", server) as camera,
    ):
        camera.wait_for_line("pattern  live")
        with viewer(server) as first:
            frames_seen(first, 1)
            full = bytes_received(server, 2)
            assert full > 0
        time.sleep(2)
        assert bytes_received(server, 6) < 0.05 * 3 * full
        with viewer(server) as second:
            frames_seen(second, 1)
            assert frames_seen(second, 2) >= 2 * 20


def frames_of(viewer: Viewer, seconds: float) -> list[tuple[Frame, float]]:
    """Return the frames that arrive in so many seconds, with their ages at that moment."""
    seen = []
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            frame = viewer.receive(left)
        except TimeoutError:
            break
        seen.append((frame, frame.age))
    return seen


def typical_size(seen: list[tuple[Frame, float]]) -> float:
    return statistics.median(len(frame.jpeg) for frame, _ in seen)


@pytest.mark.timed
def test_a_camera_adapts_to_its_uplink() -> None:
    """With a quarter of what it needs and a queue of a second, its pictures get smaller and stay fresh; and back."""
    up = Way(queue=1.0)
    with (
        running_server() as server,
        narrow_link_in_thread(int(server.rpartition(":")[2]), up=up) as link,
        running("capture", "pattern", "--fps", "20", "--quality", "95", "--server", f"127.0.0.1:{link.port}") as camera,
        Viewer(f"http://{server}", "pattern") as viewer,
    ):
        camera.wait_for_line("pattern  live")
        frames_of(viewer, 1)
        started, before = time.monotonic(), up.carried
        full = typical_size(frames_of(viewer, 3))
        up.rate = (up.carried - before) / (time.monotonic() - started) / 4
        frames_of(viewer, 5)
        narrow = frames_of(viewer, 4)
        assert typical_size(narrow) < full / 2
        assert statistics.median(age for _, age in narrow) < 0.5
        assert len(narrow) >= 4 * 20 / 2
        up.rate = math.inf
        deadline = time.monotonic() + 2 * PATIENCE
        while typical_size(frames_of(viewer, 1)) < 0.9 * full:
            assert time.monotonic() < deadline
