"""Stop the server for longer than all its deadlines and let it go on: how many peers that are alive does it cut?"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import trio

from benchmarks.faults.process import BINARY, PONG, Connection, Figure, Victim, frame, jpeg_of, run, victim

_PEERS = 10
_FLAGS = ("--client-timeout", "30s", "--ping-interval", "10s", "--ping-timeout", "10s")
_STOPPED = 50.0
"""Seconds: longer than each of these."""
_AFTER = 25.0
"""Seconds after that in which a peer may be cut: two pings, and one timeout."""


async def measure(python: str) -> Sequence[Figure]:
    """Return the number of cameras and viewers that were cut."""
    with victim(python, *_FLAGS) as server:
        async with trio.open_nursery() as nursery:
            cut = await _stop(server, nursery)
            nursery.cancel_scope.cancel()
    return [Figure(f"peers cut after the process was stopped for {_STOPPED:g} s", cut, f"of {2 * _PEERS}", 0)]


async def _stop(server: Victim, nursery: trio.Nursery) -> int:
    gone: set[int] = set()
    picture = frame(BINARY, jpeg_of(5000))

    async def watch(number: int, stream: Connection) -> None:
        try:
            while await stream.receive_some():
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        gone.add(number)

    async def live(number: int, stream: Connection, message: bytes) -> None:
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
    await trio.sleep(_AFTER)
    return len(gone)


async def _hold_camera(
    server: Victim, camera_id: str, task_status: trio.TaskStatus[Connection] = trio.TASK_STATUS_IGNORED
) -> None:
    async with server.camera(camera_id) as stream:
        task_status.started(stream)
        await trio.sleep_forever()


if __name__ == "__main__":
    run(measure)
