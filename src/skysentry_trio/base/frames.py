"""What a camera has shown us: single frames, the ring of the newest ones, and how fast they come."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from operator import attrgetter

from attrs import define, field, frozen


# Not frozen: one would cost nearly four times as much to make, and one is made for every frame that comes in.
@define(eq=False)
class JpegFrame:
    """One JPEG as a camera sent it; it is shared by all who show it, and nobody changes it."""

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
    arrived: float = 0.0
    """`received_at` by the monotonic clock in seconds: for ages and distances, as nobody sets that clock."""


_GONE = JpegFrame(0, 0.0, None, b"", 0, 0)
"""Stands in a ring where a frame was let go."""


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
    """The newest frames of one camera, oldest first, bounded in frames and, if wanted, in age and in bytes.

    The newest frame stays whatever the bounds: it is what the camera shows.

    The frames are in a list of which only the part from `_first` on counts. So every frame has an index, by which it
    is found in O(log n), where a deque takes O(n) to reach its middle; a circular list would have to be as long from
    the beginning as bounds in bytes and seconds might ever need. The part in front is cut off when it is half of the
    list, which makes letting go O(1) on average.
    """

    capacity: int
    """In frames."""
    max_age: float = math.inf
    """Seconds."""
    max_bytes: float = math.inf
    nbytes: int = field(default=0, init=False)
    """JPEG bytes held."""
    _frames: list[JpegFrame] = field(factory=list, init=False, repr=False)
    # For each frame the earliest time stamp of it and all that came after it: sorted, even if the clock was set back.
    _stamps: list[float] = field(factory=list, init=False, repr=False)
    _first: int = field(default=0, init=False)

    def append(self, frame: JpegFrame) -> None:
        """Keep a frame as the newest; the oldest go that are then beyond the bounds.

        Args:
            frame: with a higher sequence, and a later ``arrived``, than any before.
        """
        stamp, index = frame.received_at, len(self._stamps)
        # A clock is set back so seldom that this may take as long as there are frames from after the new time.
        while index > self._first and self._stamps[index - 1] > stamp:
            index -= 1
            self._stamps[index] = stamp
        self._frames.append(frame)
        self._stamps.append(stamp)
        self.nbytes += len(frame.jpeg)
        self.trim(frame.arrived)

    def trim(self, now: float) -> None:
        """Let the oldest frames go that are beyond the bounds; ``now`` is of the clock of `JpegFrame.arrived`."""
        while (count := len(self._frames) - self._first) > 1:
            if (
                count <= self.capacity
                and self.nbytes <= self.max_bytes
                and self._frames[self._first].arrived >= now - self.max_age
            ):
                break
            self.discard_oldest()

    def discard_oldest(self) -> None:
        """Let the oldest frame go; raises IndexError if there is none."""
        first = self._first
        self.nbytes -= len(self._frames[first].jpeg)
        self._frames[first] = _GONE
        first += 1
        if 2 * first > len(self._frames):
            del self._frames[:first], self._stamps[:first]
            first = 0
        self._first = first

    @property
    def newest(self) -> JpegFrame | None:
        """The last frame appended, or None."""
        return self._frames[-1] if self._frames else None

    @property
    def oldest(self) -> JpegFrame | None:
        """The first of those held, or None."""
        return self._frames[self._first] if self._frames else None

    def at(self, timestamp: float) -> JpegFrame | None:
        """Return the last frame that was received at or before a time, or None if all came later.

        Args:
            timestamp: seconds since the epoch. If the clock was set back meanwhile, frames from before that whose own
                time stamps are later than it was then are not found by time, but by `back` and `up_to`.
        """
        return self._before(bisect_right(self._stamps, timestamp, self._first))

    def back(self, seconds: float, now: float) -> JpegFrame | None:
        """Return the frame that was the newest so long ago, or None if there was none.

        Args:
            seconds: to look back.
            now: by the clock of `JpegFrame.arrived`, which nobody sets.
        """
        return self._before(bisect_right(self._frames, now - seconds, self._first, key=attrgetter("arrived")))

    def up_to(self, sequence: int) -> JpegFrame | None:
        """Return the last frame with this sequence or a lower one, or None."""
        return self._before(self._index_after(sequence))

    def after(self, sequence: int) -> JpegFrame | None:
        """Return the first frame with a higher sequence, or None: what comes next for whoever has seen that one."""
        index = self._index_after(sequence)
        return self._frames[index] if index < len(self._frames) else None

    def _index_after(self, sequence: int) -> int:
        return bisect_right(self._frames, sequence, self._first, key=attrgetter("sequence"))

    def _before(self, index: int) -> JpegFrame | None:
        return self._frames[index - 1] if index > self._first else None

    def __len__(self) -> int:
        return len(self._frames) - self._first

    def __iter__(self) -> Iterator[JpegFrame]:
        return (self._frames[index] for index in range(self._first, len(self._frames)))


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
