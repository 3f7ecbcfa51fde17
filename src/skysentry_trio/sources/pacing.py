"""Pace frames to a rate, or thin a faster stream to a rate."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False)
class FramePacer:
    """Lets a loop run at a steady rate."""

    fps: float
    _due: float | None = field(default=None, init=False)

    async def wait(self) -> None:
        """Wait until it is time for the next frame.

        After a late frame, the next frame comes earlier, so the average rate stays the same. After a delay of more than
        one period, the schedule starts again, because live viewers gain nothing from a burst.
        """
        now = trio.current_time()
        period = 1 / self.fps
        if self._due is None or now - self._due > period:
            self._due = now
        await trio.sleep_until(self._due)
        self._due += period


@define(eq=False)
class Thinner:
    """Chooses frames of a faster stream so that about ``fps`` a second remain."""

    fps: float
    _due: float | None = field(default=None, init=False)

    def admits(self, now: float) -> bool:
        """Return whether to keep the frame that comes now; ``now`` is in seconds of a monotonic clock."""
        period = 1 / self.fps
        if self._due is None or now - self._due > period:
            self._due = now
        # Frames never come exactly on time. Without tolerance, 30 fps that are thinned to 30 fps could become 15 fps.
        if now < self._due - 0.25 * period:
            return False
        self._due += period
        return True
