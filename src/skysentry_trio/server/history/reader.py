"""Say what a history has of a camera. These functions wait for the disk, so the server calls them in threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from attrs import define, frozen

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
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.event_table import EventTable
from skysentry_trio.server.history.events import RecordedEvent
from skysentry_trio.server.history.frame_finder import FrameFinder
from skysentry_trio.server.history.index import Tally, Usage
from skysentry_trio.server.history.tape import Tape

_PAUSE: Final = 10.0
"""Seconds without frames between two segments after which another span begins."""
_ROLL: Final = 5.0
"""Seconds before and after an event that belong to the event, if no settings say otherwise."""
_SEGMENT: Final = 60.0
"""Parts that are as long as a segment, or longer, are counted without looking at frames."""


@frozen
class RecordedSpan:
    """A time in which a camera was recorded; it may have pauses shorter than a segment."""

    begin: float
    """Seconds since the epoch."""
    end: float
    frames: int
    nbytes: int
    protected: bool


@define(eq=False)
class HistoryReader(FrameFinder):
    """Finds frames, and says when cameras were recorded, what happened, and how much is on disk."""

    rolls: Callable[[str], tuple[float, float]] = lambda _camera_id: (_ROLL, _ROLL)
    """Returns for a camera, by its id, how many seconds before and after an event belong to the event."""

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
            found = [self._visible_part(one) for one in self._find(camera_id, 0.0, self.begin)]
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
