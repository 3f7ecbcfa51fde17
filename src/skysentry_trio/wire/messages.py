"""What all JSON messages share: one object with a ``type``, of bounded size, decoded into a typed value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_TEXT_LENGTH = 64 * 1024
"""Characters in a JSON message. Larger ones hold up everybody else while they are parsed."""


Decoders = Mapping[str, msgspec.json.Decoder[Any]]
"""For each ``type`` that one side may say, how to decode the message."""


def _wire_name(attribute: str) -> str:
    """Return the key of an attribute in JSON: camelCase, and ``clientId`` for a camera's id, as SkySentry Go has it."""
    first, *others = attribute.replace("camera_id", "client_id").split("_")
    return first + "".join(map(str.capitalize, others))


class Message(Struct, rename=_wire_name):
    """A message on the wire: camelCase there, snake_case here."""


class Clock(Message, tag="clock", tag_field="type"):
    """Either side asks for the other's clock; milliseconds since the epoch."""

    sent_at: float


class ClockReply(Message, tag="clock", tag_field="type"):
    """The answer: what was asked, and the answering side's clock."""

    sent_at: float
    server_at: float


class ErrorNotice(Message, tag="error", tag_field="type"):
    """What was wrong with something the other side sent."""

    error: str
    code: str


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)
_encoder = msgspec.json.Encoder()


def decode_message(text: str, decoders: Decoders, *, max_length: int = MAX_TEXT_LENGTH) -> Any:
    """Decode a message by its ``type``.

    Returns:
        The value, or None for a type we do not know: a newer peer may say more than we understand.

    Raises:
        ProtocolViolation: if it is too long, no JSON object with a ``type``, or has wrong fields.
    """
    if len(text) > max_length:
        raise ProtocolViolation(
            f"a text message may have {max_length} characters, got {len(text)}", "message-too-large"
        )
    try:
        kind = _typed.decode(text).type
        decoder = decoders.get(kind)
        return decoder.decode(text) if decoder else None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"expected a JSON object with a known shape: {error}") from error


def encode_json(value: object) -> bytes:
    """Encode a message, or any value JSON knows, as UTF-8 JSON; every key of a message is present."""
    return _encoder.encode(value)


def encode_message(message: Struct) -> str:
    """Encode a message as the text of a WebSocket message."""
    return _encoder.encode(message).decode()


def rfc3339(epoch_seconds: float) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds.

    >>> rfc3339(1700000000.25)
    '2023-11-14T22:13:20.250+00:00'
    """
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
