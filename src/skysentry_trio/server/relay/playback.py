"""One viewer's place in the timeline of one camera: which frame comes next, and when."""

from __future__ import annotations

import math
from typing import Final, Self

from attrs import define, field

from skysentry_trio.base.timeline import M, Mark, Timeline

_MAX_FPS: Final = 60.0
"""Most frames a second in a playback, at any speed; most screens show no more."""


def find_start(
    timeline: Timeline[M],
    now: float,
    *,
    at: float | None = None,
    back: float | None = None,
    sequence: int | None = None,
) -> M | None:
    """Return the frame that was the newest at some moment; if the moment is too early, return the oldest frame.

    At most one of `at`, `back` and `sequence` gives the moment; without any of them, the moment is now.

    Args:
        timeline: the timeline of the camera.
        now: the current time, in seconds of the clock of `Mark.arrived`.
        at: the moment in seconds since the epoch.
        back: the moment in seconds before now.
        sequence: the sequence of the frame that was the newest at the moment.

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

    The cursor follows the times at which frames arrived. Where the camera paused, the playback pauses too. The cursor
    keeps no frame in memory. If frames leave the timeline before the cursor reaches them, the cursor skips them.
    """

    speed: float
    """1 plays in real time, 0 stands still, a negative speed plays backwards and becomes 0 at the oldest frame."""
    sequence: int
    """Sequence of the frame that is shown."""
    received_at: float
    """When the server had the frame that is shown: seconds since the epoch."""
    due: float = field(default=math.inf, init=False)
    """When to call `step`; infinite if there is no next frame."""
    live: bool = field(default=False, init=False)
    """Whether the cursor has played forwards to the newest frame, which ends the playback."""
    _interval: float
    """Shortest time between two frames."""
    _anchor: float
    """The arrival time of a frame, from which the cursor's position in the timeline is computed."""
    _anchored_at: float
    """The time at which the cursor was at the anchor."""
    _in_step: bool = False
    """Whether other cameras are played from the same moment, so that the cursor never changes its position to a frame
    of its own timeline."""

    @classmethod
    def start(
        cls,
        timeline: Timeline[Mark],
        frame: Mark,
        speed: float,
        now: float,
        max_fps: float | None = None,
        *,
        position: float | None = None,
    ) -> Self:
        """Return a cursor that shows a frame now.

        Args:
            timeline: the timeline of the camera, which contains the frame.
            frame: the frame to show first.
            speed: the speed, which the caller has checked.
            now: when the playback begins.
            max_fps: the most frames a second that the viewer wants; None if the viewer sets no limit.
            position: the moment from which several cameras are played in step; None to begin at the frame.
        """
        anchor = frame.arrived if position is None else position
        cursor = cls(
            speed, frame.sequence, frame.received_at, shortest_interval(max_fps), anchor, now, position is not None
        )
        cursor._plan(timeline, now)
        return cursor

    def limit(self, max_fps: float | None) -> None:
        """Show at most this many frames a second from the next step on; None means that the viewer sets no limit."""
        self._interval = shortest_interval(max_fps)

    def step(self, timeline: Timeline[M], now: float) -> M | None:
        """Move to the frame that is to be shown now; this may skip several frames.

        Args:
            timeline: the timeline of the camera.
            now: the time at which the step was `due`, or later.

        Returns:
            The frame; None if there is no further frame in the direction of the playback.
        """
        position = self._anchor + (now - self._anchored_at) * self.speed
        frame = self._forwards(timeline, position) if self.speed > 0 else self._backwards(timeline, position)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            if (frame.arrived - position) * self.speed > 0 and not self._in_step:
                # The frames in between have left the timeline: continue as if this frame was to be shown exactly now.
                self._anchor, self._anchored_at = frame.arrived, now
        self._plan(timeline, now)
        return frame

    def resume(self, timeline: Timeline[M], now: float) -> M | None:
        """Continue the playback after a break, from the frame that was shown before the break.

        Returns:
            The frame that was shown before; the oldest frame if that frame is gone; None if the timeline is empty.
        """
        frame = find_start(timeline, now, sequence=self.sequence)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            self._anchor, self._anchored_at = frame.arrived, now
        self._plan(timeline, now)
        return frame

    def _forwards(self, timeline: Timeline[M], position: float) -> M | None:
        frame = timeline.back(0.0, position)
        # Move by at least one frame: rounding may put the position slightly before the next frame.
        return frame if frame is not None and frame.sequence > self.sequence else timeline.after(self.sequence)

    def _backwards(self, timeline: Timeline[M], position: float) -> M | None:
        frame = timeline.back(0.0, position)
        if frame is None:
            frame = timeline.oldest
        elif frame.arrived < position:
            frame = timeline.after(frame.sequence)
        return frame if frame is not None and frame.sequence < self.sequence else timeline.up_to(self.sequence - 1)

    def _plan(self, timeline: Timeline[Mark], now: float) -> None:
        """Set when to show the next frame; if there is none, become live (forwards) or stand still (backwards)."""
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


def shortest_interval(max_fps: float | None) -> float:
    """Return the shortest time between two frames of a playback; None for a viewer that sets no limit."""
    return 1 / min(_MAX_FPS, max_fps or _MAX_FPS)
