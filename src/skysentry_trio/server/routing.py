"""Which service answers which request, who asks, and for how long they may."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

import structlog
import trio
from attrs import evolve
from quart_trio import QuartTrio

from skysentry_trio.base.networks import Networks
from skysentry_trio.base.principal import ANYONE, NOBODY
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.access.gate import Gate
from skysentry_trio.server.http.app import build_app
from skysentry_trio.server.http.direct_routes import DirectRoutes
from skysentry_trio.server.http.exchange import allow_origin
from skysentry_trio.server.http.link_metrics import list_no_links
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.parts import Parts
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.https_redirect import HttpsRedirect
from skysentry_trio.server.transport.hypercorn_server import HttpServer
from skysentry_trio.server.transport.listener import Router, RouterLimits
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS
from skysentry_trio.server.transport.request import Request, Service, identify_as_anyone
from skysentry_trio.server.websocket.capture import serve_capture
from skysentry_trio.server.websocket.recorded_playback import Archive
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.viewer import SUBPROTOCOL
from skysentry_trio.wire.viewer_query import ViewerFormat

if TYPE_CHECKING:
    from skysentry_trio.server.cluster.node import ClusterNode


def create_router(parts: Parts) -> Router:
    """Return the router, which chooses the service for each request by its path."""
    hub, settings, cluster = parts.hub, parts.settings, parts.cluster
    archive = Archive(
        None if parts.history is None else parts.history.reader,
        lambda: hub.wall_clock.now() - trio.current_time(),
    )
    if cluster is not None:
        _introduce_cluster(cluster, parts, archive)
    connections = ConnectionLog()
    recordings = Recordings(None if parts.history is None else parts.history.reader)
    http = HttpServer(_build_app(parts, connections, recordings)).serve
    direct = DirectRoutes(hub, parts.push_sessions, parts.health.shutdown, recordings, http)

    def answered_by_owner(service: Service) -> Service:
        """Return a service that lets the node that has a camera answer for it."""
        return service if cluster is None else cluster.proxy.passing_on(service)

    def find_direct(head: RequestHead) -> Service | None:
        service = direct.find(head)
        return None if service is None else _attended(parts, answered_by_owner(service))

    identify = partial(_identify, Gate(parts.setup.access, parts.setup.sign_on))
    return Router(
        {"/ws": partial(_capture, parts), "/stream/ws": partial(_view, parts, archive)},
        _attended(parts, answered_by_owner(http)),
        RouterLimits(settings.max_connections, settings.handshake_timeout, settings.write_timeout),
        frozenset(settings.cors_origins),
        find_direct,
        identify if cluster is None else cluster.recognizing(identify),
        parts.health.shutdown,
        connections,
        hub.memory,
        Networks.parse(settings.trusted_proxies),
    )


async def _identify(gate: Gate, request: Request) -> Request:
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


def _attended(parts: Parts, service: Service) -> Service:
    """Return a service whose connections are closed when their access ends."""
    sessions = parts.setup.access.sessions

    async def serve_attended(request: Request) -> None:
        with sessions.attend(request.principal, "request", str(request.peer), request.stream.abort):
            await service(request)

    return serve_attended


def _capture(parts: Parts, request: Request) -> Awaitable[None]:
    admission = Admission(parts.setup.access, request.principal, str(request.peer))
    handler = partial(serve_capture, hub=ScopedHub(parts.hub, request.principal), admission=admission)
    return parts.websockets.serve(request.stream, request.head.size, handler)


def _view(parts: Parts, archive: Archive, request: Request) -> Awaitable[None]:
    head = request.head
    # A viewer that offers our subprotocol expects envelopes.
    offered = [name.strip() for name in head.headers.get("sec-websocket-protocol", "").split(",")]
    handler = partial(
        serve_viewer,
        hub=ScopedHub(parts.hub, request.principal),
        query=head.query,
        default_format=ViewerFormat.ENVELOPE if SUBPROTOCOL in offered else ViewerFormat(parts.settings.viewer_format),
        admission=Admission(parts.setup.access, request.principal, str(request.peer)),
        archive=archive,
        # For a viewer at another node, this node plays only what it has itself, so no playback goes in circles.
        elsewhere=None if request.via else parts.cluster,
    )
    return parts.websockets.serve(request.stream, head.size, handler, subprotocols=[SUBPROTOCOL])


def _introduce_cluster(cluster: ClusterNode, parts: Parts, archive: Archive) -> None:
    """Let what answers for the whole cluster know its node, and the node what it needs to answer."""
    node_id = cluster.directory.node_id
    if parts.exports is not None:
        parts.exports.node_id, parts.exports.others = node_id, cluster.questions
    parts.setup.access.sessions.prefix = f"{node_id}-"
    cluster.proxy.allow_origin = partial(allow_origin, allowed=frozenset(parts.settings.cors_origins))
    cluster.proxy.recorders.own_extent = archive.extent


def _build_app(parts: Parts, connections: ConnectionLog, recordings: Recordings) -> QuartTrio:
    cluster = parts.cluster
    return build_app(
        parts.hub,
        parts.health,
        connections,
        parts.loop,
        parts.setup,
        history=parts.history,
        recordings=recordings,
        exports=parts.exports,
        authority=parts.authority_file,
        phone=parts.phone,
        others=NO_OTHER_SERVERS if cluster is None else cluster.questions,
        list_links=list_no_links if cluster is None else lambda: cluster.mirrors.links,
        read_cluster=parts.read_cluster,
    )


def create_redirect_router(router: Router, port: int, *, explains: bool) -> Router:
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
