"""Figures of one camera at a viewer: frames, rate, age, and missing frames."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.server_clock import LATEST
from skysentry_trio.client.engine.throughput import Throughput
from skysentry_trio.wire.jpeg import PictureSize, trim_jpeg
from skysentry_trio.wire.viewer import CameraLatency
from skysentry_trio.wire.viewer_frames import FrameHeader


@frozen
class CameraView:
    """The figures of one camera at one moment."""

    camera_id: str
    online: bool | None
    """Whether the camera is connected; None while this viewer is not connected and cannot know."""
    frames: int
    nbytes: int
    fps: float
    bytes_per_second: float
    width: int | None
    height: int | None
    age: float | None
    """Seconds from the newest frame's capture to its arrival here, by the server's clock if that is known. If the time
    of capture is unknown, seconds from the frame's arrival at the server."""
    silent: float | None
    """Seconds since the newest frame arrived."""
    gaps: int
    """Number of frames whose sequences are missing."""
    latency: CameraLatency | None = None
    """The latency of recent frames by stage, as the server reports it; None without a report."""
    condition: str | None = None
    """What the server says is wrong with the pictures: ``frozen``, ``dark`` or ``covered``; None if nothing is."""


@define(eq=False)
class CameraWatch:
    """Counts the frames that this viewer gets from one camera."""

    camera_id: str
    online: bool | None = True
    latency: CameraLatency | None = field(default=None, init=False)
    condition: str | None = field(default=None, init=False)
    gaps: int = field(default=0, init=False)
    _received: Throughput = field(factory=Throughput, init=False)
    _sequence: int | None = field(default=None, init=False)
    _size: PictureSize | None = field(default=None, init=False)
    _age: float | None = field(default=None, init=False)
    _arrived: float | None = field(default=None, init=False)

    def take(self, header: FrameHeader, jpeg: bytes, now: float, wall_clock: float) -> bool:
        """Count a frame if it is new, and return whether it is new; a server repeats a frame after a reconnect.

        Args:
            header: the frame's header.
            jpeg: the frame's JPEG.
            now: seconds of a monotonic clock.
            wall_clock: seconds since the epoch, by the server's clock if it is known.

        Raises:
            ProtocolViolation: the frame is not a JPEG, or its time is invalid.
        """
        if header.sequence == self._sequence:
            return False
        size = trim_jpeg(jpeg).size
        taken_at = header.captured_at if header.captured_at is not None else parse_timestamp(header.timestamp)
        if not 0 <= taken_at <= LATEST:
            raise ProtocolViolation(f"expected a time since 1970, got {taken_at:g} s")
        # A lower sequence is not a gap: the server had forgotten the camera, and counts from 1 again.
        if self._sequence is not None and header.sequence > self._sequence:
            self.gaps += header.sequence - self._sequence - 1
        self._sequence, self._size, self._age, self._arrived = header.sequence, size, wall_clock - taken_at, now
        self._received.add(len(jpeg), now)
        return True

    def view(self, now: float) -> CameraView:
        """Return the figures; ``now`` is in seconds of the clock that `take` uses."""
        return CameraView(
            camera_id=self.camera_id,
            online=self.online,
            frames=self._received.frames,
            nbytes=self._received.nbytes,
            fps=self._received.fps(now),
            bytes_per_second=self._received.bytes_per_second(now),
            width=self._size.width if self._size else None,
            height=self._size.height if self._size else None,
            age=self._age,
            silent=None if self._arrived is None else now - self._arrived,
            gaps=self.gaps,
            latency=self.latency,
            condition=self.condition,
        )


def parse_timestamp(timestamp: str) -> float:
    """Return seconds since the epoch for a time that a server wrote in RFC 3339.

    Raises:
        ProtocolViolation: the text is not such a time.
    """
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError) as error:
        raise ProtocolViolation(f"expected a time in RFC 3339, got {timestamp[:40]!a}") from error
