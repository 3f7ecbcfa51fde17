"""Start and stop the server: the tasks of the server, what ends each task, and the order in which the tasks stop.

::

    serve
    └─ daemon nursery                 a crash in here ends the process: systemd starts it again
       ├─ stop on signal              SIGTERM, SIGINT; the second one ends the grace period
       ├─ reload on signal            SIGHUP, if there is a certificate
       ├─ services                    restarted with back-off; /api/health reports those that keep failing
       │  ├─ janitor: forget idle cameras and old frames
       │  ├─ demand: tell cameras that the demand has changed, if that of many cameras has changed at once
       │  ├─ access: read the rules again when they change, and end the access that is over
       │  ├─ history: record cameras on disk, if a folder is given
       │  ├─ exports: write recordings into archives that somebody has asked for
       │  ├─ cluster: keep in step with the engine, if there is one
       │  ├─ links: show the cameras of other servers, and fetch what viewers here watch
       │  ├─ push sessions: end those of cameras that have stopped
       │  ├─ certificate: load its files again when they have changed
       │  ├─ own certificate: issue it again before it ends, and when the machine has a new address
       │  ├─ garbage collection: look at young objects often, and at all objects rarely
       │  ├─ loop monitor: measure the delay of the event loop
       │  └─ watchdog: report to systemd
       └─ connections nursery
          ├─ accept, one for each socket
          ├─ pings and goodbyes of all WebSockets
          └─ one task for each connection; a crash in one ends that one only
"""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

import structlog
import trio
from attrs import evolve

from skysentry_trio._version import __version__
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.principal import ANYONE, NOBODY
from skysentry_trio.base.state_folder import AUTHORITY, TLS_FOLDER
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.access.gate import Gate
from skysentry_trio.server.access.phone_code import PhoneCode
from skysentry_trio.server.access.records import KeyRecord
from skysentry_trio.server.access.start import AccessSetup, prepare_access, state_folder
from skysentry_trio.server.garbage import Collections
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.app import build_app
from skysentry_trio.server.http.cluster_metrics import ClusterFigures, alone
from skysentry_trio.server.http.direct_routes import DirectRoutes
from skysentry_trio.server.http.exchange import allow_origin
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.link_metrics import list_no_links
from skysentry_trio.server.http.phone import NO_PHONE, PhoneSetup
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.janitor import keep_tidy
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.supervisor import supervise
from skysentry_trio.server.transport.certificate import Certificate
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.https_redirect import HttpsRedirect
from skysentry_trio.server.transport.hypercorn_server import HttpServer
from skysentry_trio.server.transport.listener import Router, RouterLimits
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS
from skysentry_trio.server.transport.peer_address import PeerAddress, show_address_and_port
from skysentry_trio.server.transport.request import Request, Service, identify_as_anyone
from skysentry_trio.server.transport.systemd import Notifier
from skysentry_trio.server.transport.tcp_listeners import open_listeners
from skysentry_trio.server.transport.websocket import WebSocketLimits, WebSockets
from skysentry_trio.server.websocket.capture import serve_capture
from skysentry_trio.server.websocket.recorded_playback import Archive
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.envelope import MAX_HEADER_LENGTH
from skysentry_trio.wire.hosts import HostRule
from skysentry_trio.wire.messages import MAX_TEXT_LENGTH
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.viewer import SUBPROTOCOL
from skysentry_trio.wire.viewer_query import ViewerFormat

if TYPE_CHECKING:
    from skysentry_trio.server.cluster.node import ClusterNode
    from skysentry_trio.server.cluster.start import Membership
    from skysentry_trio.server.history.history import History
    from skysentry_trio.server.transport.self_signed import SelfSignedCertificate

log = get_logger(__name__)

_LAST_MOMENT = 0.5
"""Seconds for the tasks of aborted connections to end."""


async def serve(
    settings: Settings,
    *,
    sockets: Sequence[socket] = (),
    notifier: Notifier,
    invite: Callable[[str], None] = lambda _token: None,
    own_keys: Sequence[KeyRecord] = (),
    phone_code: PhoneCode | None = None,
    task_status: trio.TaskStatus[Sequence[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the server until SIGTERM or SIGINT, then drain the server.

    Args:
        settings: the settings of the server.
        sockets: listening sockets; if there are none, the server listens on the address in the settings.
        notifier: reports the state of the server to systemd.
        invite: called with the token of the link with which the first administrator signs in, if one is needed.
        own_keys: of cameras that are part of this process.
        phone_code: with which a phone becomes a camera; None if there is none.
        task_status: receives the base URLs as soon as connections are accepted.

    Raises:
        OSError: the server cannot listen on the address.
        ConfigurationError: the file of rules, the certificate or the folder of recordings cannot be used.
    """
    own = _prepare_own_certificate(settings)
    certificate = _load_certificate(settings) if own is None else own.load()
    listeners = await _open_listeners(settings, sockets)
    redirecting = await _open_redirecting(settings)
    setup = prepare_access(settings, [listener.socket.getsockname() for listener in listeners], own_keys)
    hub, shutdown = Hub(settings), Shutdown(settings.shutdown_grace)
    health, loop, push_sessions = Health(shutdown), LoopMonitor(), PushSessions(hub, setup.access.sessions)
    websockets = WebSockets(_websocket_limits(settings), shutdown)
    history, exports = _open_recordings(settings, hub)
    urls = [_url(listener, is_tls=certificate is not None) for listener in listeners]
    membership = _prepare_membership(settings, hub, urls)
    router = _create_router(
        hub,
        push_sessions,
        websockets,
        health,
        loop,
        setup,
        history,
        None if membership is None else membership.node,
        exports=exports,
        phone=_prepare_phones(settings, phone_code, urls, listeners),
        read_cluster=alone if membership is None else partial(_describe, membership),
    )
    listening = [PeerAddress.of_this_side(listener.socket).host for listener in listeners]
    router.host_rule = HostRule.of(settings.host, listening, settings.allowed_hosts)
    router.certificate = certificate
    redirect_router = _create_redirect_router(router, _port_of(listeners, settings), explains=settings.tls_self_signed)
    async with _closing(history), trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, shutdown)
        services: dict[str, Callable[[], Awaitable[None]]] = {
            "janitor": partial(keep_tidy, hub),
            "demand": hub.report_demand,
            "notices": hub.send_notices,
            "access": setup.watcher.run,
            "push sessions": push_sessions.run,
            "garbage collection": Collections(router.log, lambda: len(hub.cameras)).run,
            "loop monitor": loop.run,
        }
        if certificate is not None:
            await nursery.start(_reload_on_signal, certificate)
            services["certificate"] = certificate.run
            if own is not None:
                services["own certificate"] = partial(own.renew, certificate)
        services |= _optional_services(history, exports, membership, notifier, health)
        for name, service in services.items():
            nursery.start_soon(supervise, name, service, health)
        await _wait_for_cluster(membership)
        async with trio.open_nursery() as connections:
            connections.start_soon(websockets.run)
            for listener in listeners:
                connections.start_soon(router.accept_from, listener, connections)
            for listener in redirecting:
                connections.start_soon(redirect_router.accept_from, listener, connections)
            log.info("serving", urls=urls, version=__version__, open=setup.access.is_open)
            if setup.invitation is not None:
                invite(setup.invitation.token)
            task_status.started(urls)
            notifier.ready()

            # When a stop is requested, open WebSockets are closed and new ones are refused. HTTP requests are still
            # answered, so that a load balancer learns from /api/ready to send clients to other servers.
            await shutdown.requested.wait()
            log.info("stopping", connections=router.log.open)
            notifier.stopping()
            with shutdown.grace_period:
                await router.drain()
            # Cancelling does not stop tasks that send Close frames or Hypercorn's writes, because they are shielded. So
            # abort their connections first, which ends these tasks.
            router.abort_all()
            redirect_router.abort_all()
            with trio.move_on_after(_LAST_MOMENT):
                await router.wait_until_left()
            connections.cancel_scope.cancel()
        await _leave_cluster(membership)
        nursery.cancel_scope.cancel()
    log.info("stopped")


async def _open_listeners(settings: Settings, sockets: Sequence[socket]) -> list[trio.SocketListener]:
    if sockets:
        for inherited in sockets:
            inherited.settimeout(0)
        return [trio.SocketListener(trio.socket.from_stdlib_socket(inherited)) for inherited in sockets]
    return await open_listeners(settings.host, settings.port)


async def _open_redirecting(settings: Settings) -> list[trio.SocketListener]:
    if not settings.http_redirect_port:
        return []
    try:
        return await open_listeners(settings.host, settings.http_redirect_port)
    except OSError as error:
        reason = f"{error.strerror or error} (http_redirect_port {settings.http_redirect_port})"
        raise OSError(error.errno, reason) from error


def _prepare_own_certificate(settings: Settings) -> SelfSignedCertificate | None:
    """Return the certificate that the server makes itself; None if it does not.

    Raises:
        ConfigurationError: the files cannot be read or written.
    """
    if not settings.tls_self_signed:
        return None
    # Imported here, because most servers do not need the library for certificates.
    from skysentry_trio.base.authority_folder import AuthorityFolder  # noqa: PLC0415
    from skysentry_trio.server.transport.self_signed import SelfSignedCertificate  # noqa: PLC0415

    return SelfSignedCertificate(AuthorityFolder.inside(state_folder(settings)), settings.host)


def _load_certificate(settings: Settings) -> Certificate | None:
    """Return the certificate that the settings name; None for a server without TLS.

    Raises:
        ConfigurationError: the certificate cannot be used.
    """
    if not settings.tls_cert:
        return None
    return Certificate(Path(settings.tls_cert), Path(settings.tls_key or settings.tls_cert))


def _prepare_membership(settings: Settings, hub: Hub, urls: Sequence[str]) -> Membership | None:
    """Return the membership in the cluster that the settings name; None if they name none.

    Raises:
        ConfigurationError: the library is missing, or no other server could reach this one.
    """
    if not settings.cluster:
        return None
    # Imported here, because most servers are alone.
    from skysentry_trio.server.cluster.start import join_cluster  # noqa: PLC0415

    return join_cluster(settings, hub, urls)


async def _wait_for_cluster(membership: Membership | None) -> None:
    if membership is not None:
        await membership.wait_until_settled()


async def _leave_cluster(membership: Membership | None) -> None:
    if membership is not None:
        await membership.session.leave()


def _optional_services(
    history: History | None,
    exports: ExportJobs | None,
    membership: Membership | None,
    notifier: Notifier,
    health: Health,
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return the services that not every server has."""
    services: dict[str, Callable[[], Awaitable[None]]] = {}
    if history is not None and exports is not None:
        services |= {"history": partial(history.run, health), "exports": exports.run}
    if membership is not None:
        services["cluster"] = partial(membership.session.run, health)
        services["links"] = membership.node.mirrors.run
        services["node connections"] = membership.node.requests.run
    if notifier.watchdog_interval is not None:
        services["watchdog"] = partial(_feed_watchdog, notifier, notifier.watchdog_interval)
    return services


def _describe(membership: Membership) -> ClusterFigures:
    directory, session = membership.directory, membership.session
    nodes, cameras = len(directory.nodes()), len(directory.cameras())
    return ClusterFigures(
        session.is_connected, nodes, cameras, session.sessions, directory.claims_alone, directory.lost
    )


def _websocket_limits(settings: Settings) -> WebSocketLimits:
    return WebSocketLimits(
        max_message_size=max(settings.max_frame_size + MAX_HEADER_LENGTH + 2, MAX_TEXT_LENGTH),
        handshake_timeout=settings.handshake_timeout,
        ping_interval=settings.ping_interval,
        ping_timeout=settings.ping_timeout,
        close_timeout=min(settings.shutdown_grace, 2.0),
    )


def _create_router(  # noqa: PLR0917 - the parts of the server
    hub: Hub,
    push_sessions: PushSessions,
    websockets: WebSockets,
    health: Health,
    loop: LoopMonitor,
    setup: AccessSetup,
    history: History | None,
    cluster: ClusterNode | None = None,
    *,
    exports: ExportJobs | None = None,
    phone: PhoneSetup = NO_PHONE,
    read_cluster: Callable[[], ClusterFigures] = alone,
) -> Router:
    """Return the router, which chooses the service for each request by its path."""
    settings, access = hub.settings, setup.access
    gate = Gate(access, setup.sign_on)

    async def identify(request: Request) -> Request:
        found = await gate.identify(
            request.head,
            address=request.peer.host,
            is_from_named_origin=request.is_from_named_origin,
            is_from_proxy=request.is_from_proxy,
            is_tls=request.is_tls,
        )
        # The connection may have served a request of another principal before.
        structlog.contextvars.unbind_contextvars("who")
        if found.principal.kind not in {ANYONE.kind, NOBODY.kind}:
            structlog.contextvars.bind_contextvars(who=found.principal.name)
        return evolve(request, principal=found.principal, denial=found.denial)

    def attended(service: Service) -> Service:
        """Return a service whose connections are closed when their access ends."""

        async def serve_attended(request: Request) -> None:
            with access.sessions.attend(request.principal, "request", str(request.peer), request.stream.abort):
                await service(request)

        return serve_attended

    def find_direct(head: RequestHead) -> Service | None:
        service = direct.find(head)
        return None if service is None else attended(answered_by_owner(service))

    def answered_by_owner(service: Service) -> Service:
        """Return a service that lets the node that has a camera answer for it."""
        return service if cluster is None else cluster.proxy.passing_on(service)

    def capture(request: Request) -> Awaitable[None]:
        admission = Admission(access, request.principal, str(request.peer))
        handler = partial(serve_capture, hub=ScopedHub(hub, request.principal), admission=admission)
        return websockets.serve(request.stream, request.head.size, handler)

    def view(request: Request) -> Awaitable[None]:
        head = request.head
        # A viewer that offers our subprotocol expects envelopes.
        offered = [name.strip() for name in head.headers.get("sec-websocket-protocol", "").split(",")]
        default = ViewerFormat.ENVELOPE if SUBPROTOCOL in offered else ViewerFormat(settings.viewer_format)
        scoped_hub = ScopedHub(hub, request.principal)
        admission = Admission(access, request.principal, str(request.peer))
        handler = partial(
            serve_viewer,
            hub=scoped_hub,
            query=head.query,
            default_format=default,
            admission=admission,
            archive=archive,
            elsewhere=cluster,
        )
        return websockets.serve(request.stream, head.size, handler, subprotocols=[SUBPROTOCOL])

    if cluster is not None and exports is not None:
        exports.node_id, exports.others = cluster.directory.node_id, cluster.questions
    if cluster is not None:
        access.sessions.prefix = f"{cluster.directory.node_id}-"
        cluster.proxy.allow_origin = partial(allow_origin, allowed=frozenset(settings.cors_origins))
    archive = Archive(None if history is None else history.reader, lambda: hub.wall_clock.now() - trio.current_time())
    if cluster is not None:
        cluster.proxy.recorders.own_extent = archive.extent
    connections = ConnectionLog()
    recordings = Recordings(None if history is None else history.reader)
    app = build_app(
        hub,
        health,
        connections,
        loop,
        setup,
        history=history,
        recordings=recordings,
        exports=exports,
        authority=_authority_file(settings),
        phone=phone,
        others=NO_OTHER_SERVERS if cluster is None else cluster.questions,
        list_links=list_no_links if cluster is None else lambda: cluster.mirrors.links,
        read_cluster=read_cluster,
    )
    http = HttpServer(app).serve
    direct = DirectRoutes(hub, push_sessions, health.shutdown, recordings, http)
    return Router(
        {"/ws": capture, "/stream/ws": view},
        attended(answered_by_owner(http)),
        RouterLimits(settings.max_connections, settings.handshake_timeout, settings.write_timeout),
        frozenset(settings.cors_origins),
        find_direct,
        identify if cluster is None else cluster.recognizing(identify),
        health.shutdown,
        connections,
        hub.memory,
        Networks.parse(settings.trusted_proxies),
    )


def _open_recordings(settings: Settings, hub: Hub) -> tuple[History | None, ExportJobs | None]:
    """Return the recordings and what exports them; nothing for a server that records nothing.

    Raises:
        ConfigurationError: the folder cannot be used, or another server records in it.
    """
    if not settings.history:
        return None, None
    # Imported here, because many servers record nothing, and need neither the modules for it nor a database.
    from skysentry_trio.server.history.history import open_history  # noqa: PLC0415

    history = open_history(settings, hub)
    exports = ExportJobs(history.reader, settings.history_export_bytes, settings.history_min_free, time.time)
    return history, exports


@asynccontextmanager
async def _closing(history: History | None) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if history is not None:
            await history.close()


def _authority_file(settings: Settings) -> Path | None:
    return state_folder(settings) / TLS_FOLDER / AUTHORITY if settings.tls_self_signed else None


def _prepare_phones(
    settings: Settings, code: PhoneCode | None, urls: Sequence[str], listeners: Sequence[trio.SocketListener]
) -> PhoneSetup:
    """Return what the server knows of phones; its code gets the addresses at which the server listens."""
    if code is not None:
        code.urls = urls
    return PhoneSetup(code, _port_of(listeners, settings) if settings.is_tls else None, settings.tls_self_signed)


def _port_of(listeners: Sequence[trio.SocketListener], settings: Settings) -> int:
    """Return the port on which the server listens; that of the settings if it listens on Unix sockets only."""
    addresses = [listener.socket.getsockname() for listener in listeners]
    return next((address[1] for address in addresses if isinstance(address, tuple)), settings.port)


def _create_redirect_router(router: Router, port: int, *, explains: bool) -> Router:
    """Return the router of the port that redirects requests to https.

    Args:
        router: of the other ports.
        port: of https.
        explains: whether phones are first told what the browser will warn of.
    """
    redirect = HttpsRedirect(port, router.http if explains else None).serve
    websockets = dict.fromkeys(router.websockets, redirect)
    return evolve(
        router,
        websockets=websockets,
        http=redirect,
        find_direct=lambda _head: None,
        identify=identify_as_anyone,
        certificate=None,
    )


def _url(listener: trio.SocketListener, *, is_tls: bool) -> str:
    address = listener.socket.getsockname()
    if not isinstance(address, tuple):
        return f"unix:{address}"
    return f"{'https' if is_tls else 'http'}://{show_address_and_port(address)}"


async def _reload_on_signal(
    certificate: Certificate, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        task_status.started()
        async for _number in signals:
            certificate.reload_soon()


async def _stop_on_signal(shutdown: Shutdown, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _number in signals:
            shutdown.request()


async def _feed_watchdog(notifier: Notifier, interval: float) -> None:
    while True:
        notifier.watchdog()
        await trio.sleep(interval)
