"""How long others wait while the server forgets thousands of cameras at the same time, with hundreds of viewers."""

from __future__ import annotations

import select
import time
from socket import socket

from benchmarks.client import open_websocket
from benchmarks.faults.process import Figure
from benchmarks.faults.servers import make_known, observing, parse_arguments, serving
from benchmarks.picture import make_jpeg

_TIMEOUT = 5.0
_AFTER = 15.0


def main() -> None:
    """Measure the longest wait of another peer."""
    options = parse_arguments(__doc__, cameras=4000, viewers=400, interval=75)
    flags = [
        "--client-timeout",
        f"{_TIMEOUT:g}s",
        "--cleanup-interval",
        f"{options.interval}s",
        "--ping-interval",
        "1h",
    ]
    began = time.monotonic()
    with serving(options.python, *flags) as server:
        make_known(server.port, options.cameras, make_jpeg(2000))
        poller = select.epoll()
        by_descriptor: dict[int, socket] = {}

        def read_until(moment: float) -> int:
            count = 0
            while time.monotonic() < moment:
                for descriptor, _ in poller.poll(0.1):
                    count += len(by_descriptor[descriptor].recv(1 << 18))
            return count

        for _ in range(options.viewers):
            viewer, _ = open_websocket(server.port, "/stream/ws")
            by_descriptor[viewer.fileno()] = viewer
            poller.register(viewer.fileno(), select.EPOLLIN)
            # Each gets a list of all cameras; a viewer that does not read it would be cut off.
            read_until(time.monotonic() + 0.01)
        sweep = began + options.interval
        if time.monotonic() > sweep - _TIMEOUT - 2:
            raise SystemExit("the cameras took too long to connect: choose a longer --interval")
        read_until(sweep - 2)
        with observing(server.port) as waits:
            received = read_until(sweep + _AFTER)
    if received < options.cameras * options.viewers * 40:
        raise SystemExit(f"the viewers have received only {received} bytes of notices")
    Figure("thousands of cameras are forgotten", round(waits[0].longest, 2), "ms", 20).print()


if __name__ == "__main__":
    main()
