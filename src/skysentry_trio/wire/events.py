"""Events that programs post: what happened at a camera, when it began, and when it ended."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import MAX_LABEL_LENGTH, clean_label
from skysentry_trio.wire.messages import Message, encode_json
from skysentry_trio.wire.query import Query

MAX_DATA = 4096
"""Maximum number of bytes of the data of an event as JSON; larger data is better kept elsewhere."""
T = TypeVar("T", bound=Message)
Moment = float | str | None
"""Seconds since the epoch, or a time in RFC 3339."""


class EventRequest(Message):
    """Notes an event of a camera."""

    label: str
    begin: Moment = None
    """None for now."""
    end: Moment = None
    """None if the event lasts."""
    data: Any = None
    """Any JSON value."""

    def check(self) -> None:
        """Check the values, and reduce the label to printable characters.

        Raises:
            ProtocolViolation: the label is empty, or the data is too large.
        """
        label = clean_label(self.label)
        if label is None:
            raise ProtocolViolation(
                f"a label has 1 to {MAX_LABEL_LENGTH} printable characters, got {self.label[:40]!a}"
            )
        self.label = label
        check_data(self.data)


class EventEnd(Message):
    """Ends an event."""

    end: Moment = None
    """None for now."""
    data: Any = None
    """Replaces the data of the event; None leaves it."""

    def check(self) -> None:
        """Check the data."""
        check_data(self.data)


class EventReply(Message):
    """Something that happened at a camera."""

    id: str
    label: str
    source: str
    """``api`` (posted), ``motion`` (the camera saw a change) or ``result`` (a detection result above the threshold)."""
    begin: str
    end: str | None
    """Null while it lasts."""
    data: Any
    """Any JSON value."""


class CameraEventReply(EventReply):
    """Something that happened at one of several cameras."""

    client_id: str


class AllEventsReply(Message):
    """The events of all cameras between two moments."""

    events: list[CameraEventReply]
    """In the order of their beginnings."""
    more: bool
    """Whether there are more, which began later than the last one."""
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not answered in time; left out if there are none."""


class EventsReply(Message):
    """The events of a camera between two moments."""

    client_id: str
    events: list[EventReply]
    """In the order of their beginnings."""
    more: bool
    """Whether there are more, which began later than the last one."""


def decode_event_request(body: bytes) -> EventRequest:
    """Decode and check the body of a request that notes an event.

    Raises:
        ProtocolViolation: the body is not as expected.
    """
    return _decode(body, EventRequest, "an object with label, begin, end and data")


def decode_event_end(body: bytes) -> EventEnd:
    """Decode and check the body of a request that ends an event; it may be empty.

    Raises:
        ProtocolViolation: the body is not as expected.
    """
    return _decode(body or b"{}", EventEnd, "an object with end and data")


def read_moment(name: str, moment: Moment) -> float | None:
    """Return a moment in seconds since the epoch; None without one.

    Raises:
        ProtocolViolation: it is no moment.
    """
    return None if moment is None else Query({name: [str(moment)]}).moment(name)


def check_data(data: Any) -> None:
    """Check the size of the data of an event.

    Raises:
        ProtocolViolation: it is too large.
    """
    if data is not None and (size := len(encode_json(data))) > MAX_DATA:
        raise ProtocolViolation(f"the data of an event has at most {MAX_DATA} bytes, got {size}")


def _decode(body: bytes, kind: type[T], expected: str) -> T:
    try:
        request = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"expected {expected} as JSON: {error}") from error
    request.check()
    return request
