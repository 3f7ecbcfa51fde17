"""Kill the server, start it again, and let all viewers return at once: after how long are all of them served?"""

from __future__ import annotations

import time
from collections.abc import Sequence

import trio

from benchmarks.faults.process import Figure, Victim, run, victim

_CROWDS = {1000: 5.0, 2000: 10.0}
"""Numbers of viewers, and the seconds in which all should be back."""


async def measure(python: str) -> Sequence[Figure]:
    """Return the seconds until all viewers are back, and the CPU time of one handshake."""
    figures = []
    for count, aim in _CROWDS.items():
        with victim(python) as server:
            seconds, cpu = await _return(server, count)
        figures.append(Figure(f"{count} viewers return at once: all are back", round(seconds, 2), "s", aim))
        figures.append(Figure(f"{count} viewers return at once: CPU of a handshake", round(cpu, 2), "ms", 0.8))
    return figures


async def _return(server: Victim, count: int) -> tuple[float, float]:
    cpu, began = server.cpu_seconds(), time.perf_counter()
    streams: list[trio.SocketStream] = []

    async def connect() -> None:
        stream = await server.open_websocket("/stream/ws")
        # The first message shows that the viewer is served.
        await stream.receive_some(65536)
        streams.append(stream)

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(connect)
    seconds, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
    for stream in streams:
        await stream.aclose()
    return seconds, 1000 * cpu / count


if __name__ == "__main__":
    run(measure)
