"""Messages on ``/stream/ws``, where viewers get frames and say which; both sides of the conversation."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from enum import StrEnum
from typing import Literal, TypeVar
from urllib.parse import parse_qs

import msgspec
from attrs import frozen

from skysentry_trio.demand import Limits
from skysentry_trio.exceptions import ProtocolViolation
from skysentry_trio.frames import Frame, RingStatistics
from skysentry_trio.hops import MeanHops
from skysentry_trio.wire.capture import envelope_parts, split_envelope
from skysentry_trio.wire.identity import check_client_id
from skysentry_trio.wire.messages import (
    Clock,
    ClockReply,
    Decoders,
    ErrorNotice,
    Message,
    decode_message,
    encode_json,
    encode_message,
    rfc3339,
)
from skysentry_trio.wire.results import Result

N = TypeVar("N", int, float)
SUBPROTOCOL = "skysentry.v1"
HIGHEST_SPEED = 16.0
"""How many times faster than it happened a viewer may look back, forwards or backwards."""
MAX_SUBSCRIBED = 1024
"""Ids one viewer may name. Who wants more asks for all."""


class ViewerFormat(StrEnum):
    """How each frame reaches a viewer."""

    ENVELOPE = "envelope"
    JPEG = "jpeg"
    JSON = "json"


@frozen
class ViewerRequest:
    """What a viewer asked for in the address it opened."""

    format: ViewerFormat
    clients: frozenset[str] | None
    """Ids, or None for all cameras."""
    limits: Limits


class FrameHeader(Message, tag="frame", tag_field="type"):
    """The JSON in front of a JPEG."""

    client_id: str
    sequence: int
    timestamp: str
    captured_at: float | None
    size: int
    fps: float
    format: str = "jpeg"
    live: bool = True
    """False for a frame that the viewer looks back on."""


class RingSummary(Message):
    """A ring in SkySentry Go's terms, as in its REST answers and text messages."""

    size: int
    capacity: int
    frame_count: int
    latest_timestamp: str | None
    fps: float


class FrameUpdate(Message, tag="frame_update", tag_field="type"):
    """One frame as SkySentry Go sends it."""

    client_id: str
    image: str
    timestamp: str
    size: int
    stats: RingSummary
    format: str = "jpeg"


class ClientSummary(Message):
    """One camera in the list a viewer gets when it connects."""

    client_id: str
    name: str | None
    online: bool
    fps: float


class Clients(Message, tag="clients", tag_field="type"):
    """All cameras this viewer may see, once, on connect."""

    clients: list[ClientSummary]


class ClientConnected(Message, tag="client-connected", tag_field="type"):
    """A camera is live."""

    client_id: str
    name: str | None = None


class ClientDisconnected(Message, tag="client-disconnected", tag_field="type"):
    """A camera left; its frames stay for a while, until a second such message says ``removed``."""

    client_id: str
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

    client_id: str
    sequence: int
    painted_at: float | None = None
    """Milliseconds since the epoch by the server's clock."""


class CameraLatency(Message):
    """How old one camera's frames were on a viewer's screen, and where the time went: means in milliseconds."""

    client_id: str
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

    client_id: str
    at: float | None = None
    """Milliseconds since the epoch."""
    back: float | None = None
    """Seconds before now."""
    sequence: int | None = None
    speed: float = 1.0
    """1 is as it happened, 0 stands still, less than 0 goes backwards."""


class GoLive(Message, tag="live", tag_field="type"):
    """The viewer wants the live picture of a camera again."""

    client_id: str


class PlaybackState(Message, tag="playback", tag_field="type"):
    """What a viewer sees of a camera, live or out of its ring; answers `Seek` and `GoLive`."""

    client_id: str
    live: bool
    speed: float
    sequence: int | None
    """Of the frame that is shown; None if the camera has none."""
    at: float | None
    """When the server had it: milliseconds since the epoch, as those below."""
    oldest_at: float | None
    newest_at: float | None


ViewerMessage = Subscribe | Unsubscribe | Pause | Resume | Seek | GoLive | Ack | Result | Clock
Notice = PlaybackState | Clients | ClientConnected | ClientDisconnected | Latency | Result | ErrorNotice | ClockReply

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
_header = msgspec.json.Decoder(FrameHeader)


def decode_viewer_query(query: str, default_format: ViewerFormat) -> ViewerRequest:
    """Read ``?format=jpeg&client=a&client=b&maxFps=5&maxWidth=640``; unknown keys are ignored.

    Args:
        query: the part of the address after ``?``.
        default_format: for a viewer that asks for none.

    Raises:
        ProtocolViolation: if a value makes no sense.
    """
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=2 * MAX_SUBSCRIBED, errors="strict")
    except ValueError as error:
        raise ProtocolViolation(f"the query cannot be read: {error}") from error
    asked = fields.get("format", [default_format])[-1]
    if asked not in set(ViewerFormat):
        raise ProtocolViolation(f"format is one of {', '.join(ViewerFormat)}, got {asked[:40]!a}")
    clients = check_subscription(fields["client"]) if "client" in fields else None
    if asked == ViewerFormat.JPEG and (clients is None or len(clients) != 1):
        raise ProtocolViolation("format=jpeg carries no ids, so it needs exactly one client=ID")
    limits = Limits(
        _number(fields, "maxFps", float), _number(fields, "maxWidth", int), _number(fields, "quality", float)
    )
    return ViewerRequest(ViewerFormat(asked), clients, limits)


def _number(fields: dict[str, list[str]], name: str, read: Callable[[str], N]) -> N | None:
    if name not in fields:
        return None
    try:
        return read(fields[name][-1])
    except ValueError:
        raise ProtocolViolation(f"{name} is a number, got {fields[name][-1][:40]!a}") from None


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
        check_client_id(message.client_id)
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


def check_subscription(ids: list[str]) -> frozenset[str]:
    """Return the ids as a set if each is one and they are not too many."""
    if len(ids) > MAX_SUBSCRIBED:
        raise ProtocolViolation(
            f"a viewer may name {MAX_SUBSCRIBED} cameras, got {len(ids)}; without names it gets all"
        )
    return frozenset(check_client_id(client_id) for client_id in ids)


def encode_envelope(client_id: str, frame: Frame, stats: RingStatistics, *, live: bool = True) -> bytes:
    """Render a frame for ``skysentry.v1``: two bytes of header length, JSON header, JPEG."""
    return b"".join(split_up_envelope(client_id, frame, stats, live=live))


def split_up_envelope(
    client_id: str, frame: Frame, stats: RingStatistics, *, live: bool = True
) -> tuple[bytes, bytes, bytes]:
    """Render a frame as `encode_envelope` does, in parts: whoever puts more in front copies the JPEG only once."""
    header = FrameHeader(
        client_id=client_id,
        sequence=frame.sequence,
        timestamp=rfc3339(frame.received_at),
        captured_at=None if frame.captured_at is None else frame.captured_at * 1000,
        size=len(frame.jpeg),
        fps=round(stats.fps, 2),
        live=live,
    )
    return envelope_parts(encode_json(header), frame.jpeg)


def decode_envelope(message: bytes) -> tuple[FrameHeader, bytes]:
    """Take an envelope apart into header and JPEG; the reverse of `encode_envelope`.

    Raises:
        ProtocolViolation: if it is none.
    """
    header, jpeg = split_envelope(message)
    try:
        return _header.decode(header), jpeg
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolViolation(f"the envelope's header is not as expected: {error}") from error


def encode_frame_update(client_id: str, frame: Frame, stats: RingStatistics) -> str:
    """Render a frame as SkySentry Go's text message."""
    update = FrameUpdate(
        client_id=client_id,
        image="data:image/jpeg;base64," + b64encode(frame.jpeg).decode("ascii"),
        timestamp=rfc3339(frame.received_at),
        size=len(frame.jpeg),
        stats=summarize_ring(stats),
    )
    return encode_message(update)


def summarize_ring(stats: RingStatistics) -> RingSummary:
    """Put a ring's statistics into wire terms."""
    return RingSummary(
        size=stats.size,
        capacity=stats.capacity,
        frame_count=stats.frame_count,
        latest_timestamp=None if stats.latest_at is None else rfc3339(stats.latest_at),
        fps=round(stats.fps, 2),
    )


def latency_fields(mean: MeanHops) -> tuple[int, float | None, float, float, float]:
    """Put means over a camera's frames into wire terms: frames, then capture, server, delivery and total in ms."""
    hops = mean.hops
    capture = None if hops.capture is None else _milliseconds(hops.capture)
    return mean.frames, capture, _milliseconds(hops.server), _milliseconds(hops.delivery), _milliseconds(hops.total)


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)


def decode_notice(text: str) -> Notice | None:
    """Decode a text message from the server to a viewer; None for a type we do not know."""
    notice: Notice | None = decode_message(text, _from_server)
    return notice
