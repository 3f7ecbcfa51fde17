"""The frames of a camera: one frame, the ring of the newest ones, and the rate at which they arrive."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from operator import attrgetter

from attrs import define, field, frozen


# Not frozen: a frozen object takes nearly four times as long to make, and the server makes an object for every frame.
@define(eq=False)
class JpegFrame:
    """One JPEG as a camera sent it. All viewers share the object, so only `FrameRing.shift_times` changes it."""

    sequence: int
    """Number of the frame among the accepted frames of its camera, counted from 1 over all connections."""
    received_at: float
    """When the server had received the whole frame: seconds since the epoch."""
    captured_at: float | None
    """When the camera took the frame: seconds since the epoch, by the server's clock; None if unknown."""
    jpeg: bytes = field(repr=False)
    width: int
    """In pixels, from the header of the JPEG."""
    height: int
    """In pixels."""
    arrived: float = 0.0
    """The time of `received_at` in seconds of the monotonic clock, which nobody can set: for ages and intervals. For a
    frame of another server, the time of its arrival here."""
    transit: float | None = None
    """Seconds from when another server had received the frame until its arrival here; None for a camera of this server.
    """
    repeats: bool = False
    """Whether the camera has not sent the JPEG again, because the picture looks like the frame before."""


_GONE = JpegFrame(0, 0.0, None, b"", 0, 0)
"""Replaces a dropped frame in the list of a ring."""


@frozen
class RingStatistics:
    """The figures of a ring and its frame rate at one moment, with the names that SkySentry Go uses."""

    size: int
    """Frames in the ring."""
    capacity: int
    """Frames in the ring at most."""
    frame_count: int
    """Frames that the server has accepted since it met the camera."""
    latest_at: float | None
    """When the server had received the newest frame: seconds since the epoch; None if the ring is empty."""
    fps: float
    """Frames a second that the camera sends."""


NO_STATISTICS = RingStatistics(0, 0, 0, None, 0.0)
"""The figures of a camera without a ring."""


@define(eq=False)
class FrameRing:
    """The newest frames of one camera, bounded in number and optionally in age and bytes: a `Timeline` in memory.

    The ring always keeps the newest frame, even beyond the bounds, because new viewers are shown this frame.

    The frames are in a list. Only the part of the list from index `_first` on is in use. So every frame has an index,
    and a search takes O(log n). A deque would take O(n) to reach its middle. A circular list would have to know its
    length from the start. When more than half of the list is unused, the unused part is cut off. So dropping a frame
    takes O(1) on average.
    """

    capacity: int
    """Frames at most."""
    max_age: float = math.inf
    """Seconds after which a frame is dropped."""
    max_bytes: float = math.inf
    """JPEG bytes at most."""
    ageless: int = 1
    """The newest frames that are never too old; all others are dropped after `max_age`."""
    nbytes: int = field(default=0, init=False)
    """JPEG bytes in the ring."""
    _frames: list[JpegFrame] = field(factory=list, init=False, repr=False)
    # For each frame, the lowest `received_at` among this frame and all frames after it. So the list is sorted, even if
    # the clock was set back by so little that nobody corrects the times.
    _stamps: list[float] = field(factory=list, init=False, repr=False)
    _first: int = field(default=0, init=False)

    def append(self, frame: JpegFrame) -> None:
        """Add the newest frame, then drop the oldest frames that are beyond the bounds.

        Args:
            frame: has a higher sequence and a later ``arrived`` than every frame in the ring.
        """
        stamp, index = frame.received_at, len(self._stamps)
        # This loop runs only after the clock was set back, over the frames with a later time. That is rare, so O(n) is
        # acceptable.
        while index > self._first and self._stamps[index - 1] > stamp:
            index -= 1
            self._stamps[index] = stamp
        self._frames.append(frame)
        self._stamps.append(stamp)
        self.nbytes += len(frame.jpeg)
        self.trim(frame.arrived)

    def shift_times(self, seconds: float) -> None:
        """Add seconds to the times of day of all frames: the clock was set by as much, so these times were wrong.

        After that, times of old and of new frames are by the same clock. So a search by time finds the old frames, and
        the difference of two times is the time that has passed.
        """
        for index in range(self._first, len(self._frames)):
            frame = self._frames[index]
            frame.received_at += seconds
            if frame.captured_at is not None:
                frame.captured_at += seconds
            self._stamps[index] += seconds

    def trim(self, now: float) -> None:
        """Drop the oldest frames that are beyond the bounds; ``now`` is in seconds of the monotonic clock."""
        while (count := len(self._frames) - self._first) > 1:
            if (
                count <= self.capacity
                and self.nbytes <= self.max_bytes
                and (count <= self.ageless or self._frames[self._first].arrived >= now - self.max_age)
            ):
                break
            self.discard_oldest()

    def discard_oldest(self) -> None:
        """Drop the oldest frame; raise IndexError if the ring is empty."""
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
        """The last frame that was added; None if the ring is empty."""
        return self._frames[-1] if self._frames else None

    @property
    def oldest(self) -> JpegFrame | None:
        """The first frame that is still in the ring; None if the ring is empty."""
        return self._frames[self._first] if self._frames else None

    def at(self, timestamp: float) -> JpegFrame | None:
        """Return the last frame received at or before a time; None if all came later.

        Args:
            timestamp: seconds since the epoch.
        """
        return self._before(bisect_right(self._stamps, timestamp, self._first))

    def back(self, seconds: float, now: float) -> JpegFrame | None:
        """Return the frame that was the newest some seconds before ``now``; None if all came later.

        Args:
            seconds: distance from ``now``.
            now: the time, in seconds of the monotonic clock.
        """
        return self._before(bisect_right(self._frames, now - seconds, self._first, key=attrgetter("arrived")))

    def up_to(self, sequence: int) -> JpegFrame | None:
        """Return the last frame with this sequence or a lower one; None if there is none."""
        return self._before(self._index_after(sequence))

    def after(self, sequence: int) -> JpegFrame | None:
        """Return the first frame with a higher sequence; None if there is none."""
        index = self._index_after(sequence)
        return self._frames[index] if index < len(self._frames) else None

    def frames_after(self, sequence: int) -> list[JpegFrame]:
        """Return all frames with a higher sequence, oldest first."""
        return self._frames[self._index_after(sequence) :]

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
    """Measures the frames per second over the last seconds; all times are in seconds of the monotonic clock."""

    window: float = 2.0
    """Seconds over which the rate is measured."""
    _ticks: deque[float] = field(factory=lambda: deque(maxlen=256), init=False, repr=False)

    def tick(self, now: float) -> None:
        """Count a frame that arrives now."""
        ticks = self._ticks
        ticks.append(now)
        # The last two ticks are kept at any age, so that a camera with one frame in ten seconds has a rate too.
        while len(ticks) > 2 and ticks[0] < now - self.window:
            ticks.popleft()

    def fps(self, now: float) -> float:
        """Return the rate; it falls with time when no more frames arrive."""
        if len(self._ticks) < 2:
            return 0.0
        first, last = self._ticks[0], self._ticks[-1]
        intervals = len(self._ticks) - 1
        typical = (last - first) / intervals
        # A pause of more than two typical intervals is part of the measured time.
        span = last - first if now - last <= 2 * typical else now - first
        return intervals / span if span > 0 else 0.0
