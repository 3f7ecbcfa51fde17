"""Playback over real sockets: the right frames in it, all frames for live viewers, and bounded memory."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trio

from tests.clocks import LeapingClock
from tests.daemons import running_daemon
from tests.e2e.processes import running_server
from tests.raw_peer import BINARY, CLOSE, PATIENCE, TEXT, Address, RawPeer, client_frame, picture

pytestmark = pytest.mark.e2e

Record = Callable[[str, object], None]

UNHURRIED = {"ping_interval": 3600.0, "write_timeout": 3600.0, "client_timeout": 3600.0, "max_fps": 1000.0}
"""Deadlines that leaps in time do not reach."""


@pytest.fixture
def clock() -> LeapingClock:
    """The clock that pytest-trio runs the test with."""
    return LeapingClock()


async def say(viewer: RawPeer, **message: Any) -> None:
    await viewer.send(client_frame(TEXT, json.dumps(message).encode()))


async def frame_of(viewer: RawPeer) -> tuple[dict[str, Any], bytes]:
    """Receive the next envelope, past text messages; return its header and its JPEG."""
    while (frame := await viewer.frame()).opcode != BINARY:
        assert frame.opcode != CLOSE, frame
    end = 2 + int.from_bytes(frame.payload[:2], "big")
    return json.loads(frame.payload[2:end]), frame.payload[end:]


async def message_of(viewer: RawPeer) -> dict[str, Any]:
    """Receive the next text message, past frames."""
    with trio.fail_after(PATIENCE):
        return await viewer.message()


@asynccontextmanager
async def half_a_minute(clock: LeapingClock) -> AsyncIterator[tuple[Address, RawPeer, RawPeer, list[bytes]]]:
    """Have a ring of 30 s with a frame a second, from a camera that sent for 40 s, and a viewer that saw all of it."""
    async with (
        running_daemon(buffer_seconds=30.0, **UNHURRIED) as address,
        address.camera("door") as camera,
        address.viewer() as live,
    ):
        jpegs = []
        for number in range(1, 41):
            jpegs.append(picture(2000 + number, number))
            await camera.send(client_frame(BINARY, jpegs[-1]))
            assert await live.picture() == (number, jpegs[-1])
            clock.leap(1.0)
        yield address, camera, live, jpegs


async def test_five_seconds_back_in_a_ring_of_thirty(clock: LeapingClock) -> None:
    """The frame of that moment comes byte for byte, then those that followed it, and live viewers lose nothing."""
    async with half_a_minute(clock) as (address, camera, live, jpegs), address.viewer() as viewer:
        assert (await frame_of(viewer))[0]["sequence"] == 40
        await say(viewer, type="seek", clientId="door", back=5)
        header, jpeg = await frame_of(viewer)
        assert (header["sequence"], header["live"], jpeg) == (36, False, jpegs[35])
        answer = await message_of(viewer)
        assert (answer["type"], answer["live"], answer["speed"], answer["sequence"]) == ("playback", False, 1.0, 36)
        for number in range(41, 61):
            jpegs.append(picture(2000 + number, number))
            await camera.send(client_frame(BINARY, jpegs[-1]))
            header, jpeg = await frame_of(live)
            assert (header["sequence"], header["live"], jpeg) == (number, True, jpegs[-1])
            clock.leap(1.0)
            # A message from the viewer wakes the server, which sleeps by real time.
            await say(viewer, type="clock", sentAt=0)
            header, jpeg = await frame_of(viewer)
            assert (header["sequence"], header["live"], jpeg) == (number - 4, False, jpegs[number - 5])

        await say(viewer, type="live", clientId="door")
        header, jpeg = await frame_of(viewer)
        assert (header["sequence"], header["live"], jpeg) == (60, True, jpegs[-1])


@pytest.mark.parametrize(("back", "sequence"), [(0.5, 40), (1, 40), (12.5, 28), (29.5, 11), (3000, 11)])
async def test_any_moment_of_the_ring_can_be_stood_still_on(clock: LeapingClock, back: float, sequence: int) -> None:
    """From the newest frame to the oldest, which is also what comes for any moment before it."""
    async with half_a_minute(clock) as (address, _, _, jpegs), address.viewer("?client=door") as viewer:
        await frame_of(viewer)
        await say(viewer, type="seek", clientId="door", back=back, speed=0)
        header, jpeg = await frame_of(viewer)
        assert (header["sequence"], header["live"], jpeg) == (sequence, False, jpegs[sequence - 1])


async def test_a_viewer_that_acknowledges_gets_a_playback_too(clock: LeapingClock) -> None:
    """Its window is no obstacle to sequences that go down or come again, and the past does not count as delay."""
    async with half_a_minute(clock) as (address, _, _, _), address.viewer("?client=door") as viewer:

        async def take() -> tuple[int, bool]:
            header, _ = await frame_of(viewer)
            await say(viewer, type="ack", clientId="door", sequence=header["sequence"], paintedAt=time.time() * 1000)
            return header["sequence"], header["live"]

        assert await take() == (40, True)
        for _ in range(2):
            await say(viewer, type="seek", clientId="door", sequence=35, speed=-1)
            assert await take() == (35, False)
            for sequence in range(34, 27, -1):
                clock.leap(1.0)
                await say(viewer, type="clock", sentAt=0)
                assert await take() == (sequence, False)
        await say(viewer, type="live", clientId="door")
        assert await take() == (40, True)
        (details,) = (await address.ask("/api/clients")).json["details"]
        assert details["latency"] is None or details["latency"]["server"] < 1000


async def test_ten_cameras_with_long_rings_stay_within_the_memory() -> None:
    """However many seconds the rings may hold, their sum is bounded; every camera is live, and can be played back.

    A camera that was there first, and filled the memory, leaves the others their part of it.
    """
    size, limit = 50_000, 5_000_000
    async with (
        running_daemon(buffer_seconds=30.0, max_memory=limit, max_frame_size=size, max_fps=1000.0) as address,
        AsyncExitStack() as stack,
    ):
        viewer = await stack.enter_async_context(address.viewer())
        message = client_frame(BINARY, picture(size))
        early = await stack.enter_async_context(address.camera("early"))
        for sequence in range(1, 121):
            await early.send(message)
            assert (await viewer.picture())[0] == sequence
        assert (await address.health())["memory"] == limit
        cameras = [await stack.enter_async_context(address.camera(f"camera-{number}")) for number in range(10)]
        for sequence in range(1, 31):
            for camera in cameras:
                await camera.send(message)
                assert (await viewer.picture())[0] == sequence
            if sequence % 10 == 0:
                assert (await address.health())["memory"] <= limit
        health = await address.health()
        assert (health["framesReceived"], health["drops"].get("memory-full", 0)) == (420, 0)
        assert health["memory"] > limit - 10 * size
        for number in range(10):
            await say(viewer, type="seek", clientId=f"camera-{number}", back=30, speed=0)
            header, _ = await frame_of(viewer)
            assert header["clientId"] == f"camera-{number}"
            assert header["sequence"] in range(20, 25)


PAIRS = 5
FRAMES = 100
"""In each half of a pair, at 100 a second."""
SLACK = 0.1
"""Seconds that the delay may grow by on a machine that is busy with other things."""


async def flood(address: Address) -> None:
    """Seek 2,000 times a second, and expect to be refused for it."""
    seek = {"type": "seek", "clientId": "door", "back": 0.5, "speed": 0}
    ten_seeks = client_frame(TEXT, json.dumps(seek).encode()) * 10
    async with address.viewer("?client=door") as viewer, trio.open_nursery() as nursery:

        async def send_all() -> None:
            while True:
                await viewer.try_to_send(ten_seeks)
                await trio.sleep(10 / 2000)

        nursery.start_soon(send_all)
        with trio.fail_after(PATIENCE):
            while (frame := await viewer.frame()).opcode != CLOSE:
                pass
        nursery.cancel_scope.cancel()
    assert (frame.close_code, frame.payload[2:]) == (1008, b"more than 20 playback commands a second")


@pytest.mark.timed
async def test_a_flood_of_seeks_is_refused_and_delays_no_other_viewer(record_property: Record) -> None:
    """The delay of a live viewer's frames is the same beside a viewer that floods the server.

    Compared are the 99th percentiles with and without the flood, in turn, by their medians.
    """
    message = client_frame(BINARY, picture(50_000))

    async def p99_of_delays(camera: RawPeer, viewer: RawPeer) -> float:
        delays = []
        for _ in range(FRAMES):
            began = trio.current_time()
            await camera.send(message)
            await viewer.picture()
            delays.append(trio.current_time() - began)
            await trio.sleep_until(began + 0.01)
        return statistics.quantiles(delays, n=100)[98]

    quiet, flooded = [], []
    with running_server("--max-fps", "1000") as url:
        address = Address.parse(url)
        async with address.camera("door") as camera, address.viewer() as viewer:
            await p99_of_delays(camera, viewer)
            for _ in range(PAIRS):
                quiet.append(await p99_of_delays(camera, viewer))
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(flood, address)
                    flooded.append(await p99_of_delays(camera, viewer))
    before, during = statistics.median(quiet), statistics.median(flooded)
    record_property("p99", f"{before * 1000:.1f} ms without, {during * 1000:.1f} ms with a flood")
    assert during <= 1.2 * before + SLACK
