"""A camera whose frames come from a program."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from functools import partial

from attrs import define, field

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera import CameraClient
from skysentry_trio.client.engine.trust import with_trust
from skysentry_trio.client.thread.background import Background
from skysentry_trio.client.thread.handle import Handle
from skysentry_trio.client.thread.handover import Closed
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.wire.capture import Demand
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.jpeg import trim_jpeg


class Camera(Handle):
    """Sends frames to a server, from any thread, loop or notebook.

    ::

        with Camera("http://localhost:8080", "microscope") as camera:
            while True:
                camera.send(take_picture())

    A thread sends the frames. When the network is slower than the program, a newer frame replaces the frame that
    waits. Frames that viewers do not need are dropped. The camera connects again when the connection is lost.

    Closing the camera waits at most 5 seconds for the last frame to be sent.

    Args:
        server: such as ``http://localhost:8080``.
        camera_id: 1 to 64 letters, digits, dots, dashes and underscores.
        name: a label for people.
        token: a key or another token for the server, or a function that returns one. The function is called in a
            thread: for the first connection, when the server refuses the token, and before the token expires. If the
            function raises `OSError`, the camera tries again later.
        tls_ca: PEM file with certificates of authorities to trust besides those of the system, for ``https``.

    Raises:
        ConfigurationError: the address, the token or the file is invalid.
        ProtocolViolation: the id is invalid.
    """

    def __init__(
        self,
        server: str,
        camera_id: str,
        *,
        name: str | None = None,
        token: str | Callable[[], str] | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
    ) -> None:
        slot = FrameSlot()
        slot.encodes = False
        address = with_trust(parse_server_address(server), tls_ca)
        self._camera = camera = CameraClient(address, check_camera_id(camera_id), slot, name, token=token)
        self._outlet = _Outlet(slot)
        super().__init__(
            camera, Background(partial(camera.run, Backoff(random.random)), self._outlet.end, f"camera {camera_id}")
        )

    def send(self, jpeg: bytes | bytearray | memoryview, captured_at: float | None = None) -> None:
        """Send a frame if viewers need it; this does not wait.

        Args:
            jpeg: one complete JPEG; bytes before and behind it are cut off.
            captured_at: when the picture was taken, seconds since the epoch by this machine's clock; None means now.

        Raises:
            ProtocolViolation: with code ``not-a-jpeg``.
            Closed: the camera was closed.
            Refused: the server refuses this camera, or another one took over its id.
        """
        whole = trim_jpeg(bytes(jpeg), thorough=True).data
        self._outlet.put(SourceFrame(whole, time.time() if captured_at is None else captured_at))
        self._background.call_soon(self._outlet.move, idempotent=True)

    @property
    def demand(self) -> Demand | None:
        """The most that viewers need now: ``viewers``, ``max_fps``, ``max_width``, ``quality``; None if unknown.

        The camera drops frames above ``max_fps``, so a program may save the work of making them.
        """
        return self._camera.demand

    @property
    def dropped(self) -> dict[str, int]:
        """Number of frames that were not sent, by cause."""
        return dict(self._camera.slot.dropped)

    def _finish(self) -> None:
        self._background.call_soon(self._outlet.finish)


@define(eq=False)
class _Outlet:
    """Holds the program's newest frame until the sending thread takes the frame."""

    slot: FrameSlot
    _newest: SourceFrame | None = field(default=None, init=False)
    _overtaken: int = field(default=0, init=False)
    _end: Exception | None = field(default=None, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def put(self, frame: SourceFrame) -> None:
        """Put in a frame; the new frame replaces a frame that still waits."""
        with self._lock:
            if self._end is not None:
                raise self._end
            self._overtaken += self._newest is not None
            self._newest = frame

    def move(self) -> None:
        """Pass the waiting frame on; runs in the sending thread."""
        with self._lock:
            frame, self._newest = self._newest, None
            overtaken, self._overtaken = self._overtaken, 0
        self.slot.drop("behind", overtaken)
        if frame is not None and not self.slot.leaves_out():
            self.slot.offer(frame)

    def finish(self) -> None:
        """Pass the waiting frame on as the last one."""
        self.end(None)
        self.move()
        self.slot.close()

    def end(self, error: Exception | None) -> None:
        """Accept no more frames; from now on, `put` raises the error, or `Closed` if there is no error."""
        with self._lock:
            self._end = self._end or error or Closed("the camera was closed")
