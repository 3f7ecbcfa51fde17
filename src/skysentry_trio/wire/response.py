"""HTTP responses as bytes, for connections that we serve without an HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.rest import ErrorReply


def encode_response_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Encode the head of a response after which the connection is closed.

    Args:
        status: the HTTP status.
        headers: all headers except ``Connection``; names and values are Latin-1 without line breaks.
    """
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def encode_refusal(violation: ProtocolViolation) -> bytes:
    """Encode a whole response that says what was wrong with a request."""
    body = encode_json(ErrorReply(str(violation)))
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
    }
    return encode_response_head(violation.http_status, headers) + body
