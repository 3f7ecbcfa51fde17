"""How many frames and bytes a second pass, over the last moments."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from skysentry_trio.base.frames import FrameRate


@define(eq=False)
class Throughput:
    """Frames and bytes, all of them and by the second; times are seconds of any one monotonic clock."""

    frames: int = field(default=0, init=False)
    nbytes: int = field(default=0, init=False)
    _rate: FrameRate = field(factory=FrameRate, init=False, repr=False)
    _sizes: deque[int] = field(factory=lambda: deque(maxlen=30), init=False, repr=False)

    def add(self, nbytes: int, now: float) -> None:
        """Say that a frame of this size passed."""
        self.frames += 1
        self.nbytes += nbytes
        self._rate.tick(now)
        self._sizes.append(nbytes)

    def fps(self, now: float) -> float:
        """Return frames a second."""
        return self._rate.fps(now)

    def bytes_per_second(self, now: float) -> float:
        """Return bytes a second: the frame rate times what a frame lately had."""
        return self.fps(now) * sum(self._sizes) / max(1, len(self._sizes))
