"""Spread frames over time: at a chosen rate, or thinned out to it."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False)
class FramePacer:
    """Let a loop turn so many times a second."""

    fps: float
    _due: float | None = field(default=None, init=False)

    async def wait(self) -> None:
        """Wait until it is time for the next frame.

        A turn that comes late is made up for by the next, so the rate stays; more than one turn late, the
        schedule starts afresh, as a burst of frames is no use to anybody who watches live.
        """
        now = trio.current_time()
        period = 1 / self.fps
        if self._due is None or now - self._due > period:
            self._due = now
        await trio.sleep_until(self._due)
        self._due += period


@define(eq=False)
class Thinner:
    """Choose frames out of a faster stream so that about so many a second remain."""

    fps: float
    _due: float | None = field(default=None, init=False)

    def admits(self, now: float) -> bool:
        """Tell whether the frame of this moment (seconds of a monotonic clock) is among the chosen."""
        period = 1 / self.fps
        if self._due is None or now - self._due > period:
            self._due = now
        # Cameras are never exactly on time: without the tolerance, 30 fps out of 30 would become 15.
        if now < self._due - 0.25 * period:
            return False
        self._due += period
        return True
