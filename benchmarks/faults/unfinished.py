"""Leave messages and uploads unfinished, and fill the budget with them: how much memory does the server hold?"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from benchmarks.faults.process import BINARY, Figure, Victim, frame, jpeg_of, registration, request_head, run, victim

_PEERS = 60
_SIZE = 5 * 1024 * 1024 - 1
_PIECE = 64 * 1024
_LIMIT = 64
"""MiB of ``max_memory``."""
_UNFINISHED = 6.0
"""Seconds for which everything stays unfinished."""
_AFTER = 15.0


async def measure(python: str) -> Sequence[Figure]:
    """Return the memory while and after messages and uploads are unfinished, in MiB above the memory before."""
    figures = []
    for kind in ("parts", "uploads", "messages"):
        with victim(python, "--max-memory", f"{_LIMIT}MiB") as server:
            held = await _attack(server, kind, _UNFINISHED)
        figures.append(Figure(f"{_PEERS} unfinished {kind} of 5 MiB, budget {_LIMIT} MiB", held, "MiB", _LIMIT + 32))
        with victim(python) as server:
            left = await _attack(server, kind, _UNFINISHED, _AFTER)
        figures.append(Figure(f"{_PEERS} unfinished {kind} of 5 MiB, 15 s after they left", left, "MiB", 20))
    return figures


async def _attack(server: Victim, kind: str, seconds: float, after: float = 0.0) -> float:
    """Return the memory above the memory before, while peers are there, or some seconds after they left."""
    async with server.camera("door") as camera:
        await camera.send_all(frame(BINARY, jpeg_of(100_000)))
        await trio.sleep(0.5)
        before = server.resident_mebibytes()
        async with trio.open_nursery() as nursery:
            for number in range(_PEERS):
                nursery.start_soon(_leave_unfinished, server, kind, number)
            await trio.sleep(seconds)
            held = server.resident_mebibytes()
            nursery.cancel_scope.cancel()
        if after:
            await trio.sleep(after)
            held = server.resident_mebibytes()
    return round(held - before, 1)


async def _leave_unfinished(server: Victim, kind: str, number: int) -> None:
    if kind == "messages":
        stream = await server.open_websocket("/ws")
        beginning = registration(f"camera-{number}") + frame(BINARY, length=_SIZE)
    elif kind == "uploads":
        stream = await server.open()
        headers = ("Content-Type: image/jpeg", f"Content-Length: {_SIZE}")
        beginning = request_head(f"/api/clients/camera-{number}/frames", *headers, method="POST")
    else:
        stream = await server.open()
        headers = ("Content-Type: multipart/x-mixed-replace; boundary=b", "Content-Length: 1000000000")
        beginning = request_head(f"/api/clients/camera-{number}/frames", *headers, method="POST")
        beginning += b"--b\r\nContent-Type: image/jpeg\r\n\r\n"
    async with stream:
        try:
            data = beginning + jpeg_of(_SIZE)[:-1]
            for start in range(0, len(data) - 1, _PIECE):
                await stream.send_all(data[start : min(start + _PIECE, len(data) - 1)])
        except (trio.BrokenResourceError, OSError):
            pass
        await trio.sleep_forever()


if __name__ == "__main__":
    run(measure)
