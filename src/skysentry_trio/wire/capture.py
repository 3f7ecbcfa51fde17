"""Messages on ``/ws``, where cameras register and send JPEGs: from cameras and from the server."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NamedTuple

import msgspec

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.envelope import join_envelope, split_envelope
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.jpeg import PictureSize, trim_jpeg
from skysentry_trio.wire.messages import (
    Authenticate,
    Authenticated,
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
    capabilities: tuple[str, ...] | None = ()
    """Parts of the protocol that the camera uses; see the protocol's description. None means none."""
    timestamp: Any = None
    """Any JSON value; the server does not use it, because programs for SkySentry Go send different kinds of values."""
    token: str | None = None

    def check(self) -> None:
        """Check the camera's id."""
        check_camera_id(self.camera_id)

    def supports(self, capability: str) -> bool:
        """Return whether the camera said that it has a capability."""
        return capability in (self.capabilities or ())


class RegistrationSuccess(Message, tag="registration-success", tag_field="type", omit_defaults=True):
    """The server's answer to a camera that it accepts."""

    camera_id: str
    timestamp: str
    max_frame_size: int | None = None
    """Maximum size of a JPEG in bytes; larger ones are dropped. None if the server does not say, as SkySentry Go."""
    capabilities: tuple[str, ...] = ()
    """Parts of the protocol that the server uses; see the protocol's description."""


class Same(Message, tag="same", tag_field="type", omit_defaults=True):
    """Says that the picture still looks like the last frame, which is not sent again."""

    captured_at: float | None = None
    """When the camera took the picture: milliseconds since the epoch by the server's clock."""
    change: Any = None
    brightness: Any = None
    contrast: Any = None


class Goodbye(Message, tag="goodbye", tag_field="type"):
    """The last message of a camera that is stopped on purpose."""


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


CameraMessage = Registration | Clock | Goodbye | Authenticate | Same
ServerMessage = RegistrationSuccess | RegistrationError | Demand | Authenticated | ErrorNotice | ClockReply


class _EnvelopeHeader(Message, omit_defaults=True):
    captured_at: float | None = None
    change: Any = None
    brightness: Any = None
    contrast: Any = None


class PictureMeasure(NamedTuple):
    """What a camera has measured in a picture of 64 by 36 points of grey."""

    change: float | None
    """Share of the points that differ from the picture half a second before; None for the first picture."""
    brightness: float | None = None
    """Mean of the points, 0 to 255."""
    contrast: float | None = None
    """Standard deviation of the points."""


class CapturedJpeg(NamedTuple):
    """The parts of a binary message from a camera."""

    jpeg: bytes
    size: PictureSize
    captured_at: float | None
    """When the camera took the picture, as the camera sent it: seconds since the epoch; None if it sent no time, NaN if
    it sent something else as the time."""
    measure: PictureMeasure | None = None
    """What the camera has measured in the picture; None if it sent nothing that can be right."""


_from_camera: Final = MessageDecoder[CameraMessage](CameraMessage)
_from_server: Final = MessageDecoder[ServerMessage](ServerMessage)
_header = msgspec.json.Decoder(_EnvelopeHeader)
_ENVELOPE = re.compile(rb"[\0-\x10].\s*\{", re.DOTALL)
"""Begins like an envelope: a length up to 4096 and a JSON object, unlike junk in front of a JPEG."""


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


def encode_registration(
    camera_id: str, *, name: str | None = None, capabilities: tuple[str, ...] = (), token: str | None = None
) -> str:
    """Encode the message with which a camera registers."""
    return encode_message(Registration(camera_id, name=name, capabilities=capabilities, token=token))


def decode_jpeg(message: bytes, *, max_size: int, envelope: bool = False, surely_single: int = 0) -> CapturedJpeg:
    """Take apart what a camera sent as one frame: a bare JPEG, or, if `envelope` is set, also a JPEG in an envelope.

    Bytes before and behind the JPEG are cut off.

    Args:
        message: the whole WebSocket message, body or part.
        max_size: maximum size of the JPEG in bytes.
        envelope: whether the camera registered with the ``envelope`` capability.
        surely_single: see `trim_jpeg`.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg``, ``frame-too-large`` or ``invalid-message``.
    """
    captured_at = measure = None
    if message[:2] != b"\xff\xd8" and _ENVELOPE.match(message):
        if not envelope:
            raise ProtocolViolation("expected a JPEG, got an envelope without the capability for it", "not-a-jpeg")
        header, message = split_envelope(message)
        captured_at, measure = _decode_header(header)
    jpeg = trim_jpeg(message, surely_single=surely_single)
    if len(jpeg.data) > max_size:
        raise ProtocolViolation(f"a frame may have {max_size} bytes, got {len(jpeg.data)}", "frame-too-large")
    return CapturedJpeg(jpeg.data, jpeg.size, captured_at, measure)


def read_measure(sent: Same | _EnvelopeHeader) -> PictureMeasure | None:
    """Return what a camera has measured in a picture; None if it sent nothing that can be right."""
    if sent.change is None and sent.brightness is None:
        return None
    values = (sent.change, sent.brightness, sent.contrast)
    change, brightness, contrast = (value if _is_number(value) else None for value in values)
    if change is None or not 0 <= change <= 1:
        change = None
    if brightness is None or contrast is None or not (0 <= brightness <= 255 and 0 <= contrast <= 255):
        brightness = contrast = None
    return None if change is None and brightness is None else PictureMeasure(change, brightness, contrast)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decode_header(header: bytes) -> tuple[float | None, PictureMeasure | None]:
    """Return the time in the header of an envelope, in seconds, and what the camera has measured.

    The time is NaN if ``capturedAt`` is something else than a time.

    Raises:
        ProtocolViolation: the header is not a JSON object.
    """
    try:
        decoded = _header.decode(header)
        return to_seconds(decoded.captured_at), read_measure(decoded)
    except (msgspec.DecodeError, RecursionError) as error:
        # Many encoders write NaN and Infinity, which JSON does not have; a wrong time is no reason to lose the picture.
        try:
            if isinstance(json.loads(header), dict):
                return math.nan, None
        except (ValueError, RecursionError):
            pass
        raise ProtocolViolation(f"the envelope's header is not as expected: {error}") from error


def encode_captured_jpeg(jpeg: bytes, captured_at: float, measure: PictureMeasure | None = None) -> bytes:
    """Put a JPEG into an envelope with its time of capture; the reverse of `decode_jpeg`.

    Args:
        jpeg: the JPEG to send.
        captured_at: when the camera took the picture: seconds since the epoch.
        measure: what was measured in the picture.
    """
    return join_envelope(encode_json(_EnvelopeHeader(captured_at * 1000, *(measure or ()))), jpeg)


def encode_same(captured_at: float | None, measure: PictureMeasure | None) -> str:
    """Encode the message that the picture still looks like the last frame; the time is in seconds since the epoch."""
    return encode_message(Same(None if captured_at is None else captured_at * 1000, *(measure or ())))
