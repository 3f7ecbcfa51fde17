"""Find and read recorded frames. These functions wait for the disk, so the server calls them in threads."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, evolve, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.coverage import (
    QUARTER,
    Coverage,
    RecordedDay,
    count_frames,
    days,
    find_zone,
    join_tallies,
    mark_spans,
)
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.event_table import EventTable
from skysentry_trio.server.history.events import RecordedEvent
from skysentry_trio.server.history.folder import Damaged, HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable, Place
from skysentry_trio.server.history.index import Segment, Tally, Usage
from skysentry_trio.server.history.recorded_part import RecordedPart
from skysentry_trio.server.history.segment import decode_record
from skysentry_trio.server.history.tape import Tape
from skysentry_trio.wire.jpeg import inspect_jpeg

_PAUSE: Final = 10.0
"""Seconds without frames between two segments after which another span begins."""
_ROLL: Final = 5.0
"""Seconds before and after an event that belong to the event, if no settings say otherwise."""
_SEGMENT: Final = 60.0
"""Parts that are as long as a segment, or longer, are counted without looking at frames."""
_SEARCHED: Final = (120.0, 3600.0, math.inf)
"""Seconds before a moment in which a frame is looked for, one after the other; most often there is one in the first."""


@frozen
class RecordedSpan:
    """A time in which a camera was recorded; it may have pauses shorter than a segment."""

    begin: float
    """Seconds since the epoch."""
    end: float
    frames: int
    nbytes: int
    protected: bool


@frozen
class _Found:
    segment: Segment
    table: FrameTable


@define(eq=False)
class HistoryReader:
    """Reads a folder, and with a writer also the segments that are being written."""

    folder: HistoryFolder
    writer: DiskWriter | None = None
    clock_offset: float = 0.0
    """Seconds by which the wall clock is ahead of the monotonic clock, in which `JpegFrame.arrived` is."""
    rolls: Callable[[str], tuple[float, float]] = lambda _camera_id: (_ROLL, _ROLL)
    """Returns for a camera, by its id, how many seconds before and after an event belong to the event."""
    begin: float = 0.0
    """Frames that arrived before this moment are left out, as if there were none: seconds since the epoch."""

    def events(
        self, camera_id: str, begin: float, end: float, limit: int | None = None, label: str | None = None
    ) -> list[RecordedEvent]:
        """Return the events of a camera that overlap the time between two moments, in the order of their beginnings.

        Args:
            camera_id: id of the camera.
            begin: first moment, in seconds since the epoch.
            end: last moment.
            limit: the most events that are returned; None for all.
            label: of the events; None for any.
        """
        return self._events.find(camera_id, max(begin, self.begin), end, limit, label)

    def events_of_all(
        self, is_visible: Callable[[str], bool], begin: float, end: float, limit: int, label: str | None = None
    ) -> list[RecordedEvent]:
        """Return the events of all cameras as `events` does.

        Args:
            is_visible: returns whether the events of a camera, named by its id, are among them.
            begin: first moment, in seconds since the epoch.
            end: last moment.
            limit: the most events that are returned.
            label: of the events; None for any.
        """
        found = list[RecordedEvent]()
        for camera_id in filter(is_visible, self._events.cameras()):
            found += self.events(camera_id, begin, end, limit, label)
            found.sort(key=lambda event: (event.started_at, event.id))
            del found[limit:]
        return found

    @property
    def _events(self) -> EventLog | EventTable:
        log = None if self.writer is None else self.writer.events
        return self.folder.index.events if log is None else log

    def event_ranges(self, camera_id: str, begin: float, end: float) -> list[tuple[float, float]]:
        """Return when a camera is recorded because of events, between two moments: first and last times, in order."""
        before, after = self.rolls(camera_id)
        ranges = list[tuple[float, float]]()
        for event in self.events(camera_id, begin - after, end + before):
            first, last = event.started_at - before, (math.inf if event.ended_at is None else event.ended_at) + after
            if ranges and first <= ranges[-1][1]:
                first, last = ranges[-1][0], max(last, ranges.pop()[1])
            ranges.append((first, last))
        return ranges

    def segments(self, camera_id: str, begin: float = 0.0, end: float = float("inf")) -> list[Segment]:
        """Return the segments of a camera with frames between two moments, in the order of epochs and sequences."""
        return [found.segment for found in map(self._later, self._find(camera_id, begin, end)) if found is not None]

    def spans(self, camera_id: str, begin: float, end: float) -> list[RecordedSpan]:
        """Return when a camera was recorded between two moments, in the order of time."""
        spans = list[RecordedSpan]()
        for segment in sorted(self.segments(camera_id, begin, end), key=lambda one: one.started_at):
            # In a segment that is thinned out, frames may be further apart than this pause.
            pause = max(_PAUSE, 2 * segment.interval)
            if spans and segment.started_at - spans[-1].end <= pause and spans[-1].protected == segment.protected:
                last = spans[-1]
                spans[-1] = RecordedSpan(
                    last.begin,
                    max(last.end, segment.ended_at),
                    last.frames + segment.frames,
                    last.nbytes + segment.nbytes,
                    last.protected,
                )
            else:
                spans.append(
                    RecordedSpan(
                        segment.started_at, segment.ended_at, segment.frames, segment.nbytes, segment.protected
                    )
                )
        return spans

    def coverage(self, camera_id: str, begin: float, end: float, parts: int) -> Coverage:
        """Return how many frames arrived in each of some parts of equal length; at least one in a recorded part."""
        width, counts = (end - begin) / parts, [0] * parts
        if width < _SEGMENT:
            found = self._find(camera_id, begin, end)
            for one in found:
                count_frames(self._table(one), begin, width, counts, since=self.begin)
            frames, nbytes = sum(counts), sum(one.nbytes for one in self.segments(camera_id, begin, end))
            spans = [(span.begin, span.end) for span in self.spans(camera_id, begin - _SEGMENT, end + _SEGMENT)]
        else:
            tallies = self._tallies(camera_id, begin, end, width)
            for tally in tallies:
                counts[min(tally.number, parts - 1)] += tally.frames
            frames, nbytes = sum(counts), sum(tally.nbytes for tally in tallies)
            spans = list(join_tallies(tallies, begin, width, _PAUSE))
        mark_spans(spans, begin, width, counts)
        return Coverage(counts, frames, nbytes)

    def quarters(self, camera_id: str) -> list[Tally]:
        """Return what is recorded in each quarter of an hour, counted from the epoch; without empty ones."""
        return self._tallies(camera_id, 0.0, float("inf"), QUARTER)

    def days(self, camera_id: str, zone: str) -> list[RecordedDay]:
        """Return what is recorded on each day in a time zone; without days on which nothing is.

        Raises:
            ProtocolViolation: there is no such zone.
        """
        return days(self.quarters(camera_id), find_zone(zone))

    def tape_at(self, camera_id: str, moment: float) -> Tape | None:
        """Return a tape at a moment, see `Tape.at`; None if the camera has no recordings."""
        return Tape.at(self, camera_id, moment)

    def _tallies(self, camera_id: str, begin: float, end: float, width: float) -> list[Tally]:
        writing = [] if self.writer is None else [segment for segment, _ in self.writer.open_segments()]
        tallies = self.folder.index.tallies(camera_id, begin, end, width, self.begin)
        if self.begin:
            # These have begun before the frames that are not left out.
            found = [self._later(one) for one in self._find(camera_id, 0.0, self.begin)]
            writing += [one.segment for one in found if one is not None]
        for segment in writing:
            if segment.camera_id == camera_id and max(begin, self.begin) <= segment.started_at < end:
                part = int((segment.started_at - begin) / width)
                tallies.append(Tally(part, segment.frames, segment.nbytes, 0.0))
        return sorted(tallies)

    def usage(self) -> list[Usage]:
        """Return what each camera has on disk, in the order of the ids."""
        found = {usage.camera_id: usage for usage in self.folder.index.usage()}
        for segment, _ in () if self.writer is None else self.writer.open_segments():
            more = Usage(segment.camera_id, 1, segment.frames, segment.nbytes, segment.started_at, segment.ended_at)
            known = found.get(segment.camera_id)
            found[segment.camera_id] = more if known is None else known.plus(more)
        return [found[camera_id] for camera_id in sorted(found)]

    def usage_of(self, camera_id: str) -> Usage | None:
        """Return what one camera has on disk; None if it has nothing."""
        found = None
        for one in self.segments(camera_id):
            more = Usage(camera_id, 1, one.frames, one.nbytes, one.started_at, one.ended_at)
            found = more if found is None else found.plus(more)
        return found

    def last_until(self, camera_id: str, moment: float) -> JpegFrame | None:
        """Return the last frame that arrived at a moment or before; None if there is none."""
        found = self.find_last_until(camera_id, moment)
        return None if found is None else self._read_until(found[0].name, found[1].place(found[2]))

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

    def extent(self, camera_id: str) -> tuple[float, float] | None:
        """Return when the oldest and the newest recorded frame of a camera arrived; None without recordings."""
        first = self.find_first(camera_id)
        if first is None:
            return None
        writing = () if self.writer is None else self.writer.open_segments()
        last = [segment for segment, _ in writing if segment.camera_id == camera_id]
        if (closed := self.folder.index.last(camera_id)) is not None:
            last.append(closed)
        oldest = max(first[0].started_at, self.begin)
        return oldest, max((segment.ended_at for segment in last), default=first[0].ended_at)

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

    def has_frames(self, camera_id: str, begin: float, end: float) -> bool:
        """Return whether frames arrived between two moments."""
        return next(self._ranges(camera_id, begin, end), None) is not None

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

    def _ranges(self, camera_id: str, begin: float, end: float) -> Iterator[tuple[_Found, int, int]]:
        for found in self._find(camera_id, begin, end):
            table = self._table(found)
            first, last = table.first_from(max(begin, self.begin)), table.last_until(end)
            if first is not None and last is not None and first <= last:
                yield found, first, last

    def _find(self, camera_id: str, begin: float, end: float) -> list[_Found]:
        begin = max(begin, self.begin)
        # The open segments first: one that is finished meanwhile is then in the index.
        writing = () if self.writer is None else self.writer.open_segments()
        found = {
            segment.name: _Found(segment, table)
            for segment, table in writing
            if segment.camera_id == camera_id and segment.started_at <= end and segment.ended_at >= begin
        }
        closed = self.folder.index.segments(camera_id, begin, end)
        found |= {segment.name: _Found(segment, FrameTable()) for segment in closed}
        return sorted(found.values(), key=lambda one: (one.segment.epoch, one.segment.first_sequence))

    def _later(self, found: _Found) -> _Found | None:
        """Return a segment without the frames that are left out; None if there are no others."""
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
        return _Found(rest, table)

    def _table(self, found: _Found) -> FrameTable:
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
