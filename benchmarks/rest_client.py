"""One process that requests the latest frame over HTTP at a steady rate, each time on a new connection."""

from __future__ import annotations

import socket
import time
from array import array
from collections.abc import Callable

from attrs import frozen

from benchmarks.load import Schedule


@frozen
class RestPlan:
    """Arguments of `run_rest_client`."""

    port: int
    rate: float
    """Requests a second."""
    frame_size: int


@frozen
class RestReport:
    """What `run_rest_client` measured."""

    latencies: array[float]
    """Seconds from just before connecting until the end of the response, for each request."""


def run_rest_client(plan: RestPlan, wait_for_schedule: Callable[[], Schedule]) -> RestReport:
    """Send requests during the last window, one at a time."""
    begin, end = wait_for_schedule().windows[-1]
    latencies: array[float] = array("d")
    due = begin
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        answer = _get(plan.port, "/api/clients/camera-0/latest.jpg")
        latencies.append(time.monotonic() - asked)
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0] or len(body) != plan.frame_size:
            raise ConnectionError(f"expected 200 and {plan.frame_size} bytes, got {len(body)} bytes after {head!r}")
        due += 1 / plan.rate
    return RestReport(latencies)


def _get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        parts = []
        while part := connection.recv(1 << 18):
            parts.append(part)
    return b"".join(parts)
