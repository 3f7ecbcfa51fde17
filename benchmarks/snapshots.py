"""Compare what a request for ``latest.jpg`` costs with an older version, in one run.

``python -m benchmarks.snapshots --against COMMIT [--rounds N] [--write]``, in about a minute.

A camera has sent a frame of 50 kB. A client requests this frame again and again: each time on a new connection, or on
connections that it keeps as long as the server allows. Both versions run all the time, and take turns of a second.

With ``--write``, the figures replace those in the page about performance. The exit status is 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from attrs import frozen

from benchmarks.aims import Measured, report
from benchmarks.client import client_frame, open_websocket
from benchmarks.older import older_version
from benchmarks.picture import make_jpeg
from benchmarks.server import ROOT, Server, running

FRAME_SIZE = 50_000
SERVE = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", "--ping-interval", "5m")
_PATH = "/api/clients/camera/latest.jpg"
_TEXT, _BINARY = 1, 2
_AIM_NEW, _AIM_KEPT = 0.5, 0.2
"""Costs of a request on a new and on a kept connection, as shares of the cost that the older version had."""


@frozen
class Turn:
    """A version that is measured, and how the client uses its connections."""

    name: str
    server: Server
    keeps: bool

    def cost(self, seconds: float) -> float:
        """Request frames for a while; return the CPU time of the server for each request, in microseconds."""
        with requesting(self.server.port, keeps=self.keeps) as request:
            request()
            count, began, ends = 0, self.server.cpu_seconds(), time.monotonic() + seconds
            while time.monotonic() < ends:
                request()
                count += 1
            return (self.server.cpu_seconds() - began) / count * 1e6


def main() -> None:
    """Measure, and print the medians and their ratios to the older version.

    Raises:
        SystemExit: with status 1: an aim is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.snapshots", description=__doc__)
    parser.add_argument("--against", metavar="COMMIT", required=True, help="the older version")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each turn")
    parser.add_argument("--write", action="store_true", help="write the figures to docs/")
    options = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        older = stack.enter_context(older_version(options.against))
        # The servers get the first processor, and the client the others.
        before, now = (stack.enter_context(running(SERVE, frozenset(cpus[:1]), checkout)) for checkout in (older, ROOT))
        os.sched_setaffinity(0, cpus[1:] or cpus)
        for server in (before, now):
            stack.enter_context(camera(server.port))
        turns = [
            Turn(f"a new connection, {options.against}", before, keeps=False),
            Turn("a new connection", now, keeps=False),
            Turn("a kept connection", now, keeps=True),
        ]
        costs: dict[str, list[float]] = {turn.name: [] for turn in turns}
        for _ in range(options.rounds):
            for turn in turns:
                costs[turn.name].append(turn.cost(options.seconds))
    measured = list[Measured]()
    for turn in turns:
        what = f"CPU per request, {turn.name}"
        measured.append(Measured(f"{what}, µs", statistics.median(costs[turn.name])))
        if turn.server is not before:
            # The ratio of each round, because a machine has slow and fast minutes.
            pairs = zip(costs[turn.name], costs[turns[0].name], strict=True)
            ratio = statistics.median(cost / old for cost, old in pairs)
            measured.append(
                Measured(f"{what}, to a new one of {options.against}", ratio, _AIM_KEPT if turn.keeps else _AIM_NEW)
            )
    report(measured, "snapshots" if options.write else None)


@contextmanager
def camera(port: int) -> Iterator[None]:
    """Have a camera that has sent one frame."""
    connection, received = open_websocket(port, "/ws")
    with connection:
        registration = json.dumps({"type": "client-registration", "clientId": "camera"}).encode()
        connection.sendall(client_frame(_TEXT, registration) + client_frame(_BINARY, make_jpeg(FRAME_SIZE)))
        while b"registration-success" not in received:
            received += connection.recv(4096)
        yield


@contextmanager
def requesting(port: int, *, keeps: bool) -> Iterator[Callable[[], bool]]:
    """Yield a function that requests the newest frame, reads the answer, and returns whether the connection was closed.

    Args:
        port: of the server.
        keeps: whether the client keeps a connection until the server closes it.
    """
    connection: socket.socket | None = None
    further = "" if keeps else "Connection: close\r\n"
    head = f"GET {_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{further}\r\n".encode()

    def request() -> bool:
        nonlocal connection
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(head)
        closes = _read_answer(connection)
        if closes:
            connection.close()
            connection = None
        return closes

    try:
        yield request
    finally:
        if connection is not None:
            connection.close()


def _read_answer(connection: socket.socket) -> bool:
    """Read one answer; return whether the server closes the connection after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(1 << 18)
        if not more:
            raise ConnectionError(f"the server closed the connection after {received[:100]!r}")
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    missing = FRAME_SIZE - len(body)
    while missing > 0 and (more := connection.recv(1 << 18)):
        missing -= len(more)
    lines = head.lower().split(b"\r\n")
    if b" 200 " not in lines[0] or f"content-length: {FRAME_SIZE}".encode() not in lines or missing:
        raise ConnectionError(f"expected status 200 and {FRAME_SIZE} bytes, got {head[:200]!r}")
    return b"connection: close" in lines


if __name__ == "__main__":
    main()
