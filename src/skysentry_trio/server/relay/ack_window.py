"""How many frames may be under way to a viewer that acknowledges what it has painted, and how long each took.

Buffers along the way (a modem's, a radio's, a proxy's) take frames as gladly as a screen does, and show them seconds
later. A sender that looks only at its socket fills them. So the window follows the delay instead, as LEDBAT (RFC 6817)
does: it grows while acknowledgements come back hardly later than over an empty link, and shrinks when they are late.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from attrs import define, field, frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target

_FIRST_SIZE = 2.0
_LARGEST_SIZE = 64
_FASTEST_FALL = 0.5
"""Of a frame, for each acknowledgement: what a link that became narrow holds is gone after a few round trips."""
_BASE_PERIOD = 10.0
"""Seconds after which the delay of the empty link is measured anew."""
_PATIENCE = 2.0
"""Seconds beyond four usual delays after which a frame counts as never acknowledged."""


@frozen
class SentFrame:
    """A frame that went out, without its picture."""

    camera_id: str
    sequence: int
    sent_at: float
    """By the clock of `JpegFrame.arrived`."""
    arrived: float
    received_at: float
    captured_at: float | None
    fresh: bool
    """False for one that was there before the viewer asked for it: its age says nothing about its way."""


@define(eq=False)
class AckWindow:
    """What is under way to one viewer, of all its cameras together; times are seconds of one monotonic clock."""

    size: float = field(default=_FIRST_SIZE, init=False)
    """Frames that may be under way; counts in whole ones, and is at least 1."""
    unacked: int = field(default=0, init=False)
    """Frames given up because no acknowledgement came."""
    _under_way: list[SentFrame] = field(factory=list, init=False, repr=False)
    _given_up: list[SentFrame] = field(factory=list, init=False, repr=False)
    """The last frames that were: their acknowledgements may still come, and say how long the link is."""
    _reserved: int = field(default=0, init=False)
    """Frames that are about to be sent."""
    _base: BaseDelay = field(factory=lambda: BaseDelay(_BASE_PERIOD, 2), init=False, repr=False)
    """What a frame takes when nothing else is under way."""
    _probing: bool = field(default=False, init=False)
    """Whether the next frame waits until nothing is under way."""
    _delay: float = field(default=0.0, init=False)
    """Of the last that was acknowledged."""
    _limits: bool = field(default=False, init=False)
    """Whether a frame had to wait for the window since the last acknowledgement."""

    def admits(self, now: float) -> bool:
        """Say whether another frame may be sent."""
        occupied = len(self._under_way) + self._reserved
        if occupied < (1 if self._probing else int(self.size)):
            return True
        if now >= self.gives_up_at:
            # The viewer threw it away, or has forgotten to say that it has it.
            self.unacked += len(self._under_way)
            self._given_up = [*self._given_up, *self._under_way][-_LARGEST_SIZE:]
            self._under_way = []
            self.size = 1.0
            return self._reserved == 0
        self._limits = True
        return False

    @property
    def gives_up_at(self) -> float:
        """When what is under way counts as never acknowledged; infinite if nothing is."""
        return self._under_way[0].sent_at + _PATIENCE + 4 * self._delay if self._under_way else math.inf

    def reserve(self) -> None:
        """Hold a place for a frame that will be sent soon."""
        self._reserved += 1

    def release(self) -> None:
        """Give back such a place."""
        self._reserved -= 1

    def sent(self, camera_id: str, frame: JpegFrame, now: float, *, fresh: bool = True) -> None:
        """Say that a frame goes out now."""
        self._under_way.append(
            SentFrame(camera_id, frame.sequence, now, frame.arrived, frame.received_at, frame.captured_at, fresh)
        )

    def forget(self, camera_id: str) -> None:
        """Expect no acknowledgement of this camera's frames any more."""
        self._under_way = [frame for frame in self._under_way if frame.camera_id != camera_id]
        self._given_up = [frame for frame in self._given_up if frame.camera_id != camera_id]

    def forget_all(self, *, except_of: Collection[str]) -> None:
        """Expect acknowledgements of these cameras' frames only."""
        self._under_way = [frame for frame in self._under_way if frame.camera_id in except_of]
        self._given_up = [frame for frame in self._given_up if frame.camera_id in except_of]

    def acknowledge(self, camera_id: str, sequence: int, now: float) -> SentFrame | None:
        """Take an acknowledgement of a frame, and of all of its camera that were sent before it.

        Returns:
            The frame; None if it is neither under way nor among those given up.
        """
        # A frame may have been sent again, looking back: the first time makes the link no shorter than it is.
        for frames in (self._given_up, self._under_way):
            for index, frame in enumerate(frames):
                if frame.sequence == sequence and frame.camera_id == camera_id:
                    frames[: index + 1] = [other for other in frames[:index] if other.camera_id != camera_id]
                    if frames is self._under_way:
                        self._given_up = [other for other in self._given_up if other.camera_id != camera_id]
                    self._adapt(now - frame.sent_at, now)
                    return frame
        return None

    def _adapt(self, delay: float, now: float) -> None:
        self._delay = delay
        if not self._under_way:
            self._probing = False
        if self._base.is_over(now):
            # A queue that is always there would be taken for a long link some day; so it is let run empty before.
            self._probing = delay - self._base.least > TARGET / 4
        self._base.note(delay, now)
        change = off_target(delay - self._base.least)
        if change < 0:
            self.size = max(1.0, self.size + max(-1.0, change) * _FASTEST_FALL)
        elif self._limits:
            self.size = min(_LARGEST_SIZE, self.size + change / self.size)
        self._limits = False
