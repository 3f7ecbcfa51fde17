"""What 10,000 cameras cost: a frame while the memory is full, and a viewer that wants all of them."""

from __future__ import annotations

import json
import time
from socket import socket

from benchmarks.client import client_frame, open_websocket
from benchmarks.faults.process import Figure
from benchmarks.faults.servers import BINARY, TEXT, make_known, observing, parse_arguments, register, serving
from benchmarks.picture import make_jpeg
from benchmarks.server import Server

_FRAME = make_jpeg(2000)
_PER_CAMERA = 2
_FRAMES = 2000
_SENDERS = 20


def main() -> None:
    """Measure both, with the same cameras."""
    options = parse_arguments(__doc__, cameras=10_000)
    memory = options.cameras * _PER_CAMERA * len(_FRAME)
    flags = ["--max-memory", str(memory), "--max-frame-size", "100000", "--max-cameras", str(options.cameras + 100)]
    with serving(options.python, *flags, "--client-timeout", "1h") as server:
        make_known(server.port, options.cameras, *[_FRAME] * _PER_CAMERA)
        Figure("a frame while the memory is full", round(_cost_of_frames(server), 2), "us of CPU", 150).print()
        for row, longest in _watch_all(server.port, options.cameras).items():
            Figure(row, round(longest, 2), "ms", 20).print()


def _cost_of_frames(server: Server) -> float:
    """Return the CPU time in microseconds for each frame of some cameras."""
    senders = [register(server.port, f"camera-{number}") for number in range(_SENDERS)]
    frame = client_frame(BINARY, _FRAME)
    before = server.cpu_seconds()
    for _ in range(_FRAMES // _SENDERS):
        for sender in senders:
            sender.sendall(frame)
        # Below the highest rate of a camera.
        time.sleep(0.05)
    cost = server.cpu_seconds() - before
    for sender in senders:
        sender.close()
    return 1e6 * cost / _FRAMES


def _watch_all(port: int, cameras: int) -> dict[str, float]:
    """Return how long another peer waits at most while a viewer of all cameras does this and that."""
    with observing(port) as connecting:
        viewer, _ = open_websocket(port, "/stream/ws")
        _read_for(viewer, 5.0)
    with observing(port) as resuming:
        _command(viewer, type="pause")
        _command(viewer, type="resume")
        _read_for(viewer, 5.0)
    with observing(port) as subscribing:
        _command(viewer, type="unsubscribe", clients=[f"camera-{number}" for number in range(min(1000, cameras))])
        _command(viewer, type="subscribe", clients="*")
        _read_for(viewer, 5.0)
    with observing(port) as listing:
        for path in ("/api/clients", "/metrics", "/api/health", "/api/streams"):
            reader = socket()
            reader.connect(("127.0.0.1", port))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            while reader.recv(1 << 20):
                pass
            reader.close()
    viewer.close()
    return {
        "a viewer of all cameras connects": connecting[0].longest,
        "a viewer of all cameras resumes": resuming[0].longest,
        "a viewer of all cameras unsubscribes and subscribes": subscribing[0].longest,
        "lists of all cameras over HTTP": listing[0].longest,
    }


def _command(viewer: socket, **message: object) -> None:
    viewer.sendall(client_frame(TEXT, json.dumps(message).encode()))


def _read_for(viewer: socket, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        viewer.settimeout(left)
        try:
            viewer.recv(1 << 20)
        except TimeoutError:
            return


if __name__ == "__main__":
    main()
