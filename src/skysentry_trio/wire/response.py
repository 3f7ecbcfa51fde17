"""HTTP responses as bytes, for connections that we serve without an HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from msgspec import UNSET

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.rest import ErrorReply

_NONE: Final[Mapping[str, str]] = {}
_TOLD: Final = frozenset({"access-ended", "forbidden", "in-use", "unauthenticated"})
"""Codes that the body of a response contains, because its status has several meanings."""


def describe_refusal(violation: ProtocolViolation) -> ErrorReply:
    """Return the body of a response that says what was wrong with a request."""
    return ErrorReply(str(violation), code=violation.code if violation.code in _TOLD else UNSET)


def describe_challenge(violation: ProtocolViolation, head: RequestHead) -> dict[str, str]:
    """Return the header that makes programs send the user and the password that they have.

    A browser would show a dialog of its own, so pages of ours and of others get no such header.
    """
    if violation.http_status != HTTPStatus.UNAUTHORIZED or "sec-fetch-mode" in head.headers:
        return {}
    return {"WWW-Authenticate": 'Basic realm="SkySentry", charset="UTF-8"'}


def encode_response_head(status: int, headers: Mapping[str, str], *, stays_open: bool = False) -> bytes:
    """Encode the head of a response.

    Args:
        status: the HTTP status.
        headers: all headers except ``Connection``; names and values are Latin-1 without line breaks.
        stays_open: whether the connection stays open after the response.
    """
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    if not stays_open:
        # Without this, a connection of HTTP/1.1 stays open (RFC 9112 section 9.3).
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def encode_refusal(
    violation: ProtocolViolation, further: Mapping[str, str] = _NONE, *, method: str | None = None
) -> bytes:
    """Encode a whole response that says what was wrong with a request.

    Args:
        violation: what was wrong.
        further: headers.
        method: of the request, if it is known; the response to ``HEAD`` has no body.
    """
    body = encode_json(describe_refusal(violation))
    headers = {
        **further,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
    }
    return encode_response_head(violation.http_status, headers) + (b"" if method == "HEAD" else body)
