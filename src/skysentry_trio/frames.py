"""What a camera has shown us: single frames, the ring of the newest ones, and how fast they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import define, field, frozen


@frozen
class Frame:
    """One JPEG as a camera sent it."""

    sequence: int
    """Counts the accepted frames of this camera from 1, over all its connections."""
    received_at: float
    """When the server had all of it: seconds since the epoch."""
    captured_at: float | None
    """When the camera says it took the picture: seconds since the epoch by the camera's clock."""
    jpeg: bytes = field(repr=False)
    width: int
    """Pixels, from the JPEG's own frame header."""
    height: int


@frozen
class RingStatistics:
    """A ring and its frame rate at one moment, in the terms SkySentry Go used."""

    size: int
    """Frames held now."""
    capacity: int
    """Frames held at most."""
    frame_count: int
    """Frames accepted since the camera was first seen."""
    latest_at: float | None
    """Arrival of the newest frame: seconds since the epoch."""
    fps: float


@define(eq=False)
class FrameRing:
    """The newest frames of one camera, oldest first; the newest is one step away at any size."""

    capacity: int
    """In frames."""
    nbytes: int = field(default=0, init=False)
    """JPEG bytes held."""
    _frames: deque[Frame] = field(factory=deque, init=False, repr=False)

    def append(self, frame: Frame) -> None:
        """Keep a frame as the newest; the oldest goes when the ring is full."""
        if len(self._frames) == self.capacity:
            self.discard_oldest()
        self._frames.append(frame)
        self.nbytes += len(frame.jpeg)

    def discard_oldest(self) -> None:
        """Let the oldest frame go; raises IndexError if there is none."""
        self.nbytes -= len(self._frames.popleft().jpeg)

    @property
    def newest(self) -> Frame | None:
        """The last frame appended, or None."""
        return self._frames[-1] if self._frames else None

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)


@define(eq=False)
class FrameRate:
    """Frames per second over the last moments; times are seconds of any one monotonic clock."""

    window: float = 2.0
    """Seconds looked back on."""
    _ticks: deque[float] = field(factory=lambda: deque(maxlen=256), init=False, repr=False)

    def tick(self, now: float) -> None:
        """Say that a frame arrived."""
        ticks = self._ticks
        ticks.append(now)
        # Two are kept however old, so that a camera of one frame in ten seconds has a rate too.
        while len(ticks) > 2 and ticks[0] < now - self.window:
            ticks.popleft()

    def fps(self, now: float) -> float:
        """Return the rate; it falls by itself when no more frames come."""
        if len(self._ticks) < 2:
            return 0.0
        first, last = self._ticks[0], self._ticks[-1]
        intervals = len(self._ticks) - 1
        typical = (last - first) / intervals
        # A pause longer than is usual for this camera counts as part of the measure.
        span = last - first if now - last <= 2 * typical else now - first
        return intervals / span if span > 0 else 0.0
