"""Frames and bytes a second over the last seconds."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from skysentry_trio.base.frames import FrameRate


@define(eq=False)
class Throughput:
    """Totals and rates of frames and bytes; times are seconds of one monotonic clock."""

    frames: int = field(default=0, init=False)
    nbytes: int = field(default=0, init=False)
    _rate: FrameRate = field(factory=FrameRate, init=False, repr=False)
    _sizes: deque[int] = field(factory=lambda: deque(maxlen=30), init=False, repr=False)

    def add(self, nbytes: int, now: float) -> None:
        """Count a frame of this size."""
        self.frames += 1
        self.nbytes += nbytes
        self._rate.tick(now)
        self._sizes.append(nbytes)

    def fps(self, now: float) -> float:
        """Return the frames a second."""
        return self._rate.fps(now)

    def bytes_per_second(self, now: float) -> float:
        """Return the bytes a second: the frame rate times the recent frame size."""
        return self.fps(now) * sum(self._sizes) / max(1, len(self._sizes))
