"""The request that the router passes to a service, which serves this request and may leave the connection open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import evolve, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.principal import ANYONE, NOBODY, Principal
from skysentry_trio.server.transport.peer_address import PeerAddress
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.forwarding import HEADERS, SIGN_ON_HEADERS, resolve_forwarding
from skysentry_trio.wire.origins import ANY, explain_refusal, is_origin_allowed
from skysentry_trio.wire.request_head import RequestHead

_NO_PROXIES = Networks()
_UNKNOWN = PeerAddress("unknown")


@frozen(eq=False)
class Request:
    """A request; its head was read, its origin was judged, and the head was put back into the stream.

    What trusted proxies say about the client is resolved: `head` has no header for it any more, and its ``Host`` is the
    one that the client asked for.
    """

    stream: PeerStream
    head: RequestHead
    principal: Principal = ANYONE
    """Who is asking."""
    peer: PeerAddress = _UNKNOWN
    """Where the client is, behind all trusted proxies."""
    is_from_proxy: bool = False
    """Whether a trusted proxy has sent the request, so that its other headers can be believed too."""
    denial: ProtocolViolation | None = None
    """Why the credential of the request does not count; None if it counts or there is none."""
    is_tls: bool = False
    """Whether the client's connection is encrypted, up to this server or up to a trusted proxy."""
    is_from_allowed_origin: bool = True
    """False if a page of a foreign origin makes the request."""
    is_from_named_origin: bool = True
    """The same, but an origin that only ``*`` allows is foreign too."""
    via: tuple[str, ...] = ()
    """The nodes of the cluster that have passed the request on, the first one first; empty for a client's request."""
    may_stay_open: Callable[[], bool] = lambda: False
    """Returns whether the connection may stay open for another request, if this one is answered now."""

    @property
    def base_url(self) -> str:
        """Scheme, host and port that the client has used, for links: ``https://cams.example.org``."""
        return f"{'https' if self.is_tls else 'http'}://{self.head.headers.get('host') or 'localhost'}"

    def require_allowed_origin(self, action: str) -> None:
        """Refuse requests that pages of foreign origins make.

        Args:
            action: what such pages may not do, for the message.

        Raises:
            ProtocolViolation: with code ``origin-refused``.
        """
        if not self.is_from_allowed_origin:
            raise ProtocolViolation(explain_refusal(self.head.headers, action), "origin-refused")


def refusal_of(request: Request) -> ProtocolViolation | None:
    """Return why a request is refused that needs to say who makes it; None if it is not refused."""
    if request.denial is not None:
        return request.denial
    if request.principal is NOBODY:
        return ProtocolViolation("expected a key, or a user and a password", "unauthenticated")
    return None


Identify = Callable[[Request], Awaitable[Request]]
"""Returns the request with its principal, or with its denial."""


async def identify_as_anyone(request: Request) -> Request:
    """Return a request without a look at its credentials, for a server that is open to everybody."""
    return request


Service = Callable[[Request], Awaitable[None]]
"""Serves one request. If it is answered in full, the service may leave the connection open for another one, and sets
`PeerStream.stays_open`; otherwise the service closes the connection."""


def judge_request(
    stream: PeerStream,
    head: RequestHead,
    sender: PeerAddress,
    allowed_origins: frozenset[str],
    proxies: Networks = _NO_PROXIES,
    *,
    is_tls: bool = False,
) -> Request:
    """Return the request, with the address of the client, and whether it comes from an allowed origin.

    Args:
        stream: of the connection; the head was put back into it.
        head: of the request.
        sender: the peer that has written the head.
        allowed_origins: origins whose pages may use the server, besides the server's own; ``*`` for all.
        proxies: the trusted proxies.
        is_tls: whether the connection of the sender is encrypted.

    Raises:
        ProtocolViolation: a trusted proxy has sent an invalid header.
    """
    peer, host, is_from_proxy = sender, head.headers.get("host", ""), sender.host in proxies
    if is_from_proxy:
        forwarding = resolve_forwarding(head.headers, proxies.__contains__)
        if forwarding.address is not None:
            peer = PeerAddress(forwarding.address, forwarding.port)
        is_tls = is_tls if forwarding.is_tls is None else forwarding.is_tls
        host = forwarding.host or host
    dropped = HEADERS if is_from_proxy else HEADERS | SIGN_ON_HEADERS
    if not dropped.isdisjoint(head.headers):
        # Nobody below can believe a header that anyone may send.
        kept = {name: value for name, value in head.headers.items() if name not in dropped}
        head = evolve(head, headers=kept | {"host": host})
    origin = head.headers.get("origin")
    is_named = is_origin_allowed(origin, host, allowed_origins - {ANY}, is_tls=is_tls)
    return Request(
        stream,
        head,
        peer=peer,
        is_from_proxy=is_from_proxy,
        is_tls=is_tls,
        is_from_allowed_origin=is_named or ANY in allowed_origins,
        is_from_named_origin=is_named,
    )
