"""The WebSocket of a link: what it queues goes together, and nothing waits for long."""

from __future__ import annotations

import trio
from trio.testing import MemorySendStream, MockClock, memory_stream_pair

from skysentry_trio.server.cluster.node_socket import NodeSocket
from skysentry_trio.wire.framing import encode_frame

HOLD = 0.02


async def acknowledge(socket: NodeSocket) -> None:
    """Answer each message."""
    while True:
        socket.send_soon(f"ack of {await socket.receive()!r}")


async def test_answers_within_a_moment_go_in_one_write(autojump_clock: MockClock) -> None:
    """The first goes at once, so that a camera alone does not wait; the others with the first one after the hold."""
    here, there = memory_stream_pair()
    writes = list[tuple[float, int]]()
    _count_writes(here.send_stream, writes)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(acknowledge, NodeSocket(here, b"", HOLD))
        for moment in (0.0, 0.005, 0.010, 0.025, 0.030, 1.0):
            await trio.sleep_until(moment)
            await there.send_all(encode_frame("a frame"))
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert [(round(when, 3), count) for when, count in writes] == [(0.0, 1), (0.025, 3), (0.065, 1), (1.0, 1)]


async def test_without_a_hold_every_answer_goes_at_once(autojump_clock: MockClock) -> None:
    """So a viewer's acknowledgement says when the frame was there."""
    here, there = memory_stream_pair()
    writes = list[tuple[float, int]]()
    _count_writes(here.send_stream, writes)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(acknowledge, NodeSocket(here, b""))
        for moment in (0.0, 0.005, 0.010):
            await trio.sleep_until(moment)
            await there.send_all(encode_frame("a frame"))
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert [(round(when, 3), count) for when, count in writes] == [(0.0, 1), (0.005, 1), (0.01, 1)]


def _count_writes(stream: MemorySendStream, writes: list[tuple[float, int]]) -> None:
    """Note for each write when it was and how many messages it had."""
    began = trio.current_time()

    async def note() -> None:
        data = bytes(stream.get_data_nowait())
        writes.append((trio.current_time() - began, data.count(b"ack of")))

    stream.send_all_hook = note
