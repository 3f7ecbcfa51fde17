"""A frame of a source, and the slot that holds the newest frame and the encoder target of the source."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import trio
from attrs import define, field, frozen

from skysentry_trio.base.frames import FrameRate
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.pacing import Thinner


@frozen
class SourceFrame:
    """A JPEG, ready to be sent."""

    jpeg: bytes = field(repr=False)
    captured_at: float
    """When the source got the picture: seconds since the epoch."""


@define(eq=False)
class FrameSlot:
    """Room for one frame between a source and the network: a newer frame replaces the one that waits.

    So over a slow network some frames are missing, but the frames that arrive are recent. In the other direction, the
    slot holds the encoder target for the source.
    """

    clock: Callable[[], float] = time.monotonic
    """Returns seconds; called from the thread of the source."""
    dropped: Counter[str] = field(factory=Counter, init=False)
    """Number of frames that were never sent, by cause."""
    trouble: str | None = field(default=None, init=False)
    """Why the source has no frame at the moment, for people."""
    offered: int = field(default=0, init=False)
    """Number of frames that were put in."""
    target: EncoderTarget = field(default=UNLIMITED, init=False)
    """The limits that the source must keep; the source reads them for each picture."""
    encodes: bool = field(default=True, init=False)
    """Whether the source can change the width and quality of its pictures."""
    _pace: FrameRate = field(factory=FrameRate, init=False, repr=False)
    """Rate of the source before frames are left out."""
    _thinner: Thinner | None = field(default=None, init=False, repr=False)
    _frame: SourceFrame | None = field(default=None, init=False, repr=False)
    _closed: bool = field(default=False, init=False)
    _asked: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def offer(self, frame: SourceFrame) -> None:
        """Put a frame in; a frame that still waits is dropped and counted as ``behind``."""
        if self._frame is not None:
            self.drop("behind")
        self.offered += 1
        self._frame = frame
        self.trouble = None
        self._changed.set()

    def drop(self, cause: str, count: int = 1) -> None:
        """Count frames that will not be sent."""
        if count:
            self.dropped[cause] += count

    def set_target(self, target: EncoderTarget) -> None:
        """Set the target for the following frames."""
        if target.max_fps != self.target.max_fps:
            # Make a new thinner, because the old thinner may admit no frame for seconds.
            self._thinner = Thinner(target.max_fps) if target.max_fps else None
        self.target = target

    def cause_to_leave_out(self) -> str | None:
        """Return why the source should leave out its current picture; None if it should not leave it out.

        A source calls this once for each picture, before it encodes the picture, and never from two threads together.
        """
        now = self.clock()
        self._pace.tick(now)
        thinner = self._thinner
        return None if thinner is None or thinner.admits(now) else self.target.cause

    def leaves_out(self) -> bool:
        """Return whether the source should leave out its current picture, and count the picture if so."""
        cause = self.cause_to_leave_out()
        if cause is not None:
            self.drop(cause)
        return cause is not None

    def source_fps(self) -> float:
        """Return the pictures a second that the source could produce."""
        return self._pace.fps(self.clock())

    def close(self) -> None:
        """End the slot; a frame that waits can still be received."""
        self._closed = True
        self._changed.set()

    async def wait_asked(self) -> None:
        """Wait until a frame is requested for the first time.

        So a file starts to play when the camera is connected, not before.
        """
        await self._asked.wait()

    async def receive(self) -> SourceFrame:
        """Take the newest frame out; wait until there is a frame.

        Raises:
            trio.EndOfChannel: the source has ended.
        """
        self._asked.set()
        while self._frame is None:
            if self._closed:
                raise trio.EndOfChannel
            self._changed = trio.Event()
            await self._changed.wait()
        frame, self._frame = self._frame, None
        return frame


def report_trouble(slot: FrameSlot, error: Exception, delay: float) -> None:
    """Say why a slot gets no frames, and when the source is tried again; for `keep_trying`."""
    slot.trouble = f"{error}; trying again in {delay:.1f} s"
