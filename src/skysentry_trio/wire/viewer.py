"""What is said on ``/stream/ws`` beside frames: what viewers want and tell, and what they are told."""

from __future__ import annotations

from typing import Literal

import msgspec

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.messages import (
    Clock,
    ClockReply,
    Decoders,
    ErrorNotice,
    Message,
    decode_message,
)
from skysentry_trio.wire.results import Result
from skysentry_trio.wire.viewer_query import check_subscription

SUBPROTOCOL = "skysentry.v1"
HIGHEST_SPEED = 16.0
"""How many times faster than it happened a viewer may look back, forwards or backwards."""


class ClientSummary(Message):
    """One camera in the list a viewer gets when it connects."""

    camera_id: str
    name: str | None
    online: bool
    fps: float


class Clients(Message, tag="clients", tag_field="type"):
    """All cameras this viewer may see, once, on connect."""

    clients: list[ClientSummary]


class ClientConnected(Message, tag="client-connected", tag_field="type"):
    """A camera is live."""

    camera_id: str
    name: str | None = None


class ClientDisconnected(Message, tag="client-disconnected", tag_field="type"):
    """A camera left; its frames stay for a while, until a second such message says ``removed``."""

    camera_id: str
    removed: bool = False


class Subscribe(Message, tag="subscribe", tag_field="type", omit_defaults=True):
    """The viewer wants these cameras from now on, and of each no more than it says."""

    clients: list[str] | Literal["*"]
    max_fps: float | None = None
    max_width: int | None = None
    quality: float | None = None

    @property
    def limits(self) -> Limits:
        """What it wants of each camera at most."""
        return Limits(self.max_fps, self.max_width, self.quality)


class Unsubscribe(Message, tag="unsubscribe", tag_field="type"):
    """The viewer wants these cameras no longer."""

    clients: list[str]


class Pause(Message, tag="pause", tag_field="type"):
    """The viewer wants no frames for a while."""


class Resume(Message, tag="resume", tag_field="type"):
    """The viewer wants frames again, the newest of each camera first."""


class Ack(Message, tag="ack", tag_field="type"):
    """This frame of a camera, and all before it, are on the viewer's screen, or will never be."""

    camera_id: str
    sequence: int
    painted_at: float | None = None
    """Milliseconds since the epoch by the server's clock."""


class CameraLatency(Message):
    """How old one camera's frames were on a viewer's screen, and where the time went: means in milliseconds."""

    camera_id: str
    frames: int
    """That were acknowledged, and are averaged here."""
    capture: float | None
    """From capture until the server had the frame; None if the camera does not say when that was."""
    server: float
    """From there until the frame went out."""
    delivery: float
    """From there until it was painted."""
    total: float
    """Sum of what is known."""


class Latency(Message, tag="latency", tag_field="type"):
    """What a viewer's acknowledgements since the last such message came to."""

    cameras: list[CameraLatency]


class Seek(Message, tag="seek", tag_field="type", omit_defaults=True):
    """The viewer wants to look at what a camera's ring holds, from one moment on; exactly one names that moment."""

    camera_id: str
    at: float | None = None
    """Milliseconds since the epoch."""
    back: float | None = None
    """Seconds before now."""
    sequence: int | None = None
    speed: float = 1.0
    """1 is as it happened, 0 stands still, less than 0 goes backwards."""


class GoLive(Message, tag="live", tag_field="type"):
    """The viewer wants the live picture of a camera again."""

    camera_id: str


class PlaybackState(Message, tag="playback", tag_field="type"):
    """What a viewer sees of a camera, live or out of its ring; answers `Seek` and `GoLive`."""

    camera_id: str
    live: bool
    speed: float
    sequence: int | None
    """Of the frame that is shown; None if the camera has none."""
    at: float | None
    """When the server had it: milliseconds since the epoch, as those below."""
    oldest_at: float | None
    newest_at: float | None


_MAX_NOTICE = 16 * 1024 * 1024
"""Characters: the list of all cameras has hundreds for each."""

ViewerMessage = Subscribe | Unsubscribe | Pause | Resume | Seek | GoLive | Ack | Result | Clock
ServerMessage = (
    PlaybackState | Clients | ClientConnected | ClientDisconnected | Latency | Result | ErrorNotice | ClockReply
)

_from_viewer: Decoders = {
    "subscribe": msgspec.json.Decoder(Subscribe),
    "unsubscribe": msgspec.json.Decoder(Unsubscribe),
    "pause": msgspec.json.Decoder(Pause),
    "resume": msgspec.json.Decoder(Resume),
    "seek": msgspec.json.Decoder(Seek),
    "live": msgspec.json.Decoder(GoLive),
    "ack": msgspec.json.Decoder(Ack),
    "result": msgspec.json.Decoder(Result),
    "clock": msgspec.json.Decoder(Clock),
}
_from_server: Decoders = {
    "playback": msgspec.json.Decoder(PlaybackState),
    "clients": msgspec.json.Decoder(Clients),
    "client-connected": msgspec.json.Decoder(ClientConnected),
    "client-disconnected": msgspec.json.Decoder(ClientDisconnected),
    "latency": msgspec.json.Decoder(Latency),
    "result": msgspec.json.Decoder(Result),
    "error": msgspec.json.Decoder(ErrorNotice),
    "clock": msgspec.json.Decoder(ClockReply),
}


def decode_viewer_message(text: str) -> ViewerMessage | None:
    """Decode what a viewer said; None for a type we do not know.

    Raises:
        ProtocolViolation: if the message is malformed, an id is none, or a rate or moment makes no sense.
    """
    message: ViewerMessage | None = decode_message(text, _from_viewer)
    if isinstance(message, Subscribe):
        _ = message.limits
    if isinstance(message, Result):
        message.check()
    if isinstance(message, Subscribe | Unsubscribe) and message.clients != "*":
        check_subscription(message.clients)
    if isinstance(message, Seek | GoLive):
        check_camera_id(message.camera_id)
    if isinstance(message, Seek):
        _check_seek(message)
    return message


def _check_seek(seek: Seek) -> None:
    given = [name for name in ("at", "back", "sequence") if getattr(seek, name) is not None]
    if len(given) != 1:
        raise ProtocolViolation(f"seek needs one of at, back and sequence, got {' and '.join(given) or 'none'}")
    if not -HIGHEST_SPEED <= seek.speed <= HIGHEST_SPEED:
        raise ProtocolViolation(f"speed is from {-HIGHEST_SPEED:g} to {HIGHEST_SPEED:g}, got {seek.speed:g}")
    if seek.back is not None and seek.back < 0:
        raise ProtocolViolation(f"back is a number of seconds from 0, got {seek.back:g}")


def decode_notice(text: str) -> ServerMessage | None:
    """Decode a text message from the server to a viewer; None for a type we do not know."""
    notice: ServerMessage | None = decode_message(text, _from_server, max_length=_MAX_NOTICE)
    return notice
