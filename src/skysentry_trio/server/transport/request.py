"""The request that the router passes to a service; every connection has exactly one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.origins import explain_refusal, is_origin_allowed
from skysentry_trio.wire.request_head import RequestHead


@frozen(eq=False)
class Request:
    """A request; its head was read, its origin was judged, and the head was put back into the stream."""

    stream: PeerStream
    head: RequestHead
    principal: Principal = ANYONE
    """Who is asking."""
    peer_address: str = "unknown"
    """Address and port of the other end of the connection."""
    is_tls: bool = False
    """Whether the connection is encrypted up to this server."""
    is_from_allowed_origin: bool = True
    """False if a page of a foreign origin makes the request."""

    def require_allowed_origin(self, action: str) -> None:
        """Refuse requests that pages of foreign origins make.

        Args:
            action: what such pages may not do, for the message.

        Raises:
            ProtocolViolation: with code ``origin-refused``.
        """
        if not self.is_from_allowed_origin:
            raise ProtocolViolation(explain_refusal(self.head.headers, action), "origin-refused")


Service = Callable[[Request], Awaitable[None]]
"""Serves one connection to its end."""


def judge_request(stream: PeerStream, head: RequestHead, peer_address: str, allowed_origins: frozenset[str]) -> Request:
    """Return the request, with the decision whether it comes from an allowed origin.

    Args:
        stream: of the connection; the head was put back into it.
        head: of the request.
        peer_address: address and port of the other end of the connection.
        allowed_origins: origins whose pages may use the server, besides the server's own; ``*`` for all.
    """
    headers = head.headers
    is_allowed = is_origin_allowed(
        headers.get("origin"), headers.get("host", ""), allowed_origins, headers.get("x-forwarded-proto")
    )
    return Request(stream, head, peer_address=peer_address, is_from_allowed_origin=is_allowed)
