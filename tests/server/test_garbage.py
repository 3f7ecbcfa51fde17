"""Full garbage collections are rare, and nothing needs them."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.server.garbage import Collections
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.websocket import WebSocketPeer
from tests.daemons import running_daemon
from tests.jpegs import draw_jpeg
from tests.raw_peer import BINARY, TEXT, Address, client_frame, request_head


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return when full collections ran, by Trio's clock."""
    times = list[float]()

    def collect(generation: int = 2) -> int:
        if generation == 2:
            times.append(trio.current_time())
        return 0

    monkeypatch.setattr(gc, "collect", collect)
    return times


@pytest.fixture
def cameras() -> list[str]:
    """Return the cameras that the server knows."""
    return []


@pytest.fixture
async def connections(cameras: list[str]) -> AsyncIterator[ConnectionLog]:
    log = ConnectionLog()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Collections(log, lambda: len(cameras)).run)
        await trio.sleep(0.001)
        yield log
        nursery.cancel_scope.cancel()


async def test_python_runs_no_full_collection_by_itself(autojump_clock: MockClock) -> None:
    """Only as long as the server runs: a program that embeds the server keeps its own thresholds."""
    before = gc.get_threshold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Collections(ConnectionLog(), lambda: 0).run)
        await trio.sleep(1)
        young, middle, full = gc.get_threshold()
        nursery.cancel_scope.cancel()
    assert gc.get_threshold() == before
    assert (young > 0, 0 < middle < 100, full > 1_000_000) == (True, True, True)


async def test_a_full_collection_comes_after_many_ended_connections(
    autojump_clock: MockClock, connections: ConnectionLog, collections: list[float]
) -> None:
    """The more connections are open, the longer it takes and the rarer it is."""
    connections.accepted = 999
    await trio.sleep(20)
    assert collections == []
    connections.accepted = 1000
    await trio.sleep(20)
    assert len(collections) == 1

    connections.open = 500
    connections.accepted += 500 + 10_999
    await trio.sleep(100)
    assert len(collections) == 1
    connections.accepted += 1
    await trio.sleep(20)
    assert len(collections) == 2


async def test_cameras_that_have_left_count_as_long_as_they_are_known(
    autojump_clock: MockClock, connections: ConnectionLog, cameras: list[str], collections: list[float]
) -> None:
    """Ten thousand cameras that come and go in turn make no full collection, which would look at all of their rings."""
    for number in range(100):
        cameras += [f"camera-{number}-{index}" for index in range(100)]
        connections.accepted += 100
        await trio.sleep(1)
    assert collections == []
    await trio.sleep(7300)
    assert collections == []


async def test_a_quiet_server_collects_every_hour(
    autojump_clock: MockClock, connections: ConnectionLog, collections: list[float]
) -> None:
    """And a busy one does not, because all of its peers would wait."""
    connections.open = connections.accepted = 100
    await trio.sleep(7300)
    assert len(collections) == 2
    connections.open = connections.accepted = 101
    await trio.sleep(7300)
    assert len(collections) == 2


async def test_young_objects_do_not_gather(autojump_clock: MockClock, connections: ConnectionLog) -> None:
    """Pongs of thousands of viewers make as many objects as they free, so Python would not count them as new."""
    looked_at = Counter[int]()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            looked_at[info["generation"]] += 1

    connections.open = connections.accepted = 1000
    await trio.sleep(10)
    gc.callbacks.append(note)
    try:
        await trio.sleep(30)
    finally:
        gc.callbacks.remove(note)
    assert looked_at[0] >= 30
    assert looked_at[1] >= 15
    assert looked_at[2] == 0


async def open_viewers(server: Address, stack: AsyncExitStack) -> None:
    for _ in range(20):
        viewer = await stack.enter_async_context(server.viewer())
        await viewer.send(client_frame(TEXT, json.dumps({"type": "seek", "clientId": "door", "back": 1}).encode()))


async def open_cameras(server: Address, stack: AsyncExitStack) -> None:
    for number in range(20):
        camera = await stack.enter_async_context(server.camera(f"camera-{number}"))
        await camera.send(client_frame(BINARY, draw_jpeg()))


async def open_streams(server: Address, stack: AsyncExitStack) -> None:
    for _ in range(20):
        peer = await stack.enter_async_context(server.connection())
        await peer.send(request_head("/api/clients/door/stream.mjpeg?placeholder=1"))
    await server.wait_until_healthy(lambda health: health["streamSubscribers"] == 20)


@pytest.mark.parametrize("use", [open_viewers, open_cameras, open_streams])
async def test_a_connection_leaves_nothing_that_only_the_collector_frees(
    use: Callable[[Address, AsyncExitStack], Awaitable[None]],
) -> None:
    """After twenty connections have ended, a full collection finds no camera and no viewer."""
    async with running_daemon(cleanup_interval=1000) as server:

        async def connect_and_leave() -> None:
            async with AsyncExitStack() as stack:
                await use(server, stack)
            await server.wait_until_alone()

        await connect_and_leave()
        gc.collect()
        gc.disable()
        try:
            await connect_and_leave()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            # Hypercorn leaves cycles after a request, but these are young when their connection ends.
            lasting = [found for found in gc.garbage if isinstance(found, HubViewer | CameraSession | WebSocketPeer)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert lasting == []
