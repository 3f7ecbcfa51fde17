"""An HTTP exchange on a bare stream, and the headers that all responses share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import formatdate
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
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_PERMISSIONS_POLICY = "camera=(self), screen-wake-lock=(self), fullscreen=(self), microphone=(), geolocation=()"
_LINGER = 1.0
"""Seconds that a client has to read a response and close the connection."""
_FIRST_PART = 60 * 1024
"""Bytes of a body that are copied behind the head; more than one write would be needed for a larger part."""


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
        # The address of a page may have a link in it. Without any referrer, WebKit does not say where a POST is from.
        "Referrer-Policy": "strict-origin",
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

    `receive_some`, `read_ahead` and `send_all` raise `trio.BrokenResourceError` or `trio.ClosedResourceError` when the
    peer has left or stopped reading.
    """

    stays_open: bool
    """Whether the connection stays open for another request."""

    def push_back(self, data: bytes) -> None:
        """Put ``data`` in front of the bytes to be received."""
        ...

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

    async def close_gently(self, seconds: float) -> None:
        """Do as `linger`, but let the kernel send all bytes that it has, also after that time."""
        ...

    async def read_ahead(self) -> None:
        """Read until the peer closes its sending direction, and put back what it sends."""
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
    is_read: bool = False
    """Whether the whole request was taken out of the stream. Then the connection may stay open after the answer."""

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
        """Write a complete response; raise no error if the client has left.

        Args:
            status: the HTTP status.
            reply: the body, sent as JSON; None for no body.
            headers: further headers, besides those of every response.
        """
        body = b"" if reply is None else encode_json(reply)
        described = {} if reply is None else {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await self.respond(status, {**described, "Cache-Control": "no-store", **headers}, body)

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Write a complete response as it is; raise no error if the client has left.

        Afterwards, the connection is open for another request if that is possible, and closed otherwise.

        Args:
            status: the HTTP status.
            headers: of the response, besides those of every response; they describe the body.
            body: of the response; it is not sent if the request is ``HEAD``.
        """
        stream, stays_open = self.stream, self.is_read and self.request.may_stay_open()
        head = self.encode_head(status, headers, stays_open=stays_open)
        if self.head.method == "HEAD":
            body = b""
        with suppress(*CONNECTION_LOST):
            # Head and picture are one write if they fit into one, and a copy of the picture costs less than a write.
            beginning = head + body[:_FIRST_PART]
            written = stream.write_now(beginning)
            if written < len(beginning):
                await stream.send_all(memoryview(beginning)[written:])
            if len(body) > _FIRST_PART:
                await stream.send_all(memoryview(body)[_FIRST_PART:])
            if stays_open:
                stream.stays_open = True
            else:
                await stream.close_gently(_LINGER)

    async def refuse(self, violation: ProtocolViolation, headers: Mapping[str, str] = _NONE) -> None:
        """Answer with an error in the form that all errors have."""
        further = {**describe_challenge(violation, self.head), **headers}
        await self.answer(violation.http_status, describe_refusal(violation), further)

    def encode_head(self, status: int, headers: Mapping[str, str], *, stays_open: bool = False) -> bytes:
        """Return the head of a response, which says whether the connection stays open after the response."""
        preflight = headers.get("Allow") if self.head.method == "OPTIONS" else None
        cors = allow_origin(self.request, self.allowed_origins, preflight=preflight)
        date = {"Date": _format_date(int(time.time()))}
        described = {**date, **protection(self.frame_ancestors), **cors, **headers}
        return encode_response_head(status, described, stays_open=stays_open)


@lru_cache(maxsize=1)
def _format_date(epoch_seconds: int) -> str:
    return formatdate(epoch_seconds, usegmt=True)
