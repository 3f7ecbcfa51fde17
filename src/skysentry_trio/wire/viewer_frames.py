"""A frame as viewers get it: in an envelope, or as the text message of SkySentry Go."""

from __future__ import annotations

from base64 import b64encode

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.wire.envelope import envelope_parts, split_envelope
from skysentry_trio.wire.messages import Message, encode_json, encode_message, rfc3339


class FrameHeader(Message, tag="frame", tag_field="type"):
    """The JSON in front of a JPEG."""

    camera_id: str
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

    camera_id: str
    image: str
    timestamp: str
    size: int
    stats: RingSummary
    format: str = "jpeg"


_header = msgspec.json.Decoder(FrameHeader)


def encode_envelope(
    camera_id: str, frame: JpegFrame, stats: RingStatistics, *, live: bool = True
) -> tuple[bytes, bytes, bytes]:
    """Render a frame for ``skysentry.v1``, in parts: whoever puts more in front copies the JPEG only once."""
    header = FrameHeader(
        camera_id=camera_id,
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


def encode_frame_update(camera_id: str, frame: JpegFrame, stats: RingStatistics) -> str:
    """Render a frame as SkySentry Go's text message."""
    update = FrameUpdate(
        camera_id=camera_id,
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
