"""Programs that take their time with each frame: what they get is of now."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio
from websockets.sync.client import connect

from skysentry_trio.client import Box, Camera, Viewer
from tests.e2e.processes import PATIENCE, running, running_server

pytestmark = pytest.mark.e2e

FPS = 30
BUSY = 0.2
"""Seconds that a program takes for a frame."""
TURNS = 15
YOUNG = 0.06


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run a server with a camera that sends thirty frames a second to those who watch."""
    with (
        running_server() as server,
        running("capture", "pattern", "--fps", str(FPS), "--width", "320", "--server", server) as camera,
    ):
        camera.wait_for_line("pattern  live")
        yield f"http://{server}"


def judge(ages: list[float]) -> None:
    """Leave out the first turns, when the camera begins, and those in which a busy machine did something else."""
    steady = ages[5:]
    print(f"median {statistics.median(steady) * 1000:.0f} ms, oldest {max(steady) * 1000:.0f} ms")  # noqa: T201
    assert statistics.median(steady) < YOUNG
    assert sum(age < YOUNG for age in steady) >= 0.7 * len(steady)


@pytest.mark.timed
def test_a_blocking_program(url: str) -> None:
    """As it would run in a notebook."""
    ages = []
    with Viewer(url, "pattern") as viewer:
        for frame in viewer:
            ages.append(frame.age)
            time.sleep(BUSY)
            if len(ages) == TURNS:
                break
    judge(ages)


async def look(url: str, *, blocks: bool) -> list[float]:
    ages = []
    async with Viewer(url, "pattern") as viewer:
        async for frame in viewer:
            ages.append(frame.age)
            if blocks:
                time.sleep(BUSY)  # noqa: ASYNC251 - it is what programs do that compute
            elif trio.lowlevel.in_trio_run():
                await trio.sleep(BUSY)
            else:
                await asyncio.sleep(BUSY)
            if len(ages) == TURNS:
                break
    return ages


@pytest.mark.timed
async def test_a_trio_program(url: str) -> None:
    """That waits for others meanwhile."""
    judge(await look(url, blocks=False))


@pytest.mark.timed
async def test_a_trio_program_that_blocks(url: str) -> None:
    """It keeps its own loop from anything, but not the frames from arriving."""
    judge(await look(url, blocks=True))


@pytest.mark.timed
def test_an_asyncio_program(url: str) -> None:
    """The same."""
    # Playwright, once it has run in this process, keeps a loop in the main thread.
    with ThreadPoolExecutor(1) as thread:
        judge(thread.submit(lambda: asyncio.run(look(url, blocks=False))).result())


def test_from_program_to_program(url: str) -> None:
    """What one sends another sees, and may say something about."""
    with Camera(url, "scope") as camera, Viewer(url, "pattern") as pattern, Viewer(url, "scope") as viewer:
        jpeg = pattern.receive(PATIENCE).jpeg
        deadline = time.monotonic() + PATIENCE
        while (frame := viewer.latest()) is None:
            camera.send(jpeg)
            time.sleep(0.05)
            assert time.monotonic() < deadline
        with connect(url.replace("http", "ws", 1) + "/stream/ws?client=scope") as websocket:
            assert json.loads(websocket.recv(PATIENCE))["type"] == "clients"
            viewer.send_result(frame, [Box(1, 2, 3, 4, label="dust")])
            while isinstance(message := websocket.recv(PATIENCE), bytes) or '"result"' not in message:
                pass
    assert frame.jpeg == jpeg
    assert frame.camera_id == "scope"
    result = json.loads(message)
    assert (result["clientId"], result["sequence"], result["boxes"][0]["label"]) == ("scope", frame.sequence, "dust")
