"""``/metrics``: all counters, for Prometheus and for other programs that read the formats of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import TYPE_CHECKING

import trio
from attrs import frozen
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry
from quart import Blueprint, Response, request

from skysentry_trio.base.principal import Action
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.cluster_metrics import ClusterCollector, ClusterFigures, alone
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.history_metrics import HistoryCollector, RecordedCamerasCollector
from skysentry_trio.server.http.link_metrics import LinkCollector, ListLinks, list_no_links
from skysentry_trio.server.http.metric_families import CameraCollector, ServerCollector
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.connection_log import ConnectionLog

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History

_END = b"# EOF\n"


def create_metrics(
    hub: Hub,
    current_hub: CurrentHub,
    health: Health,
    connections: ConnectionLog,
    loop: LoopMonitor,
    *,
    history: History | None = None,
    exports: ExportJobs | None = None,
    list_links: ListLinks = list_no_links,
    read_cluster: Callable[[], ClusterFigures] = alone,
) -> Blueprint:
    """Return the route ``/metrics``.

    Args:
        hub: of the server.
        current_hub: returns the hub, limited to what the principal of the current request may see.
        health: state of the process.
        connections: counted by the router.
        loop: measures the delay of the event loop.
        history: the recordings; None for a server that records nothing.
        exports: of the recordings; None for a server that records nothing.
        list_links: returns the links to other servers.
        read_cluster: returns what this server knows of its cluster.
    """
    # This is a separate registry, because the default registry belongs to the program that embeds the server.
    registry = CollectorRegistry()
    registry.register(ServerCollector(hub, health, connections, loop))
    registry.register(HistoryCollector(history, exports))
    registry.register(LinkCollector(list_links))
    registry.register(ClusterCollector(read_cluster))
    all_cameras = CameraCollector(hub)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    async def get_metrics() -> Response:
        encode, content_type = _negotiate(request.headers.get("Accept", ""))
        pieces = []
        scoped_hub = current_hub()
        scoped_hub.require(Action.METRICS)
        sees_all = scoped_hub.principal.rights.allow_all(Action.METRICS)
        cameras = all_cameras if sees_all else CameraCollector(_ScopedCameras(scoped_hub))
        recorded = RecordedCamerasCollector(
            history, lambda camera_id: scoped_hub.principal.rights.allow(Action.METRICS, camera_id)
        )
        for family in chain(registry.collect(), cameras.collect(), recorded.collect()):
            # A family of hundreds of cameras takes a millisecond, so yield to the scheduler after each family.
            pieces.append(encode(_One(family)).removesuffix(_END))
            await trio.lowlevel.checkpoint()
        if content_type.startswith("application/openmetrics-text"):
            pieces.append(_END)
        response = Response(b"".join(pieces), content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Accept")
        return response

    return metrics


@frozen
class _ScopedCameras:
    """The cameras whose counters a principal may read."""

    _hub: ScopedHub

    @property
    def cameras(self) -> Collection[HubCamera]:
        return self._hub.cameras_for(Action.METRICS)

    def connected_viewer_count(self, camera_id: str) -> int:
        return self._hub.connected_viewer_count(camera_id)


@frozen
class _One:
    """A registry with one family."""

    _family: Metric

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def _negotiate(accept: str) -> tuple[Callable[[_One], bytes], str]:
    """Return encoder and content type: of OpenMetrics if the client asks for it, otherwise of the text format."""
    try:
        return choose_encoder(accept if accept.isascii() else "")
    except (TypeError, ValueError):
        # The requested version is invalid.
        return choose_encoder("")
