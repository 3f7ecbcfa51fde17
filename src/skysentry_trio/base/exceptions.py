"""Errors, sorted by whose fault they are, and the one table of what a refused peer is told.

::

    SkySentryError
    ├── ConfigurationError    the operator's: exit status 2
    ├── ProtocolViolation     the remote party's: refused with a reason that it can read
    └── PeerGone              nobody's: the remote party left, or read nothing for too long
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class CloseCode(IntEnum):
    """Why a WebSocket is closed: RFC 6455 section 7.4.1, and from 4000 the codes of this protocol."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    """Stands for a connection that ended without a Close frame; never sent."""
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    REPLACED = 4001
    SILENT = 4002


class Refusal(NamedTuple):
    """How a peer is refused, by the kind of its connection."""

    close_code: CloseCode
    """Closes a WebSocket connection."""
    http_status: int
    """Answers an HTTP request."""


REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "already-registered": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "bad-multipart": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "bad-request": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "busy": Refusal(CloseCode.TRY_AGAIN_LATER, 503),
        "draining": Refusal(CloseCode.GOING_AWAY, 503),
        "flood": Refusal(CloseCode.POLICY_VIOLATION, 429),
        "frame-too-large": Refusal(CloseCode.MESSAGE_TOO_BIG, 413),
        "invalid-client-id": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "invalid-message": Refusal(CloseCode.POLICY_VIOLATION, 400),
        "memory-full": Refusal(CloseCode.TRY_AGAIN_LATER, 503),
        "message-too-large": Refusal(CloseCode.MESSAGE_TOO_BIG, 413),
        "no-frame": Refusal(CloseCode.POLICY_VIOLATION, 404),
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
        "upgrade-required": Refusal(CloseCode.POLICY_VIOLATION, 426),
        "wrong-content-type": Refusal(CloseCode.POLICY_VIOLATION, 415),
    }
)
"""By error code, what the peer is told besides the code and a sentence. Every refusal of the server is in here."""


class SkySentryError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(SkySentryError):
    """A flag, variable or file says something we cannot run with."""


class ProtocolViolation(SkySentryError):
    """A remote party sent something the protocol does not allow.

    Args:
        message: what was wrong, what we got and what we expected, in one sentence.
        code: the same for programs, a key of `REFUSALS`. Decide by the code, never by what follows from it.
        close_code: replaces that of the table, for the rare cause that a standard gives a close code of its own.
        http_status: replaces that of the table, likewise.

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


class PeerGone(SkySentryError):
    """The remote party closed the connection, vanished, or stopped reading for longer than we wait."""
