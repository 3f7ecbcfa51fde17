"""JSON messages: each is one object of bounded size with a ``type``, decoded into a value of its own class."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Generic, TypeVar, get_args

import msgspec
from msgspec import Struct

from skysentry_trio.base.exceptions import NotAMessage, ProtocolViolation

MAX_TEXT_LENGTH = 64 * 1024
"""Maximum number of characters in a JSON message; parsing a longer message would delay all other peers."""

_BYTE_ORDER_MARK = "\ufeff"


def _wire_name(attribute: str) -> str:
    """Return the key of an attribute in JSON: camelCase, with ``clientId`` for `camera_id`, as in SkySentry Go."""
    first, *others = attribute.replace("camera_id", "client_id").split("_")
    return first + "".join(map(str.capitalize, others))


class Message(Struct, rename=_wire_name):
    """A JSON object on the wire, or a part of one; names are camelCase in JSON, and snake_case in Python."""

    def check(self) -> None:
        """Check the rules that the types of the fields do not express.

        Raises:
            ProtocolViolation: a value is invalid.
        """


class Clock(Message, tag="clock", tag_field="type"):
    """Asks the other side what its clock shows."""

    sent_at: float
    """When the question was sent: milliseconds since the epoch by the clock of the side that asks."""

    def reply(self, server_time: float) -> ClockReply:
        """Return the answer of a server whose clock shows this time, in seconds since the epoch."""
        return ClockReply(self.sent_at, server_time * 1000)


class ClockReply(Message, tag="clock", tag_field="type"):
    """Answers `Clock`."""

    sent_at: float
    """The same value as in the question."""
    server_at: float
    """What the clock of the side that answers shows: milliseconds since the epoch."""


class ErrorNotice(Message, tag="error", tag_field="type"):
    """Reports what was wrong with something that the other side sent."""

    error: str
    """One sentence for people."""
    code: str
    """The kind of the error, for programs."""


class Authenticate(Message, tag="authenticate", tag_field="type"):
    """Presents a token: the first message of a viewer, or a newer token for a connection that has one."""

    token: str


class Authenticated(Message, tag="authenticated", tag_field="type"):
    """Answers `Authenticate`."""

    name: str = ""
    """The name of the principal, for people."""
    expires_at: float | None = None
    """When the access ends: milliseconds since the epoch by the server's clock; None for no such time."""


class _Typed(Struct):
    type: str


T = TypeVar("T")

_typed = msgspec.json.Decoder(_Typed)
_encoder = msgspec.json.Encoder()


class MessageDecoder(Generic[T]):
    """Decodes the messages that one side may send; the tagged `Message` classes in a union define these messages."""

    def __init__(self, union: object, *, max_length: int = MAX_TEXT_LENGTH) -> None:
        """Make a decoder.

        Args:
            union: two or more classes, each with a tag of its own.
            max_length: maximum length of a message in characters.
        """
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(union)
        self._types = frozenset(kind.__struct_config__.tag for kind in get_args(union))
        self._max_length = max_length

    def decode(self, text: str) -> T | None:
        """Decode a message.

        Returns:
            The message; None if its ``type`` is unknown, because a newer peer may send types that we do not know.

        Raises:
            NotAMessage: the text is not a JSON object with a ``type``.
            ProtocolViolation: the text is too long, or the message has wrong fields.
        """
        if len(text) > self._max_length:
            raise ProtocolViolation(
                f"a text message may have {self._max_length} characters, got {len(text)}", "message-too-large"
            )
        text = text.removeprefix(_BYTE_ORDER_MARK)
        try:
            try:
                return self._decoder.decode(text)
            except msgspec.ValidationError as error:
                # Decode again, only the type: the message may have a type that we do not know.
                if _typed.decode(text).type in self._types:
                    raise ProtocolViolation(f"expected a JSON object with a known shape: {error}") from error
                return None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise NotAMessage(f"expected a JSON object with a known shape: {error}") from error


def read_text(message: bytes) -> str | None:
    """Return the text of a binary message that is JSON, as some programs send it; None if it is something else."""
    if not message.removeprefix(_BYTE_ORDER_MARK.encode()).lstrip().startswith(b"{") or len(message) > MAX_TEXT_LENGTH:
        return None
    try:
        return message.decode()
    except UnicodeDecodeError:
        return None


def encode_json(value: object) -> bytes:
    """Encode a message or any other value that JSON can express; None becomes ``null``."""
    return _encoder.encode(value)


def encode_message(message: Struct) -> str:
    """Encode a message as the text of a WebSocket message."""
    return _encoder.encode(message).decode()


def encode_authenticated(name: str, expires_at: float | None) -> str:
    """Encode the answer to a valid token; ``expires_at`` is in seconds since the epoch."""
    return encode_message(Authenticated(name, to_milliseconds(expires_at)))


def to_milliseconds(seconds: float | None) -> float | None:
    """Return a time in milliseconds, as in messages; None stays None."""
    return None if seconds is None else seconds * 1000


def to_seconds(milliseconds: float | None) -> float | None:
    """Return a time from a message in seconds; None stays None."""
    return None if milliseconds is None else milliseconds / 1000


def rfc3339(epoch_seconds: float) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds.

    >>> rfc3339(1700000000.25)
    '2023-11-14T22:13:20.250+00:00'
    """
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
