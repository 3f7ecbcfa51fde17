"""Kill the server, start it again, and let all viewers return at once: after how long are all of them served?"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import trio

from benchmarks.faults.process import Connection, Figure, Victim, handshake, run, victim

HANDSHAKE = handshake("/stream/ws")
_CROWDS = {1000: 5.0, 2000: 10.0}
"""Numbers of viewers, and the seconds in which all should be back."""


async def measure(python: str) -> Sequence[Figure]:
    """Return the seconds until all viewers are back, and the CPU time of one handshake."""
    figures = []
    for count, aim in _CROWDS.items():
        with victim(python) as server:
            seconds, cpu = await _return(server, count)
        figures.append(Figure(f"{count} viewers return at once: all are back", round(seconds, 2), "s", aim))
        figures.append(Figure(f"{count} viewers return at once: CPU of a handshake", round(cpu, 2), "ms", 1.5))
    return figures


async def _return(server: Victim, count: int) -> tuple[float, float]:
    cpu, began = server.cpu_seconds(), time.perf_counter()
    streams: list[Connection] = []

    async def connect() -> None:
        # As the protocol asks of clients, wait a random time before each further attempt, up to a ceiling.
        ceiling = 0.5
        while (stream := await _attempt(server)) is None:
            await trio.sleep(random.uniform(0, ceiling))  # noqa: S311  (no secret)
            ceiling = min(2 * ceiling, 4.0)
        streams.append(stream)

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(connect)
    seconds, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
    for stream in streams:
        await stream.aclose()
    return seconds, 1000 * cpu / count


async def _attempt(server: Victim) -> Connection | None:
    """Connect; return the stream when the server has sent its first message, None if it has closed before."""
    received = b""
    try:
        stream = await server.open()
        await stream.send_all(HANDSHAKE)
        while b'"clients"' not in received:
            data = await stream.receive_some(65536)
            if not data:
                await stream.aclose()
                return None
            received += data
    except (trio.BrokenResourceError, OSError):
        return None
    return stream


if __name__ == "__main__":
    run(measure)
