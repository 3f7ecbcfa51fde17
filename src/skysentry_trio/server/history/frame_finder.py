"""Find and read recorded frames. These functions wait for the disk, so the server calls them in threads."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Final

from attrs import define, evolve, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.folder import Damaged, HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable, Place
from skysentry_trio.server.history.index import Segment
from skysentry_trio.server.history.recorded_part import RecordedPart
from skysentry_trio.server.history.segment import decode_record
from skysentry_trio.wire.jpeg import inspect_jpeg

_SEARCHED: Final = (120.0, 3600.0, math.inf)
"""Seconds before a moment in which a frame is looked for, one after the other; most often there is one in the first."""


@frozen
class FoundSegment:
    """A segment, and the places of its frames; the table is empty if the index has it."""

    segment: Segment
    table: FrameTable


@define(eq=False)
class FrameFinder:
    """The frames of a folder, and with a writer also those of the segments that are being written."""

    folder: HistoryFolder
    writer: DiskWriter | None = None
    clock_offset: float = 0.0
    """Seconds by which the wall clock is ahead of the monotonic clock, in which `JpegFrame.arrived` is."""
    begin: float = 0.0
    """Frames that arrived before this moment are left out, as if there were none: seconds since the epoch."""

    def segments(self, camera_id: str, begin: float = 0.0, end: float = float("inf")) -> list[Segment]:
        """Return the segments of a camera with frames between two moments, in the order of epochs and sequences."""
        return [
            found.segment for found in map(self._visible_part, self._find(camera_id, begin, end)) if found is not None
        ]

    def has_frames(self, camera_id: str, begin: float, end: float) -> bool:
        """Return whether frames arrived between two moments."""
        return next(self._ranges(camera_id, begin, end), None) is not None

    def find_first(self, camera_id: str) -> tuple[Segment, FrameTable, int] | None:
        """Return where the oldest frame of a camera is: segment, its frames, and its number."""
        first = None if self.begin else self.folder.index.first(camera_id)
        if first is not None:
            return first, self.folder.index.table(first.name), 0
        for found in self._find(camera_id, 0.0, float("inf")):
            table = self._table(found)
            if (number := table.first_from(self.begin)) is not None:
                return found.segment, table, number
        return None

    def find_last_until(self, camera_id: str, moment: float) -> tuple[Segment, FrameTable, int] | None:
        """Return where the last frame until a finite moment is: its segment, the frames of this, and its number."""
        for seconds in _SEARCHED:
            found = self._find(camera_id, moment - seconds, moment)
            # The last segment by epoch is not always the last one by time: the clock may have been set back.
            for one in sorted(found, key=lambda one: one.segment.started_at, reverse=True):
                table = self._table(one)
                number = table.last_until(moment)
                if number is not None and table.place(number).received_at >= self.begin:
                    return one.segment, table, number
        return None

    def last_until(self, camera_id: str, moment: float) -> JpegFrame | None:
        """Return the last frame that arrived at a moment or before; None if there is none."""
        found = self.find_last_until(camera_id, moment)
        return None if found is None else self._read_until(found[0].name, found[1].place(found[2]))

    def neighbour(self, segment: Segment, *, forwards: bool) -> tuple[Segment, FrameTable] | None:
        """Return the segment after or before another one of the same camera; None if there is none."""
        writing = () if self.writer is None else self.writer.open_segments()
        here = (segment.epoch, segment.first_sequence)
        found = [
            (one, table)
            for one, table in writing
            if one.camera_id == segment.camera_id
            and ((one.epoch, one.first_sequence) > here) == forwards
            and (one.epoch, one.first_sequence) != here
        ]
        closed = self.folder.index.neighbour(segment, forwards=forwards)
        if closed is not None:
            found.append((closed, self.folder.index.table(closed.name)))
        order = sorted(found, key=lambda one: (one[0].epoch, one[0].first_sequence))
        nearest = order[0 if forwards else -1] if order else None
        return None if nearest is None or nearest[0].ended_at < self.begin else nearest

    def read(self, name: str, place: Place) -> JpegFrame | None:
        """Read one frame; None if it was deleted meanwhile, or its file was changed by somebody else."""
        try:
            with (self.folder.path / name).open("rb") as file:
                frame = _read_frame(file.fileno(), place, self.clock_offset)
            return frame or self._read_again(name, place.sequence)
        except FileNotFoundError:
            return None

    def part(self, camera_id: str, begin: float, end: float) -> RecordedPart | None:
        """Return the frames that arrived between two moments; None if there are none."""
        ranges = list(self._ranges(camera_id, begin, end))
        if not ranges:
            return None
        first = next(self.frames(camera_id, begin, end), None)
        places = ((one.segment.name, self._table(one).place(last)) for one, _, last in reversed(ranges))
        last = next((frame for place in places if (frame := self._read_until(*place)) is not None), None)
        if first is None or last is None:
            return None
        return RecordedPart(first, last, self.frames(camera_id, begin, end))

    def frames(self, camera_id: str, begin: float, end: float) -> Iterator[JpegFrame]:
        """Yield the frames that arrived between two moments, in order; each is read when the caller asks for it."""
        for found, first, last in self._ranges(camera_id, begin, end):
            table = self._table(found)
            try:
                with (self.folder.path / found.segment.name).open("rb") as file:
                    for number in range(first, last + 1):
                        place = table.place(number)
                        frame = _read_frame(file.fileno(), place, self.clock_offset)
                        frame = frame or self._read_again(found.segment.name, place.sequence)
                        if frame is not None:
                            yield frame
            except FileNotFoundError:
                # It was deleted meanwhile because it is too old.
                continue

    def _read_until(self, name: str, place: Place) -> JpegFrame | None:
        """Read a frame, or the last one before it if the file does not have it any more."""
        frame = self.read(name, place) or self._read_again(name, place.sequence, exactly=False)
        return frame if frame is not None and frame.received_at >= self.begin else None

    def _read_again(self, name: str, sequence: int, *, exactly: bool = True) -> JpegFrame | None:
        """Read a frame whose file is not as the caller knew it: ageing has replaced the file, or it is damaged.

        Args:
            name: of the file.
            sequence: of the frame.
            exactly: whether no other frame will do; otherwise it is the last one up to this sequence.
        """
        try:
            _, table = self.folder.read_table(name)
            number = table.last_up_to(sequence)
            if number is None or (exactly and table.place(number).sequence != sequence):
                return None
            with (self.folder.path / name).open("rb") as file:
                return _read_frame(file.fileno(), table.place(number), self.clock_offset)
        except (Damaged, OSError):
            return None

    def _ranges(self, camera_id: str, begin: float, end: float) -> Iterator[tuple[FoundSegment, int, int]]:
        for found in self._find(camera_id, begin, end):
            table = self._table(found)
            first, last = table.first_from(max(begin, self.begin)), table.last_until(end)
            if first is not None and last is not None and first <= last:
                yield found, first, last

    def _find(self, camera_id: str, begin: float, end: float) -> list[FoundSegment]:
        begin = max(begin, self.begin)
        # The open segments first: one that is finished meanwhile is then in the index.
        writing = () if self.writer is None else self.writer.open_segments()
        found = {
            segment.name: FoundSegment(segment, table)
            for segment, table in writing
            if segment.camera_id == camera_id and segment.started_at <= end and segment.ended_at >= begin
        }
        closed = self.folder.index.segments(camera_id, begin, end)
        found |= {segment.name: FoundSegment(segment, FrameTable()) for segment in closed}
        return sorted(found.values(), key=lambda one: (one.segment.epoch, one.segment.first_sequence))

    def _visible_part(self, found: FoundSegment) -> FoundSegment | None:
        """Return a segment without the frames before `begin`; None if it has no others."""
        segment = found.segment
        if segment.started_at >= self.begin:
            return found
        table = self._table(found)
        number = table.first_from(self.begin)
        if number is None:
            return None
        first = table.place(number)
        rest = evolve(
            segment,
            first_sequence=first.sequence,
            started_at=first.received_at,
            frames=len(table) - number,
            nbytes=table.end - first.offset,
        )
        return FoundSegment(rest, table)

    def _table(self, found: FoundSegment) -> FrameTable:
        # An open segment brings its table along.
        return found.table or self.folder.index.table(found.segment.name)


def _read_frame(descriptor: int, place: Place, clock_offset: float) -> JpegFrame | None:
    """Read a frame; None if the file does not have it at this place."""
    data = os.pread(descriptor, place.size, place.offset)
    record = decode_record(data)
    if record is None or record.sequence != place.sequence:
        return None
    jpeg = data[record.jpeg]
    try:
        size = inspect_jpeg(jpeg)
    except ProtocolViolation:
        return None
    return JpegFrame(
        record.sequence,
        record.received_at,
        record.captured_at,
        jpeg,
        size.width,
        size.height,
        arrived=record.received_at - clock_offset,
    )
