"""What thousands of idle viewers cost: memory, CPU time, and the waits of others while more of them come and leave."""

from __future__ import annotations

import select
import time
from socket import socket

from benchmarks.client import client_frame, open_websocket
from benchmarks.faults.process import Figure
from benchmarks.faults.servers import observing, parse_arguments, serving

_PING, _PONG = 0x89, 10
_QUIET = 30.0
"""Seconds for which the CPU time is measured: more than one round of pings."""


def main() -> None:
    """Measure the memory of each viewer, the CPU time of all, and the longest wait of another peer."""
    options = parse_arguments(__doc__, viewers=5000)
    with serving(options.python) as server:
        first, _ = open_websocket(server.port, "/stream/ws")
        time.sleep(1)
        empty = server.resident_bytes()
        viewers = _Viewers()
        viewers.open(server.port, options.viewers)
        viewers.answer_for(5)
        each = (server.resident_bytes() - empty) / options.viewers / 1024
        Figure(f"memory of each of {options.viewers} idle viewers", round(each, 2), "KiB", 30).print()
        before, began = server.cpu_seconds(), time.monotonic()
        viewers.answer_for(_QUIET)
        load = (server.cpu_seconds() - before) / (time.monotonic() - began)
        Figure(f"CPU time with {options.viewers} idle viewers", round(100 * load, 2), "% of a core", 5).print()
        with observing(server.port) as waits:
            for _ in range(4):
                more = _Viewers()
                more.open(server.port, 250)
                more.close()
                viewers.answer_for(0.2)
        Figure(
            f"others wait, with {options.viewers} idle viewers, at most", round(waits[0].longest, 2), "ms", 20
        ).print()
        Figure(f"others wait, with {options.viewers} idle viewers, p99", round(waits[0].p99, 2), "ms", 20).print()
        first.close()


class _Viewers:
    """Viewers that only answer pings."""

    def __init__(self) -> None:
        self._poller = select.epoll()
        self._open: dict[int, socket] = {}

    def open(self, port: int, count: int) -> None:
        """Connect more viewers."""
        for _ in range(count):
            viewer, _ = open_websocket(port, "/stream/ws")
            self._open[viewer.fileno()] = viewer
            self._poller.register(viewer.fileno(), select.EPOLLIN)

    def answer_for(self, seconds: float) -> None:
        """Answer pings for some time; ignore everything else."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for descriptor, _ in self._poller.poll(0.1):
                data = self._open[descriptor].recv(65536)
                if not data:
                    raise ConnectionError("the server closed the connection of a viewer")
                if data[0] == _PING:
                    self._open[descriptor].send(client_frame(_PONG, data[2 : 2 + data[1]]))

    def close(self) -> None:
        """Disconnect all viewers."""
        for viewer in self._open.values():
            viewer.close()
        self._open.clear()


if __name__ == "__main__":
    main()
