"""Ports for programs that have to be told their port before they start."""

from __future__ import annotations

import random
import socket
from itertools import count
from typing import Final

_PORTS: Final = range(20_000, 32_000)
"""Linux gives other ports to sockets that ask for any port, so a test that runs at the same time gets none of these."""
_numbers = count(random.SystemRandom().randrange(len(_PORTS)))


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens, and each time another one."""
    while True:
        port = _PORTS[next(_numbers) % len(_PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
