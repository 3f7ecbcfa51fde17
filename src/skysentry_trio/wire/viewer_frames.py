"""A frame as viewers get it: in an envelope, or in the text message of SkySentry Go."""

from __future__ import annotations

from base64 import b64encode

import msgspec
from msgspec import field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.wire.envelope import envelope_parts, split_envelope
from skysentry_trio.wire.messages import Message, encode_json, encode_message, rfc3339, to_milliseconds, to_seconds


class FrameHeader(Message, tag="frame", tag_field="type"):
    """The JSON header in front of each JPEG that a viewer gets in an envelope."""

    camera_id: str
    sequence: int
    timestamp: str
    """When the server had the frame: RFC 3339 in UTC."""
    captured_at_ms: float | None = field(name="capturedAt")
    """When the camera took the picture, as the camera sent it: milliseconds since the epoch; None if unknown."""
    size: int
    """Bytes of the JPEG."""
    fps: float
    """Frames a second that the camera sends."""
    format: str = "jpeg"
    live: bool = True
    """False for a frame of a playback."""

    @property
    def captured_at(self) -> float | None:
        """When the camera took the picture: seconds since the epoch; None if it sent no time."""
        return to_seconds(self.captured_at_ms)


class RingSummary(Message):
    """The figures of a ring, with the names that SkySentry Go uses in REST replies and text messages."""

    size: int
    """Frames in the ring."""
    capacity: int
    """Frames in the ring at most."""
    frame_count: int
    """Frames that the server accepted from the camera."""
    latest_timestamp: str | None
    """When the server had the newest frame: RFC 3339 in UTC; None if the ring is empty."""
    fps: float
    """Frames a second that the camera sends."""


class FrameUpdate(Message, tag="frame_update", tag_field="type"):
    """One frame as SkySentry Go sends it."""

    camera_id: str
    image: str
    """The JPEG as a ``data:`` URL."""
    timestamp: str
    """When the server had the frame: RFC 3339 in UTC."""
    size: int
    """Bytes of the JPEG."""
    stats: RingSummary
    format: str = "jpeg"


_header = msgspec.json.Decoder(FrameHeader)


def encode_envelope(
    camera_id: str, frame: JpegFrame, stats: RingStatistics, *, live: bool = True
) -> tuple[bytes, bytes, bytes]:
    """Encode a frame for ``skysentry.v1``.

    Returns:
        The parts of the message in order. The caller joins these parts and the bytes that precede them in one step, so
        the JPEG is copied only once.
    """
    header = FrameHeader(
        camera_id=camera_id,
        sequence=frame.sequence,
        timestamp=rfc3339(frame.received_at),
        captured_at_ms=to_milliseconds(frame.captured_at),
        size=len(frame.jpeg),
        fps=round(stats.fps, 2),
        live=live,
    )
    return envelope_parts(encode_json(header), frame.jpeg)


def decode_envelope(message: bytes) -> tuple[FrameHeader, bytes]:
    """Take an envelope apart into header and JPEG; the reverse of `encode_envelope`.

    Raises:
        ProtocolViolation: the message is not a valid envelope.
    """
    header, jpeg = split_envelope(message)
    try:
        return _header.decode(header), jpeg
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolViolation(f"the envelope's header is not as expected: {error}") from error


def encode_frame_update(camera_id: str, frame: JpegFrame, stats: RingStatistics) -> str:
    """Encode a frame as the text message of SkySentry Go."""
    update = FrameUpdate(
        camera_id=camera_id,
        image="data:image/jpeg;base64," + b64encode(frame.jpeg).decode("ascii"),
        timestamp=rfc3339(frame.received_at),
        size=len(frame.jpeg),
        stats=summarize_ring(stats),
    )
    return encode_message(update)


def summarize_ring(stats: RingStatistics) -> RingSummary:
    """Return the figures of a ring as a part of a message."""
    return RingSummary(
        size=stats.size,
        capacity=stats.capacity,
        frame_count=stats.frame_count,
        latest_timestamp=None if stats.latest_at is None else rfc3339(stats.latest_at),
        fps=round(stats.fps, 2),
    )
