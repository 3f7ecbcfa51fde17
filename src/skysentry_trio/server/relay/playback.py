"""One viewer's place in the timeline of one camera: which frame comes next, and when."""

from __future__ import annotations

import math
from typing import Final, Self

from attrs import define, field

from skysentry_trio.base.timeline import M, Mark, Timeline

_MAX_FPS: Final = 60.0
"""Frames a second of a playback at most, at any speed: hardly a screen shows more."""


def find_start(
    timeline: Timeline[M],
    now: float,
    *,
    at: float | None = None,
    back: float | None = None,
    sequence: int | None = None,
) -> M | None:
    """Return the frame that was the newest at some moment; the oldest frame if that moment was before it.

    At most one of `at`, `back` and `sequence` says which moment; without any it is now.

    Args:
        timeline: of the camera.
        now: seconds by the clock of `Mark.arrived`.
        at: seconds since the epoch.
        back: seconds before now.
        sequence: of the frame that was the newest then.

    Returns:
        The frame; None if the timeline is empty.
    """
    if at is not None:
        found = timeline.at(at)
    elif back is not None:
        found = timeline.back(back, now)
    else:
        found = timeline.newest if sequence is None else timeline.up_to(sequence)
    return found or timeline.oldest


@define(eq=False)
class PlaybackCursor:
    """One viewer's place in the timeline of one camera; times are seconds of the clock of `Mark.arrived`.

    The cursor moves through the times at which frames arrived, so a pause of the camera is a pause of the playback too.
    It keeps no frame in memory, and skips frames that leave the timeline before it reaches them.
    """

    speed: float
    """1 plays as fast as it happened, 0 stands still, a negative speed plays backwards; 0 from the oldest frame on."""
    sequence: int
    """Of the frame that is shown."""
    received_at: float
    """When the server had that frame: seconds since the epoch."""
    due: float = field(default=math.inf, init=False)
    """When to call `step`; infinite if no frame is to come."""
    live: bool = field(default=False, init=False)
    """Whether the cursor has reached the newest frame, where the playback ends."""
    _interval: float
    """Shortest time between two frames."""
    _anchor: float
    """Media time of the anchor, which is the arrival time of a frame."""
    _anchored_at: float
    """Time at which the cursor was at the anchor."""

    @classmethod
    def start(
        cls, timeline: Timeline[Mark], frame: Mark, speed: float, now: float, max_fps: float | None = None
    ) -> Self:
        """Return a cursor that shows a frame now.

        Args:
            timeline: which contains the frame.
            frame: to show first.
            speed: checked by the caller.
            now: when the playback begins.
            max_fps: the most frames a second that the viewer wants; None for no limit of its own.
        """
        cursor = cls(speed, frame.sequence, frame.received_at, _interval(max_fps), frame.arrived, now)
        cursor._plan(timeline, now)
        return cursor

    def limit(self, max_fps: float | None) -> None:
        """Show at most this many frames a second from the next step on; None for no limit of the viewer's own."""
        self._interval = _interval(max_fps)

    def step(self, timeline: Timeline[M], now: float) -> M | None:
        """Move to the frame that is to be shown now, which may be several frames further.

        Args:
            timeline: of the camera.
            now: the time at which the step was `due`, or later.

        Returns:
            The frame; None if there is no further frame in the direction of the playback.
        """
        position = self._anchor + (now - self._anchored_at) * self.speed
        frame = self._forwards(timeline, position) if self.speed > 0 else self._backwards(timeline, position)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            if (frame.arrived - position) * self.speed > 0:
                # The frames in between have left the timeline: go on from this one as if it had been due now.
                self._anchor, self._anchored_at = frame.arrived, now
        self._plan(timeline, now)
        return frame

    def resume(self, timeline: Timeline[M], now: float) -> M | None:
        """Go on after a break, in which no time was played.

        Returns:
            The frame that was shown before, or the oldest if that one is gone; None if the timeline is empty.
        """
        frame = find_start(timeline, now, sequence=self.sequence)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            self._anchor, self._anchored_at = frame.arrived, now
        self._plan(timeline, now)
        return frame

    def _forwards(self, timeline: Timeline[M], position: float) -> M | None:
        frame = timeline.back(0.0, position)
        # At least one frame further: rounding may put the position slightly before the frame that is due.
        return frame if frame is not None and frame.sequence > self.sequence else timeline.after(self.sequence)

    def _backwards(self, timeline: Timeline[M], position: float) -> M | None:
        frame = timeline.back(0.0, position)
        if frame is None:
            frame = timeline.oldest
        elif frame.arrived < position:
            frame = timeline.after(frame.sequence)
        return frame if frame is not None and frame.sequence < self.sequence else timeline.up_to(self.sequence - 1)

    def _plan(self, timeline: Timeline[Mark], now: float) -> None:
        """Set when the next frame is due, or end the playback if there is none."""
        self.due = math.inf
        if self.speed == 0:
            return
        following = timeline.after(self.sequence) if self.speed > 0 else timeline.up_to(self.sequence - 1)
        if following is not None:
            due = self._anchored_at + (following.arrived - self._anchor) / self.speed
            self.due = max(due, now + self._interval)
        elif self.speed > 0:
            self.live = True
        else:
            self.speed = 0.0


def _interval(max_fps: float | None) -> float:
    return 1 / min(_MAX_FPS, max_fps or _MAX_FPS)
