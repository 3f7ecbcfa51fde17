"""What can go wrong, sorted by whose fault it is.

::

    SkySentryError
    ├── ConfigurationError    the operator's: exit status 2
    ├── ProtocolViolation     the remote party's: refused with a reason it can read
    └── PeerGone              nobody's: the remote party left, or took nothing for too long
"""

from __future__ import annotations


class SkySentryError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(SkySentryError):
    """A flag, variable or file says something we cannot run with."""


class ProtocolViolation(SkySentryError):
    """A remote party sent something the protocol does not allow.

    Args:
        message: what was wrong, what we got and what we expected, in one sentence.
        code: the same for programs: a short constant such as ``"not-a-jpeg"``.
        close_code: with which to close a WebSocket (RFC 6455 section 7.4).
        status: with which to answer an HTTP request.
    """

    def __init__(
        self, message: str, *, code: str = "invalid-message", close_code: int = 1008, status: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.close_code = close_code
        self.status = status


class PeerGone(SkySentryError):
    """The remote party closed the connection, vanished, or stopped reading for longer than we wait."""
