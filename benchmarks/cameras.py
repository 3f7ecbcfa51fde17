"""One process for all cameras: each camera sends frames at a steady rate, and the cameras take turns."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable

from attrs import define, field, frozen

from benchmarks.client import client_frame, mask, open_websocket
from benchmarks.load import Schedule, Window
from benchmarks.picture import STAMP_OFFSET, STAMP_SIZE, encode_stamp, make_jpeg

_TEXT, _BINARY, _PING, _PONG = 1, 2, 9, 10
_LISTEN_EVERY = 0.25


@frozen
class CamerasPlan:
    """Arguments of `run_cameras`."""

    port: int
    count: int
    fps: float
    frame_size: int
    envelopes: bool = False
    """Whether cameras send each JPEG in an envelope with a capture time."""
    keys: tuple[str, ...] = ()
    """One for each camera; none for a server that is open to everybody."""


@frozen
class CamerasReport:
    """Counts of all cameras together, for each window."""

    sent: tuple[int, ...]
    """Frames sent."""
    held_back: tuple[int, ...]
    """Frames not sent, because the server had not read the camera's previous frame."""
    latest: float
    """The longest delay of a frame behind its schedule, in seconds."""


@define(eq=False)
class _Camera:
    index: int
    socket: socket.socket
    sequence: int = 0
    rest: memoryview = field(factory=lambda: memoryview(b""))
    """The part of the current frame that is not sent yet."""


@define(eq=False)
class _Frame:
    """The masked WebSocket frame that all cameras send, with a stamp that is replaced for each of them."""

    wire: bytearray
    _offset: int

    @classmethod
    def of_size(cls, size: int, *, envelope: bool) -> _Frame:
        # One capture time for all frames: the server does the same work for it as for the right one.
        header = json.dumps({"capturedAt": time.time() * 1000}).encode()
        # The mask repeats every 4 bytes: with a multiple of 4 in front of the JPEG, `stamp` needs only its own offset.
        header += b" " * (-(2 + len(header)) % 4)
        prefix = len(header).to_bytes(2, "big") + header if envelope else b""
        wire = client_frame(_BINARY, prefix + make_jpeg(size))
        return cls(bytearray(wire), len(wire) - size + STAMP_OFFSET)

    def stamp(self, camera: int, sequence: int) -> None:
        # The mask has 4 bytes and repeats; `skipped` of them mask the bytes just before the stamp.
        skipped = STAMP_OFFSET % 4
        stamp = encode_stamp(time.monotonic_ns(), camera, sequence)
        self.wire[self._offset : self._offset + STAMP_SIZE] = mask(bytes(skipped) + stamp)[skipped:]


def run_cameras(plan: CamerasPlan, wait_for_schedule: Callable[[], Schedule]) -> CamerasReport:
    """Register all cameras, send frames until the schedule ends, and return the counts."""
    cameras = [_register(plan, index) for index in range(plan.count)]
    frame = _Frame.of_size(plan.frame_size, envelope=plan.envelopes)
    poller = select.epoll()
    by_descriptor = {camera.socket.fileno(): camera for camera in cameras}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    schedule = wait_for_schedule()
    window = Window(schedule)
    sent, held_back = [0] * len(schedule.windows), [0] * len(schedule.windows)
    interval = 1 / (plan.count * plan.fps)
    due, count, latest, listen_at = schedule.start, 0, 0.0, schedule.start
    blocked: set[int] = set()
    while due < schedule.end:
        now = time.monotonic()
        if now < due and not blocked:
            time.sleep(due - now)
        elif now < due or now > listen_at:
            listen_at = now + _LISTEN_EVERY
            for descriptor, events in poller.poll(max(0.0, due - now) if blocked else 0.0):
                if events & select.EPOLLOUT and _push(by_descriptor[descriptor]):
                    blocked.discard(descriptor)
                    poller.modify(descriptor, select.EPOLLIN)
                if events & select.EPOLLIN:
                    _listen(by_descriptor[descriptor])
            continue
        camera = cameras[count % plan.count]
        current = window.at(time.monotonic())
        latest = max(latest, time.monotonic() - due)
        due, count = due + interval, count + 1
        if camera.rest:
            if current is not None:
                held_back[current] += 1
            continue
        camera.sequence += 1
        frame.stamp(camera.index, camera.sequence)
        camera.rest = memoryview(frame.wire)
        if not _push(camera):
            camera.rest = memoryview(bytes(camera.rest))
            blocked.add(camera.socket.fileno())
            poller.modify(camera.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        if current is not None:
            sent[current] += 1
    return CamerasReport(tuple(sent), tuple(held_back), latest)


def _register(plan: CamerasPlan, index: int) -> _Camera:
    # The send buffer holds a whole frame, so that only the server and not this side's kernel can delay a camera.
    connection, received = open_websocket(plan.port, "/ws", send_buffer=2 * plan.frame_size + 65536)
    registration: dict[str, object] = {"type": "client-registration", "clientId": f"camera-{index}"}
    if plan.envelopes:
        registration["capabilities"] = ["envelope"]
    if plan.keys:
        registration["token"] = plan.keys[index]
    connection.sendall(client_frame(_TEXT, json.dumps(registration).encode()))
    while b"registration-success" not in received:
        more = connection.recv(4096)
        if not more:
            raise ConnectionError(f"camera {index} was not registered, the server sent {received!r}")
        received += more
    connection.settimeout(0)
    return _Camera(index, connection)


def _push(camera: _Camera) -> bool:
    """Send the rest of a frame as far as the socket accepts it; return whether nothing is left."""
    with contextlib.suppress(BlockingIOError):
        camera.rest = camera.rest[camera.socket.send(camera.rest) :]
    return not camera.rest


def _listen(camera: _Camera) -> None:
    """Answer a ping; ignore everything else."""
    data = camera.socket.recv(4096)
    if not data:
        raise ConnectionError(f"the server closed the connection of camera {camera.index}")
    if data[0] & 0x0F == _PING and not camera.rest:
        camera.socket.send(client_frame(_PONG, data[2 : 2 + data[1]]))
