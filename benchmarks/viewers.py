"""One process for all fast viewers.

It reads the first bytes of each message, which contain the stamp, and lets the kernel discard the rest without copying
it. So one processor is enough for a thousand viewers of a server that uses another processor.
"""

from __future__ import annotations

import json
import select
import socket
import time
from array import array
from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from benchmarks.client import client_frame, open_multipart, open_websocket, part_head, server_frame_head
from benchmarks.load import Schedule, Window
from benchmarks.picture import find_stamp

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_HEAD_SIZE = 512
"""Bytes of a message in which the stamp is found."""
_scratch = memoryview(bytearray(1 << 20))


@frozen
class ViewersPlan:
    """Arguments of `run_viewers`."""

    port: int
    count: int
    multipart: bool = False
    """Whether viewers ask for Motion JPEG over HTTP instead of opening a WebSocket."""
    replaced: bool = False
    """Whether new viewers replace all viewers before the second window, and before each later one."""
    acknowledges: bool = False
    """Whether viewers acknowledge every frame."""
    keys: tuple[str, ...] = ()
    """One for each viewer; none for a server that is open to everybody."""


@frozen
class WindowReport:
    """Counts and latencies of all viewers together in one window."""

    delivered: int
    """Frames received completely."""
    missed: int
    """Frames sent but not received, counted from gaps in the sequence."""
    latencies: array[float]
    """Seconds from just before a camera sent a frame until a viewer had its last byte."""


@frozen
class ViewersReport:
    """What `run_viewers` counted in each window."""

    windows: tuple[WindowReport, ...]
    busy: float
    """CPU time of this process over elapsed time; near 1, this process is the limit and not the server."""


@define(eq=False)
class _Viewer:
    socket: socket.socket
    head: bytes
    read_head: Callable[[bytes], tuple[int, int, int] | None] = server_frame_head
    left: int = 0
    """Bytes of the current message that have not arrived."""
    stamp: tuple[int, int, int] | None = None
    last: dict[int, int] = field(factory=dict)
    """The sequence of the newest frame received from each camera."""


def run_viewers(plan: ViewersPlan, wait_for_schedule: Callable[[], Schedule]) -> ViewersReport:
    """Connect all viewers, receive frames until the schedule ends, and return the counts."""
    poller, viewers = _connect(plan)
    schedule = wait_for_schedule()
    seen = _Seen(schedule)
    began = time.process_time(), time.monotonic()
    ends = (*_replacements(schedule), schedule.end) if plan.replaced else (schedule.end,)
    for until in ends:
        while (now := time.monotonic()) < until:
            for descriptor, _events in poller.poll(min(1.0, until - now)):
                viewer = viewers[descriptor]
                stamp = _read(viewer)
                if stamp is None:
                    continue
                if not viewer.last and not plan.multipart:
                    # After a viewer's first message its kernel delays TCP acknowledgements, and a frame costs the
                    # server a fifth more. Every real viewer sends something, if only the answer to a ping. Sent here,
                    # the message comes at the same time for all servers, also for those that do not ping.
                    viewer.socket.send(client_frame(_PONG, b""))
                seen.add(viewer, stamp)
                if plan.acknowledges:
                    _acknowledge(viewer, stamp)
        if until < schedule.end:
            for viewer in viewers.values():
                viewer.socket.close()
            poller, viewers = _connect(plan)
    busy = (time.process_time() - began[0]) / (time.monotonic() - began[1])
    return ViewersReport(seen.reports(), busy)


def _connect(plan: ViewersPlan) -> tuple[select.epoll, dict[int, _Viewer]]:
    poller = select.epoll()
    viewers: dict[int, _Viewer] = {}
    for index in range(plan.count):
        if plan.multipart:
            # The viewers connect before the camera, and without the placeholder they would get 404.
            opened = open_multipart(plan.port, "/api/clients/camera-0/stream.mjpeg?placeholder=1")
            viewer = _Viewer(*opened, part_head)
        else:
            key = plan.keys[index] if plan.keys else None
            viewer = _Viewer(*open_websocket(plan.port, "/stream/ws", key=key))
        connection = viewer.socket
        connection.settimeout(0)
        viewers[connection.fileno()] = viewer
        poller.register(connection.fileno(), select.EPOLLIN)
    return poller, viewers


def _replacements(schedule: Schedule) -> Iterator[float]:
    """Return when to replace the viewers: as long before each later window as the cameras begin before the first."""
    first, *further = (begin for begin, _ in schedule.windows)
    return (begin - (first - schedule.start) for begin in further)


class _Seen:
    """Counts the frames of all viewers, by window."""

    def __init__(self, schedule: Schedule) -> None:
        self._window = Window(schedule)
        self._delivered, self._missed = [0] * len(schedule.windows), [0] * len(schedule.windows)
        self._latencies = [array("d") for _ in schedule.windows]

    def add(self, viewer: _Viewer, stamp: tuple[int, int, int]) -> None:
        """Count a frame that a viewer has just received completely."""
        now_ns = time.monotonic_ns()
        sent_at, camera, sequence = stamp
        gap = sequence - viewer.last.get(camera, sequence - 1) - 1
        viewer.last[camera] = sequence
        current = self._window.at(now_ns / 1e9)
        if current is not None:
            self._delivered[current] += 1
            self._missed[current] += gap
            self._latencies[current].append((now_ns - sent_at) / 1e9)

    def reports(self) -> tuple[WindowReport, ...]:
        """Return the counts of each window."""
        return tuple(map(WindowReport, self._delivered, self._missed, self._latencies))


def _acknowledge(viewer: _Viewer, stamp: tuple[int, int, int]) -> None:
    _, camera, sequence = stamp
    ack = {"type": "ack", "clientId": f"camera-{camera}", "sequence": sequence, "paintedAt": time.time() * 1000}
    viewer.socket.send(client_frame(_TEXT, json.dumps(ack).encode()))


def _read(viewer: _Viewer) -> tuple[int, int, int] | None:
    """Receive from the socket once; return the stamp of a frame if its last byte has arrived."""
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
