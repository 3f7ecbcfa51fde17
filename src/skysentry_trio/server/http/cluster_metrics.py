"""Metrics of the cluster: the engine, the nodes, and who has had which camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.metrics_core import Metric


@frozen
class ClusterFigures:
    """What a node knows of its cluster; zeros for a server alone."""

    engine_up: bool = False
    nodes: int = 0
    cameras: int = 0
    joins: int = 0
    claims_alone: int = 0
    lost: int = 0


def alone() -> ClusterFigures:
    """Return the figures of a server that belongs to no cluster."""
    return ClusterFigures()


@frozen
class ClusterCollector:
    """Reads the figures at scrape time."""

    _read: Callable[[], ClusterFigures]

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        figures = self._read()
        yield GaugeFamily(
            "skysentry_cluster_engine_up", "Whether the engine of the cluster answers.", figures.engine_up
        )
        yield GaugeFamily("skysentry_cluster_nodes", "Servers of the cluster that this one knows.", figures.nodes)
        yield GaugeFamily("skysentry_cluster_cameras", "Cameras of all servers that this one knows.", figures.cameras)
        yield CounterFamily("skysentry_cluster_joins", "Times that this server has joined the cluster.", figures.joins)
        yield CounterFamily(
            "skysentry_cluster_claims_alone", "Cameras taken without the answer of the engine.", figures.claims_alone
        )
        yield CounterFamily(
            "skysentry_cluster_lost_cameras", "Cameras that have connected to another server.", figures.lost
        )
