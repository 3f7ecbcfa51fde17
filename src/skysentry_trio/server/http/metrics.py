"""``/metrics``: all counts, for Prometheus and what reads its formats."""

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
        hub: where the cameras, their frames and the latencies are.
        health: of the process.
        connections: counted by the router.
        loop: how late the event loop is.
    """
    # One of our own: whoever embeds the server has theirs.
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
            # A family of hundreds of cameras takes a millisecond: others have their turn in between.
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
    """A registry of one family."""

    _family: Metric

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def _negotiate(accept: str) -> tuple[Callable[[_One], bytes], str]:
    """Choose the text format, or OpenMetrics for those that ask for it."""
    try:
        return choose_encoder(accept if accept.isascii() else "")
    except (TypeError, ValueError):
        # The version asked for is none.
        return choose_encoder("")
