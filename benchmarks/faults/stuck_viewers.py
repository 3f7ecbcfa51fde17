"""Fifty viewers that are stuck in six ways while a camera sends frames of 5 MiB: how much memory do they hold?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import trio

from benchmarks.faults.process import BINARY, TEXT, Figure, Victim, frame, jpeg_of, request_head, run, victim

_PEERS = 50
_SIZE = 5 * 1024 * 1024 - 100
_INTERVAL = 0.25
"""Seconds between two frames, and between two viewers, so that each viewer is stuck in another frame."""
_FORMATS = ("envelope", "json", "mjpeg")
_WAYS = ("never reads", "reads 1 byte/s", "closes its window", "stops in a frame", "never acknowledges", "half-closes")
_ACK = frame(TEXT, b'{"type":"ack","clientId":"door","sequence":1}')


async def measure(python: str) -> Sequence[Figure]:
    """Return the greatest memory above the memory before, in MiB, for each format."""
    figures = []
    for kind in _FORMATS:
        with victim(python) as server:
            before, peak = await attack(server, kind)
        held = round(peak - before, 1)
        figures.append(Figure(f"{_PEERS} stuck viewers of 5 MiB frames, {kind}", held, "MiB", 100))
    return figures


async def attack(server: Victim, kind: str) -> tuple[float, float]:
    """Return the resident memory before the viewers come, and the greatest with them, in MiB."""
    async with server.camera("door") as camera, trio.open_nursery() as nursery:

        async def send_frames() -> None:
            picture = frame(BINARY, jpeg_of(_SIZE))
            while True:
                await camera.send_all(picture)
                await trio.sleep(_INTERVAL)

        nursery.start_soon(send_frames)
        # The ring has 16 frames, and a viewer that reads keeps what every viewer needs.
        nursery.start_soon(_watch, server, kind, "", 0.0)
        await trio.sleep(6.0)
        before = peak = server.resident_mebibytes()
        for number in range(_PEERS):
            way = _WAYS[number % len(_WAYS)]
            nursery.start_soon(_watch, server, kind, way, number * _INTERVAL)
        for _ in range(200):
            peak = max(peak, server.resident_mebibytes())
            await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    return before, peak


async def _watch(server: Victim, kind: str, way: str, delay: float) -> None:
    await trio.sleep(delay)
    buffer = 4096 if way == "closes its window" else None
    with suppress(trio.BrokenResourceError, OSError, EOFError):
        if kind == "mjpeg":
            stream = await server.open(buffer)
            await stream.send_all(request_head("/api/clients/door/stream.mjpeg"))
        else:
            stream = await server.open_websocket(f"/stream/ws?format={kind}&client=door", buffer)
        async with stream:
            if way == "stops in a frame":
                for _ in range(20):
                    await stream.receive_some(65536)
            elif way == "reads 1 byte/s":
                while await stream.receive_some(1):  # noqa: ASYNC110  (a slow reader)
                    await trio.sleep(1.0)
            elif way == "half-closes":
                await (stream.transport_stream if isinstance(stream, trio.SSLStream) else stream).send_eof()
            elif way in {"", "never acknowledges"}:
                if way and kind == "envelope":
                    await stream.send_all(_ACK)
                while await stream.receive_some(1 << 20):
                    pass
            await trio.sleep_forever()


if __name__ == "__main__":
    run(measure)
