"""Pace frames to a rate, or thin a faster stream to a rate."""

from __future__ import annotations

import trio
from attrs import define, field

_STEP = 0.04
"""Seconds between two pictures without any time stamps: 25 a second."""
_LATE = 0.1
"""Seconds of delay that a playback always makes up for."""


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
class PlaybackClock:
    """Lets a loop show the pictures of a video when their time stamps say."""

    longest_pause: float = 3600.0
    """Longest time in seconds between two pictures; a longer one is an error in the time stamps."""
    _moment: float | None = field(default=None, init=False)
    """The time stamp of the last picture, in seconds."""
    _due: float | None = field(default=None, init=False)
    """When the last picture was due, in seconds of Trio's clock; None before the first picture."""
    _step: float = field(default=_STEP, init=False)
    """Seconds from the last picture to the next one, if time stamps do not say it."""

    async def wait(self, moment: float | None, duration: float | None) -> None:
        """Wait until a picture is due.

        After a late picture, the next one comes earlier. After a long delay, the schedule starts again, because live
        viewers gain nothing from a burst. If time stamps are missing, repeat, go back or jump, as they do when a
        counter wraps, the picture follows the last one after the usual time.

        Args:
            moment: the time stamp of the picture in seconds; None if it has none.
            duration: how long to show the picture, in seconds; None if unknown.
        """
        now = trio.current_time()
        step = self._step
        if moment is not None and self._moment is not None and 0 < moment - self._moment <= self.longest_pause:
            step = moment - self._moment
        due = now if self._due is None else self._due + step
        self._due = now if now - due > max(step, _LATE) else due
        self._step = min(step, 1.0)
        if duration is not None and 0 < duration <= self.longest_pause:
            self._step = duration
        self._moment = moment
        await trio.sleep_until(self._due)

    def begin_again(self, pause: float | None = None) -> None:
        """Let the next picture, the first one of the same video, follow after the last one.

        Args:
            pause: seconds to show the last picture; None for the time that the video says.
        """
        self._moment = None
        self._step = pause or self._step


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
