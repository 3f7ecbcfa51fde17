"""Recorded frames for routes: read in threads, few at a time, so that a slow disk delays nobody but the reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import trio
from attrs import evolve, field, frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.scoped_hub import ScopedHub

if TYPE_CHECKING:
    from skysentry_trio.server.history.reader import HistoryReader
    from skysentry_trio.server.history.recorded_part import RecordedPart

T = TypeVar("T")


@frozen
class Recordings:
    """The recordings of a server; a server without any has no reader."""

    reader: HistoryReader | None = None
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2), repr=False)

    async def frame_at(self, hub: ScopedHub, camera_id: str, moment: float) -> JpegFrame | None:
        """Return the last recorded frame that arrived at a moment or before; None if there is none."""
        if self.reader is None:
            return None
        return await self.run(partial(_at(hub, self.reader, camera_id).last_until, camera_id, moment))

    async def part(self, hub: ScopedHub, camera_id: str, begin: float, end: float) -> RecordedPart | None:
        """Return the recorded frames that arrived between two moments; None if there are none."""
        if self.reader is None or begin > end:
            return None
        return await self.run(partial(_at(hub, self.reader, camera_id).part, camera_id, begin, end))

    async def run(self, work: Callable[[], T]) -> T:
        """Do work that waits for the disk in a thread; if the disk hangs, the thread is left behind."""
        return await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)


def _at(hub: ScopedHub, reader: HistoryReader, camera_id: str) -> HistoryReader:
    """Return a reader of what the principal may see, with `JpegFrame.arrived` in the clock of the frames in rings."""
    offset = hub.wall_clock.now() - trio.current_time()
    return evolve(reader, clock_offset=offset, begin=hub.history_begin(camera_id))
