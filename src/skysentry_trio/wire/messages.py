"""What all JSON messages share: one object with a ``type``, of bounded size, decoded into a typed value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Generic, TypeVar, get_args

import msgspec
from msgspec import Struct

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_TEXT_LENGTH = 64 * 1024
"""Characters in a JSON message. Larger ones hold up everybody else while they are parsed."""


def _wire_name(attribute: str) -> str:
    """Return the key of an attribute in JSON: camelCase, and ``clientId`` for a camera's id, as SkySentry Go has it."""
    first, *others = attribute.replace("camera_id", "client_id").split("_")
    return first + "".join(map(str.capitalize, others))


class Message(Struct, rename=_wire_name):
    """A JSON object on the wire, or a part of one: camelCase there, snake_case here."""

    def check(self) -> None:
        """Check what the types of the fields do not say.

        Raises:
            ProtocolViolation: a value makes no sense.
        """


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


T = TypeVar("T")

_typed = msgspec.json.Decoder(_Typed)
_encoder = msgspec.json.Encoder()


class MessageDecoder(Generic[T]):
    """Decodes the messages that one side may send, which a union of tagged `Message` classes lists."""

    def __init__(self, union: object, *, max_length: int = MAX_TEXT_LENGTH) -> None:
        """Make a decoder.

        Args:
            union: two or more classes, each with a tag of its own.
            max_length: of a message, in characters.
        """
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(union)
        self._types = frozenset(kind.__struct_config__.tag for kind in get_args(union))
        self._max_length = max_length

    def decode(self, text: str) -> T | None:
        """Decode a message.

        Returns:
            The message; None if its ``type`` is unknown, because a newer peer may send more than we understand.

        Raises:
            ProtocolViolation: it is too long, not a JSON object with a ``type``, or has wrong fields.
        """
        if len(text) > self._max_length:
            raise ProtocolViolation(
                f"a text message may have {self._max_length} characters, got {len(text)}", "message-too-large"
            )
        try:
            try:
                return self._decoder.decode(text)
            except msgspec.ValidationError:
                # Look again, at the type alone: the message may be one that we do not know.
                if _typed.decode(text).type in self._types:
                    raise
                return None
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
