"""Messages on ``/ws``, where cameras register and send JPEGs; both sides of the conversation."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.envelope import join_envelope, split_envelope
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.jpeg import PictureSize, inspect_jpeg
from skysentry_trio.wire.messages import (
    Clock,
    ClockReply,
    Decoders,
    ErrorNotice,
    Message,
    decode_message,
    encode_json,
    encode_message,
)


class Registration(Message, tag="client-registration", tag_field="type", omit_defaults=True):
    """The camera's first message."""

    camera_id: str
    name: str | None = None
    """A label for people."""
    capabilities: tuple[str, ...] = ()
    timestamp: Any = None
    """Any JSON value: clients of SkySentry Go send what they like, and nobody reads it."""
    token: str | None = None


class RegistrationSuccess(Message, tag="registration-success", tag_field="type"):
    """The server's answer to a camera it takes."""

    camera_id: str
    timestamp: str


class RegistrationError(Message, tag="registration-error", tag_field="type"):
    """The server's last message to a camera that it refuses or cuts off."""

    camera_id: str | None
    error: str
    code: str


class Demand(Message, tag="demand", tag_field="type"):
    """The most that anybody needs of a camera now; None for no limit."""

    viewers: int
    max_fps: float | None = None
    max_width: int | None = None
    """Pixels."""
    quality: float | None = None
    """Of the JPEG, above 0 to 1."""


ServerMessage = RegistrationSuccess | RegistrationError | Demand | ErrorNotice | ClockReply


class _EnvelopeHeader(Message):
    captured_at: float | None = None


class CapturedJpeg(NamedTuple):
    """A binary message from a camera, taken apart."""

    jpeg: bytes
    size: PictureSize
    captured_at: float | None
    """Seconds since the epoch by the camera's clock."""


_from_camera: Decoders = {
    "client-registration": msgspec.json.Decoder(Registration),
    "clock": msgspec.json.Decoder(Clock),
}
_from_server: Decoders = {
    "registration-success": msgspec.json.Decoder(RegistrationSuccess),
    "registration-error": msgspec.json.Decoder(RegistrationError),
    "demand": msgspec.json.Decoder(Demand),
    "error": msgspec.json.Decoder(ErrorNotice),
    "clock": msgspec.json.Decoder(ClockReply),
}
_header = msgspec.json.Decoder(_EnvelopeHeader)


def decode_camera_message(text: str) -> Registration | Clock | None:
    """Decode what a camera said; None for a type we do not know.

    Raises:
        ProtocolViolation: if the message is malformed or the client id is none.
    """
    message: Registration | Clock | None = decode_message(text, _from_camera)
    if isinstance(message, Registration):
        check_camera_id(message.camera_id)
    return message


def decode_server_message(text: str) -> ServerMessage | None:
    """Decode what the server said to a camera; None for a type we do not know."""
    message: ServerMessage | None = decode_message(text, _from_server)
    return message


def encode_registration(camera_id: str, *, name: str | None = None, capabilities: tuple[str, ...] = ()) -> str:
    """Write a camera's first message."""
    return encode_message(Registration(camera_id, name=name, capabilities=capabilities))


def decode_jpeg(message: bytes, *, max_size: int, envelope: bool = False) -> CapturedJpeg:
    """Take a binary message from a camera apart: one bare JPEG, or a JPEG in an envelope if that was agreed on.

    Args:
        message: the whole WebSocket message.
        max_size: of the JPEG, in bytes.
        envelope: whether the camera registered with the ``envelope`` capability.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg``, ``frame-too-large`` or ``invalid-message``.
    """
    captured_at = None
    if envelope and message[:2] != b"\xff\xd8":
        header, message = split_envelope(message)
        try:
            captured_at_ms = _header.decode(header).captured_at
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProtocolViolation(f"the envelope's header is not as expected: {error}") from error
        captured_at = None if captured_at_ms is None else captured_at_ms / 1000
    if len(message) > max_size:
        raise ProtocolViolation(f"a frame may have {max_size} bytes, got {len(message)}", "frame-too-large")
    return CapturedJpeg(message, inspect_jpeg(message), captured_at)


def encode_captured_jpeg(jpeg: bytes, captured_at: float) -> bytes:
    """Put a JPEG into an envelope that says when it was taken; the reverse of `decode_jpeg`.

    Args:
        jpeg: the picture.
        captured_at: seconds since the epoch.
    """
    return join_envelope(encode_json(_EnvelopeHeader(captured_at * 1000)), jpeg)
