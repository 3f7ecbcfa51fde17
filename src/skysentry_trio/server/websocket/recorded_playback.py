"""Plays one camera from its recordings: reads ahead in a thread, and shows each frame when it is due."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import trio
from attrs import define, evolve, field, frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.playback import shortest_interval
from skysentry_trio.server.relay.playback_session import PlaybackSession, RecordedPlace

if TYPE_CHECKING:
    from skysentry_trio.server.history.reader import HistoryReader
    from skysentry_trio.server.history.tape import Tape

T = TypeVar("T")

_PAUSE: Final = 10.0
"""Seconds without a recorded frame that a playback does not wait for."""
_BREAK: Final = 1.0
"""Seconds that it waits instead."""
_PATIENCE: Final = 10.0
"""Seconds that a disk has to answer; after that, there are no recordings for this question."""
_LOOK: Final = 0.2
"""Seconds between two looks whether a paused viewer wants frames again."""


@frozen
class Archive:
    """The recordings for playbacks of all viewers; a server without recordings has no reader."""

    reader: HistoryReader | None = None
    clock_offset: Callable[[], float] = lambda: 0.0
    """Returns the seconds by which the wall clock is ahead of the monotonic clock."""
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(4), repr=False)

    async def run(self, work: Callable[[], T]) -> T:
        """Do work that waits for the disk in a thread; if the disk hangs, the thread is left behind."""
        return await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)

    async def tape_at(self, camera_id: str, moment: float, begin: float) -> Tape | None:
        """Return a tape at a moment; None if the camera has no recordings.

        Args:
            camera_id: id of the camera.
            moment: in seconds since the epoch.
            begin: frames before this moment are left out; 0 for all frames.
        """
        if self.reader is None:
            return None
        reader = evolve(self.reader, clock_offset=self.clock_offset(), begin=begin)
        with trio.move_on_after(_PATIENCE):
            return await self.run(partial(reader.tape_at, camera_id, moment))
        return None

    async def extent(self, camera_id: str, begin: float) -> tuple[float, float] | None:
        """Return when the oldest recorded frame from ``begin`` on arrived, and the newest; None without recordings."""
        if self.reader is None:
            return None
        with trio.move_on_after(_PATIENCE):
            return await self.run(partial(evolve(self.reader, begin=begin).extent, camera_id))
        return None


@define(eq=False)
class RecordedPlayback:
    """One viewer's playback of one camera's recordings."""

    _archive: Archive
    _session: PlaybackSession
    _camera_id: str
    tape: Tape
    place: RecordedPlace
    _moment: float | None
    """The moment from which several cameras are played in step, in seconds since the epoch; None to begin at the
    frame."""

    async def run(self) -> float | None:
        """Show frames until the playback ends.

        Returns:
            The moment from which on the ring is to be played, in seconds since the epoch; None if the playback has
            ended otherwise.
        """
        frame = await self._archive.run(self.tape.read)
        anchor = self.tape.received_at if self._moment is None else self._moment
        anchored_at = trio.current_time()
        self._show(frame)
        speed, forwards = self.place.speed, self.place.speed > 0
        while speed and self._goes_on():
            if await self._wait_while_paused():
                anchor, anchored_at = self.tape.received_at, trio.current_time()
            interval = shortest_interval(self._session.max_fps(self._camera_id))
            shown_at, before = trio.current_time(), self.tape.received_at
            target = anchor + (shown_at + interval - anchored_at) * speed
            has_moved = await self._archive.run(partial(self.tape.move_to, target, forwards=forwards))
            oldest = self._session.oldest_in_ring(self._camera_id) if forwards else None
            if has_moved:
                frame, following = await self._archive.run(self.tape.read), self.tape.received_at
            elif oldest is not None:
                following = oldest.received_at
            else:
                # There is nothing further in this direction.
                self.place.speed = 0.0
                break
            has_pause = abs(following - before) > _PAUSE * max(1.0, abs(speed)) or (following < before) == forwards
            # Cameras that are played in step wait for each other: one may have frames where another has none.
            if has_pause and not self.in_step:
                anchor, anchored_at = following, shown_at + _BREAK
            due = anchored_at + (following - anchor) / speed
            await trio.sleep_until(max(due, shown_at + interval))
            if oldest is not None and following >= math.floor(oldest.received_at * 1000) / 1000:
                return following if self._goes_on() else None
            self._show(frame)
        return None

    @property
    def in_step(self) -> bool:
        """Whether other cameras are played from the same moment."""
        return self._moment is not None

    def _goes_on(self) -> bool:
        return self._session.shows(self._camera_id, self.place)

    def _show(self, frame: JpegFrame | None) -> None:
        if frame is not None:
            self._session.show_recorded(self._camera_id, self.place, frame)

    async def _wait_while_paused(self) -> bool:
        """Wait until the viewer wants frames; return whether it was paused."""
        was_paused = self._session.is_paused
        while self._session.is_paused and self._goes_on():  # noqa: ASYNC110 - rare, and no place for an event
            await trio.sleep(_LOOK)
        return was_paused
