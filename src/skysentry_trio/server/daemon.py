"""Start and stop the server: the tasks of the server, what ends each task, and the order in which the tasks stop.

::

    serve
    └─ daemon nursery                 a crash in here ends the process: systemd starts it again
       ├─ stop on signal              SIGTERM, SIGINT; the second one ends the grace period
       ├─ reload on signal            SIGHUP, if there is a certificate
       ├─ services                    restarted with back-off; /api/health reports those that keep failing
       │  ├─ janitor: forget idle cameras and old frames
       │  ├─ demand: tell cameras that the demand has changed, if that of many cameras has changed at once
       │  ├─ notices: send the rest of the viewers a notice that is for many of them
       │  ├─ access: read the rules again when they change, and end the access that is over
       │  ├─ history: record cameras on disk, if a folder is given
       │  ├─ cluster: keep in step with the engine, if there is one
       │  ├─ links: show the cameras of other servers, and fetch what viewers here watch
       │  ├─ node connections: close connections to other servers that no request needs any more
       │  ├─ exports: write recordings into archives that somebody has asked for
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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

import trio

from skysentry_trio._version import __version__
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.access.phone_code import PhoneCode
from skysentry_trio.server.access.records import KeyRecord
from skysentry_trio.server.access.start import prepare_access
from skysentry_trio.server.garbage import Collections
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.cluster_metrics import alone
from skysentry_trio.server.listening import (
    load_certificate,
    open_listeners,
    open_redirecting,
    port_of,
    prepare_own_certificate,
    url_of,
)
from skysentry_trio.server.parts import Parts, describe_cluster, open_recordings, prepare_membership, prepare_phones
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.janitor import keep_tidy
from skysentry_trio.server.routing import create_redirect_router, create_router
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.supervisor import supervise
from skysentry_trio.server.transport.certificate import Certificate
from skysentry_trio.server.transport.peer_address import PeerAddress
from skysentry_trio.server.transport.systemd import Notifier
from skysentry_trio.wire.hosts import HostRule

if TYPE_CHECKING:
    from skysentry_trio.server.cluster.start import Membership
    from skysentry_trio.server.history.history import History

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
    own = prepare_own_certificate(settings)
    certificate = load_certificate(settings) if own is None else own.load()
    listeners = await open_listeners(settings, sockets)
    redirecting = await open_redirecting(settings)
    setup = prepare_access(settings, [listener.socket.getsockname() for listener in listeners], own_keys)
    hub, shutdown = Hub(settings), Shutdown(settings.shutdown_grace)
    history, exports = open_recordings(settings, hub)
    urls = [url_of(listener, is_tls=certificate is not None) for listener in listeners]
    port = port_of(listeners, settings)
    membership = prepare_membership(settings, hub, urls)
    parts = Parts(
        hub,
        setup,
        Health(shutdown),
        history=history,
        exports=exports,
        cluster=None if membership is None else membership.node,
        read_cluster=alone if membership is None else partial(describe_cluster, membership),
        phone=prepare_phones(settings, phone_code, urls, port),
    )
    router = create_router(parts)
    listening = [PeerAddress.of_this_side(listener.socket).host for listener in listeners]
    router.host_rule = HostRule.of(settings.host, listening, settings.allowed_hosts)
    router.certificate = certificate
    redirect_router = create_redirect_router(router, port, explains=settings.tls_self_signed)
    async with _closing(history), trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, shutdown)
        services: dict[str, Callable[[], Awaitable[None]]] = {
            "janitor": partial(keep_tidy, hub),
            "demand": hub.report_demand,
            "notices": hub.send_notices,
            "access": setup.watcher.run,
            "push sessions": parts.push_sessions.run,
            "garbage collection": Collections(router.log, lambda: len(hub.cameras)).run,
            "loop monitor": parts.loop.run,
        }
        if certificate is not None:
            await nursery.start(_reload_on_signal, certificate)
            services["certificate"] = certificate.run
            if own is not None:
                services["own certificate"] = partial(own.renew, certificate)
        services |= _optional_services(parts, membership, notifier)
        for name, service in services.items():
            nursery.start_soon(supervise, name, service, parts.health)
        await _wait_for_cluster(membership)
        async with trio.open_nursery() as connections:
            connections.start_soon(parts.websockets.run)
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


async def _wait_for_cluster(membership: Membership | None) -> None:
    if membership is not None:
        await membership.wait_until_settled()


async def _leave_cluster(membership: Membership | None) -> None:
    if membership is not None:
        await membership.session.leave()


def _optional_services(
    parts: Parts, membership: Membership | None, notifier: Notifier
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return the services that not every server has."""
    services: dict[str, Callable[[], Awaitable[None]]] = {}
    if parts.history is not None and parts.exports is not None:
        services |= {"history": partial(parts.history.run, parts.health), "exports": parts.exports.run}
    if membership is not None:
        services["cluster"] = partial(membership.session.run, parts.health)
        services["links"] = membership.node.mirrors.run
        services["node connections"] = membership.node.requests.run
    if notifier.watchdog_interval is not None:
        services["watchdog"] = partial(_feed_watchdog, notifier, notifier.watchdog_interval)
    return services


@asynccontextmanager
async def _closing(history: History | None) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if history is not None:
            await history.close()


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
