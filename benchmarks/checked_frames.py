"""Send frames to servers and watch them there, and find out of each frame whether it came whole, once and in order."""

from __future__ import annotations

import json
import math
import random
import time
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from benchmarks.picture import make_jpeg
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.connection import Connection, open_connection
from skysentry_trio.server.cluster.node_socket import open_node_socket
from skysentry_trio.wire.viewer_frames import decode_envelope

FRAME_SIZE = 20_000
"""Bytes of the JPEG in each frame, besides the comment that names the frame."""
FPS = 15.0


async def _wait_for_nothing(_camera_id: str, _number: int) -> None:
    pass


@define(eq=False)
class Load:
    """Cameras and viewers, and what became of the frames."""

    sent: dict[tuple[str, int], tuple[float, int]] = field(factory=dict)
    """By camera and number of the frame: when it was sent, and the checksum of its JPEG."""
    is_over: bool = False
    """Whether cameras send no more frames."""
    problems: Counter[str] = field(factory=Counter)
    """Number of frames that were wrong, in the wrong order, or came twice."""
    _picture: bytes = field(factory=lambda: make_jpeg(FRAME_SIZE))

    async def send(
        self,
        port: int,
        camera_id: str,
        fps: float = FPS,
        *,
        frames: float = math.inf,
        wait_for_turn: Callable[[str, int], Awaitable[None]] = _wait_for_nothing,
        stays: bool = False,
    ) -> None:
        """Send the frames of one camera; each frame is another one.

        Args:
            port: of the server.
            camera_id: of the camera.
            fps: frames a second.
            frames: number of frames after which the camera leaves.
            wait_for_turn: called with the camera and the number of each frame that was sent, before the next one.
            stays: whether the camera stays connected after the last frame.
        """
        async with _connect(port, "/ws") as camera:
            await camera.send(json.dumps({"type": "client-registration", "clientId": camera_id}))
            await camera.receive()
            number, due = 0, trio.current_time() + random.random() / fps  # noqa: S311 - nobody guesses it
            while number < frames:
                await trio.sleep_until(due)
                if self.is_over:
                    break
                due += 1 / fps
                number += 1
                jpeg = self._make(camera_id, number)
                self.sent[camera_id, number] = time.monotonic(), zlib.crc32(jpeg)
                await camera.send(jpeg)
                await wait_for_turn(camera_id, number)
            if stays:
                await trio.sleep_forever()

    def _make(self, camera_id: str, number: int) -> bytes:
        comment = f"{camera_id} {number}".encode()
        return b"\xff\xd8\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + self._picture[2:]

    async def watch(
        self,
        port: int,
        camera_ids: list[str],
        seen: Seen,
        *,
        acknowledges: bool = False,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Watch cameras as one viewer for ever."""
        query = "".join(f"&client={camera_id}" for camera_id in camera_ids)
        address = parse_server_address(f"127.0.0.1:{port}")
        async with open_node_socket(address, f"/stream/ws?format=envelope{query}", {}) as viewer:
            task_status.started()
            while True:
                message = await viewer.receive()
                if isinstance(message, bytes):
                    camera_id, sequence = self._take(message, seen)
                    if acknowledges:
                        ack = {"type": "ack", "clientId": camera_id, "sequence": sequence}
                        viewer.send_soon(json.dumps(ack))

    def _take(self, message: bytes, seen: Seen) -> tuple[str, int]:
        now = time.monotonic()
        header, jpeg = decode_envelope(message)
        end = 6 + int.from_bytes(jpeg[4:6], "big") - 2
        camera_id, _, number = jpeg[6:end].decode().partition(" ")
        sent_at, checksum = self.sent.get((camera_id, int(number)), (0.0, -1))
        last, last_number = seen.last.get(camera_id, (0, 0))
        if camera_id != header.camera_id or zlib.crc32(jpeg) != checksum:
            self.problems["wrong"] += 1
        elif header.sequence == last:
            self.problems["twice"] += 1
        elif header.sequence < last or int(number) <= last_number:
            self.problems["disordered"] += 1
        seen.last[camera_id] = header.sequence, int(number)
        seen.numbers[camera_id].append(int(number))
        seen.latencies.append(now - sent_at)
        return header.camera_id, header.sequence


@define(eq=False)
class Seen:
    """What one viewer got."""

    last: dict[str, tuple[int, int]] = field(factory=dict)
    numbers: dict[str, list[int]] = field(factory=lambda: defaultdict(list))
    latencies: array[float] = field(factory=lambda: array("d"))


@asynccontextmanager
async def _connect(port: int, path: str) -> AsyncIterator[Connection]:
    async with open_connection(parse_server_address(f"127.0.0.1:{port}"), path) as connection:
        yield connection
