"""Send the head of a part byte by byte: what does each byte cost, and how long must others wait?"""

from __future__ import annotations

from collections.abc import Sequence

import trio
import trio.lowlevel

from benchmarks.faults.process import Figure, Victim, percentile, request_head, round_trips, run, victim

_PEERS = 16
_SIZE = 6000
_HEAD = request_head(
    "/api/clients/attack/frames",
    "Content-Type: multipart/x-mixed-replace; boundary=b",
    "Content-Length: 1000000000",
    method="POST",
)


async def measure(python: str) -> Sequence[Figure]:
    """Return the CPU time for one head, and how long a frame takes from a camera to a viewer meanwhile."""
    with victim(python) as server:
        before = server.cpu_seconds()
        with trio.move_on_after(60):
            await _send(server, 0)
        cpu = server.cpu_seconds() - before
    with victim(python) as server:
        async with round_trips(server) as delays:
            await trio.sleep(3)
            quiet = percentile(delays, 99)
            delays.clear()
            with trio.move_on_after(8):
                async with trio.open_nursery() as nursery:
                    for number in range(_PEERS):
                        nursery.start_soon(_send_for_ever, server, number)
            loud = percentile(delays, 99) if len(delays) > 1 else 8.0
    return [
        Figure(f"the head of a part of {_SIZE} bytes, byte by byte", round(cpu, 2), "s of CPU", 1.5),
        Figure(f"{_PEERS} such peers: p99 of others", round(1000 * loud, 1), "ms", max(round(1200 * quiet, 1), 5.0)),
    ]


async def _send(server: Victim, number: int) -> None:
    async with await server.open() as stream:
        stream.setsockopt(6, 1, 1)  # TCP_NODELAY: a packet for each byte
        await stream.send_all(_HEAD.replace(b"attack", b"attack-%d" % number) + b"--b\r\n")
        try:
            for index in range(_SIZE):
                # Many short lines, each of which an old parser reads again for every byte.
                await stream.send_all(b"a:\r\n"[index % 4 :][:1])
                # So that the server reads each byte on its own.
                await trio.sleep(0.0003)
            await stream.send_eof()
            while await stream.receive_some():
                pass
        except (trio.BrokenResourceError, OSError):
            pass


async def _send_for_ever(server: Victim, number: int) -> None:
    while True:
        await _send(server, number)
        await trio.sleep(0.01)


if __name__ == "__main__":
    run(measure)
