"""Replies of the REST API about recordings."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from skysentry_trio.wire.events import EventReply
from skysentry_trio.wire.messages import Message


class SpanReply(Message):
    """A time in which a camera was recorded."""

    begin: str
    end: str
    frames: int
    bytes: int
    protected: bool
    """Whether the recordings are kept, however old they are."""


class HistoryReply(Message):
    """The recordings of one camera between two moments."""

    client_id: str
    spans: list[SpanReply]
    """In the order of time."""
    frames: int
    bytes: int
    events: list[EventReply]
    """What happened, in the order of the beginnings: at most the first 1000; empty without the right ``events``."""


class DayReply(Message):
    """The recordings of one camera on one day in UTC."""

    day: str
    frames: int
    bytes: int


class DaysReply(Message):
    """The days on which a camera was recorded."""

    client_id: str
    days: list[DayReply]


class RecordedCameraReply(Message):
    """What one camera has on disk."""

    client_id: str
    segments: int
    frames: int
    bytes: int
    oldest_at: str
    newest_at: str


class RecordingReply(Message):
    """What the server records, and what it has recorded.

    If the principal may see old frames of some cameras only, and no counters, the figures about all cameras are left
    out.
    """

    recording: bool
    """Whether the server records now."""
    trouble: str | None
    """Why recording is paused; null if it is not."""
    cameras: list[RecordedCameraReply]
    frames_written: int | UnsetType = UNSET
    """Since the server started."""
    frames_dropped: int | UnsetType = UNSET
    """Frames that were not recorded because the disk was too slow, full or failing."""
    frames_missed: int | UnsetType = UNSET
    """Frames that left a ring before they could be recorded."""
    bytes_waiting: int | UnsetType = UNSET
    """Bytes of frames that wait for the disk."""
    bytes_free: int | UnsetType = UNSET
    """Bytes that are free on the volume."""


class SegmentsReply(Message):
    """How many files a request has changed or deleted."""

    segments: int
