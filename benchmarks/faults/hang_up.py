"""Hang up during long waits: for how long does the server hold the descriptors?"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from benchmarks.faults.process import BINARY, Figure, Victim, frame, jpeg_of, request_head, run, victim

_PEERS = 200
_WAIT = 20.0
"""Seconds for which each request would wait, and after which this gives up."""
_POST = ("POST", "Content-Length: 100", "Content-Type: application/json")
_REQUESTS = {
    "wait": [request_head(f"/api/clients/door/latest.jpg?after=1&wait={_WAIT:g}")],
    "page": [request_head("/")],
    "stream": [request_head("/api/clients/door/stream.mjpeg")],
    "half a body": [request_head("/api/clients/door/results", *_POST[1:], method="POST") + b"{"],
    "half an upload": [request_head("/api/clients/x/frames", "Content-Length: 9000", method="POST") + b"\xff\xd8\xff"],
    "half a head": [b"GET / HTTP/1.1\r\nHo"],
}


async def measure(python: str) -> Sequence[Figure]:
    """Return the seconds until all descriptors are free, for each way of waiting."""
    figures = []
    with victim(python) as server:
        async with server.camera("door") as camera:
            await camera.send_all(frame(BINARY, jpeg_of(5000)))
            await trio.sleep(0.5)
            for name, (request,) in _REQUESTS.items():
                for half in (False, True):
                    seconds = await _hang_up(server, request, half=half)
                    how = "half-closes" if half else "hangs up"
                    figures.append(Figure(f"{name}: {_PEERS} peers, each {how}", round(seconds, 2), "s", 1.0))
    return figures


async def _hang_up(server: Victim, request: bytes, *, half: bool) -> float:
    """Return the seconds from when the peers hang up until the server has as many descriptors as before."""
    before = server.descriptors()
    streams = []
    for _ in range(_PEERS):
        stream = await server.open()
        await stream.send_all(request)
        streams.append(stream)
    await trio.sleep(0.3)
    began = trio.current_time()
    for stream in streams:
        await (stream.send_eof() if half else stream.aclose())
    with trio.move_on_after(_WAIT + 10):
        while server.descriptors() > before:  # noqa: ASYNC110  (the server does not say)
            await trio.sleep(0.05)
    seconds = trio.current_time() - began
    for stream in streams:
        await stream.aclose()
    with trio.move_on_after(_WAIT + 10):
        while server.descriptors() > before:  # noqa: ASYNC110
            await trio.sleep(0.05)
    return seconds


if __name__ == "__main__":
    run(measure)
