"""One port for all services: accept connections, read the head of each request, and pass each to its service."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog
import trio
from attrs import define, evolve, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.certificate import Certificate
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.idle_connections import IdleConnections
from skysentry_trio.server.transport.peer_address import PeerAddress
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.server.transport.proxy_protocol import read_proxy_header
from skysentry_trio.server.transport.request import Identify, Request, Service, identify_as_anyone, judge_request
from skysentry_trio.server.transport.tls_entrance import enter_by_tls
from skysentry_trio.server.transport.tls_stream import TlsStream
from skysentry_trio.server.transport.turnstile import Turnstile
from skysentry_trio.wire.hosts import HostRule
from skysentry_trio.wire.origins import show_address
from skysentry_trio.wire.proxy_header import refuse_proxy_header
from skysentry_trio.wire.request_head import RequestHead, RequestHeadReader, encode_handshake
from skysentry_trio.wire.response import describe_challenge, encode_refusal

log = get_logger(__name__)

_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_REFUSAL_LINGER = 1.0
"""Seconds that a client has to read a refusal."""
_MAX_REQUESTS = 100
"""Number of requests on one connection, so that no client keeps its place for ever."""


@frozen
class RouterLimits:
    """Limits for peers that have not been served yet; times are in seconds."""

    max_connections: int
    handshake_timeout: float
    write_timeout: float


@define(eq=False)
class Router:
    """Chooses the service for each connection; an error of one connection does not affect the others."""

    websockets: Mapping[str, Service]
    """Services for WebSockets, by path."""
    http: Service
    """Serves every other request."""
    limits: RouterLimits
    allowed_origins: frozenset[str]
    """Origins whose pages may use the server, besides the server's own; ``*`` for all."""
    find_direct: Callable[[RequestHead], Service | None] = lambda _head: None
    """Returns the service for a request that is served on the bare stream; None means `http`."""
    identify: Identify = identify_as_anyone
    """Finds out who makes a request."""
    shutdown: Shutdown = field(factory=Shutdown)
    """After a shutdown is requested, new WebSockets are refused."""
    log: ConnectionLog = field(factory=ConnectionLog)
    memory: HeldMemory = field(factory=HeldMemory)
    """Counts the bytes that are held for all peers."""
    proxies: Networks = field(factory=Networks)
    """The trusted proxies."""
    host_rule: HostRule | None = None
    """Which hosts requests may be for; None for any host."""
    certificate: Certificate | None = None
    """With a certificate, connections over TCP use TLS; those over Unix sockets do not, because they cannot be read."""
    idle: IdleConnections = field(factory=IdleConnections, init=False)
    """Connections between two requests."""
    _turnstile: Turnstile = field(factory=Turnstile, init=False, repr=False)
    _open: set[PeerStream] = field(factory=set, init=False, repr=False)
    _log_limit: LogLimiter = field(factory=LogLimiter, init=False, repr=False)
    _left: trio.Event = field(factory=trio.Event, init=False, repr=False)

    async def accept_from(self, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        """Accept connections and serve each in its own task in ``nursery``; close the listener when cancelled."""
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno not in _OUT_OF_RESOURCES:
                        raise
                    self._warn("cannot accept connections", error=str(error))
                    # Descriptors and memory become free when peers leave.
                    await trio.sleep(0.1)
                    continue
                if len(self._open) >= self.limits.max_connections and not self._make_room():
                    self._count("too-many-connections")
                    await stream.aclose()
                    continue
                nursery.start_soon(self.serve, stream)

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end; errors of the connection are counted and logged, not raised."""
        peer = self._wrap(stream)
        self.log.accepted += 1
        self.log.open += 1
        self._open.add(peer)
        address = PeerAddress.of_peer(stream)
        structlog.contextvars.bind_contextvars(peer=str(address))
        try:
            await self._route(peer, address)
        except* Exception:
            # The libraries below raise all kinds of errors on hostile input, also while they are cancelled. Each error
            # ends this connection and no other connection.
            self.log.ended_by["crash"] += 1
            if (suppressed := self._log_limit.admit("crash", trio.current_time())) is not None:
                log.exception("connection crashed", suppressed=suppressed)
        finally:
            peer.abort()
            self._open.discard(peer)
            self.log.open -= 1
            self._left.set()

    async def drain(self) -> None:
        """Close connections between two requests, and wait until all others that are open now have ended."""
        self.idle.close_all()
        await self.wait_until_left()

    async def wait_until_left(self) -> None:
        """Wait until all connections that are open now have ended; do not wait for connections that come later."""
        here = set(self._open)
        while not here.isdisjoint(self._open):
            self._left = trio.Event()
            await self._left.wait()

    def abort_all(self) -> None:
        """Close all connections now; this also ends shielded tasks, such as Hypercorn's writes."""
        for peer in self._open:
            peer.abort()

    def _make_room(self) -> bool:
        """Close a connection that is idle; return whether there was one."""
        peer = self.idle.close_longest()
        if peer is not None:
            # Its task ends a moment later.
            self._open.discard(peer)
        return peer is not None

    def _wrap(self, stream: trio.SocketStream) -> PeerStream:
        if self.certificate is None or stream.socket.family == trio.socket.AF_UNIX:
            return PeerStream(stream, self.limits.write_timeout, self.memory, self._turnstile)
        context = self.certificate.context
        return TlsStream(stream, self.limits.write_timeout, self.memory, self._turnstile, context=context)

    async def _enter(self, peer: PeerStream) -> bool:
        """Do the handshake of TLS, if the connection uses TLS; return whether the peer may send a request now."""
        if not isinstance(peer, TlsStream):
            return True
        failure = await enter_by_tls(peer, self.limits.handshake_timeout)
        if failure is None:
            return True
        cause, reason = failure
        if cause == "no-request":
            self._count_probe()
        else:
            self._count(cause, reason=reason)
        return False

    async def _route(self, peer: PeerStream, address: PeerAddress) -> None:
        """Serve the requests of a connection one after the other, each as if it were the only one."""
        entered = await self._let_in(peer, address)
        if entered is None:
            return
        for number in range(1, _MAX_REQUESTS + 1):
            if number > 1 and not await self.idle.wait_for_request(peer):
                return
            routed = await self._find_service(peer, address, entered, is_last=number == _MAX_REQUESTS)
            if routed is None:
                return
            peer.stays_open = False
            serving = routed()
            # Some requests last for days. The service decides which parts of them stay in memory that long.
            del routed
            await serving
            if not peer.stays_open:
                return

    async def _let_in(self, peer: PeerStream, address: PeerAddress) -> tuple[PeerAddress, bool] | None:
        """Read what comes before the first request.

        Returns:
            Who sends the requests, and whether the way up to here is encrypted; None if the peer does not get in.
        """
        sender, is_tls = address, False
        if address.host in self.proxies:
            try:
                with trio.move_on_after(self.limits.handshake_timeout) as scope:
                    header = await read_proxy_header(peer)
            except ProtocolViolation as violation:
                await self._refuse(peer, None, violation)
                return None
            if scope.cancelled_caught:
                self._count("request-timeout")
                return None
            sender, is_tls = _behind(address, header.host, header.port), header.is_tls
        return (sender, is_tls or peer.is_tls) if await self._enter(peer) else None

    async def _find_service(
        self, peer: PeerStream, address: PeerAddress, entered: tuple[PeerAddress, bool], *, is_last: bool
    ) -> Callable[[], Awaitable[None]] | None:
        """Read the head of a request and return the call of its service; None if there is none or it was refused."""
        head, (sender, is_tls) = None, entered
        try:
            head = await self._read_head(peer)
            if head is None:
                return None
            self._check_host(head, peer)
            request = judge_request(peer, head, sender, self.allowed_origins, self.proxies, is_tls=is_tls)
            head = request.head
            if request.is_from_proxy:
                _behind(address, request.peer.host, request.peer.port)
                self._check_host(head, peer)
            may_stay_open = self._staying_open(peer, keeps_alive=head.keeps_alive and not is_last)
            request = evolve(await self.identify(request), may_stay_open=may_stay_open)
            service = self._choose(request)
            if head.upgrade:
                request = evolve(request, head=_normalize_handshake(peer, head))
        except ProtocolViolation as violation:
            await self._refuse(peer, head, violation)
            return None
        return partial(service, request)

    async def _refuse(self, peer: PeerStream, head: RequestHead | None, violation: ProtocolViolation) -> None:
        """Say why a request is refused, and close the connection."""
        self._count(violation.code, **_describe(head, violation))
        # The peer may be gone already.
        with suppress(*CONNECTION_LOST), trio.move_on_after(_REFUSAL_LINGER):
            challenge = {} if head is None else describe_challenge(violation, head)
            await peer.send_all(encode_refusal(violation, challenge, method=None if head is None else head.method))
            await peer.linger(_REFUSAL_LINGER)

    def _staying_open(self, peer: PeerStream, *, keeps_alive: bool) -> Callable[[], bool]:
        return lambda: keeps_alive and not peer.overrun and not self.shutdown.requested.is_set()

    def _check_host(self, head: RequestHead, peer: PeerStream) -> None:
        if self.host_rule is not None:
            self.host_rule.check(head.headers.get("host", ""), PeerAddress.of_this_side(peer.socket).host)

    async def _read_head(self, peer: PeerStream) -> RequestHead | None:
        """Return the request's head and put it back into the stream; None if the client sent no head in time."""
        reader, received, cause = RequestHeadReader(), b"", "request-timeout"
        with trio.move_on_after(self.limits.handshake_timeout):
            try:
                while data := await peer.receive_some():
                    received += data
                    refuse_proxy_header(received)
                    if (head := reader.feed(data)) is not None:
                        peer.push_back(received)
                        return head
                cause = "left-before-request"
            except CONNECTION_LOST:
                cause = "lost-before-request"
            if not received:
                self._count_probe()
                return None
        self._count(cause)
        return None

    def _choose(self, request: Request) -> Service:
        head = request.head
        if not head.path.startswith("/"):
            raise ProtocolViolation(f"expected a path that begins with /, got {head.path[:80]}", "bad-request")
        service = self.websockets.get(head.path)
        if service is None and head.upgrade is None:
            if "upgrade" in head.headers:
                # RFC 9110 section 7.8 says that servers ignore this header, but Hypercorn would switch to HTTP/2.
                raise ProtocolViolation("an Upgrade header goes with Connection: Upgrade", "bad-request")
            return self.find_direct(head) or self.http
        if service is None:
            known = " and ".join(self.websockets)
            raise ProtocolViolation(f"WebSockets are at {known}, not at this address", "not-found")
        if head.upgrade is None:
            raise ProtocolViolation("expected a WebSocket handshake here", "upgrade-required")
        request.require_allowed_origin("open WebSockets")
        if request.denial is not None:
            raise request.denial
        if self.shutdown.requested.is_set():
            raise ProtocolViolation("the server is stopping", "draining")
        return service

    def _count_probe(self) -> None:
        # Load balancers connect every second only to check the port, so this is no warning.
        self.log.ended_by["no-request"] += 1
        log.debug("connection without a request")

    def _count(self, cause: str, **details: str) -> None:
        self.log.ended_by[cause] += 1
        self._warn("connection refused", cause=cause, **details)

    def _warn(self, event: str, **details: str) -> None:
        if (suppressed := self._log_limit.admit(event, trio.current_time())) is not None:
            log.warning(event, **details, suppressed=suppressed)


def _behind(proxy: PeerAddress, host: str | None, port: int | None) -> PeerAddress:
    """Return the address behind a proxy, which the log names from now on; the proxy's own if ``host`` is None."""
    if host is None:
        return proxy
    address = PeerAddress(host, port)
    # An earlier request of the connection may come from somebody else.
    structlog.contextvars.bind_contextvars(peer=str(address))
    if address != proxy:
        structlog.contextvars.bind_contextvars(proxy=str(proxy))
    else:
        structlog.contextvars.unbind_contextvars("proxy")
    return address


def _describe(head: RequestHead | None, violation: ProtocolViolation) -> dict[str, str]:
    """Return what the operator needs to know in order to allow what was refused."""
    if head is None or violation.code not in {"origin-refused", "host-refused"}:
        return {}
    return {name: show_address(head.headers.get(name, "")) for name in ("origin", "host")}


def _normalize_handshake(peer: PeerStream, head: RequestHead) -> RequestHead:
    handshake = encode_handshake(head)
    peer.push_back(handshake + peer.take_back()[head.size :])
    return evolve(head, size=len(handshake))
