"""One picture from a source, the place where the newest of them waits, and where the source learns what is wanted."""

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
    """One JPEG, ready to be sent."""

    jpeg: bytes = field(repr=False)
    captured_at: float
    """When the source had the picture: seconds since the epoch."""


@define(eq=False)
class FrameSlot:
    """Room for one frame between a source and the network: a newer frame replaces the one that waits.

    A slow network thus sees the present with gaps, instead of the past without. In the other direction the source
    is told what is wanted of it.
    """

    clock: Callable[[], float] = time.monotonic
    """Seconds, asked from whatever thread the source works in."""
    dropped: Counter[str] = field(factory=Counter, init=False)
    """Frames that were never sent, by cause."""
    trouble: str | None = field(default=None, init=False)
    """Why the source has nothing at the moment, for people."""
    offered: int = field(default=0, init=False)
    """Frames that were put in."""
    target: EncoderTarget = field(default=UNLIMITED, init=False)
    """What the source is to keep to; it looks again for each picture."""
    encodes: bool = field(default=True, init=False)
    """Whether the source can give its pictures another width and quality."""
    _pace: FrameRate = field(factory=FrameRate, init=False, repr=False)
    """Of the source, before anything is left out."""
    _thinner: Thinner | None = field(default=None, init=False, repr=False)
    _frame: SourceFrame | None = field(default=None, init=False, repr=False)
    _closed: bool = field(default=False, init=False)
    _asked: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def offer(self, frame: SourceFrame) -> None:
        """Put a frame in; one that was still there is dropped and counted as ``behind``."""
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
        """Tell the source what is wanted from now on."""
        if target.max_fps != self.target.max_fps:
            # A new one, as the old one may have chosen a moment that is seconds away.
            self._thinner = Thinner(target.max_fps) if target.max_fps else None
        self.target = target

    def cause_to_leave_out(self) -> str | None:
        """Return why the picture that the source could have now is not wanted, None if it is.

        A source asks once for each picture, before the work for it, from any one thread.
        """
        now = self.clock()
        self._pace.tick(now)
        thinner = self._thinner
        return None if thinner is None or thinner.admits(now) else self.target.cause

    def leaves_out(self) -> bool:
        """Say whether the picture that the source could have now is not wanted, and count it then."""
        cause = self.cause_to_leave_out()
        if cause is not None:
            self.drop(cause)
        return cause is not None

    def source_fps(self) -> float:
        """Return how many pictures a second the source could have."""
        return self._pace.fps(self.clock())

    def close(self) -> None:
        """Say that no frame comes any more; one that waits can still be received."""
        self._closed = True
        self._changed.set()

    async def wait_asked(self) -> None:
        """Wait until somebody has asked for a frame for the first time.

        A file begins to play when a server is there, not while we look for one.
        """
        await self._asked.wait()

    async def receive(self) -> SourceFrame:
        """Take the newest frame out, waiting for one if there is none.

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
