"""Events of cameras on disk: one file for each camera and day, with a JSON object on each line.

``CAMERA/2026/11/29/events.jsonl`` has the events that began on this day in UTC. Lines are only added. The first line
with an id has the whole event; a later line with the same id has what has changed, most often its end. A line that is
incomplete, because the server was killed, is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import evolve, frozen

from skysentry_trio.wire.events import CameraEventReply, EventReply
from skysentry_trio.wire.identity import clean_label
from skysentry_trio.wire.messages import encode_json, rfc3339

FILE_NAME: Final = "events.jsonl"
MOST_BYTES: Final = 16 * 1024 * 1024
"""Size of a file beyond which no more events are added to it; the ends of its events are."""
_DAY: Final = 86_400.0
_FILE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}/\d{4}/\d{2}/\d{2}/" + re.escape(FILE_NAME))


class EventSource(StrEnum):
    """Who noticed an event."""

    API = "api"
    """A program, which posted it."""
    MOTION = "motion"
    """The camera, in whose pictures something has changed."""
    RESULT = "result"
    """A program, whose detection results have scores above the threshold."""


@frozen
class RecordedEvent:
    """Something that happened at a camera."""

    id: str
    camera_id: str
    label: str
    source: EventSource
    started_at: float
    """Seconds since the epoch, in whole milliseconds."""
    ended_at: float | None = None
    """None while it lasts."""
    data: Any = None
    """Any JSON value."""

    def reply(self) -> EventReply:
        """Return the event as answers have it."""
        end = None if self.ended_at is None else rfc3339(self.ended_at)
        return EventReply(self.id, self.label, self.source, rfc3339(self.started_at), end, self.data)

    def reply_with_camera(self) -> CameraEventReply:
        """Return the event as answers about several cameras have it."""
        one = self.reply()
        return CameraEventReply(one.id, one.label, one.source, one.begin, one.end, one.data, self.camera_id)

    @property
    def file(self) -> str:
        """Path of the file of the event, below the folder of the history."""
        return event_file(self.camera_id, self.started_at)


class _Line(msgspec.Struct, omit_defaults=True):
    id: str
    label: str | None = None
    source: EventSource | None = None
    begin: datetime | None = None
    end: datetime | None = None
    data: Any = msgspec.UNSET


_decoder: Final = msgspec.json.Decoder(_Line)


def event_file(camera_id: str, started_at: float) -> str:
    """Return the path of the file of the events of a camera that began on the day of a moment."""
    return f"{camera_id}/{datetime.fromtimestamp(started_at, UTC):%Y/%m/%d}/{FILE_NAME}"


def day_of(name: str) -> tuple[float, float]:
    """Return when the day of a file of events begins and ends: seconds since the epoch."""
    year, month, day = map(int, name.split("/")[1:4])
    try:
        begin = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        # Somebody else made a folder of the 31st of February.
        return 0.0, 0.0
    return begin.timestamp(), begin.timestamp() + _DAY


def find_event_files(folder: Path) -> Iterator[str]:
    """Yield the names of all files of events in a folder; other files are not ours."""
    for path in sorted(folder.glob(f"*/????/??/??/{FILE_NAME}")):
        name = path.relative_to(folder).as_posix()
        if _FILE.fullmatch(name) and path.is_file() and not path.is_symlink():
            yield name


def encode_event(event: RecordedEvent) -> bytes:
    """Return the line of a whole event."""
    line: dict[str, Any] = {
        "id": event.id,
        "label": event.label,
        "source": event.source,
        "begin": rfc3339(event.started_at),
    }
    if event.ended_at is not None:
        line["end"] = rfc3339(event.ended_at)
    if event.data is not None:
        line["data"] = event.data
    return encode_json(line) + b"\n"


def encode_end(event: RecordedEvent) -> bytes:
    """Return the line that says when an event ended, and with which data."""
    line: dict[str, Any] = {"id": event.id, "end": rfc3339(event.ended_at or event.started_at)}
    if event.data is not None:
        line["data"] = event.data
    return encode_json(line) + b"\n"


def decode_events(camera_id: str, lines: Iterable[bytes]) -> list[RecordedEvent]:
    """Return the events of a file, in the order in which they were noted; lines that cannot be read are skipped.

    Args:
        camera_id: id of the camera, which the path of the file says.
        lines: with or without their line breaks.
    """
    events = dict[str, RecordedEvent]()
    for text in lines:
        try:
            line = _decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        known = events.get(line.id)
        event = _change(known, line) if known is not None else _begin(camera_id, line)
        if event is not None:
            events[event.id] = event
    return list(events.values())


def _begin(camera_id: str, line: _Line) -> RecordedEvent | None:
    label, begin = clean_label(line.label), _moment(line.begin)
    if begin is None or label is None or not re.fullmatch(r"[0-9a-f]{16}", line.id):
        return None
    data = None if line.data is msgspec.UNSET else line.data
    event = RecordedEvent(line.id, camera_id, label, line.source or EventSource.API, begin, None, data)
    return _change(event, line)


def _change(event: RecordedEvent, line: _Line) -> RecordedEvent:
    end = _moment(line.end)
    if end is not None:
        event = evolve(event, ended_at=max(end, event.started_at))
    return event if line.data is msgspec.UNSET else evolve(event, data=line.data)


def _moment(time: datetime | None) -> float | None:
    # A time without an offset is in an unknown zone.
    if time is None or time.tzinfo is None:
        return None
    try:
        return round(time.timestamp(), 3)
    except (OverflowError, ValueError):
        return None
