"""Replies of the REST API about recordings."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from skysentry_trio.wire.events import EventReply
from skysentry_trio.wire.messages import Message
from skysentry_trio.wire.query import Query


class SpanReply(Message):
    """A time in which a camera was recorded."""

    begin: str
    end: str
    frames: int
    bytes: int
    protected: bool
    """Whether the recordings are kept, however old they are."""


class RangeReply(Message):
    """A time from one moment to another."""

    begin: str
    end: str


class HistoryReply(Message):
    """The recordings of one camera between two moments."""

    client_id: str
    spans: list[SpanReply]
    """In the order of time; empty if the request has ``buckets``."""
    frames: int
    bytes: int
    events: list[EventReply]
    """What happened, in the order of the beginnings: at most the first 1000; empty without the right ``events``."""
    protected: list[RangeReply]
    """The protected ranges that touch this time, in order."""
    coverage: list[int] | None
    """Frames in each part of this time, at least 1 in a part that is recorded; null without ``buckets``."""


class DayReply(Message):
    """The recordings of one camera on one day."""

    day: str
    begin: str
    end: str
    """When the next day begins in the zone."""
    frames: int
    bytes: int


class DaysReply(Message):
    """The days on which a camera was recorded."""

    client_id: str
    zone: str
    days: list[DayReply]


class NextDeletionReply(Message):
    """When recordings will be deleted, if recording goes on as it has, and why."""

    at: str
    cause: str
    """``age``, ``bytes``, ``cameraBytes`` or ``free``."""


class RecordedCameraReply(Message):
    """What one camera has on disk."""

    client_id: str
    segments: int
    frames: int
    bytes: int
    protected_bytes: int
    oldest_at: str
    newest_at: str
    next_deletion: NextDeletionReply | None
    """When its oldest recordings will be deleted; null if never, or if this is not known yet."""


class AgeingReply(Message):
    """How old recordings are thinned out."""

    rules: list[str]
    waiting: int
    """Files that are to be looked at."""
    frames_dropped: int
    """Since the server started."""
    bytes_freed: int


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
    next_deletion: NextDeletionReply | UnsetType | None = UNSET
    ageing: AgeingReply | UnsetType = UNSET
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not said in time what they have recorded; left out if there are none."""


class SegmentsReply(Message):
    """How many files a request has changed or deleted."""

    segments: int


class ProtectedReply(Message):
    """What is protected after a change."""

    client_id: str
    protected: list[RangeReply]
    """All protected ranges of the camera, in order."""
    segments: int
    """Number of files that are kept for them."""


class ExportRequest(Message):
    """Asks for an export of recordings."""

    clients: list[str]
    """Ids of cameras."""
    from_: str | float
    """A moment: seconds since 1970, or RFC 3339."""
    to: str | float
    format: str = "zip"

    def moment(self, name: str) -> float:
        """Return ``from`` or ``to`` in seconds since the epoch.

        Raises:
            ProtocolViolation: it is not a moment.
        """
        text = str(self.from_ if name == "from" else self.to)
        return Query({name: [text]}).moment(name) or 0.0


class ExportReply(Message):
    """An export of recordings."""

    id: str
    clients: list[str]
    begin: str
    end: str
    format: str
    """``zip``, ``mkv``, ``mp4`` or ``mjpeg``."""
    state: str
    """``waiting``, ``writing``, ``ready`` or ``failed``."""
    progress: float
    """From 0 to 1."""
    error: str | None
    """Why it has failed; null if it has not."""
    frames: int
    """Written so far."""
    bytes: int
    name: str
    """For the file."""
    url: str
    """Of the file, relative to the address of the server."""
    created_at: str
    expires_at: str | None
    """When it is deleted; null while it is being written."""


class ExportsReply(Message):
    """The exports that somebody may fetch."""

    exports: list[ExportReply]
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not listed theirs in time; left out if there are none."""
