"""On a link too narrow for the stream, a viewer that acknowledges sees what is now; on a long one it gets all."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from benchmarks.far_host import FarHost
from websockets.sync.client import connect

from tests.e2e.namespaces import far_host
from tests.e2e.narrow_link import Way, narrow_link_in_thread
from tests.e2e.processes import PATIENCE, running
from tests.wire.pictures import draw_jpeg

pytestmark = pytest.mark.e2e

Record = Callable[[str, object], None]

VIEWER = str(Path(__file__).with_name("far_viewer.py"))
LINK = 4e6 / 8
"""Bytes a second."""
SETTLED = 3.0
"""Seconds after which a viewer's socket and window have found their pace."""
_FRAME_SIZE = 50_000


def jpeg_of(size: int) -> bytes:
    """Return a whole JPEG of about that many bytes, most of them comment."""
    picture = draw_jpeg()
    rest = size - len(picture) - 4
    return picture[:2] + b"\xff\xfe" + (rest + 2).to_bytes(2, "big") + bytes(rest) + picture[2:]


@contextmanager
def camera(server: str, camera_id: str, fps: float) -> Iterator[None]:
    """Send frames that say when they were taken, whatever anybody needs."""
    stop = threading.Event()

    def send_all() -> None:
        jpeg = jpeg_of(_FRAME_SIZE)
        with connect(f"ws://{server}/ws", compression=None) as websocket:
            words = {"type": "client-registration", "clientId": camera_id, "capabilities": ["envelope"]}
            websocket.send(json.dumps(words))
            websocket.recv(PATIENCE)
            due = time.monotonic()
            while not stop.wait(max(0.0, due - time.monotonic())):
                header = json.dumps({"capturedAt": time.time() * 1000}).encode()
                websocket.send(len(header).to_bytes(2, "big") + header + jpeg)
                due += 1 / fps

    thread = threading.Thread(target=send_all)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


@frozen
class Seen:
    """What a viewer saw of one camera once it had found its pace."""

    ages: list[float]
    bytes_per_second: float
    fps: float
    told: float | None
    """Mean age as the server tells it."""

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.ages, n=100)[percent - 1]

    def __str__(self) -> str:
        ages = ", ".join(f"p{percent} {self.percentile(percent):.2f} s" for percent in (50, 99))
        return f"age {ages}, {self.fps:.1f} frames/s, {8e-6 * self.bytes_per_second:.2f} Mbit/s"


def watch(command: list[str], seconds: float) -> dict[str, Seen]:
    """Run a viewer for so many seconds, not counting those until it has found its pace."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + PATIENCE)
    said: dict[str, Any] = json.loads(done.stdout)
    return {camera_id: _see(camera_id, said, seconds) for camera_id in said["frames"]}


def _see(camera_id: str, said: dict[str, Any], seconds: float) -> Seen:
    late = [(age, size) for at, age, size in said["frames"][camera_id] if at >= SETTLED]
    # The first that is told after that is about frames of before.
    told = [(frames, age) for of, at, frames, age in said["told"] if of == camera_id and at >= SETTLED][1:]
    mean = sum(frames * age for frames, age in told) / sum(frames for frames, _ in told) if told else None
    return Seen([age for age, _ in late], sum(size for _, size in late) / seconds, len(late) / seconds, mean)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that all hosts reach, as its port."""
    with running("serve", "--host", "0.0.0.0", "--open", "--port", "0") as program:
        yield program.wait_for_line(r"0\.0\.0\.0:(\d+)").group(1)


@pytest.fixture
def narrow() -> Iterator[FarHost]:
    """A host behind 4 Mbit/s and a modem that buffers a second of it."""
    with far_host("4mbit", int(LINK)) as host:
        yield host


def far_viewer(host: FarHost, port: str, seconds: float) -> dict[str, Seen]:
    command = host.command(sys.executable, VIEWER, f"{host.our_address}:{port}", str(SETTLED + seconds))
    return watch(command, seconds)


@pytest.mark.timed
def test_a_viewer_behind_a_modem_sees_what_is_now(server: str, narrow: FarHost, record_property: Record) -> None:
    """12 Mbit/s through 4, with a second of buffer on the way: a full link and fresh pictures, thanks to the acks."""
    with camera(f"127.0.0.1:{server}", "door", 30):
        paced = far_viewer(narrow, server, 10)["door"]

    record_property("seen", str(paced))
    assert paced.percentile(50) <= 0.35, paced
    assert paced.percentile(99) <= 0.7, paced
    assert paced.bytes_per_second >= 0.85 * LINK, paced
    assert paced.told == pytest.approx(statistics.mean(paced.ages), abs=0.02)


@pytest.mark.timed
def test_a_fast_camera_leaves_a_slow_one_its_turn(server: str, narrow: FarHost, record_property: Record) -> None:
    """60 and 5 frames a second over a link for less than ten."""
    with camera(f"127.0.0.1:{server}", "fast", 60), camera(f"127.0.0.1:{server}", "slow", 5):
        seen = far_viewer(narrow, server, 6)

    record_property("slow", str(seen["slow"]))
    record_property("fast", str(seen["fast"]))
    assert seen["slow"].fps >= 4.5, seen["slow"]


@pytest.mark.timed
def test_a_long_and_wide_link_carries_every_frame(server: str, record_property: Record) -> None:
    """40 ms each way do not slow down who acknowledges."""
    up, down = Way(delay=0.04), Way(delay=0.04)
    with (
        camera(f"127.0.0.1:{server}", "door", 30),
        narrow_link_in_thread(int(server), up=up, down=down) as link,
    ):
        address = f"127.0.0.1:{link.port}"
        seen = watch([sys.executable, VIEWER, address, str(SETTLED + 6)], 6)["door"]

    record_property("seen", str(seen))
    # A window of two frames would let 24 a second through; a machine with other things to do may miss some of 30.
    assert seen.fps >= 27, seen
