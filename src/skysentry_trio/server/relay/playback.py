"""Where in a camera's ring a viewer looks that has left the live picture, and which frame it gets next, and when."""

from __future__ import annotations

import math
from typing import Final, Self

from attrs import define, field

from skysentry_trio.base.frames import FrameRing, JpegFrame

_MAX_FPS: Final = 60.0
"""Frames a second of a playback at most: hardly a screen shows more, however fast the playback is."""


def find_start(
    ring: FrameRing, now: float, *, at: float | None = None, back: float | None = None, sequence: int | None = None
) -> JpegFrame | None:
    """Return the frame that was the newest at some moment, the oldest there is if that was earlier; None without any.

    Args:
        ring: of the camera.
        now: seconds by the clock of `JpegFrame.arrived`.
        at: the moment in seconds since the epoch;
        back: or in seconds before now;
        sequence: or as that of the frame.
    """
    if at is not None:
        found = ring.at(at)
    elif back is not None:
        found = ring.back(back, now)
    else:
        found = ring.newest if sequence is None else ring.up_to(sequence)
    return found or ring.oldest


@define(eq=False)
class PlaybackCursor:
    """One viewer's place in the ring of one camera; times are seconds of the clock of `JpegFrame.arrived`.

    It moves through the times at which frames arrived, so a pause of the camera is a pause of the playback too. It
    keeps no frame in memory: what the ring lets go before the playback gets there is left out.
    """

    speed: float
    """1 is as it happened; 0 stands still, less goes backwards. It becomes 0 at the oldest frame."""
    sequence: int
    """Of the frame that is shown."""
    received_at: float
    """When the server had that frame: seconds since the epoch."""
    due: float = field(default=math.inf, init=False)
    """When to `step`; infinite if there is nothing to wait for."""
    live: bool = field(default=False, init=False)
    """Whether it has come to the newest frame, where there is nothing to play any more."""
    _interval: float
    """Between frames at least."""
    _anchor: float
    """The time of arrival at which it was,"""
    _anchored_at: float
    """and when it was there."""

    @classmethod
    def start(cls, ring: FrameRing, frame: JpegFrame, speed: float, now: float, max_fps: float | None = None) -> Self:
        """Return a playback that shows a frame now.

        Args:
            ring: the frame is in.
            frame: to be shown first.
            speed: checked by the caller.
            now: when it begins.
            max_fps: the most frames a second that the viewer wants.
        """
        playback = cls(speed, frame.sequence, frame.received_at, _interval(max_fps), frame.arrived, now)
        playback._plan(ring, now)
        return playback

    def limit(self, max_fps: float | None) -> None:
        """Show no more frames a second than that from the next step on."""
        self._interval = _interval(max_fps)

    def step(self, ring: FrameRing, now: float) -> JpegFrame | None:
        """Move on to the frame that is to be shown now, which may be several further; None at an end.

        Args:
            ring: of the camera.
            now: when it was `due`, or later.
        """
        position = self._anchor + (now - self._anchored_at) * self.speed
        frame = self._forwards(ring, position) if self.speed > 0 else self._backwards(ring, position)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            if (frame.arrived - position) * self.speed > 0:
                # What lay between is gone: the playback goes on from where the ring begins now.
                self._anchor, self._anchored_at = frame.arrived, now
        self._plan(ring, now)
        return frame

    def resume(self, ring: FrameRing, now: float) -> JpegFrame | None:
        """Go on after a break from the frame that was shown, or from the oldest if that is gone; None without any."""
        frame = find_start(ring, now, sequence=self.sequence)
        if frame is not None:
            self.sequence, self.received_at = frame.sequence, frame.received_at
            self._anchor, self._anchored_at = frame.arrived, now
        self._plan(ring, now)
        return frame

    def _forwards(self, ring: FrameRing, position: float) -> JpegFrame | None:
        frame = ring.back(0.0, position)
        # One step at least: rounding may put the position a little before the frame that is due.
        return frame if frame is not None and frame.sequence > self.sequence else ring.after(self.sequence)

    def _backwards(self, ring: FrameRing, position: float) -> JpegFrame | None:
        frame = ring.back(0.0, position)
        if frame is None:
            frame = ring.oldest
        elif frame.arrived < position:
            frame = ring.after(frame.sequence)
        return frame if frame is not None and frame.sequence < self.sequence else ring.up_to(self.sequence - 1)

    def _plan(self, ring: FrameRing, now: float) -> None:
        """Say when the next frame is due, or that there is none."""
        self.due = math.inf
        if self.speed == 0:
            return
        following = ring.after(self.sequence) if self.speed > 0 else ring.up_to(self.sequence - 1)
        if following is not None:
            due = self._anchored_at + (following.arrived - self._anchor) / self.speed
            self.due = max(due, now + self._interval)
        elif self.speed > 0:
            self.live = True
        else:
            self.speed = 0.0


def _interval(max_fps: float | None) -> float:
    return 1 / min(_MAX_FPS, max_fps or _MAX_FPS)
