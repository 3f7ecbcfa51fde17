"""One process that is all fast viewers.

It reads the first bytes of each message, where the stamp is, and lets the kernel throw the rest away uncopied, so that
one processor can be a thousand viewers of a server that has the other.
"""

from __future__ import annotations

import select
import socket
import time
from array import array
from collections.abc import Callable

from attrs import define, field, frozen

from benchmarks.client import client_frame, open_multipart, open_websocket, part_head, server_frame_head
from benchmarks.load import Schedule, Window
from benchmarks.picture import find_stamp

_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10
_HEAD_SIZE = 512
"""Bytes of a message in which the stamp is found."""
_scratch = memoryview(bytearray(1 << 20))


@frozen
class ViewersPlan:
    """What `run_viewers` is to do."""

    port: int
    count: int
    multipart: bool = False
    """Whether they speak HTTP instead of WebSocket."""


@frozen
class WindowReport:
    """What the viewers saw in one window."""

    delivered: int
    missed: int
    """Frames that were sent and skipped, by the gaps in the sequence."""
    latencies: array[float]
    """Seconds from before a camera's send until a viewer had the last byte."""


@frozen
class ViewersReport:
    """What the viewers saw in each window."""

    windows: tuple[WindowReport, ...]
    busy: float
    """Part of the time in which this process worked; near 1 it measures itself."""


@define(eq=False)
class _Viewer:
    socket: socket.socket
    head: bytes
    read_head: Callable[[bytes], tuple[int, int, int] | None] = server_frame_head
    left: int = 0
    """Bytes of the current message that are still to come."""
    stamp: tuple[int, int, int] | None = None
    last: dict[int, int] = field(factory=dict)
    """The newest sequence seen of each camera."""


def run_viewers(plan: ViewersPlan, wait_for_schedule: Callable[[], Schedule]) -> ViewersReport:
    """Connect, watch until the end, count."""
    poller = select.epoll()
    viewers: dict[int, _Viewer] = {}
    for _ in range(plan.count):
        if plan.multipart:
            # They are here before the camera.
            opened = open_multipart(plan.port, "/api/clients/camera-0/stream.mjpeg?placeholder=1")
            viewer = _Viewer(*opened, part_head)
        else:
            viewer = _Viewer(*open_websocket(plan.port, "/stream/ws"))
        connection = viewer.socket
        connection.settimeout(0)
        viewers[connection.fileno()] = viewer
        poller.register(connection.fileno(), select.EPOLLIN)
    schedule = wait_for_schedule()
    window = Window(schedule)
    delivered, missed = [0] * len(schedule.windows), [0] * len(schedule.windows)
    latencies = [array("d") for _ in schedule.windows]
    began = time.process_time(), time.monotonic()
    while (now := time.monotonic()) < schedule.end:
        for descriptor, _events in poller.poll(min(1.0, schedule.end - now)):
            viewer = viewers[descriptor]
            stamp = _read(viewer)
            if stamp is None:
                continue
            now_ns = time.monotonic_ns()
            sent_at, camera, sequence = stamp
            if not viewer.last and not plan.multipart:
                # Once a viewer has answered, its kernel delays its acknowledgements, and a frame costs the server a
                # fifth more. Whoever watches for real answers, at the latest a server's ping; left to that, it would
                # begin in the middle of a run, and only with the servers that ping.
                viewer.socket.send(client_frame(_PONG, b""))
            gap = sequence - viewer.last.get(camera, sequence - 1) - 1
            viewer.last[camera] = sequence
            current = window.at(now_ns / 1e9)
            if current is not None:
                delivered[current] += 1
                missed[current] += gap
                latencies[current].append((now_ns - sent_at) / 1e9)
    busy = (time.process_time() - began[0]) / (time.monotonic() - began[1])
    return ViewersReport(tuple(map(WindowReport, delivered, missed, latencies)), busy)


def _read(viewer: _Viewer) -> tuple[int, int, int] | None:
    """Take what is there; return the stamp of a frame whose last byte has come."""
    if viewer.left:
        return _discard(viewer)
    data = viewer.socket.recv(_HEAD_SIZE)
    if not data:
        raise ConnectionError("the server closed the connection of a viewer")
    viewer.head += data
    while (head := viewer.read_head(viewer.head)) is not None:
        opcode, head_size, length = head
        end = head_size + length
        if len(viewer.head) < min(end, _HEAD_SIZE):
            return None
        if opcode == _CLOSE:
            raise ConnectionError(f"the server closed the connection of a viewer: {viewer.head[4:end]!r}")
        if opcode == _PING:
            viewer.socket.send(client_frame(_PONG, viewer.head[head_size:end]))
        viewer.stamp = find_stamp(viewer.head) if opcode == _BINARY else None
        viewer.left = max(0, end - len(viewer.head))
        viewer.head = viewer.head[end:]
        if viewer.left:
            return _discard(viewer)
    return None


def _discard(viewer: _Viewer) -> tuple[int, int, int] | None:
    try:
        # With MSG_TRUNC the kernel drops the bytes instead of copying them (tcp(7)).
        received = viewer.socket.recv_into(_scratch, min(viewer.left, len(_scratch)), socket.MSG_TRUNC)
    except BlockingIOError:
        return None
    if not received:
        raise ConnectionError("the server closed the connection of a viewer in the middle of a message")
    viewer.left -= received
    return None if viewer.left else viewer.stamp
