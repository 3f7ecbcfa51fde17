"""``/metrics``: all counters, for Prometheus and for other programs that read the formats of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from attrs import frozen
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry
from quart import Blueprint, Response, request

from skysentry_trio.server.health import Health
from skysentry_trio.server.http.metric_families import CameraCollector, ServerCollector
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.connection_log import ConnectionLog

_END = b"# EOF\n"


def create_metrics(hub: Hub, health: Health, connections: ConnectionLog, loop: LoopMonitor) -> Blueprint:
    """Return the route ``/metrics``.

    Args:
        hub: of the server.
        health: state of the process.
        connections: counted by the router.
        loop: measures the delay of the event loop.
    """
    # This is a separate registry, because the default registry belongs to the program that embeds the server.
    registry = CollectorRegistry()
    registry.register(ServerCollector(hub, health, connections, loop))
    registry.register(CameraCollector(hub))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    async def get_metrics() -> Response:
        encode, content_type = _negotiate(request.headers.get("Accept", ""))
        pieces = []
        for family in registry.collect():
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
