"""One process for one slow viewer: it reads frames at a low rate and notes the age of each."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from attrs import frozen

from benchmarks.client import open_websocket, server_frame_head
from benchmarks.load import Schedule
from benchmarks.picture import find_stamp

_BINARY = 2


@frozen
class SlowViewerPlan:
    """Arguments of `run_slow_viewer`."""

    port: int
    fps: float
    """Frames a second that the viewer reads."""


@frozen
class SlowViewerReport:
    """What `run_slow_viewer` measured."""

    ages: tuple[float, ...]
    """Age of each frame when the viewer had read it completely, in seconds since its camera sent it."""


def run_slow_viewer(plan: SlowViewerPlan, wait_for_schedule: Callable[[], Schedule]) -> SlowViewerReport:
    """Connect when the last window begins, and read frames at the rate of the plan until it ends."""
    schedule = wait_for_schedule()
    begin, end = schedule.windows[-1]
    time.sleep(max(0.0, begin - time.monotonic()))
    connection, received = open_websocket(plan.port, "/stream/ws")
    connection.settimeout(5)
    ages: list[float] = []
    due = time.monotonic()
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        sent_at, received = _read_frame(connection, received)
        ages.append(time.monotonic() - sent_at)
        due = max(due + 1 / plan.fps, time.monotonic())
    return SlowViewerReport(tuple(ages))


def _read_frame(connection: socket.socket, received: bytes) -> tuple[float, bytes]:
    """Read to the end of the next frame; return when its camera sent it, and the bytes received after it."""
    while True:
        head = server_frame_head(received)
        end = None if head is None else head[1] + head[2]
        if head is None or end is None or len(received) < end:
            more = connection.recv(65536 if end is None else end - len(received))
            if not more:
                raise ConnectionError("the server closed the connection of the slow viewer")
            received += more
            continue
        message, received = received[:end], received[end:]
        if head[0] == _BINARY:
            return find_stamp(message)[0] / 1e9, received
