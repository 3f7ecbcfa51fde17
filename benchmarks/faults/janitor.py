"""How long others wait while the server forgets thousands of cameras at the same time, with hundreds of viewers."""

from __future__ import annotations

import argparse
import math
import select
import sys
import time
from socket import socket

from attrs import define, field

from benchmarks.client import open_websocket
from benchmarks.faults.process import Figure
from benchmarks.faults.servers import make_known, observing, parse_arguments, serving

_TIMEOUT = 5.0
"""Seconds after which a camera that has left is forgotten by the next sweep."""
_MARGIN = 2.0
"""Seconds before the sweep at which the observation begins."""
_AFTER = 30.0
"""Seconds after the sweep in which the viewers have to be told."""
_LONGEST_INTERVAL = 120
_NOTICE = 40
"""Bytes that a notice has at least."""


def main() -> None:
    """Measure the longest wait of another peer; on a slow machine, leave more time until the sweep."""
    options = parse_arguments(__doc__, cameras=4000, viewers=400, interval=40)
    while (longest := _measure(options)) is None:
        options.interval *= 2
        if options.interval > _LONGEST_INTERVAL:
            raise SystemExit("the cameras and viewers take too long to connect")
        sys.stderr.write(f"the machine is slow: once more, with a sweep after {options.interval} s\n")
    Figure("thousands of cameras are forgotten", round(longest, 2), "ms", 20).print()


def _measure(options: argparse.Namespace) -> float | None:
    """Return the longest wait in milliseconds; None if the cameras and viewers were not there before the sweep."""
    times = {"--client-timeout": _TIMEOUT, "--cleanup-interval": options.interval, "--ping-interval": 3600}
    flags = [word for name, seconds in times.items() for word in (name, f"{seconds:g}s")]
    began = time.monotonic()
    sweep = began + options.interval
    with serving(options.python, *flags) as server:
        # Without frames, of which each viewer would get those of all cameras first.
        make_known(server.port, options.cameras)
        if time.monotonic() > sweep - _MARGIN - _TIMEOUT:
            return None
        viewers = _Viewers()
        for _ in range(options.viewers):
            viewers.open(server.port)
            # Each gets a list of all cameras; a viewer that does not read it would be cut off.
            viewers.read_until(time.monotonic() + 0.01)
            if time.monotonic() > sweep - _MARGIN:
                return None
        viewers.read_until(sweep - _MARGIN)
        with observing(server.port) as waits:
            expected = options.cameras * options.viewers * _NOTICE
            received = viewers.read_until(sweep + _AFTER, enough=expected)
        if received < expected:
            raise SystemExit(f"the viewers have received only {received} bytes of notices")
        return waits[0].longest


@define(eq=False)
class _Viewers:
    """Viewers that read what they are sent, and drop it."""

    _poller: select.epoll = field(factory=select.epoll)
    _open: dict[int, socket] = field(factory=dict)

    def open(self, port: int) -> None:
        """Connect one more viewer."""
        viewer, _ = open_websocket(port, "/stream/ws")
        self._open[viewer.fileno()] = viewer
        self._poller.register(viewer.fileno(), select.EPOLLIN)

    def read_until(self, moment: float, *, enough: float = math.inf) -> int:
        """Read until a moment or until there are enough bytes; return the number of bytes."""
        count = 0
        while count < enough and (left := moment - time.monotonic()) > 0:
            for descriptor, _ in self._poller.poll(min(left, 0.1)):
                count += len(self._open[descriptor].recv(1 << 18))
        return count


if __name__ == "__main__":
    main()
