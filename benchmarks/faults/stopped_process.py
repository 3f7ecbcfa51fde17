"""Stop the server for over 45 s and let it go on: how many peers that are alive does it cut?"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import trio

from benchmarks.faults.process import BINARY, PONG, Figure, Victim, frame, jpeg_of, run, victim

_PEERS = 10
_STOPPED = 130.0
"""Seconds: longer than the client timeout of two minutes."""


async def measure(python: str) -> Sequence[Figure]:
    """Return the number of cameras and viewers that were cut."""
    with victim(python) as server:
        async with trio.open_nursery() as nursery:
            cut = await _stop(server, nursery)
            nursery.cancel_scope.cancel()
    return [Figure("peers cut after the process was stopped for 130 s", cut, f"of {2 * _PEERS}", 0)]


async def _stop(server: Victim, nursery: trio.Nursery) -> int:
    gone: set[int] = set()
    picture = frame(BINARY, jpeg_of(5000))

    async def watch(number: int, stream: trio.SocketStream) -> None:
        try:
            while await stream.receive_some():
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        gone.add(number)

    async def live(number: int, stream: trio.SocketStream, message: bytes) -> None:
        nursery.start_soon(watch, number, stream)
        try:
            while True:
                await stream.send_all(message)
                await trio.sleep(1.0)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    for number in range(_PEERS):
        stream = await nursery.start(_hold_camera, server, f"camera-{number}")
        nursery.start_soon(live, number, stream, picture)
        viewer = await server.open_websocket("/stream/ws")
        nursery.start_soon(live, _PEERS + number, viewer, frame(PONG))
    await trio.sleep(3.0)
    os.kill(server.pid, signal.SIGSTOP)
    await trio.sleep(_STOPPED)
    os.kill(server.pid, signal.SIGCONT)
    await trio.sleep(60.0)
    return len(gone)


async def _hold_camera(
    server: Victim, camera_id: str, task_status: trio.TaskStatus[trio.SocketStream] = trio.TASK_STATUS_IGNORED
) -> None:
    async with server.camera(camera_id) as stream:
        task_status.started(stream)
        await trio.sleep_forever()


if __name__ == "__main__":
    run(measure)
