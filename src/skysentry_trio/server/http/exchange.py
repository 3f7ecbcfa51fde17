"""An HTTP exchange on a bare stream, and the headers that all responses share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.request import Request
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.origins import ANY, encode_frame_ancestors
from skysentry_trio.wire.query import Query
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.response import describe_challenge, describe_refusal, encode_response_head
from skysentry_trio.wire.rest import ErrorReply

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_PERMISSIONS_POLICY = "camera=(self), screen-wake-lock=(self), fullscreen=(self), microphone=(), geolocation=()"
_LINGER = 1.0
"""Seconds that a client has to read a response and close the connection."""


_NONE: Mapping[str, str] = {}


_EXPOSED_HEADERS = "Content-Disposition, ETag, Retry-After, X-Sequence, X-SkySentry-Online, X-Timestamp"
_REQUEST_HEADERS = (
    "Accept, Authorization, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, Pragma, Range, "
    "X-Requested-With, X-Timestamp"
)
"""Headers that pages of other origins may send: those of the API, and those that libraries and proxies add or need."""


@lru_cache(maxsize=8)
def protection(frame_ancestors: tuple[str, ...]) -> Mapping[str, str]:
    """Return the security headers of all responses, for browsers.

    Args:
        frame_ancestors: origins whose pages may show our pages in a frame, besides our own; ``*`` for all.
    """
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": f"{_CONTENT_SECURITY_POLICY}; {encode_frame_ancestors(frame_ancestors)}",
        "Permissions-Policy": _PERMISSIONS_POLICY,
        "Referrer-Policy": "same-origin",
    }


def allow_origin(request: Request, allowed: frozenset[str], *, preflight: str | None = None) -> dict[str, str]:
    """Return the headers that let a page of another origin read an answer (the Fetch standard's CORS protocol).

    Args:
        request: the request of a page.
        allowed: origins whose pages may read the answer; ``*`` for all.
        preflight: the allowed methods, if this is the answer to ``OPTIONS``.
    """
    # A cache must not give the answer for one origin to another one.
    cors = {"Vary": "Origin"} if allowed else {}
    headers = request.head.headers
    origin = headers.get("origin")
    if origin is None or not request.is_from_allowed_origin:
        return cors
    cors["Access-Control-Allow-Origin"] = ANY if ANY in allowed else origin
    cors["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if preflight is not None:
        cors["Access-Control-Allow-Methods"] = preflight
        cors["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
        cors["Access-Control-Max-Age"] = "600"
        if headers.get("access-control-request-private-network") == "true":
            # A public page asks for a server in a private network (https://wicg.github.io/private-network-access/).
            cors["Access-Control-Allow-Private-Network"] = "true"
    return cors


class ByteStream(Protocol):
    """A connection on which HTTP is written without a server library; every write that waits has a deadline.

    `receive_some` and `send_all` raise `trio.BrokenResourceError` or `trio.ClosedResourceError` when the peer has left
    or stopped reading.
    """

    def take_back(self) -> bytes:
        """Return the bytes that were put back, and remove them from the stream."""
        ...

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return some bytes, b"" at the end of the stream."""
        ...

    async def send_all(self, data: bytes | memoryview) -> None:
        """Send all bytes."""
        ...

    def write_now(self, data: bytes | memoryview) -> int:
        """Write the bytes that can be written without waiting; return their number."""
        ...

    async def linger(self, seconds: float) -> None:
        """Close our sending direction, wait at most ``seconds`` for the peer to close, then close the connection."""
        ...


@frozen
class Exchange:
    """One request and the response to it, on a stream that no library serves."""

    request: Request
    query: Query
    allowed_origins: frozenset[str]
    """Origins whose pages may read the answer, besides the server's own."""
    frame_ancestors: tuple[str, ...] = ()
    """Origins whose pages may show the answer in a frame, besides the server's own."""

    @property
    def stream(self) -> ByteStream:
        """The connection; the request was put back into it."""
        return self.request.stream

    @property
    def head(self) -> RequestHead:
        """The head of the request."""
        return self.request.head

    def abort(self) -> None:
        """Close the connection now."""
        self.request.stream.abort()

    async def is_allowed(self, methods: str) -> bool:
        """Return True for an allowed method other than ``OPTIONS``; otherwise answer the request and return False.

        Args:
            methods: the allowed methods, as in an ``Allow`` header.
        """
        method = self.head.method
        if method == "OPTIONS":
            await self.answer(204, None, {"Allow": methods})
        elif method not in methods.split(", "):
            reply = ErrorReply(f"expected {methods}, got {method[:20]}")
            await self.answer(405, reply, {"Allow": methods})
        else:
            return True
        return False

    async def answer(self, status: int, reply: Any, headers: Mapping[str, str] = _NONE) -> None:
        """Write a complete response and close the connection; raise no error if the client has left.

        Args:
            status: the HTTP status.
            reply: the body, sent as JSON; None for no body.
            headers: further headers, besides those of every response.
        """
        body = b"" if reply is None else encode_json(reply)
        described = {} if reply is None else {"Content-Type": "application/json", "Content-Length": str(len(body))}
        response = self.encode_head(status, {**described, "Cache-Control": "no-store", **headers})
        with suppress(*CONNECTION_LOST):
            await self.stream.send_all(response + (b"" if self.head.method == "HEAD" else body))
            await self.stream.linger(_LINGER)

    async def refuse(self, violation: ProtocolViolation, headers: Mapping[str, str] = _NONE) -> None:
        """Answer with an error in the form that all errors have."""
        further = {**describe_challenge(violation, self.head), **headers}
        await self.answer(violation.http_status, describe_refusal(violation), further)

    def encode_head(self, status: int, headers: Mapping[str, str]) -> bytes:
        """Return the head of a response; the head says that the connection is closed after the response."""
        preflight = headers.get("Allow") if self.head.method == "OPTIONS" else None
        cors = allow_origin(self.request, self.allowed_origins, preflight=preflight)
        return encode_response_head(status, {**protection(self.frame_ancestors), **cors, **headers})
