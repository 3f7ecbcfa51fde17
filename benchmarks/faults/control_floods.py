"""Send control messages as fast as the limits allow, from five peers: what do they take from the others?

A peer that is cut off connects again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import trio
from attrs import frozen

from benchmarks.faults.process import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    Connection,
    Figure,
    Victim,
    frame,
    percentile,
    registration,
    round_trips,
    run,
    victim,
)

_PEERS = 5
_SECONDS = 5.0
_TICK = 0.02


@frozen
class _Flood:
    """A kind of message, and the rate just below the limit that old versions have."""

    target: str
    message: bytes
    rate: float


def _text(**message: object) -> bytes:
    return frame(TEXT, json.dumps(message).encode())


_NAMES = [f"camera-{number}" for number in range(1000)]
_FLOODS = {
    "clock": _Flood("/stream/ws", _text(type="clock", sentAt=1.5), 1900),
    "clock of cameras": _Flood("/ws", _text(type="clock", sentAt=1.5), 620),
    "ack": _Flood("/stream/ws", _text(type="ack", clientId="probe", sequence=1, paintedAt=1.5), 1900),
    "unknown texts": _Flood("/stream/ws", _text(type="hello"), 1900),
    "unknown texts of cameras": _Flood("/ws", _text(type="hello"), 620),
    "registrations again": _Flood("/ws", b"", 620),
    "results": _Flood("/stream/ws", _text(type="result", clientId="probe", sequence=1, data={"a": 1}), 230),
    "seek": _Flood("/stream/ws", _text(type="seek", clientId="probe", back=0.5), 19),
    "subscribe to 1000": _Flood("/stream/ws", _text(type="subscribe", clients=_NAMES), 19),
    "pings": _Flood("/stream/ws", frame(PING, b"abc"), 49),
    "small fragments": _Flood("/ws", frame(CONTINUATION, b"x", final=False), 4000),
    "invalid frames": _Flood("/ws", frame(BINARY, b"x"), 620),
}


async def measure(python: str) -> Sequence[Figure]:
    """Return for each kind of message the share of the loop of one peer, and the delay of others."""
    figures = []
    with victim(python) as server:
        async with round_trips(server) as delays:
            await trio.sleep(1.0)
            quiet = await _observe(server, delays)
            figures.append(Figure("p99 of others without a flood", round(quiet[1] * 1000, 1), "ms", 5.0))
            for kind, flood in _FLOODS.items():
                async with trio.open_nursery() as nursery:
                    for number in range(_PEERS):
                        nursery.start_soon(_flood, server, flood, number)
                    await trio.sleep(1.0)
                    share, worst = await _observe(server, delays)
                    nursery.cancel_scope.cancel()
                share = round(100 * (share - quiet[0]) / _PEERS, 1)
                figures.append(Figure(f"{kind}: share of the loop of one peer", share, "%", 5.0))
                figures.append(Figure(f"{kind}: p99 of others, {_PEERS} peers", round(worst * 1000, 1), "ms", 20.0))
                await trio.sleep(0.5)
    return figures


async def _observe(server: Victim, delays: list[float]) -> tuple[float, float]:
    """Return the server's CPU time for each second, and the 99th percentile of the delays."""
    delays.clear()
    cpu, began = server.cpu_seconds(), time.perf_counter()
    await trio.sleep(_SECONDS)
    return (server.cpu_seconds() - cpu) / (time.perf_counter() - began), percentile(delays, 99)


async def _flood(server: Victim, flood: _Flood, number: int) -> None:
    while True:
        try:
            async with await server.open_websocket(flood.target) as stream, trio.open_nursery() as nursery:
                nursery.start_soon(_discard, stream)
                message = flood.message or registration(f"flood-{number}")
                if flood.target == "/ws":
                    await stream.send_all(registration(f"flood-{number}"))
                if flood is _FLOODS["small fragments"]:
                    # Each message has as many fragments as are allowed.
                    message = frame(TEXT, b'"', final=False) + 4000 * message + frame(CONTINUATION, b'"')
                    await _send(stream, message, flood.rate / 4000)
                else:
                    await _send(stream, message, flood.rate)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, OSError):
            await trio.sleep(0.01)


async def _send(stream: Connection, message: bytes, rate: float) -> None:
    began, sent = trio.current_time(), 0
    while True:
        due = int((trio.current_time() - began) * rate) + 1
        if due > sent:
            await stream.send_all(message * (due - sent))
            sent = due
        await trio.sleep(_TICK)


async def _discard(stream: Connection) -> None:
    while await stream.receive_some(65536):
        pass
    raise EOFError("the server closed")


if __name__ == "__main__":
    run(measure)
