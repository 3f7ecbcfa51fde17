"""Thin out old segments by dropping frames, so that months fit on the disk of days. No frame is encoded again.

A segment is replaced in steps, each of which may be the last one before a crash:

1. A new file beside the old one gets the frames that stay. The old file is still the segment; the server deletes new
   files that it finds at its start.
2. The disk is made to keep the new file.
3. The new file takes the name of the old one. This happens at once: there is no moment without a whole file.
4. The disk is made to keep the name, and the index learns what the file has. If the index does not learn it, then the
   file is shorter than the index says, and is read again at the next start.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from skysentry_trio.base.ageing_rule import AgeingRule
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.history.folder import Damaged, HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable
from skysentry_trio.server.history.index import Segment
from skysentry_trio.server.history.layout import THINNED
from skysentry_trio.server.history.segment import OPENING

log = get_logger(__name__)

Ranges = Sequence[tuple[float, float]]
_TICK: Final = 0.001
"""Seconds: the index has times in this resolution."""


@define(eq=False)
class Ageing:
    """Thins out the segments of a folder by rules, one segment at a time."""

    folder: HistoryFolder
    rules: tuple[AgeingRule, ...]
    """In the order of ages."""
    ranges_of_events: Callable[[str, float, float], Ranges] = lambda _camera_id, _begin, _end: ()
    """Returns the times of a camera between two moments that keep all frames because something happened."""
    frames_dropped: int = field(default=0, init=False)
    bytes_freed: int = field(default=0, init=False)

    def waiting(self, now: float) -> int:
        """Return the number of segments that are to be looked at."""
        return max(
            (self.folder.index.count_unthinned(now - rule.min_age, rule.interval) for rule in self.rules), default=0
        )

    def step(self, now: float) -> bool:
        """Look at the oldest segment that may have too many frames.

        Args:
            now: seconds since the epoch.

        Returns:
            Whether there was one.

        Raises:
            OSError: the segment cannot be replaced; it stays as it was.
        """
        for rule in reversed(self.rules):
            segment = self.folder.index.oldest_unthinned(now - rule.min_age, rule.interval)
            if segment is not None:
                self._thin(segment, rule.interval)
                return True
        return False

    def _thin(self, segment: Segment, interval: float) -> None:
        index = self.folder.index
        table, before = index.table(segment.name), index.neighbour(segment, forwards=False)
        ranges = [
            *self.folder.protections.of(segment.camera_id, segment.started_at, segment.ended_at),
            *self.ranges_of_events(segment.camera_id, segment.started_at, segment.ended_at),
        ]
        last = None if before is None else before.ended_at
        kept = choose_kept([tick / 1000 for tick in table.ticks], interval, ranges, last)
        if len(kept) == len(table):
            index.set_interval(segment.name, interval)
        elif not self._is_whole(segment, table, interval):
            return
        elif not kept:
            self._count(segment, 0, 0)
            self.folder.delete([segment])
        else:
            path = self.folder.path / segment.name
            new = path.with_name(path.name + THINNED)
            try:
                thinned = copy_frames(path, new, table, kept)
                described = Segment.of(segment.name, segment.camera_id, segment.epoch, thinned)
                replaced = self.folder.replace(new, evolve(described, interval=interval), thinned)
            except OSError:
                with suppress(OSError):
                    new.unlink()
                raise
            if replaced:
                self._count(segment, len(thinned), thinned.end)

    def _is_whole(self, segment: Segment, table: FrameTable, interval: float) -> bool:
        """Return whether the file has what the index says; if not, correct the index, and leave the file as it is."""
        try:
            found, read = self.folder.read_table(segment.name)
        except FileNotFoundError:
            self.folder.index.remove([segment.name])
            return False
        except Damaged:
            self.folder.index.set_interval(segment.name, interval)
            return False
        if read.encode() == table.encode():
            return True
        if (self.folder.path / segment.name).stat().st_size < segment.nbytes:
            # It was cut off, or it was thinned out and the index could not be told.
            self.folder.enter(found, read)
        else:
            log.warning("damaged recording is kept as it is", file=segment.name)
            self.folder.index.set_interval(segment.name, interval)
        return False

    def _count(self, before: Segment, frames: int, nbytes: int) -> None:
        self.frames_dropped += before.frames - frames
        self.bytes_freed += before.nbytes - nbytes


def choose_kept(times: Sequence[float], interval: float, ranges: Ranges, last: float | None) -> list[int]:
    """Return the numbers of the frames that stay: those in a range, and one in each interval.

    The intervals are the same for all segments, so that what is thinned out again stays as it is.

    Args:
        times: when each frame arrived, in order: seconds since the epoch.
        interval: seconds.
        ranges: times that keep all frames.
        last: when the frame before the first one arrived; None if there is none.
    """
    kept = list[int]()
    for stays, group in groupby(range(len(times)), lambda number: _is_inside(times[number], ranges)):
        run = list(group)
        before = times[kept[-1]] if kept else last
        kept += run if stays else _thin_out(run, times, interval, before)
    return kept


def _is_inside(moment: float, ranges: Ranges) -> bool:
    # The index has rounded the moment down.
    return any(begin - _TICK <= moment <= end for begin, end in ranges)


def _thin_out(run: list[int], times: Sequence[float], interval: float, last: float | None) -> list[int]:
    first, end = times[run[0]], times[run[-1]]
    begin = first - interval if last is None or last > first else max(last, first - interval)
    # Frames of a camera that sends at this rate are sometimes two in one interval, and then none in the next one.
    if len(run) <= (end - begin) / interval + 0.25:
        return run
    kept = list[int]()
    for number in run:
        if last is None or times[number] // interval != last // interval:
            kept.append(number)
            last = times[number]
    return kept


def copy_frames(path: Path, new: Path, table: FrameTable, numbers: Sequence[int]) -> FrameTable:
    """Write some frames of a segment into a new file, and wait until the disk has it.

    Returns:
        The places of the frames in the new file.

    Raises:
        OSError: the new file could not be written.
    """
    thinned = FrameTable(end=len(OPENING))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, new.open("wb") as copy:
        copy.write(OPENING)
        for number in numbers:
            place = table.place(number)
            copy.write(data[place.offset : place.offset + place.size])
            thinned.append(place.sequence, place.received_at, thinned.end, place.size)
        copy.flush()
        os.fsync(copy.fileno())
    return thinned
