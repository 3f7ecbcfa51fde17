"""The newest frames of cameras, for programs that need time for each frame."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Self

from attrs import define, field

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera_watch import parse_timestamp
from skysentry_trio.client.engine.trust import with_trust
from skysentry_trio.client.engine.viewer import ViewerClient
from skysentry_trio.client.frame import Frame
from skysentry_trio.client.thread.background import Background
from skysentry_trio.client.thread.handle import Handle
from skysentry_trio.client.thread.handover import Closed, Handover
from skysentry_trio.wire.messages import MAX_TEXT_LENGTH, encode_message
from skysentry_trio.wire.results import Box, Result
from skysentry_trio.wire.viewer_frames import FrameHeader
from skysentry_trio.wire.viewer_query import check_subscription


class Viewer(Handle):
    """Receives frames of cameras; iterate over the viewer with ``async for`` in Trio or asyncio, or with ``for``.

    ::

        async with Viewer("http://localhost:8080", "door") as viewer:
            async for frame in viewer:
                await look_at(frame.jpeg)

    Each iteration gets the newest frame of a camera, and each frame only once; older frames are skipped. No frames
    queue in the viewer. No frames queue on the way either, because the viewer acknowledges each frame on arrival. A
    thread receives frames even while the program computes, so the program does not get outdated frames. The viewer
    connects again when the connection is lost.

    Closing the viewer ends all iterations.

    Args:
        server: such as ``http://localhost:8080``.
        camera_ids: ids of the cameras to watch; without any id, the viewer watches all cameras.
        max_fps: the most frames a second that the program needs of each camera.
        max_width: the largest width in pixels that the program needs. A camera may then send smaller frames.
        quality: the JPEG quality that the program needs, above 0 and up to 1.
        token: a key or another token for the server, or a function that returns one. The function is called in a
            thread: for the first connection, when the server refuses the token, and before the token expires. If the
            function raises `OSError`, the viewer tries again later.
        tls_ca: PEM file with certificates of authorities to trust besides those of the system, for ``https``.

    Raises:
        ConfigurationError: the address, the token or the file is invalid.
        ProtocolViolation: an id or a limit is invalid.
    """

    def __init__(
        self,
        server: str,
        *camera_ids: str,
        max_fps: float | None = None,
        max_width: int | None = None,
        quality: float | None = None,
        token: str | Callable[[], str] | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
    ) -> None:
        check_subscription(list(camera_ids))
        limits = Limits(max_fps, max_width, quality)
        self._intake = intake = _Intake()
        address = with_trust(parse_server_address(server), tls_ca)
        self._viewer = client = ViewerClient(address, camera_ids, intake.take, limits, token=token)
        intake.server_time = client.server_time
        super().__init__(
            client, Background(partial(client.run, Backoff(random.random)), intake.fresh.end, f"viewer of {address}")
        )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        """Block until there is a frame that the program has not got yet.

        Raises:
            Refused: the server refuses this viewer.
        """
        try:
            return self._intake.fresh.wait()
        except Closed:
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        """Wait until there is a frame that the program has not got yet.

        Raises:
            Refused: the server refuses this viewer.
        """
        try:
            return await self._intake.fresh.receive()
        except Closed:
            raise StopAsyncIteration from None

    def receive(self, timeout: float | None = None) -> Frame:
        """Return the newest frame that the program has not got yet; block until there is one.

        Raises:
            TimeoutError: there was no frame within the timeout; the message says why.
            Closed: the viewer was closed.
            Refused: the server refuses this viewer.
        """
        try:
            return self._intake.fresh.wait(timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self._viewer.explain_silence()}") from None

    def latest(self, camera_id: str | None = None) -> Frame | None:
        """Return the newest frame, also if the program has got it already; None before the first one.

        Args:
            camera_id: the camera's id; None for the camera whose frame came last.
        """
        return self._intake.newest.get(camera_id)

    def send_result(self, frame: Frame, boxes: Iterable[Box] = (), data: object = None) -> None:
        """Send a detection result for a frame to all viewers of its camera.

        This does not wait. While there is no connection, up to 64 results wait for the next connection. If more
        results wait, the oldest are dropped and counted.

        Args:
            frame: the frame that the result is about.
            boxes: in pixels of the frame.
            data: any further JSON value.

        Raises:
            ProtocolViolation: there are too many boxes, a colour is invalid, or the message is too long.
        """
        result = Result(frame.camera_id, frame.sequence, list(boxes), data)
        result.check()
        message = encode_message(result)
        if len(message) > MAX_TEXT_LENGTH:
            raise ProtocolViolation(f"a result may have {MAX_TEXT_LENGTH} characters, got {len(message)}")
        self._background.call_soon(self._viewer.send, message)

    @property
    def dropped_results(self) -> int:
        """Number of results that were dropped because too many waited."""
        return self._viewer.messages_dropped


def _no_time() -> float:
    raise AssertionError


@define(eq=False)
class _Intake:
    """Holds the frames that the receiving thread has put in for the program."""

    fresh: Handover[Frame] = field(factory=Handover, init=False)
    """Frames that the program has not got yet."""
    newest: dict[str | None, Frame] = field(factory=dict, init=False)
    """The newest frame of each camera by camera id; under None, the newest frame of all cameras."""
    server_time: Callable[[], float] = field(default=_no_time, init=False)

    async def take(self, header: FrameHeader, jpeg: bytes) -> None:
        captured_at = header.captured_at
        received_at = parse_timestamp(header.timestamp)
        # If one of the clocks was set, the age may seem to be negative until the server was asked again.
        age = max(0.0, self.server_time() - (received_at if captured_at is None else captured_at))
        frame = Frame(header.camera_id, header.sequence, jpeg, captured_at, received_at, began=time.monotonic() - age)
        self.newest[header.camera_id] = self.newest[None] = frame
        self.fresh.put(header.camera_id, frame)
