"""Errors, sorted by who causes them, and the only table of what a refused peer is told.

::

    SkySentryError
    ├── ConfigurationError    the operator's: exit status 2
    ├── ProtocolViolation     the remote party's: refused with a reason that it can read
    │   ├── MessageSkipped    one message was too large; the next one can be received
    │   └── NotAMessage       a text that is no message of the protocol; to be ignored
    └── PeerGone              nobody's: the remote party left, or read nothing for too long
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class CloseCode(IntEnum):
    """Why a WebSocket is closed: the codes of RFC 6455 section 7.4.1, and from 4000 on the codes of our protocol."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    """Means that a connection ended without a Close frame; this code is never sent."""
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    REPLACED = 4001
    SILENT = 4002
    ACCESS_ENDED = 4003


class Refusal(NamedTuple):
    """How a peer is refused: with a close code on a WebSocket, with a status in an HTTP response."""

    close_code: CloseCode
    """Closes a WebSocket connection."""
    http_status: int
    """Answers an HTTP request."""


REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "access-ended": Refusal(CloseCode.ACCESS_ENDED, 401),
        "already-registered": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "bad-multipart": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "bad-proxy-header": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "bad-request": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "busy": Refusal(CloseCode.TRY_AGAIN_LATER, 503),
        "draining": Refusal(CloseCode.GOING_AWAY, 503),
        "flood": Refusal(CloseCode.POLICY_VIOLATION, 429),
        "forbidden": Refusal(CloseCode.ACCESS_ENDED, 403),
        "frame-too-large": Refusal(CloseCode.MESSAGE_TOO_BIG, 413),
        "host-refused": Refusal(CloseCode.POLICY_VIOLATION, 421),
        "in-use": Refusal(CloseCode.POLICY_VIOLATION, 409),
        "invalid-client-id": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "invalid-message": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "memory-full": Refusal(CloseCode.TRY_AGAIN_LATER, 503),
        "message-too-large": Refusal(CloseCode.MESSAGE_TOO_BIG, 413),
        "no-frame": Refusal(CloseCode.POLICY_VIOLATION, 404),
        "node-unreachable": Refusal(CloseCode.TRY_AGAIN_LATER, 502),
        "not-a-jpeg": Refusal(CloseCode.POLICY_VIOLATION, 415),
        "not-found": Refusal(CloseCode.POLICY_VIOLATION, 404),
        "not-installed": Refusal(CloseCode.POLICY_VIOLATION, 501),
        "not-registered": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "origin-refused": Refusal(CloseCode.POLICY_VIOLATION, 403),
        "registration-timeout": Refusal(CloseCode.POLICY_VIOLATION, 408),
        "replaced": Refusal(CloseCode.REPLACED, 409),
        "server-full": Refusal(CloseCode.TRY_AGAIN_LATER, 503),
        "silent": Refusal(CloseCode.SILENT, 408),
        "too-fast": Refusal(CloseCode.POLICY_VIOLATION, 429),
        "unauthenticated": Refusal(CloseCode.ACCESS_ENDED, 401),
        "upgrade-required": Refusal(CloseCode.POLICY_VIOLATION, 426),
        "wrong-content-type": Refusal(CloseCode.POLICY_VIOLATION, 415),
    }
)
"""For each error code, the close code or HTTP status that the peer gets. The table has every refusal of the server."""


class SkySentryError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(SkySentryError):
    """A flag, an environment variable or a file has a value that the program cannot run with."""


class ProtocolViolation(SkySentryError):
    """A remote party sent something the protocol does not allow.

    Args:
        message: what was wrong, what we got and what we expected, in one sentence.
        code: what was wrong, for programs: a key of `REFUSALS`. Decide by this code, never by close code or status.
        close_code: replaces the close code of the table, for the rare cause that has its own close code in a standard.
        http_status: replaces the HTTP status of the table, for the rare cause that has its own status in a standard.

    Raises:
        KeyError: the code is not in the table.
    """

    def __init__(
        self,
        message: str,
        code: str = "invalid-message",
        *,
        close_code: CloseCode | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        refusal = REFUSALS[code]
        self.code = code
        self.close_code = refusal.close_code if close_code is None else close_code
        self.http_status = refusal.http_status if http_status is None else http_status


class MessageSkipped(ProtocolViolation):
    """A message was larger than allowed and is skipped without being stored; the connection goes on with the next one.

    Args:
        message: what was wrong, in one sentence.
        size: bytes of the message, as far as they are known.
    """

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message, "frame-too-large")
        self.size = size


class NotAMessage(ProtocolViolation):
    """A text is not a JSON object with a ``type``, so it is not meant for this protocol: ``ping``, for example."""


class PeerGone(SkySentryError):
    """The remote party closed the connection, vanished, or stopped reading for longer than we wait."""
