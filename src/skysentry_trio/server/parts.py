"""The parts of a server that answer its clients, as the settings say; the daemon runs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from skysentry_trio.base.state_folder import AUTHORITY, TLS_FOLDER
from skysentry_trio.server.access.phone_code import PhoneCode
from skysentry_trio.server.access.start import AccessSetup, state_folder
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.cluster_metrics import ClusterFigures, alone
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.phone import NO_PHONE, PhoneSetup
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.websocket import WebSocketLimits, WebSockets
from skysentry_trio.wire.envelope import MAX_HEADER_LENGTH
from skysentry_trio.wire.messages import MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from skysentry_trio.server.cluster.node import ClusterNode
    from skysentry_trio.server.cluster.start import Membership
    from skysentry_trio.server.history.history import History


@frozen
class Parts:
    """What answers the clients of a server."""

    hub: Hub
    setup: AccessSetup
    """The rules, and what changes them."""
    health: Health = field(factory=Health)
    loop: LoopMonitor = field(factory=LoopMonitor)
    websockets: WebSockets = field()
    push_sessions: PushSessions = field()
    history: History | None = None
    """None for a server that records nothing."""
    exports: ExportJobs | None = None
    """Of the recordings."""
    cluster: ClusterNode | None = None
    """None for a server that is alone."""
    read_cluster: Callable[[], ClusterFigures] = alone
    """Returns the figures of the cluster, for metrics."""
    phone: PhoneSetup = NO_PHONE

    @websockets.default
    def _make_websockets(self) -> WebSockets:
        return WebSockets(_websocket_limits(self.settings), self.health.shutdown)

    @push_sessions.default
    def _make_push_sessions(self) -> PushSessions:
        return PushSessions(self.hub, self.setup.access.sessions)

    @property
    def settings(self) -> Settings:
        """The settings of the server."""
        return self.hub.settings

    @property
    def authority_file(self) -> Path | None:
        """What devices have to trust; None if the server does not make its certificate itself."""
        settings = self.settings
        return state_folder(settings) / TLS_FOLDER / AUTHORITY if settings.tls_self_signed else None


def _websocket_limits(settings: Settings) -> WebSocketLimits:
    return WebSocketLimits(
        max_message_size=max(settings.max_frame_size + MAX_HEADER_LENGTH + 2, MAX_TEXT_LENGTH),
        handshake_timeout=settings.handshake_timeout,
        ping_interval=settings.ping_interval,
        ping_timeout=settings.ping_timeout,
        close_timeout=min(settings.shutdown_grace, 2.0),
    )


def open_recordings(settings: Settings, hub: Hub) -> tuple[History | None, ExportJobs | None]:
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


def prepare_membership(settings: Settings, hub: Hub, urls: Sequence[str]) -> Membership | None:
    """Return the membership in the cluster that the settings name; None if they name none.

    Raises:
        ConfigurationError: the library is missing, or no other server could reach this one.
    """
    if not settings.cluster:
        return None
    # Imported here, because most servers are alone.
    from skysentry_trio.server.cluster.start import join_cluster  # noqa: PLC0415

    return join_cluster(settings, hub, urls)


def describe_cluster(membership: Membership) -> ClusterFigures:
    """Return what the server knows of its cluster, for its metrics."""
    directory, session = membership.directory, membership.session
    nodes, cameras = len(directory.nodes()), len(directory.cameras())
    return ClusterFigures(
        session.is_connected, nodes, cameras, session.sessions, directory.claims_alone, directory.lost
    )


def prepare_phones(settings: Settings, code: PhoneCode | None, urls: Sequence[str], port: int) -> PhoneSetup:
    """Return what the server knows of phones; its code gets the addresses at which the server listens."""
    if code is not None:
        code.urls = urls
    return PhoneSetup(code, port if settings.is_tls else None, settings.tls_self_signed)
