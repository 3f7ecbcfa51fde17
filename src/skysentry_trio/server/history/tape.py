"""A place in the recordings of one camera, which moves frame by frame in either direction.

These functions wait for the disk, so the server calls them in threads, one at a time.
"""

from __future__ import annotations

from typing import Self

from attrs import define

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.frame_finder import FrameFinder
from skysentry_trio.server.history.frame_table import FrameTable
from skysentry_trio.server.history.index import Segment


@define(eq=False)
class Tape:
    """The recordings of one camera in the order of epochs and sequences, and the frame that is shown."""

    _finder: FrameFinder
    _segment: Segment
    _table: FrameTable
    _number: int
    """Number of the frame in the segment, counted from 0."""

    @classmethod
    def at(cls, finder: FrameFinder, camera_id: str, moment: float) -> Self | None:
        """Return a tape at the last frame that arrived at a moment or before; if all came later, at the first frame.

        Returns:
            The tape; None if the camera has no recordings.
        """
        found = finder.find_last_until(camera_id, moment)
        if found is None:
            found = finder.find_first(camera_id)
        return None if found is None else cls(finder, *found)

    @property
    def epoch(self) -> int:
        """The epoch of the frame."""
        return self._segment.epoch

    @property
    def sequence(self) -> int:
        """The sequence of the frame."""
        return self._table.place(self._number).sequence

    @property
    def received_at(self) -> float:
        """When the frame arrived: seconds since the epoch, in milliseconds."""
        return self._table.place(self._number).received_at

    def read(self) -> JpegFrame | None:
        """Read the frame; None if its file was deleted meanwhile."""
        return self._finder.read(self._segment.name, self._table.place(self._number))

    def move(self, *, forwards: bool) -> bool:
        """Move by one frame; return whether there was one."""
        number = self._number + (1 if forwards else -1)
        if 0 <= number < len(self._table):
            if not forwards and self._table.place(number).received_at < self._finder.begin:
                return False
            self._number = number
            return True
        found = self._finder.neighbour(self._segment, forwards=forwards)
        if found is None:
            return False
        self._segment, self._table = found
        self._number = 0 if forwards else len(self._table) - 1
        return True

    def move_to(self, moment: float, *, forwards: bool) -> bool:
        """Move by at least one frame, past the frames that lie before a moment; return whether there was a frame.

        Args:
            moment: seconds since the epoch; the frame that is reached is the last one on this side of the moment, or
                the next one if there is none on this side.
            forwards: the direction.
        """
        if not self.move(forwards=forwards):
            return False
        while True:
            if forwards:
                last = self._table.last_until(moment)
                if last is not None:
                    self._number = max(self._number, last)
                is_at_end = self._number == len(self._table) - 1
            else:
                first = self._table.first_from(max(moment, self._finder.begin))
                if first is not None:
                    self._number = min(self._number, first)
                is_at_end = self._number == 0
            if not is_at_end or (found := self._finder.neighbour(self._segment, forwards=forwards)) is None:
                return True
            segment, table = found
            is_beyond = segment.started_at > moment if forwards else segment.ended_at < moment
            # Times go back where the clock was set back: those segments are not skipped.
            if is_beyond or (segment.started_at < self._segment.started_at) == forwards:
                return True
            self._segment, self._table = segment, table
            self._number = 0 if forwards else len(table) - 1

    def step_to(self, sequence: int) -> bool:
        """Move to the frame with a sequence, or beyond it in the same direction; return whether there was a frame."""
        forwards = sequence > self.sequence
        while (self.sequence < sequence) if forwards else (self.sequence > sequence):
            epoch = self.epoch
            if not self.move(forwards=forwards):
                return False
            if self.epoch != epoch:
                break
        return True
