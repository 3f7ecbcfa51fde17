"""Messages on ``/ws``, where cameras register and send JPEGs: from cameras and from the server."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.envelope import join_envelope, split_envelope
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.jpeg import PictureSize, inspect_jpeg
from skysentry_trio.wire.messages import (
    Clock,
    ClockReply,
    ErrorNotice,
    Message,
    MessageDecoder,
    encode_json,
    encode_message,
    to_seconds,
)


class Registration(Message, tag="client-registration", tag_field="type", omit_defaults=True):
    """The camera's first message."""

    camera_id: str
    name: str | None = None
    """A label for people."""
    capabilities: tuple[str, ...] = ()
    """Parts of the protocol that the camera uses; see the protocol's description."""
    timestamp: Any = None
    """Any JSON value; the server does not use it, because programs for SkySentry Go send different kinds of values."""
    token: str | None = None

    def check(self) -> None:
        """Check the camera's id."""
        check_camera_id(self.camera_id)


class RegistrationSuccess(Message, tag="registration-success", tag_field="type"):
    """The server's answer to a camera that it accepts."""

    camera_id: str
    timestamp: str


class RegistrationError(Message, tag="registration-error", tag_field="type"):
    """The server's last message to a camera that it refuses or disconnects."""

    camera_id: str | None
    error: str
    code: str


class Demand(Message, tag="demand", tag_field="type"):
    """The most that viewers need of a camera now; None for no limit."""

    viewers: int
    """Number of viewers that get the camera's frames."""
    max_fps: float | None = None
    max_width: int | None = None
    """Maximum width in pixels."""
    quality: float | None = None
    """JPEG quality: above 0, at most 1."""


CameraMessage = Registration | Clock
ServerMessage = RegistrationSuccess | RegistrationError | Demand | ErrorNotice | ClockReply


class _EnvelopeHeader(Message):
    captured_at: float | None = None


class CapturedJpeg(NamedTuple):
    """The parts of a binary message from a camera."""

    jpeg: bytes
    size: PictureSize
    captured_at: float | None
    """When the camera took the picture, as the camera sent it: seconds since the epoch; None if it sent no time."""


_from_camera: Final = MessageDecoder[CameraMessage](CameraMessage)
_from_server: Final = MessageDecoder[ServerMessage](ServerMessage)
_header = msgspec.json.Decoder(_EnvelopeHeader)


def decode_camera_message(text: str) -> CameraMessage | None:
    """Decode and check a message from a camera; None for an unknown type.

    Raises:
        ProtocolViolation: the message is malformed, or the camera's id is invalid.
    """
    message = _from_camera.decode(text)
    if message is not None:
        message.check()
    return message


def decode_server_message(text: str) -> ServerMessage | None:
    """Decode a text message from the server to a camera; None for an unknown type.

    Raises:
        ProtocolViolation: the message is malformed.
    """
    return _from_server.decode(text)


def encode_registration(camera_id: str, *, name: str | None = None, capabilities: tuple[str, ...] = ()) -> str:
    """Encode the message with which a camera registers."""
    return encode_message(Registration(camera_id, name=name, capabilities=capabilities))


def decode_jpeg(message: bytes, *, max_size: int, envelope: bool = False) -> CapturedJpeg:
    """Take apart a binary message from a camera: a bare JPEG, or, if `envelope` is set, also a JPEG in an envelope.

    Args:
        message: the whole WebSocket message.
        max_size: maximum size of the JPEG in bytes.
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
        captured_at = to_seconds(captured_at_ms)
    if len(message) > max_size:
        raise ProtocolViolation(f"a frame may have {max_size} bytes, got {len(message)}", "frame-too-large")
    return CapturedJpeg(message, inspect_jpeg(message), captured_at)


def encode_captured_jpeg(jpeg: bytes, captured_at: float) -> bytes:
    """Put a JPEG into an envelope with its time of capture; the reverse of `decode_jpeg`.

    Args:
        jpeg: the JPEG to send.
        captured_at: when the camera took the picture: seconds since the epoch.
    """
    return join_envelope(encode_json(_EnvelopeHeader(captured_at * 1000)), jpeg)
