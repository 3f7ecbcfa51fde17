"""One picture from a source, and the place where the newest of them waits for the network."""

from __future__ import annotations

from collections import Counter

import trio
from attrs import define, field, frozen


@frozen
class SourceFrame:
    """One JPEG, ready to be sent."""

    jpeg: bytes = field(repr=False)
    captured_at: float
    """When the source had the picture: seconds since the epoch."""


@define(eq=False)
class FrameSlot:
    """Room for one frame between a source and the network: a newer frame replaces the one that waits.

    A slow network thus sees the present with gaps, instead of the past without.
    """

    dropped: Counter[str] = field(factory=Counter, init=False)
    """Frames that were never sent, by cause."""
    trouble: str | None = field(default=None, init=False)
    """Why the source has nothing at the moment, for people."""
    _frame: SourceFrame | None = field(default=None, init=False, repr=False)
    _closed: bool = field(default=False, init=False)
    _asked: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def offer(self, frame: SourceFrame) -> None:
        """Put a frame in; one that was still there is dropped and counted as ``behind``."""
        if self._frame is not None:
            self.drop("behind")
        self._frame = frame
        self.trouble = None
        self._changed.set()

    def drop(self, cause: str) -> None:
        """Count a frame that will not be sent."""
        self.dropped[cause] += 1

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
