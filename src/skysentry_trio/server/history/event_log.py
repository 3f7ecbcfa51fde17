"""The events of all cameras as they happen: noted at once, written by the thread that writes the history."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, Final

import trio
from attrs import define, evolve, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.history.event_table import LONGEST, EventTable
from skysentry_trio.server.history.events import MOST_BYTES, EventSource, RecordedEvent, encode_end, encode_event

LONGEST_OPEN: Final = 3600.0
"""Seconds after which an event that nobody has ended is over."""
_MOST_OPEN: Final = 64
"""Events of one camera that may last at the same time."""
_MOST_WAITING: Final = 1000
"""Lines that may wait for the disk."""
_PER_SECOND: Final = 1.0
_BURST: Final = 60.0
"""Seconds by which events of one camera may come too early: 60 may come at once."""
_LARGEST_LEAD: Final = 5.0
"""Seconds by which the clock of a program that posts an event may be ahead."""


@define(eq=False)
class CurrentEvent:
    """An event that lasts, or that has ended a short time ago."""

    event: RecordedEvent
    begin: float
    """Seconds of the monotonic clock, which nobody can set."""
    end: float | None = None
    """Seconds of the monotonic clock; None while it lasts."""


@frozen
class _Line:
    event: RecordedEvent
    text: bytes
    is_new: bool


@define(eq=False)
class EventLog:
    """Notes when events begin and end; the thread that writes the history calls `write`, and nothing else of it."""

    _folder: Path
    _table: EventTable
    _wall_clock: Callable[[], float]
    """Returns the time of day in seconds since the epoch."""
    _steady_clock: Callable[[], float] = trio.current_time
    noted: Counter[EventSource] = field(factory=Counter, init=False)
    """Events since the start."""
    dropped: int = field(default=0, init=False)
    """Events that were not noted because too many came or the disk did not take them."""
    changed: Callable[[str], None] = field(default=lambda _camera_id: None, init=False, repr=False)
    """Called with the id of a camera one of whose events has begun or ended; must not raise."""
    _current: dict[str, dict[str, CurrentEvent]] = field(factory=dict, init=False, repr=False)
    """The events of each camera that last or have ended a short time ago, by id."""
    _waiting: deque[_Line] = field(factory=deque, init=False, repr=False)
    _unwritten: dict[str, RecordedEvent] = field(factory=dict, init=False, repr=False)
    """By id; the index does not know them as they are now."""
    _rates: dict[str, RateLimiter] = field(factory=dict, init=False, repr=False)
    _is_resumed: bool = field(default=False, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to write."""
        return bool(self._waiting)

    def begin(
        self,
        camera_id: str,
        label: str,
        source: EventSource,
        *,
        begin: float | None = None,
        end: float | None = None,
        data: Any = None,
    ) -> RecordedEvent:
        """Note an event that begins, or that has begun and perhaps ended before.

        Args:
            camera_id: id of the camera.
            label: what it is, in at most 80 printable characters.
            source: who noticed it.
            begin: when it began, in seconds since the epoch; None for now.
            end: when it ended; None if it lasts.
            data: any JSON value.

        Raises:
            ProtocolViolation: the times are impossible, or too many events wait for the disk or last at this camera.
        """
        now = self._wall_clock()
        begin = now if begin is None else begin
        if begin > now + _LARGEST_LEAD:
            raise ProtocolViolation("begin is a moment that has come, got one in the future")
        event = RecordedEvent(token_hex(8), camera_id, label, source, round(begin, 3), None, data)
        if end is not None:
            event = _ended(event, end, now)
        elif begin < now - LONGEST_OPEN:
            raise ProtocolViolation(f"an event without an end begins at most {LONGEST_OPEN:.0f} s ago")
        elif sum(one.end is None for one in self._current.get(camera_id, {}).values()) >= _MOST_OPEN:
            self.dropped += 1
            raise ProtocolViolation(f"{_MOST_OPEN} events of camera {camera_id} last already", "too-fast")
        self._admit(camera_id)
        self._put(_Line(event, encode_event(event), is_new=True))
        self.noted[source] += 1
        self._follow(event, now)
        return event

    def end(self, camera_id: str, event_id: str, *, end: float | None = None, data: Any = None) -> RecordedEvent:
        """Note that an event has ended.

        Args:
            camera_id: id of the camera.
            event_id: id of the event.
            end: when it ended, in seconds since the epoch; None for now.
            data: replaces the data of the event; None leaves the data.

        Raises:
            ProtocolViolation: with code ``not-found`` if no such event lasts; or the time is impossible.
        """
        current = self._current.get(camera_id, {}).get(event_id)
        if current is None or current.end is not None:
            raise ProtocolViolation(f"no event {event_id[:40]!a} of camera {camera_id} lasts", "not-found")
        event, now = current.event, self._wall_clock()
        if end is None:
            # The clock may have been set since the beginning.
            end = min(max(event.started_at, now), event.started_at + LONGEST)
            event = evolve(event, ended_at=round(end, 3))
        else:
            event = _ended(event, end, now)
        if data is not None:
            event = evolve(event, data=data)
        self._put(_Line(event, encode_end(event), is_new=False))
        self._follow(event, now)
        return event

    def lasts(self, camera_id: str, event_id: str) -> bool:
        """Return whether an event lasts."""
        one = self._current.get(camera_id, {}).get(event_id)
        return one is not None and one.end is None

    def current(self, camera_id: str) -> list[CurrentEvent]:
        """Return the events of a camera that last, or that have ended a short time ago."""
        return list(self._current.get(camera_id, {}).values())

    def resume(self, unfinished: Iterable[RecordedEvent], newest: Mapping[str, float]) -> None:
        """Go on, once, with posted events of an earlier server that last; end the others, which nobody will end.

        Args:
            unfinished: the events that have no end in the index.
            newest: when the last recorded frame of each camera arrived, in seconds since the epoch.
        """
        if self._is_resumed:
            return
        self._is_resumed, now = True, self._wall_clock()
        for event in unfinished:
            if event.source is EventSource.API and now - LONGEST_OPEN <= event.started_at <= now:
                self._follow(event, now)
            else:
                last = min(newest.get(event.camera_id, now), event.started_at + LONGEST_OPEN)
                over = evolve(event, ended_at=max(event.started_at, round(last, 3)))
                self._put(_Line(over, encode_end(over), is_new=False))

    def expire(self, keep: float) -> None:
        """End events that last for too long, and forget those that ended long ago.

        Args:
            keep: seconds for which an event that has ended is remembered.
        """
        now = self._steady_clock()
        for camera_id, events in list(self._current.items()):
            for event_id, one in list(events.items()):
                if one.end is None and one.begin < now - LONGEST_OPEN:
                    self.end(camera_id, event_id)
                elif one.end is not None and one.end < now - keep:
                    del events[event_id]
            if not events:
                del self._current[camera_id]
                # It was full again long ago.
                self._rates.pop(camera_id, None)

    def cameras(self) -> list[str]:
        """Return the ids of the cameras that have events, in order; this waits for the disk."""
        with self._lock:
            unwritten = {event.camera_id for event in self._unwritten.values()}
        return sorted(unwritten.union(self._table.cameras()))

    def find(
        self, camera_id: str, begin: float, end: float, limit: int | None = None, label: str | None = None
    ) -> list[RecordedEvent]:
        """Return the events that overlap the time between two moments, by their beginnings; this waits for the disk."""
        with self._lock:
            unwritten = list(self._unwritten.values())
        found = {event.id: event for event in self._table.find(camera_id, begin, end, limit, label)}
        for event in unwritten:
            found.pop(event.id, None)
            is_wanted = event.camera_id == camera_id and label in {None, event.label}
            if is_wanted and event.started_at <= end and (event.ended_at or end) >= begin:
                found[event.id] = event
        return sorted(found.values(), key=lambda event: (event.started_at, event.id))[:limit]

    def write(self) -> None:
        """Write what waits, and make the disk keep it.

        Raises:
            OSError: the disk does not take the events of a camera, which wait for the next attempt; all others are
                written.
        """
        failure: OSError | None = None
        by_file = dict[str, list[_Line]]()
        for line in list(self._waiting):
            by_file.setdefault(line.event.file, []).append(line)
        for name, lines in by_file.items():
            try:
                self._write_file(name, lines)
            except OSError as error:
                failure = failure or error
            else:
                self._forget_waiting(lines)
        if failure is not None:
            raise failure

    def _write_file(self, name: str, lines: list[_Line]) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            if size > MOST_BYTES:
                # Ends still fit: reading stops later.
                self.dropped += sum(line.is_new for line in lines)
                lines = [line for line in lines if not line.is_new]
            size = _append(descriptor, size, b"".join(line.text for line in lines))
        finally:
            os.close(descriptor)
        self._table.put([line.event for line in lines], {name: size})

    def _forget_waiting(self, lines: list[_Line]) -> None:
        written = set(map(id, lines))
        with self._lock:
            rest = [line for line in self._waiting if id(line) not in written]
            self._waiting.clear()
            self._waiting.extend(rest)
            for line in lines:
                if self._unwritten.get(line.event.id) is line.event:
                    del self._unwritten[line.event.id]

    def _put(self, line: _Line) -> None:
        with self._lock:
            # What has begun also ends.
            if line.is_new and not self._has_room(line.event.camera_id):
                self.dropped += 1
                raise ProtocolViolation("too many events wait for the disk", "busy")
            self._waiting.append(line)
            self._unwritten[line.event.id] = line.event

    def _has_room(self, camera_id: str) -> bool:
        count = len(self._waiting)
        if count < _MOST_WAITING // 2:
            return True
        # If the events of one camera cannot be written, those of others still have room.
        own = sum(line.event.camera_id == camera_id for line in self._waiting)
        return count < _MOST_WAITING and own < _MOST_WAITING // 2

    def _admit(self, camera_id: str) -> None:
        limiter = self._rates.get(camera_id)
        if limiter is None:
            limiter = self._rates[camera_id] = RateLimiter(_PER_SECOND, _BURST)
        if not limiter.admit(self._steady_clock()):
            self.dropped += 1
            raise ProtocolViolation(
                f"expected at most {_PER_SECOND:g} event a second of camera {camera_id}, got more", "too-fast"
            )

    def _follow(self, event: RecordedEvent, now: float) -> None:
        """Remember an event for the recorder, by the clock that nobody can set."""
        offset = self._steady_clock() - now
        end = None if event.ended_at is None else event.ended_at + offset
        events = self._current.setdefault(event.camera_id, {})
        known = events.get(event.id)
        if known is None:
            events[event.id] = CurrentEvent(event, event.started_at + offset, end)
        else:
            known.event, known.end = event, end
        self.changed(event.camera_id)


def _ended(event: RecordedEvent, end: float, now: float) -> RecordedEvent:
    if not event.started_at <= round(end, 3) <= min(now + _LARGEST_LEAD, event.started_at + LONGEST):
        got = f"{end - event.started_at:.3f} s after it"
        raise ProtocolViolation(f"end is a moment that has come, at most {LONGEST:.0f} s after begin, got {got}")
    return evolve(event, ended_at=round(end, 3))


def _append(descriptor: int, size: int, lines: bytes) -> int:
    """Add lines to a file of a known size, and make the disk keep them; return the new size."""
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        # A server was killed in the middle of a line.
        lines = b"\n" + lines
    try:
        rest = lines
        while rest:
            # A volume that becomes full may take only a part of them, and refuse the rest.
            rest = rest[os.write(descriptor, rest) :]
        os.fdatasync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    return size + len(lines)
