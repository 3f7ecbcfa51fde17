"""Messages on ``/stream/ws`` that are not frames, from viewers and from the server."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import UNSET, UnsetType, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.messages import (
    Authenticate,
    Authenticated,
    Clock,
    ClockReply,
    ErrorNotice,
    Message,
    MessageDecoder,
    to_seconds,
)
from skysentry_trio.wire.results import Result
from skysentry_trio.wire.viewer_query import check_subscription

SUBPROTOCOL: Final = "skysentry.v1"
HIGHEST_SPEED: Final = 60.0
"""Highest speed of a playback, forwards or backwards; 1 is the original speed."""
MAX_IN_STEP: Final = 16
"""Most cameras that one playback command names."""
_MAX_NOTICE: Final = 16 * 1024 * 1024
"""Maximum number of characters in a message to a viewer; the list of cameras has hundreds for each camera."""


class ClientSummary(Message):
    """One camera in the list that a viewer gets when it connects."""

    camera_id: str
    name: str | None
    online: bool
    fps: float
    stopped: bool | UnsetType = UNSET
    """Whether the camera is offline because it was stopped on purpose; left out if it was not."""
    reachable: bool | UnsetType = UNSET
    """False if the server that has the camera does not answer this server; left out otherwise."""
    condition: str | UnsetType = UNSET
    """What is wrong with the pictures: ``frozen``, ``dark`` or ``covered``; left out if nothing is."""


class Clients(Message, tag="clients", tag_field="type"):
    """The list of cameras that a viewer gets once, as its first message."""

    clients: list[ClientSummary]


class ClientConnected(Message, tag="client-connected", tag_field="type"):
    """A camera has come online, or can be reached again, or no longer, or something else is wrong with its pictures."""

    camera_id: str
    name: str | None = None
    reachable: bool | UnsetType = UNSET
    """False if the server that has the camera does not answer this server; left out otherwise."""
    condition: str | UnsetType = UNSET
    """What is wrong with the pictures: ``frozen``, ``dark`` or ``covered``; left out if nothing is."""


class ClientDisconnected(Message, tag="client-disconnected", tag_field="type"):
    """A camera has gone offline; with ``removed``, the server has also forgotten the camera and its frames."""

    camera_id: str
    removed: bool = False
    stopped: bool | UnsetType = UNSET
    """Whether the camera was stopped on purpose; left out if it was not."""


class Subscribe(Message, tag="subscribe", tag_field="type", omit_defaults=True):
    """Subscribes to these cameras, or with ``*`` to all, with limits for each."""

    clients: list[str] | Literal["*"]
    max_fps: float | None = None
    max_width: int | None = None
    quality: float | None = None

    @property
    def limits(self) -> Limits:
        """The most that the viewer needs of each of these cameras.

        Raises:
            ProtocolViolation: a limit is out of range.
        """
        return Limits(self.max_fps, self.max_width, self.quality)

    def check(self) -> None:
        """Check the limits and the ids."""
        _ = self.limits
        if self.clients != "*":
            check_subscription(self.clients)


class Unsubscribe(Message, tag="unsubscribe", tag_field="type"):
    """Ends the subscription to these cameras."""

    clients: list[str]

    def check(self) -> None:
        """Check the ids."""
        check_subscription(self.clients)


class Viewers(Message, tag="viewers", tag_field="type"):
    """Says to how many viewers another server of the cluster passes the frames of cameras on; others do not send it."""

    clients: dict[str, int]
    """Numbers of viewers, by camera id."""

    def check(self) -> None:
        """Check the ids."""
        check_subscription(list(self.clients))


class Pause(Message, tag="pause", tag_field="type"):
    """Stops all frames until `Resume`."""


class Resume(Message, tag="resume", tag_field="type"):
    """Ends a pause; the newest frame of each camera comes first."""


class Ack(Message, tag="ack", tag_field="type"):
    """Acknowledges a frame of a camera and all frames before it: each one is painted, or will never be painted."""

    camera_id: str
    sequence: int
    painted_at_ms: float | None = field(default=None, name="paintedAt")
    """When the frame was painted: milliseconds since the epoch by the server's clock; None if unknown or never."""

    @property
    def painted_at(self) -> float | None:
        """The time in `painted_at_ms`, in seconds."""
        return to_seconds(self.painted_at_ms)


class CameraLatency(Message):
    """Mean latency of one camera's frames to a viewer's screen, stage by stage, in milliseconds."""

    camera_id: str
    frames: int
    """Number of frames over which the means are taken."""
    capture: float | None
    """From capture until the server had the frame; None if the camera does not send the time of capture."""
    server: float
    """From when the server had the frame until the server sent it."""
    delivery: float
    """From when the server sent the frame until the viewer had painted it."""
    total: float
    """Sum of the known stages."""
    transit: float | UnsetType = UNSET
    """From when another server had the frame until this server had it; left out for a camera of this server."""


class Latency(Message, tag="latency", tag_field="type"):
    """Latencies computed from the viewer's acknowledgements since the last such message."""

    cameras: list[CameraLatency]


class _PlaybackCommand(Message, omit_defaults=True):
    """A command about the playback of one camera, or of several cameras together."""

    camera_id: str = ""
    """The only camera; empty if `clients` names several."""
    clients: list[str] = field(default_factory=list)
    """The cameras, if there are several."""

    @property
    def camera_ids(self) -> list[str]:
        """The ids of the cameras."""
        return [self.camera_id] if self.camera_id else list(dict.fromkeys(self.clients))

    def check(self) -> None:
        """Check the ids of the cameras."""
        if bool(self.camera_id) == bool(self.clients):
            given = "both" if self.camera_id else "none"
            raise ProtocolViolation(f"a playback command needs one of clientId and clients, got {given}")
        if len(self.clients) > MAX_IN_STEP:
            raise ProtocolViolation(f"clients has at most {MAX_IN_STEP} ids, got {len(self.clients)}")
        for camera_id in self.camera_ids:
            check_camera_id(camera_id)


class Seek(_PlaybackCommand, tag="seek", tag_field="type", omit_defaults=True):
    """Plays cameras back from a moment on; exactly one of `at`, `back` and `sequence` names this moment.

    Several cameras are played in step. Their frames have no sequences in common, so `at` or `back` names the moment.
    """

    at_ms: float | None = field(default=None, name="at")
    """Milliseconds since the epoch."""
    back: float | None = None
    """Seconds before now."""
    sequence: int | None = None
    """The sequence of the frame that was the newest at this moment."""
    speed: float = 1.0
    """1 plays at the original speed, 0 shows one still frame, and a negative speed plays backwards."""

    @property
    def at(self) -> float | None:
        """The moment in seconds since the epoch."""
        return to_seconds(self.at_ms)

    def check(self) -> None:
        """Check the ids of the cameras, the moment and the speed."""
        super().check()
        given = [name for name in ("at", "back", "sequence") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ProtocolViolation(f"seek needs one of at, back and sequence, got {' and '.join(given) or 'none'}")
        if self.clients and self.sequence is not None:
            raise ProtocolViolation("a seek of several cameras needs at or back, got sequence")
        if not -HIGHEST_SPEED <= self.speed <= HIGHEST_SPEED:
            raise ProtocolViolation(f"speed is from {-HIGHEST_SPEED:g} to {HIGHEST_SPEED:g}, got {self.speed:g}")
        if self.back is not None and self.back < 0:
            raise ProtocolViolation(f"back is a number of seconds from 0, got {self.back:g}")


class GoLive(_PlaybackCommand, tag="live", tag_field="type", omit_defaults=True):
    """Ends the playback of cameras; their live frames come again."""


class DescribePlayback(_PlaybackCommand, tag="playback", tag_field="type", omit_defaults=True):
    """Asks for the `PlaybackState` of cameras and changes nothing, so that a viewer learns what has been dropped."""


class PlaybackState(Message, tag="playback", tag_field="type"):
    """What a viewer sees of a camera, live or in a playback; answers `Seek`, `GoLive` and `DescribePlayback`.

    There is one answer for each camera. Times are milliseconds since the epoch.
    """

    camera_id: str
    live: bool
    speed: float
    sequence: int | None
    """The sequence of the frame that is shown; None if the camera has no frame."""
    at_ms: float | None = field(name="at")
    """When the server had that frame."""
    oldest_at_ms: float | None = field(name="oldestAt")
    """When the server had the oldest frame that can be played."""
    newest_at_ms: float | None = field(name="newestAt")
    """When the server had the newest frame."""
    ring_oldest_at_ms: float | UnsetType | None = field(name="ringOldestAt", default=UNSET)
    """When the server had the oldest frame that is in memory; None if none is. Left out if nothing was recorded."""
    results: list[tuple[float, float]] | UnsetType = UNSET
    """When programs found something: first and last times, oldest first. The answer to `Seek` leaves it out, because
    seeks come many times a second; it is also left out if nothing was found."""


ViewerMessage = (
    Subscribe
    | Unsubscribe
    | Viewers
    | Pause
    | Resume
    | Seek
    | GoLive
    | DescribePlayback
    | Ack
    | Result
    | Clock
    | Authenticate
)
ServerMessage = (
    PlaybackState
    | Clients
    | ClientConnected
    | ClientDisconnected
    | Latency
    | Result
    | Authenticated
    | ErrorNotice
    | ClockReply
)

_from_viewer: Final = MessageDecoder[ViewerMessage](ViewerMessage)
_from_server: Final = MessageDecoder[ServerMessage](ServerMessage, max_length=_MAX_NOTICE)


def decode_viewer_message(text: str) -> ViewerMessage | None:
    """Decode and check a message from a viewer; None for an unknown type.

    Raises:
        ProtocolViolation: the message is malformed, or a value in it is invalid.
    """
    message = _from_viewer.decode(text)
    if message is not None:
        message.check()
    return message


def decode_notice(text: str) -> ServerMessage | None:
    """Decode a text message from the server to a viewer; None for an unknown type.

    Raises:
        ProtocolViolation: the message is malformed.
    """
    return _from_server.decode(text)
